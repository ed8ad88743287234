package prom

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"llmtap/internal/call"
)

// paceVec is a histogram that takes a whole stream at once: a record carries
// the times between its chunks binned and summed, and 100,000 single
// observations per call would cost more than the call. It has classic buckets
// only: finer native ones would claim a precision that the bins do not have.
type paceVec struct {
	desc   *prometheus.Desc
	bounds []float64

	mu     sync.Mutex
	series map[string]*paceSeries
}

type paceSeries struct {
	labels []string
	bins   [18]uint64
	sum    float64
}

func newPaceVec(name, help string, labels []string) *paceVec {
	return &paceVec{desc: prometheus.NewDesc(name, help, labels, nil), bounds: call.PaceBounds(), series: map[string]*paceSeries{}}
}

// add books the gaps of one stream. The label values are bounded by the caller.
func (p *paceVec) add(labels []string, s *call.Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := strings.Join(labels, "\xff")
	e := p.series[key]
	if e == nil {
		e = &paceSeries{labels: labels}
		p.series[key] = e
	}
	for i, b := range s.Pace {
		e.bins[i] += uint64(max(0, b.Count))
		e.sum += b.Sum.Seconds()
	}
}

// Describe implements prometheus.Collector.
func (p *paceVec) Describe(ch chan<- *prometheus.Desc) { ch <- p.desc }

// Collect implements prometheus.Collector.
func (p *paceVec) Collect(ch chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.series {
		count, buckets := cumulate(p.bounds, e.bins[:])
		ch <- prometheus.MustNewConstHistogram(p.desc, count, e.sum, buckets, e.labels...)
	}
}

// cumulate turns counts per bin (the last one above all bounds) into the
// cumulative form that the exposition wants.
func cumulate(bounds []float64, bins []uint64) (count uint64, buckets map[float64]uint64) {
	buckets = make(map[float64]uint64, len(bounds))
	for i, b := range bounds {
		if i < len(bins) {
			count += bins[i]
		}
		buckets[b] = count
	}
	for i := len(bounds); i < len(bins); i++ {
		count += bins[i]
	}
	return count, buckets
}
