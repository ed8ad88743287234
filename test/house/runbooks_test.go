package house

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// runbookParts are the headings of every runbook, in order.
var runbookParts = []string{
	"What it says", "What you see", "Is it real?", "Likely causes", "Fix", "Prove it", "False alarms", "Related classes",
}

// verdictWords are the verdicts of the contract, with what dashboards show for
// them; framework_abort is only a mark.
var verdictWords = map[string]string{
	"stream_only_failure": "Only streamed requests fail here", "plain_only_failure": "Only plain requests fail here",
	"framework_only_failure": "Only this framework fails here", "version_regression": "Broke with this client version",
	"model_or_deployment_specific": "Only this deployment fails", "network_path_specific": "Only this network path fails",
	"hop_deadline": "Cut at the same second every time", "framework_abort": "",
}

// runbook is one page: its parts by heading, in order.
type runbook struct {
	name  string
	title string
	order []string
	parts map[string]string
	text  string
}

// runbooks reads every page of docs/runbooks but the index.
func runbooks(t *testing.T) []runbook {
	t.Helper()
	files, err := filepath.Glob("../../docs/runbooks/LLM*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no runbooks: %v", err)
	}
	var out []runbook
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, _ := strings.Cut(string(b), "\n## ")
		r := runbook{name: strings.TrimSuffix(filepath.Base(f), ".md"), parts: map[string]string{}, text: string(b)}
		r.title, _, _ = strings.Cut(strings.TrimPrefix(head, "# "), "\n")
		for part := range strings.SplitSeq(rest, "\n## ") {
			heading, body, _ := strings.Cut(part, "\n")
			r.order = append(r.order, heading)
			r.parts[heading] = strings.TrimSpace(body)
		}
		out = append(out, r)
	}
	return out
}

// TestEveryAlertHasARunbook, and every runbook an alert.
func TestEveryAlertHasARunbook(t *testing.T) {
	var pages []string
	for _, r := range runbooks(t) {
		pages = append(pages, r.name)
	}
	alerts := alertNames(t)
	slices.Sort(alerts)
	if !slices.Equal(pages, alerts) {
		t.Errorf("runbooks %v\nalerts   %v", pages, alerts)
	}
}

// TestRunbooksHaveTheirParts: at night nobody wants to search.
func TestRunbooksHaveTheirParts(t *testing.T) {
	numbered := regexp.MustCompile(`(?m)^\d+\. \*\*`)
	for _, r := range runbooks(t) {
		if r.title != r.name {
			t.Errorf("%s has the title %q", r.name, r.title)
		}
		if !slices.Equal(r.order, runbookParts) {
			t.Errorf("%s has the parts %q, want %q", r.name, r.order, runbookParts)
		}
		for heading, body := range r.parts {
			if len(body) < 60 {
				t.Errorf("%s: %q says next to nothing", r.name, heading)
			}
		}
		if n := len(numbered.FindAllString(r.parts["Is it real?"], -1)); n != 3 {
			t.Errorf("%s has %d checks, want three", r.name, n)
		}
		causes := len(numbered.FindAllString(r.parts["Likely causes"], -1))
		if n := strings.Count(r.parts["Likely causes"], "Predicate:"); causes < 2 || n < causes-1 {
			t.Errorf("%s has %d causes with %d predicates", r.name, causes, n)
		}
		for _, who := range []string{"- **User**:", "- **Hub admin**:", "- **API owner**:"} {
			if !strings.Contains(r.parts["Fix"], who) {
				t.Errorf("%s: nothing for %s", r.name, who)
			}
		}
		if !strings.Contains(r.parts["Prove it"], "```sh\n") || !strings.Contains(r.parts["Prove it"], "curl ") {
			t.Errorf("%s: no curl that proves it", r.name)
		}
	}
}

// TestRunbooksNameTheirLabelsAndWaits: the line under the title is the rule's.
func TestRunbooksNameTheirLabelsAndWaits(t *testing.T) {
	pages := map[string]runbook{}
	for _, r := range runbooks(t) {
		pages[r.name] = r
	}
	for _, r := range promRules(t) {
		if r.Alert == "" {
			continue
		}
		head, _, _ := strings.Cut(pages[r.Alert].text, "\n## ")
		if !strings.Contains(strings.ReplaceAll(head, "*", ""), r.Labels["severity"]) {
			t.Errorf("%s does not say severity %s", r.Alert, r.Labels["severity"])
		}
		for _, w := range []string{r.For, r.KeepFiringFor} {
			if d := promDuration(t, w); d > 0 && !strings.Contains(strings.Join(strings.Fields(head), " "), spoken(w)) {
				t.Errorf("%s does not say %q", r.id(), spoken(w))
			}
		}
	}
}

// spoken is a duration in words.
func spoken(d string) string {
	unit := map[byte]string{'m': "minute", 'h': "hour", 'd': "day"}[d[len(d)-1]]
	n := d[:len(d)-1]
	if n != "1" {
		return n + " " + unit + "s"
	}
	return " " + unit // "one hour", "1 hour"
}

