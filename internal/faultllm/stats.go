package faultllm

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// keepCancels bounds the list of cancelled requests.
const keepCancels = 1024

// Stats is a snapshot of what the service did; the receiver owns it.
type Stats struct {
	// Hits counts requests by scenario id; the healthy answer to an unknown
	// name counts as "healthy".
	Hits map[string]int `json:"hits"`
	// Conns is the number of connections that Serve has open.
	Conns int `json:"conns"`
	// Live is the number of requests in progress.
	Live int `json:"live"`
	// Cancels counts the requests whose client left before the answer was over,
	// Cancelled describes the last 1024 of them, oldest first.
	Cancels   int      `json:"cancels"`
	Cancelled []Cancel `json:"cancelled,omitempty"`
}

// Cancel is a request whose client left before the answer was over. A client
// that leaves a hijacked connection is not noticed.
type Cancel struct {
	Scenario string `json:"scenario"`
	// At is the instant the service noticed, After the time since it began to
	// play the scenario.
	At    time.Time     `json:"at"`
	After time.Duration `json:"after_ns"`
}

// Stats returns what was counted so far.
func (s *Service) Stats() Stats { return s.stats.snapshot() }

// ledger keeps the counts.
type ledger struct {
	mu   sync.Mutex // guards all below
	idle *sync.Cond // signalled when a connection or request ends
	now  Stats
}

func (l *ledger) start() {
	l.idle = sync.NewCond(&l.mu)
	l.now.Hits = map[string]int{}
}

func (l *ledger) snapshot() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.now
	out.Hits = maps.Clone(l.now.Hits)
	out.Cancelled = slices.Clone(l.now.Cancelled)
	return out
}

// enter counts a request in, or reports that there are too many.
func (l *ledger) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now.Live >= maxLive {
		return false
	}
	l.now.Live++
	return true
}

func (l *ledger) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.Live--
	l.idle.Broadcast()
}

// conns adds d to the open connections.
func (l *ledger) conns(d int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.Conns += d
	l.idle.Broadcast()
}

// hit counts a request of the scenario and returns its number from 1.
func (l *ledger) hit(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.Hits[id]++
	return l.now.Hits[id]
}

func (l *ledger) cancel(c Cancel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.Cancels++
	if len(l.now.Cancelled) == keepCancels {
		l.now.Cancelled = slices.Delete(l.now.Cancelled, 0, 1)
	}
	l.now.Cancelled = append(l.now.Cancelled, c)
}

// drained waits until no connection and no request is left.
func (l *ledger) drained() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.now.Conns > 0 || l.now.Live > 0 {
		l.idle.Wait()
	}
}
