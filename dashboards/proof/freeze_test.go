package proof_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// frozen holds names, types, labels and bounds of the story's metrics against a
// list that also the lint of the dashboards reads: renaming a metric breaks
// dashboards and rules that people have installed.
func (d *told) frozen(t *testing.T) {
	got := strings.Join(shapes(t, d.world.agents[0]), "\n") + "\n"
	const golden = "../testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("metrics changed; that breaks installed dashboards. got\n%s\nwant\n%s", got, want)
	}
}

// shapes writes each metric as: name type labels | bounds.
func shapes(t testing.TB, a *agent) []string {
	t.Helper()
	families, err := a.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		if n := f.GetName(); strings.HasPrefix(n, "go_") || strings.HasPrefix(n, "process_") {
			continue
		}
		names := map[string]bool{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				names[l.GetName()] = true
			}
		}
		var ls []string
		for n := range names {
			ls = append(ls, n)
		}
		slices.Sort(ls)
		line := strings.TrimSpace(fmt.Sprintf("%s %s %s", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(ls, " ")))
		if f.GetType() == dto.MetricType_HISTOGRAM {
			line += " |"
			for _, b := range f.GetMetric()[0].GetHistogram().GetBucket() {
				line += fmt.Sprintf(" %g", b.GetUpperBound())
			}
		}
		out = append(out, line)
	}
	return out
}
