package compare_test

import (
	"slices"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// one is a call of the story at hand.
type one []option

func told(calls ...one) *watched {
	s := story{now: zero}
	w := watch()
	for _, options := range calls {
		w.observe(s.call(options...))
	}
	return w
}

func direct(r *call.Record) {
	r.Client = call.Client{Name: "curl", Version: "8.0", Kind: call.ClientDirect, Address: "10.0.0.8"}
	r.Request.Keys = []string{"messages"}
	r.Request.StreamFlag = call.StreamAbsent
}

func from(address string) option { return func(r *call.Record) { r.Client.Address = address } }

func rejected(r *call.Record) {
	failsWith(call.ClassRequestRejected, 400, "invalid")(r)
	r.Response.Error.Message = "messages: expected a list"
}

func TestVerdictsOnSides(t *testing.T) {
	const (
		framework = "framework_only_failure"
		model     = "model_or_deployment_specific"
		path      = "network_path_specific"
	)
	for _, tc := range []struct {
		name    string
		calls   []one
		verdict string
		want    string
	}{
		{"v-framework", []one{{fails}, {direct}, {fails}}, framework, "confirmed"},
		{"framework: it works again", []one{{fails}, {direct}, {fails}, {}}, framework, "confirmed, closed works_again"},
		{"framework: the other fails alike", []one{{fails}, {direct}, {fails}, {direct, fails}}, framework, "confirmed, closed refuted"},
		{"framework: the other failed alike before", []one{{direct, fails}, {fails}, {direct}, {fails}}, framework, ""},
		{"framework: no success between", []one{{direct}, {fails}, {fails}, {direct}}, framework, ""},
		{"framework: two ways to fail", []one{{fails}, {direct}, {failsWith(call.ClassProviderError, 503, "overloaded")}}, framework, ""},
		{"framework: a direct call is no framework", []one{{direct, fails}, {}, {direct, fails}}, framework, ""},
		{"framework: other mode", []one{{stream, fails}, {direct}, {stream, fails}}, framework, ""},
		{"framework: rate limits are nobody's habit", []one{{failsWith(call.ClassRateLimited, 429, "rate")}, {direct}, {failsWith(call.ClassRateLimited, 429, "rate")}}, framework, ""},
		{"framework: its own key", []one{{fails, credential("a")}, {direct, credential("b")}, {fails, credential("a")}}, framework, ""},
		{"framework: one user's request", []one{{rejected, from("10.0.0.1")}, {direct}, {rejected, from("10.0.0.1")}}, framework, ""},
		{"framework: two users' requests", []one{{rejected, from("10.0.0.1")}, {direct}, {rejected, from("10.0.0.2")}}, framework, "confirmed"},
		{"framework: wrong path of one client", []one{
			{failsWith(call.ClassEndpointNotFound, 404, "missing_deployments_segment")}, {direct},
			{failsWith(call.ClassEndpointNotFound, 404, "missing_deployments_segment")},
		}, framework, "confirmed"},

		{"v-model", []one{{fails, deployment("one")}, {deployment("two")}, {fails, deployment("one")}}, model, "confirmed"},
		{"model: it works again", []one{{fails, deployment("one")}, {deployment("two")}, {fails, deployment("one")}, {deployment("one")}}, model, "confirmed, closed works_again"},
		{"model: the other fails alike", []one{{fails, deployment("one")}, {fails, deployment("two")}, {deployment("two")}, {fails, deployment("one")}}, model, ""},
		{"model: other credential", []one{{fails, deployment("one"), credential("a")}, {deployment("two"), credential("b")}, {fails, deployment("one"), credential("a")}}, model, ""},
		{"model: other host", []one{
			{fails, deployment("one")}, {deployment("two"), func(r *call.Record) { r.Target.Host = "other.example" }}, {fails, deployment("one")},
		}, model, ""},

		{"v-egress", []one{{fails, egress("192.0.2.1")}, {egress("192.0.2.2")}, {fails, egress("192.0.2.1")}}, path, "confirmed"},
		{"egress: other product", []one{{fails, egress("192.0.2.1")}, {egress("192.0.2.2"), direct}, {fails, egress("192.0.2.1")}}, path, ""},
		{"egress: not known", []one{{fails, egress("")}, {egress("192.0.2.2")}, {fails, egress("")}}, path, ""},
		{"egress: refused parameters are no network's", []one{
			{failsWith(call.ClassParameterUnsupported, 400, ""), egress("192.0.2.1")}, {egress("192.0.2.2")},
			{failsWith(call.ClassParameterUnsupported, 400, ""), egress("192.0.2.1")},
		}, path, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := told(tc.calls...)
			if got := w.states(tc.verdict); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			for _, f := range w.all {
				t.Log(f.Verdict, f.State, f.Text)
			}
		})
	}
}

