package observe

import (
	"math"
	"time"
)

// h2 keeps the streams of an HTTP/2 connection that are in flight.
type h2 struct {
	c       *exchanges
	in      [2]half
	streams map[uint32]*flow
	last    uint32 // the highest stream that the client opened

	// After GOAWAY the service ignores streams above served.
	served   uint32
	awayCode uint32
}

func newH2(c *exchanges) *h2 {
	h := &h2{c: c, streams: make(map[uint32]*flow), served: math.MaxUint32}
	for d := range h.in {
		h.in[d] = half{d: Direction(d), h: h, block: block{limit: c.limits.Head}}
	}
	h.in[Request].preface = len(preface)
	return h
}

func (h *h2) push(d Direction, p []byte, at time.Time) { h.in[d].push(p, at) }

// standing finds response bytes early always: the head of a new stream may be
// among them.
func (h *h2) standing() (begun int, early bool) { return 0, true }

// request takes a header block of the client: a new stream's head, or trailers.
func (h *h2) request(b *block, stream uint32, at time.Time) {
	f := h.streams[stream]
	switch {
	case stream%2 == 0:
		h.c.giveUp(opaqueMalformed, at)
		return
	case f == nil && stream <= h.last, f != nil && f.ended[Request]:
		return // closed already
	case f == nil && len(h.streams) >= h.c.limits.Streams:
		h.c.giveUp(opaqueBudget, at)
		return
	}
	h.c.scan.headers(Request, b)
	if f != nil {
		h.c.scan.head.Trailers = true
	} else {
		h.last = stream
		f = h.c.begin()
		f.id, f.began[Request] = stream, true
		h.streams[stream] = f
	}
	h.c.head(f, at)
	if b.endStream {
		h.end(f, Request, End{Kind: EndComplete}, at)
	}
	if stream > h.served {
		h.refuse(f, at)
	}
}

// response takes a header block of the service: an interim or final head, or trailers.
func (h *h2) response(b *block, stream uint32, at time.Time) {
	f := h.streams[stream]
	if f == nil || f.ended[Response] {
		if stream%2 == 1 && stream > h.last {
			h.c.giveUp(opaquePairing, at)
		}
		return // of a closed or pushed stream
	}
	h.c.scan.headers(Response, b)
	head := &h.c.scan.head
	switch {
	case f.began[Response]:
		head.Trailers = true
	case head.Status < 100:
		h.c.malformed(f, Response, badStatusLine, at)
		return
	case head.Status < 200 && !b.endStream:
		head.Interim = true
	default:
		f.began[Response] = true
	}
	h.c.head(f, at)
	if b.endStream {
		h.end(f, Response, End{Kind: EndComplete}, at)
	}
}

// data takes a piece of a DATA frame.
func (h *h2) data(d Direction, stream uint32, p []byte, at time.Time) {
	f := h.streams[stream]
	if f == nil || f.ended[d] {
		return
	}
	if !f.began[d] {
		h.c.malformed(f, d, badHeader, at)
		return
	}
	f.x.Body(d, p, at)
}

// endStream takes the END_STREAM of a DATA frame.
func (h *h2) endStream(d Direction, stream uint32, at time.Time) {
	f := h.streams[stream]
	switch {
	case f == nil || f.ended[d]:
	case !f.began[d]:
		h.c.malformed(f, d, badHeader, at)
	default:
		h.end(f, d, End{Kind: EndComplete}, at)
	}
}

// resetStream takes the RST_STREAM that the sender of d sent.
func (h *h2) resetStream(d Direction, stream, code uint32, at time.Time) {
	if f := h.streams[stream]; f != nil {
		who := [...]string{Request: "client", Response: "service"}[d]
		h.reset(f, d, End{Kind: EndH2RST, Code: code, Reason: who}, at)
	}
}

// end ends one direction of a stream and forgets it after both.
func (h *h2) end(f *flow, d Direction, e End, at time.Time) {
	h.c.end(f, d, e, at)
	if f.ended[Request] && f.ended[Response] {
		delete(h.streams, f.id)
	}
}

// reset ends both directions, first that of the peer by.
func (h *h2) reset(f *flow, by Direction, e End, at time.Time) {
	h.end(f, by, e, at)
	h.end(f, 1-by, e, at)
}

// goAway ends the streams above last: the service will not serve them.
func (h *h2) goAway(last, code uint32, at time.Time) {
	h.served, h.awayCode = min(h.served, last), code
	for f := h.c.flows.first; f != nil; {
		next := f.next
		if f.id > h.served {
			h.refuse(f, at)
		}
		f = next
	}
}

// refuse ends a stream that a GOAWAY leaves out.
func (h *h2) refuse(f *flow, at time.Time) {
	h.reset(f, Response, End{Kind: EndH2RST, Code: h.awayCode, Reason: "goaway"}, at)
}
