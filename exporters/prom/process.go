package prom

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Process is a snapshot of what the agent counts about itself. The data path
// only touches its own atomics; this is read once per scrape. Counters never
// go back. Maps are keyed by label values; keys that the contract does not
// know are shown as other.
type Process struct {
	Tunnels     Tunnels
	Observation Observation
	Latency     Latency
	// Handshakes counts failed TLS handshakes by leg (client, upstream) and reason.
	Handshakes map[[2]string]uint64
	Active     Active
	CA         CA
	Spans      Spans
	Reload     Reload
	// StoreDegraded says that records are kept in memory only.
	StoreDegraded bool
	// InsecureHosts counts upstreams whose certificate is not verified.
	InsecureHosts int
}

// Tunnels are the accepted connections by view, relay or blind.
type Tunnels struct {
	// Accepted is keyed by view and reason; the reason of relay is empty.
	Accepted map[[2]string]uint64
	Open     map[string]int64
	// Bytes is keyed by view and direction (up, down).
	Bytes map[[2]string]uint64
}

// Observation is what the agent could not see or keep.
type Observation struct {
	// Stopped counts tunnels that became opaque, by reason.
	Stopped map[string]uint64
	// Dropped counts lost captures, by reason.
	Dropped map[string]uint64
	// Oversize counts skipped lines, frames and elements, by framing.
	Oversize map[string]uint64
}

// Latency is the agent's own added time.
type Latency struct {
	Lag Histogram // downstream write end - upstream read, per read
	// Overhead is keyed by phase: handshake, request, headers, body.
	Overhead map[string]Histogram
}

// Histogram are counts per bin of LatencyBounds (one more for what is above
// the last bound), not cumulative, and the sum in seconds.
type Histogram struct {
	Counts []uint64
	Sum    float64
}

// Active are the attempts in flight.
type Active struct{ Stream, Plain int64 }

// CA is the state of the install's authority. Loaded is false with
// --tunnel-only, and NotAfter zero then.
type CA struct {
	Loaded   bool
	NotAfter time.Time
}

// Spans are the counters of the span exporter's loss accounting.
type Spans struct {
	Created, Exported, Pending uint64
	// Failures counts spans that were lost, by reason.
	Failures map[string]uint64
}

// Reload is the last reading of the configuration file.
type Reload struct {
	OK bool
	At time.Time // of the last good one
}

// LatencyBounds are the upper bounds, in seconds, of the lag and overhead
// histograms.
func LatencyBounds() []float64 {
	return []float64{0.0001, 0.00025, 0.0005, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.5}
}

// family is one metric that a Process fills.
type family struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	emit func(p *Process, set func(v float64, labels ...string))
}

// processCollector exposes a Process as constant metrics.
type processCollector struct {
	read      func() Process
	families  []family
	lag, over *prometheus.Desc
}

func newProcessCollector(read func() Process) *processCollector {
	if read == nil {
		read = func() Process { return Process{} }
	}
	return &processCollector{
		read: read, families: families(),
		lag:  prometheus.NewDesc("llmtap_chunk_lag_seconds", "Time from reading a chunk to having written it on.", nil, nil),
		over: prometheus.NewDesc("llmtap_overhead_seconds", "Time the agent itself added, by phase.", []string{"phase"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *processCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range c.families {
		ch <- f.desc
	}
	ch <- c.lag
	ch <- c.over
}

// Collect implements prometheus.Collector.
func (c *processCollector) Collect(ch chan<- prometheus.Metric) {
	p := c.read()
	for _, f := range c.families {
		f.emit(&p, func(v float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(f.desc, f.kind, v, labels...)
		})
	}
	ch <- latency(c.lag, p.Latency.Lag)
	for _, phase := range phases {
		ch <- latency(c.over, p.Latency.Overhead[phase], phase)
	}
}

func latency(d *prometheus.Desc, h Histogram, labels ...string) prometheus.Metric {
	count, buckets := cumulate(LatencyBounds(), h.Counts)
	return prometheus.MustNewConstHistogram(d, count, h.Sum, buckets, labels...)
}
