package compare_test

import (
	"fmt"
	"strconv"
	"time"

	"llmtap/internal/call"
)

// zero is the time that all tests count from.
var zero = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(seconds float64) time.Time {
	return zero.Add(time.Duration(seconds * float64(time.Second)))
}

func digest(body string) call.Digest {
	h := call.NewHasher([]byte("test")).Body()
	h.Write([]byte(body))
	return call.Hasher{}.SumBody(h)
}

// attempt is a chat request of one client that began and ended at the given
// seconds with status; options change it.
func attempt(start, end float64, status int, options ...func(*call.Record)) call.Record {
	r := call.Record{
		Identity: call.Identity{Start: at(start)},
		Target:   call.Target{Scheme: "https", Host: "svc.example", Port: 443},
		Client:   call.Client{Name: "openai-python", Version: "1.60.1", Address: "10.0.0.7"},
		Request: call.Request{
			Method: "POST", Path: "/openai/deployments/d/chat/completions",
			Hints: call.RequestHints{Body: digest("hello")},
		},
		Response: call.Response{Status: status},
		Timing:   call.Timing{Headers: at(end), FirstByte: at(end), LastByte: at(end), End: at(end)},
		End:      call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:    call.Agent{View: call.ViewFull},
	}
	for _, o := range options {
		o(&r)
	}
	r.Identity.ID = fmt.Sprintf("%v to %v %v", start, end, r.Request.Hints.Body)
	return r
}

func body(s string) func(*call.Record) {
	return func(r *call.Record) { r.Request.Hints.Body = digest(s) }
}

func count(n int) func(*call.Record) {
	return func(r *call.Record) { r.Request.Hints.RetryCount = strconv.Itoa(n) }
}

func invocation(id string) func(*call.Record) {
	return func(r *call.Record) { r.Request.Hints.InvocationID = id }
}

func header(name, value string) func(*call.Record) {
	return func(r *call.Record) {
		r.Response.Headers = append(r.Response.Headers, call.Header{Name: name, Value: value})
	}
}

func remote(trace, span string, sampled bool) func(*call.Record) {
	return func(r *call.Record) {
		r.Identity.Remote = call.SpanContext{Trace: trace, Span: span, Sampled: sampled}
	}
}

// refusedConn is an attempt that got no response at all.
func refusedConn(r *call.Record) {
	r.Response = call.Response{}
	r.Timing.Headers, r.Timing.FirstByte, r.Timing.LastByte = time.Time{}, time.Time{}, time.Time{}
	r.End = call.End{Side: call.SideUpstream, Kind: call.EndRefused}
}

// left is an attempt whose client gave up while it waited for headers; the
// leg to the service ended with the attempt's end.
func left(r *call.Record) {
	refusedConn(r)
	r.End = call.End{Side: call.SideClient, Kind: call.EndClosed}
}

// hungUp is an attempt whose client closed after the response headers, while
// the body still came for a second.
func hungUp(r *call.Record) {
	r.End = call.End{Side: call.SideClient, Kind: call.EndClosed}
	r.Timing.LastByte = r.Timing.Headers.Add(time.Second)
	r.Timing.End = r.Timing.LastByte
}
