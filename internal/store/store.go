package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"llmtap/internal/call"
)

// Config says where records are kept and for how long. Zero fields take the
// default that is named; only Path must be set.
type Config struct {
	// Path is the database file; its directory is made when missing.
	Path string
	// MaxAge removes calls that started longer ago; 14 days.
	MaxAge time.Duration
	// MaxBytes removes the oldest calls while the file is larger; 256 MiB.
	MaxBytes int64
	// Now is the wall clock that MaxAge is measured with; time.Now.
	Now func() time.Time
	// Logger gets the few lines an operator must see; slog.Default.
	Logger *slog.Logger
	Batch  Batch
}

// Batch is how writes are gathered; its zero value is right for an agent.
type Batch struct {
	// Rows and Interval end a batch, whichever comes first; 100 and 200 ms.
	Rows     int
	Interval time.Duration
	// Queue bounds what waits for the writer; 1024.
	Queue int
	// Ring bounds what is kept in memory while the disk refuses; 1000.
	Ring int
	// Retry is the first back-off of a refused write, doubled up to 30 s; 250 ms.
	Retry time.Duration
	// Sweep is how often age is looked at; a minute.
	Sweep time.Duration
}

func (c Config) withDefaults() Config {
	c.MaxAge = either(c.MaxAge, 14*24*time.Hour)
	c.MaxBytes = either(c.MaxBytes, 256<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	b := &c.Batch
	b.Rows, b.Interval = either(b.Rows, 100), either(b.Interval, 200*time.Millisecond)
	b.Queue, b.Ring = either(b.Queue, 1024), either(b.Ring, 1000)
	b.Retry, b.Sweep = either(b.Retry, 250*time.Millisecond), either(b.Sweep, time.Minute)
	return c
}

func either[T int | int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Store keeps records and findings; it is safe for concurrent use. Its verbs
// never wait for the disk, its queries see everything that was handed over
// before them.
type Store struct {
	w *writer

	// mu lets a verb and Close not overlap: nothing is sent after closed.
	mu     sync.RWMutex
	closed bool
}

// Open opens the file, or makes it. It fails for what only a person can mend (no
// permission, a newer schema, another agent on the same file) and says how. A
// full disk is no reason to fail: the store then starts Degraded. ctx ends the
// check of the file early; the store outlives it.
func Open(ctx context.Context, c Config) (*Store, error) {
	w := newWriter(c.withDefaults())
	switch err := w.open(ctx); {
	case err == nil:
		w.retain(w.file.Load())
		w.commit()
	case transient(err):
		w.degrade(explain(c.Path, err))
	default:
		if w.lock != nil {
			err = errors.Join(err, w.lock.Close())
		}
		return nil, explain(c.Path, err)
	}
	w.arm()
	go w.run()
	return &Store{w: w}, nil
}

// Started keeps the beginning of a call, so that a killed agent leaves a trace
// of it. A start that comes after its record changes nothing.
func (s *Store) Started(_ context.Context, r call.Record) error {
	return s.offer(item{record: keep(&s.w.spare, &r), live: true})
}

// Record keeps a sealed record in place of its start. It never blocks: what
// finds the queue full is lost and counted, which is no error of the caller.
func (s *Store) Record(_ context.Context, r call.Record) error {
	return s.offer(item{record: keep(&s.w.spare, &r)})
}

// Finding keeps the newest state of a finding.
func (s *Store) Finding(_ context.Context, f call.Finding) error {
	return s.offer(item{finding: &f})
}

func (s *Store) offer(i item) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		s.w.lost.add(dropAfterClose, 1)
		return ErrClosed
	}
	if i.key().id == "" {
		s.w.lost.add(dropEncode, 1)
		return errors.New("store: keep a record or finding: it has no id")
	}
	select {
	case s.w.in <- i:
	default:
		s.w.lost.add(dropQueueFull, 1)
	}
	return nil
}

// Degraded says that the disk refuses and only memory keeps the newest calls.
func (s *Store) Degraded() bool { return s.w.degraded.Load() }

// Dropped counts what was not kept, by reason.
func (s *Store) Dropped() map[string]uint64 { return s.w.lost.snapshot() }

// Interrupted returns the calls that an earlier agent left in flight when it
// was killed, newest first, sealed as ended by its crash. They are stored so.
// The caller must not write to the slice.
func (s *Store) Interrupted() []call.Record {
	if o := s.w.orphans.Load(); o != nil {
		return o.list
	}
	return nil
}

// Close writes what is queued, removes starts whose record never came, folds
// the journal into the file and closes it. It returns when all of that is done
// or ctx ends; a later call waits for the rest. It is safe to call twice.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.w.life.stop)
	}
	s.mu.Unlock()
	select {
	case <-s.w.life.done:
		return s.w.life.err
	case <-ctx.Done():
		return fmt.Errorf("store: close: %w", ctx.Err())
	}
}
