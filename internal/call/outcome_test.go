package call_test

import (
	"encoding"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

func TestOutcome(t *testing.T) {
	rec := func(status int, side call.Side, kind call.EndKind, terminal bool, class call.Class, sev call.Severity) call.Record {
		return call.Record{
			Response: call.Response{Status: status}, End: call.End{Side: side, Kind: kind, Terminal: terminal},
			Agent: call.Agent{View: call.ViewFull}, Diagnosis: call.Diagnosis{Class: class, Severity: sev},
		}
	}
	for name, tc := range map[string]struct {
		r    call.Record
		want call.Outcome
	}{
		"good answer":              {rec(200, call.SideUpstream, call.EndEOF, true, call.ClassOK, call.SeverityNone), call.OutcomeOK},
		"status decides":           {rec(404, call.SideUpstream, call.EndEOF, true, call.ClassEndpointNotFound, call.SeverityError), call.OutcomeError},
		"rate limit is an error":   {rec(429, call.SideUpstream, call.EndEOF, true, call.ClassRateLimited, call.SeverityWarn), call.OutcomeError},
		"severity error at 200":    {rec(200, call.SideUpstream, call.EndEOF, false, call.ClassStreamIncomplete, call.SeverityError), call.OutcomeError},
		"warning stays ok":         {rec(200, call.SideUpstream, call.EndShort, true, call.ClassUncleanClose, call.SeverityWarn), call.OutcomeOK},
		"nothing came back":        {rec(0, call.SideUpstream, call.EndRefused, false, call.ClassUpstreamUnreachable, call.SeverityError), call.OutcomeError},
		"cancelled":                {rec(200, call.SideClient, call.EndClosed, false, call.ClassClientCancelled, call.SeverityInfo), call.OutcomeCancelled},
		"left, not classified":     {rec(200, call.SideClient, call.EndClosed, false, call.ClassUnknown, 0), call.OutcomeCancelled},
		"left after the end":       {rec(200, call.SideClient, call.EndClosed, true, call.ClassUnknown, 0), call.OutcomeOK},
		"cut, not classified":      {rec(200, call.SideUpstream, call.EndShort, false, call.ClassUnknown, 0), call.OutcomeError},
		"distrusted certificate":   {rec(0, call.SideClient, call.EndTLS, false, call.ClassTLSUntrusted, call.SeverityError), call.OutcomeError},
		"close-delimited but done": {rec(200, call.SideUpstream, call.EndEOF, true, call.ClassUnknown, 0), call.OutcomeOK},
	} {
		if got := tc.r.Outcome(); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func TestRetryable(t *testing.T) {
	status := func(s int, h ...call.Header) call.Record {
		return call.Record{Response: call.Response{Status: s, Headers: h}, End: call.End{Side: call.SideUpstream, Kind: call.EndEOF}}
	}
	for s, want := range map[int]bool{200: false, 400: false, 404: false, 408: true, 409: true, 429: true, 500: true, 529: true} {
		r := status(s)
		if got := r.Retryable(); got != want {
			t.Errorf("status %d: got %v, want %v", s, got, want)
		}
	}
	never := status(500, call.Header{Name: "x-should-retry", Value: "false"})
	if never.Retryable() {
		t.Error("x-should-retry: false was ignored")
	}
	cutEarly := call.Record{Response: call.Response{Status: 200}, End: call.End{Side: call.SideUpstream, Kind: call.EndReset}}
	if !cutEarly.Retryable() {
		t.Error("a reset before the first body byte is retried")
	}
	cutLate := cutEarly
	cutLate.Timing.FirstByte = time.Unix(1, 0)
	if cutLate.Retryable() {
		t.Error("nobody retries after the first body byte")
	}
}

func TestEnumsRoundTrip(t *testing.T) {
	for _, c := range call.Classes() {
		var got call.Class
		roundTrip(t, c, &got)
		if got != c {
			t.Errorf("class %v came back as %v", c, got)
		}
	}
	if n := len(call.Classes()); n != 42 {
		t.Errorf("the contract names 42 classes, the enum %d", n)
	}
	var m call.Mode
	if err := m.UnmarshalText([]byte("maybe")); err == nil {
		t.Error("an unknown label must be an error")
	}
}

func roundTrip(t *testing.T, in encoding.TextMarshaler, out encoding.TextUnmarshaler) {
	t.Helper()
	b, err := in.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := out.UnmarshalText(b); err != nil {
		t.Fatal(err)
	}
}

func TestPaceBinsAreTheStandardBuckets(t *testing.T) {
	var s call.Stream
	for _, d := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 11 * time.Millisecond, time.Hour} {
		s.AddPace(d)
	}
	if s.Pace[0].Count != 2 || s.Pace[1].Count != 1 || s.Pace[17].Count != 1 {
		t.Errorf("bins %v", s.Pace)
	}
	if b := call.PaceBounds(); b[16] < 655.35 || b[16] > 655.37 {
		t.Errorf("last bound %v, want 655.36", b[16])
	}
}

func TestDigestsAreKeyed(t *testing.T) {
	a, b := call.NewHasher([]byte("one")).Secret("key"), call.NewHasher([]byte("two")).Secret("key")
	if a == b || len(a.String()) != 12 {
		t.Errorf("digests %q and %q", a, b)
	}
	if !call.NewHasher(nil).Secret("").IsZero() {
		t.Error("no credential, no digest")
	}
}

func TestUnseenIsNotFailed(t *testing.T) {
	opaque := call.Record{Agent: call.Agent{View: call.ViewOpaque}}
	if got := opaque.Outcome(); got != call.OutcomeUnknown {
		t.Errorf("a call nobody could see has outcome %v", got)
	}
	if opaque.Retryable() {
		t.Error("and is no reason to retry")
	}
	b, err := json.Marshal(opaque)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "outcome") {
		t.Errorf("an unknown outcome must be absent: %s", b)
	}
}

// TestRetryableWithoutAStatus: a connection that failed is tried again, unless
// the client itself left or refused.
func TestRetryableWithoutAStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		end  call.End
		want bool
	}{
		"refused":            {call.End{Side: call.SideUpstream, Kind: call.EndRefused}, true},
		"dns":                {call.End{Side: call.SideUpstream, Kind: call.EndDNS}, true},
		"agent shut down":    {call.End{Side: call.SideAgent, Kind: call.EndClosed}, true},
		"nobody has seen it": {call.End{}, false},
		"client left":        {call.End{Side: call.SideClient, Kind: call.EndClosed}, false},
		"client distrusts":   {call.End{Side: call.SideClient, Kind: call.EndTLS}, false},
		"policy of the path": {call.End{Side: call.SideAgent, Kind: call.EndPolicy}, true},
	} {
		r := call.Record{End: tc.end}
		if got := r.Retryable(); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
	for name, h := range map[string]string{"true": "true", "absent": "", "odd": "maybe"} {
		r := call.Record{Response: call.Response{Status: 500, Headers: []call.Header{{Name: "x-should-retry", Value: h}}}}
		if !r.Retryable() {
			t.Errorf("x-should-retry %s stopped a retry", name)
		}
	}
	clean := call.Record{Response: call.Response{Status: 200}, End: call.End{Side: call.SideUpstream, Kind: call.EndEOF}}
	byClient := call.Record{Response: call.Response{Status: 200}, End: call.End{Side: call.SideClient, Kind: call.EndReset}}
	if clean.Retryable() || byClient.Retryable() {
		t.Error("an answer that came is not asked for again")
	}
}