// TestEachClassAndVerdictHasOneSection, with the sentence that the terminal and
// the dashboards show.
func TestEachClassAndVerdictHasOneSection(t *testing.T) {
	sentences := map[string]string{}
	for _, row := range diagnose.Table() {
		sentences[row.Class.String()] = row.Sentence
	}
	want := map[string]bool{}
	for _, c := range call.Classes() {
		want[c.String()] = true
	}
	for v, words := range verdictWords {
		want[v], sentences[v] = true, words
	}
	homes := map[string]string{}
	for _, r := range runbooks(t) {
		for _, part := range strings.Split(r.parts["Related classes"], "### `")[1:] {
			name, body, _ := strings.Cut(part, "`\n")
			if !want[name] {
				t.Errorf("%s: %q is no class and no verdict", r.name, name)
			}
			if homes[name] != "" {
				t.Errorf("%s has sections in %s and %s", name, homes[name], r.name)
			}
			homes[name] = r.name
			body = strings.TrimSpace(body)
			quote, rest, _ := strings.Cut(body, "\n")
			if sentence := sentences[name]; sentence != "" && quote != "> "+sentence {
				t.Errorf("%s: %s is quoted as %q, the table says %q", r.name, name, quote, sentence)
			} else if sentence == "" {
				rest = body
			}
			if len(strings.TrimSpace(rest)) < 40 {
				t.Errorf("%s: the section %s says next to nothing", r.name, name)
			}
		}
	}
	for name := range want {
		if homes[name] == "" {
			t.Errorf("no runbook has a section %s", name)
		}
	}
	index := page(t, "../../docs/runbooks/README.md")
	for name, home := range homes {
		if !strings.Contains(index, "[`"+name+"`]("+home+".md#"+name+")") {
			t.Errorf("the index does not lead to %s in %s", name, home)
		}
	}
}

// TestRunbooksLeadSomewhere: every link between the pages, every attribute and
// every metric that they name exists.
func TestRunbooksLeadSomewhere(t *testing.T) {
	known := knownNames(t)
	link := regexp.MustCompile(`\]\(([A-Za-z./_-]+\.md)(?:#([a-z_]+))?\)`)
	for _, f := range slices.Concat(glob(t, "../../docs/runbooks/*.md"), []string{"../../docs/traces.md"}) {
		text := page(t, f)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, err := os.ReadFile(filepath.Join(filepath.Dir(f), m[1]))
			if err != nil {
				t.Errorf("%s links to %s: %v", f, m[1], err)
			} else if m[2] != "" && !strings.Contains(string(target), "\n### `"+m[2]+"`\n") {
				t.Errorf("%s links to the section %s, which %s does not have", f, m[2], m[1])
			}
		}
		for _, name := range known.missing(text) {
			t.Errorf("%s names %s, which nothing writes", f, name)
		}
	}
}

// vocabulary is what the exporters write.
type vocabulary struct{ metrics, attributes []string }

func knownNames(t *testing.T) vocabulary {
	t.Helper()
	return vocabulary{metricNames(t), slices.Concat(literals(t, "exporters/otlp", "llmtap."), literals(t, "exporters/otlp", "gen_ai."))}
}

var (
	metricWord    = regexp.MustCompile(`\bllmtap_[a-z_]+`)
	attributeWord = regexp.MustCompile(`\b(?:llmtap|gen_ai)\.[a-z_]+[a-z_.0-9]*[a-z_]`)
)

// missing are the metrics and attributes in a text that no code writes; a
// metric may be the beginning of several.
func (v vocabulary) missing(text string) []string {
	var out []string
	for _, m := range metricWord.FindAllString(text, -1) {
		begins := func(k string) bool { return strings.HasPrefix(k, strings.TrimRight(m, "_")+"_") }
		if !slices.Contains(v.metrics, seriesOf(m)) && !slices.ContainsFunc(v.metrics, begins) {
			out = append(out, m)
		}
	}
	for _, m := range attributeWord.FindAllString(text, -1) {
		if !slices.Contains(v.attributes, m) && m != "llmtap.yaml" && m != "llmtap.verdict" { // a file, a span's name
			out = append(out, m)
		}
	}
	return out
}

// TestRunbooksNameDashboardsAndPanelsThatExist: what stands in italics under
// "What you see" is the title of one.
func TestRunbooksNameDashboardsAndPanelsThatExist(t *testing.T) {
	var titles []string
	for _, f := range glob(t, "../../dashboards/json/*.json") {
		for _, m := range regexp.MustCompile(`"title": "([^"]+)"`).FindAllStringSubmatch(page(t, f), -1) {
			titles = append(titles, m[1])
		}
	}
	for _, r := range runbooks(t) {
		named := regexp.MustCompile(`\*([A-Z][^*]+)\*`).FindAllStringSubmatch(strings.Join(strings.Fields(r.parts["What you see"]), " "), -1)
		for _, m := range named {
			if !slices.Contains(titles, m[1]) {
				t.Errorf("%s: no dashboard or panel is called %q", r.name, m[1])
			}
		}
		if len(named) == 0 {
			t.Errorf("%s names no dashboard", r.name)
		}
	}
}

// TestUnknownNamesAreSeen proves that the search bites.
func TestUnknownNamesAreSeen(t *testing.T) {
	got := knownNames(t).missing("`llmtap_calls_total`, llmtap_stream_max_gap_seconds_bucket, llmtap_cals_total; `llmtap.end.side`, llmtap.end.sides, gen_ai.request.modell.")
	if want := []string{"llmtap_cals_total", "llmtap.end.sides", "gen_ai.request.modell"}; !slices.Equal(got, want) {
		t.Errorf("unknown names %v, want %v", got, want)
	}
}

func page(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	out, err := filepath.Glob(pattern)
	if err != nil || len(out) == 0 {
		t.Fatalf("nothing is named %s: %v", pattern, err)
	}
	return out
}
