package diagnose_test

import (
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

var azureTarget = call.Target{Provider: "azure.ai.openai", API: "azure.openai.chat", Deployment: "gpt4-eu", Model: "gpt4-eu"}

// off is what the client is told about turning streams off.
func off(c call.Client, t call.Target) string {
	return strings.Join(diagnose.Advise([]string{"u.off"}, diagnose.Case{Client: c, Target: t, Mode: call.ModeStream}), "\n")
}

// TestStreamingOffFitsTheVersion is the table of what was measured per version:
// what helps, what does not, and the deployment's own name in it.
func TestStreamingOffFitsTheVersion(t *testing.T) {
	const (
		setting   = `c.AiExtension.model_parameters = {"azure-chat-openai:gpt4-eu": {"disable_streaming": True}}`
		modelName = "choose the model id `azure/o_series/gpt4-eu`"
	)
	jupyter := func(version, rule string) call.Client {
		return call.Client{Kind: call.ClientFramework, Name: "jupyter-ai", Version: version, Rule: rule}
	}
	for name, tc := range map[string]struct {
		client     call.Client
		want, lack []string
	}{
		"2.29.0":               {jupyter("2.29.0", "jai-chat-2"), []string{"Jupyter AI 2.29.0: ", setting, `fields["azure-chat-openai:gpt4-eu"]`}, []string{"o_series", "upgrade"}},
		"2.31.7":               {jupyter("2.31.7", "jai-chat-2"), []string{"Jupyter AI 2.31.7: ", setting}, []string{"o_series", "upgrade"}},
		"2.28.5 upgrades":      {jupyter("2.28.5", "jai-chat-2"), []string{"Jupyter AI 2.28.5: upgrade to 2.29 or later first", "empty answer", setting}, []string{"o_series"}},
		"2.19.0 upgrades":      {jupyter("2.19.0", "jai-chat-2"), []string{"Jupyter AI 2.19.0: upgrade to 2.29 or later first", setting}, []string{"o_series"}},
		"2.18.1 never streams": {jupyter("2.18.1", ""), []string{"Jupyter AI 2.18.1 itself does not ask for streams", setting}, []string{"o_series"}},
		"3.2.0":                {jupyter("3.2.0", "jai-chat-3"), []string{"Jupyter AI 3.2.0: it ignores `disable_streaming`", modelName}, []string{"AiExtension"}},
		"4 is not older":       {jupyter("4.0", ""), []string{modelName}, []string{"AiExtension"}},
		"prompt of 3":          {jupyter("", "jai-chat-3"), []string{"told from its prompt", modelName}, []string{"AiExtension"}},
		"prompt of 2":          {jupyter("", "jai-chat-2"), []string{"Jupyter AI 2.29 to 2.31: ", setting, "2.19 to 2.28: upgrade"}, []string{"o_series"}},
		"no version":           {jupyter("", "jai-generate"), []string{"Jupyter AI 2.29 to 2.31: ", setting, "Jupyter AI 3.2: ", modelName, "2.19 to 2.28: upgrade"}, nil},
		"odd version":          {jupyter("dev", ""), []string{"Jupyter AI 2.29 to 2.31: ", "Jupyter AI 3.2: "}, []string{"dev"}},
		"langchain":            {call.Client{Kind: call.ClientFramework, Name: "langchain"}, []string{"disable_streaming=True"}, []string{"Jupyter", "SDK"}},
		"langchain-js":         {call.Client{Kind: call.ClientFramework, Name: "langchain-js"}, []string{"disableStreaming: true"}, []string{"Jupyter"}},
		"litellm":              {call.Client{Kind: call.ClientFramework, Name: "litellm"}, []string{"`stream=False`", modelName}, []string{"AiExtension"}},
		"llama-index":          {call.Client{Kind: call.ClientFramework, Name: "llama-index"}, []string{"instead of `stream_chat`"}, []string{"Jupyter"}},
		"vercel-ai":            {call.Client{Kind: call.ClientFramework, Name: "vercel-ai"}, []string{"`generateText`"}, []string{"Jupyter"}},
		"an SDK":               {call.Client{Kind: call.ClientDirect, Name: "openai-python", Version: "2.8.1"}, []string{"`stream=False`"}, []string{"Jupyter", "LangChain"}},
		"nobody known":         {call.Client{}, []string{"LangChain: ", "Jupyter AI 2.29", "Jupyter AI 3.2", "SDK"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := off(tc.client, azureTarget)
			if !strings.HasPrefix(got, "Turn streaming off for this model. ") {
				t.Errorf("got %s", got)
			}
			for _, w := range tc.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is missing in\n%s", w, got)
				}
			}
			for _, l := range tc.lack {
				if strings.Contains(got, l) {
					t.Errorf("%q does not belong in\n%s", l, got)
				}
			}
		})
	}
}

