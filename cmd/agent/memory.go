package main

import (
	"sync"

	"llmtap/internal/call"
)

// maxMemory bounds what exec and demo keep for their summary.
const maxMemory = 1000

// counts are exact, however many records were forgotten. A call that was tried
// three times is one call, and failed if its last attempt did.
type counts struct{ calls, failures, attempts int }

// add books one attempt. Only a failed one is tried again, so a later attempt
// that is no error takes a failure back.
func (c *counts) add(r *call.Record) {
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
	records []call.Record
	counts  counts
	changed chan struct{} // closed and replaced at each add; nil until wait
}

func (m *memory) add(r call.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts.add(&r)
	if len(m.records) == maxMemory {
		m.records = append(m.records[:0], m.records[1:]...)
	}
	m.records = append(m.records, r)
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

func (m *memory) list() []call.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]call.Record(nil), m.records...)
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
