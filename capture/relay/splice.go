package relay

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// splice is the copying phase of a tunnel: two links over two legs.
type splice struct {
	r      *Relay
	t      *Tunnel
	tap    Tap
	view   View
	up     link
	down   link
	base   time.Time
	last   atomic.Int64 // last activity, since base
	first  atomic.Bool  // a direction has ended
	halt   atomic.Uint32
	watch  watchdog
	ending firstEnd
}

// firstEnd is the end that came first.
type firstEnd struct {
	// order is held while the tap is told of an end.
	order sync.Mutex
	// mu guards the two.
	mu  sync.Mutex
	d   Direction
	end Ending
}

// How a tunnel is made to end.
const (
	haltNone   uint32 = iota
	haltGently        // close_notify and FIN on both legs
	haltReset         // reset both legs
)

// gentleWrite is how long a write under way may take when a tunnel is shut
// down.
const gentleWrite = time.Second

func newSplice(r *Relay, t *Tunnel, client, upstream *leg) *splice {
	s := &splice{r: r, t: t, base: time.Now()}
	s.up = link{s: s, d: Up, src: client, dst: upstream, done: make(chan struct{})}
	s.down = link{s: s, d: Down, src: upstream, dst: client, done: make(chan struct{})}
	s.up.waiting.d, s.up.waiting.tap = Up, &s.tap
	s.down.waiting.d, s.down.waiting.tap = Down, &s.tap
	s.watch.s = s
	return s
}

// run copies until both directions are over and closes both legs.
func (s *splice) run(ctx context.Context, res Result) Result {
	defer s.r.stats.open(s.view)()
	unhook := context.AfterFunc(ctx, func() { s.stop(haltGently) })
	defer unhook()
	s.watch.start()
	defer s.watch.end()
	var wg sync.WaitGroup
	wg.Go(s.up.run)
	s.down.run()
	wg.Wait()
	_ = s.up.src.Close()
	_ = s.up.dst.Close()
	res.Up, res.Down = s.up.bytes, s.down.bytes
	res.LagMax = max(s.up.lagMax, s.down.lagMax)
	res.BlockedUp, res.BlockedDown = s.up.blocked, s.down.blocked
	s.ending.mu.Lock()
	defer s.ending.mu.Unlock()
	res.First, res.End = s.ending.d, s.ending.end
	return res
}

// stop interrupts both directions; each then ends its destination itself, so
// that nobody waits for a lock of crypto/tls.
func (s *splice) stop(how uint32) {
	if !s.halt.CompareAndSwap(haltNone, how) {
		return
	}
	now := time.Now()
	past, writes := now.Add(-time.Second), now.Add(gentleWrite)
	if how == haltReset {
		writes = past
	}
	for _, l := range [...]*leg{s.up.src, s.up.dst} {
		_ = l.SetWriteDeadline(writes)
		_ = l.SetReadDeadline(past)
	}
}

// stopped tells whether err is the interruption of stop.
func (s *splice) stopped(err error) bool {
	return s.halt.Load() != haltNone && errors.Is(err, os.ErrDeadlineExceeded)
}

func (s *splice) touch(at time.Time) { s.last.Store(int64(at.Sub(s.base))) }

// silence is how long nothing has moved.
func (s *splice) silence() time.Duration {
	return time.Since(s.base) - time.Duration(s.last.Load())
}

func (s *splice) other(d Direction) *link {
	if d == Up {
		return &s.down
	}
	return &s.up
}
