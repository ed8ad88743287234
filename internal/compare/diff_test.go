package compare_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// asked is a whole chat request that was read, sent at second s, and what came
// of it; options change it.
func asked(id string, s float64, status int, options ...func(*call.Record)) call.Record {
	r := call.Record{
		Identity: call.Identity{ID: id, Start: at(s), Logical: id, Attempt: 1},
		Target: call.Target{
			Scheme: "https", Host: "x.example", Port: 443, API: "openai.chat", Model: "gpt-4o",
			Auth: call.Auth{Scheme: "bearer", Digest: call.NewHasher(nil).Secret("key of ada")},
		},
		Client: call.Client{Kind: call.ClientFramework, Name: "langchain", Version: "0.3", SDK: "openai-python", SDKVersion: "1.58.1", User: "ada"},
		Request: call.Request{
			Method: "POST", Path: "/v1/chat/completions", URL: "https://x.example/v1/chat/completions", Mode: call.ModePlain,
			StreamFlag: call.StreamAbsent, Keys: []string{"messages", "model"}, Messages: 1, Bytes: 90, HTTP: "1.1",
			Hints: call.RequestHints{Body: digest(id), Core: digest("core"), Headers: []call.Header{{Name: "accept", Value: "application/json"}}},
		},
		Response:  call.Response{Status: status, Body: call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON}},
		Timing:    call.Timing{RequestSent: at(s), Headers: at(s + 1), End: at(s + 1)},
		End:       call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:     call.Agent{View: call.ViewFull},
		Diagnosis: call.Diagnosis{Class: call.ClassOK},
	}
	if status >= 400 {
		r.Diagnosis = call.Diagnosis{Class: call.ClassProviderError, Severity: call.SeverityError}
	}
	for _, o := range options {
		o(&r)
	}
	return r
}

// flagged sets the stream flag as the body had it.
func flagged(f call.StreamFlag, kind string) func(*call.Record) {
	return func(r *call.Record) {
		r.Request.StreamFlag, r.Request.Hints.StreamType, r.Request.Keys = f, kind, []string{"messages", "model", "stream"}
		r.Request.Mode = call.ModePlain
		if f == call.StreamTrue {
			r.Request.Mode = call.ModeStream
		}
	}
}

func streamed(r *call.Record) { flagged(call.StreamTrue, "")(r) }

func keyed(keys ...string) func(*call.Record) {
	return func(r *call.Record) { r.Request.Keys = keys }
}

func with(params ...string) func(*call.Record) {
	return func(r *call.Record) {
		for i := 0; i < len(params); i += 2 {
			r.Request.Params = append(r.Request.Params, call.Param{Name: params[i], Value: params[i+1]})
			top, _, _ := strings.Cut(params[i], ".")
			r.Request.Keys = append(r.Request.Keys, top)
		}
		slices.Sort(r.Request.Keys)
	}
}

// causes are the changes on the request side.
func causes(list []call.Change) (out []call.Change) {
	for _, c := range list {
		if !consequence(c.Path) {
			out = append(out, c)
		}
	}
	return out
}

