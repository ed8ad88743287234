package call_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// again is a record after a way through JSON.
func again(t *testing.T, r call.Record) call.Record {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got call.Record
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return got
}

// TestEveryFieldSurvives changes one field at a time, so that a forgotten one
// is named.
func TestEveryFieldSurvives(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	at := start.Add(1500 * time.Millisecond)
	base := func() call.Record {
		return call.Record{
			Identity: call.Identity{ID: "x", Start: start, Logical: "l", Span: call.SpanContext{Trace: "t", Span: "s"}},
			Response: call.Response{Status: 200}, Stream: call.Stream{Events: 1}, Diagnosis: call.Diagnosis{Class: call.ClassOK},
		}
	}
	for name, set := range map[string]func(*call.Record){
		"attempt":          func(r *call.Record) { r.Identity.Attempt = 3 },
		"sampled":          func(r *call.Record) { r.Identity.Span.Sampled = true },
		"parent":           func(r *call.Record) { r.Identity.Parent = call.SpanContext{Trace: "t", Span: "p"} },
		"remote":           func(r *call.Record) { r.Identity.Remote = call.SpanContext{Trace: "r", Span: "q", Sampled: true} },
		"first":            func(r *call.Record) { r.Identity.First = call.SpanContext{Trace: "t", Span: "f"} },
		"operation":        func(r *call.Record) { r.Target.Operation = "chat" },
		"format":           func(r *call.Record) { r.Target.Format = "openai.chat" },
		"route prefix":     func(r *call.Record) { r.Target.RoutePrefix = "/llm" },
		"auth scheme only": func(r *call.Record) { r.Target.Auth = call.Auth{Scheme: "bearer"} },
		"framework":        func(r *call.Record) { r.Client.Framework = "langchain" },
		"surface":          func(r *call.Record) { r.Client.Surface = "chat" },
		"user":             func(r *call.Record) { r.Client.User = "ada" },
		"address":          func(r *call.Record) { r.Client.Address = "10.0.0.1" },
		"user agent":       func(r *call.Record) { r.Client.UserAgent = "curl/8" },
		"process":          func(r *call.Record) { r.Client.Process = call.Process{PID: 1, Name: "python"} },
		"process unseen":   func(r *call.Record) { r.Client.Process = call.Process{Reason: "not_permitted"} },
		"url":              func(r *call.Record) { r.Request.URL = "https://x/y?key=REDACTED" },
		"tools":            func(r *call.Record) { r.Request.Tools = 20 },
		"body model":       func(r *call.Record) { r.Request.Hints.BodyModel = "gpt-4o" },
		"include usage":    func(r *call.Record) { r.Request.Hints.IncludeUsage = call.False },
		"stream type":      func(r *call.Record) { r.Request.Hints.StreamType = "string" },
		"body digest":      func(r *call.Record) { r.Request.Hints.Body = call.NewHasher(nil).Secret("b") },
		"core digest":      func(r *call.Record) { r.Request.Hints.Core = call.NewHasher(nil).Secret("c") },
		"retry count":      func(r *call.Record) { r.Request.Hints.RetryCount = "0" },
		"invocation":       func(r *call.Record) { r.Request.Hints.InvocationID = "i" },
		"read timeout":     func(r *call.Record) { r.Request.Hints.ReadTimeout = "600.0" },
		"reused":           func(r *call.Record) { r.Request.Hints.ReusedConn = true },
		"host mismatch":    func(r *call.Record) { r.Request.Hints.HostMismatch = true },
		"output type":      func(r *call.Record) { r.Request.Hints.OutputType = "json" },
		"request headers":  func(r *call.Record) { r.Request.Hints.Headers = []call.Header{{Name: "via", Value: "1.1 x"}} },
		"interim":          func(r *call.Record) { r.Response.Interim = 2 },
		"encoding":         func(r *call.Record) { r.Response.Body.Encoding = "br" },
		"response id":      func(r *call.Record) { r.Response.ID = "chatcmpl-1" },
		"service tier":     func(r *call.Record) { r.Response.ServiceTier = "default" },
		"fingerprint":      func(r *call.Record) { r.Response.Fingerprint = "fp_1" },
		"error": func(r *call.Record) {
			r.Response.Error = call.Error{Shape: call.ShapeAzure, Type: "t", Param: "p", RequestID: "q"}
		},
		"origin":       func(r *call.Record) { r.Response.Origin = "agent" },
		"request sent": func(r *call.Record) { r.Timing.RequestSent = at },
		"headers":      func(r *call.Record) { r.Timing.Headers = at },
		"first data":   func(r *call.Record) { r.Timing.FirstData = at },
		"last data":    func(r *call.Record) { r.Timing.LastData = at },
		"end":          func(r *call.Record) { r.Timing.End = at },
		"dial, no dns": func(r *call.Record) {
			r.Timing.Dial, r.Timing.Connect = start.Add(-time.Second), start.Add(-time.Millisecond)
		},
		"data gap":      func(r *call.Record) { r.Stream.MaxDataGap = time.Minute },
		"finish":        func(r *call.Record) { r.Stream.Finish = true },
		"in-band error": func(r *call.Record) { r.Stream.Errored = true },
		"pace":          func(r *call.Record) { r.Stream.AddPace(time.Hour) },
		"odd, unseen when": func(r *call.Record) {
			r.Stream.Oddities = []call.Oddity{{Name: "a", Count: 1}, {Name: "b", Count: 2, Last: 1}}
		},
		"cache write":   func(r *call.Record) { r.Usage.CacheWrite = call.Some(5) },
		"zero is known": func(r *call.Record) { r.Usage.Reasoning = call.Some(0) },
		"h2 code":       func(r *call.Record) { r.End = call.End{Kind: call.EndH2RST, H2Code: 8} },
		"end reason":    func(r *call.Record) { r.End.Reason, r.End.Detail = "shutdown", "text" },
		"blocked":       func(r *call.Record) { r.Agent.BlockedClient, r.Agent.BlockedUpstream = 1, time.Hour },
		"lost":          func(r *call.Record) { r.Agent.Lost = []string{"budget"} },
		"connection":    func(r *call.Record) { r.Agent.Conn, r.Agent.PeerAddress = "c1", "1.2.3.4:443" },
		"content":       func(r *call.Record) { r.Content = call.Content{Request: "q", Response: "a", Truncated: true} },
		"diagnosis": func(r *call.Record) {
			r.Diagnosis = call.Diagnosis{Class: call.ClassRateLimited, Reason: "quota", Tags: []string{"retry_burst"}, Text: "t", Remedy: []string{"r"}, Rule: "rule", Fault: call.FaultUser}
		},
	} {
		want := base()
		set(&want)
		if reflect.DeepEqual(want, base()) {
			t.Errorf("%s: the case changes nothing", name)
		}
		if got := again(t, want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is lost\n got %+v\nwant %+v", name, got, want)
		}
	}
}

