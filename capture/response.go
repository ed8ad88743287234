package capture

import (
	"mime"
	"slices"
	"strings"
	"time"

	"llmtap/capture/observe"
	"llmtap/capture/wire"
	"llmtap/internal/call"
	"llmtap/internal/redact"
)

// burstGap separates two bursts: reads further apart than this did not come
// together (failure catalogue §1.1).
const burstGap = 20 * time.Millisecond

// blockedWrite is when a write counts as held back by its receiver.
const blockedWrite = time.Millisecond

// responseReader decodes one response body as it arrives and keeps its clocks.
type responseReader struct {
	x    *exchange
	wire *wire.Response
	zip  *inflater
	// now is the arrival of the bytes being decoded.
	now         time.Time
	lastContent time.Time
	burst       int // data events of the current burst
	broken      bool
	keep        *cappedText
	onKind      func(wire.Kind)
	stream      call.Stream
}

func (x *exchange) responseHead(h *observe.Head, at time.Time) {
	r := &x.rec
	if r.Identity.ID == "" { // unasked
		r.Identity.ID, r.Identity.Start = x.b.newID(at), at
	}
	r.Timing.Headers = at
	x.answered.copy(h.Fields) // redacted at the end: the first token may be next on this goroutine
	head := &x.answered
	r.Response.Status, r.Response.HTTP, r.Response.Origin = h.Status, h.Proto, "upstream"
	r.Response.Body.ContentType = mediaType(head.get("Content-Type"))
	r.Response.Body.Encoding = strings.ToLower(head.get("Content-Encoding"))
	r.Response.Body.Transfer = transferOf(h.Transfer)
	if h.Status == 101 || !x.ask.scanned() {
		return
	}
	mode := r.Request.Mode
	if x.reqEnd == nil {
		mode = x.ask.match.PathMode
	}
	rr := &x.room.reader
	*rr = responseReader{x: x, wire: x.b.spare.response(x.ask.match, mode, wire.ResponseHead{
		Status: h.Status, MediaType: r.Response.Body.ContentType, ErrorType: head.get("x-amzn-errortype"), NoCharset: noCharset(head.get("Content-Type")),
		Usage: wire.HeadUsage(head.get),
	})}
	rr.onKind = rr.event
	if coding := r.Response.Body.Encoding; coding != "" {
		var ok bool
		if rr.zip, ok = newInflater(coding, rr.decode); !ok {
			rr.broken = true
			x.lost("content_encoding")
		}
	}
	if x.b.content > 0 {
		rr.keep = &cappedText{max: x.b.content}
	}
	x.resp = rr
}

func mediaType(v string) string {
	if v == "" {
		return ""
	}
	if mt, _, err := mime.ParseMediaType(v); err == nil {
		return mt
	}
	mt, _, _ := strings.Cut(v, ";")
	return strings.ToLower(strings.TrimSpace(clip(mt, 100)))
}

func noCharset(v string) bool {
	return v != "" && !strings.Contains(strings.ToLower(v), "charset")
}

func transferOf(s string) call.Transfer {
	switch s {
	case "length":
		return call.TransferLength
	case "chunked":
		return call.TransferChunked
	case "close":
		return call.TransferClose
	case "h2":
		return call.TransferH2
	}
	return call.TransferUnknown
}

// push takes raw body bytes as they came off the wire.
func (r *responseReader) push(p []byte, at time.Time) {
	if len(p) == 0 {
		return
	}
	t, body := &r.x.rec.Timing, &r.x.rec.Response.Body
	body.Bytes += int64(len(p))
	switch gap := at.Sub(t.LastByte); {
	case t.FirstByte.IsZero():
		t.FirstByte = at
		r.stream.Bursts = 1
	default:
		r.stream.MaxGap = max(r.stream.MaxGap, gap)
		if gap > burstGap {
			r.stream.Bursts++
			r.burst = 0
		}
	}
	t.LastByte, r.now = at, at
	agent := &r.x.rec.Agent
	if lag := time.Duration(r.x.conn.cost.lag.Load()); lag > agent.LagMax {
		agent.LagMax = lag
	}
	if d := time.Duration(r.x.conn.cost.blocked.Load()); d > blockedWrite {
		agent.BlockedClient += d
	}
	switch {
	case r.broken:
	case r.zip == nil:
		r.decode(p)
	case r.zip.Push(p) != nil && !r.ended():
		r.broken = true
		r.x.lost("decode_limit")
	}
}

// ended reports whether the coding came to its proper end.
func (r *responseReader) ended() bool { return r.zip != nil && r.zip.done() }

func (r *responseReader) decode(p []byte) {
	r.wire.At(int64(call.Since(r.x.rec.Identity.Start, r.now)))
	r.wire.Push(p, r.onKind)
	if r.keep != nil {
		r.keep.add(p)
	}
}