// TestVersionRegression names the last good and the first bad version.
func TestVersionRegression(t *testing.T) {
	x, y, z := client("jupyter-ai", "2.9.0"), client("jupyter-ai", "2.19.0"), client("jupyter-ai", "2.20.1")
	for _, tc := range []struct {
		name      string
		calls     []one
		good, bad string
	}{
		{"v-version", []one{{x}, {x}, {y, stream, fails}, {y, stream, fails}, {x}}, "2.9.0", "2.19.0"},
		{"the success after comes first in the window of another", []one{{x}, {x}, {y, fails}, {x}, {y, fails}}, "2.9.0", "2.19.0"},
		{"two bad versions", []one{{x}, {x}, {z, fails}, {y, fails}, {y, fails}, {z, fails}, {x}}, "2.9.0", "2.19.0"},
		{"not again", []one{{x}, {x}, {y, fails}, {y, fails}}, "", ""},
		{"one success before", []one{{y, fails}, {y, fails}, {x}}, "", ""},
		{"the new one also works", []one{{x}, {x}, {y, fails}, {y, fails}, {y}, {x}}, "", ""},
		{"the old one fails alike", []one{{x}, {x}, {y, fails}, {y, fails}, {x, fails}, {x}}, "", ""},
		{"the older one fails", []one{{y}, {y}, {x, fails}, {x, fails}, {y}}, "", ""},
		{"other product", []one{{client("curl", "1")}, {client("curl", "1")}, {y, fails}, {y, fails}, {client("curl", "1")}}, "", ""},
		{"no version", []one{{client("jupyter-ai", "")}, {client("jupyter-ai", "")}, {y, fails}, {y, fails}, {client("jupyter-ai", "")}}, "", ""},
		{"another product fails alike", []one{{x}, {x}, {y, fails}, {y, fails}, {direct, fails}, {x}}, "", ""},
		{"one failure", []one{{x}, {x}, {y, fails}, {x}}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var good, bad string
			for _, f := range told(tc.calls...).all {
				if f.Verdict == "version_regression" && f.State == "confirmed" {
					good, bad = f.Difference[0].Working, f.Difference[0].Failing
					t.Log(f.Text)
				}
			}
			if good != tc.good || bad != tc.bad {
				t.Errorf("good %q, bad %q, want %q, %q", good, bad, tc.good, tc.bad)
			}
		})
	}
}

// TestChangedRequest: the verdict on a version names the flag that changed.
func TestChangedRequest(t *testing.T) {
	x, y := client("jupyter-ai", "2.18.1"), client("jupyter-ai", "2.19.0")
	w := told(one{x}, one{x}, one{y, stream, fails, keys("stream_options")}, one{y, stream, fails, keys("stream_options")}, one{x})
	i := slices.IndexFunc(w.all, func(f call.Finding) bool { return f.Verdict == "version_regression" })
	if i < 0 {
		t.Fatal("no verdict")
	}
	want := []call.Change{
		{Path: "client.version", Failing: "2.19.0", Working: "2.18.1"},
		{Path: "body.stream", Failing: "true", Working: "false"},
		{Path: "body.stream_options", Failing: "present", Working: "absent"},
	}
	if got := w.all[i].Difference; !slices.Equal(got, want) {
		t.Errorf("difference %v, want %v", got, want)
	}
	if f := w.all[i]; f.Client.Name != "jupyter-ai" || f.Client.Version != "2.19.0" {
		t.Errorf("client %v", f.Client)
	}
}

