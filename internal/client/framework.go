package client

import (
	"regexp"
	"strings"
)

const (
	langChain   = "langchain"
	langChainJS = "langchain-js"
	llamaIndex  = "llama-index"
	liteLLM     = "litellm"
	vercelAI    = "vercel-ai"

	readTimeout = "x-stainless-read-timeout"
	rawResponse = "x-stainless-raw-response"
)

// frameworkRules is the table of frameworks: those that name themselves first,
// then those that only show in how they use somebody else's SDK.
var frameworkRules = []Rule{
	{
		Name: "ua-lc-azure", Table: TableFramework, Example: "ua-lc-azure",
		Means: "LangChain AzureChatOpenAI, langchain-openai 0.3.5 and later",
		match: always(hit{name: langChain}, func(v view) bool {
			return v.agent == "langchain-partner-python-azure-openai"
		}),
	},
	{
		Name: "ua-lc-anthropic", Table: TableFramework, Example: "ua-lc-anthropic",
		Means: "LangChain ChatAnthropic, with its version",
		match: product(langChain, "langchain-anthropic/"),
	},
	{
		// The version in this User-Agent is a constant, not the framework's.
		Name: "ua-lc-js", Table: TableFramework, Example: "ua-lc-js",
		Means: "LangChain JS",
		match: always(hit{name: langChainJS}, func(v view) bool {
			return strings.HasPrefix(v.agent, "langchainjs-openai/") || strings.HasPrefix(v.agent, "langchainjs-azure-openai/")
		}),
	},
	{
		Name: "ua-litellm", Table: TableFramework, Example: "ua-litellm",
		Means: "LiteLLM through its own HTTP client, with its version",
		match: product(liteLLM, "litellm/"),
	},
	{
		Name: "ua-vercel", Table: TableFramework, Example: "ua-vercel",
		Means: "Vercel AI SDK; its version on plain calls only",
		match: matchVercel,
	},
	{
		Name: "sdk-lc-null", Table: TableFramework, Example: "sdk-lc-null",
		Means: "LangChain on Azure, langchain-openai 0.1.18 to 0.3.4",
		match: always(hit{name: langChain}, func(v view) bool {
			return v.openai.azure && v.openai.python() && v.ModelNull && v.explicit()
		}),
	},
	{
		Name: "sdk-litellm", Table: TableFramework, Example: "sdk-litellm",
		Means: "LiteLLM through openai-python; Jupyternaut 3.x stands on it",
		match: always(hit{name: liteLLM}, func(v view) bool {
			return v.openai.python() && v.header(rawResponse) == "true" && v.header(readTimeout) == "600.0"
		}),
	},
	{
		Name: "sdk-llamaindex", Table: TableFramework, Example: "sdk-llamaindex",
		Means: "LlamaIndex through openai-python",
		match: always(hit{name: llamaIndex}, func(v view) bool {
			return v.openai.python() && v.header(readTimeout) == "60.0" && v.explicit() &&
				(v.key("temperature") || v.param("temperature") != "")
		}),
	},
	{
		Name: "sdk-lc", Table: TableFramework, Example: "sdk-lc",
		Means: "LangChain through openai-python 1.62 and later",
		match: always(hit{name: langChain}, func(v view) bool {
			return v.openai.python() && v.openai.since162() && !v.has(readTimeout)
		}),
	},
	{
		Name: "sdk-lc-old", Table: TableFramework, Example: "sdk-lc-old",
		Means: "LangChain, langchain-openai up to 0.2.14",
		match: always(hit{name: langChain}, func(v view) bool {
			return v.openai.python() && v.openai.before162() && v.explicit() &&
				v.param("n") == "1" && v.param("temperature") == "0.7"
		}),
	},
}

// vercelAgent finds the framework's own version, or the version of the
// provider package that leads the User-Agent of streamed calls.
var vercelAgent = regexp.MustCompile(`^(?:ai/(\S+)|ai-sdk[-/][a-z0-9-]+/\S+) .*ai-sdk[-/]provider-utils/`)

func matchVercel(v view) (hit, bool) {
	m := vercelAgent.FindStringSubmatch(v.agent)
	if m == nil {
		return hit{}, false
	}
	return hit{name: vercelAI, version: m[1]}, true
}

// product matches a User-Agent that begins with prefix and a version.
func product(name, prefix string) func(view) (hit, bool) {
	return func(v view) (hit, bool) {
		rest, ok := strings.CutPrefix(v.agent, prefix)
		if !ok {
			return hit{}, false
		}
		version, _, _ := strings.Cut(rest, " ")
		return hit{name: name, version: version}, version != ""
	}
}
