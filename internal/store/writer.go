package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"llmtap/internal/call"
)

// writer is the one goroutine that changes the file, and its state.
type writer struct {
	cfg  Config
	lost counts

	// in carries what to write: any goroutine sends without blocking, the
	// writer receives. Its capacity covers a burst between two commits.
	in chan item
	// syncs carries requests to write what was sent before; the writer closes
	// each when that is done.
	syncs chan chan struct{}
	life  life

	pending  *pending
	spare    sync.Pool // of *call.Record, for what is sent next
	file     atomic.Pointer[database]
	degraded atomic.Bool
	orphans  atomic.Pointer[orphans]
	clock    clock
	// lock keeps other agents off the file from the first open to the end.
	lock *os.File
}

// life is how the writer ends.
type life struct {
	// stop is closed once by Close, done once by the writer's last act.
	stop, done chan struct{}
	// err is the outcome of finish; read it after done.
	err error
}

// clock is when the writer acts by itself.
type clock struct {
	commit *time.Timer
	armed  bool
	// backoff is the wait before the next attempt while the disk refuses.
	backoff time.Duration
}

func newWriter(c Config) *writer {
	w := &writer{
		cfg: c, in: make(chan item, c.Batch.Queue), syncs: make(chan chan struct{}),
		life: life{stop: make(chan struct{}), done: make(chan struct{})},
	}
	w.pending = newPending(c.Batch.Ring, &w.spare)
	w.clock.commit = time.NewTimer(time.Hour)
	w.clock.commit.Stop()
	return w
}

// run serves until stop is closed, then writes what is left.
func (w *writer) run() {
	defer close(w.life.done)
	sweep := time.NewTicker(w.cfg.Batch.Sweep)
	defer sweep.Stop()
	defer w.clock.commit.Stop()
	for {
		select {
		case i := <-w.in:
			w.take(i)
			if w.pending.len() >= w.cfg.Batch.Rows && !w.degraded.Load() {
				w.commit()
			}
		case <-w.clock.commit.C:
			w.commit()
		case ack := <-w.syncs:
			w.drain()
			if !w.degraded.Load() {
				w.commit()
			}
			close(ack)
		case <-sweep.C:
			w.retain(w.file.Load())
		case <-w.life.stop:
			w.drain()
			w.commit()
			w.life.err = w.finish()
			return
		}
		w.arm()
	}
}

// keep copies a record into memory that comes back once it is written. It is
// safe for concurrent use.
func keep(spare *sync.Pool, r *call.Record) *call.Record {
	mine, ok := spare.Get().(*call.Record)
	if !ok {
		mine = new(call.Record)
	}
	*mine = *r
	return mine
}

// take adds i to the batch. While the disk refuses, records are kept without
// content: a thousand of them must stay small.
func (w *writer) take(i item) {
	if w.degraded.Load() && i.record != nil && hasContent(*i.record) {
		r := withoutContent(*i.record)
		i.record = &r
		w.lost.add(dropContent, 1)
	}
	if w.pending.add(i) {
		w.lost.add(dropRingFull, 1)
	}
}

// drain takes everything that was sent so far.
func (w *writer) drain() {
	for {
		select {
		case i := <-w.in:
			w.take(i)
		default:
			return
		}
	}
}

// arm sets the commit timer when something waits and it is not running yet.
func (w *writer) arm() {
	if w.clock.armed || (w.pending.len() == 0 && !w.degraded.Load()) {
		return
	}
	wait := w.cfg.Batch.Interval
	if w.degraded.Load() {
		wait = w.clock.backoff
	}
	w.clock.armed = true
	w.clock.commit.Reset(wait)
}

// commit writes the batch; when that fails it stays in memory.
func (w *writer) commit() {
	w.clock.commit.Stop()
	w.clock.armed = false
	if w.pending.len() == 0 && !w.degraded.Load() {
		return
	}
	if err := w.write(context.Background()); err != nil {
		w.degrade(err)
		return
	}
	if w.degraded.CompareAndSwap(true, false) {
		w.cfg.Logger.Info("the store writes again", "file", w.cfg.Path)
	}
	w.clock.backoff = 0
	w.shrink(w.file.Load())
}

// write opens the file if need be and saves the batch. It has no deadline but
// SQLite's own busy timeout; a caller that waits for it has one.
func (w *writer) write(ctx context.Context) error {
	if w.file.Load() == nil {
		if err := w.open(ctx); err != nil {
			return err
		}
	}
	if err := w.file.Load().save(ctx, w.pending.list(), &w.lost); err != nil {
		return fmt.Errorf("store: write %s: %w", w.cfg.Path, err)
	}
	w.pending.clear()
	return nil
}

// degrade keeps the batch in memory and waits twice as long as before. After
// anything but lack of space the file is closed, to be opened and checked anew.
func (w *writer) degrade(err error) {
	if !w.degraded.Swap(true) {
		w.cfg.Logger.Warn("the store cannot write: keeping the newest calls in memory until it can",
			"file", w.cfg.Path, "error", err.Error(), "records", w.cfg.Batch.Ring)
	}
	w.clock.backoff = min(max(2*w.clock.backoff, w.cfg.Batch.Retry), 30*time.Second)
	if db := w.file.Load(); db != nil && !crowded(err) {
		w.file.Store(nil)
		if err := db.close(); err != nil {
			w.cfg.Logger.Warn("close the store's file", "error", err.Error())
		}
	}
}

// finish leaves the file so that it can be copied: rows whose end never came
// are removed, the journal is folded in. It is the writer's last act.
func (w *writer) finish() error {
	db := w.file.Swap(nil)
	left := w.pending.len()
	w.lost.add(dropAtClose, left)
	w.pending.clear()
	var errs []error
	if left > 0 {
		errs = append(errs, fmt.Errorf("store: write %s: %d entries could not be written and are lost", w.cfg.Path, left))
	}
	if db != nil {
		unfinished, err := db.settle(context.Background())
		w.lost.add(dropUnfinished, unfinished)
		errs = append(errs, err, db.close())
	}
	if w.lock != nil {
		errs = append(errs, w.lock.Close())
	}
	return errors.Join(errs...)
}
