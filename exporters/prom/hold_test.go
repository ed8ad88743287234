package prom_test

import (
	"fmt"
	"testing"
	"time"

	"llmtap/exporters/prom"
	"llmtap/internal/call"
)

// recovered is attempt k of a message that succeeds after all.
func recovered(logical string, k int) call.Record {
	r := failure(logical, k)
	good := direct(k)
	r.Response, r.Diagnosis = good.Response, good.Diagnosis
	return r
}

func TestRetryableFailureWaitsForItsWindow(t *testing.T) {
	b := newBench(t, nil)
	b.take(t, failure("m", 1))
	b.want(t, 1, "llmtap_attempts_total", "outcome=error")
	b.want(t, 0, "llmtap_calls_total", "outcome=error")
	b.now = b.now.Add(10*time.Second - time.Nanosecond)
	b.want(t, 0, "llmtap_call_failures_total")
	b.now = b.now.Add(time.Nanosecond)
	b.want(t, 1, "llmtap_calls_total", "outcome=error")
	b.want(t, 1, "llmtap_call_failures_total")
	b.now = b.now.Add(time.Hour)
	b.want(t, 1, "llmtap_calls_total", "outcome=error")
}

func TestRetryThatWorksIsAGoodCall(t *testing.T) {
	b := newBench(t, nil)
	b.take(t, failure("m", 1), recovered("m", 2))
	b.now = b.now.Add(time.Hour)
	b.want(t, 1, "llmtap_calls_total", "outcome=ok")
	b.want(t, 0, "llmtap_calls_total", "outcome=error")
	b.want(t, 1, "llmtap_attempts_total", "attempt=retry", "outcome=ok")
}

func TestAttemptInFlightExtendsTheHold(t *testing.T) {
	b := newBench(t, nil)
	b.take(t, failure("m", 1))
	if err := b.Started(t.Context(), failure("m", 2)); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(3 * time.Minute) // a slow answer
	b.want(t, 0, "llmtap_calls_total", "outcome=error")
	b.take(t, recovered("m", 2))
	b.want(t, 1, "llmtap_calls_total", "outcome=ok")
	b.want(t, 0, "llmtap_calls_total", "outcome=error")
}

func TestLostRetryStillCountsTheCall(t *testing.T) {
	b := newBench(t, nil)
	b.take(t, failure("m", 1))
	if err := b.Started(t.Context(), failure("m", 2)); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(2 * time.Hour) // its record was dropped
	b.want(t, 1, "llmtap_calls_total", "outcome=error")
}

func TestRecordsOfOneCallInWrongOrder(t *testing.T) {
	b := newBench(t, nil)
	if err := b.Started(t.Context(), failure("m", 2)); err != nil {
		t.Fatal(err)
	}
	b.take(t, failure("m", 1)) // sealed after the retry began
	b.now = b.now.Add(time.Minute)
	b.want(t, 0, "llmtap_calls_total", "outcome=error")
	b.take(t, recovered("m", 2), failure("m", 1))
	b.now = b.now.Add(2 * time.Hour)
	b.want(t, 1, "llmtap_calls_total", "outcome=ok")
	b.want(t, 0, "llmtap_calls_total", "outcome=error")
}

func TestWhatIsHeldAndForHowLong(t *testing.T) {
	header := func(name, value string) func(*call.Record) {
		return func(r *call.Record) {
			r.Response.Headers = append(r.Response.Headers, call.Header{Name: name, Value: value})
		}
	}
	curl := func(r *call.Record) {
		r.Client = call.Client{Kind: call.ClientDirect, Name: "curl"}
		r.Request.Hints = call.RequestHints{}
	}
	for name, tc := range map[string]struct {
		change func(*call.Record)
		want   time.Duration // 0: counted at once
	}{
		"SDK":                    {func(r *call.Record) { r.Request.Hints.RetryCount = "" }, 10 * time.Second},
		"retry header of anyone": {func(r *call.Record) { r.Client.SDK = "" }, 10 * time.Second},
		"invocation id": {func(r *call.Record) {
			r.Client.SDK, r.Request.Hints = "", call.RequestHints{InvocationID: "x"}
		}, 10 * time.Second},
		"curl":                    {curl, 0},
		"not retryable":           {func(r *call.Record) { r.Response.Status = 400 }, 0},
		"retry forbidden":         {header("x-should-retry", "false"), 0},
		"retry-after":             {header("retry-after", "30"), 32 * time.Second},
		"retry-after is shorter":  {header("retry-after", "1"), 10 * time.Second},
		"retry-after of a day":    {header("retry-after", "86400"), 120 * time.Second},
		"retry-after is nonsense": {header("retry-after", "soon"), 10 * time.Second},
		"no logical call":         {func(r *call.Record) { r.Identity.Logical = "" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			r := failure("m", 1)
			tc.change(&r)
			b.take(t, r)
			if tc.want > 0 {
				b.now = b.now.Add(tc.want - time.Millisecond)
				b.want(t, 0, "llmtap_calls_total", "outcome=error")
				b.now = b.now.Add(time.Millisecond)
			}
			b.want(t, 1, "llmtap_calls_total", "outcome=error")
		})
	}
}

