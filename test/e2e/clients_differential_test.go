//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"llmtap/internal/faultllm"
)

// leftOut lists the scenarios that the comparison cannot make, and why.
func leftOut() map[string]string {
	return map[string]string{
		"bench": "each event carries its send time, so no two answers are equal",
	}
}

// queries are the paces beside the common one: a thousandth of every wait.
func queries(id string) map[string]string {
	q := map[string]string{"scale": "0.001"}
	switch id {
	case "cl-cancel":
		q["chunks"] = "20" // of 1000
	case "bomb":
		q["bytes"] = "1048576" // of 32 MiB
	case "big-line":
		q["bytes"] = "262144" // of 2 MiB
	}
	return q
}

// tasks is the whole matrix of one client: every scenario plain and streamed,
// and what needs several calls or another address.
func tasks(t *testing.T, p program) []task {
	t.Helper()
	var list []task
	for _, s := range faultllm.Scenarios() {
		if !s.Chat() || leftOut()[s.ID] != "" {
			continue
		}
		for _, stream := range []bool{false, true} {
			k := task{Name: s.ID + "/" + mode(stream), Kind: p.anyKind, Scenario: s.ID, Stream: stream, Query: queries(s.ID)}
			switch {
			case s.API == faultllm.APIAzure, strings.HasPrefix(s.ID, "early-"), strings.HasPrefix(s.ID, "expect-"), s.ID == "half-close", s.ID == "switch-101":
				k.Kind = "azure"
			case s.API == faultllm.APIOpenAI:
				k.Kind = "openai"
			}
			if s.Needs != "" {
				if err := json.Unmarshal([]byte("{"+s.Needs+"}"), &k.Extra); err != nil {
					t.Fatalf("%s needs %s: %v", s.ID, s.Needs, err)
				}
			}
			list = append(list, k)
		}
	}
	for _, stream := range []bool{false, true} {
		list = append(list,
			task{Name: "custom-host/" + mode(stream), Kind: "custom", Scenario: "healthy-owl", Stream: stream},
			task{Name: "reused-connection/" + mode(stream), Kind: "azure", Scenario: "ok-plain", Stream: stream, Repeat: 3},
			task{Name: "retried-500/" + mode(stream), Kind: "custom", Scenario: "e500-openai", Stream: stream, Retries: 2})
	}
	return list
}

func mode(stream bool) string {
	if stream {
		return "stream"
	}
	return "plain"
}

// verdicts collects the cells of the table.
type verdicts struct {
	mu    sync.Mutex
	cells map[string]map[string]string // scenario, client
}

func (v *verdicts) set(scenario, client, verdict string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cells[scenario] == nil {
		v.cells[scenario] = map[string]string{}
	}
	v.cells[scenario][client] = verdict
}

// table is the comparison for people: one line a scenario and mode.
func (v *verdicts) table(clients []program) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprint(w, "direct = through the agent?")
	for _, c := range clients {
		_, _ = fmt.Fprintf(w, "\t%s", c.name)
	}
	for _, s := range slices.Sorted(maps.Keys(v.cells)) {
		_, _ = fmt.Fprintf(w, "\n%s", s)
		for _, c := range clients {
			_, _ = fmt.Fprintf(w, "\t%s", v.cells[s][c.name])
		}
	}
	_ = w.Flush()
	return b.String()
}

// TestDifferential plays every scenario with every client, directly and through
// the agent: what the client shows its user must be the same.
func TestDifferential(t *testing.T) {
	clients, id := programs(t), newIdentity(t)
	all := &verdicts{cells: map[string]map[string]string{}}
	t.Run("clients", func(t *testing.T) {
		for _, p := range clients {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				compare(t, p, id, all)
			})
		}
	})
	t.Logf("left out: %v\n%s", leftOut(), all.table(clients))
}

