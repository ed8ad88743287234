package compare_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// story builds the logical calls of one table row, one after the other.
type story struct {
	now time.Time
	n   int
}

// option changes a record.
type option = func(*call.Record)

// call makes one attempt of a second's length, five seconds after the one
// before.
func (s *story) call(options ...option) call.Record {
	s.n++
	s.now = s.now.Add(5 * time.Second)
	id := fmt.Sprintf("c%03d", s.n)
	r := call.Record{
		Identity: call.Identity{ID: id, Logical: id, Attempt: 1, Start: s.now},
		Target: call.Target{
			Scheme: "https", Host: "svc.example", Port: 443, Provider: "azure.ai.openai", API: "azure.openai.chat", Operation: "chat",
			Deployment: "gpt4", Model: "gpt4", APIVersion: "2024-10-21", Auth: call.Auth{Scheme: "api_key"},
		},
		Client: call.Client{Name: "langchain", Version: "0.3.2", Kind: call.ClientFramework, Address: "10.0.0.7"},
		Request: call.Request{
			Method: "POST", Path: "/openai/deployments/gpt4/chat/completions", URL: "https://svc.example/openai/deployments/gpt4/chat/completions?api-version=2024-10-21",
			Mode: call.ModePlain, StreamFlag: call.StreamFalse, Keys: []string{"messages", "model", "stream"},
		},
		Response:  call.Response{Status: 200, Body: call.BodyFacts{Framing: call.FramingJSON}},
		End:       call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:     call.Agent{View: call.ViewFull, PeerAddress: "192.0.2.1:443"},
		Diagnosis: call.Diagnosis{Class: call.ClassOK},
	}
	s.now = s.now.Add(time.Second)
	for _, o := range options {
		o(&r)
	}
	end := s.now
	if !r.Timing.End.IsZero() {
		end = r.Timing.End
	}
	r.Timing.Headers, r.Timing.LastByte, r.Timing.End = end, end, end
	s.now = end
	return r
}

func stream(r *call.Record) {
	r.Request.Mode, r.Request.StreamFlag = call.ModeStream, call.StreamTrue
	if r.Response.Status == 200 {
		r.Response.Body.Framing = call.FramingSSE
		r.Stream = call.Stream{Events: 5, ContentEvents: 4, Done: true, Finish: true}
	}
}

// fails ends a call with an error of the gateway.
func fails(r *call.Record) {
	r.Response = call.Response{Status: 500, Body: call.BodyFacts{Framing: call.FramingJSON}, Error: call.Error{
		Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error",
	}}
	r.Stream = call.Stream{}
	r.Diagnosis = call.Diagnosis{Class: call.ClassGatewayErrorOpaque, Reason: "apim", Severity: call.SeverityError}
}

func failsWith(class call.Class, status int, reason string) option {
	return func(r *call.Record) {
		fails(r)
		r.Response.Status = status
		r.Response.Error = call.Error{Shape: call.ShapeOpenAI, Message: "The request did not succeed"}
		r.Diagnosis = call.Diagnosis{Class: class, Reason: reason, Severity: call.SeverityError}
	}
}

// refused is A1: a refusal that explains itself.
func refused(r *call.Record) {
	failsWith(call.ClassStreamUnsupported, 400, "model")(r)
	r.Response.Error = call.Error{Shape: call.ShapeOpenAI, Code: "unsupported_value", Param: "stream", Message: "Unsupported value: 'stream' does not support true with this model."}
}

func onlyStreams(r *call.Record) {
	failsWith(call.ClassPlainUnsupported, 400, "")(r)
	r.Response.Error.Message = "This model only supports stream=true"
}

func stopped(r *call.Record) {
	r.Stream = call.Stream{Events: 3, ContentEvents: 2}
	r.End = call.End{Side: call.SideClient, Kind: call.EndClosed}
	r.Diagnosis = call.Diagnosis{Class: call.ClassClientCancelled, Severity: call.SeverityInfo}
}

func keys(names ...string) option {
	return func(r *call.Record) {
		r.Request.Keys = append(slices.Clone(r.Request.Keys), names...)
		slices.Sort(r.Request.Keys)
	}
}

func deployment(name string) option {
	return func(r *call.Record) { r.Target.Deployment, r.Target.Model = name, name }
}

func client(name, version string) option {
	return func(r *call.Record) { r.Client.Name, r.Client.Version = name, version }
}

func credential(secret string) option {
	return func(r *call.Record) { r.Target.Auth.Digest = call.NewHasher([]byte("k")).Secret(secret) }
}

