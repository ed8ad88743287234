package relay

import (
	"sync"
	"time"
)

// watchdog ends a silent splice. One timer looks at the activity stamp now and
// then; a chunk costs one store and no deadline.
type watchdog struct {
	s *splice
	// mu guards timer and over.
	mu    sync.Mutex
	timer *time.Timer
	over  bool
}

func (w *watchdog) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.limit(), w.check)
}

// end keeps the timer from doing anything any more.
func (w *watchdog) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}

// halfOpen is called when one direction has ended: the limit is another now.
func (w *watchdog) halfOpen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.timer.Reset(w.limit())
	}
}

func (w *watchdog) limit() time.Duration {
	if w.s.first.Load() {
		return w.s.r.cfg.Limits.HalfOpen
	}
	return w.s.r.cfg.Limits.Idle
}

func (w *watchdog) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	limit := w.limit()
	left := limit - w.s.silence()
	switch {
	case left > 0:
		w.timer.Reset(left)
	case !w.s.first.Load() && w.s.t.Busy != nil && w.s.t.Busy():
		w.timer.Reset(limit)
	case w.s.first.Load():
		w.s.stop(haltReset)
	default:
		w.s.stop(haltGently)
	}
}
