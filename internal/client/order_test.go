package client_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/client"
)

// Requests that several rules of one table would take: the order decides.
func TestFirstRuleOfATableWins(t *testing.T) {
	for _, tc := range []struct {
		name, example string
		edit          func(*client.Facts)
		want          string
	}{
		{
			"the stop word says more than the system text", "jai-chat-2",
			func(f *client.Facts) { f.Prompt.Stop = []string{"\nHuman:"} },
			"jai-stop-chat",
		},
		{
			"the stop word says more than the fix text", "jai-fix",
			func(f *client.Facts) { f.Prompt.Stop = []string{"\nHuman:"} },
			"jai-stop-fix",
		},
		{
			"a product says more than a framework that names itself", "jai-generate",
			func(*client.Facts) {},
			"jai-generate",
		},
		{
			"a magic that asks to improve code is /generate's text", "jai-generate-5",
			func(f *client.Facts) { f.Prompt.LastUserTail = "Produce output in markdown format only." },
			"jai-generate",
		},
		{
			"a framework that names itself says more than SDK habits", "ua-lc-azure",
			func(f *client.Facts) { f.ModelNull = true },
			"ua-lc-azure",
		},
		{
			"a null model says more than a missing timeout", "ua-openai",
			func(f *client.Facts) {
				*f = with(*f, change{"user-agent": "AzureOpenAI/Python 1.99.0", "x-stainless-read-timeout": "-"})
				f.ModelNull = true
			},
			"sdk-lc-null",
		},
		{
			"the same request with a model", "ua-openai",
			func(f *client.Facts) {
				*f = with(*f, change{"user-agent": "AzureOpenAI/Python 1.99.0", "x-stainless-read-timeout": "-"})
			},
			"sdk-lc",
		},
		{
			"the SDK's own agent says more than generator headers", "ua-openai",
			func(f *client.Facts) { f.Path = "/v1/messages" },
			"ua-openai",
		},
	} {
		f := load(t, tc.example)
		tc.edit(&f)
		if got := client.Identify(f).Rule; got != tc.want {
			t.Errorf("%s: got rule %s, want %s", tc.name, got, tc.want)
		}
	}
}

// The o_series models get the system prompt as a user message.
func TestJupyternautForReasoningModels(t *testing.T) {
	f := load(t, "jai-chat-3")
	f.Prompt.FirstRole, f.Prompt.SystemText, f.Prompt.UserMessages = "user", "", 2
	if got := client.Identify(f); got.Rule != "jai-chat-3" || got.Surface != "chat" {
		t.Errorf("got rule %s, surface %s", got.Rule, got.Surface)
	}
}

// A version is only given where it is on the wire: constants and the versions
// of packages below stay out of it.
func TestVersionsAreNeverGuessed(t *testing.T) {
	for _, name := range []string{
		"jai-chat-2", "jai-chat-3", "ua-lc-azure", "ua-lc-js", "ua-lc-js-azure", "sdk-lc", "sdk-litellm", "sdk-llamaindex", "ua-vercel-stream",
	} {
		if got := client.Identify(load(t, name)); got.Version != "" {
			t.Errorf("%s: version %q is not on the wire", name, got.Version)
		}
	}
}

// Streamed and plain calls of one client must not look like two clients.
func TestStreamFlagDoesNotSplitAClient(t *testing.T) {
	for name := range examples {
		f := load(t, name)
		if f.Stream != call.StreamTrue && f.Stream != call.StreamFalse {
			continue
		}
		before := client.Identify(f)
		if f.Stream = call.StreamTrue; before.Rule != client.Identify(f).Rule {
			t.Errorf("%s: another rule when streamed", name)
		}
		if f.Stream = call.StreamFalse; before.Rule != client.Identify(f).Rule {
			t.Errorf("%s: another rule when plain", name)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add("OpenAI/Python 1.60.1", "python", "1.60.1", "You are Jupyternaut", "user", 1, true)
	f.Add("AzureOpenAI/Python 99999999999999999999.1", "", "", "", "", 0, false)
	f.Add("Boto3/", "go", "x", "<instructions>\n\nYou are Jupyternaut, an AI agent", "system", -1, true)
	f.Add("ai/ ai-sdk/provider-utils/", "js", "1", "Use the following pieces of context to answer", "system", 2, false)
	f.Fuzz(func(t *testing.T, agent, lang, version, text, role string, users int, null bool) {
		headers := map[string]string{
			"user-agent": agent, "x-stainless-lang": lang, "x-stainless-package-version": version,
		}
		c := client.Identify(client.Facts{
			Header: func(h string) string { return headers[h] }, ModelNull: null, Stream: call.StreamTrue,
			Prompt: client.Prompt{FirstRole: role, FirstText: text, SystemText: text, LastUserTail: text, UserMessages: users},
		})
		if !slices.Contains(client.Names(), c.Name) || c.Rule == "" {
			t.Errorf("name %q, rule %q", c.Name, c.Rule)
		}
		if (c.Kind == call.ClientUnknown) != (c.Rule == "none") {
			t.Errorf("kind %v with rule %s", c.Kind, c.Rule)
		}
		if strings.Contains(fmt.Sprintf("%+v", client.Identify(client.Facts{Prompt: client.Prompt{FirstText: "zzz" + text}})), "zzz") {
			t.Error("prompt text in the answer")
		}
	})
}

func ExampleIdentify() {
	headers := map[string]string{"user-agent": "langchain-partner-python-azure-openai", "x-stainless-lang": "python", "x-stainless-package-version": "2.8.1"}
	c := client.Identify(client.Facts{
		Path:   "/openai/deployments/gpt4/chat/completions",
		Header: func(name string) string { return headers[name] },
		Stream: call.StreamTrue,
		Prompt: client.Prompt{SystemText: "You are Jupyternaut, a conversational assistant living in JupyterLab"},
	})
	fmt.Println(c.Kind, c.Name, c.Surface, "on", c.Framework, "on", c.SDK, c.SDKVersion, "by", c.Rule)
	// Output: framework jupyter-ai chat on langchain on openai-python 2.8.1 by jai-chat-2
}