// cutAfter breaks a stream after the given seconds.
func cutAfter(seconds float64) option {
	return func(r *call.Record) {
		stream(r)
		r.Stream = call.Stream{Events: 9, ContentEvents: 8}
		r.Timing.End = r.Identity.Start.Add(time.Duration(seconds * float64(time.Second)))
		r.End = call.End{Side: call.SideUpstream, Kind: call.EndShort}
		r.Diagnosis = call.Diagnosis{Class: call.ClassStreamTruncated, Severity: call.SeverityError}
	}
}

func byClient(r *call.Record) {
	r.End.Side, r.End.Kind = call.SideClient, call.EndClosed
	r.Diagnosis.Class = call.ClassClientTimeout
}

func TestHopDeadline(t *testing.T) {
	long := func(seconds float64) option {
		return func(r *call.Record) {
			stream(r)
			r.Timing.End = r.Identity.Start.Add(time.Duration(seconds * float64(time.Second)))
		}
	}
	for _, tc := range []struct {
		name  string
		calls []one
		want  string
	}{
		{"v-hop", []one{{cutAfter(60)}, {cutAfter(60.2)}, {cutAfter(59.9)}}, "confirmed"},
		{"cl-timeout", []one{{cutAfter(60), byClient}, {cutAfter(60), byClient}, {cutAfter(60), byClient}}, "confirmed"},
		{"a limit nobody knows", []one{{cutAfter(45)}, {cutAfter(45.1)}, {cutAfter(44.95)}}, "confirmed"},
		{"spread over one per cent, at a known limit", []one{{cutAfter(59.5)}, {cutAfter(60)}, {cutAfter(60.5)}}, "confirmed"},
		{"spread over one per cent, at no known limit", []one{{cutAfter(44.6)}, {cutAfter(45)}, {cutAfter(45.4)}}, ""},
		{"two cuts", []one{{cutAfter(60)}, {cutAfter(60)}}, ""},
		{"times apart", []one{{cutAfter(20)}, {cutAfter(40)}, {cutAfter(60)}}, ""},
		{"too short", []one{{cutAfter(1)}, {cutAfter(1)}, {cutAfter(1)}}, ""},
		{"two sides", []one{{cutAfter(60)}, {cutAfter(60), byClient}, {cutAfter(60)}}, ""},
		{"two hosts", []one{{cutAfter(60)}, {cutAfter(60)}, {cutAfter(60), func(r *call.Record) { r.Target.Host = "b.example" }}}, ""},
		{"a call lived longer", []one{{cutAfter(60)}, {cutAfter(60)}, {cutAfter(60)}, {long(90)}}, "confirmed, closed works_again"},
		{"a call was as short", []one{{cutAfter(60)}, {cutAfter(60)}, {cutAfter(60)}, {long(30)}}, "confirmed"},
		{"near by accident", []one{{cutAfter(20)}, {cutAfter(40.3)}, {cutAfter(40)}, {cutAfter(40.7)}, {cutAfter(70)}, {cutAfter(11)}, {cutAfter(33)}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := told(tc.calls...)
			if got := w.states("hop_deadline"); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			for _, f := range w.all {
				t.Log(f.Verdict, f.State, f.Text, f.Difference)
			}
		})
	}
}