func TestDigestOfABodyIsIncremental(t *testing.T) {
	h := call.NewHasher([]byte("k"))
	whole, parts := h.Body(), h.Body()
	_, _ = whole.Write([]byte("one two"))
	_, _ = parts.Write([]byte("one "))
	_, _ = parts.Write([]byte("two"))
	a, b := h.SumBody(whole), h.SumBody(parts)
	if a != b || len(a.String()) != 16 {
		t.Errorf("digests %v and %v", a, b)
	}
	if h.Secret(" key\n") != h.Secret("key") {
		t.Error("blanks around a credential make another digest")
	}
	key := []byte("k")
	owned := call.NewHasher(key)
	key[0] = 'x'
	if owned.Secret("s") != h.Secret("s") {
		t.Error("the hasher's key changed with the caller's slice")
	}
}

func TestAuthText(t *testing.T) {
	digest := call.NewHasher([]byte("k")).Secret("s")
	for name, tc := range map[string]struct {
		auth call.Auth
		want string
	}{
		"none":   {call.Auth{}, ""},
		"scheme": {call.Auth{Scheme: "bearer"}, "bearer"},
		"both":   {call.Auth{Scheme: "api_key", Digest: digest}, "api_key:" + digest.String()},
	} {
		b, err := tc.auth.MarshalText()
		if err != nil || string(b) != tc.want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		var back call.Auth
		if err := back.UnmarshalText(b); err != nil || back != tc.auth {
			t.Errorf("%s: came back as %+v, %v", name, back, err)
		}
	}
}

