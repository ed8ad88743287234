package capture

import (
	"cmp"
	"slices"
	"sync"

	"llmtap/internal/call"
)

// maxLive bounds the registry of live calls; beyond it a call is relayed and
// recorded as ever, only not listed while it runs.
const maxLive = 4096

// liveCalls is the registry of attempts in flight.
type liveCalls struct {
	mu    sync.Mutex
	calls map[string]*call.Record
	spare []*call.Record // of calls that are over, at most maxSpare
}

// maxSpare is how many records of calls that are over are kept for the next.
const maxSpare = 64

func newLiveCalls() *liveCalls { return &liveCalls{calls: map[string]*call.Record{}} }

func (l *liveCalls) add(r *call.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.calls) >= maxLive {
		return
	}
	var mine *call.Record
	if n := len(l.spare); n > 0 {
		mine, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		mine = new(call.Record)
	}
	*mine = *r
	l.calls[r.Identity.ID] = mine
}

func (l *liveCalls) remove(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.calls[id]
	if !ok {
		return
	}
	delete(l.calls, id)
	if len(l.spare) < maxSpare {
		*r = call.Record{}
		l.spare = append(l.spare, r)
	}
}

// list returns the live attempts, newest first.
func (l *liveCalls) list() []call.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]call.Record, 0, len(l.calls))
	for _, r := range l.calls {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b call.Record) int { return cmp.Compare(b.Identity.ID, a.Identity.ID) })
	return out
}
