package proof_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/dashboards/gen"
	"llmtap/test/boards"
)

// expectation is what one query must answer at the end of the story, as
// "labels = value", for the story's own target.
type expectation struct {
	board, place, ref string
	by                []string // labels that name a line
	lines             string
}

// Eight series of verdicts are seven: one target failed before both agents.
// The numbers follow from the story, counted by hand: calls per deployment,
// client and mode. Cancelled calls are in no ratio, both agents count together.
func expectations() []expectation {
	cell := []string{"gen_ai_request_model", "cell"}
	client := []string{"client_name", "client_version"}
	return []expectation{
		{"llmtap-why", "Open verdicts", "A", nil, "= 7"},
		{"llmtap-why", "What is wrong now", "A", []string{"instance", "gen_ai_request_model", "verdict", "state", "client_version"}, `
a:4142 hop_deadline confirmed = 1
a:4142 param-max framework_only_failure confirmed 2.11.0 = 1
a:4142 param-temperature version_regression confirmed 2.29.0 = 1
a:4142 refuse-400 stream_only_failure confirmed 2.29.0 = 1
a:4142 refuse-plain plain_only_failure confirmed 8.5.0 = 1
a:4142 stream-500-apim stream_only_failure confirmed 2.29.0 = 1
a:4142 stream-500-apim version_regression confirmed 2.29.0 = 1
b:4142 stream-500-apim stream_only_failure confirmed 2.29.0 = 1`},
		{"llmtap-why", "Works or fails", "A", cell, `
buf-block direct stream=true = 1
cut-rst direct stream=true = 0
moody direct stream=false = 1
moody framework stream=true = 0.5
ok-azure direct stream=false = 1
ok-azure direct stream=true = 1
option-400 framework stream=true = 0
param-max direct stream=false = 1
param-max framework stream=false = 0
param-temperature framework stream=false = 0.6
rate-429 direct stream=false = 0
refuse-400 direct stream=false = 1
refuse-400 framework stream=true = 0
refuse-plain direct stream=false = 0
refuse-plain direct stream=true = 1
serr-done direct stream=true = 0
stream-500-apim direct stream=false = 1
stream-500-apim framework stream=false = 1
stream-500-apim framework stream=true = 0
unclean-done direct stream=true = 1`},
		{"llmtap-why", "Out of how many calls", "A", cell, `
buf-block direct stream=true = 2
cut-rst direct stream=true = 12
moody direct stream=false = 2
moody framework stream=true = 2
ok-azure direct stream=false = 1
ok-azure direct stream=true = 2
option-400 framework stream=true = 1
param-max direct stream=false = 1
param-max framework stream=false = 2
param-temperature framework stream=false = 5
rate-429 direct stream=false = 6
refuse-400 direct stream=false = 2
refuse-400 framework stream=true = 1
refuse-plain direct stream=false = 2
refuse-plain direct stream=true = 2
serr-done direct stream=true = 1
stream-500-apim direct stream=false = 4
stream-500-apim framework stream=false = 5
stream-500-apim framework stream=true = 5
unclean-done direct stream=true = 2`},
		{"llmtap-why", "Streaming support", "A", []string{"gen_ai_request_model"}, `
buf-block = 1
cut-rst = 0
moody = 1
ok-azure = 1
option-400 = 0
param-max = 0
param-temperature = 0
rate-429 = 0
refuse-400 = 3
refuse-plain = 1
serr-done = 0
stream-500-apim = 2
unclean-done = 1`},
		{"llmtap-why", "Client versions", "A", client, "curl 8.5.0 = 40\njupyter-ai 2.11.0 = 12\njupyter-ai 2.29.0 = 9"},
		{"llmtap-why", "Client versions", "C", client, "jupyter-ai 2.29.0 = 1"},
		{"llmtap-versions", "Streamed, by version", "A", client, "curl 8.5.0 = 0.55\njupyter-ai 2.11.0 = 0.1667\njupyter-ai 2.29.0 = 0.7778"},
		{"llmtap-versions", "Ended ok, by version", "A", client, "curl 8.5.0 = 0.4615\njupyter-ai 2.11.0 = 0.75\njupyter-ai 2.29.0 = 0"},
		{"llmtap-compare", "A: ended ok", "A", nil, "= 0.4615"},
		{"llmtap-compare", "A: ended ok", "B", nil, "= 39"},
		{"llmtap-compare", "B: ended ok", "A", nil, "= 0.4286"},
		{"llmtap-compare", "B: ended ok", "B", nil, "= 21"},
		{"llmtap-compare", "B - A: ended ok", "A", nil, "= -0.033"},
	}
}