func egress(address string) option {
	return func(r *call.Record) { r.Agent.PeerAddress = address + ":443" }
}

// attempts makes a call of n attempts.
func (s *story) attempts(n int, options ...option) []call.Record {
	var out []call.Record
	for i := range n {
		r := s.call(options...)
		if i > 0 {
			r.Identity.Logical, r.Identity.Attempt = out[0].Identity.Logical, i+1
		}
		out = append(out, r)
	}
	return out
}

// lasts moves a call to the given seconds of the story.
func lasts(from, to float64) option {
	return func(r *call.Record) {
		r.Identity.Start = at(from)
		r.Timing.End = at(to)
	}
}

// window observes records and collects what it says.
type watched struct {
	*compare.Window
	all []call.Finding
}

func watch() *watched {
	return &watched{Window: compare.NewWindow(compare.WindowConfig{
		Remedy: func(ids []string, _ call.Client, _ call.Target) []string { return ids },
	})}
}

func (w *watched) observe(records ...call.Record) *watched {
	for _, r := range records {
		w.all = append(w.all, w.Observe(r)...)
	}
	return w
}

// story returns the states of a verdict in order.
func (w *watched) states(verdict string) string {
	var out []string
	for _, f := range w.all {
		if f.Verdict != verdict {
			continue
		}
		state := f.State
		if f.ClosedBecause != "" {
			state += " " + f.ClosedBecause
		}
		if len(f.ConfoundedBy) > 0 {
			state += " (" + strings.Join(f.ConfoundedBy, ",") + ")"
		}
		out = append(out, state)
	}
	return strings.Join(out, ", ")
}

const (
	streamOnly = "stream_only_failure"
	plainOnly  = "plain_only_failure"
)

// row is one row v-* of the catalogue's acceptance table: P and S are plain
// and streamed calls.
type row struct {
	id      string
	calls   string // one word per call
	want    string // states of stream_only_failure, in order
	plain   string // states of plain_only_failure
	support int
}

// words of a row's calls.
func words() map[string][]option {
	return map[string][]option{
		"P":         {},
		"Pretried":  nil,
		"S":         {stream},
		"Pfail":     {fails},
		"Sfail":     {stream, fails},
		"Sown":      {stream, failsWith(call.ClassProviderError, 500, "internal")},
		"Sother":    {stream, failsWith(call.ClassEmptyStream, 200, "done_only")},
		"Pother":    {failsWith(call.ClassProviderError, 503, "overloaded")},
		"Sstop":     {stream, stopped},
		"Searly":    {stream, stopped, func(r *call.Record) { r.Stream = call.Stream{} }},
		"Srefused":  {stream, refused},
		"Ponly":     {onlyStreams},
		"Stools":    {stream, fails, keys("tools")},
		"Ptools":    {keys("tools")},
		"S429":      {stream, failsWith(call.ClassRateLimited, 429, "rate")},
		"Sctx":      {stream, failsWith(call.ClassRequestRejected, 400, "context_length")},
		"Scombo":    {stream, failsWith(call.ClassStreamUnsupported, 400, "combination")},
		"Scred":     {stream, fails, credential("mine")},
		"Pcred":     {credential("ours")},
		"Pembed":    {func(r *call.Record) { r.Target.Operation = "embeddings" }},
		"Sversion":  {stream, fails, func(r *call.Record) { r.Target.APIVersion = "2023-05-15" }},
		"SfailA":    {stream, fails, deployment("A")},
		"PB":        {deployment("B")},
		"S401":      {stream, failsWith(call.ClassAuthRejected, 401, "key")},
		"S403":      {stream, failsWith(call.ClassAuthRejected, 403, "stream_permission")},
		"Sunknown":  {stream, fails, func(r *call.Record) { r.Diagnosis.Class = call.ClassUnknown }},
		"Smodeless": {stream, fails, func(r *call.Record) { r.Request.Mode = call.ModeUnknown }},
	}
}

