package gen_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"llmtap/dashboards/gen"
)

// The rules of Grafana's dashboard-linter, and our own, over what is committed.
// Each rule returns what is wrong; exceptions are in exceptions_test.go.

// doc is a dashboard as its file has it: the lint sees what Grafana will.
type doc struct {
	UID        string     `json:"uid"`
	Editable   bool       `json:"editable"`
	Schema     int        `json:"schemaVersion"`
	Tags       []string   `json:"tags"`
	Refresh    string     `json:"refresh"`
	Panels     []docPanel `json:"panels"`
	Templating struct {
		List []docVariable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name       string    `json:"name"`
			Datasource docSource `json:"datasource"`
			Expr       string    `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
}

type docPanel struct {
	ID          int         `json:"id"`
	Type        string      `json:"type"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Interval    string      `json:"interval"`
	Datasource  docSource   `json:"datasource"`
	Targets     []docTarget `json:"targets"`
	Grid        struct {
		H, W, X, Y int
	} `json:"gridPos"`
	Field struct {
		Defaults struct {
			Unit     string   `json:"unit"`
			NoValue  string   `json:"noValue"`
			Decimals *float64 `json:"decimals"`
			Color    struct {
				Mode string `json:"mode"`
			} `json:"color"`
		} `json:"defaults"`
		Overrides []docOverride `json:"overrides"`
	} `json:"fieldConfig"`
}

type docOverride struct {
	Matcher struct {
		ID      string `json:"id"`
		Options any    `json:"options"`
	} `json:"matcher"`
	Properties []struct {
		ID    string `json:"id"`
		Value any    `json:"value"`
	} `json:"properties"`
}

type docTarget struct {
	RefID      string    `json:"refId"`
	Expr       string    `json:"expr"`
	Legend     string    `json:"legendFormat"`
	Exemplar   bool      `json:"exemplar"`
	Instant    bool      `json:"instant"`
	Hide       bool      `json:"hide"`
	Datasource docSource `json:"datasource"`
}

type docSource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type docVariable struct {
	Name       string          `json:"name"`
	Label      string          `json:"label"`
	Type       string          `json:"type"`
	Query      json.RawMessage `json:"query"`
	Datasource docSource       `json:"datasource"`
	Refresh    int             `json:"refresh"`
	Multi      bool            `json:"multi"`
	IncludeAll bool            `json:"includeAll"`
	AllValue   string          `json:"allValue"`
}

func docs(t testing.TB) []doc {
	t.Helper()
	var out []doc
	for _, b := range all(t, gen.Options{}) {
		raw, err := os.ReadFile("../json/" + b.UID + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var d doc
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

func (d doc) variable(name string) (docVariable, bool) {
	i := slices.IndexFunc(d.Templating.List, func(v docVariable) bool { return v.Name == name })
	if i < 0 {
		return docVariable{}, false
	}
	return d.Templating.List[i], true
}

// metrics reports whether the dashboard asks Prometheus at all.
func (d doc) metrics() bool {
	return slices.ContainsFunc(d.Panels, func(p docPanel) bool {
		return slices.ContainsFunc(p.Targets, func(q docTarget) bool { return q.Expr != "" })
	})
}

// boardRules are about a dashboard as a whole.
func boardRules() map[string]func(doc) []string {
	return map[string]func(doc) []string{
		"uneditable-dashboard": func(d doc) []string { return when(d.Editable, "can be edited") },
		"classic model":        func(d doc) []string { return when(d.Schema > 42 || d.Schema < 36, "schemaVersion %d", d.Schema) },
		"tags and refresh": func(d doc) []string {
			return when(!slices.Contains(d.Tags, "llmtap") || !slices.Contains(d.Tags, "jupyterhub") || d.Refresh != "30s", "tags %v, refresh %s", d.Tags, d.Refresh)
		},
		"template-datasource": func(d doc) []string {
			v, ok := d.variable("datasource")
			return when(!ok || v.Type != "datasource" || v.Label != "Data Source" || string(v.Query) != `"prometheus"`, "variable datasource: %+v", v)
		},
		"template-job":      func(d doc) []string { return templated(d, "job") },
		"template-instance": func(d doc) []string { return templated(d, "instance") },
		"template-on-time-change-reload": func(d doc) (bad []string) {
			for _, v := range d.Templating.List {
				bad = append(bad, when(v.Type == "query" && v.Refresh != 2, "variable %s is not refreshed with the time range", v.Name)...)
			}
			return bad
		},
		"template choice": func(d doc) (bad []string) {
			for _, v := range d.Templating.List {
				bad = append(bad, when(v.Type == "query" && (!v.Multi || !v.IncludeAll || v.AllValue != ".+" || v.Datasource.UID != "$datasource"), "variable %+v", v)...)
			}
			return bad
		},
		"unique ids": uniqueIDs,
		"no overlap": overlaps,
		"annotations' source": func(d doc) (bad []string) {
			for _, a := range d.Annotations.List {
				bad = append(bad, when(a.Datasource.UID != "$datasource", "annotation %s asks %v", a.Name, a.Datasource)...)
			}
			return bad
		},
	}
}

func templated(d doc, name string) []string {
	v, ok := d.variable(name)
	return when(d.metrics() && (!ok || v.Type != "query" || !strings.Contains(string(v.Query), "llmtap_build_info")), "variable %s: %+v", name, v)
}

func uniqueIDs(d doc) (bad []string) {
	seen := map[int]string{}
	for _, p := range d.Panels {
		bad = append(bad, when(p.ID == 0 || seen[p.ID] != "", "id %d of %s is that of %s", p.ID, p.Title, seen[p.ID])...)
		seen[p.ID] = p.Title
	}
	return bad
}

func overlaps(d doc) (bad []string) {
	for i, p := range d.Panels {
		a := p.Grid
		bad = append(bad, when(a.X+a.W > 24 || a.W < 1 || a.H < 1, "%s leaves the grid: %+v", p.Title, a)...)
		for _, o := range d.Panels[:i] {
			b := o.Grid
			bad = append(bad, when(a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H, "%s overlaps %s", p.Title, o.Title)...)
		}
	}
	return bad
}

// panelRules are about one panel; rows are none.
func panelRules() map[string]func(docPanel) []string {
	return map[string]func(docPanel) []string{
		"panel-title-description": func(p docPanel) []string {
			return when(p.Title == "" || len(p.Description) < 30, "description %q", p.Description)
		},
		"panel-units": func(p docPanel) []string { return when(p.Field.Defaults.Unit == "", "no unit") },
		"noValue": func(p docPanel) []string {
			return when(p.Field.Defaults.NoValue == "", "nothing stands where there is no data")
		},
		"panel-no-targets": func(p docPanel) []string { return when(p.Type != "text" && len(p.Targets) == 0, "no query") },
		"panel-datasource": func(p docPanel) (bad []string) {
			for _, q := range append([]docTarget{{RefID: "panel", Datasource: p.Datasource}}, p.Targets...) {
				want := "$datasource"
				if q.Datasource.Type == "jaeger" {
					want = "$tracing"
				}
				bad = append(bad, when(q.Datasource.UID != want, "%s asks %v", q.RefID, q.Datasource)...)
			}
			return bad
		},
		"no pie": func(p docPanel) []string { return when(p.Type == "piechart", "a pie") },
		"palette order": func(p docPanel) []string {
			return when(strings.HasPrefix(p.Field.Defaults.Color.Mode, "palette"), "colours by order of series")
		},
		"refIds": func(p docPanel) (bad []string) {
			for i, q := range p.Targets {
				bad = append(bad, when(q.RefID != string(rune('A'+i)) || q.Hide, "query %d is %s, hidden %t", i, q.RefID, q.Hide)...)
			}
			return bad
		},
		"one exemplar query, none on delta": func(p docPanel) (bad []string) {
			n := 0
			for _, q := range p.Targets {
				if q.Exemplar {
					n++
					bad = append(bad, when(strings.Contains(q.Expr, "offset"), "exemplars on a query with offset")...)
				}
			}
			return append(bad, when(n > 1, "%d queries ask for the same exemplars", n)...)
		},
		"counts are whole": func(p docPanel) (bad []string) {
			delta := len(p.Targets) > 0 && strings.Contains(p.Targets[0].Expr, "offset") && !strings.Contains(p.Targets[0].Expr, " / ")
			byField := slices.ContainsFunc(p.Field.Overrides, func(o docOverride) bool { return o.has("decimals") })
			return when(delta && p.Field.Defaults.Decimals == nil && !byField, "a count with decimals")
		},
		"colours of kind and stream": kindColours,
	}
}

func (o docOverride) has(property string) bool {
	for _, p := range o.Properties {
		if p.ID == property {
			return true
		}
	}
	return false
}

// kindColours: series named by kind of client or by mode are coloured and drawn
// by it, whatever their order.
func kindColours(p docPanel) []string {
	if p.Type != "timeseries" {
		return nil
	}
	text, err := json.Marshal(p.Field.Overrides)
	if err != nil {
		return []string{err.Error()}
	}
	var bad []string
	for _, q := range p.Targets {
		bad = append(bad, when(strings.Contains(q.Legend, "client_kind") && !strings.Contains(string(text), "framework"), "kinds of client without colours")...)
		bad = append(bad, when(strings.Contains(q.Legend, "gen_ai_request_stream") && !strings.Contains(string(text), "lineStyle"), "streamed and plain lines look alike")...)
	}
	return bad
}

func when(bad bool, format string, args ...any) []string {
	if !bad {
		return nil
	}
	return []string{fmt.Sprintf(format, args...)}
}

func TestLint(t *testing.T) {
	for _, d := range docs(t) {
		for name, rule := range boardRules() {
			for _, bad := range rule(d) {
				complain(t, name, d.UID, bad)
			}
		}
		for _, p := range d.Panels {
			if p.Type == "row" {
				continue
			}
			for name, rule := range panelRules() {
				for _, bad := range rule(p) {
					complain(t, name, d.UID+": "+p.Title, bad)
				}
			}
			for _, q := range p.Targets {
				if q.Expr == "" {
					continue
				}
				for name, bad := range queryProblems(t, p, q) {
					complain(t, name, d.UID+": "+p.Title+" "+q.RefID, bad)
				}
			}
		}
	}
}

func complain(t *testing.T, rule, place, bad string) {
	t.Helper()
	if exceptions()[rule+" | "+place] == "" {
		t.Errorf("%s | %s: %s", rule, place, bad)
	}
}
