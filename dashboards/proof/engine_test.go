package proof_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// scrapes is how often the story is scraped; Grafana's rate interval is four
// times that.
const (
	scrapes  = time.Minute
	rateText = "4m"
)

// server is Prometheus without its network: storage and engine.
type server struct {
	t      testing.TB
	db     *tsdb.DB
	data   storage.Queryable // what the engine sees
	engine *promql.Engine
	parser parser.Parser
}

func newServer(t testing.TB) *server {
	t.Helper()
	o := tsdb.DefaultOptions()
	o.MinBlockDuration, o.MaxBlockDuration = int64(48*time.Hour/time.Millisecond), int64(48*time.Hour/time.Millisecond)
	o.RetentionDuration = 0 // the story is older than the machine's clock says
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.NewTextHandler(io.Discard, nil)), nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	db.DisableCompactions()
	p := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: p,
	})
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &server{t: t, db: db, data: db, engine: engine, parser: p}
}

// batch takes samples of one instant.
type batch struct {
	take func(labels.Labels, float64) error
	err  error
}

func (b *batch) add(name string, v float64, ls ...string) {
	if b.err == nil {
		b.err = b.take(labels.FromStrings(append([]string{"__name__", name}, nonEmpty(ls)...)...), v)
	}
}

// nonEmpty leaves out labels without a value, as a scrape does.
func nonEmpty(ls []string) []string {
	var out []string
	for i := 0; i+1 < len(ls); i += 2 {
		if ls[i+1] != "" {
			out = append(out, ls[i], ls[i+1])
		}
	}
	return out
}

// append stores what write adds, all at one instant.
func (s *server) append(at time.Time, write func(*batch)) {
	s.t.Helper()
	app := s.db.Appender(s.t.Context())
	b := &batch{take: func(l labels.Labels, v float64) error {
		_, err := app.Append(0, l, at.UnixMilli(), v)
		return err
	}}
	write(b)
	if b.err == nil {
		b.err = app.Commit()
	}
	if b.err != nil {
		s.t.Fatal(b.err)
	}
}

// scrape stores what the registry shows, but what drop leaves out.
func (s *server) scrape(at time.Time, instance string, g prometheus.Gatherer, drop func(metric string) bool) {
	s.t.Helper()
	families, err := g.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	s.append(at, func(b *batch) { b.target(instance, families, drop) })
}

// target adds what a target shows.
func (b *batch) target(instance string, families []*dto.MetricFamily, drop func(metric string) bool) {
	ls := []string{"job", "llmtap", "instance", instance}
	b.add("up", 1, ls...)
	for _, f := range families {
		if drop == nil || !drop(f.GetName()) {
			for _, m := range f.GetMetric() {
				b.metric(f, m, ls)
			}
		}
	}
}

func (b *batch) metric(f *dto.MetricFamily, m *dto.Metric, target []string) {
	ls := append([]string{}, target...)
	for _, l := range m.GetLabel() {
		ls = append(ls, l.GetName(), l.GetValue())
	}
	name := f.GetName()
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		b.add(name, m.GetCounter().GetValue(), ls...)
	case dto.MetricType_GAUGE:
		b.add(name, m.GetGauge().GetValue(), ls...)
	case dto.MetricType_HISTOGRAM:
		h := m.GetHistogram()
		for _, k := range h.GetBucket() {
			if !math.IsInf(k.GetUpperBound(), 1) {
				b.add(name+"_bucket", float64(k.GetCumulativeCount()), append(slices.Clip(ls), "le", strconv.FormatFloat(k.GetUpperBound(), 'g', -1, 64))...)
			}
		}
		b.add(name+"_bucket", float64(h.GetSampleCount()), append(slices.Clip(ls), "le", "+Inf")...)
		b.add(name+"_count", float64(h.GetSampleCount()), ls...)
		b.add(name+"_sum", h.GetSampleSum(), ls...)
	}
}

// at asks for one instant; the result is sorted by labels.
func (s *server) at(expr string, at time.Time) (promql.Vector, error) {
	q, err := s.engine.NewInstantQuery(context.Background(), s.data, nil, expr, at)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	res := q.Exec(context.Background())
	if res.Err != nil {
		return nil, res.Err
	}
	if v, ok := res.Value.(promql.Scalar); ok {
		return promql.Vector{{F: v.V}}, nil
	}
	v, err := res.Vector()
	if err != nil {
		return nil, err
	}
	return append(promql.Vector{}, v...), nil
}

// over asks for every scrape of a range.
func (s *server) over(expr string, from, to time.Time) (promql.Matrix, error) {
	return s.overSteps(expr, from, to, scrapes)
}

func (s *server) overSteps(expr string, from, to time.Time, step time.Duration) (promql.Matrix, error) {
	q, err := s.engine.NewRangeQuery(context.Background(), s.data, nil, expr, from, to, step)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	res := q.Exec(context.Background())
	if res.Err != nil {
		return nil, res.Err
	}
	m, err := res.Matrix()
	if err != nil {
		return nil, err
	}
	out := make(promql.Matrix, len(m))
	for i, series := range m { // the engine takes its own points back
		out[i] = promql.Series{Metric: series.Metric, Floats: append([]promql.FPoint{}, series.Floats...)}
	}
	return out, nil
}

// text writes one sample for a failure message.
func text(s promql.Sample) string { return fmt.Sprintf("%s %g", s.Metric, s.F) }
