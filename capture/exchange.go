package capture

import (
	"hash"
	"strings"
	"time"

	"llmtap/capture/observe"
	"llmtap/capture/wire"
	"llmtap/internal/call"
	"llmtap/internal/client"
	"llmtap/internal/redact"
)

// exchange builds the record of one attempt from what the observer or the
// second path shows of it. Its methods run under the connection's lock: one
// goroutine at a time owns it.
type exchange struct {
	b    *builder
	conn *connection
	rec  call.Record

	match  wire.Match
	llm    bool
	head   headers
	query  string
	req    *wire.Request
	reqZip *inflater
	facts  wire.RequestFacts
	body   hash.Hash
	core   hash.Hash

	resp              *responseReader
	reqEnd            *observe.End
	respEnd           *observe.End
	sealed            bool
	keepReq, keepResp *cappedText
}

func (b *builder) open(c *connection, reused bool) *exchange {
	x := &exchange{b: b, conn: c}
	x.rec.Request.Hints.ReusedConn = reused
	if !reused {
		x.rec.Timing = c.timing
	}
	return x
}

// Head takes a request head, interim and final response heads, and trailers.
func (x *exchange) Head(h *observe.Head, at time.Time) {
	switch {
	case h.Trailers:
	case h.Direction == observe.Request:
		x.requestHead(h, at)
	case h.Interim:
		x.rec.Response.Interim++
	default:
		x.responseHead(h, at)
	}
}

// Body takes body bytes of either direction.
func (x *exchange) Body(d observe.Direction, p []byte, at time.Time) {
	if d == observe.Response {
		if x.resp != nil {
			x.resp.push(p, at)
		}
		return
	}
	x.rec.Request.Bytes += int64(len(p))
	if x.req == nil {
		return
	}
	x.body.Write(p)
	if x.reqZip == nil {
		x.requestBytes(p)
	} else if x.reqZip.Push(p) != nil {
		x.lost("decode_limit")
	}
}

func (x *exchange) requestBytes(p []byte) {
	x.req.Push(p)
	if x.keepReq != nil {
		x.keepReq.add(p)
	}
}

// End takes the end of one direction and seals the record after both.
func (x *exchange) End(d observe.Direction, e observe.End, at time.Time) {
	if d == observe.Request {
		if x.reqEnd == nil {
			x.reqEnd = &e
			x.requestDone(e, at)
		}
	} else if x.respEnd == nil {
		x.respEnd = &e
		x.rec.Timing.End = at
		if x.resp != nil {
			x.resp.close(e, at)
		}
	}
	if x.reqEnd != nil && x.respEnd != nil {
		x.seal(at)
	}
}

func (x *exchange) requestHead(h *observe.Head, at time.Time) {
	c := x.conn
	path, query, _ := strings.Cut(originForm(h.Target), "?")
	x.head, x.query = copyHeaders(h.Fields), query
	x.match, x.llm = wire.Recognize(wire.Line{
		Method: h.Method, Host: c.host, Port: c.port, Path: path, Query: query, Upgrade: x.head.get("Upgrade"),
	})
	r := &x.rec
	r.Identity.ID, r.Identity.Start = x.b.newID(at), at
	r.Identity.Remote = traceparent(x.head.get("traceparent"))
	r.Target = call.Target{
		Scheme: c.scheme, Host: c.host, Port: c.port, Provider: x.match.Provider, API: x.match.API,
		Operation: x.match.Operation, Format: x.match.Format, Deployment: x.match.Deployment, Model: x.match.Model,
		APIVersion: x.match.APIVersion, RoutePrefix: x.match.RoutePrefix, Auth: authOf(x.b.hash, h.Fields, query),
	}
	r.Client = call.Client{Address: c.client, User: c.user}
	r.Request.Method, r.Request.Path, r.Request.HTTP = h.Method, path, h.Proto
	r.Request.URL = c.scheme + "://" + authority(c.host, c.port, c.scheme) + redact.URL(originForm(h.Target))
	x.hints(h)
	r.Agent.Conn, r.Agent.PeerAddress, r.Agent.Mode, r.Agent.View = c.id, c.peer, c.mode, call.ViewFull
	r.Agent.Capture = call.CaptureOff
	x.b.stats.begin()
	if h.Method != "POST" && !x.llm {
		return
	}
	x.body, x.core = x.b.hash.Body(), x.b.hash.Body()
	x.req = wire.NewRequest(x.match, x.core)
	if x.b.content > 0 {
		x.keepReq = &cappedText{max: x.b.content}
		r.Agent.Capture = call.CaptureFull
	}
	var ok bool
	if x.reqZip, ok = newInflater(x.head.get("Content-Encoding"), x.requestBytes); !ok {
		x.lost("content_encoding")
	}
}