// TestJSONOfARecordIsStable: writing what was read gives the same bytes.
func TestJSONOfARecordIsStable(t *testing.T) {
	for name, r := range map[string]call.Record{"full": full(), "empty": {}, "id only": {Identity: call.Identity{ID: "x", Start: time.Unix(0, 0).UTC()}}} {
		first, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		second, err := json.Marshal(again(t, r))
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s:\nfirst  %s\nsecond %s (%v)", name, first, second, err)
		}
	}
}

func TestRepeatedHeadersAreJoined(t *testing.T) {
	r := full()
	r.Response.Headers = []call.Header{{Name: "via", Value: "a"}, {Name: "x-id", Value: "1"}, {Name: "via", Value: "b"}}
	got := again(t, r)
	want := []call.Header{{Name: "via", Value: "a, b"}, {Name: "x-id", Value: "1"}}
	if !slices.Equal(got.Response.Headers, want) {
		t.Errorf("got %v, want %v", got.Response.Headers, want)
	}
	if h := r.Response.Header("via"); h != "a" {
		t.Errorf("the first value is %q", h)
	}
	if h := r.Response.Header("none") + r.Request.Hints.Header("none"); h != "" {
		t.Errorf("an absent header is %q", h)
	}
	if h := r.Request.Hints.Header("via"); h != "x" {
		t.Errorf("request header %q", h)
	}
}

func TestParamsKeepTheirText(t *testing.T) {
	for name, tc := range map[string]struct{ value, want string }{
		"number as sent": {"0.70", "0.70"},
		"big number":     {"12345678901234567890", "12345678901234567890"},
		"exponent":       {"1e-7", "1e-7"},
		"text":           {`"high"`, `"high"`},
		"bool":           {"true", "true"},
		"null":           {"null", "null"},
		"object, spaced": {`{ "type" : "json_object" }`, `{"type":"json_object"}`},
		"cut, no JSON":   {`{"type":`, `"{\"type\":"`},
		"empty":          {"", `""`},
	} {
		r := full()
		r.Request.Params = []call.Param{{Name: "p", Value: tc.value}}
		if got := again(t, r).Request.Params; len(got) != 1 || got[0].Value != tc.want {
			t.Errorf("%s: got %v, want %s", name, got, tc.want)
		}
	}
	r := full()
	r.Request.Params = []call.Param{{Name: "z", Value: "1"}, {Name: `a"b`, Value: "2"}, {Name: "m", Value: "3"}}
	want := []call.Param{{Name: `a"b`, Value: "2"}, {Name: "m", Value: "3"}, {Name: "z", Value: "1"}}
	if got := again(t, r).Request.Params; !slices.Equal(got, want) {
		t.Errorf("got %v, want sorted %v", got, want)
	}
	r.Request.Params = nil
	if got := again(t, r).Request.Params; got != nil {
		t.Errorf("no parameters came back as %v", got)
	}
}

