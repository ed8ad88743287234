package prom

import (
	"container/list"
	"strconv"
	"time"

	"llmtap/internal/call"
)

// Bounds of the memory of logical calls.
const (
	maxLogical    = 1024
	maxWindow     = 120 * time.Second
	logicalMemory = 5 * time.Minute // how long a finished one is remembered
	flightMemory  = time.Hour       // how long an attempt may be in flight
)

// logicalCalls decides when a logical call is over and counts it once, by the
// outcome of its last attempt. It belongs to the sink's mutex.
//
// A retryable failure of a client that retries is held until the next attempt
// or the end of the retry window. While the next attempt is in flight it is
// held without a limit of its own, and counts if that attempt's record is lost.
type logicalCalls struct {
	retries func(call.Client) bool
	count   func(*call.Record)
	byID    map[string]*list.Element
	recent  *list.List // of *logicalCall, most recently seen first
}

// logicalCall is what is known of one retry chain.
type logicalCall struct {
	id       string
	started  int // highest attempt that was seen to start
	recorded int // highest attempt that was sealed
	held     *call.Record
	until    time.Time // when held counts; zero while the next attempt is in flight
	counted  counted
	seen     time.Time
	end      time.Time     // of the last sealed attempt
	gap      time.Duration // before it
}

func newLogicalCalls(retries func(call.Client) bool, count func(*call.Record)) *logicalCalls {
	return &logicalCalls{retries: retries, count: count, byID: map[string]*list.Element{}, recent: list.New()}
}

// start hears that an attempt began.
func (c *logicalCalls) start(r *call.Record, now time.Time) {
	if r.Identity.Logical == "" {
		return
	}
	e := c.get(r.Identity.Logical, now)
	if n := attempt(r); n > e.started {
		e.started = n
		e.until = time.Time{}
	}
}

// seal takes the record of an attempt and says whether its logical call is over
// and to be counted with it. (It does not count itself, so that the record of
// most calls need not live on the heap.)
func (c *logicalCalls) seal(r *call.Record, now time.Time) (over bool) {
	if r.Identity.Logical == "" {
		return true
	}
	e, n := c.get(r.Identity.Logical, now), attempt(r)
	if n < e.recorded {
		return false // a later attempt has spoken already
	}
	if !e.end.IsZero() && n > e.recorded {
		e.gap = r.Identity.Start.Sub(e.end)
	}
	e.recorded, e.end, e.held, e.until = n, r.Identity.Start.Add(r.Duration()), nil, time.Time{}
	switch {
	case n < e.started:
		e.held = keep(r)
	case c.holds(r):
		e.held, e.until = keep(r), now.Add(window(r, e.gap))
	default:
		over = e.over(r)
	}
	e.started = max(e.started, n)
	return over
}

// sweep counts what waited long enough and forgets what is over.
func (c *logicalCalls) sweep(now time.Time) {
	for el := c.recent.Front(); el != nil; {
		e, next := el.Value.(*logicalCall), el.Next()
		switch {
		case e.held != nil && e.until.IsZero() && now.Sub(e.seen) > flightMemory,
			e.held != nil && !e.until.IsZero() && !now.Before(e.until):
			c.release(e, e.held)
		case e.held == nil && now.Sub(e.seen) > logicalMemory:
			c.forget(el)
		}
		el = next
	}
}

// flush counts everything that is held: nobody will come back for it.
func (c *logicalCalls) flush() {
	for c.recent.Len() > 0 {
		c.forget(c.recent.Back())
	}
}

func (c *logicalCalls) get(id string, now time.Time) *logicalCall {
	if el, ok := c.byID[id]; ok {
		c.recent.MoveToFront(el)
		e := el.Value.(*logicalCall)
		e.seen = now
		return e
	}
	if c.recent.Len() >= maxLogical {
		c.forget(c.recent.Back())
	}
	e := &logicalCall{id: id, seen: now}
	c.byID[id] = c.recent.PushFront(e)
	return e
}

func (c *logicalCalls) forget(el *list.Element) {
	e := el.Value.(*logicalCall)
	if e.held != nil {
		c.release(e, e.held)
	}
	c.recent.Remove(el)
	delete(c.byID, e.id)
}

// release counts a logical call that was held.
func (c *logicalCalls) release(e *logicalCall, r *call.Record) {
	if e.over(r) {
		c.count(r)
	}
}

// over ends the call with r and says whether that is to be counted. One that
// was counted and goes on after its window is not counted again unless it ended
// differently.
func (e *logicalCall) over(r *call.Record) bool {
	e.held = nil
	last := counted{r.Outcome(), r.Diagnosis.Class}
	if e.counted == last {
		return false
	}
	e.counted = last
	return true
}

// counted is how a logical call was counted; zero if it was not.
type counted struct {
	outcome call.Outcome
	class   call.Class
}

// holds reports whether an attempt's failure may be mended by a retry.
func (c *logicalCalls) holds(r *call.Record) bool {
	if r.Outcome() != call.OutcomeError || !r.Retryable() {
		return false
	}
	h := r.Request.Hints
	return h.RetryCount != "" || h.InvocationID != "" || c.retries(r.Client)
}

// window is the retry window: the largest of retry-after + 2 s, 10 s and four
// times the previous gap, at most two minutes.
func window(r *call.Record, gap time.Duration) time.Duration {
	w := max(10*time.Second, 4*gap)
	wish := r.Response.Header("retry-after")
	if wish == "" {
		return min(w, maxWindow)
	}
	if s, err := strconv.ParseFloat(wish, 64); err == nil && s >= 0 && s < maxWindow.Seconds() {
		w = max(w, time.Duration(s*float64(time.Second))+2*time.Second)
	} else if err == nil && s >= maxWindow.Seconds() {
		return maxWindow
	}
	return min(w, maxWindow)
}

func attempt(r *call.Record) int { return max(1, r.Identity.Attempt) }

func keep(r *call.Record) *call.Record {
	c := *r
	c.Content = call.Content{}
	return &c
}
