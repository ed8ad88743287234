package capture

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/faultllm"
)

// agreed is what the records of a streamed and of a plain answer of the same
// content have in common.
type agreed struct {
	Provider, Asked, Model, ID string
	Finish                     []string
	Usage                      call.Usage
	Class, Outcome             string
}

// bothWays are one question in both forms.
type bothWays struct {
	name, host      string
	streamed, plain faultllm.Request
}

// questions are all dialects' ways to ask a scenario.
func questions(sc faultllm.Scenario) []bothWays {
	const chat, azure = "/v1/chat/completions", "/openai/deployments/"
	list := []bothWays{
		{name: "openai", host: "api.openai.com", streamed: faultllm.Request{Path: chat, Body: sc.Body(true)}, plain: faultllm.Request{Path: chat, Body: sc.Body(false)}},
		{name: "mistral", host: "api.mistral.ai", streamed: faultllm.Request{Path: chat, Body: sc.Body(true)}, plain: faultllm.Request{Path: chat, Body: sc.Body(false)}},
	}
	dated := azure + sc.ID + "/chat/completions?api-version=2024-10-21"
	list = append(list, bothWays{
		name: "azure", host: "owls.openai.azure.com", streamed: faultllm.Request{Path: dated, Body: sc.Body(true)}, plain: faultllm.Request{Path: dated, Body: sc.Body(false)},
	})
	for _, q := range sc.Requests(true) {
		plain := sc.Requests(false)
		i := slices.IndexFunc(plain, func(p faultllm.Request) bool { return p.API == q.API })
		list = append(list, bothWays{name: q.API, host: dialectHosts[q.API], streamed: q, plain: plain[i]})
	}
	for i := range list { // chat completions tell the usage of a stream only if asked
		body := strings.TrimSuffix(string(list[i].streamed.Body), "}") + `,"stream_options":{"include_usage":true}}`
		if slices.Contains([]string{"openai", "mistral", "azure", faultllm.APICompletions}, list[i].name) {
			list[i].streamed.Body = []byte(body)
		}
	}
	return list
}

// TestStreamedRecordEqualsPlain: in every dialect that streams, the record of an
// answer says the same whether it came in pieces or in one: a text, and a call
// of a tool.
func TestStreamedRecordEqualsPlain(t *testing.T) {
	tried := map[string]int{}
	for _, id := range []string{"ok-plain", "ok-tools"} {
		sc := scenarioNamed(t, id)
		for _, q := range questions(sc) {
			tried[q.name]++
			t.Run(id+"/"+q.name, func(t *testing.T) {
				var streamed, plain agreed
				synctest.Test(t, func(t *testing.T) { streamed = agreedOf(t, sc, q.host, q.streamed, call.ModeStream) })
				synctest.Test(t, func(t *testing.T) { plain = agreedOf(t, sc, q.host, q.plain, call.ModePlain) })
				if d := cmp.Diff(plain, streamed); d != "" {
					t.Errorf("(-plain +streamed):\n%s", d)
				}
				if len(plain.Finish) == 0 || !plain.Usage.Output.Known || plain.Class != "ok" {
					t.Errorf("%+v: nothing to compare", plain)
				}
			})
		}
	}
	for api := range dialectHosts {
		if tried[api] == 0 && api != faultllm.APIEmbeddings { // they never stream
			t.Errorf("%s was not tried", api)
		}
	}
}

func scenarioNamed(t *testing.T, id string) faultllm.Scenario {
	t.Helper()
	all := faultllm.Scenarios()
	i := slices.IndexFunc(all, func(s faultllm.Scenario) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("no scenario %s", id)
	}
	return all[i]
}

// agreedOf plays the request and takes its record.
func agreedOf(t *testing.T, sc faultllm.Scenario, host string, q faultllm.Request, mode call.Mode) agreed {
	t.Helper()
	r := classified(t, playScenario(t, sc, host, q.Path, string(q.Body)))
	if r.Request.Mode != mode {
		t.Errorf("%s %s: mode %v, want %v", q.API, q.Path, r.Request.Mode, mode)
	}
	return agreed{
		Provider: r.Target.Provider, Asked: r.Target.Model, Model: r.Response.Model, ID: r.Response.ID,
		Finish: r.Response.FinishReasons, Usage: r.Usage, Class: r.Diagnosis.Class.String(), Outcome: r.Outcome().String(),
	}
}
