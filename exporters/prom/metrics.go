package prom

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"llmtap/internal/call"
)

// attemptMetrics count wire attempts, streams among them.
type attemptMetrics struct {
	attempts     *prometheus.CounterVec
	streamsEnded *prometheus.CounterVec
	maxGap       *prometheus.HistogramVec
	largestBurst *prometheus.HistogramVec
	usageMissing *prometheus.CounterVec
	gaps         memo[[2]string, *durations] // series of maxGap by target
}

// callMetrics count logical calls.
type callMetrics struct {
	calls     *prometheus.CounterVec
	failures  *prometheus.CounterVec
	findings  *prometheus.CounterVec
	firstSeen *prometheus.GaugeVec
	folded    *prometheus.CounterVec
	touched   memo[touch, struct{}]
}

func newAttemptMetrics() attemptMetrics {
	return attemptMetrics{
		attempts: counter("llmtap_attempts_total", "Wire attempts: HTTP requests, retries included.",
			targetNames(labelStream, "attempt", "outcome")),
		streamsEnded: counter("llmtap_streams_ended_total", "Stream bodies by who ended them, how, and whether the answer was complete.",
			targetNames("end_side", "end_kind", "terminal")),
		maxGap: histogram("llmtap_stream_max_gap_seconds", "Longest silence between two bytes of a stream.",
			call.PaceBounds(), targetNames()),
		largestBurst: histogram("llmtap_stream_largest_burst_ratio", "Share of a stream's events that came in its largest burst.",
			[]float64{0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95}, targetNames()),
		usageMissing: counter("llmtap_usage_missing_total", "Answers without token usage, by reason.", targetNames(labelReason)),
	}
}

func newCallMetrics() callMetrics {
	m := callMetrics{
		calls: counter("llmtap_calls_total", "Logical calls: retries of one request are one call, its outcome that of the last attempt.",
			lineNames("outcome")),
		failures: counter("llmtap_call_failures_total", "Logical calls with outcome error, by primary failure class.",
			lineNames("failure_class", "fault")),
		findings: counter("llmtap_call_findings_total", "Warnings and notes on logical calls, primary or secondary.",
			targetNames(labelStream, "failure_class", "severity")),
		firstSeen: gauge("llmtap_client_first_seen_timestamp_seconds", "When this client version made its first call.",
			[]string{labelClient, labelVersion, labelKind}),
		folded: counter("llmtap_label_values_folded_total", "Observations whose label value did not fit and became other.", []string{"label"}),
	}
	for _, l := range []string{labelHost, labelModel, labelAnswered, "client"} {
		m.folded.WithLabelValues(l)
	}
	return m
}

func (m *attemptMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.attempts, m.streamsEnded, m.maxGap, m.largestBurst, m.usageMissing}
}

func (m *callMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.calls, m.failures, m.findings, m.firstSeen, m.folded}
}

func counter(name, help string, labels []string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauge(name, help string, labels []string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

// histogram is dual: classic buckets for what queries name, native ones beside.
func histogram(name, help string, buckets []float64, labels []string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}, labels)
}
