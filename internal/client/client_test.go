package client_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"llmtap/internal/call"
	"llmtap/internal/client"
)

const (
	framework = call.ClientFramework
	direct    = call.ClientDirect
)

// examples says for each request of testdata who sent it.
var examples = map[string]call.Client{
	"jai-stop-chat": {
		Name: "jupyter-ai", Surface: "chat", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "1.6.1",
		Rule: "jai-stop-chat",
	},
	"jai-stop-fix": {
		Name: "jupyter-ai", Surface: "fix", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "1.36.1",
		Rule: "jai-stop-fix",
	},
	"jai-chat-3": {
		Name: "jupyter-ai", Surface: "chat", Framework: "litellm",
		SDK: "openai-python", SDKVersion: "2.54.0",
		Rule: "jai-chat-3",
	},
	"jai-chat-2": {
		Name: "jupyter-ai", Surface: "chat", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "1.60.1",
		Rule: "jai-chat-2",
	},
	"jai-inline": {
		Name: "jupyter-ai", Surface: "inline", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "2.8.1",
		Rule: "jai-inline",
	},
	"jai-fix": {
		Name: "jupyter-ai", Surface: "fix", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "1.60.1",
		Rule: "jai-fix",
	},
	"jai-generate": {
		Name: "jupyter-ai", Surface: "generate", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "2.8.1",
		Rule: "jai-generate",
	},
	"jai-generate-2": {
		Name: "jupyter-ai", Surface: "generate", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "2.8.1",
		Rule: "jai-generate",
	},
	"jai-generate-3": {
		Name: "jupyter-ai", Surface: "generate", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "2.8.1",
		Rule: "jai-generate",
	},
	"jai-generate-4": {
		Name: "jupyter-ai", Surface: "generate", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "2.8.1",
		Rule: "jai-generate",
	},
	"jai-generate-5": {
		Name: "jupyter-ai", Surface: "generate", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "2.8.1",
		Rule: "jai-generate",
	},
	"jai-magic-2": {
		Name: "jupyter-ai", Surface: "magic", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "1.60.1",
		Rule: "jai-magic-2",
	},
	"jai-magic-2-old": {
		Name: "jupyter-ai", Surface: "magic", Framework: "langchain",
		SDK: "openai-python", SDKVersion: "1.6.1",
		Rule: "jai-magic-2",
	},
	"magic-3": {
		Name: "litellm",
		SDK:  "openai-python", SDKVersion: "2.54.0",
		Rule: "sdk-litellm",
	},
	"rag-stuff": {
		Name: "langchain",
		SDK:  "openai-python", SDKVersion: "2.8.1",
		Rule: "rag-stuff",
	},
	"ua-lc-azure": {
		Name: "langchain",
		SDK:  "openai-python", SDKVersion: "3.54.0",
		Rule: "ua-lc-azure",
	},
	"ua-lc-anthropic": {
		Name: "langchain", Version: "1.7.7",
		SDK: "anthropic-python", SDKVersion: "2.12.0",
		Rule: "ua-lc-anthropic",
	},
	"ua-lc-js": {
		Name: "langchain-js",
		SDK:  "openai-node", SDKVersion: "7.57.0",
		Rule: "ua-lc-js",
	},
	"ua-lc-js-azure": {
		Name: "langchain-js",
		SDK:  "openai-node", SDKVersion: "7.57.0",
		Rule: "ua-lc-js",
	},
	"ua-litellm":       {Name: "litellm", Version: "1.106.2", Rule: "ua-litellm"},
	"ua-vercel":        {Name: "vercel-ai", Version: "7.0.173", Rule: "ua-vercel"},
	"ua-vercel-stream": {Name: "vercel-ai", Rule: "ua-vercel"},
	"ua-vercel-6":      {Name: "vercel-ai", Version: "6.0.326", Rule: "ua-vercel"},
	"sdk-litellm": {
		Name: "litellm",
		SDK:  "openai-python", SDKVersion: "2.54.0",
		Rule: "sdk-litellm",
	},
	"sdk-llamaindex": {
		Name: "llama-index",
		SDK:  "openai-python", SDKVersion: "2.54.0",
		Rule: "sdk-llamaindex",
	},
	"sdk-lc": {
		Name: "langchain",
		SDK:  "openai-python", SDKVersion: "2.54.0",
		Rule: "sdk-lc",
	},
	"ua-openai": {
		Kind: direct, Name: "openai-python", Version: "3.54.0",
		SDK: "openai-python", SDKVersion: "3.54.0",
		Rule: "ua-openai",
	},
	"ua-openai-old": {
		Kind: direct, Name: "openai-python", Version: "1.6.1",
		SDK: "openai-python", SDKVersion: "1.6.1",
		Rule: "ua-openai",
	},
	"ua-openai-raw": {
		Kind: direct, Name: "openai-python", Version: "3.54.0",
		SDK: "openai-python", SDKVersion: "3.54.0",
		Rule: "ua-openai",
	},
	"ua-openai-node": {
		Kind: direct, Name: "openai-node", Version: "7.57.0",
		SDK: "openai-node", SDKVersion: "7.57.0",
		Rule: "ua-openai",
	},
	"ua-openai-go": {
		Kind: direct, Name: "openai-go", Version: "3.96.0",
		SDK: "openai-go", SDKVersion: "3.96.0",
		Rule: "ua-openai",
	},
	"ua-anthropic": {
		Kind: direct, Name: "anthropic-python", Version: "2.12.0",
		SDK: "anthropic-python", SDKVersion: "2.12.0",
		Rule: "ua-anthropic",
	},
	"ua-anthropic-node": {
		Kind: direct, Name: "anthropic-node", Version: "1.12.0",
		SDK: "anthropic-node", SDKVersion: "1.12.0",
		Rule: "ua-anthropic",
	},
	"ua-google": {
		Kind: direct, Name: "google-genai-python", Version: "3.4.0",
		SDK: "google-genai-python", SDKVersion: "3.4.0",
		Rule: "ua-google",
	},
	"ua-google-node": {
		Kind: direct, Name: "google-genai-node", Version: "3.1.0",
		SDK: "google-genai-node", SDKVersion: "3.1.0",
		Rule: "ua-google",
	},
	"ua-mistral": {
		Kind: direct, Name: "mistralai-python", Version: "3.7.0",
		SDK: "mistralai-python", SDKVersion: "3.7.0",
		Rule: "ua-mistral",
	},
	"ua-cohere": {
		Kind: direct, Name: "cohere-python", Version: "7.3.1",
		SDK: "cohere-python", SDKVersion: "7.3.1",
		Rule: "ua-cohere",
	},
	"ua-ollama": {
		Kind: direct, Name: "ollama-python", Version: "0.6.3",
		SDK: "ollama-python", SDKVersion: "0.6.3",
		Rule: "ua-ollama",
	},
	"ua-ollama-langchain": {
		Kind: direct, Name: "ollama-python", Version: "0.6.3",
		SDK: "ollama-python", SDKVersion: "0.6.3",
		Rule: "ua-ollama",
	},
	"ua-boto": {
		Kind: direct, Name: "boto3", Version: "1.44.5",
		SDK: "boto3", SDKVersion: "1.44.5",
		Rule: "ua-boto",
	},
	"ua-http": {
		Kind: direct, Name: "curl", Version: "7.88.1",
		SDK: "curl", SDKVersion: "7.88.1",
		Rule: "ua-http",
	},
	"ua-http-requests": {
		Kind: direct, Name: "python-requests", Version: "2.34.2",
		SDK: "python-requests", SDKVersion: "2.34.2",
		Rule: "ua-http",
	},
}