// compare plays one client's matrix on both ways and checks the agent's records.
func compare(t *testing.T, p program, id identity, all *verdicts) {
	t.Helper()
	list := tasks(t, p)
	straight, tapped := newInternet(t, id), newInternet(t, id)
	a := behind(t, tapped)
	want := p.play(t, directEnv(t, straight), list)
	got := p.play(t, throughEnv(t, a), list)
	if len(got) != len(want) || len(want) < len(list) {
		t.Fatalf("%d calls directly, %d through the agent, want %d or more each", len(want), len(got), len(list))
	}
	for i := range want {
		verdict := "same"
		if got[i] != want[i] {
			verdict = "DIFFERENT"
			t.Errorf("%s differs\n direct:  %s\n through: %s", want[i].name, clip(want[i].text), clip(got[i].text))
		}
		all.set(want[i].name, p.name, verdict)
	}
	checkShown(t, p, got)
	if d, u := straight.asked(), tapped.asked(); len(d) == 0 || len(u) == 0 {
		t.Errorf("connections: %d directly, %d through the agent: a leg did not go where it should", len(d), len(u))
	}
	checkRecords(t, a, p, list)
}

func clip(s string) string {
	if len(s) > 1500 {
		return s[:700] + " … " + s[len(s)-700:]
	}
	return s
}

// shown is what some clients are known to show their user: the comparison of
// two equal nothings would prove nothing.
func shown() map[string]map[string]string {
	silent := `"ok":true,"n_events":0`
	return map[string]map[string]string{
		"openai-python-new": {
			"ok-plain/plain": "Owls hunt", "ok-plain/stream": "Owls hunt", "e500-openai/stream": "openai.InternalServerError", "refuse-400/stream": "openai.BadRequestError",
			"rate-429/plain": "openai.RateLimitError", "auth-401/plain": "openai.AuthenticationError", "mode-json/stream": silent,
			"cut-chunk/stream": "openai.APIConnectionError", "serr-done/stream": "openai.APIError", "sse-retryline/stream": "JSONDecodeError", "inc-eof/stream": `"ok":true`,
		},
		"openai-python-1.6.1": {
			"ok-plain/stream": "Owls hunt", "e500-openai/stream": "openai.InternalServerError", "mode-json/stream": silent,
			"cut-chunk/stream": "httpx.RemoteProtocolError", "serr-done/stream": "An error occurred during streaming",
		},
		"langchain-openai": {
			"ok-plain/stream": "Owls hunt", "e500-openai/stream": "OpenAIAPIError", "refuse-400/stream": "OpenAIInvalidRequestError",
			"mode-json/stream": "No generation chunks were returned", "cut-chunk/stream": "OpenAIConnectionError", "serr-done/stream": "openai.APIError",
		},
		"openai-node": {
			"ok-plain/stream": "Owls hunt", "e500-openai/stream": "InternalServerError", "cut-chunk/stream": "UND_ERR_SOCKET", "cut-rst/stream": "ECONNRESET",
			"serr-done/stream": "APIError", "bad-json/stream": "SyntaxError", "mode-json/stream": silent,
		},
		"openai-go": {
			"ok-plain/stream": "Owls hunt", "e500-openai/stream": "The server had an error", "cut-chunk/stream": "INTERNAL_ERROR", "cut-rst/stream": "connection reset by peer",
			"serr-done/stream": "received error while streaming", "bad-json/stream": "*json.SyntaxError",
		},
		"curl-h1": {"ok-plain/stream": "data: [DONE]", "cut-chunk/stream": "exit 18", "cut-rst/stream": "exit 56", "e500-openai/stream": "HTTP/1.1 500", "trailers/stream": "X-Answer-Tokens"},
		"curl-h2": {"ok-plain/stream": "data: [DONE]", "cut-h2/stream": "exit 92", "cut-rst/stream": "exit 56", "e500-openai/stream": "HTTP/2 500"},
	}
}

func checkShown(t *testing.T, p program, got []outcome) {
	t.Helper()
	for name, want := range shown()[p.name] {
		i := slices.IndexFunc(got, func(o outcome) bool { return o.name == name })
		if i < 0 {
			t.Errorf("%s was not played", name)
			continue
		}
		if !strings.Contains(got[i].text, want) {
			t.Errorf("%s shows %s, want %q in it", name, clip(got[i].text), want)
		}
	}
}
