package wire

import "strings"

// host is what a host name tells.
type host struct {
	provider string
	foundry  bool // Azure AI Foundry, which serves several providers
}

// hostRule names the provider of a host: by its whole name, by the end of it,
// or by beginning and end.
type hostRule struct {
	exact, begin, end string
	host              host
}

// hostRules are searched from the top.
var hostRules = []hostRule{
	{exact: "api.openai.com", host: host{provider: "openai"}},
	{end: ".api.openai.com", host: host{provider: "openai"}},
	{end: ".openai.azure.com", host: host{provider: azureOpenAI}},
	{end: ".openai.azure.us", host: host{provider: azureOpenAI}},
	{end: ".openai.azure.cn", host: host{provider: azureOpenAI}},
	{end: ".cognitiveservices.azure.com", host: host{provider: azureOpenAI}},
	{end: ".azure-api.net", host: host{provider: azureOpenAI}},
	{end: ".services.ai.azure.com", host: host{provider: azureInference, foundry: true}},
	{end: ".inference.ai.azure.com", host: host{provider: azureInference}},
	{end: ".models.ai.azure.com", host: host{provider: azureInference}},
	{exact: "api.anthropic.com", host: host{provider: "anthropic"}},
	{exact: "claude.googleapis.com", host: host{provider: "anthropic"}},
	{begin: "aws-external-anthropic.", end: ".api.aws", host: host{provider: "anthropic"}},
	{exact: "generativelanguage.googleapis.com", host: host{provider: "gcp.gemini"}},
	{exact: "aiplatform.googleapis.com", host: host{provider: vertexAI}},
	{end: "-aiplatform.googleapis.com", host: host{provider: vertexAI}},
	{begin: "aiplatform.", end: ".rep.googleapis.com", host: host{provider: vertexAI}},
	{begin: "bedrock-runtime.", end: ".amazonaws.com", host: host{provider: bedrock}},
	{begin: "bedrock-runtime.", end: ".amazonaws.com.cn", host: host{provider: bedrock}},
	{begin: "bedrock-runtime.", end: ".amazonaws.eu", host: host{provider: bedrock}},
	{begin: "bedrock-runtime.", end: ".api.aws", host: host{provider: bedrock}},
	{begin: "bedrock-runtime-fips.", end: ".amazonaws.com", host: host{provider: bedrock}},
	{begin: "bedrock-runtime-fips.", end: ".api.aws", host: host{provider: bedrock}},
	{begin: "bedrock-mantle.", end: ".api.aws", host: host{provider: bedrock}},
	{exact: "api.groq.com", host: host{provider: "groq"}},
	{exact: "api.mistral.ai", host: host{provider: "mistral_ai"}},
	{exact: "api.cohere.com", host: host{provider: "cohere"}},
	{exact: "api.cohere.ai", host: host{provider: "cohere"}},
	{exact: "api.deepseek.com", host: host{provider: "deepseek"}},
	{exact: "api.x.ai", host: host{provider: "x_ai"}},
	{exact: "api.perplexity.ai", host: host{provider: "perplexity"}},
	{exact: "api.moonshot.ai", host: host{provider: "moonshot_ai"}},
	{exact: "api.moonshot.cn", host: host{provider: "moonshot_ai"}},
	{exact: "ollama.com", host: host{provider: "ollama"}},
}

// ollamaPort is where Ollama listens unless told otherwise.
const ollamaPort = 11434

// hostOf returns what is known about a host, the zero value if nothing is.
func hostOf(name string, port int) host {
	for _, r := range hostRules {
		if r.exact != "" && r.exact == name ||
			r.exact == "" && strings.HasPrefix(name, r.begin) && strings.HasSuffix(name, r.end) &&
				len(name) > len(r.begin)+len(r.end) {
			return r.host
		}
	}
	if port == ollamaPort {
		return host{provider: "ollama"}
	}
	return host{}
}