func consequence(path string) bool {
	for _, p := range []string{"outcome", "response.", "end.", "diagnosis.", "stream.", "timing."} {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

func find(list []call.Change, path string) (call.Change, bool) {
	i := slices.IndexFunc(list, func(c call.Change) bool { return c.Path == path })
	if i < 0 {
		return call.Change{}, false
	}
	return list[i], true
}

// TestDiffTellsFlagsApart: absent, null, false, "false" and unseen are five
// things; equal ones are no difference.
func TestDiffTellsFlagsApart(t *testing.T) {
	flags := []struct {
		shown string
		set   func(*call.Record)
	}{
		{"true", flagged(call.StreamTrue, "")},
		{"false", flagged(call.StreamFalse, "")},
		{"null", flagged(call.StreamAbsent, "")},
		{"absent", func(*call.Record) {}},
		{"of type string", flagged(call.StreamInvalid, "string")},
		{"of type number", flagged(call.StreamInvalid, "number")},
		{`"false"`, func(r *call.Record) {
			flagged(call.StreamInvalid, "string")(r)
			r.Request.Params = []call.Param{{Name: "stream", Value: `"false"`}}
		}},
		{"not a boolean", flagged(call.StreamInvalid, "")},
		{"unknown", func(r *call.Record) { r.Request.StreamFlag, r.Request.Keys = call.StreamUnknown, nil }},
	}
	for _, x := range flags {
		for _, y := range flags {
			t.Run(x.shown+" and "+y.shown, func(t *testing.T) {
				list := compare.Diff(asked("a", 0, 500, x.set), asked("b", 9, 200, y.set))
				got, differs := find(list, "body.stream")
				if x.shown == y.shown {
					if differs {
						t.Errorf("got %v", got)
					}
					return
				}
				if want := (call.Change{Path: "body.stream", Failing: x.shown, Working: y.shown}); got != want {
					t.Errorf("got %v, want %v", got, want)
				}
				if list[0].Path != "body.stream" && x.shown != "unknown" && y.shown != "unknown" {
					t.Errorf("first is %v", list[0])
				}
			})
		}
	}
}

func TestDiffOfRequests(t *testing.T) {
	for _, tc := range []struct {
		name             string
		failing, working func(*call.Record)
		want             []call.Change
	}{
		{
			"a parameter", with("temperature", "0.7"), with("temperature", "1"),
			[]call.Change{{Path: "body.temperature", Failing: "0.7", Working: "1"}},
		},
		{
			"null, absent and text are three values", with("n", "null", "seed", "1"), with("n", "1", "seed", `"1"`),
			[]call.Change{{Path: "body.n", Failing: "null", Working: "1"}, {Path: "body.seed", Failing: "1", Working: `"1"`}},
		},
		{
			"a key", keyed("messages", "model", "response_format"), keyed("messages", "model"),
			[]call.Change{{Path: "body.response_format", Failing: "present", Working: "absent"}},
		},
		{
			"a key whose value one record kept: they may be equal", with("tool_choice", `"auto"`), keyed("messages", "model", "tool_choice"),
			[]call.Change{{Path: "body.tool_choice", Failing: `"auto"`, Working: "present"}},
		},
		{"a key whose value nobody kept", keyed("messages", "metadata", "model"), keyed("messages", "metadata", "model"), nil},
		{
			"a nested member", with("reasoning.effort", `"high"`), keyed("messages", "model"),
			[]call.Change{{Path: "body.reasoning", Failing: "present", Working: "absent"}, {Path: "body.reasoning.effort", Failing: `"high"`, Working: "absent"}},
		},
		{
			"stream options",
			func(r *call.Record) {
				r.Request.Keys = append(r.Request.Keys, "stream_options")
				r.Request.Hints.IncludeUsage = call.True
			},
			func(*call.Record) {},
			[]call.Change{{Path: "body.stream_options", Failing: `{"include_usage":true}`, Working: "absent"}},
		},
		{
			"model", func(r *call.Record) { r.Target.Model = "gpt-4" },
			func(r *call.Record) { r.Request.Hints.BodyModel = "gpt-4o-mini" },
			[]call.Change{{Path: "body.model", Failing: "gpt-4", Working: "gpt-4o-mini"}},
		},
		{
			"tools", func(r *call.Record) { r.Request.Keys, r.Request.Tools = []string{"messages", "model", "tools"}, 3 }, keyed("messages", "model"),
			[]call.Change{{Path: "body.tools", Failing: "3 tools", Working: "absent"}},
		},
		{
			"address and query",
			func(r *call.Record) {
				r.Request.Path, r.Request.URL = "/chat/completions", "https://x.example/chat/completions?api-version=1&key=REDACTED#f"
			},
			func(r *call.Record) {
				r.Request.URL = "https://x.example/v1/chat/completions?api-version=2&tenant=abc"
			},
			[]call.Change{
				{Path: "query.api-version", Failing: "1", Working: "2"}, {Path: "query.key", Failing: "present", Working: "absent"},
				{Path: "query.tenant", Failing: "absent", Working: "present"},
				{Path: "url.path", Failing: "/chat/completions", Working: "/v1/chat/completions"},
			},
		},
		{
			"a masked value may be any", query("sig=REDACTED"), query("sig=abc"),
			[]call.Change{{Path: "query.sig", Failing: "present", Working: "present"}},
		},
		{"two masked values", query("sig=REDACTED"), query("sig=REDACTED"), nil},
		{
			"a query nobody kept", func(r *call.Record) { r.Request.URL = "" }, query("alt=sse"),
			[]call.Change{{Path: "query.alt", Failing: "unknown", Working: "sse"}},
		},
		{
			"a body cut in the store was read whole",
			with("n", "1"), func(r *call.Record) { r.Agent.Capture, r.Agent.Lost = call.CaptureTruncated, []string{"decode_limit"} },
			[]call.Change{{Path: "body.n", Failing: "1", Working: "absent"}},
		},
		{
			"a deployment is one difference, not two",
			func(r *call.Record) {
				r.Target.Deployment, r.Target.Model, r.Request.Path = "a", "a", "/openai/deployments/a/chat"
			},
			func(r *call.Record) {
				r.Target.Deployment, r.Target.Model, r.Request.Path = "b", "b", "/openai/deployments/b/chat"
			},
			[]call.Change{{Path: "target.deployment", Failing: "a", Working: "b"}},
		},
		{
			"headers: names in any case, values of the list, ids never",
			func(r *call.Record) {
				r.Request.Hints.Headers = []call.Header{{Name: "Accept", Value: "text/event-stream"}, {Name: "x-request-id", Value: "1"}, {Name: "x-tenant", Value: "a"}}
			},
			func(r *call.Record) {
				r.Request.Hints.Headers = []call.Header{{Name: "accept", Value: "application/json"}, {Name: "x-request-id", Value: "2"}, {Name: "X-Tenant", Value: "b"}, {Name: "x-stainless-async", Value: "true"}}
			},
			[]call.Change{
				{Path: "header.accept", Failing: "text/event-stream", Working: "application/json"},
				{Path: "header.x-stainless-async", Failing: "absent", Working: "true"},
				{Path: "header.x-tenant", Failing: "different", Working: "different"},
			},
		},
		{
			"no headers kept: unknown", func(r *call.Record) { r.Request.Hints.Headers = nil }, func(*call.Record) {},
			[]call.Change{{Path: "header.accept", Failing: "unknown", Working: "application/json"}},
		},
		{
			"who", func(r *call.Record) { r.Client.Version, r.Client.SDKVersion, r.Client.User = "0.4", "2.0", "grace" }, func(*call.Record) {},
			[]call.Change{
				{Path: "client.sdk_version", Failing: "2.0", Working: "1.58.1"}, {Path: "client.version", Failing: "0.4", Working: "0.3"},
				{Path: "client.user", Failing: "different", Working: "different"},
			},
		},
		{
			"no credential", func(r *call.Record) { r.Target.Auth = call.Auth{Scheme: "none"} }, func(*call.Record) {},
			[]call.Change{{Path: "auth.scheme", Failing: "none", Working: "bearer"}, {Path: "auth.credential", Failing: "absent", Working: "present"}},
		},
		{
			"how it authenticated is not known", func(r *call.Record) { r.Target.Auth, r.Request.HTTP = call.Auth{}, "" }, func(*call.Record) {},
			[]call.Change{
				{Path: "auth.scheme", Failing: "unknown", Working: "bearer"}, {Path: "http.version", Failing: "unknown", Working: "1.1"},
				{Path: "auth.credential", Failing: "unknown", Working: "present"},
			},
		},
		{
			"a reused connection", func(r *call.Record) { r.Request.Hints.ReusedConn = true }, func(r *call.Record) { r.Timing.Dial = r.Identity.Start },
			[]call.Change{{Path: "network.connection_reused", Failing: "true", Working: "false"}},
		},
		{
			"other words", func(r *call.Record) { r.Request.Hints.Core = digest("x") }, func(*call.Record) {},
			[]call.Change{{Path: "body.messages", Failing: "different", Working: "different"}},
		},
		{
			"another program may have written the same words in another order",
			func(r *call.Record) { r.Request.Hints.Core, r.Client.SDKVersion = digest("x"), "3.0" }, func(*call.Record) {},
			[]call.Change{{Path: "client.sdk_version", Failing: "3.0", Working: "1.58.1"}, {Path: "body.messages", Failing: "unknown", Working: "unknown"}},
		},
		{
			"another parameter changes the digest too",
			with("n", "2"), func(r *call.Record) { with("n", "1")(r); r.Request.Hints.Core = digest("x") },
			[]call.Change{{Path: "body.n", Failing: "2", Working: "1"}, {Path: "body.messages", Failing: "unknown", Working: "unknown"}},
		},
		{
			"a digest is missing", func(r *call.Record) { r.Request.Hints.Core = call.Digest{} }, func(*call.Record) {},
			[]call.Change{{Path: "body.messages", Failing: "unknown", Working: "unknown"}},
		},
		{
			"a large body", func(r *call.Record) { r.Request.Bytes = 1 << 20 }, func(*call.Record) {},
			[]call.Change{{Path: "request.bytes", Failing: "1048576", Working: "90"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := causes(compare.Diff(asked("a", 0, 500, tc.failing), asked("b", 5, 200, tc.working)))
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestDiffNeverCallsUnseenAbsent: what was cut, lost or not read is unknown.
func TestDiffNeverCallsUnseenAbsent(t *testing.T) {
	for name, unseen := range map[string]func(*call.Record){
		"opaque":          func(r *call.Record) { r.Agent.View = call.ViewOpaque },
		"capture cut":     func(r *call.Record) { r.Agent.Capture = call.CaptureTruncated },
		"lost":            func(r *call.Record) { r.Agent.Lost = []string{"decode_limit"} },
		"not all sent":    func(r *call.Record) { r.Timing.RequestSent = time.Time{} },
		"body not valid":  func(r *call.Record) { r.Request.StreamFlag = call.StreamUnknown },
		"no keys":         func(r *call.Record) { r.Request.Keys = nil },
		"sixty-four keys": func(r *call.Record) { r.Request.Keys = slices.Repeat([]string{"k"}, 64) },
		"no request":      func(r *call.Record) { r.Request = call.Request{} },
		"no HTTP": func(r *call.Record) {
			*r = call.Record{Identity: r.Identity, Target: r.Target, Response: r.Response, Diagnosis: r.Diagnosis}
		},
	} {
		t.Run(name, func(t *testing.T) {
			list := compare.Diff(asked("a", 0, 500, streamed, with("temperature", "0.7")), asked("b", 5, 200, flagged(call.StreamFalse, ""), unseen))
			got, ok := find(list, "body.temperature")
			if want := (call.Change{Path: "body.temperature", Failing: "0.7", Working: "unknown"}); !ok || got != want {
				t.Errorf("got %v of %v", got, list)
			}
		})
	}
	t.Run("opaque without a flag", func(t *testing.T) {
		list := compare.Diff(asked("a", 0, 500, streamed), asked("b", 5, 200, func(r *call.Record) { r.Agent.View = call.ViewOpaque }))
		if got, _ := find(list, "body.stream"); got.Working != "unknown" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("absent or null", func(t *testing.T) {
		bare := func(r *call.Record) { r.Request.Keys = nil }
		list := compare.Diff(asked("a", 0, 500, streamed), asked("b", 5, 200, bare))
		if got, _ := find(list, "body.stream"); got.Working != "absent or null" {
			t.Errorf("got %v", got)
		}
		null := asked("a", 0, 500, flagged(call.StreamAbsent, ""))
		ranked := compare.Rank(null, asked("b", 5, 200, bare), nil)
		for _, with := range []func(*call.Record){bare, func(r *call.Record) { r.Agent.View = call.ViewUnknown }} {
			one := compare.Rank(asked("a", 0, 500, bare), asked("b", 5, 200, with), nil)
			if i := slices.IndexFunc(one, func(r compare.Ranked) bool { return r.Path == "body.stream" && !r.Unclear }); i >= 0 {
				t.Errorf("perhaps absent and absent: %+v", one[i])
			}
		}
		if !ranked[0].Unclear || ranked[0].Path != "body.stream" {
			t.Errorf("null and perhaps null: %+v", ranked[0])
		}
	})
}

func TestDiffOfAnswers(t *testing.T) {
	failing, working := asked("a", 0, 500), asked("b", 60, 200)
	failing.Response.Error = call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "secret words"}
	failing.Response.Headers = []call.Header{{Name: "server", Value: "gw"}, {Name: "x-request-id", Value: "1"}, {Name: "x-ratelimit-remaining-tokens", Value: "7"}}
	working.Response.Headers = []call.Header{{Name: "server", Value: "uvicorn"}, {Name: "x-request-id", Value: "2"}, {Name: "apim-request-id", Value: "3"}, {Name: "x-ratelimit-limit-tokens", Value: "8"}, {Name: "date", Value: "now"}}
	working.Response.Body = call.BodyFacts{ContentType: "text/event-stream", Framing: call.FramingSSE, Transfer: call.TransferChunked}
	working.Response.FinishReasons = []string{"stop"}
	working.Stream.Oddities = []call.Oddity{{Name: "choices_empty", Count: 1}}
	failing.Timing = call.Timing{RequestSent: at(0), Headers: at(0.1), FirstContent: at(1), End: at(1.2)}
	working.Timing = call.Timing{RequestSent: at(60), Headers: at(60.1), FirstContent: at(61.4), End: at(69)}
	want := []call.Change{
		{Path: "diagnosis.class", Failing: "provider_error", Working: "ok"},
		{Path: "outcome", Failing: "error", Working: "ok"},
		{Path: "response.content_type", Failing: "application/json", Working: "text/event-stream"},
		{Path: "response.framing", Failing: "json", Working: "sse"},
		{Path: "response.status", Failing: "500", Working: "200"},
		{Path: "response.error.code", Failing: "500", Working: "absent"},
		{Path: "response.error.shape", Failing: "apim", Working: "absent"},
		{Path: "response.finish_reasons", Failing: "absent", Working: "stop"},
		{Path: "response.header.apim-request-id", Failing: "absent", Working: "present"},
		{Path: "response.header.server", Failing: "gw", Working: "uvicorn"},
		{Path: "timing.total", Failing: "1.2 s", Working: "9 s"},
	}
	if d := cmp.Diff(want, compare.Diff(failing, working)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestDiffOfTimes: only what differs by a lot is told.
func TestDiffOfTimes(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b float64
		want string
	}{
		"alike": {1, 1.2, ""}, "much later, not much slower": {10, 14, ""}, "much slower, not much later": {0.01, 0.4, ""},
		"a lot": {0.5, 1.6, "0.5 s | 1.6 s"}, "a lot less": {9, 1, "9 s | 1 s"}, "not known": {0, 9, ""}, "clock stepped back": {-1, 9, ""},
	} {
		failing, working := asked("a", 0, 500), asked("b", 100, 200)
		failing.Timing = call.Timing{RequestSent: at(0), Headers: at(tc.a)}
		working.Timing = call.Timing{RequestSent: at(100), Headers: at(100 + tc.b)}
		got := ""
		if c, ok := find(compare.Diff(failing, working), "timing.headers"); ok {
			got = c.Failing + " | " + c.Working
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestDiffWithoutAnAnswer(t *testing.T) {
	refused := asked("a", 0, 0, func(r *call.Record) {
		r.End = call.End{Side: call.SideUpstream, Kind: call.EndRefused}
		r.Response = call.Response{}
	})
	list := compare.Diff(refused, asked("b", 5, 200))
	for _, want := range []call.Change{
		{Path: "response.status", Failing: "absent", Working: "200"}, {Path: "end.kind", Failing: "refused", Working: "eof"},
		{Path: "end.terminal", Failing: "false", Working: "true"},
	} {
		if got, _ := find(list, want.Path); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	for name, unseen := range map[string]func(*call.Record){
		"opaque":    func(r *call.Record) { r.Agent.View = call.ViewOpaque },
		"in flight": func(r *call.Record) { r.End = call.End{} },
	} {
		unseen(&refused)
		if got, ok := find(compare.Diff(refused, asked("b", 5, 200)), "response.status"); ok {
			t.Errorf("%s: %v", name, got)
		}
		refused.Agent.View = call.ViewFull
	}
}

// TestDiffOrder: causes come before consequences, the canonical order among
// them, and what the error itself names before all.
func TestDiffOrder(t *testing.T) {
	failing := asked("a", 0, 400, streamed, with("max_tokens", "1", "stream_options.include_obfuscation", "true"), func(r *call.Record) {
		r.Client.Version, r.Client.User, r.Target.APIVersion, r.Request.Hints.Core = "9", "grace", "v2", digest("x")
		r.Request.Hints.Headers = []call.Header{{Name: "accept", Value: "*/*"}}
		r.Agent.PeerAddress = "10.0.0.1:443"
	})
	working := asked("b", 5, 200, func(r *call.Record) { r.Target.APIVersion, r.Agent.PeerAddress = "v1", "10.0.0.2:443" })
	paths := func(list []call.Change) string {
		var out []string
		for _, c := range list {
			out = append(out, c.Path)
		}
		return strings.Join(out, " ")
	}
	want := "body.stream body.stream_options body.stream_options.include_obfuscation query.api-version body.max_tokens header.accept client.version " +
		"client.user network.peer body.messages diagnosis.class outcome response.status"
	if d := cmp.Diff(want, paths(compare.Diff(failing, working))); d != "" {
		t.Error(d)
	}
	for name, tc := range map[string]struct {
		class call.Class
		param string
		first string
	}{
		"parameter":         {call.ClassParameterUnsupported, "max_tokens", "body.max_tokens"},
		"parameter, nested": {call.ClassParameterUnsupported, "messages[0].content", "body.messages"},
		"API version":       {call.ClassAPIVersionIncompatible, "", "query.api-version"},
		"stream option":     {call.ClassStreamOptionRejected, "", "body.stream_options"},
		"stream":            {call.ClassStreamUnsupported, "", "body.stream"},
		"not said":          {call.ClassAuthRejected, "", "body.stream"}, // both have one credential
	} {
		f := failing
		f.Diagnosis.Class, f.Response.Error.Param = tc.class, tc.param
		if list := compare.Diff(f, working); tc.first != "body.messages" && list[0].Path != tc.first {
			t.Errorf("%s: first is %v", name, list[0])
		}
	}
}

func TestDiffIsBounded(t *testing.T) {
	long := strings.Repeat("é", 5000)
	a, b := asked("a", 0, 500), asked("b", 5, 200)
	for i := range 2000 {
		a.Request.Hints.Headers = append(a.Request.Hints.Headers, call.Header{Name: fmt.Sprintf("x-%d", i), Value: long})
	}
	a.Target.Host, b.Target.Host = long+"a", long+"b"
	a.Request.Keys = append(a.Request.Keys, long, "z\xffz")
	list := compare.Diff(a, b)
	if len(list) > 256 {
		t.Errorf("%d changes", len(list))
	}
	for _, c := range list {
		if !utf8.ValidString(c.Path + c.Failing + c.Working) {
			t.Errorf("no text: %q", c)
		}
		if len(c.Path+c.Failing+c.Working) > 400 {
			t.Errorf("%d bytes in %.80s", len(c.Path+c.Failing+c.Working), c.Path)
		}
	}
	if got, _ := find(list, "url.host"); got.Failing != "different" {
		t.Errorf("hosts that differ behind the cut: %.80v", got)
	}
}
