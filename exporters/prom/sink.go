package prom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"llmtap/internal/call"
)

// Config configures a Sink. The zero value works.
type Config struct {
	// Registry gets all metrics; nil makes an own one.
	Registry *prometheus.Registry
	// Now is the clock of holds and evictions; nil is time.Now.
	Now func() time.Time
	// Compat is LLMTAP_SEMCONV_COMPAT; empty is CompatCurrent.
	Compat string
	// Version and Revision go to llmtap_build_info.
	Version, Revision string
	// Process is read once per scrape; nil shows zeros.
	Process func() Process
	// Retries says whether a client without retry headers is known to retry,
	// so that its failure may not be the last word; nil means none does.
	Retries func(call.Client) bool
}

// Sink counts records and findings. It is safe for concurrent use, never
// blocks on anything but its mutex, and runs no goroutine: what waits for a
// retry is looked at when somebody scrapes.
type Sink struct {
	registry *prometheus.Registry
	now      func() time.Time
	parts    []prometheus.Collector

	gen     *genAI
	attempt attemptMetrics
	calls   callMetrics

	// mu guards all below.
	mu       sync.Mutex
	folder   *folder
	logical  *logicalCalls
	verdicts *verdictGauges
	support  *streamSupport
	seen     map[pair]time.Time // first seen, kept beyond the client's series
}

// touch names the series that one kind of call counts in.
type touch struct {
	labels labels
	retry  bool
}

// maxSeen bounds the memory of when clients were first seen.
const maxSeen = 1024

// New returns a Sink whose metrics are registered. The error says which
// setting or registration is wrong.
func New(c Config) (*Sink, error) {
	if c.Compat == "" {
		c.Compat = CompatCurrent
	}
	gen, err := newGenAI(c.Compat)
	if err != nil {
		return nil, err
	}
	s := &Sink{
		registry: c.Registry, now: c.Now, gen: gen, attempt: newAttemptMetrics(), calls: newCallMetrics(),
		verdicts: newVerdictGauges(), support: newStreamSupport(), seen: map[pair]time.Time{},
	}
	if s.registry == nil {
		s.registry = prometheus.NewRegistry()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if c.Retries == nil {
		c.Retries = func(call.Client) bool { return false }
	}
	s.folder = newFolder(func(label string) { s.calls.folded.WithLabelValues(label).Inc() }, s.evict)
	s.logical = newLogicalCalls(c.Retries, s.count)
	s.parts = slices.Concat(gen.collectors(), s.attempt.collectors(), s.calls.collectors(),
		[]prometheus.Collector{s.verdicts.vec, s.support.gauge, s.support.changes, buildInfo(c)})
	for _, part := range []prometheus.Collector{
		s, newProcessCollector(c.Process), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := s.registry.Register(part); err != nil {
			return nil, fmt.Errorf("prom: register metrics: %w", err)
		}
	}
	return s, nil
}

func buildInfo(c Config) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "llmtap_build_info", Help: "What is running; always 1.",
		ConstLabels: prometheus.Labels{"version": c.Version, "revision": c.Revision, "goversion": runtime.Version()},
	})
	g.Set(1)
	return g
}

// Handler serves the metrics: text, or OpenMetrics with exemplars.
func (s *Sink) Handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, EnableOpenMetricsTextCreatedSamples: false, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	})
}

// Describe implements prometheus.Collector.
func (s *Sink) Describe(ch chan<- *prometheus.Desc) {
	for _, p := range s.parts {
		p.Describe(ch)
	}
}

// Collect implements prometheus.Collector; it first counts the logical calls
// whose retry window has passed.
func (s *Sink) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	now := s.now()
	s.logical.sweep(now)
	s.verdicts.sweep(now)
	s.mu.Unlock()
	for _, p := range s.parts {
		p.Collect(ch)
	}
}

// Seed learns from a call of the time before this process began, oldest first:
// when its client was first seen, and whether its target streams. It counts
// nothing.
func (s *Sink) Seed(r call.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.folder.quiet().of(&r, s.now())
	s.firstSeen(l.client, l.kind, r.Identity.Start)
	s.support.seeding = true
	s.support.record(&r, &l)
	s.support.seeding = false
}

