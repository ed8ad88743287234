package compare_test

import (
	"testing"
	"time"

	"llmtap/internal/call"
)

// TestWhatCountsAgainstAMode: every class in the shape S fails, P works, S
// fails. What names another cause is no evidence.
func TestWhatCountsAgainstAMode(t *testing.T) {
	counts := map[call.Class]bool{
		call.ClassNonAPIResponse: true, call.ClassStreamUnsupported: true, call.ClassPlainUnsupported: true,
		call.ClassAuthRejected: true, call.ClassGatewayErrorOpaque: true, call.ClassProviderError: true,
		call.ClassRequestRejected: true, call.ClassFramingInvalid: true, call.ClassErrorInBody: true,
		call.ClassStreamUnrequested: true, call.ClassStreamDowngraded: true, call.ClassPlainBodyInvalid: true,
		call.ClassContentTypeMismatch: true, call.ClassErrorInStream: true, call.ClassStreamTruncated: true,
		call.ClassEmptyStream: true, call.ClassStreamIncomplete: true, call.ClassSSEMalformed: true,
		call.ClassUncleanClose: true, call.ClassToolDeltaMalformed: true, call.ClassStreamBuffered: true,
		call.ClassStreamStalled: true, call.ClassHangAfterDone: true, call.ClassDuplicateOutput: true,
		call.ClassParameterUnsupported: true, // with no name of the parameter there is nothing to look for
	}
	for _, class := range call.Classes() {
		status := 400
		if class >= call.ClassFramingInvalid && class != call.ClassFailedBeforeCall {
			status = 200
		}
		fail := failsWith(class, status, "")
		if class == call.ClassOK {
			fail = func(r *call.Record) { fails(r); r.Diagnosis = call.Diagnosis{Class: call.ClassOK} }
		}
		if got := told(one{stream, fail}, one{}, one{stream, fail}).states(streamOnly); got != saidIf(counts[class]) {
			t.Errorf("%v: %q, want %q", class, got, saidIf(counts[class]))
		}
	}
}

// saidIf is what the window says of two failures around a success.
func saidIf(counts bool) string {
	if counts {
		return "confirmed"
	}
	return ""
}

func TestReasonsThatDoNotCount(t *testing.T) {
	with := func(fail option, options ...option) option {
		return func(r *call.Record) {
			fail(r)
			for _, o := range options {
				o(r)
			}
		}
	}
	lasting := func(seconds float64) option {
		return func(r *call.Record) {
			r.Timing.End = r.Identity.Start.Add(time.Duration(seconds * float64(time.Second)))
		}
	}
	truncated := failsWith(call.ClassStreamTruncated, 200, "")
	for name, tc := range map[string]struct {
		fail option
		want bool
	}{
		"context length":              {failsWith(call.ClassRequestRejected, 400, "context_length"), false},
		"too large":                   {failsWith(call.ClassRequestRejected, 413, "too_large"), false},
		"rejected for another reason": {failsWith(call.ClassRequestRejected, 400, "invalid"), true},
		"rate limit in the stream":    {failsWith(call.ClassErrorInStream, 200, "rate_limited"), false},
		"length in the stream":        {failsWith(call.ClassErrorInStream, 200, "context_length"), false},
		"filter in the stream":        {failsWith(call.ClassErrorInStream, 200, "content_filter"), false},
		"error in the stream":         {failsWith(call.ClassErrorInStream, 200, "server_error"), true},
		"refused in the stream":       {failsWith(call.ClassErrorInStream, 200, "stream_refused"), true},
		"refused with tools":          {with(failsWith(call.ClassErrorInStream, 200, "stream_refused"), keys("tools")), false},
		"combination":                 {failsWith(call.ClassStreamUnsupported, 400, "combination"), false},
		"wrong key":                   {failsWith(call.ClassAuthRejected, 401, "key"), false},
		"no right to stream":          {failsWith(call.ClassAuthRejected, 403, "stream_permission"), true},
		"cut at a hop's limit":        {with(truncated, lasting(60.2)), false},
		"cut elsewhere":               {with(truncated, lasting(47)), true},
	} {
		if got := told(one{stream, tc.fail}, one{}, one{stream, tc.fail}).states(streamOnly); got != saidIf(tc.want) {
			t.Errorf("%s: %q, want %q", name, got, saidIf(tc.want))
		}
	}
}

