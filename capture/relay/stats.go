package relay

import (
	"sync/atomic"
	"time"
)

// Stats is a snapshot of a Relay's counters.
type Stats struct {
	// OpenRelayed and OpenBlind are tunnels being copied now.
	OpenRelayed, OpenBlind int64
	// Relayed is plaintext, Blind raw bytes, both as forwarded.
	Relayed, Blind Bytes
	// Lag is the time between each Read and the end of its Write, Handshake the
	// time that the client's handshake took beyond the upstream one.
	Lag, Handshake Histogram
}

// Bytes counts both directions.
type Bytes struct{ Up, Down int64 }

// Histogram counts durations. Counts[i] holds those up to Bounds()[i] and
// above the bound before; the last one everything longer. Not cumulative.
type Histogram struct {
	Counts [13]uint64
	Sum    time.Duration
}

// Count returns how many durations were counted.
func (h Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

var bounds = [12]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, 2500 * time.Microsecond,
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, 2500 * time.Millisecond,
}

// Bounds returns the upper bounds of every Histogram in seconds.
func Bounds() []float64 {
	out := make([]float64, len(bounds))
	for i, b := range bounds {
		out[i] = b.Seconds()
	}
	return out
}

// Durations counts durations for a Histogram. The zero value is empty; it is
// safe for concurrent use and allocates nothing.
type Durations struct {
	counts [13]atomic.Uint64
	sum    atomic.Int64
}

// Observe counts one; less than nothing counts as nothing.
func (h *Durations) Observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(max(d, 0)))
}

// Snapshot returns what was counted.
func (h *Durations) Snapshot() (out Histogram) {
	for i := range h.counts {
		out.Counts[i] = h.counts[i].Load()
	}
	out.Sum = time.Duration(h.sum.Load())
	return out
}

// flow counts the tunnels and bytes of one view.
type flow struct {
	open  atomic.Int64
	bytes [2]atomic.Int64 // by Direction
}

func (f *flow) snapshot() Bytes {
	return Bytes{Up: f.bytes[Up].Load(), Down: f.bytes[Down].Load()}
}

// counters are shared by all tunnels of a Relay.
type counters struct {
	relayed, blind flow
	lag, handshake Durations
}

func (c *counters) flow(v View) *flow {
	if v == Relayed {
		return &c.relayed
	}
	return &c.blind
}

// open counts a tunnel until the returned function is called.
func (c *counters) open(v View) (closed func()) {
	f := c.flow(v)
	f.open.Add(1)
	return func() { f.open.Add(-1) }
}

func (c *counters) forwarded(v View, d Direction, n int, lag time.Duration) {
	c.flow(v).bytes[d].Add(int64(n))
	if v == Relayed {
		c.lag.Observe(lag)
	}
}

func (c *counters) snapshot() Stats {
	return Stats{
		OpenRelayed: c.relayed.open.Load(), OpenBlind: c.blind.open.Load(),
		Relayed: c.relayed.snapshot(), Blind: c.blind.snapshot(),
		Lag: c.lag.Snapshot(), Handshake: c.handshake.Snapshot(),
	}
}
