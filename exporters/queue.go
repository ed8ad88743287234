package exporters

import (
	"context"
	"fmt"
	"sync"
	"time"

	"llmtap/internal/call"
)

// DefaultQueueSize is the number of items a Queue holds unless told otherwise.
const DefaultQueueSize = 4096

// linger is how long the goroutine sleeps after the first item that wakes it,
// unless a whole batch has come by then: what comes meanwhile is handled
// together. A wake-up costs more than a record, and it falls on somebody's first
// token; a tenth of a second is at once for whoever looks.
const linger = 100 * time.Millisecond

// maxBatch bounds what is handled together.
const maxBatch = 256

// Reasons for which a Queue drops an item, as Config.Dropped gets them.
const (
	DropQueueFull = "queue_full"
	DropShutdown  = "shutdown"
	DropPanic     = "panic"
)

// Item is what travels through a Queue: a sealed record, the notice that a
// call began (Started; the record is as far as it is known then), or only the
// time (Now; no record), for what expires when nothing is called.
type Item struct {
	Record  call.Record
	Started bool
	Now     time.Time
}

// counts says whether the loss of the item is a loss.
func (it *Item) counts() bool { return !it.Started && it.Now.IsZero() }

// Config configures a Queue.
type Config struct {
	// Size is how many items wait at most; 0 means DefaultQueueSize.
	Size int
	// Handle gets every accepted item in order, one at a time, always from the
	// same goroutine. Its context is cancelled only when Close ran out of time.
	Handle func(context.Context, Item)
	// Dropped, if set, is told of every sealed record that was not handled, by
	// reason. It runs on the goroutine that lost it and must not block. Start
	// notices are lost silently: the record that follows says the same.
	Dropped func(reason string)
}

// Queue decouples the data path from the sinks. Handing over never blocks; one
// goroutine, owned by the Queue, handles what was accepted.
type Queue struct {
	handle  func(context.Context, Item)
	dropped func(string)

	// items: sent by offer, received by the one goroutine, never closed. It
	// holds pointers so that an idle queue costs little memory.
	items chan *Item
	spare sync.Pool // of *Item: a record is large
	full  full
	done  chan struct{} // closed by the first Close: drain and stop
	idle  chan struct{} // closed by the goroutine when it has ended

	ctx    context.Context //nolint:containedctx // the goroutine's own, ended by Close
	cancel context.CancelFunc

	// mu is held for reading while an item is sent, so that none slips in
	// after closed was set.
	mu     sync.RWMutex
	closed bool
}

// full ends the goroutine's rest when a whole batch waits.
type full struct {
	token chan struct{} // holds one: sent by look, received by the goroutine
	batch int
}

func (f full) look(waiting int) {
	if waiting < f.batch {
		return
	}
	select {
	case f.token <- struct{}{}:
	default:
	}
}

// NewQueue starts a Queue. Close it to stop its goroutine.
func NewQueue(c Config) *Queue {
	if c.Size <= 0 {
		c.Size = DefaultQueueSize
	}
	if c.Dropped == nil {
		c.Dropped = func(string) {}
	}
	q := &Queue{
		handle: c.Handle, dropped: c.Dropped,
		items: make(chan *Item, c.Size), full: full{make(chan struct{}, 1), min(maxBatch, (c.Size+1)/2)}, done: make(chan struct{}), idle: make(chan struct{}),
	}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	go q.run()
	return q
}

// Sealed hands over a copy of a sealed record and reports whether it was
// accepted. It never blocks: when the queue is full or closed the record is
// dropped and counted.
func (q *Queue) Sealed(r *call.Record) bool {
	it := itemOf(&q.spare)
	it.Record = *r
	return q.offer(it)
}

// Started hands over a copy of what is known of a call that began, as Sealed does.
func (q *Queue) Started(r *call.Record) bool {
	it := itemOf(&q.spare)
	it.Record, it.Started = *r, true
	return q.offer(it)
}

// Tick hands over the time, as Sealed does.
func (q *Queue) Tick(now time.Time) bool {
	it := itemOf(&q.spare)
	it.Now = now
	return q.offer(it)
}

// itemOf returns an empty item.
func itemOf(spare *sync.Pool) *Item {
	if it, ok := spare.Get().(*Item); ok {
		return it
	}
	return new(Item)
}

func (q *Queue) offer(it *Item) bool {
	q.mu.RLock()
	defer q.mu.RUnlock()
	why := DropShutdown
	if !q.closed {
		select {
		case q.items <- it:
			q.full.look(len(q.items))
			return true
		default:
			why = DropQueueFull
		}
	}
	q.drop(it, why)
	q.release(it)
	return false
}

// Len is how many items wait.
func (q *Queue) Len() int { return len(q.items) }

// Close stops accepting, lets the goroutine handle what waits, and returns
// when it has ended. When ctx is done first, what still waits is dropped and
// counted, and the error says so. Close is safe twice.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	first := !q.closed
	q.closed = true
	q.mu.Unlock()
	if first {
		close(q.done)
	}
	select {
	case <-q.idle:
		return nil
	case <-ctx.Done():
		q.cancel()
		return fmt.Errorf("exporters: drain queue: %w", ctx.Err())
	}
}

func (q *Queue) run() {
	defer close(q.idle)
	defer q.cancel()
	rest := time.NewTimer(linger)
	defer rest.Stop()
	b := batch{sealed: map[string]bool{}}
	for {
		select {
		case it := <-q.items:
			b.items = append(b.items, it)
		case <-q.done:
			q.drain(&b)
			return
		}
		rest.Reset(linger)
		select {
		case <-rest.C:
		case <-q.full.token:
		case <-q.done:
		}
		q.drain(&b)
		select {
		case <-q.full.token: // it was handled
		default:
		}
	}
}

// batch is what the goroutine handles at once.
type batch struct {
	items  []*Item
	sealed map[string]bool // ids of the sealed records among them
}

// drain handles everything that waits, batch by batch.
func (q *Queue) drain(b *batch) {
	for q.gather(b) {
		for _, it := range b.items {
			if it.Started && b.sealed[it.Record.Identity.ID] {
				q.release(it) // the record that is here already says the same
				continue
			}
			q.one(it)
		}
		clear(b.items)
		b.items = b.items[:0]
		clear(b.sealed)
	}
}

// gather adds what waits to the batch and reports whether there is anything.
func (q *Queue) gather(b *batch) bool {
	for len(b.items) < maxBatch {
		select {
		case it := <-q.items:
			b.items = append(b.items, it)
			continue
		default:
		}
		break
	}
	for _, it := range b.items {
		if !it.Started {
			b.sealed[it.Record.Identity.ID] = true
		}
	}
	return len(b.items) > 0
}

// release keeps the memory of an item, not what it holds.
func (q *Queue) release(it *Item) {
	*it = Item{}
	q.spare.Put(it)
}

// one handles an item, unless Close ran out of time; a panic costs that item
// only.
func (q *Queue) one(it *Item) {
	defer q.release(it)
	if q.ctx.Err() != nil {
		q.drop(it, DropShutdown)
		return
	}
	defer func() {
		if recover() != nil {
			q.drop(it, DropPanic)
		}
	}()
	q.handle(q.ctx, *it)
}

func (q *Queue) drop(it *Item, reason string) {
	if it.counts() {
		q.dropped(reason)
	}
}
