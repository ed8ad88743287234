package capture

import (
	"maps"
	"sync"
	"sync/atomic"

	"llmtap/capture/relay"
)

// Stats counts what the data path did. Safe for concurrent use.
type Stats struct {
	active atomic.Int64
	// overhead counts the phases of ownTime.
	overhead struct{ request, headers, body relay.Durations }

	// mu guards the labelled counters, which are off the per-chunk path.
	mu         sync.Mutex
	tunnels    map[[2]string]uint64
	stopped    map[string]uint64
	dropped    map[string]uint64
	big        map[string]uint64
	handshakes map[[2]string]uint64
}

func newStats() *Stats {
	return &Stats{
		tunnels: map[[2]string]uint64{}, stopped: map[string]uint64{}, dropped: map[string]uint64{}, big: map[string]uint64{},
		handshakes: map[[2]string]uint64{},
	}
}

func (s *Stats) begin() { s.active.Add(1) }

// Snapshot is a copy of the counters, keyed by their label values.
type Snapshot struct {
	// Active counts attempts in flight.
	Active int64
	// Tunnels counts accepted connections by view (relay, blind) and reason.
	Tunnels map[[2]string]uint64
	// Stopped counts tunnels that became opaque, by reason.
	Stopped map[string]uint64
	// Dropped counts lost observation, by reason.
	Dropped map[string]uint64
	// Oversize counts lines, frames and elements above the item cap, by framing.
	Oversize map[string]uint64
	// Handshakes counts TLS handshake failures by leg and reason.
	Handshakes map[[2]string]uint64
	// Overhead counts the agent's own time per exchange, by phase: request,
	// headers, body. An exchange without a phase is not counted in it.
	Overhead map[string]relay.Histogram
}

// Snapshot returns a copy of the counters.
func (s *Stats) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Snapshot{
		Active: s.active.Load(), Tunnels: maps.Clone(s.tunnels), Stopped: maps.Clone(s.stopped), Dropped: maps.Clone(s.dropped), Oversize: maps.Clone(s.big),
		Handshakes: maps.Clone(s.handshakes),
		Overhead: map[string]relay.Histogram{
			"request": s.overhead.request.Snapshot(), "headers": s.overhead.headers.Snapshot(), "body": s.overhead.body.Snapshot(),
		},
	}
}

// spent counts the phases that an exchange had.
func (s *Stats) spent(o *ownTime) {
	s.overhead.request.Observe(o.request)
	if o.headers > 0 {
		s.overhead.headers.Observe(o.headers)
	}
	if o.body > 0 {
		s.overhead.body.Observe(o.body)
	}
}

func (s *Stats) end() { s.active.Add(-1) }

func (s *Stats) tunnel(view, reason string) { add(s, s.tunnels, [2]string{view, reason}) }

func (s *Stats) stop(reason string) { add(s, s.stopped, reason) }

func (s *Stats) drop(reason string) { add(s, s.dropped, reason) }

func (s *Stats) handshake(leg, reason string) { add(s, s.handshakes, [2]string{leg, reason}) }

func (s *Stats) oversize(framing string, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.big[framing] += n
}

func add[K comparable](s *Stats, m map[K]uint64, k K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m[k]++
}
