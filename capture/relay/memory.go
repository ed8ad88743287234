package relay

import (
	"sync"
	"time"
)

// learnTime is how long a lesson holds.
const learnTime = time.Hour

// maxLessons bounds the table; beyond it the lesson that ends first goes.
const maxLessons = 4096

// memory is what failed handshakes taught: which client does not trust us for
// which host, which host wants client certificates.
type memory struct {
	// mu guards lessons.
	mu      sync.Mutex
	lessons map[pair]lesson
}

// pair is what a lesson is about; client is empty for every client.
type pair struct{ client, host string }

type lesson struct {
	reason string // empty for a mere suspicion
	until  time.Time
}

func newMemory() *memory { return &memory{lessons: map[pair]lesson{}} }

func (m *memory) distrust(client, host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(pair{client, host}, ReasonDistrust)
}

func (m *memory) clientCertificate(host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(pair{"", host}, ReasonClientCertificate)
}

// suspect notes a client that left without a word; the second time in a row
// is taken for distrust.
func (m *memory) suspect(client, host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, reason := pair{client, host}, ""
	if old, ok := m.lessons[k]; ok && time.Now().Before(old.until) {
		reason = ReasonDistrust
	}
	m.put(k, reason)
}

// trust drops a suspicion: the client used what it was given. What it said by
// an alert stays: another process may have the same address.
func (m *memory) trust(client, host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := pair{client, host}
	if l, ok := m.lessons[k]; ok && l.reason == "" {
		delete(m.lessons, k)
	}
}

func (m *memory) lookup(client, host string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, k := range [...]pair{{client, host}, {"", host}} {
		l, ok := m.lessons[k]
		if ok && !now.Before(l.until) {
			delete(m.lessons, k)
			continue
		}
		if l.reason != "" {
			return l.reason, true
		}
	}
	return "", false
}

// put stores a lesson; m.mu is held.
func (m *memory) put(k pair, reason string) {
	now := time.Now()
	if _, ok := m.lessons[k]; !ok && len(m.lessons) >= maxLessons {
		m.evict(now)
	}
	m.lessons[k] = lesson{reason, now.Add(learnTime)}
}

// evict makes room: everything that is over, at least the next to be.
func (m *memory) evict(now time.Time) {
	var next pair
	var until time.Time
	for k, l := range m.lessons {
		if !now.Before(l.until) {
			delete(m.lessons, k)
		} else if until.IsZero() || l.until.Before(until) {
			next, until = k, l.until
		}
	}
	if len(m.lessons) >= maxLessons {
		delete(m.lessons, next)
	}
}
