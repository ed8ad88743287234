package gen_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"llmtap/dashboards/gen"
	"llmtap/test/boards"
)

// metric is a line of the frozen list of the agent's metrics.
type metric struct {
	kind   string
	labels []string
	bounds []float64
}

// known reads what metrics the agents have.
func known(t testing.TB) map[string]metric {
	t.Helper()
	raw, err := os.ReadFile("../testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]metric{}
	for line := range strings.Lines(string(raw)) {
		head, bounds, _ := strings.Cut(strings.TrimSpace(line), "|")
		f := strings.Fields(head)
		m := metric{kind: f[1], labels: f[2:]}
		for _, b := range strings.Fields(bounds) {
			v, err := strconv.ParseFloat(b, 64)
			if err != nil {
				t.Fatal(err)
			}
			m.bounds = append(m.bounds, v)
		}
		out[f[0]] = m
	}
	return out
}

// foreign are series that are not the agents' own, with their labels; nil is
// any.
func foreign(name string) ([]string, bool) {
	switch {
	case name == "up", name == "ALERTS", name == "jupyterhub_running_servers":
		return nil, true
	case strings.HasPrefix(name, "server:"):
		return []string{"server_address"}, true
	}
	return nil, false
}

// find returns the metric that a series belongs to.
func find(all map[string]metric, series string) (metric, bool) {
	m, ok := all[series]
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if base, cut := strings.CutSuffix(series, suffix); cut && !ok && all[base].kind == "histogram" {
			m, ok = all[base], true
			m.kind = "counter"
		}
	}
	return m, ok
}

// problems are what is wrong with an expression, by rule.
type problems map[string]string

func (p problems) add(rule, format string, args ...any) {
	p[rule] = fmt.Sprintf(format, args...)
}

