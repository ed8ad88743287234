package capture

import (
	"encoding/json"
	"hash"
	"slices"
	"strings"
	"time"

	"llmtap/capture/observe"
	"llmtap/capture/wire"
	"llmtap/internal/call"
	"llmtap/internal/client"
	"llmtap/internal/redact"
)

// asking is the request half of an exchange: it recognises the endpoint, scans
// the body as it passes and says who asked for what. It writes into the
// exchange's record and keeps nothing of the prompt.
type asking struct {
	rec   *call.Record
	match wire.Match
	llm   bool
	head  headers
	read  bool          // the body is, or was, scanned
	scan  *wire.Request // until the body is over
	zip   *inflater
	facts wire.RequestFacts
	body  hash.Hash
	core  hash.Hash
	keep  *cappedText
}

// begin takes the request head.
func (a *asking) begin(b *builder, c *connection, h *observe.Head, at time.Time) {
	path, query, _ := strings.Cut(originForm(h.Target), "?")
	a.head.copy(h.Fields)
	a.match, a.llm = wire.Recognize(wire.Line{
		Method: h.Method, Host: c.host, Port: c.port, Path: path, Query: query, Upgrade: a.head.get("Upgrade"),
		Anthropic: a.head.has("anthropic-version"),
	})
	r, m := a.rec, a.match
	r.Identity.ID, r.Identity.Start = b.newID(at), at
	r.Identity.Remote = traceparent(a.head.get("traceparent"))
	r.Target = call.Target{
		Scheme: c.scheme, Host: c.host, Port: c.port, Provider: m.Provider, API: m.API, Operation: m.Operation, Format: m.Format,
		Deployment: m.Deployment, Model: m.Model, APIVersion: m.APIVersion, RoutePrefix: m.RoutePrefix,
		Auth: authOf(b.hash, h.Fields, query),
	}
	mask(&r.Target.Deployment, &r.Target.Model, &r.Target.APIVersion, &r.Target.RoutePrefix)
	r.Client = call.Client{Address: c.client, User: c.user}
	r.Request.Method, r.Request.Path, r.Request.HTTP = h.Method, redact.Known(path), h.Proto
	r.Request.URL = c.scheme + "://" + authority(c.host, c.port, c.scheme) + redact.URL(originForm(h.Target))
	a.hints(c, h)
	r.Agent.Conn, r.Agent.PeerAddress, r.Agent.Mode, r.Agent.View = c.id, c.peer, c.mode, call.ViewFull
	r.Agent.Capture = call.CaptureOff
	if h.Method != "POST" && !a.llm || a.match.Aside {
		return
	}
	a.body, a.core = b.hash.Body(), b.hash.Body()
	a.scan, a.read = b.spare.request(a.match, a.core), true
	if b.content > 0 {
		a.keep = &cappedText{max: b.content}
		r.Agent.Capture = call.CaptureFull
	}
}

func (a *asking) hints(c *connection, h *observe.Head) {
	hints := &a.rec.Request.Hints
	hints.RetryCount = clip(a.head.get("x-stainless-retry-count"), 8)
	hints.InvocationID = clip(a.head.get("amz-sdk-invocation-id"), 64)
	hints.ReadTimeout = clip(a.head.get("x-stainless-read-timeout"), 16)
	hints.Headers = a.head.allowed()
	if host, _, _ := strings.Cut(h.Authority, ":"); h.Authority != "" && c.mode == call.CaptureMITM && !strings.HasPrefix(host, "[") {
		hints.HostMismatch = Normalise(host) != c.host
	}
}

// scanned reports whether the body is being read, or was.
func (a *asking) scanned() bool { return a.read }

// push takes body bytes as they were sent; an error ends the reading of a
// compressed copy.
func (a *asking) push(p []byte) error {
	a.rec.Request.Bytes += int64(len(p))
	if a.scan == nil {
		return nil
	}
	a.body.Write(p)
	if a.zip != nil {
		return a.zip.Push(p)
	}
	a.bytes(p)
	return nil
}