func TestWindowGrowsWithTheGap(t *testing.T) {
	b := newBench(t, nil)
	first, second := failure("m", 1), failure("m", 2)
	second.Identity.Start = first.Timing.End.Add(8 * time.Second)
	second.Timing.End = second.Identity.Start.Add(time.Second)
	b.take(t, first, second)
	b.now = b.now.Add(31 * time.Second)
	b.want(t, 0, "llmtap_calls_total", "outcome=error")
	b.now = b.now.Add(time.Second) // 4 × the gap
	b.want(t, 1, "llmtap_calls_total", "outcome=error")
}

func TestLateRetryIsNotASecondFailure(t *testing.T) {
	b := newBench(t, nil)
	b.take(t, failure("m", 1))
	b.now = b.now.Add(time.Minute)
	b.want(t, 1, "llmtap_calls_total", "outcome=error")
	b.take(t, failure("m", 2))
	b.now = b.now.Add(time.Minute)
	b.want(t, 1, "llmtap_calls_total", "outcome=error")
	b.take(t, recovered("m", 3))
	b.want(t, 1, "llmtap_calls_total", "outcome=ok")
}

func TestCloseReleasesWhatIsHeld(t *testing.T) {
	b := newBench(t, nil)
	for i := range 5 {
		b.take(t, failure(fmt.Sprint("m", i), 1))
	}
	b.want(t, 0, "llmtap_calls_total", "outcome=error")
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want(t, 5, "llmtap_calls_total", "outcome=error")
}

func TestHoldsAreBounded(t *testing.T) {
	b := newBench(t, nil)
	for i := range 3000 {
		b.take(t, failure(fmt.Sprint("m", i), 1))
	}
	if got := b.value(t, "llmtap_calls_total", "outcome=error"); got < 1900 || got > 3000-1000 {
		t.Errorf("%v of 3000 held calls counted, want all but the newest 1024", got)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want(t, 3000, "llmtap_calls_total", "outcome=error")
}

func TestFailureWithoutRequestIsACallNotAnAttempt(t *testing.T) {
	b := newBench(t, nil)
	b.take(t, call.Record{
		Target: call.Target{Host: "x.openai.azure.com", Port: 443}, End: call.End{Side: call.SideClient, Kind: call.EndTLS},
		Diagnosis: call.Diagnosis{Class: call.ClassTLSUntrusted, Severity: call.SeverityError, Fault: call.FaultAgent},
	})
	b.want(t, 1, "llmtap_call_failures_total", "failure_class=tls_untrusted", "gen_ai_request_model=unknown")
	for _, m := range []string{"llmtap_attempts_total", "gen_ai_client_inference_duration_seconds", "gen_ai_client_operation_duration_seconds"} {
		b.want(t, 0, m)
	}
}

func TestStartNoticePreCreatesSeries(t *testing.T) {
	b := newBench(t, func(c *prom.Config) { c.Retries = nil })
	r := failure("m", 1)
	r.Response, r.Diagnosis = call.Response{}, call.Diagnosis{}
	if err := b.Started(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"llmtap_calls_total", "llmtap_attempts_total"} {
		sum, n := b.sum(t, m, "gen_ai_request_model=gpt4")
		if sum != 0 || n != 3 {
			t.Errorf("%s: %d series, sum %v, want the three outcomes at 0", m, n, sum)
		}
	}
}
