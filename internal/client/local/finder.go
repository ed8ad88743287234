package local

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"
)

// Config is what a Finder needs; zero fields mean the defaults in brackets.
type Config struct {
	// Proc is where the proc file system is mounted [/proc]. In another place
	// its socket tables are read; here the kernel is asked first.
	Proc string
	// Budget is how long one search may take [200 ms].
	Budget time.Duration
	// Processes and Descriptors are how many one search may look at [4096, 65536].
	Processes, Descriptors int
	// Queue is how many connections may wait for the next search [256]; those
	// beyond end as ErrBusy.
	Queue int
}

func (c Config) withDefaults() Config {
	if c.Proc == "" {
		c.Proc = systemProc
	}
	if c.Budget <= 0 {
		c.Budget = 200 * time.Millisecond
	}
	for _, d := range []struct {
		v   *int
		def int
	}{{&c.Processes, 4096}, {&c.Descriptors, 1 << 16}, {&c.Queue, 256}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	return c
}

const systemProc = "/proc"

// restFactor makes searching take at most a fifth of one core, however fast
// connections come.
const restFactor = 4

// closeGrace is how long Close waits beyond a search's budget: a file system
// that does not answer cannot be interrupted.
const closeGrace = time.Second

// Finder finds the processes behind connections. All methods are safe for
// concurrent use.
type Finder struct {
	cfg Config
	// queue is sent to by Start and received by the one worker; what does not
	// fit is refused. It is never closed.
	queue chan *Search
	// done ends the worker, over says that it ended.
	done, over chan struct{}
	once       sync.Once
}

// New starts a Finder; end it with Close.
func New(c Config) *Finder {
	f := &Finder{cfg: c.withDefaults(), done: make(chan struct{}), over: make(chan struct{})}
	f.queue = make(chan *Search, f.cfg.Queue)
	if !available {
		close(f.over)
		return f
	}
	go f.work(newSearcher(f.cfg))
	return f
}

// Close ends the search that is under way and refuses others. It is safe to
// call twice and on nil. An error says that a file system hangs and the worker
// with it.
func (f *Finder) Close() error {
	if f == nil {
		return nil
	}
	f.once.Do(func() { close(f.done) })
	late := time.NewTimer(f.cfg.Budget + closeGrace)
	defer late.Stop()
	select {
	case <-f.over:
		return nil
	case <-late.C:
		return errors.New("local: close: a search hangs in a file system that does not answer")
	}
}

// Start begins to look for the process of a connection and never waits. client
// and server are the two ends as the server's socket names them.
func (f *Finder) Start(client, server netip.AddrPort) *Search {
	s := &Search{client: client, server: server, done: make(chan struct{})}
	switch {
	case !available:
		s.finish(Info{}, ErrNotAvailable)
	case !onThisHost(client, server):
		s.finish(Info{}, ErrNotLocal)
	case f.closed():
		s.finish(Info{}, ErrBusy)
	default:
		select {
		case f.queue <- s:
		default:
			s.finish(Info{}, ErrBusy)
		}
	}
	return s
}

func (f *Finder) closed() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// Lookup finds the process of a connection. The errors are those of this
// package, or the context's.
func (f *Finder) Lookup(ctx context.Context, client, server netip.AddrPort) (Info, error) {
	s := f.Start(client, server)
	select {
	case <-s.done:
	case <-ctx.Done():
		return Info{}, ctx.Err()
	case <-f.over:
		if _, err := s.Result(); errors.Is(err, ErrPending) {
			return Info{}, ErrBusy // it came while the worker left
		}
	}
	return s.Result()
}

// Search is the search for one connection's process. A nil Search knows
// nothing.
type Search struct {
	client, server netip.AddrPort
	// done is closed by the worker after info and err are set.
	done chan struct{}
	info Info
	err  error
}

func (s *Search) finish(info Info, err error) {
	s.info, s.err = info, err
	close(s.done)
}

// Result returns what was found, or ErrPending; it never waits.
func (s *Search) Result() (Info, error) {
	select {
	case <-s.done:
		return s.info, s.err
	default:
		return Info{}, ErrPending
	}
}

// work answers all that wait with one search, then rests.
func (f *Finder) work(s *searcher) {
	defer close(f.over)
	defer s.close()
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-f.done:
			f.refuse()
			return
		case <-rest.C:
		}
		select {
		case <-f.done:
			f.refuse()
			return
		case first := <-f.queue:
			began := time.Now()
			s.search(f.waiting(first))
			rest.Reset(restFactor * time.Since(began))
		}
	}
}

// waiting takes first and all others that wait.
func (f *Finder) waiting(first *Search) []*Search {
	out := []*Search{first}
	for range f.cfg.Queue {
		select {
		case s := <-f.queue:
			out = append(out, s)
		default:
			return out
		}
	}
	return out
}

// refuse ends those that still wait when the Finder is closed.
func (f *Finder) refuse() {
	for {
		select {
		case s := <-f.queue:
			s.finish(Info{}, ErrBusy)
		default:
			return
		}
	}
}
