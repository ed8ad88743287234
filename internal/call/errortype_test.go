package call_test

import (
	"testing"
	"time"

	"llmtap/internal/call"
)

// failed is a record of the given class with the outcome that class has.
func failed(c call.Class) call.Record {
	r := call.Record{
		Response:  call.Response{Status: 200},
		End:       call.End{Side: call.SideUpstream, Kind: call.EndEOF},
		Diagnosis: call.Diagnosis{Class: c, Severity: call.SeverityError},
	}
	if c == call.ClassRateLimited || c == call.ClassContentFiltered {
		r.Response.Status, r.Diagnosis.Severity = 429, call.SeverityWarn
	}
	return r
}

func TestErrorTypeRows(t *testing.T) {
	with := func(c call.Class, change func(*call.Record)) call.Record {
		r := failed(c)
		change(&r)
		return r
	}
	reason := func(s string) func(*call.Record) { return func(r *call.Record) { r.Diagnosis.Reason = s } }
	code := func(s string) func(*call.Record) { return func(r *call.Record) { r.Response.Error.Code = s } }
	for name, tc := range map[string]struct {
		r    call.Record
		want string
	}{
		"agent refused":              {with(call.ClassAgentInduced, func(r *call.Record) { r.End = call.End{Side: call.SideAgent, Kind: call.EndPolicy} }), "agent_policy"},
		"agent shut down":            {with(call.ClassAgentInduced, func(r *call.Record) { r.End.Side = call.SideAgent }), "agent_induced"},
		"agent before class":         {with(call.ClassProviderError, func(r *call.Record) { r.End.Side = call.SideAgent }), "agent_induced"},
		"dns":                        {with(call.ClassUpstreamUnreachable, reason("dns")), "dns_error"},
		"refused":                    {with(call.ClassUpstreamUnreachable, reason("refused")), "connection_refused"},
		"connect timeout":            {with(call.ClassUpstreamUnreachable, reason("timeout")), "connect_timeout"},
		"upstream tls":               {with(call.ClassUpstreamUnreachable, reason("tls")), "tls_error"},
		"reset before headers":       {with(call.ClassUpstreamUnreachable, reason("reset")), "connection_reset"},
		"upstream proxy":             {with(call.ClassUpstreamUnreachable, reason("upstream_proxy")), "upstream_unreachable"},
		"reason from the end":        {with(call.ClassUpstreamUnreachable, func(r *call.Record) { r.End.Kind = call.EndDNS }), "dns_error"},
		"provider code":              {with(call.ClassRateLimited, code("insufficient_quota")), "insufficient_quota"},
		"provider type":              {with(call.ClassProviderError, func(r *call.Record) { r.Response.Error.Type = "overloaded_error" }), "overloaded_error"},
		"in-band code":               {with(call.ClassErrorInStream, code("server_error")), "server_error"},
		"code not on the list":       {with(call.ClassRateLimited, code("tenant-4711")), "rate_limited"},
		"code of a class without":    {with(call.ClassGatewayErrorOpaque, code("server_error")), "gateway_error_opaque"},
		"class this build lacks":     {with(call.Class(250), func(*call.Record) {}), "_OTHER"},
		"not classified":             {call.Record{Response: call.Response{Status: 500}}, "_OTHER"},
		"good call":                  {call.Record{Response: call.Response{Status: 200}, Diagnosis: call.Diagnosis{Class: call.ClassOK}}, ""},
		"warning that stays ok":      {call.Record{Response: call.Response{Status: 200}, Diagnosis: call.Diagnosis{Class: call.ClassUncleanClose, Severity: call.SeverityWarn}}, ""},
		"agent lag is no error":      {call.Record{Response: call.Response{Status: 200}, Diagnosis: call.Diagnosis{Class: call.ClassAgentInduced, Severity: call.SeverityWarn}}, ""},
		"cancelled by its user":      {call.Record{Diagnosis: call.Diagnosis{Class: call.ClassClientCancelled, Severity: call.SeverityInfo}}, ""},
		"cancelled after a long 200": {call.Record{Response: call.Response{Status: 200, Error: call.Error{Code: "server_error"}}, Diagnosis: call.Diagnosis{Class: call.ClassClientCancelled}}, ""},
	} {
		if got := tc.r.ErrorType(); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// Every class that can have outcome error is its own error.type or in row 1;
// those that never can are the fixed list of the contract.
func TestEveryErrorClassHasAnErrorType(t *testing.T) {
	never := map[call.Class]bool{
		call.ClassOK: true, call.ClassUncleanClose: true, call.ClassToolDeltaMalformed: true, call.ClassStreamBuffered: true,
		call.ClassStreamStalled: true, call.ClassHangAfterDone: true, call.ClassDuplicateOutput: true, call.ClassClientCancelled: true,
	}
	for _, c := range call.Classes() {
		if never[c] {
			continue
		}
		r := failed(c)
		if got := r.ErrorType(); got != c.String() {
			t.Errorf("class %v: error.type %q, want the class", c, got)
		}
	}
}

func TestStreamDimension(t *testing.T) {
	rec := func(m call.Mode, flag call.StreamFlag, f call.Framing, status int) call.Record {
		return call.Record{Request: call.Request{Mode: m, StreamFlag: flag}, Response: call.Response{Status: status, Body: call.BodyFacts{Framing: f}}}
	}
	for name, tc := range map[string]struct {
		r              call.Record
		streamed, body bool
	}{
		"stream asked and given":     {rec(call.ModeStream, call.StreamTrue, call.FramingSSE, 200), true, true},
		"stream asked, error given":  {rec(call.ModeStream, call.StreamTrue, call.FramingJSON, 500), true, false},
		"stream asked, json given":   {rec(call.ModeStream, call.StreamTrue, call.FramingJSON, 200), true, false},
		"stream asked, cut at once":  {rec(call.ModeStream, call.StreamTrue, call.FramingUnknown, 200), true, true},
		"plain asked, stream given":  {rec(call.ModePlain, call.StreamAbsent, call.FramingSSE, 200), false, true},
		"invalid flag, plain answer": {rec(call.ModeStream, call.StreamInvalid, call.FramingJSON, 200), false, false},
		"invalid flag, streamed":     {rec(call.ModePlain, call.StreamInvalid, call.FramingSSE, 200), true, true},
		"mode unknown":               {rec(call.ModeUnknown, call.StreamUnknown, call.FramingNDJSON, 200), true, true},
		"gemini array":               {rec(call.ModeStream, call.StreamUnknown, call.FramingJSONArray, 200), true, true},
		"embedding array":            {rec(call.ModePlain, call.StreamUnknown, call.FramingJSONArray, 200), false, false},
		"nothing known":              {call.Record{}, false, false},
	} {
		if got := tc.r.Streamed(); got != tc.streamed {
			t.Errorf("%s: streamed %v, want %v", name, got, tc.streamed)
		}
		if got := tc.r.StreamBody(); got != tc.body {
			t.Errorf("%s: stream body %v, want %v", name, got, tc.body)
		}
	}
}

func TestEndOfAnInterruptedRecord(t *testing.T) {
	start := time.Unix(1000, 0)
	r := call.Record{Identity: call.Identity{Start: start}, Timing: call.Timing{Headers: start.Add(time.Second), FirstByte: start.Add(2 * time.Second)}}
	if got := r.Duration(); got != 2*time.Second {
		t.Errorf("duration %v, want up to the last known instant, 2s", got)
	}
	r.Timing.End = start.Add(3 * time.Second)
	if got := r.Duration(); got != 3*time.Second {
		t.Errorf("duration %v, want 3s", got)
	}
	r.Timing.End = start.Add(-time.Second)
	if got := r.Duration(); got != 0 {
		t.Errorf("duration %v of a clock that jumped, want 0", got)
	}
}

func TestRequestsAreHTTP(t *testing.T) {
	for method, want := range map[string]bool{"POST": true, "GET": true, "CONNECT": false, "": false} {
		r := call.Record{Request: call.Request{Method: method}}
		if got := r.Request.IsHTTP(); got != want {
			t.Errorf("method %q: got %v, want %v", method, got, want)
		}
	}
}

func TestTimeToFirstChunkIsForStreamsWithContent(t *testing.T) {
	start := time.Unix(1000, 0)
	r := call.Record{Identity: call.Identity{Start: start}, Timing: call.Timing{FirstContent: start.Add(350 * time.Millisecond)}}
	if _, ok := r.TimeToFirstChunk(); ok {
		t.Error("a plain answer has no chunks")
	}
	r.Response.Body.Framing = call.FramingSSE
	if d, ok := r.TimeToFirstChunk(); !ok || d != 350*time.Millisecond {
		t.Errorf("got %v, %v, want 350ms", d, ok)
	}
	r.Timing.FirstContent = time.Time{}
	if _, ok := r.TimeToFirstChunk(); ok {
		t.Error("a stream without content has no first chunk")
	}
}

// TestProviderCodes: every code of the allow-list becomes the error.type of a
// class that a provider's code explains, from either member, and of no other.
func TestProviderCodes(t *testing.T) {
	coded := []call.Class{
		call.ClassContentFiltered, call.ClassParameterUnsupported, call.ClassEndpointNotFound, call.ClassAuthRejected,
		call.ClassRateLimited, call.ClassProviderError, call.ClassRequestRejected, call.ClassErrorInBody, call.ClassErrorInStream,
	}
	codes := []string{
		"content_filter", "rate_limit_exceeded", "rate_limit_error", "insufficient_quota", "context_length_exceeded",
		"model_not_found", "DeploymentNotFound", "invalid_api_key", "unsupported_parameter", "unsupported_value",
		"unknown_parameter", "OperationParameterInvalid", "overloaded_error", "server_error",
	}
	isCoded := map[call.Class]bool{}
	for _, c := range coded {
		isCoded[c] = true
	}
	for _, c := range call.Classes() {
		for _, code := range codes {
			byCode, byType := failed(c), failed(c)
			byCode.Response.Error.Code, byType.Response.Error.Type = code, code
			a, b := byCode.ErrorType(), byType.ErrorType()
			if isCoded[c] && (a != code || b != code) {
				t.Errorf("class %v with code %s: %q and %q", c, code, a, b)
			}
			if !isCoded[c] && (a == code || b == code) {
				t.Errorf("class %v took the code %s for its error.type", c, code)
			}
		}
	}
	both := failed(call.ClassRateLimited)
	both.Response.Error.Code, both.Response.Error.Type = "insufficient_quota", "rate_limit_error"
	if got := both.ErrorType(); got != "insufficient_quota" {
		t.Errorf("code before type: got %q", got)
	}
	typed := failed(call.ClassRateLimited)
	typed.Response.Error.Code, typed.Response.Error.Type = "tenant-4711", "rate_limit_error"
	if got := typed.ErrorType(); got != "rate_limit_error" {
		t.Errorf("type where the code is nobody's: got %q", got)
	}
}

// TestErrorTypesAreBounded: whatever a service writes, the label is one of a
// closed list.
func TestErrorTypesAreBounded(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range call.Classes() {
		for _, side := range []call.Side{call.SideUnknown, call.SideUpstream, call.SideClient, call.SideAgent} {
			for _, text := range []string{"", "anything-7f3a", "server_error", "dns", "Timeout"} {
				for _, kind := range []call.EndKind{call.EndUnknown, call.EndDNS, call.EndRefused, call.EndPolicy, call.EndTLS} {
					r := failed(c)
					r.End = call.End{Side: side, Kind: kind, Reason: text}
					r.Diagnosis.Reason, r.Response.Error.Code, r.Response.Error.Type = text, text, text
					seen[r.ErrorType()] = true
				}
			}
		}
	}
	if len(seen) > 60 {
		t.Errorf("%d different labels", len(seen))
	}
	for label := range seen {
		if label == "anything-7f3a" || label == "Timeout" {
			t.Errorf("%q came from outside", label)
		}
	}
}
