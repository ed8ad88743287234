package observe

import (
	"bytes"
	"slices"
	"time"
)

// place is where a direction of an h1 connection is.
type place uint8

const (
	atStart place = iota // between messages
	inHead
	inBody
	inTrailers
)

// message is the parser of one direction.
type message struct {
	d     Direction
	place place
	blank blank
	buf   []byte // a head or trailer section that came in several pushes
	body  body
	f     *flow // nil while a request head or an unasked answer's head is read
}

// h1 pairs the messages of an HTTP/1 connection: answers come in the order of
// the requests.
type h1 struct {
	c       *exchanges
	in      [2]message
	waiting []*flow // requests without a whole answer, oldest first
	// seen counts the bytes of each direction; switched: a 101 came.
	seen     [2]int64
	switched bool
	// unasked: an answer came without a request. Which of the next request and
	// that answer belong together cannot be known.
	unasked bool
}

func newH1(c *exchanges) *h1 {
	return &h1{c: c, in: [2]message{{d: Request}, {d: Response}}}
}

func (h *h1) standing() (begun int, early bool) {
	if h.in[Request].place == inHead {
		begun = 1
	}
	return begun, len(h.waiting) == 0 && h.in[Response].place == atStart
}

func (h *h1) push(d Direction, p []byte, at time.Time) {
	m := &h.in[d]
	h.seen[d] += int64(len(p))
	for len(p) > 0 && h.c.running() && !h.switched {
		switch m.place {
		case atStart:
			p = h.start(m, p, at)
		case inBody:
			p = h.readBody(m, p, at)
		default:
			p = h.readSection(m, p, at)
		}
	}
	if h.switched { // what is left of p is not HTTP
		h.seen[d] -= int64(len(p))
		h.seen[Request] -= int64(len(h.in[Request].buf)) // nor is what came early
		h.c.opaque.CompareAndSwap(nil, &stop{reason: opaqueUpgrade, at: at, moved: h.seen})
	}
}

// start skips line ends between messages and finds whose answer begins.
func (h *h1) start(m *message, p []byte, at time.Time) []byte {
	if p = bytes.TrimLeft(p, "\r\n"); len(p) == 0 {
		return nil
	}
	m.place, m.blank, m.f = inHead, inLine, nil
	if m.d == Response && len(h.waiting) > 0 {
		if h.unasked {
			h.c.giveUp(opaquePairing, at)
			return nil
		}
		m.f = h.waiting[0]
		m.f.began[Response] = true
	}
	return p
}

// readSection collects a head or a trailer section up to its blank line.
func (h *h1) readSection(m *message, p []byte, at time.Time) []byte {
	limit := h.c.limits.Head
	if m.place == inTrailers {
		limit = h.c.limits.Trailers
	}
	n := m.blank.find(p)
	end := n
	if n < 0 {
		end = len(p)
	}
	if len(m.buf)+end > limit {
		h.c.giveUp(opaqueHead, at)
		return nil
	}
	section := p[:end]
	if n < 0 || len(m.buf) > 0 {
		m.buf = append(m.buf, section...)
		section = m.buf
	}
	if n < 0 {
		return nil
	}
	h.section(m, section, at)
	if m.buf = m.buf[:0]; cap(m.buf) > 4<<10 {
		m.buf = nil
	}
	return p[n:]
}

func (h *h1) section(m *message, b []byte, at time.Time) {
	switch {
	case m.place == inTrailers:
		h.trailers(m, b, at)
	case m.d == Request:
		h.requestHead(m, b, at)
	default:
		h.responseHead(m, b, at)
	}
}

