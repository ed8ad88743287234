package main

import (
	"slices"
	"sync"

	"llmtap/internal/call"
)

// These bound what exec and demo keep for their summary.
const (
	maxMemory   = 1000
	maxFindings = 100
)

// counts are exact, however many records were forgotten. A call that was tried
// three times is one call, and failed if its last attempt did.
type counts struct{ calls, failures, attempts int }

// add books one attempt. Only a failed one is tried again, so a later attempt
// that is no error takes a failure back.
func (c *counts) add(r *call.Record) {
	if r.Agent.Mode == call.CaptureLog && r.Outcome() == call.OutcomeUnknown {
		return // a message without a call is no call
	}
	c.attempts++
	failed := r.Outcome() == call.OutcomeError
	switch {
	case r.Identity.Attempt <= 1:
		c.calls++
		if failed {
			c.failures++
		}
	case !failed && c.failures > 0:
		c.failures--
	}
}

// memory keeps the last records in order of their end. Safe for concurrent use.
type memory struct {
	mu      sync.Mutex
	records []call.Record // when full, a ring whose oldest is at next
	next    int
	counts  counts
	// findings are the verdicts in their newest state, in order of opening.
	findings []call.Finding
	changed  chan struct{} // closed and replaced at each add; nil until wait
}

func (m *memory) add(r call.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.add(&r)
	if len(m.records) < maxMemory {
		m.records = append(m.records, r)
	} else {
		m.records[m.next] = r
		m.next = (m.next + 1) % maxMemory
	}
	m.tell()
}

// tell wakes who waits. The caller holds the lock.
func (m *memory) tell() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// find keeps the newest state of a verdict.
func (m *memory) find(f call.Finding) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.tell()
	for i := range m.findings {
		if m.findings[i].ID == f.ID {
			m.findings[i] = f
			return
		}
	}
	if len(m.findings) < maxFindings {
		m.findings = append(m.findings, f)
	}
}

// verdicts are the ones that are open now, or were while it ran if all is set.
func (m *memory) verdicts(all bool) []call.Finding {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []call.Finding{}
	for _, f := range m.findings {
		if all || f.State != stateClosed {
			out = append(out, f)
		}
	}
	return out
}

func (m *memory) list() []call.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Concat(m.records[m.next:], m.records[:m.next])
}

func (m *memory) total() counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}

// wait returns a channel that is closed at the next add, and the count so far.
func (m *memory) wait() (<-chan struct{}, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return m.changed, m.counts.attempts
}