// TestIntervals: A before B only if A ended before B began.
func TestIntervals(t *testing.T) {
	w := told(one{stream, fails, lasts(0, 10)}, one{lasts(5, 20)}, one{stream, fails, lasts(15, 25)})
	if got := w.states(streamOnly); got != "suspected" {
		t.Errorf("v-overlap: %q, want suspected", got)
	}
	w = told(one{stream, fails, lasts(0, 5)}, one{lasts(5, 15)}, one{stream, fails, lasts(15, 25)})
	if got := w.states(streamOnly); got != "confirmed" {
		t.Errorf("end to end: %q, want confirmed", got)
	}
	// The same three calls, the first of which ended last.
	w = told(one{lasts(6, 8)}, one{stream, fails, lasts(9, 11)}, one{stream, fails, lasts(0, 4)})
	if got := w.states(streamOnly); got != "confirmed" {
		t.Errorf("out of order: %q, want confirmed", got)
	}
}

// TestExpiry: v-expire, with nothing but the time passing.
func TestExpiry(t *testing.T) {
	w := told(one{stream, fails}, one{}, one{stream, fails})
	w.all = append(w.all, w.Advance(zero.Add(23*time.Hour))...)
	if got := w.states(streamOnly); got != "confirmed" {
		t.Errorf("after 23 h: %q", got)
	}
	w.all = append(w.all, w.Advance(zero.Add(25*time.Hour))...)
	if got := w.states(streamOnly); got != "confirmed, closed expired" {
		t.Errorf("after 25 h: %q", got)
	}
	if open := w.Open(); len(open) != 0 {
		t.Errorf("still open: %v", open)
	}
	if st := w.Stats(); st.Calls != 0 || st.Targets != 0 {
		t.Errorf("calls of yesterday are still held: %+v", st)
	}
}

// TestPathChoosesMode: v-path-mode. Where the path asks for the stream, a path
// that is not there is streaming that is not there.
func TestPathChoosesMode(t *testing.T) {
	gemini := func(r *call.Record) {
		r.Target.API, r.Target.Operation, r.Target.Provider = "gemini", "generate_content", "gcp.gemini"
		r.Request.StreamFlag, r.Request.Path = call.StreamAbsent, "/v1beta/models/g:generateContent"
		r.Request.Keys = []string{"contents"}
	}
	missing := func(r *call.Record) {
		failsWith(call.ClassEndpointNotFound, 404, "other")(r)
		r.Request.Mode, r.Request.Path = call.ModeStream, "/v1beta/models/g:streamGenerateContent"
	}
	w := told(one{gemini}, one{gemini, missing}, one{gemini, missing}, one{gemini})
	if got := w.states(streamOnly); got != "suspected, confirmed" {
		t.Errorf("v-path-mode: %q", got)
	}
	if last := w.all[len(w.all)-1]; len(last.Difference) != 1 || last.Difference[0].Path != "request.path" {
		t.Errorf("difference %v, want the path", last.Difference)
	}
	w = told(one{}, one{stream, failsWith(call.ClassEndpointNotFound, 404, "other")}, one{stream, failsWith(call.ClassEndpointNotFound, 404, "other")}, one{})
	if got := w.states(streamOnly); got != "" {
		t.Errorf("a missing path that did not ask for the stream: %q", got)
	}
}

// TestRefusedParameter counts only where a plain success carried it.
func TestRefusedParameter(t *testing.T) {
	refusal := failsWith(call.ClassParameterUnsupported, 400, "")
	named := func(r *call.Record) { refusal(r); r.Response.Error.Param = "max_tokens" }
	calls := func(plain ...option) []one {
		return []one{plain, {stream, named, keys("max_tokens")}, {stream, named, keys("max_tokens")}, plain}
	}
	if got := told(calls()...).states(streamOnly); got != "" {
		t.Errorf("no success has it: %q", got)
	}
	if got := told(calls(keys("max_tokens"))...).states(streamOnly); got != "suspected, confirmed" {
		t.Errorf("a success has it: %q", got)
	}
}

