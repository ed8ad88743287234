package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// promRule is a recording rule or an alert of dashboards/rules.
type promRule struct {
	Record, Alert, Expr, For string
	KeepFiringFor            string `yaml:"keep_firing_for"`
	Labels, Annotations      map[string]string
}

// id names a rule in messages: alerts may share a name.
func (r promRule) id() string {
	return strings.TrimSpace(r.Record + r.Alert + " " + r.Labels["evidence"] + r.Labels["scope"] + r.Labels["long"])
}

// promRules reads every rule file.
func promRules(t *testing.T) []promRule {
	t.Helper()
	files, err := filepath.Glob("../../dashboards/rules/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rule files: %v", err)
	}
	var out []promRule
	for _, f := range files {
		var doc struct {
			Groups []struct {
				Name  string
				Rules []promRule
			}
		}
		readYAML(t, f, &doc)
		for _, g := range doc.Groups {
			out = append(out, g.Rules...)
		}
	}
	return out
}

// alertNames lists every alert once, in the order of the files.
func alertNames(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, r := range promRules(t) {
		if r.Alert != "" && !slices.Contains(out, r.Alert) {
			out = append(out, r.Alert)
		}
	}
	return out
}

// readYAML reads a file whose every key doc must know.
func readYAML(t *testing.T, path string, doc any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(b, doc, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// promTests is a file of rule tests.
type promTests struct {
	RuleFiles          []string `yaml:"rule_files"`
	EvaluationInterval string   `yaml:"evaluation_interval"`
	Tests              []promCase
}

type promCase struct {
	Name, Interval string
	InputSeries    []struct{ Series, Values string } `yaml:"input_series"`
	AlertRuleTest  []map[string]any                  `yaml:"alert_rule_test"`
	PromqlExprTest []map[string]any                  `yaml:"promql_expr_test"`
}

// seriesOf takes the suffix of a histogram's series from its name.
func seriesOf(name string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

// metricNames are the names that the agent exposes: those of the golden
// exposition, and those in the exporter's code, whose series it may not have.
func metricNames(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("../../exporters/prom/testdata/story-current.prom")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "TYPE" {
			out = append(out, f[2])
		}
	}
	return append(out, literals(t, "exporters/prom", "llmtap_")...)
}

// literals are the string constants of a folder's code with this beginning.
func literals(t *testing.T, dir, prefix string) []string {
	t.Helper()
	var out []string
	for _, f := range glob(t, "../../"+dir+"/*.go") {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if v, err := strconv.Unquote(lit.Value); err == nil && strings.HasPrefix(v, prefix) {
					out = append(out, v)
				}
			}
			return true
		})
	}
	return out
}

// promDuration reads a duration as Prometheus writes it; empty is 0.
func promDuration(t *testing.T, s string) time.Duration {
	t.Helper()
	if s == "" {
		return 0
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		return 24 * promDuration(t, days+"h")
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Errorf("duration %q: %v", s, err)
	}
	return d
}
