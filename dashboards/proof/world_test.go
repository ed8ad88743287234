package proof_test

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is the story, told once, in a Prometheus; recording rules and alerts
// are evaluated as it would.
type told struct {
	*server
	world    *world
	from, to time.Time
}

// tellTo tells the story to a new Prometheus. drop leaves metrics out.
func tellTo(t testing.TB, drop func(metric string) bool) *told {
	t.Helper()
	s := newServer(t)
	w := newWorld(t, 2, func(w *world) {
		for _, a := range w.agents {
			s.scrape(w.clock.now, a.String(), a.registry, drop)
		}
		// The hub's own metrics, which one alert looks at.
		s.append(w.clock.now, func(b *batch) { b.add("jupyterhub_running_servers", 3, "job", "jupyterhub") })
	})
	tell(w)
	out := &told{server: s, world: w, from: epoch().Add(time.Minute), to: w.clock.now}
	out.record(t)
	return out
}

// rules are all rules of the repository.
func rules(t testing.TB, s *server) []rulefmt.Rule {
	t.Helper()
	names, err := filepath.Glob("../rules/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	var out []rulefmt.Rule
	for _, name := range names {
		groups, errs := rulefmt.ParseFile(name, false, model.UTF8Validation, s.parser, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if len(errs) > 0 {
			t.Fatal(errors.Join(errs...))
		}
		for _, g := range groups.Groups {
			out = append(out, g.Rules...)
		}
	}
	return out
}

// record stores the results of the recording rules, then ALERTS of the alerts.
func (d *told) record(t testing.TB) {
	t.Helper()
	list := rules(t, d.server)
	slices.SortStableFunc(list, func(a, b rulefmt.Rule) int { // recordings first
		return len(b.Record) - len(a.Record)
	})
	for _, r := range list {
		m, err := d.over(r.Expr, d.from, d.to)
		if err != nil {
			t.Fatalf("%s%s: %v", r.Record, r.Alert, err)
		}
		for _, series := range m {
			name, ls := r.Record, series.Metric.Map()
			if r.Alert != "" {
				name = "ALERTS"
				maps.Copy(ls, r.Labels)
				ls["alertname"], ls["alertstate"] = r.Alert, "firing"
			}
			delete(ls, "__name__")
			var flat []string
			for k, v := range ls {
				flat = append(flat, k, v)
			}
			for _, p := range series.Floats {
				v := p.F
				if r.Alert != "" {
					v = 1
				}
				d.append(time.UnixMilli(p.T), func(b *batch) { b.add(name, v, flat...) })
			}
		}
	}
}
