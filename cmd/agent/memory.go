package main

import (
	"sync"

	"llmtap/internal/call"
)

// maxMemory bounds what exec and demo keep for their summary.
const maxMemory = 1000

// counts are exact, however many records were forgotten.
type counts struct{ calls, failures int }

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
	m.counts.calls++
	if r.Outcome() == call.OutcomeError {
		m.counts.failures++
	}
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
	return m.changed, m.counts.calls
}
