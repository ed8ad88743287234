package house

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// bareIncrease are rules that may use increase() as it is, with the reason.
func bareIncrease(r promRule) string {
	switch r.Alert {
	case "LLMErrorBudgetBurn", "LLMFirstChunkSlow":
		return "a floor of 20 observations: missing the newborn ones makes it stricter"
	}
	return ""
}

// deltaForm returns the windows of the small counts in an expression, each
// written ((increase(x[R]) and x offset R) or (x unless x offset R)), and how
// many increases are written otherwise.
func deltaForm(expr string) (windows []string, bare int) {
	const open, unless = "((increase(", " unless on"
	expr = strings.Join(strings.Fields(expr), " ")
	for rest := expr; ; {
		i := strings.Index(rest, "increase(")
		if i < 0 {
			return windows, bare
		}
		arg, _, _ := strings.Cut(rest[i+len("increase("):], ")")
		x, r, _ := strings.Cut(strings.TrimSuffix(arg, "]"), "[")
		want := open + x + "[" + r + "]) and " + x + " offset " + r + ") or (" + x + " unless " + x + " offset " + r + "))"
		if i >= 2 && strings.HasPrefix(rest[i-2:], want) {
			before := expr[:len(expr)-len(rest)+i]
			if !strings.Contains(before, unless) { // there a longer window makes the alert quieter
				windows = append(windows, r)
			}
		} else {
			bare++
		}
		rest = rest[i+len("increase("):]
	}
}

// TestSmallCountsAreWrittenSafely: bare increase() is blind to the first
// failures of a new series, and a burst must be able to outlast `for`.
func TestSmallCountsAreWrittenSafely(t *testing.T) {
	counts := 0
	for _, r := range promRules(t) {
		windows, bare := deltaForm(r.Expr)
		counts += len(windows)
		if bare > 0 && bareIncrease(r) == "" {
			t.Errorf("%s: %d increases are not in the form that counts newborn series", r.id(), bare)
		}
		if bare == 0 && bareIncrease(r) != "" {
			t.Errorf("%s is excused for nothing", r.id())
		}
		for _, w := range windows {
			if promDuration(t, r.For) >= promDuration(t, w) {
				t.Errorf("%s: for %s is not shorter than its window %s: a single burst would never fire", r.id(), r.For, w)
			}
		}
	}
	if counts < 10 {
		t.Errorf("found only %d small counts: the search is broken", counts)
	}
}

// TestTheFormIsToldFromLookalikes proves that the search bites.
func TestTheFormIsToldFromLookalikes(t *testing.T) {
	const good = `((increase(x{a="b"}[1h]) and x{a="b"} offset 1h) or (x{a="b"} unless x{a="b"} offset 1h))`
	for name, c := range map[string]struct {
		expr    string
		windows []string
		bare    int
	}{
		"the form":           {"sum(" + good + ") > 0", []string{"1h"}, 0},
		"over two lines":     {strings.Replace(good, " and ", "\n  and ", 1), []string{"1h"}, 0},
		"bare":               {`sum(increase(x[1h])) > 0`, nil, 1},
		"another window":     {strings.Replace(good, "offset 1h)", "offset 2h)", 1), nil, 1},
		"another series":     {strings.Replace(good, `unless x{a="b"}`, `unless x{a="c"}`, 1), nil, 1},
		"no newborn half":    {`(increase(x[1h]) and x offset 1h)`, nil, 1},
		"after unless":       {"a > 0 unless on () " + good, nil, 0},
		"before unless":      {good + " > 0 unless on () b", []string{"1h"}, 0},
		"two, one of a kind": {good + " / increase(y[5m])", []string{"1h"}, 1},
	} {
		if windows, bare := deltaForm(c.expr); !slices.Equal(windows, c.windows) || bare != c.bare {
			t.Errorf("%s: windows %v and %d bare, want %v and %d", name, windows, bare, c.windows, c.bare)
		}
	}
}

// TestAlertsSayWhatTheyAre: severity, texts that name what is hit, a runbook
// that exists, a dashboard that is filled in.
func TestAlertsSayWhatTheyAre(t *testing.T) {

	seen := map[string]bool{}
	for _, r := range promRules(t) {
		if r.Alert == "" {
			continue
		}
		key := r.Alert
		for _, l := range []string{"severity", "evidence", "scope", "long"} {
			key += " " + r.Labels[l]
		}
		if seen[key] {
			t.Errorf("two rules %q", key)
		}
		seen[key] = true
		if s := r.Labels["severity"]; !slices.Contains([]string{"info", "warning", "critical"}, s) {
			t.Errorf("%s: severity %q", r.id(), s)
		}
		for _, a := range []string{"summary", "description", "runbook_url", "dashboard_url"} {
			if r.Annotations[a] == "" {
				t.Errorf("%s has no %s", r.id(), a)
			}
		}
		if want := "docs/runbooks/" + r.Alert + ".md"; r.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url %q, want %q", r.id(), r.Annotations["runbook_url"], want)
		}
		if _, err := os.Stat(filepath.Join("../..", r.Annotations["runbook_url"])); err != nil {
			t.Errorf("%s: %v", r.id(), err)
		}
		board, query, _ := strings.Cut(strings.TrimPrefix(r.Annotations["dashboard_url"], "/d/"), "?")
		if !slices.Contains(boards, board) {
			t.Errorf("%s: dashboard %q is none of %v", r.id(), board, boards)
		}
		for label, variable := range map[string]string{"server_address": "var-target=", "instance": "var-instance="} {
			if strings.Contains(r.Annotations["summary"], "$labels."+label) && !strings.Contains(query, variable+"{{ $labels."+label+" | urlquery }}") {
				t.Errorf("%s names its %s and does not hand it to the dashboard: %s", r.id(), label, query)
			}
		}
	}
}

// TestEveryAlertIsTested: its file has a case for each way it could mislead.
func TestEveryAlertIsTested(t *testing.T) {
	cases := []string{"fires", "does not fire", "resolves", "agent restart", "low traffic", "newborn"}
	for _, alert := range alertNames(t) {
		var doc promTests
		readYAML(t, "../../dashboards/tests/"+alert+"_test.yaml", &doc)
		for _, want := range cases {
			i := slices.IndexFunc(doc.Tests, func(c promCase) bool { return strings.HasPrefix(c.Name, want) })
			if i < 0 {
				t.Errorf("%s: no case %q", alert, want)
			} else if !slices.ContainsFunc(doc.Tests[i].AlertRuleTest, func(m map[string]any) bool { return m["alertname"] == alert }) {
				t.Errorf("%s, case %q, looks at another alert", alert, want)
			}
		}
	}
}

// TestRulesUseMetricsThatExist: every llmtap_ and gen_ai_ name is one that the
// exporter writes.
func TestRulesUseMetricsThatExist(t *testing.T) {
	known := metricNames(t)
	name := regexp.MustCompile(`(?:^|[^:\w])((?:llmtap|gen_ai_client)_[a-z_]+)`)
	used := 0
	for _, r := range promRules(t) {
		for _, m := range name.FindAllStringSubmatch(r.Expr, -1) {
			used++
			if !slices.Contains(known, seriesOf(m[1])) {
				t.Errorf("%s uses %s, which no agent exposes", r.id(), m[1])
			}
		}
	}
	if used < 40 || len(known) < 40 {
		t.Errorf("found %d uses of %d metrics: the search is broken", used, len(known))
	}
}
