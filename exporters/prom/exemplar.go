package prom

import (
	"math/bits"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"llmtap/internal/call"
)

// exemplarPause is the least time between two exemplars of one size class: a
// scrape shows one per bucket, and making them costs more than counting.
const exemplarPause = 100 * time.Millisecond

// durations is one series of a histogram of durations with exemplars. The
// first call of each size always has one, so that a rare slow call is never
// without.
type durations struct {
	prometheus.Observer
	last [48]time.Time // by the power of two of the microseconds
}

func (s *durations) observe(d time.Duration, r *call.Record) {
	last := &s.last[min(bits.Len64(uint64(max(0, d.Microseconds()))), len(s.last)-1)]
	if since := r.Identity.Start.Sub(*last); since >= 0 && since < exemplarPause && r.Outcome() == call.OutcomeOK {
		s.Observe(d.Seconds())
		return
	}
	*last = r.Identity.Start
	observe(s.Observer, d.Seconds(), exemplar(r))
}

// exemplar points from a metric to the attempt's span; nil unless sampled.
func exemplar(r *call.Record) prometheus.Labels {
	c := r.Identity.Span
	if !c.Sampled || !hexID(c.Trace, 32) || !hexID(c.Span, 16) {
		return nil
	}
	return prometheus.Labels{"trace_id": c.Trace, "span_id": c.Span}
}

func hexID(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range n {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func observe(o prometheus.Observer, v float64, ex prometheus.Labels) {
	if e, ok := o.(prometheus.ExemplarObserver); ok && ex != nil {
		e.ObserveWithExemplar(v, ex)
		return
	}
	o.Observe(v)
}

func increment(c prometheus.Counter, ex prometheus.Labels) {
	if e, ok := c.(prometheus.ExemplarAdder); ok && ex != nil {
		e.AddWithExemplar(1, ex)
		return
	}
	c.Inc()
}
