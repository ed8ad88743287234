package relay

import (
	"sync"
	"time"
)

// learnTime is how long a lesson holds.
const learnTime = time.Hour

// maxLessons bounds the table; beyond it the lesson that ends first goes.
const maxLessons = 4096

// memory is what handshakes taught: which client trusts us for which host or
// does not, which host wants client certificates.
type memory struct {
	// mu guards lessons.
	mu      sync.Mutex
	lessons map[pair]lesson
}

// pair is what a lesson is about; client is empty for every client.
type pair struct{ client, host string }

type lesson struct {
	reason string // why tunnels go blind; empty if they do not
	used   bool   // the client has sent something over a tunnel of ours
	left   bool   // and after that, or without it, left without a word
	until  time.Time
}

func newMemory() *memory { return &memory{lessons: map[pair]lesson{}} }

func (m *memory) distrust(client, host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(pair{client, host}, lesson{reason: ReasonDistrust})
}

func (m *memory) clientCertificate(host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(pair{"", host}, lesson{reason: ReasonClientCertificate})
}

// suspect notes a client that left without a word; the second time in a row
// is taken for distrust. known is true for one that has used our tunnels before
// and left for the first time: clients drop connections that they opened in
// reserve.
func (m *memory) suspect(client, host string) (known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := pair{client, host}
	old := m.live(k)
	next := lesson{used: old.used, left: true, reason: old.reason}
	if old.left || old.reason != "" {
		next.reason = ReasonDistrust
	}
	m.put(k, next)
	return old.used && next.reason == ""
}

// trust notes that the client used what it was given, which drops a suspicion.
// What it said by an alert stays: another process may have the same address.
func (m *memory) trust(client, host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := pair{client, host}
	if m.live(k).reason == "" {
		m.put(k, lesson{used: true})
	}
}

// live is the lesson about k, empty if there is none any more; m.mu is held.
func (m *memory) live(k pair) lesson {
	if l, ok := m.lessons[k]; ok && time.Now().Before(l.until) {
		return l
	}
	return lesson{}
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
func (m *memory) put(k pair, l lesson) {
	now := time.Now()
	if _, ok := m.lessons[k]; !ok && len(m.lessons) >= maxLessons {
		m.evict(now)
	}
	l.until = now.Add(learnTime)
	m.lessons[k] = l
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
