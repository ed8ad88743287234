package house

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// boards are the uids of the dashboards; alerts and data sources link to them.
var boards = []string{"llmtap-why", "llmtap-compare", "llmtap-versions", "llmtap-streams", "llmtap-pair", "llmtap-agent", "llmtap-slo"}

// grafanaSources is deploy/grafana's file of data sources.
type grafanaSources struct {
	APIVersion  int `yaml:"apiVersion"`
	Datasources []struct {
		Name, UID, Type, Access, URL string
		JSONData                     struct {
			HTTPMethod   string         `yaml:"httpMethod"`
			TimeInterval string         `yaml:"timeInterval"`
			Exemplars    []exemplarLink `yaml:"exemplarTraceIdDestinations"`
		} `yaml:"jsonData"`
	}
}

// exemplarLink leads from a dot to what it stands for.
type exemplarLink struct {
	Name, URL     string
	DatasourceUID string `yaml:"datasourceUid"`
	Label         string `yaml:"urlDisplayLabel"`
}

// promServer is deploy/prometheus' example.
type promServer struct {
	Global struct {
		Scrape   string `yaml:"scrape_interval"`
		Evaluate string `yaml:"evaluation_interval"`
	}
	RuleFiles []string `yaml:"rule_files"`
	Alerting  any
	Scrapes   []struct {
		Job     string `yaml:"job_name"`
		Targets []struct{ Targets []string }
		Static  []struct{ Targets []string } `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

func grafana(t *testing.T) (doc grafanaSources) {
	t.Helper()
	readYAML(t, "../../deploy/grafana/provisioning/datasources/llmtap.yaml", &doc)
	return doc
}

func promExample(t *testing.T) (doc promServer) {
	t.Helper()
	readYAML(t, "../../deploy/prometheus/prometheus.yml", &doc)
	return doc
}

// TestDataSourcesHaveFixedNames: the panels' defaults and the links use them.
func TestDataSourcesHaveFixedNames(t *testing.T) {
	doc, types := grafana(t), map[string]string{}
	for _, d := range doc.Datasources {
		types[d.UID] = d.Type
		if d.Name != d.UID || d.Access != "proxy" || !strings.HasPrefix(d.URL, "http://") {
			t.Errorf("data source %+v: name and uid are one, access by Grafana", d)
		}
	}
	for uid, kind := range map[string]string{"llmtap-prometheus": "prometheus", "llmtap-jaeger": "jaeger", "llmtap-tempo": "tempo"} {
		if types[uid] != kind {
			t.Errorf("data source %s is of type %q, want %s", uid, types[uid], kind)
		}
	}
}

// TestExemplarsLeadToTraces: a wrong link is a silent one.
func TestExemplarsLeadToTraces(t *testing.T) {
	doc, leads := grafana(t), map[string]bool{}
	var sources []string
	for _, d := range doc.Datasources {
		sources = append(sources, d.UID)
	}
	for _, d := range doc.Datasources {
		for _, e := range d.JSONData.Exemplars {
			if e.Name != "trace_id" || e.Label == "" || (e.URL == "") == (e.DatasourceUID == "") {
				t.Errorf("exemplar link %+v", e)
			}
			if e.DatasourceUID != "" && !slices.Contains(sources, e.DatasourceUID) {
				t.Errorf("exemplar link to the unknown data source %s", e.DatasourceUID)
			}
			if e.URL != "" && !strings.Contains(e.URL, "$${__value.raw}") {
				t.Errorf("%s does not hand over the trace id; in this file its dollar sign is doubled", e.URL)
			}
			if board, ok := strings.CutPrefix(e.URL, "/d/"); ok {
				board, _, _ = strings.Cut(board, "?")
				if !slices.Contains(boards, board) {
					t.Errorf("%s leads to no dashboard", e.URL)
				}
			}
			leads[e.DatasourceUID+e.URL] = true
		}
	}
	for _, want := range []string{"llmtap-jaeger", "llmtap-tempo"} {
		if !leads[want] {
			t.Errorf("no exemplar leads to %s", want)
		}
	}
}

// TestScrapeFitsAgentGrafanaAndRules: one number, one name, one port.
func TestScrapeFitsAgentGrafanaAndRules(t *testing.T) {
	prom := promExample(t)
	for _, d := range grafana(t).Datasources {
		if d.Type == "prometheus" && d.JSONData.TimeInterval != prom.Global.Scrape {
			t.Errorf("Grafana counts with an interval of %s, Prometheus scrapes every %s", d.JSONData.TimeInterval, prom.Global.Scrape)
		}
	}
	admin := regexp.MustCompile(`adminListen: or\([^"]*"([^"]+)"`).FindStringSubmatch(page(t, "../../cmd/agent/settings.go"))
	if len(admin) != 2 || len(prom.Scrapes) == 0 {
		t.Fatalf("admin listener %v, scrapes %v", admin, prom.Scrapes)
	}
	agent := prom.Scrapes[0]
	if got := agent.Static[0].Targets; !slices.Equal(got, admin[1:]) {
		t.Errorf("the example scrapes %v, the agent's default is %v", got, admin[1:])
	}
	for _, r := range promRules(t) {
		for _, m := range regexp.MustCompile(`job="([^"]*)"`).FindAllStringSubmatch(r.Expr, -1) {
			if m[1] != agent.Job {
				t.Errorf("%s asks for the job %s, the example's is %s", r.id(), m[1], agent.Job)
			}
		}
	}
	for _, pattern := range prom.RuleFiles {
		rules := glob(t, filepath.Join("../../deploy/prometheus", pattern))
		if want := glob(t, "../../dashboards/rules/*.yaml"); !slices.Equal(rules, want) {
			t.Errorf("the example loads %v, want %v", rules, want)
		}
	}
}

// TestDashboardsAreProvisioned: the provider's folder is the one that the guide
// copies to, and what it copies exists.
func TestDashboardsAreProvisioned(t *testing.T) {
	var doc struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type string
			AllowUIUpdates     bool `yaml:"allowUiUpdates"`
			Options            struct{ Path string }
		}
	}
	readYAML(t, "../../deploy/grafana/provisioning/dashboards/llmtap.yaml", &doc)
	if len(doc.Providers) != 1 || doc.Providers[0].Type != "file" || doc.Providers[0].Folder != "LLM calls" || doc.Providers[0].AllowUIUpdates {
		t.Fatalf("providers %+v", doc.Providers)
	}
	guide := page(t, "../../deploy/grafana/README.md")
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\|$").FindAllStringSubmatch(guide, -1)
	if len(row) != 3 {
		t.Fatalf("the guide copies %d things, want 3", len(row))
	}
	for _, r := range row {
		glob(t, "../../"+r[1])
		if strings.HasPrefix(r[1], "dashboards/json/") && strings.TrimSuffix(r[2], "/") != doc.Providers[0].Options.Path {
			t.Errorf("the guide copies dashboards to %s, the provider reads %s", r[2], doc.Providers[0].Options.Path)
		}
	}
	var found []string
	for _, f := range glob(t, "../../dashboards/json/*.json") {
		found = append(found, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	want := slices.Sorted(slices.Values(boards))
	if !slices.Equal(found, want) {
		t.Errorf("dashboards %v, alerts and links know %v", found, want)
	}
}

// TestAlertsFillInVariablesThatExist: Grafana ignores an unknown one silently.
func TestAlertsFillInVariablesThatExist(t *testing.T) {
	variable := regexp.MustCompile(`[?&]var-(\w+)=`)
	links := map[string]bool{}
	for _, r := range promRules(t) {
		links[r.Annotations["dashboard_url"]] = true
	}
	for _, d := range grafana(t).Datasources {
		for _, e := range d.JSONData.Exemplars {
			links[e.URL] = true
		}
	}
	for l := range links {
		board, ok := strings.CutPrefix(l, "/d/")
		if !ok {
			continue
		}
		board, _, _ = strings.Cut(board, "?")
		json := page(t, "../../dashboards/json/"+board+".json")
		for _, m := range variable.FindAllStringSubmatch(l, -1) {
			if !strings.Contains(json, `"name": "`+m[1]+`"`) {
				t.Errorf("%s: %s has no variable %s", l, board, m[1])
			}
		}
	}
}

// amConfig is what of Alertmanager's example concerns its alerts.
type amConfig struct {
	Route     amRoute
	Receivers []struct {
		Name     string
		Webhooks []struct{ URL string } `yaml:"webhook_configs"`
	}
	Inhibit []struct {
		Source []string `yaml:"source_matchers"`
		Target []string `yaml:"target_matchers"`
		Equal  []string
	} `yaml:"inhibit_rules"`
}

type amRoute struct {
	Receiver       string
	GroupBy        []string `yaml:"group_by"`
	GroupWait      string   `yaml:"group_wait"`
	GroupInterval  string   `yaml:"group_interval"`
	RepeatInterval string   `yaml:"repeat_interval"`
	Matchers       []string
	Routes         []amRoute
}

// TestInhibitionsNameAlertsAndLabelsThatExist: a wrong one does nothing, silently.
func TestInhibitionsNameAlertsAndLabelsThatExist(t *testing.T) {
	var doc amConfig
	readYAML(t, "../../deploy/prometheus/alertmanager.yml", &doc)
	alerts, labels := alertNames(t), alertLabels(t)
	name := regexp.MustCompile(`^alertname="(\w+)"$`)
	for i, rule := range doc.Inhibit {
		for side, matchers := range map[string][]string{"source": rule.Source, "target": rule.Target} {
			var which []string
			for _, m := range matchers {
				if found := name.FindStringSubmatch(m); found != nil {
					which = append(which, found[1])
				}
			}
			for _, alert := range which {
				if !slices.Contains(alerts, alert) {
					t.Errorf("inhibition %d: no alert %s", i, alert)
				}
				for _, l := range rule.Equal {
					if !slices.Contains(labels[alert], l) {
						t.Errorf("inhibition %d: %s %s has no label %s, only %v", i, side, alert, l, labels[alert])
					}
				}
				for _, m := range matchers {
					l, _, _ := strings.Cut(m, "=")
					if l = strings.TrimSuffix(l, "!"); l != "alertname" && !slices.Contains(labels[alert], l) {
						t.Errorf("inhibition %d: %s %s has no label %s", i, side, alert, l)
					}
				}
			}
		}
	}
	if len(doc.Inhibit) < 4 {
		t.Errorf("%d inhibitions", len(doc.Inhibit))
	}
}

// alertLabels are the labels of each alert, as its rule tests expect them.
func alertLabels(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, alert := range alertNames(t) {
		var doc promTests
		readYAML(t, "../../dashboards/tests/"+alert+"_test.yaml", &doc)
		for _, c := range doc.Tests {
			for _, a := range c.AlertRuleTest {
				expected, _ := a["exp_alerts"].([]any)
				for _, e := range expected {
					labels, _ := e.(map[string]any)["exp_labels"].(map[string]any)
					for l := range labels {
						if !slices.Contains(out[alert], l) {
							out[alert] = append(out[alert], l)
						}
					}
				}
			}
		}
		if len(out[alert]) == 0 {
			t.Errorf("%s: its tests expect no labels", alert)
		}
	}
	return out
}
