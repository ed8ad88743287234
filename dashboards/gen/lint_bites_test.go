package gen_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// A rule that cannot fail proves nothing: each is shown something bad.
func TestExpressionRulesBite(t *testing.T) {
	for name, c := range map[string]struct{ expr, rule string }{
		"unknown metric":     {`sum(llmtap_call_total)`, "metric exists"},
		"renamed histogram":  {`sum(llmtap_chunk_lag_bucket)`, "metric exists"},
		"raw counter":        {`llmtap_calls_total`, "target-counter-agg"},
		"raw rate":           {`rate(llmtap_calls_total[5m])`, "target-counter-agg"},
		"unknown label":      {`sum(llmtap_calls_total{model="m"})`, "label exists"},
		"unknown grouping":   {`sum by (client_name) (llmtap_call_findings_total)`, "label exists"},
		"le of no histogram": {`sum by (le) (llmtap_calls_total)`, "label exists"},
		"no bound":           {`sum(rate(gen_ai_client_inference_time_to_first_chunk_seconds_bucket{le="5"}[5m]))`, "le is a bound"},
		"hand-written delta": {`sum(increase(llmtap_calls_total[1h]) or llmtap_calls_total unless llmtap_calls_total offset 1h)`, "delta is the helper's"},
		"two windows":        {`sum(((increase(llmtap_calls_total[1h]) and llmtap_calls_total offset 2h) or (llmtap_calls_total unless llmtap_calls_total offset 2h)))`, "delta is the helper's"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := exprProblems(t, c.expr); got[c.rule] == "" {
				t.Errorf("%s passes %q; found %v", c.expr, c.rule, got)
			}
		})
	}
	if got := exprProblems(t, `max by (server_address) (llmtap_verdict{verdict="hop_deadline"}) == 1`); len(got) > 0 {
		t.Errorf("a good rule is refused: %v", got)
	}
}

// good is a panel without a fault.
func good() (docPanel, docTarget) {
	q := docTarget{RefID: "A", Legend: "all", Expr: `sum(rate(llmtap_calls_total{job=~"$job", instance=~"$instance"}[$__rate_interval]))`, Datasource: docSource{"prometheus", "$datasource"}}
	p := docPanel{ID: 1, Type: "timeseries", Title: "t", Description: "what it shows, its unit and what it cannot see", Datasource: q.Datasource, Targets: []docTarget{q}}
	p.Field.Defaults.Unit, p.Field.Defaults.NoValue = "short", "no data"
	return p, q
}

func TestPanelRulesBite(t *testing.T) {
	for rule, spoil := range map[string]func(*docPanel){
		"panel-title-description":           func(p *docPanel) { p.Description = "" },
		"panel-units":                       func(p *docPanel) { p.Field.Defaults.Unit = "" },
		"noValue":                           func(p *docPanel) { p.Field.Defaults.NoValue = "" },
		"panel-no-targets":                  func(p *docPanel) { p.Targets = nil },
		"panel-datasource":                  func(p *docPanel) { p.Targets[0].Datasource.UID = "llmtap-prometheus" },
		"no pie":                            func(p *docPanel) { p.Type = "piechart" },
		"palette order":                     func(p *docPanel) { p.Field.Defaults.Color.Mode = "palette-classic" },
		"refIds":                            func(p *docPanel) { p.Targets[0].Hide = true },
		"one exemplar query, none on delta": func(p *docPanel) { p.Targets[0].Exemplar, p.Targets[0].Expr = true, "sum(x offset 1h)" },
		"counts are whole":                  func(p *docPanel) { p.Targets[0].Expr = "sum(x unless x offset 1h)" },
		"colours of kind and stream":        func(p *docPanel) { p.Targets[0].Legend = "{{client_kind}}" },
	} {
		t.Run(rule, func(t *testing.T) {
			p, _ := good()
			if bad := panelRules()[rule](p); len(bad) > 0 {
				t.Fatalf("refuses a good panel: %v", bad)
			}
			spoil(&p)
			if len(panelRules()[rule](p)) == 0 {
				t.Error("passes what is bad")
			}
		})
	}
	if n := len(panelRules()); n != 11 {
		t.Errorf("%d rules, 11 are shown something bad", n)
	}
}

