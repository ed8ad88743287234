package prom_test

import (
	"fmt"
	"testing"
	"time"

	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

func (b *bench) find(t *testing.T, f call.Finding) {
	t.Helper()
	if err := b.Finding(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func TestVerdictFromSuspectedToForgotten(t *testing.T) {
	b := newBench(t, nil)
	f := sinktest.Finding(1, "suspected")
	f.Client.Name, f.Client.Version = "jupyter-ai", "2.29.0"
	b.find(t, f)
	b.find(t, f) // an update
	b.want(t, 1, "llmtap_verdict", "state=suspected", "client_name=jupyter-ai", "client_version=2.29.0", "gen_ai_request_model=gpt4")
	f.State = "confirmed"
	b.find(t, f)
	b.want(t, 0, "llmtap_verdict", "state=suspected")
	b.want(t, 1, "llmtap_verdict", "state=confirmed")
	f.State = "closed"
	b.find(t, f)
	b.find(t, f)
	if sum, n := b.sum(t, "llmtap_verdict"); sum != 0 || n != 2 {
		t.Errorf("%d series, sum %v, want both states at 0", n, sum)
	}
	b.now = b.now.Add(6 * time.Hour)
	if _, n := b.sum(t, "llmtap_verdict"); n != 0 {
		t.Errorf("%d series 6 h after closing, want none", n)
	}
}

func TestVerdictStaysOpenWhileOneFindingIs(t *testing.T) {
	b := newBench(t, nil)
	one, two := sinktest.Finding(1, "confirmed"), sinktest.Finding(2, "confirmed")
	b.find(t, one)
	b.find(t, two)
	one.State = "closed"
	b.find(t, one)
	b.want(t, 1, "llmtap_verdict", "state=confirmed")
	two.State = "closed"
	b.find(t, two)
	b.want(t, 0, "llmtap_verdict", "state=confirmed")
}

func TestVerdictLabelsThatDoNotApplyAreEmpty(t *testing.T) {
	b := newBench(t, nil)
	f := sinktest.Finding(1, "confirmed")
	f.Verdict, f.Target = "hop_deadline", call.Target{Host: "x.openai.azure.com"}
	b.find(t, f)
	b.want(t, 1, "llmtap_verdict", "verdict=hop_deadline", "gen_ai_request_model=", "client_name=", "client_version=")
}

func TestVerdictSeriesAreBounded(t *testing.T) {
	b := newBench(t, nil)
	for i := range 3000 {
		f := sinktest.Finding(i, "confirmed")
		f.Target.Model = fmt.Sprint("m", i%60)
		f.Target.Host = fmt.Sprint("h", i%23)
		b.find(t, f)
	}
	if _, n := b.sum(t, "llmtap_verdict"); n > 512 {
		t.Errorf("%d verdict series, want ≤ 512", n)
	}
}

func TestStreamSupport(t *testing.T) {
	streamed := func(class call.Class, reason string) call.Record {
		r := failure("", 1)
		r.Response.Status = 400
		r.Diagnosis = call.Diagnosis{Class: class, Reason: reason, Severity: call.SeverityError}
		return r
	}
	cancelled := sinktest.Record(3)
	cancelled.Diagnosis = call.Diagnosis{Class: call.ClassClientCancelled, Severity: call.SeverityInfo}
	wrongKey := streamed(call.ClassAuthRejected, "key")
	wrongKey.Response.Status = 401
	open, closed := sinktest.Finding(1, "suspected"), sinktest.Finding(1, "closed")
	b := newBench(t, nil)
	changes := 0.0
	for i, step := range []struct {
		name   string
		do     func()
		want   float64
		change bool
	}{
		{"plain call says nothing", func() { b.take(t, direct(1)) }, 0, false},
		{"stream works", func() { b.take(t, sinktest.Record(20)) }, 1, true},
		{"rate limit says nothing", func() { b.take(t, streamed(call.ClassRateLimited, "")) }, 1, false},
		{"wrong key says nothing", func() { b.take(t, wrongKey) }, 1, false},
		{"combination refused says nothing", func() { b.take(t, streamed(call.ClassStreamUnsupported, "combination")) }, 1, false},
		{"opaque failure: unknown again", func() { b.take(t, streamed(call.ClassGatewayErrorOpaque, "")) }, 0, true},
		{"verdict opens", func() { b.find(t, open) }, 2, true},
		{"verdict updates", func() { b.find(t, open) }, 2, false},
		{"refused in words wins", func() { b.take(t, streamed(call.ClassStreamUnsupported, "account")) }, 3, true},
		{"other failures keep the refusal", func() { b.take(t, streamed(call.ClassGatewayErrorOpaque, "")) }, 3, false},
		{"success ends the refusal, not the verdict", func() { b.take(t, sinktest.Record(21)) }, 2, true},
		{"verdict closes", func() { b.find(t, closed) }, 1, true},
		{"user stopped reading", func() { b.take(t, cancelled) }, 1, false},
	} {
		step.do()
		if step.change {
			changes++
		}
		if got := b.value(t, "llmtap_stream_support"); got != step.want {
			t.Errorf("step %d, %s: support %v, want %v", i, step.name, got, step.want)
		}
		if got := b.value(t, "llmtap_stream_support_changes_total"); got != changes {
			t.Errorf("step %d, %s: %v changes, want %v", i, step.name, got, changes)
		}
	}
}

func TestFindingsCountPrimaryAndSecondary(t *testing.T) {
	b := newBench(t, nil)
	r := sinktest.Record(1)
	r.Diagnosis = call.Diagnosis{
		Class: call.ClassStreamBuffered, Severity: call.SeverityWarn,
		Tags: []string{"stream_buffered", "stream_stalled", "stream_stalled", "usage_missing", "gateway_timeout"},
	}
	b.take(t, r, sinktest.Record(2))
	b.want(t, 1, "llmtap_call_findings_total", "failure_class=stream_buffered", "severity=warn", "gen_ai_request_stream=true")
	b.want(t, 1, "llmtap_call_findings_total", "failure_class=stream_stalled", "severity=warn")
	b.want(t, 2, "llmtap_call_findings_total")
	b.want(t, 2, "llmtap_calls_total", "outcome=ok")
}