// TestSettingsNameTheModel: only names that can be copied stand in a setting.
func TestSettingsNameTheModel(t *testing.T) {
	c := call.Client{Kind: call.ClientFramework, Name: "jupyter-ai", Version: "2.29.0"}
	for name, tc := range map[string]struct {
		target call.Target
		want   string
	}{
		"azure":    {azureTarget, `{"azure-chat-openai:gpt4-eu": {`},
		"no API":   {call.Target{Provider: "azure.ai.openai", Deployment: "gpt4-eu"}, `{"azure-chat-openai:gpt4-eu": {`},
		"openai":   {call.Target{Provider: "openai", API: "openai.chat", Model: "gpt-4o-mini"}, `{"openai-chat:gpt-4o-mini": {`},
		"other":    {call.Target{Provider: "groq", API: "openai.chat", Model: "llama-3.1"}, `{"<provider>:llama-3.1": {`},
		"nothing":  {call.Target{}, `{"<provider>:<model>": {`},
		"a quote":  {call.Target{API: "azure.openai.chat", Deployment: `x": {}} #`}, `{"azure-chat-openai:<deployment>": {`},
		"a mask":   {call.Target{API: "azure.openai.chat", Deployment: "REDACTED"}, `{"azure-chat-openai:<deployment>": {`},
		"too long": {call.Target{API: "azure.openai.chat", Deployment: strings.Repeat("x", 65)}, `{"azure-chat-openai:<deployment>": {`},
	} {
		if got := off(c, tc.target); !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q is missing in\n%s", name, tc.want, got)
		}
	}
	c.Version = "3.2.0"
	if got := off(c, call.Target{Provider: "openai", API: "openai.chat", Model: "m"}); strings.Contains(got, "o_series") || !strings.Contains(got, "%%ai") {
		t.Errorf("o_series is Azure's: %s", got)
	}
}

func TestAdviceSaysWhoIsToActAndKeepsTheOrder(t *testing.T) {
	c := diagnose.Case{Client: call.Client{Kind: call.ClientDirect}, Target: azureTarget, Mode: call.ModeStream}
	got := diagnose.Advise([]string{"u.off", "u.plain", "none such", "a.off", "o.refuse"}, c)
	if len(got) != 4 || !strings.HasPrefix(got[1], "Until it is mended leave `stream` out") || !strings.HasPrefix(got[2], "Admin: Set `disable_streaming`") ||
		!strings.HasPrefix(got[3], "API owner: If streaming cannot work") {
		t.Errorf("got %q", got)
	}
	for name, want := range map[string]string{"jupyter-ai": "use `/generate` or `%%ai`: they", "langchain": "use `/generate` or `%%ai`, or a direct call"} {
		c.Client = call.Client{Kind: call.ClientFramework, Name: name}
		if got := diagnose.Advise([]string{"u.plain"}, c); !strings.Contains(got[0], want) {
			t.Errorf("%s is told %q", name, got)
		}
	}
}

// TestJupyterAI3IsNotSentToGenerate: the command ended with Jupyter AI 2.
func TestJupyterAI3IsNotSentToGenerate(t *testing.T) {
	for name, c := range map[string]call.Client{
		"by its version": {Kind: call.ClientFramework, Name: "jupyter-ai", Version: "3.2.0"},
		"by its prompt":  {Kind: call.ClientFramework, Name: "jupyter-ai", Rule: "jai-chat-3"},
	} {
		got := diagnose.Advise([]string{"u.plain"}, diagnose.Case{Client: c, Mode: call.ModeStream})
		if len(got) != 1 || strings.Contains(got[0], "/generate") || !strings.Contains(got[0], "use `%%ai`") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestAdministratorsAreNotToldWhatTheirVersionIgnores: no setting of Jupyter AI
// 3 stops its streams.
func TestAdministratorsAreNotToldWhatTheirVersionIgnores(t *testing.T) {
	for name, c := range map[string]call.Client{
		"version": {Name: "jupyter-ai", Version: "3.2.0"}, "prompt": {Name: "jupyter-ai", Rule: "jai-chat-3"},
	} {
		if got := diagnose.Advise([]string{"a.off"}, diagnose.Case{Client: c}); len(got) != 1 || !strings.HasPrefix(got[0], "Admin: On a gateway of your own") {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := diagnose.Advise([]string{"a.off"}, diagnose.Case{Client: call.Client{Name: "jupyter-ai", Version: "2.31.7"}}); !strings.Contains(got[0], "disable_streaming") {
		t.Errorf("2.31.7: %q", got)
	}
}

// TestPlainCallsAreNotToldToBePlain: an opaque 500 of a plain call has another cure.
func TestPlainCallsAreNotToldToBePlain(t *testing.T) {
	if got := diagnose.Advise([]string{"u.off", "u.plain", "a.ask"}, diagnose.Case{Mode: call.ModePlain}); len(got) != 1 || !strings.HasPrefix(got[0], "Admin: Send the owner") {
		t.Errorf("got %q", got)
	}
}

// TestFailuresBeforeAnyCallHaveTheirCure: the exceptions of known broken sets
// of versions, as users paste them.
func TestFailuresBeforeAnyCallHaveTheirCure(t *testing.T) {
	for text, want := range map[string]string{
		"Client.__init__() got an unexpected keyword argument 'proxies'":                            `pip install "httpx<0.28"`,
		"litellm.APIConnectionError: cannot import name 'CacheableResult' from 'mcp.types'":         `pip install "litellm<1.100"`,
		"Must provide either the `api_version` argument or the `OPENAI_API_VERSION` environment":    "2.28.3 or later",
		"AsyncCompletions.create() got an unexpected keyword argument 'azure_openai_api_key'":       "2.17 or later",
		"Missing credentials. Please pass one of `api_key`, or the `AZURE_OPENAI_API_KEY` variable": "2.17 or later",
		"Azure endpoints should be specified via azure_endpoint":                                    "2.17 or later",
		"AsyncCompletions.create() got an unexpected keyword argument 'disable_streaming'":          "langchain-core 0.2.29",
		"KeyError: 'x'": "Upgrade the client",
	} {
		r := record(func(r *call.Record) {
			*r = call.Record{Client: call.Client{Kind: call.ClientFramework, Name: "jupyter-ai"}, End: call.End{Reason: "TypeError", Detail: text}}
		})
		d := diagnose.Classify(r)
		if d.Class != call.ClassFailedBeforeCall || !slices.ContainsFunc(d.Remedy, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%s: %s says %q", text, d.Class, d.Remedy)
		}
	}
}
