package observe

import (
	"runtime"
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
	Backlog     int // bytes kept until their cause was shown: 64 KiB; 64 times as many of an answer if no request is known
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
	// standing tells how many exchanges have begun on the wire but not yet
	// here, and whether response bytes would be early: an answer that no
	// request seen so far asked for.
	standing() (begun int, early bool)
}

// Conn observes one connection. Its methods may be called from any goroutine;
// the calls for one direction must follow each other. From inside an Exchange
// only Stop, Opaque and Open may be called.
type Conn struct {
	count   atomic.Int64
	stopped atomic.Bool // x.opaque was carried out
	backlog backlog

	mu     sync.Mutex // protects the following, x.opaque apart; Push does not wait for it
	x      exchanges
	parser parser
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

// Forwarding announces that bytes of d were read and are about to be written;
// a Push of them or a Close of d must follow: announcements are taken back in
// their order, a Close takes back all of d. What the peer does on them can be
// shown before they are, by the goroutine of the other direction. Such effects
// wait for their cause: everything is observed in the order of announcements,
// a Push or Close without one counting as announced just then. It waits for
// nothing.
func (c *Conn) Forwarding(d Direction) {
	if c.x.running() {
		c.backlog.announce(d)
	}
}

// Push shows bytes of d that were forwarded; at is when they were read. p is
// borrowed until Push returns. While the other direction is being observed, a
// copy is kept and observed by that goroutine: Push waits for it only when the
// copy would be over Limits.Backlog. A panic in here or in an Exchange ends the
// observation of this connection and goes no further.
func (c *Conn) Push(d Direction, p []byte, at time.Time) {
	if !c.x.running() {
		return
	}
	k := kept{d: d, ticket: c.backlog.mine(d), at: at}
	if !c.mu.TryLock() {
		if c.backlog.keep(k, p, 1) {
			c.catchUp(at)
			return
		}
		c.mu.Lock()
	}
	c.take(k, p)
	c.leave(at)
	if c.backlog.busy() && c.backlog.strained() {
		runtime.Gosched() // to the goroutine that is behind
	}
}

// Close tells that no more bytes of d will come, and how that showed. What is
// unfinished in that direction ends; the other direction may go on. Only the
// first Close of a direction counts.
func (c *Conn) Close(d Direction, how Closing, at time.Time) {
	if !c.x.running() {
		return
	}
	c.mu.Lock()
	c.take(kept{d: d, ticket: c.backlog.mine(d), at: at, closed: true, how: how}, nil)
	c.leave(at)
}

// Stop ends the observation of the connection: exchanges in flight end with
// EndOpaque and reason. The first reason stays. It may be called from inside
// an Exchange; it then takes effect when the call that led there returns.
func (c *Conn) Stop(reason string, at time.Time) {
	c.x.giveUp(reason, at)
	c.catchUp(at)
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
func (c *Conn) Open() int {
	if c.stopped.Load() {
		return 0
	}
	n := int(c.count.Load())
	if n == 0 && c.backlog.busy() {
		return 1
	}
	return n
}

// take observes k in its turn, or keeps it. It runs under the lock.
func (c *Conn) take(k kept, p []byte) {
	defer c.x.recovered(k.at)
	behind := c.backlog.behind(&k)
	if k.closed && !behind {
		c.backlog.taken(&k)
	}
	c.drain(false, k.at)
	if c.stopped.Load() {
		return
	}
	if behind && c.backlog.behind(&k) {
		stretch := 1
		if _, early := c.parser.standing(); early && k.d == Response {
			stretch = backlogStretch
		}
		if c.backlog.keep(k, p, stretch) {
			return
		}
		c.drain(true, k.at)
	}
	c.backlog.taken(&k)
	c.x.tell(c.parser, k, p)
	c.drain(false, k.at)
}

// drain observes what the backlog kept, with the times it was kept with. A panic
// ends that, and the observation, and goes no further.
func (c *Conn) drain(force bool, at time.Time) {
	defer c.x.recovered(at)
	for !c.stopped.Load() {
		k, p, ok := c.backlog.next(force)
		if !ok {
			return
		}
		c.x.tell(c.parser, k, p)
		c.backlog.done(&k)
	}
}

// catchUp does what was left to whoever holds the lock, if nobody does.
func (c *Conn) catchUp(at time.Time) {
	if c.due() && c.mu.TryLock() {
		c.leave(at)
	}
}

// due reports whether something is left to do for whoever holds the lock: a
// stop, or what was kept while it was held.
func (c *Conn) due() bool {
	return !c.stopped.Load() && (!c.x.running() || c.backlog.due())
}

// leave unlocks, after everything is done that came up while the lock was held.
func (c *Conn) leave(at time.Time) {
	for {
		c.drain(false, at)
		c.settle()
		c.mu.Unlock()
		if !c.due() || !c.mu.TryLock() {
			return
		}
	}
}

// settle carries out a stop, and publishes the count.
func (c *Conn) settle() {
	if s := c.x.opaque.Load(); s != nil && !c.stopped.Load() {
		c.stopped.Store(true)
		c.x.flows.stop(End{Kind: EndOpaque, Reason: s.reason, Moved: s.moved}, s.at)
		c.parser, c.x.scan = nil, scanner{}
		c.backlog.drop()
	}
	n := c.x.flows.n
	if c.parser != nil && !c.x.closed[Request].done {
		begun, _ := c.parser.standing()
		n += begun
	}
	c.count.Store(int64(n))
}
