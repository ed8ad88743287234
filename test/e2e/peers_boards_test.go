//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmtap/test/boards"
)

// TestDashboards asks a real Prometheus, which scrapes two real agents and
// evaluates our rules, everything that the dashboards ask.
func TestDashboards(t *testing.T) {
	t.Parallel()
	root, err := peerRoot()
	if err != nil {
		t.Fatal(err)
	}
	queries, err := boards.Load(filepath.Join(root, "dashboards", "json"))
	if err != nil {
		t.Fatal(err)
	}
	j, up := startPeerJaeger(t), peerUpstream(t)
	setup := peerSetup{up: up, env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" + j.http, "OTEL_BSP_SCHEDULE_DELAY=200"}}
	a, b := peerStart(t, setup), peerStart(t, setup)
	p := startPeerPromOf(t, filepath.Join(root, "dashboards", "rules", "*.yaml"), a, b)
	began := time.Now()
	peerBoardsStory(t, p, up, a, b)

	t.Run("every query returns data", func(t *testing.T) {
		for _, q := range queries {
			peerUntil(t, 40*time.Second, func() string { return p.answers(q, began) })
		}
	})
	t.Run("agents are not counted twice", func(t *testing.T) { peerBoardsTogether(t, p, queries) })
	t.Run("rules", func(t *testing.T) { peerBoardsRules(t, p) })
	t.Run("exemplars lead to traces", func(t *testing.T) { peerBoardsExemplars(t, p, j, queries) })
}

// peerBoardsStory plays, before both agents, what the dashboards look for; twice,
// because a rate needs a second call after the first was scraped.
func peerBoardsStory(t *testing.T, p *peerProm, up *peerService, agents ...*peerAgent) {
	t.Helper()
	curl := func(version string) map[string]string {
		return map[string]string{"User-Agent": "curl/" + version, "api-key": "e2e-key"}
	}
	for round := 1; round <= 2; round++ {
		n := 0
		ask := func(more string) string {
			n++
			return fmt.Sprintf(`{"messages":[{"role":"user","content":"Who owns owl %d of round %d?"}]%s}`, n, round, more)
		}
		for _, a := range agents {
			if round == 1 {
				peerStory(t, a, up)
			}
			c := a.client(false)
			send := func(deployment, query, more string, headers map[string]string) {
				t.Helper()
				resp := peerOpen(t, c, peerCall{peerDeployment(up.base(), deployment) + query, ask(more), headers})
				_, _ = io.Copy(io.Discard, resp.Body) // a fault may break it off
				_ = resp.Body.Close()
			}
			const stream, hot = `,"stream":true`, `,"temperature":0.7`
			send("refuse-400", "", "", curl("8.5.0")) // refused in words
			send("refuse-400", "", stream, curl("8.5.0"))
			send("refuse-400", "", "", curl("8.5.0"))
			for _, more := range []string{"", "", hot, hot, ""} { // broke with a version
				send("param-temperature", "", more, curl(map[string]string{"": "8.5.0", hot: "8.6.0"}[more]))
			}
			for _, headers := range []map[string]string{curl("8.5.0"), peerFramework(0)} { // work both ways
				send("ok-azure", "", stream, headers)
				send("ok-azure", "", "", headers)
			}
			send("cut-rst", "", stream, curl("8.5.0"))
			send("buf-block", "&scale=0.15", stream, curl("8.5.0"))
		}
		want := strconv.Itoa(len(agents) * round * 2)
		peerUntil(t, 30*time.Second, func() string {
			if got := p.value(`sum(llmtap_calls_total{gen_ai_request_model="ok-azure",gen_ai_request_stream="true",outcome="ok"})`); got != want {
				return "streams scraped: " + got + ", want " + want
			}
			return ""
		})
	}
}

// peerBoardsFill are the values of Grafana's variables: all, over ten minutes.
func peerBoardsFill() map[string]string { return boards.All("600s", "4s", "5s") }

// peerSeries is one series of an answer.
type peerSeries struct {
	Metric map[string]string
	Value  [2]any
	Values [][2]any
}

// answers says what is wrong with the answer to a dashboard's query so far.
func (p *peerProm) answers(q boards.Query, began time.Time) string {
	expr, err := boards.Fill(q.Expr, peerBoardsFill())
	if err != nil {
		return err.Error()
	}
	var data struct{ Result []peerSeries }
	now := time.Now()
	values := url.Values{"query": {expr}, "start": {unix(began)}, "end": {unix(now)}, "step": {"1"}}
	if err := p.ask("/api/v1/query_range", values, &data); err != nil {
		return fmt.Sprintf("%s: %v", q, err)
	}
	for _, s := range data.Result {
		for _, v := range s.Values {
			if f, err := strconv.ParseFloat(fmt.Sprint(v[1]), 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
				return ""
			}
		}
	}
	return fmt.Sprintf("%s: no number: %s", q, expr)
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// instant asks one dashboard query for one model now.
func (p *peerProm) instant(t *testing.T, queries []boards.Query, place, model string) map[string]string {
	t.Helper()
	fill := peerBoardsFill()
	fill["model"] = model
	for _, q := range queries {
		if q.Board != "llmtap-why" || q.Place != place {
			continue
		}
		expr, err := boards.Fill(q.Expr, fill)
		if err != nil {
			t.Fatal(err)
		}
		var data struct{ Result []peerSeries }
		if err := p.ask("/api/v1/query", url.Values{"query": {expr}}, &data); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, s := range data.Result {
			out[strings.TrimSpace(s.Metric["cell"]+" "+s.Metric["verdict"]+" "+s.Metric["instance"])] = fmt.Sprint(s.Value[1])
		}
		return out
	}
	t.Fatalf("no query %s", place)
	return nil
}

// peerBoardsTogether: two agents that saw the same are two witnesses of one
// verdict, and their calls add up.
func peerBoardsTogether(t *testing.T, p *peerProm, queries []boards.Query) {
	const model = peerStoryFailing
	want := map[string]string{"framework stream=true": "2", "framework stream=false": "2", "direct stream=false": "2"}
	peerUntil(t, 30*time.Second, func() string {
		if got := p.instant(t, queries, "Out of how many calls", model); fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Sprintf("calls %v, want %v", got, want)
		}
		return ""
	})
	ratios := map[string]string{"framework stream=true": "0", "framework stream=false": "1", "direct stream=false": "1"}
	if got := p.instant(t, queries, "Works or fails", model); fmt.Sprint(got) != fmt.Sprint(ratios) {
		t.Errorf("shares %v, want %v", got, ratios)
	}
	if got := p.value(`count(llmtap_verdict{verdict="stream_only_failure",gen_ai_request_model="` + model + `"} == 1)`); got != "2" {
		t.Errorf("%s agents show the verdict, want 2", got)
	}
	open := p.instant(t, queries, "Open verdicts", ".+")
	if got := p.value(`count(count by (verdict, server_address, gen_ai_request_model) (llmtap_verdict == 1))`); fmt.Sprint(open) != "map[:"+got+"]" {
		t.Errorf("open verdicts %v, want %s", open, got)
	}
}

// peerBoardsRules: the server has all our rules, none fails, and what the story
// did fires.
func peerBoardsRules(t *testing.T, p *peerProm) {
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	if err := p.ask("/api/v1/rules", nil, &data); err != nil {
		t.Fatal(err)
	}
	firing := map[string]bool{}
	n := 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			n++
			if r.Health != "ok" {
				t.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
			firing[r.Name] = firing[r.Name] || r.State == "firing"
		}
	}
	for _, name := range []string{"LLMStreamingRefused", "LLMStreamingIncompatibilitySuspected", "LLMClientVersionRegression"} {
		if !firing[name] {
			t.Errorf("%s does not fire", name)
		}
	}
	if n < 30 {
		t.Errorf("the server knows only %d rules", n)
	}
}

