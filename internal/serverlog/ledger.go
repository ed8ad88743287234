package serverlog

import (
	"sync"
	"time"

	"llmtap/internal/call"
)

// ledgerSize is how many attempts a Ledger remembers.
const ledgerSize = 2048

// Ledger remembers which calls left lately. It is told on the data path and
// asked off it; all methods are safe for concurrent use.
type Ledger struct {
	mu sync.Mutex // guards all below
	// ring has the attempts by order of their start; when full, next is the oldest.
	ring []attempt
	next int
	byID map[string]int
}

// attempt is what is kept of a call that left.
type attempt struct {
	id         string
	start, end time.Time // end is zero while it runs
	user       string
	// kernel: it came from a notebook, whose code and magics are no chat.
	kernel bool
	// framework: a product's or framework's, or nobody knows whose.
	framework bool
}

// Note takes an attempt, when its request is complete and again when it is over.
func (l *Ledger) Note(r *call.Record, over bool) {
	a := attempt{
		id: r.Identity.ID, start: r.Identity.Start, user: r.Client.User,
		kernel:    r.Client.Surface == "magic" || r.Client.Process.Name == "ipykernel_launcher" || r.Client.Process.Name == "ipykernel",
		framework: r.Client.Kind != call.ClientDirect,
	}
	if over {
		a.end = r.EndTime()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i, ok := l.byID[a.id]; ok {
		l.ring[i] = a
		return
	}
	l.put(a)
}

// put adds an attempt in the place of the oldest. The caller holds the mutex.
func (l *Ledger) put(a attempt) {
	if l.byID == nil {
		l.byID = make(map[string]int, ledgerSize)
	}
	if len(l.ring) < ledgerSize {
		l.byID[a.id] = len(l.ring)
		l.ring = append(l.ring, a)
		return
	}
	delete(l.byID, l.ring[l.next].id)
	l.byID[a.id] = l.next
	l.ring[l.next] = a
	l.next = (l.next + 1) % ledgerSize
}

// window is when a message's attempt must have been made.
type window struct{ from, to time.Time }

// How much earlier and later than its message an attempt may seem to be: a log
// is read after it was written.
const (
	windowSlack = 2 * time.Second
	// windowBlind is how long a message may have been handled whose log does
	// not say so; the failures known are all faster.
	windowBlind = 5 * time.Second
)

func windowOf(e Event) window {
	took := e.Took
	if took == 0 {
		took = windowBlind
	}
	return window{e.At.Add(-took - windowSlack), e.At.Add(windowSlack)}
}

// left reports whether an attempt was made that may be the message's. It says
// so too when it no longer knows.
func (l *Ledger) left(e Event, s Source) bool {
	w := windowOf(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ring) == ledgerSize && l.ring[l.next].start.After(w.from) {
		return true
	}
	for i := range l.ring {
		if l.ring[i].in(w, e.Took > 0) && l.ring[i].by(s) {
			return true
		}
	}
	return false
}

// in reports whether the attempt falls into the window. Where it is known how
// long the message took, the attempt began within; else it may have begun
// before.
func (a *attempt) in(w window, known bool) bool {
	if a.start.After(w.to) {
		return false
	}
	if known {
		return !a.start.Before(w.from)
	}
	return a.end.IsZero() || !a.end.Before(w.from)
}

// by reports whether the attempt may be one of the log's server.
func (a *attempt) by(s Source) bool {
	switch {
	case a.kernel:
		return false
	case s.User != "" && a.user != "" && a.user != s.User:
		return false
	}
	return s.Alone || a.framework
}