// event books one neutral event at the arrival time of the bytes that completed it.
func (r *responseReader) event(k wire.Kind) {
	t, s := &r.x.rec.Timing, &r.stream
	if !k.Data() {
		return
	}
	if t.FirstData.IsZero() {
		t.FirstData = r.now
	} else {
		s.MaxDataGap = max(s.MaxDataGap, r.now.Sub(t.LastData))
	}
	t.LastData = r.now
	r.burst++
	s.LargestBurst = max(s.LargestBurst, r.burst)
	if !k.Content() {
		return
	}
	if t.FirstContent.IsZero() {
		t.FirstContent = r.now
	} else {
		s.AddPace(r.now.Sub(r.lastContent))
	}
	r.lastContent = r.now
}

// close ends the body and moves what was decoded into the record.
func (r *responseReader) close(e observe.End, at time.Time) {
	whole := e.Kind == observe.EndComplete || e.Kind == observe.EndUntilEOF
	if r.zip != nil && !r.zip.Close() && whole && !r.broken && r.x.rec.Response.Body.Bytes > 0 {
		whole = false
	}
	if r.now.IsZero() {
		r.now = at
	}
	r.wire.Close(whole, r.onKind)
	r.answer(whole)
	r.broken = true // nothing is read any more
	r.x.b.spare.responses.Put(r.wire)
	r.wire = nil
}

// answer moves what was decoded into the record.
func (r *responseReader) answer(whole bool) {
	f, rec := r.wire.Facts(), &r.x.rec
	resp := &rec.Response
	if !r.broken {
		r.match(f)
	}
	for _, o := range f.Oddities {
		if o.Name == "oversize" {
			r.x.b.stats.oversize(f.Framing.String(), uint64(o.Count))
		}
	}
	resp.Body.Framing = f.Framing
	if r.broken {
		resp.Body.Framing = call.FramingUnknown
	}
	resp.Model, resp.ID, resp.FinishReasons = f.Model, f.ID, f.FinishReasons
	resp.ServiceTier, resp.Fingerprint = f.ServiceTier, f.Fingerprint
	mask(&resp.Model, &resp.ID, &resp.ServiceTier, &resp.Fingerprint)
	resp.Error = redactError(f.Error)
	rec.Usage = f.Usage
	if !streamed(f.Framing) {
		// A document can be cut although the message is whole.
		rec.End.Terminal = whole && (f.Whole || resp.Body.Framing != call.FramingJSON)
		rec.Timing.FirstContent, rec.Timing.FirstData, rec.Timing.LastData = time.Time{}, time.Time{}, time.Time{}
		rec.Stream = call.Stream{Errored: f.Errored, Oddities: r.oddities(f.Oddities)}
		return
	}
	s := r.stream
	s.Events, s.ContentEvents, s.Keepalives = f.Events, f.ContentEvents, f.Keepalives
	s.Done, s.Finish, s.Errored = f.Done, f.Finish, f.Errored
	s.Oddities = r.oddities(f.Oddities)
	rec.Stream = s
	rec.End.Terminal = f.Done || f.Finish
}

// match lets the answer decide what was called where the request did not, and
// tells what it was read as.
func (r *responseReader) match(f wire.Facts) {
	ask := &r.x.ask
	m := ask.match.Answered(f)
	if m == ask.match {
		return
	}
	ask.match, ask.llm = m, ask.llm || m.API != ""
	called(ask.rec, m)
	if q := &ask.rec.Request; m.Rule != "" && q.StreamFlag == call.StreamAbsent {
		q.Mode = m.Absent()
	}
}

// oddities adds what only the two heads together show, in order of name.
func (r *responseReader) oddities(list []call.Oddity) []call.Oddity {
	rec := &r.x.rec
	for i := range list {
		list[i].Last = time.Duration(r.wire.LastOdd(list[i].Name))
	}
	if !r.x.ask.offered(rec.Response.Body.Encoding) {
		list = append(list, call.Oddity{Name: "encoding_unoffered", Count: 1, Last: call.Since(rec.Identity.Start, rec.Timing.LastByte)})
		slices.SortFunc(list, func(a, b call.Oddity) int { return strings.Compare(a.Name, b.Name) })
	}
	return list
}

// redactError cuts and cleans the texts of an error body.
func redactError(e call.Error) call.Error {
	e.Message = redact.Text(e.Message, 300)
	for _, text := range []*string{&e.Code, &e.Type, &e.Param, &e.RequestID} {
		*text = redact.Text(*text, 64)
	}
	return e
}

func streamed(f call.Framing) bool {
	switch f {
	case call.FramingSSE, call.FramingNDJSON, call.FramingEventStream, call.FramingJSONArray:
		return true
	}
	return false
}
