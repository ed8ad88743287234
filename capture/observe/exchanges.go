package observe

import (
	"sync/atomic"
	"time"
)

// Why a connection is opaque: the values of Opaque that this package gives.
// Stop may give others.
const (
	opaqueUpgrade   = "upgrade"      // 101: another protocol from here on
	opaqueConnect   = "connect"      // CONNECT inside the connection
	opaqueMalformed = "malformed"    // not HTTP, or framing that two readers may read differently
	opaqueHead      = "head_too_big" // a head, header list or trailer section beyond its limit
	opaqueHPACK     = "hpack"        // a header block that does not decode
	opaquePairing   = "pairing"      // an answer that cannot be told to belong to a request
	opaquePanic     = "panic"        // this package or an Exchange panicked
	opaqueBudget    = "budget"       // too many exchanges in flight
)

// stop is why and when observation ended; moved is End.Moved.
type stop struct {
	reason string
	at     time.Time
	moved  [2]int64
}

// exchanges is what both protocols share: the exchanges in flight and how they
// are told. All but opaque is protected by the lock of the Conn around it.
type exchanges struct {
	open   func(reused bool) Exchange
	limits Limits
	opaque atomic.Pointer[stop] // set once
	flows  flows
	scan   scanner
	closed [2]struct {
		done bool
		how  Closing
	}
}

// giveUp makes the connection opaque; the first reason stays. The end of the
// current call carries it out.
func (c *exchanges) giveUp(reason string, at time.Time) {
	c.opaque.CompareAndSwap(nil, &stop{reason: reason, at: at})
}

// running reports whether what is left is still to be observed.
func (c *exchanges) running() bool { return c.opaque.Load() == nil }

// recovered, deferred, turns a panic into a stop.
func (c *exchanges) recovered(at time.Time) {
	if v := recover(); v != nil {
		c.giveUp(opaquePanic, at)
	}
}

// tell shows k to the parser unless its direction is over.
func (c *exchanges) tell(to parser, k kept, p []byte) {
	switch {
	case !c.running():
	case k.closed:
		c.closeDirection(k.d, k.how, k.at)
	case len(p) > 0 && !c.closed[k.d].done:
		to.push(k.d, p, k.at)
	}
}

// begin opens an exchange.
func (c *exchanges) begin() *flow {
	f := &flow{reused: c.flows.opened}
	f.x = c.open(f.reused)
	c.flows.add(f)
	return f
}

// head shows the head that was scanned last.
func (c *exchanges) head(f *flow, at time.Time) {
	c.scan.head.Reused = f.reused
	f.x.Head(&c.scan.head, at)
}

// end tells the end of one direction, once. A request that ends after the
// service has closed its side will get no answer: both directions end then.
func (c *exchanges) end(f *flow, d Direction, e End, at time.Time) {
	if f.ended[d] {
		return
	}
	f.ended[d] = true
	f.x.End(d, e, at)
	if side := c.closed[Response]; d == Request && side.done && !f.ended[Response] {
		c.end(f, Response, f.endBy(Response, side.how), at)
		return
	}
	if f.ended[Request] && f.ended[Response] {
		c.flows.remove(f)
	}
}

// malformed ends one direction as no HTTP, and the observation with it.
func (c *exchanges) malformed(f *flow, d Direction, reason string, at time.Time) {
	if f != nil {
		c.end(f, d, End{Kind: EndMalformed, Reason: reason}, at)
	}
	c.giveUp(opaqueMalformed, at)
}

func (c *exchanges) closeDirection(d Direction, how Closing, at time.Time) {
	side := &c.closed[d]
	if side.done {
		return
	}
	side.done, side.how = true, how
	for f := c.flows.first; f != nil && c.running(); {
		next := f.next
		c.end(f, d, f.endBy(d, how), at)
		f = next
	}
}