// filled is an expression as Prometheus will see it. The windows are told apart
// by their length.
func filled(t testing.TB, expr string) string {
	t.Helper()
	out, err := boards.Fill(expr, boards.All("21600s", "241s", "61s"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func parse(t testing.TB, expr string) parser.Expr {
	t.Helper()
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return e
}

// queryProblems checks one query of a panel.
func queryProblems(t *testing.T, p docPanel, q docTarget) problems {
	t.Helper()
	out := exprProblems(t, filled(t, q.Expr))
	selectorsOf(parse(t, filled(t, q.Expr)), func(v *parser.VectorSelector, path []parser.Node) {
		if _, ok := foreign(v.Name); !ok || v.Name == "up" {
			for _, l := range []string{"job", "instance"} {
				if !matches(v, l) {
					out.add("target-"+l, "%s is not limited to the chosen %s", v.Name, l)
				}
			}
		}
	})
	for _, w := range windows.FindAllStringSubmatch(q.Expr, -1) {
		whole := w[1] == "$__range" && (q.Instant || p.Type == "stat" || p.Type == "table" || p.Type == "bargauge")
		if w[1] != "$__rate_interval" && !whole {
			out.add("target-rate-interval", "window %s", w[1])
		}
	}
	if q.Legend == "" && p.Type != "table" {
		out.add("legend", "a series without a name")
	}
	if why := misfit(p, q); why != "" {
		out.add("unit fits", "%s", why)
	}
	return out
}

var windows = regexp.MustCompile(`\[([^\]]+)\]`)

// misfit says that a panel's unit is not that of what it asks for.
func misfit(p docPanel, q docTarget) string {
	unit := p.Field.Defaults.Unit
	for _, o := range p.Field.Overrides { // of this query alone
		if o.Matcher.ID == "byFrameRefID" && o.Matcher.Options == q.RefID || o.Matcher.ID == "byName" && o.Matcher.Options == valueColumn(q.RefID) {
			for _, prop := range o.Properties {
				if s, ok := prop.Value.(string); ok && prop.ID == "unit" {
					unit = s
				}
			}
		}
	}
	want := "short none string"
	switch e := q.Expr; {
	case strings.Contains(e, "_timestamp_seconds") && strings.Contains(e, "* 1000"):
		want = "dateTimeFromNow"
	case strings.Contains(e, "_ratio_"), strings.Contains(e, ") / (") && !strings.Contains(e, "ratio_rate"), strings.HasPrefix(e, "sum(rate(") && strings.Contains(e, " / "):
		want = "percentunit"
	case strings.Contains(e, "time()"), strings.Contains(e, "histogram_quantile"), p.Type == "heatmap":
		want = "s"
	case strings.HasPrefix(e, "1 - ("):
		want = "percentunit"
	case strings.HasPrefix(e, "sum by (gen_ai_request_stream) (rate("):
		want = "reqps"
	}
	if slices.Contains(strings.Fields(want), unit) {
		return ""
	}
	return fmt.Sprintf("unit %s, want %s", unit, want)
}

// valueColumn is what the version tables call the value of a query.
func valueColumn(ref string) string {
	return map[string]string{"A": "Calls", "B": "Ended ok", "C": "Broke here", "D": "Streamed", "E": "First seen"}[ref]
}

// exprProblems checks an expression, of a dashboard or a rule.
func exprProblems(t *testing.T, expr string) problems {
	t.Helper()
	all, out := known(t), problems{}
	selectorsOf(parse(t, expr), func(v *parser.VectorSelector, path []parser.Node) {
		m, ok := find(all, v.Name)
		fl, strange := foreign(v.Name)
		if strange {
			m = metric{labels: fl}
		} else if !ok {
			out.add("metric exists", "%s is no metric of the agent", v.Name)
			return
		}
		if m.kind == "counter" && !aggregated(path) {
			out.add("target-counter-agg", "%s is shown without aggregation", v.Name)
		}
		checkLabels(out, v, path, m, strange && fl == nil)
		checkDelta(t, out, v, expr)
	})
	return out
}

// checkLabels holds matchers and groupings against the metric's labels.
func checkLabels(out problems, v *parser.VectorSelector, path []parser.Node, m metric, open bool) {
	has := func(l string) bool {
		return open || slices.Contains([]string{"__name__", "job", "instance"}, l) || slices.Contains(m.labels, l) || l == "le" && m.bounds != nil
	}
	for _, match := range v.LabelMatchers {
		if !has(match.Name) {
			out.add("label exists", "%s has no label %s", v.Name, match.Name)
		}
		if match.Name != "le" || match.Type != labels.MatchEqual {
			continue
		}
		if bound, err := strconv.ParseFloat(match.Value, 64); err != nil || !slices.Contains(m.bounds, bound) {
			out.add("le is a bound", "%s has no bound %s", v.Name, match.Value)
		}
	}
	for _, n := range path {
		if a, ok := n.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				if !has(l) {
					out.add("label exists", "%s has no label %s to group by", v.Name, l)
				}
			}
		}
	}
}

// checkDelta: an offset stands only inside what gen.Delta writes.
func checkDelta(t *testing.T, out problems, v *parser.VectorSelector, expr string) {
	t.Helper()
	if v.OriginalOffset == 0 {
		return
	}
	bare := *v
	bare.OriginalOffset, bare.Offset = 0, 0
	whole := parse(t, gen.Delta(bare.String(), model.Duration(v.OriginalOffset).String())).String()
	if !strings.Contains(parse(t, expr).String(), whole) {
		out.add("delta is the helper's", "offset on %s outside of Delta", v.Name)
	}
}

// selectorsOf visits every selector with the nodes above it.
func selectorsOf(e parser.Expr, visit func(*parser.VectorSelector, []parser.Node)) {
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			visit(v, path)
		}
		return nil
	})
}

func matches(v *parser.VectorSelector, label string) bool {
	return slices.ContainsFunc(v.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == label })
}

func aggregated(path []parser.Node) bool {
	return slices.ContainsFunc(path, func(n parser.Node) bool { _, ok := n.(*parser.AggregateExpr); return ok })
}

// Variables and annotations ask for what there is, too.
func TestLintOtherQueries(t *testing.T) {
	list, err := boards.Load("../json")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range list {
		if q.Kind == boards.KindPanel {
			continue
		}
		for rule, bad := range exprProblems(t, filled(t, q.Expr)) {
			if q.Kind == boards.KindVariable && rule == "target-counter-agg" {
				continue // it is asked for the values of a label
			}
			t.Errorf("%s | %s: %s", rule, q, bad)
		}
	}
}
