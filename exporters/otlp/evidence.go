package otlp

import (
	"slices"
	"sync"

	"llmtap/internal/call"
)

// Bounds of what is remembered for verdict spans.
const (
	maxEvidence = 4096
	maxOpen     = 256
)

// evidence remembers what verdict spans refer to: the spans of recent records
// and which verdicts are open. It is safe for concurrent use.
type evidence struct {
	lookup func(string) (call.Record, bool)

	// mu guards all below.
	mu     sync.Mutex
	byID   map[string]seen
	ring   []string // ids in byID, oldest at next
	next   int
	open   map[string]openVerdict // by finding id
	opened []string               // ids in open, oldest first
}

// seen is what is kept of a record.
type seen struct {
	span    call.SpanContext
	outcome call.Outcome
}

// openVerdict is a verdict and the target it speaks of.
type openVerdict struct{ name, state, host, model string }

func newEvidence(lookup func(string) (call.Record, bool)) *evidence {
	if lookup == nil {
		lookup = func(string) (call.Record, bool) { return call.Record{}, false }
	}
	return &evidence{lookup: lookup, byID: map[string]seen{}, open: map[string]openVerdict{}}
}

// record remembers r and returns the verdicts that are open for its target.
func (e *evidence) record(r *call.Record) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.byID[r.Identity.ID]; !known {
		if len(e.ring) < maxEvidence {
			e.ring = append(e.ring, r.Identity.ID)
		} else {
			delete(e.byID, e.ring[e.next])
			e.ring[e.next] = r.Identity.ID
			e.next = (e.next + 1) % maxEvidence
		}
	}
	e.byID[r.Identity.ID] = seen{r.Identity.Span, r.Outcome()}
	var names []string
	for _, v := range e.open {
		if v.host == r.Target.Host && (v.model == "" || v.model == r.Target.Model) && !slices.Contains(names, v.name) {
			names = append(names, v.name)
		}
	}
	slices.Sort(names)
	return names
}

// opens takes a finding and reports whether it just opened, or just became
// confirmed.
func (e *evidence) opens(f *call.Finding) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	old, known := e.open[f.ID]
	switch f.State {
	case "suspected", "confirmed":
	default:
		delete(e.open, f.ID)
		e.opened = slices.DeleteFunc(e.opened, func(id string) bool { return id == f.ID })
		return false
	}
	if !known {
		if len(e.opened) >= maxOpen {
			delete(e.open, e.opened[0])
			e.opened = e.opened[1:]
		}
		e.opened = append(e.opened, f.ID)
	}
	e.open[f.ID] = openVerdict{fit(f.Verdict, 64), f.State, f.Target.Host, f.Target.Model}
	return !known || old.state == "suspected" && f.State == "confirmed"
}

// find returns what is known of a record.
func (e *evidence) find(id string) (seen, bool) {
	e.mu.Lock()
	s, ok := e.byID[id]
	e.mu.Unlock()
	if ok {
		return s, true
	}
	r, ok := e.lookup(id)
	return seen{r.Identity.Span, r.Outcome()}, ok
}