// TestOutcomeOfUnclassifiedCalls: a call in flight and an opaque connection
// have no outcome; what is classified as an error keeps it.
func TestOutcomeOfUnclassifiedCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		r    call.Record
		want call.Outcome
	}{
		"in flight":           {call.Record{Request: call.Request{Method: "POST"}}, call.OutcomeUnknown},
		"opaque":              {call.Record{Agent: call.Agent{View: call.ViewOpaque}}, call.OutcomeUnknown},
		"failed before":       {call.Record{Diagnosis: call.Diagnosis{Class: call.ClassFailedBeforeCall, Severity: call.SeverityError}}, call.OutcomeError},
		"ended by the agent":  {call.Record{End: call.End{Side: call.SideAgent, Reason: "crash"}}, call.OutcomeError},
		"upstream gone":       {call.Record{End: call.End{Side: call.SideUpstream, Kind: call.EndReset}}, call.OutcomeError},
		"client distrusts":    {call.Record{End: call.End{Side: call.SideClient, Kind: call.EndTLS}}, call.OutcomeError},
		"client left early":   {call.Record{End: call.End{Side: call.SideClient, Kind: call.EndClosed}}, call.OutcomeCancelled},
		"cut, seen in full":   {call.Record{Response: call.Response{Status: 200}, Agent: call.Agent{View: call.ViewFull}, End: call.End{Side: call.SideUpstream, Kind: call.EndReset}}, call.OutcomeError},
		"cut, not seen":       {call.Record{Response: call.Response{Status: 200}, Agent: call.Agent{View: call.ViewOpaque}, End: call.End{Side: call.SideUpstream, Kind: call.EndReset}}, call.OutcomeOK},
		"399 is no error":     {call.Record{Response: call.Response{Status: 399}}, call.OutcomeOK},
		"400 is one":          {call.Record{Response: call.Response{Status: 400}}, call.OutcomeError},
		"cancelled over 500":  {call.Record{Response: call.Response{Status: 500}, Diagnosis: call.Diagnosis{Class: call.ClassClientCancelled}}, call.OutcomeCancelled},
		"severity over a 200": {call.Record{Response: call.Response{Status: 200}, Diagnosis: call.Diagnosis{Class: call.ClassErrorInStream, Severity: call.SeverityError}}, call.OutcomeError},
	} {
		if got := tc.r.Outcome(); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
		if got := tc.r.ErrorType(); (got == "") != (tc.want != call.OutcomeError) {
			t.Errorf("%s: error.type %q of an attempt that is %v", name, got, tc.want)
		}
	}
}