func (h *h1) requestHead(m *message, b []byte, at time.Time) {
	c := h.c
	fr, ok := c.scan.request(b)
	if !ok {
		c.malformed(nil, Request, badRequestLine, at)
		return
	}
	if len(h.waiting) >= c.limits.Outstanding {
		c.giveUp(opaqueBudget, at)
		return
	}
	f := c.begin()
	f.began[Request] = true
	f.headOnly = c.scan.head.Method == "HEAD"
	f.unsent = c.scan.fields.expect
	m.f = f
	h.waiting = append(h.waiting, f)
	connect := c.scan.head.Method == "CONNECT"
	c.head(f, at)
	switch {
	case fr.bad != "":
		c.malformed(f, Request, fr.bad, at)
	case connect:
		c.giveUp(opaqueConnect, at)
	default:
		h.enter(m, fr, at)
	}
}

func (h *h1) responseHead(m *message, b []byte, at time.Time) {
	c := h.c
	fr, ok := c.scan.response(b, m.f != nil && m.f.headOnly)
	if !ok {
		c.malformed(m.f, Response, badStatusLine, at)
		return
	}
	status, interim := c.scan.head.Status, c.scan.head.Interim
	if m.f == nil && interim {
		m.place = atStart // an interim answer to nobody
		return
	}
	if m.f == nil {
		h.openUnasked(m, at)
	} else {
		c.head(m.f, at)
	}
	switch {
	case fr.bad != "":
		c.malformed(m.f, Response, fr.bad, at)
	case status == 101:
		h.switched = true
	case interim:
		m.f.began[Response], m.f.unsent = false, false
		m.place = atStart
	default:
		m.f.untilClose = fr.kind == transferClose
		h.enter(m, fr, at)
	}
}

// openUnasked opens the exchange of an answer without request.
func (h *h1) openUnasked(m *message, at time.Time) {
	h.unasked = true
	m.f = h.c.begin()
	m.f.began[Response] = true
	h.c.scan.head.Unasked = true
	h.c.head(m.f, at)
	h.c.end(m.f, Request, End{Reason: "unasked"}, at)
}

// enter begins the body after a head.
func (h *h1) enter(m *message, fr framing, at time.Time) {
	m.place = inBody
	m.body.start(fr, h.c.limits.ChunkLine)
	if m.body.empty() {
		h.done(m, at)
	}
}

func (h *h1) readBody(m *message, p []byte, at time.Time) []byte {
	f := m.f
	if m.d == Request && f.unsent {
		if f.ended[Response] && beginsRequest(&m.body, p[0]) {
			h.c.end(f, Request, End{Kind: EndShort, Reason: "expect"}, at)
			m.place = atStart
			return p
		}
		f.unsent = false
	}
	piece, rest, st := m.body.next(p)
	if len(piece) > 0 {
		f.x.Body(m.d, piece, at)
	}
	switch st {
	case bodyDone:
		h.done(m, at)
	case bodyTrailers:
		m.place, m.blank = inTrailers, lineStart
	case bodyBad:
		h.c.malformed(f, m.d, m.body.bad, at)
	}
	return rest
}

// beginsRequest tells a new request from a body that the client may leave out,
// because it asked with Expect and was refused. Methods are upper case; no
// chunk size begins beyond F, and bodies of APIs begin with a bracket or dash.
func beginsRequest(b *body, c byte) bool {
	return 'A' <= c && c <= 'Z' && (b.kind != transferChunked || c > 'F')
}

func (h *h1) trailers(m *message, b []byte, at time.Time) {
	if b[0] != '\n' && b[0] != '\r' {
		if !h.c.scan.trailers(m.d, b) {
			h.c.malformed(m.f, m.d, badTrailer, at)
			return
		}
		h.c.head(m.f, at)
	}
	h.done(m, at)
}

// done ends a whole message.
func (h *h1) done(m *message, at time.Time) {
	f := m.f
	m.place, m.f = atStart, nil
	if m.d == Response && len(h.waiting) > 0 && h.waiting[0] == f {
		h.waiting = slices.Delete(h.waiting, 0, 1)
	}
	h.c.end(f, m.d, End{Kind: EndComplete}, at)
}