func TestDecodingRefusesOtherTypes(t *testing.T) {
	for name, text := range map[string]string{
		"array":            `[]`,
		"class unknown":    `{"diagnosis":{"class":"from_the_future"}}`,
		"params array":     `{"request":{"params":[1]}}`,
		"params text":      `{"request":{"params":"x"}}`,
		"target text":      `{"target":"x"}`,
		"time":             `{"start":"yesterday"}`,
		"status text":      `{"response":{"status":"200"}}`,
		"negative h2 code": `{"end":{"h2_code":-1}}`,
		"cut":              `{"id":"x"`,
	} {
		var r call.Record
		if err := json.Unmarshal([]byte(text), &r); err == nil {
			t.Errorf("%s was read as %+v", name, r)
		}
	}
}

// TestDecodingTolerates: members of a later llmtap, and odd ones of this.
func TestDecodingTolerates(t *testing.T) {
	var r call.Record
	text := `{"schema":1,"id":"x","later":{"a":1},"target":{"host":"h","later":2},"outcome":"error",
		"stream":{"events":1,"pace":[{"bin":-1,"count":1},{"bin":99,"count":1},{"bin":2,"count":7,"sum":0.5}],"oddities":["a"]}}`
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if r.Identity.ID != "x" || r.Target.Host != "h" || r.Stream.Pace[2] != (call.PaceBin{Count: 7, Sum: 500 * time.Millisecond}) {
		t.Errorf("got %+v", r)
	}
	if len(r.Stream.Oddities) != 1 || r.Stream.Oddities[0] != (call.Oddity{Name: "a"}) {
		t.Errorf("oddities %v", r.Stream.Oddities)
	}
}

func TestFindingAndTunnelSurviveJSON(t *testing.T) {
	f := call.Finding{
		Schema: 1, ID: "f", Verdict: "stream_only_failure", State: "confirmed", Since: time.Unix(1, 0).UTC(), Updated: time.Unix(2, 0).UTC(),
		Target: call.Target{Host: "h", Model: "m"}, Evidence: call.Evidence{Failing: []string{"a"}, Working: []string{"b"}},
		Difference: []call.Change{{Path: "body.stream", Failing: "true", Working: "absent"}}, Text: "t",
		Conclusion: call.Conclusion{Remedy: []string{"r"}, ConfoundedBy: []string{"c"}, ClosedBecause: "works_again"},
	}
	f.Client.Name = "langchain"
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{`"verdict":`, `"state":`, `"since":`, `"updated":`, `"evidence":{"failing":["a"],"working":["b"]}`, `"difference":[{"path":"body.stream"`, `"remedy":["r"]`, `"confounded_by":`, `"closed_because":"works_again"`} {
		if !strings.Contains(string(b), name) {
			t.Errorf("%s is missing in %s", name, b)
		}
	}
	var got call.Finding
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("got %+v, want %+v (%v)", got, f, err)
	}
	tun := call.Tunnel{Host: "h", Port: 443, Reason: "distrust", Detail: "d", Remedy: "r", Since: time.Unix(1, 0).UTC(), Last: time.Unix(2, 0).UTC(), Count: 3, Open: 1, Up: 4, Down: 5}
	if b, err = json.Marshal(tun); err != nil {
		t.Fatal(err)
	}
	var back call.Tunnel
	if err := json.Unmarshal(b, &back); err != nil || back != tun {
		t.Errorf("got %+v, want %+v (%v)", back, tun, err)
	}
}

// FuzzRecordJSON: whatever is read as a record can be written, reads the same
// again, and answers every question about itself.
func FuzzRecordJSON(f *testing.F) {
	for _, r := range []call.Record{full(), {}, {Identity: call.Identity{ID: "x", Start: time.Unix(1, 0)}}} {
		b, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"timing":{"dial":-1,"dns":1e9,"total":1e300},"stream":{"max_gap":-1}}`))
	f.Add([]byte(`{"request":{"params":{"a":1e400,"a":2}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r call.Record
		if json.Unmarshal(b, &r) != nil {
			return
		}
		_, _, _, _, _ = r.Outcome(), r.ErrorType(), r.Retryable(), r.Streamed(), r.StreamBody()
		if d := r.Duration(); d < 0 {
			t.Errorf("duration %v", d)
		}
		first, err := json.Marshal(r)
		if err != nil {
			if y := r.Identity.Start.UTC().Year(); y >= 0 && y <= 9999 {
				t.Fatalf("cannot be written: %v", err)
			}
			return
		}
		var again call.Record
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("%v in %s", err, first)
		}
		if a, b := again.Outcome(), r.Outcome(); a != b {
			t.Errorf("outcome %v became %v", b, a)
		}
	})
}
