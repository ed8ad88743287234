package main

import (
	"sync"

	"llmtap/internal/call"
)

// maxMemory bounds what exec and demo keep for their summary.
const maxMemory = 1000

// memory keeps the last records in order of their end. Safe for concurrent use.
type memory struct {
	mu      sync.Mutex
	records []call.Record
	changed chan struct{} // closed and replaced at each add; nil until wait
}

func (m *memory) add(r call.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
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

// wait returns a channel that is closed at the next add, and the count so far.
func (m *memory) wait() (<-chan struct{}, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return m.changed, len(m.records)
}