func TestVerdictsOnModes(t *testing.T) {
	for _, tc := range []row{
		{id: "v-1208", calls: "P Sfail*3 P", want: "confirmed", support: 2},
		{id: "v-form-a", calls: "Sfail P Sfail", want: "confirmed", support: 2},
		{id: "v-after", calls: "Sown Sown P", want: "suspected", support: 2},
		{id: "v-before", calls: "P Sfail Sfail", want: "suspected", support: 2},
		{id: "v-single", calls: "Sfail P"},
		{id: "v-foreign", calls: "Sfail Sfail", want: "suspected", support: 2},
		{id: "v-own", calls: "Sown Sown"},
		{id: "v-outage", calls: "Sfail Sfail Pfail", want: "suspected, closed refuted"},
		{id: "v-other-plain", calls: "Sfail Pother Sfail P", want: "suspected", support: 2},
		{id: "v-heals", calls: "Sfail P Sfail S", want: "confirmed, closed works_again", support: 1},
		{id: "v-stopped", calls: "Sfail P Sfail Sstop", want: "confirmed, closed works_again", support: 1},
		{id: "v-refuted-late", calls: "Sfail P Sfail Pfail", want: "confirmed, closed refuted"},
		{id: "v-mixed", calls: "Sfail P Sother"},
		{id: "v-form-b-single", calls: "P Sfail P", want: "suspected", support: 2},
		{id: "v-form-b-two", calls: "P Sfail Sfail P", want: "suspected, confirmed", support: 2},
		{id: "v-form-b-refused", calls: "P Srefused P", want: "confirmed", support: 3},
		{id: "v-plain-only", calls: "S Ponly S", plain: "confirmed", support: 1},
		{id: "v-plain-only-500", calls: "S Pfail S", plain: "suspected", support: 1},
		{id: "v-confounded", calls: "P Stools Stools P", want: "suspected (tools)", support: 2},
		{id: "v-unconfounded", calls: "P Stools Stools P Ptools", want: "suspected (tools), confirmed", support: 2},
		{id: "v-excluded-429", calls: "P S429 P"},
		{id: "v-excluded-ctx", calls: "P Sctx P"},
		{id: "v-excluded-cancel", calls: "P Searly P"},
		{id: "v-targets", calls: "PB SfailA PB"},
		{id: "v-apiver", calls: "P Sversion P"},
		{id: "v-intermittent", calls: "Sfail P Sfail S Sfail P Sfail S Sfail P Sfail", want: "confirmed, closed works_again, suspected, confirmed, closed works_again"},

		{id: "suspicion refuted by a stream", calls: "P Sfail Sfail S", want: "suspected, closed refuted", support: 1},
		{id: "again within the day, form B", calls: "P Sfail Sfail P S Sfail*3 P", want: "suspected, confirmed, closed works_again, confirmed", support: 2},
		{id: "a retry made the same failure of a plain call good", calls: "Pretried S Sfail P Sfail", want: "suspected", support: 2},
		{id: "a refusal alone is no comparison", calls: "Srefused", support: 3},
		{id: "works again in words", calls: "Srefused S", support: 1},
		{id: "combination says nothing about streams", calls: "P Scombo Scombo P", support: 0},
		{id: "credential of its own", calls: "Pcred Scred Scred Pcred", want: "suspected (credential)", support: 2},
		{id: "credentials not known on one side", calls: "P Scred Scred P", want: "suspected, confirmed", support: 2},
		{id: "embeddings are no control", calls: "Pembed Sfail*3 Pembed"},
		{id: "a wrong key", calls: "P S401 S401 P"},
		{id: "rights to stream", calls: "P S403 S403 P", want: "suspected, confirmed", support: 2},
		{id: "class not known", calls: "P Sunknown Sunknown P"},
		{id: "mode not known", calls: "P Smodeless Smodeless P"},
		{id: "streams worked before", calls: "S P Sfail P Sfail", want: "suspected, confirmed", support: 2},
	} {
		t.Run(tc.id, func(t *testing.T) {
			var s story
			s.now = zero
			w := watch()
			for word := range strings.FieldsSeq(tc.calls) {
				name, times, _ := strings.Cut(word, "*")
				n := 1
				if times != "" {
					fmt.Sscan(times, &n)
				}
				options, ok := words()[name]
				if !ok {
					t.Fatalf("no word %q", name)
				}
				if name == "Pretried" {
					failed := s.attempts(2, fails)
					good := s.call()
					good.Identity.Logical, good.Identity.Attempt = failed[0].Identity.Logical, 3
					w.observe(append(failed, good)...)
					continue
				}
				w.observe(s.attempts(n, options...)...)
			}
			if got := w.states(streamOnly); got != tc.want {
				t.Errorf("stream_only_failure: %q, want %q", got, tc.want)
			}
			if got := w.states(plainOnly); got != tc.plain {
				t.Errorf("plain_only_failure: %q, want %q", got, tc.plain)
			}
			if v, _, _ := w.Support(s.call().Target); v != tc.support && tc.id != "v-targets" {
				t.Errorf("support %d, want %d", v, tc.support)
			}
			for _, f := range w.all {
				t.Log(f.State, f.ClosedBecause, f.Text)
			}
		})
	}
}
