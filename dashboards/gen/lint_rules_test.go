package gen_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"llmtap/dashboards/gen"
)

// rules are all rules of the repository.
func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	names, err := filepath.Glob("../rules/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	var out []rulefmt.Rule
	for _, name := range names {
		groups, errs := rulefmt.ParseFile(name, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.NewTextHandler(io.Discard, nil)))
		if len(errs) > 0 {
			t.Fatal(errors.Join(errs...))
		}
		for _, g := range groups.Groups {
			out = append(out, g.Rules...)
		}
	}
	return out
}

func TestLintRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules(t) {
		name := r.Record + r.Alert
		for rule, bad := range exprProblems(t, r.Expr) {
			if rule == "target-counter-agg" {
				continue // a recording rule is one
			}
			t.Errorf("%s | %s: %s", rule, name, bad)
		}
		key := name + fmt.Sprint(r.Labels)
		if seen[key] {
			t.Errorf("%s: two rules with the same name and labels %v", name, r.Labels)
		}
		seen[key] = true
		if w := shortestDelta(t, r.Expr); w > 0 && time.Duration(r.For) >= w {
			t.Errorf("%s: for %s is not shorter than its window %s: one burst would never fire", name, r.For, w)
		}
	}
}

// shortestDelta is the smallest window of Delta in an expression that has to
// hold for a while, 0 if there is none. What follows unless only keeps it from
// holding.
func shortestDelta(t *testing.T, expr string) time.Duration {
	t.Helper()
	var least time.Duration
	selectorsOf(parse(t, expr), func(v *parser.VectorSelector, path []parser.Node) {
		if v.OriginalOffset > 0 && !afterUnless(v, path) && (least == 0 || v.OriginalOffset < least) {
			least = v.OriginalOffset
		}
	})
	return least
}

func afterUnless(v parser.Node, path []parser.Node) bool {
	for i, n := range path {
		b, ok := n.(*parser.BinaryExpr)
		if !ok || b.Op != parser.LUNLESS || strings.HasPrefix(b.RHS.String(), strings.TrimSpace(b.LHS.String())) {
			continue
		}
		next := v
		if i+1 < len(path) {
			next = path[i+1]
		}
		if next == parser.Node(b.RHS) {
			return true
		}
	}
	return false
}

// TestEveryClassAndVerdict: each has a sentence, a remedy, its mapping on the
// landing dashboard, and a runbook that names it.
func TestEveryClassAndVerdict(t *testing.T) {
	landing := string(file(t, all(t, gen.Options{})[0]))
	pages := map[string]string{}
	page := func(alert string) string {
		if _, ok := pages[alert]; !ok {
			raw, err := os.ReadFile("../../docs/runbooks/" + alert + ".md")
			if err != nil {
				t.Errorf("no runbook: %v", err)
			}
			pages[alert] = string(raw)
		}
		return pages[alert]
	}
	for _, c := range gen.Classes() {
		if c.Sentence == "" || len(c.Remedies) == 0 || c.Runbook == "" || strings.ContainsAny(c.Sentence, "{}[]") {
			t.Errorf("class %+v says too little", c)
		}
		if !strings.Contains(landing, fmt.Sprintf(`"value": "%s (%s)"`, c.Name, c.Fault)) {
			t.Errorf("class %s has no name and colour on the landing dashboard", c.Name)
		}
		if !strings.Contains(page(c.Runbook), "`"+c.Name+"`") {
			t.Errorf("docs/runbooks/%s.md does not treat %s", c.Runbook, c.Name)
		}
	}
	for _, v := range gen.Verdicts() {
		if v.Sentence == "" || len(v.Remedies) == 0 || !strings.Contains(landing, `"text": "`+v.Sentence+`"`) {
			t.Errorf("verdict %+v says too little, or has no mapping", v)
		}
		if !strings.Contains(page(v.Runbook), v.Name) {
			t.Errorf("docs/runbooks/%s.md does not explain %s", v.Runbook, v.Name)
		}
	}
}

// contractVerdicts is the list of the contract, written down a second time.
const contractVerdicts = "framework_abort framework_only_failure hop_deadline model_or_deployment_specific network_path_specific " +
	"plain_only_failure stream_only_failure version_regression"

func TestVerdictsAreTheContracts(t *testing.T) {
	names := map[string]bool{}
	for _, v := range gen.Verdicts() {
		names[v.Name] = true
	}
	if got := strings.Join(slices.Sorted(maps.Keys(names)), " "); got != contractVerdicts {
		t.Errorf("verdicts %s, want %s", got, contractVerdicts)
	}
}

// linked are places that dashboards and rules lead to.
var linked = regexp.MustCompile(`/d/(llmtap-\w+)|docs/runbooks/(\w+)\.md|\$\{runbooks\}/(\w+)\.md`)

func TestLinksLeadSomewhere(t *testing.T) {
	uids := map[string]bool{}
	var texts []string
	for _, b := range all(t, gen.Options{}) {
		uids[b.UID] = true
		texts = append(texts, string(file(t, b)))
	}
	for _, r := range rules(t) {
		for _, a := range r.Annotations {
			texts = append(texts, a)
		}
	}
	found := 0
	for _, m := range linked.FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
		found++
		if m[1] != "" && !uids[m[1]] {
			t.Errorf("%s: no such dashboard", m[0])
		}
		if alert := m[2] + m[3]; alert != "" {
			if _, err := os.Stat("../../docs/runbooks/" + alert + ".md"); err != nil {
				t.Errorf("%s: %v", m[0], err)
			}
		}
	}
	if found < 100 {
		t.Errorf("found only %d links", found)
	}
}