// values holds the numbers of the dashboards against what the story did.
func (d *told) values(t *testing.T) {
	queries := committed(t)
	fill := everything()
	fill["target"] = "llm[.]example"
	for _, e := range expectations() {
		i := slices.IndexFunc(queries, func(q boards.Query) bool { return q.Board == e.board && q.Place == e.place && q.Ref == e.ref })
		if i < 0 {
			t.Errorf("no query %s: %s %s", e.board, e.place, e.ref)
			continue
		}
		expr, err := boards.Fill(queries[i].Expr, fill)
		if err != nil {
			t.Fatal(err)
		}
		v, err := d.at(expr, d.to)
		if err != nil {
			t.Fatalf("%s: %v", queries[i], err)
		}
		var got []string
		for _, s := range v {
			var words []string
			for _, l := range e.by {
				if x := s.Metric.Get(l); x != "" {
					words = append(words, x)
				}
			}
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s = %g", strings.Join(words, " "), math.Round(s.F*1e4)/1e4)))
		}
		slices.Sort(got)
		if g, want := strings.Join(got, "\n"), strings.TrimSpace(e.lines); g != want {
			t.Errorf("%s: got\n%s\nwant\n%s", queries[i], g, want)
		}
	}
}

// fired are the minutes of the story from which on and until when an alert's
// condition holds for what the story did; `for` is not waited for. What the zoo
// of faults sets off is left out.
const fired = `
LLMAgentLabelsFolded gen_ai_request_model: 143-150
LLMAgentLosingRecords a:4142: 101-109
LLMAgentLosingRecords b:4142: 101-109
LLMClientVersionRegression param-temperature jupyter-ai 2.29.0: 83-150
LLMClientVersionRegression stream-500-apim jupyter-ai 2.29.0: 66-150
LLMFrameworkOnlyFailure param-max jupyter-ai: 81-150
LLMHopDeadline: 128-150
LLMPlainCallsFail refuse-plain: 76-150
LLMProviderThrottling: 141-150
LLMStreamOptionRejected option-400 jupyter-ai: 141-150
LLMStreamingIncompatibilitySuspected counts stream-500-apim: 61-120
LLMStreamingIncompatibilitySuspected verdict moody: 21-40
LLMStreamingIncompatibilitySuspected verdict refuse-400: 71-150
LLMStreamingIncompatibilitySuspected verdict stream-500-apim: 61-150
LLMStreamingRefused refuse-400: 71-150
LLMStreamsBuffered: 123-150
LLMStreamsCut cut-rst: 135-150
LLMTrafficBypassesAgent: 1-5`

// alerts holds the conditions of all alerts against what the story did: none
// misses what happened, and none sees what did not.
func (d *told) alerts(t *testing.T) {
	var got []string
	for _, r := range rules(t, d.server) {
		if r.Alert == "" {
			continue
		}
		m, err := d.over(r.Expr, d.from, d.to)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range m {
			if s.Metric.Get("server_address") == zoo {
				continue
			}
			words := []string{r.Alert, r.Labels["evidence"]}
			for _, l := range []string{"instance", "gen_ai_request_model", "label", "client_name", "client_version"} {
				words = append(words, s.Metric.Get(l))
			}
			minute := func(ms int64) int { return int(time.UnixMilli(ms).Sub(epoch()).Minutes()) }
			got = append(got, fmt.Sprintf("%s: %d-%d", strings.Join(strings.Fields(strings.Join(words, " ")), " "),
				minute(s.Floats[0].T), minute(s.Floats[len(s.Floats)-1].T)))
		}
	}
	slices.Sort(got)
	if g, want := strings.Join(got, "\n"), strings.TrimSpace(fired); g != want {
		t.Errorf("conditions that held: got\n%s\nwant\n%s", g, want)
	}
}

// classes: every class of the agent's table is seen on the landing dashboard,
// as a failure or as something noticed.
func (d *told) classes(t *testing.T) {
	seen := map[string]bool{}
	for _, metric := range []string{"llmtap_call_failures_total", "llmtap_call_findings_total"} {
		v, err := d.at("count by (failure_class) ("+metric+")", d.to)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range v {
			seen[s.Metric.Get("failure_class")] = true
		}
	}
	for _, c := range gen.Classes() {
		if !seen[c.Name] {
			t.Errorf("the story has no %s", c.Name)
		}
	}
}