// TestJoinedAttempts: v-resend, v-count-zero, v-no-count and v-fallback, with
// the joiner in front.
func TestJoinedAttempts(t *testing.T) {
	j := compare.NewJoiner(compare.Config{})
	w := watch()
	s := story{now: zero}
	join := func(records ...call.Record) {
		for _, r := range records {
			r.Identity.Logical, r.Identity.Attempt = "", 0
			w.observe(j.Join(r))
		}
	}
	same := func(r *call.Record) { r.Request.Hints.Body = digest("same") }
	join(s.call())
	for _, start := range []float64{100, 100.9, 102.7} {
		join(s.call(stream, fails, same, lasts(start, start+0.1)))
	}
	join(s.call(lasts(120, 121)))
	if got := w.states(streamOnly); got != "confirmed" {
		t.Fatalf("v-no-count: %q", got)
	}
	if f := w.Open()[0]; len(f.Evidence.Failing) != 1 || len(f.Evidence.Working) != 2 {
		t.Errorf("evidence %v, want one logical call against two", f.Evidence)
	}
}

// TestSuperseded: once the mode explains the failures, they are not held
// against the deployment.
func TestSuperseded(t *testing.T) {
	w := told(one{stream, fails, deployment("one")}, one{stream, deployment("two")}, one{stream, fails, deployment("one")}, one{deployment("one")}, one{stream, fails, deployment("one")})
	if got := w.states("model_or_deployment_specific"); got != "confirmed, closed refuted" {
		t.Errorf("deployment: %q", got)
	}
	if got := w.states(streamOnly); got != "suspected, confirmed" {
		t.Errorf("mode: %q", got)
	}
}

// TestSignatures: what differs from call to call does not make two failures
// differ; what the service says does.
func TestSignatures(t *testing.T) {
	says := func(message string) option {
		return func(r *call.Record) { stream(r); fails(r); r.Response.Error.Message = message }
	}
	for name, tc := range map[string]struct {
		a, b  string
		alike bool
	}{
		"numbers":       {"failed after 12 s", "failed after 3417 s", true},
		"ids":           {"request 8f3a2b1c9d failed", "request 00aa11bb22 failed", true},
		"uuids":         {"activity 3fa85f64-5717-4562-b3fc-2c963f66afa6", "activity 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", true},
		"addresses":     {"see https://a.example/x for help", "see https://b.example/y for help", true},
		"quoted names":  {"deployment 'gpt' is down", "deployment 'llama' is down", true},
		"case":          {"Internal Server Error", "internal server error", true},
		"other words":   {"backend closed the stream", "policy threw an exception", false},
		"one has none":  {"backend closed the stream", "", false},
		"quoted speech": {"said 'no such thing here' twice", "said 'nothing to see there' twice", false},
	} {
		w := told(one{says(tc.a)}, one{}, one{says(tc.b)})
		if got := w.states(streamOnly) == "confirmed"; got != tc.alike {
			t.Errorf("%s: alike %v, want %v", name, got, tc.alike)
		}
	}
}

// TestFrameworkDifference reports path, query, flag, keys and header names.
func TestFrameworkDifference(t *testing.T) {
	framework := func(r *call.Record) {
		fails(r)
		r.Request.Path, r.Request.URL = "/chat/completions", "https://svc.example/chat/completions?api-version=2024-10-21&debug=1"
		r.Request.Keys = []string{"messages", "n", "stream"}
		r.Request.Hints.Headers = []call.Header{{Name: "x-stainless-lang", Value: "python"}}
	}
	w := told(one{framework}, one{direct}, one{framework})
	want := []call.Change{
		{Path: "body.stream", Failing: "false", Working: "absent"},
		{Path: "request.path", Failing: "/chat/completions", Working: "/openai/deployments/gpt4/chat/completions"},
		{Path: "query.debug", Failing: "1", Working: "absent"},
		{Path: "body.n", Failing: "present", Working: "absent"},
		{Path: "header.x-stainless-lang", Failing: "present", Working: "absent"},
		{Path: "client.name", Failing: "langchain", Working: "curl"},
	}
	if len(w.all) != 1 || !slices.Equal(w.all[0].Difference, want) {
		t.Errorf("%v\nwant %v", w.all, want)
	}
}