// bytes takes decoded body bytes.
func (a *asking) bytes(p []byte) {
	a.scan.Push(p)
	if a.keep != nil {
		a.keep.add(p)
	}
}

// stop ends the decoding of a request that is given up.
func (a *asking) stop() {
	if a.zip != nil {
		a.zip.stop()
	}
}

// end completes what was asked.
func (a *asking) end(b *builder) {
	if a.scan != nil {
		if a.zip != nil {
			a.zip.Close()
		}
		a.facts = a.scan.Close()
		b.spare.requests.Put(a.scan)
		a.scan = nil
		a.apply(b.hash)
	}
	a.identify()
}

func (a *asking) apply(hash call.Hasher) {
	f, r := a.facts, a.rec
	a.settle()
	q := &r.Request
	if stop := f.Prompt.Stop; len(stop) > 0 {
		if text, err := json.Marshal(stop); err == nil {
			f.Params = append(f.Params, call.Param{Name: "stop", Value: redact.Text(string(text), 256)})
			slices.SortFunc(f.Params, func(a, b call.Param) int { return strings.Compare(a.Name, b.Name) })
		}
	}
	q.StreamFlag, q.Keys, q.Params, q.Messages, q.Tools = f.StreamFlag, f.Keys, f.Params, f.Messages, f.Tools
	q.Mode = f.Mode
	q.Hints.StreamType, q.Hints.IncludeUsage, q.Hints.OutputType = f.StreamType, f.IncludeUsage, f.OutputType
	q.Hints.Body, q.Hints.Core = hash.SumBody(a.body), hash.SumBody(a.core)
	a.body, a.core = nil, nil
	switch {
	case r.Target.Model == "":
		r.Target.Model = f.Model
	case f.Model != "" && f.Model != r.Target.Model:
		q.Hints.BodyModel = f.Model
	}
	mask(&r.Target.Model, &q.Hints.BodyModel)
	for i := range q.Params {
		mask(&q.Params[i].Value)
	}
}

// settle lets the body decide where the path did not.
func (a *asking) settle() {
	m, certain := a.match.Settle(a.facts)
	a.match, a.llm = m, a.llm || certain
	called(a.rec, m)
}

// called writes what was called into the record.
func called(r *call.Record, m wire.Match) {
	t := &r.Target
	t.Provider, t.API, t.Operation, t.Format = m.Provider, m.API, m.Operation, m.Format
	r.Agent.Rule = m.Rule
}

func (a *asking) identify() {
	r, f := a.rec, a.facts
	c := client.Identify(client.Facts{
		Method: r.Request.Method, Path: r.Request.Path, Host: r.Target.Host, Header: a.head.get, Has: a.head.has,
		Keys: r.Request.Keys, Model: f.Model, ModelNull: f.ModelNull, Stream: f.StreamFlag, Params: f.Params,
		Prompt: client.Prompt(f.Prompt),
	})
	c.Address, c.User = r.Client.Address, r.Client.User
	c.UserAgent = clip(redact.Known(a.head.get("User-Agent")), 256)
	r.Client = c
}

// recordable reports whether the exchange is an LLM call, or may be one: known
// by its path or its body, or a POST to an intercepted host that is not known
// to be something else.
func (a *asking) recordable() bool {
	if a.llm {
		return true
	}
	if a.rec.Request.Method != "POST" || a.match.Aside {
		return false
	}
	return a.rec.Agent.Mode != call.CapturePlain
}

// offered reports whether the client asked for this content coding.
func (a *asking) offered(coding string) bool {
	accept := strings.ToLower(a.head.get("Accept-Encoding"))
	return coding == "" || coding == "identity" || strings.Contains(accept, strings.TrimPrefix(coding, "x-")) || strings.Contains(accept, "*")
}
