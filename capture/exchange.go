package capture

import (
	"slices"
	"time"

	"llmtap/capture/observe"
	"llmtap/internal/call"
)

// exchange builds the record of one attempt from what the observer or the
// second path shows of it. Its methods run under the connection's lock: one
// goroutine at a time owns it.
type exchange struct {
	b    *builder
	conn *connection
	rec  call.Record
	ask  asking
	resp *responseReader
	// answered is the final response head.
	answered headers
	own      ownTime
	reqEnd   *observe.End
	respEnd  *observe.End
	sealed   bool
	room     room
}

// room is memory that an exchange brings along.
type room struct {
	ends   [2]observe.End // what reqEnd and respEnd point to
	reader responseReader // what resp points to
	// lent: nobody refers to the exchange after its two ends, so that its memory
	// serves another one then.
	lent bool
}

// lend opens an exchange for an observer, which forgets it after its two ends.
func (b *builder) lend(c *connection, reused bool) *exchange {
	x, ok := b.spare.exchanges.Get().(*exchange)
	if !ok {
		x = new(exchange)
	}
	x.room.lent = true
	return b.begin(x, c, reused)
}

// open opens an exchange that is its caller's for ever.
func (b *builder) open(c *connection, reused bool) *exchange {
	return b.begin(new(exchange), c, reused)
}

// giveBack ends the use of an exchange that was lent.
func (b *builder) giveBack(x *exchange) {
	if x.room.lent {
		*x = exchange{ask: asking{head: x.ask.head.reuse()}, answered: x.answered.reuse()}
		b.spare.exchanges.Put(x)
	}
}

func (b *builder) begin(x *exchange, c *connection, reused bool) *exchange {
	x.b, x.conn = b, c
	x.ask.rec = &x.rec
	x.rec.Request.Hints.ReusedConn = reused
	if !reused {
		x.rec.Timing = c.timing
	}
	return x
}

// Head takes a request head, interim and final response heads, and trailers.
func (x *exchange) Head(h *observe.Head, at time.Time) {
	x.own.count(&x.conn.cost, h.Direction, !h.Trailers, at)
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

func (x *exchange) requestHead(h *observe.Head, at time.Time) {
	x.ask.begin(x.b, x.conn, h, at)
	x.b.stats.begin()
	if !x.ask.scanned() {
		return
	}
	if coding := x.ask.head.get("Content-Encoding"); coding != "" {
		var ok bool
		if x.ask.zip, ok = newInflater(coding, x.ask.bytes); !ok {
			x.lost("content_encoding")
		}
	}
}

// Body takes body bytes of either direction.
func (x *exchange) Body(d observe.Direction, p []byte, at time.Time) {
	x.own.count(&x.conn.cost, d, false, at)
	if d == observe.Response {
		if x.resp != nil {
			x.resp.push(p, at)
		} else {
			x.rec.Response.Body.Bytes += int64(len(p))
		}
		return
	}
	if x.ask.push(p) != nil {
		x.lost("decode_limit")
	}
}

// End takes the end of one direction and seals the record after both.
func (x *exchange) End(d observe.Direction, e observe.End, at time.Time) {
	if d == observe.Request {
		if x.reqEnd == nil {
			x.room.ends[d], x.reqEnd = e, &x.room.ends[d]
			x.requestDone(e, at)
		}
	} else if x.respEnd == nil {
		x.room.ends[d], x.respEnd = e, &x.room.ends[d]
		x.rec.Timing.End = at
		if x.resp != nil {
			x.resp.close(e, at)
		}
	}
	switch {
	case x.reqEnd == nil || x.respEnd == nil:
	case upgraded(x):
		x.conn.upgraded.Store(x)
	default:
		x.seal(at)
		x.b.giveBack(x)
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
	x.ask.end(x.b)
	if !x.ask.recordable() {
		return
	}
	x.b.live.add(&x.rec)
	if x.b.hooks.Started != nil {
		x.b.hooks.Started(&x.rec)
	}
}

// lost notes once what could not be observed.
func (x *exchange) lost(what string) {
	if slices.Contains(x.rec.Agent.Lost, what) {
		return
	}
	x.rec.Agent.Lost = append(x.rec.Agent.Lost, what)
	x.b.stats.drop(what)
}