func TestRecordedRequestsNameTheirClient(t *testing.T) {
	for name, want := range examples {
		got := client.Identify(load(t, name))
		if want.Kind == call.ClientUnknown {
			want.Kind = framework
		}
		got.UserAgent = ""
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}

// Framework rules below a product are seen only in Framework, so their own
// names are checked by taking the product's text away.
func TestFrameworkBelowAProductByItself(t *testing.T) {
	for name, want := range map[string]string{"jai-magic-2": "sdk-lc-null", "jai-magic-2-old": "sdk-lc-old", "rag-stuff": "ua-lc-azure", "jai-chat-3": "sdk-litellm"} {
		f := load(t, name)
		f.Prompt = client.Prompt{}
		if got := client.Identify(f); got.Rule != want || got.Surface != "" || got.Framework != "" {
			t.Errorf("%s: got %+v, want rule %s", name, got, want)
		}
	}
}

func TestEveryRuleHasItsExample(t *testing.T) {
	for _, r := range client.Rules() {
		if r.Name == "none" || slices.Contains([]string{"sdk-lc-null", "sdk-lc-old", "stainless"}, r.Name) {
			continue // shown by the tests above and below
		}
		if got := client.Identify(load(t, r.Example)); got.Rule != r.Name {
			t.Errorf("example %s of rule %s is identified by %s", r.Example, r.Name, got.Rule)
		}
	}
}

func TestRulesAreDocumentedOnceAndOrdered(t *testing.T) {
	seen, tables := map[string]bool{}, []string{}
	for _, r := range client.Rules() {
		if seen[r.Name] || r.Name == "" || r.Means == "" || r.Example == "" {
			t.Errorf("rule %+v: name twice or a blank field", r)
		}
		seen[r.Name] = true
		if len(tables) == 0 || tables[len(tables)-1] != r.Table {
			tables = append(tables, r.Table)
		}
	}
	if want := []string{client.TableProduct, client.TableFramework, client.TableSDK}; !slices.Equal(tables, want) {
		t.Errorf("tables in the order %v, want %v", tables, want)
	}
}

func TestNamesAndSurfacesAreClosed(t *testing.T) {
	if n := len(client.Names()); n != 24 {
		t.Errorf("the contract names 24 clients, the package %d", n)
	}
	for name, c := range examples {
		if !slices.Contains(client.Names(), c.Name) || c.SDK != "" && !slices.Contains(client.Names(), c.SDK) {
			t.Errorf("%s: %q or %q is not in the closed set", name, c.Name, c.SDK)
		}
		if c.Surface != "" && !slices.Contains(client.Surfaces(), c.Surface) {
			t.Errorf("%s: surface %q is not in the closed set", name, c.Surface)
		}
	}
	names := client.Names()
	names[0] = "changed"
	if client.Names()[0] == "changed" {
		t.Error("a caller can change the set of names")
	}
}

func TestNothingKnownIsUnknown(t *testing.T) {
	for name, f := range map[string]client.Facts{
		"zero value":         {},
		"strange agent":      {Header: agent("MyApp/2.0 (curl/8 inspired)")},
		"kubernetes prober":  {Header: agent("kube-probe/1.30")},
		"cohere by accident": {Header: agent("cohere/7.3.1")},
	} {
		got := client.Identify(f)
		if got.Kind != call.ClientUnknown || got.Name != client.Unknown || got.Rule != "none" || got.SDK != "" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestUserAgentIsCut(t *testing.T) {
	long := "curl/8.0.0 " + strings.Repeat("é", 300)
	got := client.Identify(client.Facts{Header: agent(long)})
	if len(got.UserAgent) > 256 || !utf8.ValidString(got.UserAgent) || got.Name != "curl" {
		t.Errorf("kept %d bytes, valid %v, name %s", len(got.UserAgent), utf8.ValidString(got.UserAgent), got.Name)
	}
}

// agent is the header access of a request that carries a User-Agent only.
func agent(s string) func(string) string {
	return func(name string) string {
		if name == "user-agent" {
			return s
		}
		return ""
	}
}
