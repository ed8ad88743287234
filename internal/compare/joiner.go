package compare

import (
	"container/list"
	"crypto/rand"
	"io"
	"sync/atomic"
	"time"

	"llmtap/internal/call"
)

// defaultSize is how many logical calls a Joiner remembers, perKey how many of
// them may have equal requests: the search among those is linear.
const (
	defaultSize = 1024
	perKey      = 32
)

// Config sets up a Joiner; its zero value is usable.
type Config struct {
	// Size bounds the remembered logical calls; 0 means 1024.
	Size int
	// Rand is the source of trace and span ids; nil means crypto/rand.
	Rand io.Reader
	// Sample is the sampler of root spans; nil samples all. A sampled remote
	// parent decides for its children without asking.
	Sample func(traceID string) bool
	// HonourUnsampledParent lets an unsampled traceparent decide too. By
	// default it does not, lest the client's sampler hide failures.
	HonourUnsampledParent bool
}

// Joiner folds attempts into logical calls and gives each attempt its place in
// a trace. Join must be called from one goroutine; Evicted from any.
type Joiner struct {
	cfg   Config
	byKey map[key]*list.List // of *list.Element in one of the two orders
	// waiting holds calls that clients retry, settled those whose last end was
	// final and that only an explicit hint continues. Oldest first.
	waiting, settled *list.List
	evicted          atomic.Int64
}

// NewJoiner returns an empty Joiner.
func NewJoiner(cfg Config) *Joiner {
	if cfg.Size <= 0 {
		cfg.Size = defaultSize
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Sample == nil {
		cfg.Sample = func(string) bool { return true }
	}
	return &Joiner{cfg: cfg, byKey: map[key]*list.List{}, waiting: list.New(), settled: list.New()}
}

// Evicted counts the logical calls that were forgotten for lack of room within
// the longest retry window, when another attempt could still have come.
func (j *Joiner) Evicted() int64 { return j.evicted.Load() }

// Join returns r with Identity.Logical, Attempt, Span, Parent and First filled.
// Records must come in the order in which the attempts ended. A record that
// was joined before comes back as it is.
func (j *Joiner) Join(r call.Record) call.Record {
	if r.Identity.Attempt > 0 {
		return r
	}
	k := keyOf(r)
	c := j.take(k, r)
	if c == nil {
		c = &chain{key: k}
	}
	c.attempts++
	r.Identity.Attempt = c.attempts
	j.place(c, &r)
	c.last = lastOf(r, c.last)
	if k.joinable() && !c.last.hopeless() {
		j.keep(c)
	}
	return r
}

// chain is one logical call so far.
type chain struct {
	key      key
	logical  string
	first    call.SpanContext
	attempts int
	last     attempt
}

// take finds the logical call that r continues and removes it from the memory.
// Hints beat order; without one the call that has waited longest goes first,
// so that parallel retry chains of equal requests do not swap.
func (j *Joiner) take(k key, r call.Record) *chain {
	entries := j.byKey[k]
	if entries == nil {
		return nil
	}
	next := attempt{count: countOf(r), invocation: r.Request.Hints.InvocationID}
	var found *list.Element
	for e := entries.Front(); e != nil; e = e.Next() {
		ok, h := chainOf(e).last.continues(next, r.Identity.Start)
		if ok && (found == nil || h == confirmed) {
			found = e
		}
		if ok && h == confirmed {
			break
		}
	}
	if found == nil {
		return nil
	}
	c := chainOf(found)
	j.drop(found)
	return c
}

// chainOf reads an element of a byKey list, which points into an order.
func chainOf(e *list.Element) *chain { return e.Value.(*list.Element).Value.(*chain) }

// drop forgets the chain behind e, an element of its byKey list.
func (j *Joiner) drop(e *list.Element) {
	at := e.Value.(*list.Element)
	c := at.Value.(*chain)
	j.waiting.Remove(at)
	j.settled.Remove(at)
	entries := j.byKey[c.key]
	entries.Remove(e)
	if entries.Len() == 0 {
		delete(j.byKey, c.key)
	}
}

// keep remembers c as the newest, and forgets the oldest if there is no room.
func (j *Joiner) keep(c *chain) {
	order := j.settled
	if c.last.retryable {
		order = j.waiting
	}
	entries := j.byKey[c.key]
	if entries == nil {
		entries = list.New()
		j.byKey[c.key] = entries
	}
	entries.PushBack(order.PushBack(c))
	switch {
	case entries.Len() > perKey:
		j.evict(entries.Front(), c.last.end)
	case j.waiting.Len()+j.settled.Len() > j.cfg.Size:
		oldest := j.settled.Front()
		if oldest == nil {
			oldest = j.waiting.Front()
		}
		e := j.byKey[oldest.Value.(*chain).key].Front()
		for e.Value.(*list.Element) != oldest {
			e = e.Next()
		}
		j.evict(e, c.last.end)
	}
}

// evict drops e for lack of room; it counts only if a retry was expected.
func (j *Joiner) evict(e *list.Element, now time.Time) {
	last := chainOf(e).last
	if last.retryable && now.Sub(last.end) <= windowMax {
		j.evicted.Add(1)
	}
	j.drop(e)
}