func TestQueryRulesBite(t *testing.T) {
	for rule, expr := range map[string]string{
		"target-job":           `sum(rate(llmtap_calls_total{instance=~"$instance"}[$__rate_interval]))`,
		"target-instance":      `sum(rate(llmtap_calls_total{job=~"$job"}[$__rate_interval]))`,
		"target-rate-interval": `sum(rate(llmtap_calls_total{job=~"$job", instance=~"$instance"}[5m]))`,
		"unit fits":            `histogram_quantile(0.9, sum by (le) (rate(llmtap_chunk_lag_seconds_bucket{job=~"$job", instance=~"$instance"}[$__rate_interval])))`,
	} {
		p, q := good()
		if bad := queryProblems(t, p, q); len(bad) > 0 {
			t.Fatalf("refuses a good query: %v", bad)
		}
		q.Expr = expr
		if bad := queryProblems(t, p, q); bad[rule] == "" {
			t.Errorf("%s passes %s: %v", expr, rule, bad)
		}
	}
}

func TestBoardRulesBite(t *testing.T) {
	whole := docs(t)[0]
	variable := func(name string, change func(*docVariable)) func(*doc) {
		return func(d *doc) {
			d.Templating.List = slices.Clone(d.Templating.List)
			for i := range d.Templating.List {
				if d.Templating.List[i].Name == name {
					change(&d.Templating.List[i])
				}
			}
		}
	}
	spoilers := map[string]func(*doc){
		"uneditable-dashboard":           func(d *doc) { d.Editable = true },
		"classic model":                  func(d *doc) { d.Schema = 43 },
		"tags and refresh":               func(d *doc) { d.Refresh = "5s" },
		"template-datasource":            variable("datasource", func(v *docVariable) { v.Label = "Prometheus" }),
		"template-job":                   variable("job", func(v *docVariable) { v.Type = "textbox" }),
		"template-instance":              variable("instance", func(v *docVariable) { v.Name = "pod" }),
		"template-on-time-change-reload": variable("target", func(v *docVariable) { v.Refresh = 1 }),
		"template choice":                variable("model", func(v *docVariable) { v.AllValue = ".*" }),
		"unique ids":                     func(d *doc) { d.Panels = append(d.Panels, d.Panels[3]) },
		"no overlap":                     func(d *doc) { d.Panels[2].Grid.X = 0 },
		"annotations' source":            func(d *doc) { d.Annotations.List[0].Datasource.UID = "x" },
	}
	if got, want := slices.Sorted(maps.Keys(spoilers)), slices.Sorted(maps.Keys(boardRules())); !slices.Equal(got, want) {
		t.Errorf("rules %s, shown something bad %s", strings.Join(want, ", "), strings.Join(got, ", "))
	}
	for rule, spoil := range spoilers {
		d := whole
		d.Panels, d.Annotations.List = slices.Clone(whole.Panels), slices.Clone(whole.Annotations.List)
		spoil(&d)
		if len(boardRules()[rule](d)) == 0 {
			t.Errorf("%s passes what is bad", rule)
		}
	}
}

// An alert that waits longer than its window never fires on one burst.
func TestWindowRuleSees(t *testing.T) {
	x := `((increase(llmtap_calls_total[10m]) and llmtap_calls_total offset 10m) or (llmtap_calls_total unless llmtap_calls_total offset 10m))`
	y := strings.ReplaceAll(x, "10m", "1d")
	for expr, want := range map[string]string{
		"sum(" + x + ") > 0": "10m0s", "sum(" + y + ") > 0 and sum(" + x + ") > 0": "10m0s", "up unless on () sum(" + x + ") > 0": "0s", "up": "0s",
	} {
		if got := shortestDelta(t, expr).String(); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
}
