package proof_test

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"

	"llmtap/test/boards"
)

// TestStory tells the story once and holds every dashboard and rule against it.
func TestStory(t *testing.T) {
	d := tellTo(t, nil)
	queries := committed(t)
	t.Run("every expression returns data", func(t *testing.T) {
		for _, q := range queries {
			if why := d.answers(q); why != "" {
				t.Errorf("%s: %s", q, why)
			}
		}
	})
	t.Run("every selector of a rule returns data", func(t *testing.T) {
		for _, r := range rules(t, d.server) {
			for _, why := range d.selectors(r.Expr) {
				t.Errorf("%s%s: %s", r.Record, r.Alert, why)
			}
		}
	})
	t.Run("values", d.values)
	t.Run("alerts", d.alerts)
	t.Run("classes", d.classes)
	t.Run("metric names are frozen", d.frozen)
	t.Run("a missing metric is found", d.control)
}

// committed are the queries of the committed dashboards.
func committed(t testing.TB) []boards.Query {
	t.Helper()
	list, err := boards.Load("../json")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// values are what Grafana would fill in for a range that covers the story.
func everything() map[string]string { return boards.All("21600s", rateText, "60s") }

// answers says what is wrong with the answer to a query; empty if nothing is.
// Windows shorter than the story make a query empty at times, and quantiles of
// nothing are no number: it is enough that it is right at some time.
func (d *told) answers(q boards.Query) string {
	expr, err := boards.Fill(q.Expr, everything())
	if err != nil {
		return err.Error()
	}
	m, err := d.over(expr, d.from, d.to)
	if err != nil {
		return err.Error()
	}
	finite := 0
	for _, s := range m {
		for _, p := range s.Floats {
			if math.IsInf(p.F, 0) {
				return fmt.Sprintf("is %g at %s", p.F, time.UnixMilli(p.T).UTC())
			}
			if !math.IsNaN(p.F) {
				finite++
			}
		}
	}
	if finite == 0 {
		return "no data in the whole story: " + expr
	}
	for _, name := range wanted(q) {
		if !labelled(m, name) {
			return "no series has the label " + name + " that it shows"
		}
	}
	return ""
}

// placeholder is a label in a legend.
var placeholder = regexp.MustCompile(`\{\{(\w+)\}\}`)

// wanted are the labels that a query's text needs.
func wanted(q boards.Query) []string {
	var out []string
	for _, m := range placeholder.FindAllStringSubmatch(q.Legend, -1) {
		out = append(out, m[1])
	}
	if q.Label != "" {
		out = append(out, q.Label)
	}
	return out
}

func labelled(m promql.Matrix, name string) bool {
	for _, s := range m {
		if s.Metric.Has(name) {
			return true
		}
	}
	return false
}

// selectors says which selectors of an expression never have data.
func (d *told) selectors(expr string) []string {
	e, err := d.parser.ParseExpr(expr)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		bare := *v
		bare.OriginalOffset, bare.Offset = 0, 0
		m, err := d.over(bare.String(), d.from, d.to)
		if err != nil {
			out = append(out, err.Error())
		} else if len(m) == 0 {
			out = append(out, "no data in the whole story: "+bare.String())
		}
		return nil
	})
	return out
}

// control leaves one metric after the other out and expects that the proof then
// fails: one that cannot fail proves nothing.
func (d *told) control(t *testing.T) {
	queries := committed(t)
	for _, metric := range []string{
		"llmtap_verdict", "llmtap_call_failures_total", "llmtap_stream_max_gap_seconds", "gen_ai_client_inference_duration_seconds", "llmtap_ca_loaded",
	} {
		without := *d
		hidden := *d.server
		hidden.data = hiding{d.db, metric}
		without.server = &hidden
		found := 0
		for _, q := range queries {
			if !strings.Contains(q.Expr, metric) {
				continue
			}
			found++
			// One that falls back to zero while an agent is up still answers.
			if why := without.answers(q); !strings.Contains(why, "no data") && !strings.Contains(q.Expr, "or 0 * sum(up") {
				t.Errorf("without %s, %s: the proof says %q", metric, q, why)
			}
		}
		if found == 0 {
			t.Errorf("no query uses %s", metric)
		}
	}
	for _, r := range rules(t, d.server) {
		if r.Alert == "LLMHopDeadline" {
			hidden := *d.server
			hidden.data = hiding{d.db, "llmtap_verdict"}
			if len((&told{server: &hidden, from: d.from, to: d.to}).selectors(r.Expr)) == 0 {
				t.Error("an alert without its metric passes")
			}
		}
	}
}

// hiding is a storage that does not have one metric.
type hiding struct {
	storage.Queryable
	metric string
}

// Querier leaves the metric out, its histogram series too.
func (h hiding) Querier(from, to int64) (storage.Querier, error) {
	q, err := h.Queryable.Querier(from, to)
	return hidingQuerier{q, labels.MustNewMatcher(labels.MatchNotRegexp, "__name__", h.metric+"(_bucket|_count|_sum)?")}, err
}

type hidingQuerier struct {
	storage.Querier
	other *labels.Matcher
}

// Select adds the condition.
func (q hidingQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	return q.Querier.Select(ctx, sorted, hints, append(slices.Clip(ms), q.other)...)
}
