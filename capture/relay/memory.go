package relay

import (
	"sync"
	"time"
)

// learnTime is how long a lesson holds.
const learnTime = time.Hour

// burst is how far apart connections may be left that a client drops together:
// Node opens two after a stream broke off, and drops both. A distrusting client
// that tries again is not that quick for long.
const burst = time.Second

// maxLessons bounds the table; beyond it the lesson that ends first goes.
const maxLessons = 4096

// memory is what handshakes taught: which client trusts us for which service
// or does not, which service wants client certificates.
//
// Distrust ends with its hour and by nothing else. A program that has been given
// our certificate since says the same ClientHello as before, so that it stays
// blind until then; and a tunnel that works proves nothing, as it may be another
// run of the program, which was given the certificate all along.
type memory struct {
	// mu guards lessons.
	mu      sync.Mutex
	lessons map[subject]lesson
}

// subject is what a lesson is about.
type subject struct {
	client fingerprint // zero for every client
	host   string
	port   int
}

type lesson struct {
	reason string    // why tunnels go blind; empty if they do not
	used   bool      // the client has sent something over a tunnel of ours
	left   time.Time // when, after that or without it, it left without a word
	until  time.Time
}

func newMemory() *memory { return &memory{lessons: map[subject]lesson{}} }

func (m *memory) distrust(k subject) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(k, lesson{reason: ReasonDistrust})
}

func (m *memory) clientCertificate(host string, port int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(subject{host: host, port: port}, lesson{reason: ReasonClientCertificate})
}

// suspect notes a client that left without a word; the second time in a row
// is taken for distrust, and the first time if it is sure that it had our leaf
// before it and it has never used a tunnel of ours. known is true for one that
// has, and left for the first time: clients drop connections that they opened
// in reserve, several in one burst.
func (m *memory) suspect(k subject, sure bool) (known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, now := m.live(k), time.Now()
	next := lesson{used: old.used, left: now, reason: old.reason}
	again := !old.left.IsZero()
	if again && old.used && now.Sub(old.left) < burst {
		again, next.left = false, old.left
	}
	if again || sure && !old.used {
		next.reason = ReasonDistrust
	}
	m.put(k, next)
	return old.used && next.reason == ""
}

// trust notes that the client used what it was given, which drops a suspicion,
// never distrust.
func (m *memory) trust(k subject) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.live(k).reason == "" {
		m.put(k, lesson{used: true})
	}
}

// live is the lesson about k, empty if there is none any more; m.mu is held.
func (m *memory) live(k subject) lesson {
	l, ok := m.lessons[k]
	if ok && !time.Now().Before(l.until) {
		delete(m.lessons, k)
		return lesson{}
	}
	return l
}

// lookup tells why a tunnel of k is not to be looked into, empty if it is.
func (m *memory) lookup(k subject) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.live(k).reason
}

// put stores a lesson; m.mu is held.
func (m *memory) put(k subject, l lesson) {
	now := time.Now()
	if _, ok := m.lessons[k]; !ok && len(m.lessons) >= maxLessons {
		m.evict(now)
	}
	l.until = now.Add(learnTime)
	m.lessons[k] = l
}

// evict makes room: everything that is over, at least the next to be.
func (m *memory) evict(now time.Time) {
	var next subject
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