func (x *exchange) hints(h *observe.Head) {
	hints := &x.rec.Request.Hints
	hints.RetryCount = clip(x.head.get("x-stainless-retry-count"), 8)
	hints.InvocationID = clip(x.head.get("amz-sdk-invocation-id"), 64)
	hints.ReadTimeout = clip(x.head.get("x-stainless-read-timeout"), 16)
	hints.Headers = x.head.allowed()
	if host, _, _ := strings.Cut(h.Authority, ":"); h.Authority != "" && x.conn.mode == call.CaptureMITM && !strings.HasPrefix(host, "[") {
		hints.HostMismatch = Normalise(host) != x.conn.host
	}
}

// requestDone completes what was asked and announces the attempt.
func (x *exchange) requestDone(e observe.End, at time.Time) {
	if e.Kind == observe.EndComplete {
		x.rec.Timing.RequestSent = at
	}
	if x.rec.Identity.ID == "" {
		return // an answer nobody asked for
	}
	if x.req != nil {
		if x.reqZip != nil {
			x.reqZip.Close()
		}
		x.facts = x.req.Close()
		x.applyRequest()
	}
	x.rec.Client = x.identify()
	if x.recordable() {
		x.b.live.add(x.rec)
		if x.b.hooks.Started != nil {
			x.b.hooks.Started(x.rec)
		}
	}
}

func (x *exchange) applyRequest() {
	f, r := x.facts, &x.rec
	q := &r.Request
	q.StreamFlag, q.Keys, q.Params, q.Messages, q.Tools = f.StreamFlag, f.Keys, f.Params, f.Messages, f.Tools
	q.Mode = f.Mode
	q.Hints.StreamType, q.Hints.IncludeUsage, q.Hints.OutputType = f.StreamType, f.IncludeUsage, f.OutputType
	q.Hints.Body, q.Hints.Core = call.SumBody(x.body), call.SumBody(x.core)
	switch {
	case r.Target.Model == "":
		r.Target.Model = f.Model
	case f.Model != "" && f.Model != r.Target.Model:
		q.Hints.BodyModel = f.Model
	}
}

func (x *exchange) identify() call.Client {
	r, f := &x.rec, x.facts
	c := client.Identify(client.Facts{
		Method: r.Request.Method, Path: r.Request.Path, Host: r.Target.Host, Header: x.head.get, Has: x.head.has,
		Keys: r.Request.Keys, Model: f.Model, ModelNull: f.ModelNull, Stream: f.StreamFlag, Params: f.Params,
		Prompt: client.Prompt(f.Prompt),
	})
	c.Address, c.User = r.Client.Address, r.Client.User
	c.UserAgent = clip(x.head.get("User-Agent"), 256)
	return c
}

// recordable reports whether the exchange is an LLM call, or may be one: known
// by its path, by its body, or a POST to an intercepted host.
func (x *exchange) recordable() bool {
	if x.llm {
		return true
	}
	if x.rec.Request.Method != "POST" {
		return false
	}
	return x.conn.mode != call.CapturePlain || x.facts.Messages > 0
}

// lost notes once what could not be observed.
func (x *exchange) lost(what string) {
	for _, l := range x.rec.Agent.Lost {
		if l == what {
			return
		}
	}
	x.rec.Agent.Lost = append(x.rec.Agent.Lost, what)
	x.b.stats.drop(what)
}