// peerBoardsExemplars: every panel that asks for exemplars gets some, and each
// is a trace that Jaeger has.
func peerBoardsExemplars(t *testing.T, p *peerProm, j *peerJaeger, queries []boards.Query) {
	panels := 0
	for _, q := range queries {
		if !q.Exemplar {
			continue
		}
		panels++
		expr, err := boards.Fill(q.Expr, peerBoardsFill())
		if err != nil {
			t.Fatal(err)
		}
		found := p.exemplars(expr)
		if len(found) == 0 {
			t.Errorf("%s has no exemplars", q)
		}
		for _, trace := range found {
			peerUntil(t, 10*time.Second, func() string { return j.has(trace) })
		}
	}
	if panels < 5 {
		t.Errorf("only %d panels ask for exemplars", panels)
	}
}

// has says why Jaeger does not show a trace of ours.
func (j *peerJaeger) has(trace string) string {
	resp, err := peerDirect().Get("http://127.0.0.1:" + j.query + "/api/traces/" + trace)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		Data []struct {
			Spans []peerSpan
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return err.Error()
	}
	if len(out.Data) != 1 || len(out.Data[0].Spans) == 0 || out.Data[0].Spans[0].tag("llmtap.outcome") == "" {
		return "Jaeger has no trace " + trace
	}
	return ""
}
