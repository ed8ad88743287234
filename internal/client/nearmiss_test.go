package client_test

import (
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/client"
)

// with overrides headers of f; the value "-" takes one away.
func with(f client.Facts, headers map[string]string) client.Facts {
	get, has := f.Header, f.Has
	f.Header = func(name string) string {
		if v, ok := headers[name]; ok {
			if v == "-" {
				return ""
			}
			return v
		}
		return get(name)
	}
	f.Has = func(name string) bool {
		if v, ok := headers[name]; ok {
			return v != "-"
		}
		return has(name)
	}
	return f
}

func set(f *client.Facts, param, value string) {
	for i := range f.Params {
		if f.Params[i].Name == param {
			f.Params[i].Value = value
		}
	}
}

// plain takes the product's words away, so that the framework rules decide.
func plain(f *client.Facts) { f.Prompt = client.Prompt{} }

type change = map[string]string

// Each row changes one deciding fact of a recorded request, so that its rule
// must let go and the next one in line answers.
func TestNearMisses(t *testing.T) {
	for _, tc := range []struct {
		name, example string
		headers       change
		edit          func(*client.Facts)
		want          string
	}{
		{"stop of another chain", "jai-stop-chat", nil, func(f *client.Facts) {
			f.Prompt.Stop = []string{"\nHuman:", "\nAI:"}
			f.Prompt.SystemText = "You are a pirate"
		}, "sdk-lc-old"},
		{
			"human stop without system or Jupyternaut", "jai-stop-fix",
			nil, func(f *client.Facts) { f.Prompt.FirstText = "Hello" },
			"sdk-lc-old",
		},
		{
			"fix with history is no single message", "jai-stop-fix",
			nil, func(f *client.Facts) { f.Prompt.UserMessages = 2 },
			"sdk-lc-old",
		},
		{"instructions of another agent", "jai-chat-3", nil, func(f *client.Facts) {
			f.Prompt.FirstText = "<instructions>\n\nYou are Claudia, an AI agent"
		}, "sdk-litellm"},
		{"Jupyternaut quoted in the middle", "jai-chat-2", nil, func(f *client.Facts) {
			f.Prompt.SystemText = "Explain: " + f.Prompt.SystemText
		}, "sdk-lc-null"},
		{
			"another completion prompt", "jai-inline",
			nil, func(f *client.Facts) { f.Prompt.SystemText = "You are an application" },
			"ua-lc-azure",
		},
		{"Jupyternaut asked something else", "jai-fix", nil, func(f *client.Facts) {
			f.Prompt.FirstText, f.Prompt.LastUserHead = "You are Jupyternaut. Sing.", ""
		}, "sdk-lc-null"},
		{
			"fix text in an assistant message", "jai-fix",
			nil, func(f *client.Facts) { f.Prompt.FirstRole = "assistant" },
			"sdk-lc-null",
		},
		{
			"outline prompt with a system message", "jai-generate",
			nil, func(f *client.Facts) { f.Prompt.SystemText = "Be brief" },
			"ua-lc-azure",
		},
		{
			"outline words at the end", "jai-generate",
			nil, func(f *client.Facts) { f.Prompt.FirstText = "Write: " + f.Prompt.FirstText },
			"ua-lc-azure",
		},
		{
			"magic text in an async server process", "jai-magic-2",
			change{"x-stainless-async": "async:asyncio"}, nil,
			"sdk-lc-null",
		},
		{
			"magic text not at the end", "jai-magic-2",
			nil, func(f *client.Facts) { f.Prompt.LastUserTail += " Thanks!" },
			"sdk-lc-null",
		},
		{
			"retrieval text in the user message", "rag-stuff",
			nil, func(f *client.Facts) { f.Prompt.SystemText = "" },
			"ua-lc-azure",
		},
		{
			"agent only begins like LangChain's", "ua-lc-azure",
			change{"user-agent": "langchain-partner-python-azure-openai-fork"}, nil,
			"stainless",
		},
		{
			"LangChain Anthropic without version", "ua-lc-anthropic",
			change{"user-agent": "langchain-anthropic"}, nil,
			"stainless",
		},
		{
			"other LangChain JS package", "ua-lc-js",
			change{"user-agent": "langchainjs-mistral/1.0.0"}, nil,
			"stainless",
		},
		{"litellm proxy's user agent", "ua-litellm", change{"user-agent": "litellm-proxy/1.0"}, nil, "none"},
		{"some other ai", "ua-vercel", change{"user-agent": "ai/1.0 my-thing/2"}, nil, "none"},
		{
			"null model, but not on Azure", "jai-magic-2",
			change{"user-agent": "OpenAI/Python 1.60.1"}, plain,
			"ua-openai",
		},
		{"model given", "jai-magic-2", nil, func(f *client.Facts) { plain(f); f.ModelNull = false }, "ua-openai"},
		{
			"stream left out", "jai-magic-2",
			nil, func(f *client.Facts) { plain(f); f.Stream = call.StreamAbsent },
			"ua-openai",
		},
		{
			"two answers asked", "jai-magic-2-old",
			nil, func(f *client.Facts) { plain(f); set(f, "n", "2") },
			"ua-openai",
		},
		{
			"cold answers asked", "jai-magic-2-old",
			nil, func(f *client.Facts) { plain(f); f.Params = nil },
			"ua-openai",
		},
		{
			"old habits on a new SDK", "jai-magic-2-old",
			change{"user-agent": "AzureOpenAI/Python 2.0.0"}, plain,
			"sdk-lc",
		},
		{
			"whole seconds are not LiteLLM's", "sdk-litellm",
			change{"x-stainless-read-timeout": "600"}, nil,
			"ua-openai",
		},
		{"litellm without raw response", "sdk-litellm", change{"x-stainless-raw-response": "-"}, nil, "ua-openai"},
		{
			"timeout 60 without temperature", "sdk-llamaindex",
			nil, func(f *client.Facts) { f.Keys, f.Params = nil, nil },
			"ua-openai",
		},
		{
			"timeout 60 without stream", "sdk-llamaindex",
			nil, func(f *client.Facts) { f.Stream = call.StreamAbsent },
			"ua-openai",
		},
		{"whole seconds", "sdk-llamaindex", change{"x-stainless-read-timeout": "60"}, nil, "ua-openai"},
		{"read timeout sent", "sdk-lc", change{"x-stainless-read-timeout": "600"}, nil, "ua-openai"},
		{
			"SDK too old to send a timeout", "sdk-lc",
			change{"user-agent": "OpenAI/Python 1.61.9"}, nil,
			"ua-openai",
		},
		{"first SDK that sends a timeout", "sdk-lc", change{"user-agent": "OpenAI/Python 1.62.0"}, nil, "sdk-lc"},
		{"version that cannot be read", "sdk-lc", change{"user-agent": "OpenAI/Python dev"}, nil, "ua-openai"},
		{"Node SDK sends no timeout either", "sdk-lc", change{"user-agent": "OpenAI/JS 7.57.0"}, nil, "ua-openai"},
		{
			"other vendor of the same generator", "ua-openai",
			change{"user-agent": "Groq/Python 0.11.0"}, nil,
			"none",
		},
		{
			"no space before the version", "ua-openai",
			change{"user-agent": "OpenAI/Python/3.54.0"}, nil,
			"stainless",
		},
		{
			"Google API client without SDK", "ua-google",
			change{"user-agent": "gl-python/3.11.7", "x-goog-api-client": "gl-python/3.11.7"}, nil,
			"none",
		},
		{
			"Google SDK of another runtime", "ua-google",
			change{"user-agent": "google-genai-sdk/1.0 gl-go/1.26", "x-goog-api-client": "-"}, nil,
			"none",
		},
		{
			"Mistral in another language", "ua-mistral",
			change{"user-agent": "mistral-client-typescript/1.0"}, nil,
			"none",
		},
		{"Cohere without its generator's headers", "ua-cohere", change{"x-fern-language": "-"}, nil, "none"},
		{"ollama command line", "ua-ollama", change{"user-agent": "ollama/0.6.3 (amd64 linux)"}, nil, "none"},
		{"botocore alone", "ua-boto", change{"user-agent": "Botocore/1.44.5"}, nil, "none"},
		{"curl's name with SDK headers", "ua-http", change{"x-stainless-lang": "python"}, nil, "none"},
	} {
		f := with(load(t, tc.example), tc.headers)
		if tc.edit != nil {
			tc.edit(&f)
		}
		if got := client.Identify(f).Rule; got != tc.want {
			t.Errorf("%s: got rule %s, want %s", tc.name, got, tc.want)
		}
	}
}
