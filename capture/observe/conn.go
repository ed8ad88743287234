package observe

import (
	"sync"
	"sync/atomic"
	"time"
)

// Config says what one connection speaks and who receives its exchanges.
type Config struct {
	// H2 is true when ALPN chose h2; false means HTTP/1.
	H2 bool
	// Open makes the receiver of a new exchange, just before its first Head.
	// It runs under the connection's lock. reused is false for the first
	// exchange of the connection only.
	Open func(reused bool) Exchange
	// Limits bounds what is kept; zero members take the defaults.
	Limits Limits
}

// Limits bounds the memory of one connection. Beyond a limit the connection
// becomes opaque; only Backlog is different: more is observed at once.
type Limits struct {
	Head        int // bytes of one head or h2 header list: 256 KiB
	Trailers    int // bytes of one h1 trailer section: 256 KiB
	ChunkLine   int // bytes of one chunk-size line: 64 KiB
	Backlog     int // response bytes kept while a request is forwarded: 64 KiB
	Outstanding int // h1 requests without a whole answer: 1024
	Streams     int // h2 streams in flight: 4096
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.Head, 256<<10)
	set(&l.Trailers, 256<<10)
	set(&l.ChunkLine, 64<<10)
	set(&l.Backlog, 64<<10)
	set(&l.Outstanding, 1024)
	set(&l.Streams, 4096)
	return l
}

// parser reads both directions of one protocol.
type parser interface {
	push(d Direction, p []byte, at time.Time)
	// pending counts exchanges that have begun on the wire but not yet here.
	pending() int
}

// Conn observes one connection. Its methods may be called from any goroutine;
// the calls for one direction must follow each other. From inside an Exchange
// only Stop, Opaque and Open may be called.
type Conn struct {
	count atomic.Int64

	mu      sync.Mutex // protects all below, x.opaque apart; held for one push at most
	x       exchanges
	parser  parser
	backlog backlog
	stopped bool // x.opaque was carried out
}

// New returns the observer of a connection that has not carried a byte yet.
func New(cfg Config) *Conn {
	cfg.Limits = cfg.Limits.withDefaults()
	c := &Conn{x: exchanges{open: cfg.Open, limits: cfg.Limits}, backlog: backlog{limit: cfg.Limits.Backlog}}
	if cfg.H2 {
		c.parser = newH2(&c.x)
	} else {
		c.parser = newH1(&c.x)
	}
	return c
}

// Forwarding announces that bytes of d are about to be written to the peer.
// The answer can overtake the observation of its request, so response bytes
// that come before the Push of these request bytes wait for it. Announcing
// Response does nothing.
func (c *Conn) Forwarding(d Direction) {
	if d != Request || c.x.opaque.Load() != nil {
		return
	}
	c.mu.Lock()
	defer c.leave(time.Time{})
	c.backlog.waiting = !c.stopped
}

// Push shows bytes of d that were forwarded; at is when they were read. p is
// borrowed until Push returns. A panic in here or in an Exchange ends the
// observation of this connection and goes no further.
func (c *Conn) Push(d Direction, p []byte, at time.Time) {
	if c.x.opaque.Load() != nil {
		return
	}
	c.mu.Lock()
	defer c.leave(at)
	if c.stopped {
		return
	}
	if d == Response {
		if c.backlog.hold(p, at) {
			return
		}
		c.drain()
	}
	c.observe(d, p, at)
	if d == Request {
		c.backlog.waiting = false
		c.drain()
	}
}

// Close tells that no more bytes of d will come, and how that showed. What is
// unfinished in that direction ends; the other direction may go on. Only the
// first Close of a direction counts.
func (c *Conn) Close(d Direction, how Closing, at time.Time) {
	if c.x.opaque.Load() != nil {
		return
	}
	c.mu.Lock()
	defer c.leave(at)
	if c.stopped {
		return
	}
	if d == Response && c.backlog.holdClose(how, at) {
		return
	}
	if d == Request {
		c.backlog.waiting = false
		c.drain()
	}
	c.x.closeDirection(d, how, at)
}

// Stop ends the observation of the connection: exchanges in flight end with
// EndOpaque and reason. The first reason stays. It may be called from inside
// an Exchange; it then takes effect when the call that led there returns.
func (c *Conn) Stop(reason string, at time.Time) {
	c.x.giveUp(reason, at)
	if c.mu.TryLock() {
		c.leave(at)
	}
}

// Opaque returns why observation ended, empty while it goes on.
func (c *Conn) Opaque() string {
	if s := c.x.opaque.Load(); s != nil {
		return s.reason
	}
	return ""
}

// Open counts the exchanges in flight, including a request that is being
// forwarded and not seen yet. An opaque connection has none.
func (c *Conn) Open() int { return int(c.count.Load()) }

// leave is the deferred end of every call that took the lock: it turns a panic
// into a stop, carries out a stop, and publishes the count before unlocking.
// A Stop that found the lock taken is carried out by whoever held it.
func (c *Conn) leave(at time.Time) {
	if v := recover(); v != nil {
		c.x.giveUp(opaquePanic, at)
	}
	for {
		c.settle()
		c.mu.Unlock()
		if c.x.opaque.Load() == nil || !c.mu.TryLock() {
			return
		}
		if c.stopped {
			c.mu.Unlock()
			return
		}
	}
}

func (c *Conn) settle() {
	if s := c.x.opaque.Load(); s != nil && !c.stopped {
		c.stopped = true
		c.x.flows.stop(End{Kind: EndOpaque, Reason: s.reason}, s.at)
		c.parser, c.backlog, c.x.scan = nil, backlog{}, scanner{}
	}
	n := c.x.flows.n
	if c.parser != nil && !c.x.closed[Request].done {
		n += c.parser.pending()
	}
	if n == 0 && c.backlog.waiting {
		n = 1
	}
	c.count.Store(int64(n))
}