// TestConfounders: every member that may be refused together with streaming
// keeps the verdict suspected until a plain success has it too.
func TestConfounders(t *testing.T) {
	param := func(name, value string) option {
		return func(r *call.Record) {
			keys(name)(r)
			r.Request.Params = append(r.Request.Params, call.Param{Name: name, Value: value})
		}
	}
	for _, tc := range []struct {
		name string
		has  option
		want string
	}{
		{"tools", keys("tools"), "tools"},
		{"functions", keys("functions"), "functions"},
		{"response_format", keys("response_format"), "response_format"},
		{"logprobs", keys("logprobs"), "logprobs"},
		{"top_logprobs", keys("top_logprobs"), "logprobs"},
		{"logprobs said to be off", param("logprobs", "false"), ""},
		{"modalities", keys("modalities"), "modalities"},
		{"reasoning_effort", keys("reasoning_effort"), "reasoning"},
		{"two choices", param("n", "2"), "n"},
		{"one choice", param("n", "1"), ""},
		{"stream_options is none", keys("stream_options"), ""},
		{"temperature is none", keys("temperature"), ""},
	} {
		want := "suspected, confirmed"
		if tc.want != "" {
			want = "suspected (" + tc.want + ")"
		}
		if got := told(one{}, one{stream, fails, tc.has}, one{stream, fails, tc.has}, one{}).states(streamOnly); got != want {
			t.Errorf("%s: %q, want %q", tc.name, got, want)
		}
		if got := told(one{tc.has}, one{stream, fails, tc.has}, one{stream, fails, tc.has}, one{tc.has}).states(streamOnly); got != "suspected, confirmed" {
			t.Errorf("%s in both modes: %q", tc.name, got)
		}
	}
	one1 := told(one{}, one{stream, fails, keys("tools")}, one{stream, fails}, one{})
	if got := one1.states(streamOnly); got != "suspected, confirmed" {
		t.Errorf("only one of the failures has it: %q", got)
	}
}

// TestWhoWroteTheError: without any plain call only a foreign hand is
// suspected of refusing streams.
func TestWhoWroteTheError(t *testing.T) {
	azure := func(r *call.Record) {
		r.Response.Headers = []call.Header{{Name: "x-ms-region", Value: "West Europe"}}
	}
	shaped := func(s call.ErrorShape) option {
		return func(r *call.Record) {
			failsWith(call.ClassRequestRejected, 400, "invalid")(r)
			r.Response.Error.Shape = s
		}
	}
	own := failsWith(call.ClassProviderError, 500, "internal")
	for name, tc := range map[string]struct {
		before []one
		fail   []option
		want   string
	}{
		"gateway":                    {nil, []option{stream, fails}, "suspected"},
		"service":                    {nil, []option{stream, own}, ""},
		"marked as Azure's":          {nil, []option{stream, shaped(call.ShapeAPIM), azure}, ""},
		"apim without marks":         {nil, []option{stream, shaped(call.ShapeAPIM)}, "suspected"},
		"html":                       {nil, []option{stream, shaped(call.ShapeHTML)}, "suspected"},
		"openai":                     {nil, []option{stream, shaped(call.ShapeOpenAI)}, ""},
		"bare":                       {nil, []option{stream, shaped(call.ShapeBare)}, "suspected"},
		"foreign by its tag":         {nil, []option{stream, shaped(call.ShapeOpenAI), func(r *call.Record) { r.Diagnosis.Tags = []string{"foreign_4xx"} }}, "suspected"},
		"successes carry the marks":  {[]one{{azure, stream}}, []option{stream, own}, "suspected"},
		"and so does the failure":    {[]one{{azure, stream}}, []option{stream, own, azure}, ""},
		"an answer without an error": {nil, []option{stream, failsWith(call.ClassStreamDowngraded, 200, "")}, ""},
	} {
		w := told(append(tc.before, tc.fail, tc.fail)...)
		if got := w.states(streamOnly); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// TestIdleDeadline: the silence, not the length, is cut; a longer silence that
// ended well closes the verdict, a longer call does not.
func TestIdleDeadline(t *testing.T) {
	idle := func(after float64) option {
		return func(r *call.Record) {
			cutAfter(after + 60)(r)
		}
	}
	s := story{now: zero}
	w := watch()
	silent := func(after float64) call.Record {
		r := s.call(idle(after))
		r.Timing.LastByte = r.Identity.Start.Add(time.Duration(after * float64(time.Second)))
		return r
	}
	w.observe(silent(3), silent(40), silent(95))
	if got := w.states("hop_deadline"); got != "confirmed" {
		t.Fatalf("%q", got)
	}
	long := s.call(stream, func(r *call.Record) {
		r.Timing.End = r.Identity.Start.Add(300 * time.Second)
		r.Timing.FirstByte = r.Identity.Start.Add(time.Second)
		r.Stream.MaxGap = 20 * time.Second
	})
	if w.observe(long); w.states("hop_deadline") != "confirmed" {
		t.Errorf("a long call with short silences: %q", w.states("hop_deadline"))
	}
	long.Stream.MaxGap = 70 * time.Second
	long.Identity.ID, long.Identity.Logical = "later", "later"
	if w.observe(long); w.states("hop_deadline") != "confirmed, closed works_again" {
		t.Errorf("a longer silence: %q", w.states("hop_deadline"))
	}
}
