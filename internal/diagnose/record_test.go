package diagnose_test

import (
	"time"

	"llmtap/internal/call"
)

// start is when every call of these tests began.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// option changes one fact of a record.
type option func(*call.Record)

func record(options ...option) call.Record {
	r := call.Record{
		Identity: call.Identity{ID: "r1", Start: start, Attempt: 1},
		Target: call.Target{
			Scheme: "https", Host: "svc.example", Port: 443, Provider: "openai_compatible", API: "openai.chat",
			Operation: "chat", Format: "openai.chat", Model: "m-1",
		},
		Client: call.Client{Kind: call.ClientDirect, Name: "openai-python", SDK: "openai-python", SDKVersion: "2.54.0"},
		Request: call.Request{
			Method: "POST", Path: "/v1/chat/completions", Mode: call.ModePlain, StreamFlag: call.StreamFalse,
			Keys: []string{"messages", "model", "stream"}, HTTP: "1.1",
		},
		Timing: call.Timing{RequestSent: start, End: start},
		End:    call.End{Side: call.SideUpstream, Kind: call.EndEOF},
		Agent:  call.Agent{View: call.ViewFull},
	}
	for _, o := range options {
		o(&r)
	}
	return r
}

func asked(r *call.Record) {
	r.Request.Mode, r.Request.StreamFlag = call.ModeStream, call.StreamTrue
}

// plainOK is a healthy JSON answer.
func plainOK(r *call.Record) {
	r.Response.Status = 200
	r.Response.Body = call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Bytes: 300, Transfer: call.TransferLength}
	r.Response.FinishReasons = []string{"stop"}
	r.Usage = call.Usage{Input: call.Some(9), Output: call.Some(4)}
	r.Timing.Headers, r.Timing.FirstByte, r.Timing.LastByte, r.Timing.End = at(1), at(1), at(1), at(1)
	r.End.Terminal = true
}

// streamOK is a healthy stream: 42 events in 3 s, finish, marker, usage.
func streamOK(r *call.Record) {
	asked(r)
	r.Response.Status = 200
	r.Response.Body = call.BodyFacts{ContentType: "text/event-stream", Framing: call.FramingSSE, Bytes: 9000, Transfer: call.TransferChunked}
	r.Response.FinishReasons = []string{"stop"}
	r.Usage = call.Usage{Input: call.Some(9), Output: call.Some(40)}
	r.Timing = call.Timing{
		RequestSent: start, Headers: at(0.3), FirstByte: at(0.3), FirstData: at(0.3), FirstContent: at(0.4),
		LastData: at(3), LastByte: at(3), End: at(3),
	}
	r.Stream = call.Stream{
		Events: 42, ContentEvents: 38, Bursts: 41, LargestBurst: 2, MaxGap: 300 * time.Millisecond,
		MaxDataGap: 300 * time.Millisecond, Done: true, Finish: true,
	}
	for range 37 {
		r.Stream.AddPace(70 * time.Millisecond)
	}
	r.End = call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true}
}

// broken takes marker, finish and usage away: the answer stopped before.
func broken(r *call.Record) {
	r.Stream.Done, r.Stream.Finish, r.End.Terminal = false, false, false
	r.Response.FinishReasons = nil
	r.Usage = call.Usage{}
}

func dialect(api, format string) option {
	return func(r *call.Record) { r.Target.API, r.Target.Format = api, format }
}

func azure(r *call.Record) {
	r.Target.Provider, r.Target.API, r.Target.Host = "azure.ai.openai", "azure.openai.chat", "x.openai.azure.com"
	r.Target.Deployment, r.Target.Model, r.Target.APIVersion = "d", "d", "2024-10-21"
	r.Request.Path = "/openai/deployments/d/chat/completions"
}

func framing(f call.Framing, mt string) option {
	return func(r *call.Record) { r.Response.Body.Framing, r.Response.Body.ContentType = f, mt }
}

func ends(side call.Side, kind call.EndKind) option {
	return func(r *call.Record) { r.End.Side, r.End.Kind = side, kind }
}

// leaves lets the client close at the given second, before the end.
func leaves(seconds float64) option {
	return func(r *call.Record) {
		r.End.Side, r.End.Kind = call.SideClient, call.EndClosed
		r.Timing.End = at(seconds)
	}
}

func oddity(name string, count int) option {
	return func(r *call.Record) {
		r.Stream.Oddities = append(r.Stream.Oddities, call.Oddity{Name: name, Count: count})
	}
}

// oddityAt is an oddity that came last at the given second.
func oddityAt(name string, seconds float64) option {
	return func(r *call.Record) {
		last := time.Duration(seconds * float64(time.Second))
		r.Stream.Oddities = append(r.Stream.Oddities, call.Oddity{Name: name, Count: 1, Last: last})
	}
}

// fails is an answer with status and an error body after a fifth of a second.
func fails(status int, e call.Error) option {
	return func(r *call.Record) {
		r.Response.Status, r.Response.Error = status, e
		r.Response.Body = call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Bytes: 200, Transfer: call.TransferLength}
		r.Timing.Headers, r.Timing.FirstByte, r.Timing.LastByte, r.Timing.End = at(0.2), at(0.2), at(0.2), at(0.2)
		r.End = call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true}
	}
}

// page is an answer of a web page.
func page(status int) option {
	return func(r *call.Record) {
		fails(status, call.Error{Shape: call.ShapeHTML})(r)
		r.Response.Body.Framing, r.Response.Body.ContentType = call.FramingHTML, "text/html"
	}
}

// after moves the answer's headers to the given second.
func after(seconds float64) option {
	return func(r *call.Record) {
		r.Timing.Headers, r.Timing.FirstByte, r.Timing.LastByte, r.Timing.End = at(seconds), at(seconds), at(seconds), at(seconds)
	}
}

func answered(name, value string) option {
	return func(r *call.Record) {
		r.Response.Headers = append(r.Response.Headers, call.Header{Name: name, Value: value})
	}
}

// key adds a key to the request's body.
func key(names ...string) option {
	return func(r *call.Record) { r.Request.Keys = append(append([]string(nil), r.Request.Keys...), names...) }
}

// bytes sets the size of the answer's body.
func bytes(n int64) option { return func(r *call.Record) { r.Response.Body.Bytes = n } }

func text(s string) call.Error { return call.Error{Shape: call.ShapeOpenAI, Message: s} }