// Started implements exporters.Starter: it creates the series that the call
// will count in, at 0, so that a scrape during the call shows its increase.
func (s *Sink) Started(_ context.Context, r call.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.logical.start(&r, now)
	l := s.folder.quiet().of(&r, now)
	touchAll(s, &r, &l)
	s.firstSeen(l.client, l.kind, r.Identity.Start)
	return nil
}

// Record implements exporters.Sink.
func (s *Sink) Record(_ context.Context, r call.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Outcome() == call.OutcomeUnknown {
		return nil // unseen: counted where the observation stopped, and in no ratio
	}
	now := s.now()
	l := s.folder.of(&r, now)
	s.firstSeen(l.client, l.kind, r.Identity.Start)
	touchAll(s, &r, &l)
	if r.Request.IsHTTP() {
		s.gen.record(&r, &l)
		s.attempt.record(&r, &l)
	}
	if s.logical.seal(&r, now) {
		s.count(&r)
	}
	return nil
}

// Known takes a verdict that opened before this process began: it is shown,
// and is no change.
func (s *Sink) Known(f call.Finding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.support.seeding = true
	defer func() { s.support.seeding = false }()
	return find(s, &f)
}

// Finding implements exporters.Sink.
func (s *Sink) Finding(_ context.Context, f call.Finding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return find(s, &f)
}

// find shows the newest state of a verdict. The caller holds the mutex.
func find(s *Sink, f *call.Finding) error {
	now := s.now()
	key, err := s.folder.verdict(f, now)
	if err != nil {
		return err
	}
	s.verdicts.set(f.ID, key, now)
	s.support.finding(f, key.host, key.model)
	return nil
}

// Close counts everything that waits for a retry.
func (s *Sink) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logical.flush()
	if err := ctx.Err(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("prom: close: %w", err)
	}
	return nil
}

// touchAll creates at 0 what a call may count in, once for all calls alike.
func touchAll(s *Sink, r *call.Record, l *labels) {
	if !r.Request.IsHTTP() {
		return
	}
	key, number := touch{*l, attempt(r) > 1}, "first"
	if key.retry {
		number = "retry"
	}
	s.calls.touched.get(key, func() struct{} {
		for _, o := range []call.Outcome{call.OutcomeOK, call.OutcomeError, call.OutcomeCancelled} {
			s.calls.calls.WithLabelValues(l.line(o.String())...)
			s.attempt.attempts.WithLabelValues(append(l.target(), l.stream, number, o.String())...)
		}
		return struct{}{}
	})
}

// record books what every attempt shows.
func (m *attemptMetrics) record(r *call.Record, l *labels) {
	number := "first"
	if attempt(r) > 1 {
		number = "retry"
	}
	m.attempts.WithLabelValues(append(l.target(), l.stream, number, r.Outcome().String())...).Inc()
	if why := usageMissing(r, l); why != "" {
		m.usageMissing.WithLabelValues(append(l.target(), why)...).Inc()
	}
	if !r.StreamBody() {
		return
	}
	m.streamsEnded.WithLabelValues(append(l.target(), r.End.Side.String(), r.End.Kind.String(), strconv.FormatBool(r.End.Terminal))...).Inc()
	st := r.Stream
	if st.Events > 0 {
		m.gaps.get([2]string{l.host, l.model}, func() *durations {
			return &durations{Observer: m.maxGap.WithLabelValues(l.target()...)}
		}).observe(st.MaxGap, r)
	}
	if st.Events >= 10 && r.Duration() >= 2*time.Second {
		m.largestBurst.WithLabelValues(l.target()...).Observe(float64(st.LargestBurst) / float64(st.Events))
	}
}

// usageMissing says why a good, decoded inference answer has no token usage.
func usageMissing(r *call.Record, l *labels) string {
	decoded := r.Target.Format != "" && r.Target.Format != unknown && r.Agent.View != call.ViewOpaque
	good := r.Response.Status >= 200 && r.Response.Status < 300
	switch {
	case !decoded, !good, !slices.Contains(inference, l.operation), r.Usage.Input.Known, r.Usage.Output.Known:
		return ""
	case !r.End.Terminal:
		return "cut"
	case r.StreamBody() && r.Request.Hints.IncludeUsage != call.True && slices.Contains(askedUsage, r.Target.Format):
		return "not_requested"
	}
	return "not_sent"
}

// askedUsage are the formats whose streams carry usage only when asked for.
var askedUsage = []string{"openai.chat", "openai.completions"}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
