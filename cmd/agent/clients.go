package main

// This file and clients_table.go are what llmtap knows of clients' variables.
// `llmtap env` and `exec` read it, docs/clients.md is made of it.

// knownClient is how one SDK or program is put behind llmtap, and what is seen then.
type knownClient struct {
	name string
	// proxy and trust are the variables that it heeds.
	proxy, trust []string
	// ignored are trust variables that it does not heed.
	ignored []string
	// endpoints are the variables that hold the address of its service.
	endpoints []string
	// extra is what is needed or good to know beside the variables.
	extra string
	// blocked says why no variable puts it behind a proxy; empty if one does.
	blocked string
	// runtime is the kind of process that it runs in: node, python or empty.
	runtime string
	// seen is what llmtap sees of it; empty is every call, decoded.
	seen string
}

// role is what a variable of the client environment holds.
type role int

const (
	roleProxy    role = iota // the proxy's address
	roleNoProxy              // the hosts that go past it
	roleSwitch               // 1
	roleReplaces             // a file that takes the place of the trust store
	roleAdds                 // a file that is added to the trust store
)

// clientVariable is one variable that env and exec set.
type clientVariable struct {
	name string
	role role
	// plain: set only if a service is reached by http://. Otherwise it would
	// catch local services as well.
	plain bool
}

// clientVariables are set for every client: none of them can be told by its
// name only, and no single one covers all. ALL_PROXY adds no client, and
// NODE_OPTIONS stops a Node that does not know the flag in it.
func clientVariables() []clientVariable {
	return []clientVariable{
		{name: "HTTPS_PROXY", role: roleProxy}, {name: "https_proxy", role: roleProxy},
		{name: "NO_PROXY", role: roleNoProxy}, {name: "no_proxy", role: roleNoProxy},
		{name: "NODE_USE_ENV_PROXY", role: roleSwitch},
		{name: "HTTP_PROXY", role: roleProxy, plain: true}, {name: "http_proxy", role: roleProxy, plain: true},
		{name: "SSL_CERT_FILE", role: roleReplaces}, {name: "REQUESTS_CA_BUNDLE", role: roleReplaces},
		{name: "CURL_CA_BUNDLE", role: roleReplaces}, {name: "AWS_CA_BUNDLE", role: roleReplaces},
		{name: "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", role: roleReplaces},
		{name: "NODE_EXTRA_CA_CERTS", role: roleAdds},
	}
}

// endpointVariable is a variable in which clients keep their service's address.
type endpointVariable struct {
	name string
	// route is the base-URL route that takes its calls; empty if none can.
	route string
	// service is where the public service is; empty if there are many.
	service string
	// fill: clients read the variable, and go to service without it, so that
	// exec --base-url may set it where it is not.
	fill bool
	// unless are variables of clients that would misunderstand a filled one.
	unless []string
}

// signed says why the address of an AWS service has no route.
const signed = "AWS signs host and path, so a call by another address is refused: use the proxy"

// endpointVariables lists them; the first ones of a route win.
func endpointVariables() []endpointVariable {
	// LangChain's and Node's Azure clients take an OpenAI address for theirs.
	azure := []string{"AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_BASE_URL", "OPENAI_API_VERSION", "OPENAI_API_TYPE"}
	return []endpointVariable{
		{name: "AZURE_OPENAI_ENDPOINT", route: "azure"},
		{name: "AZURE_OPENAI_BASE_URL", route: "azure"},
		{name: "AZURE_INFERENCE_ENDPOINT", route: "azure-inference"},
		{name: "AZURE_API_BASE", route: "azure"},
		{name: "OPENAI_BASE_URL", route: "openai", service: "https://api.openai.com/v1", fill: true, unless: azure},
		{name: "OPENAI_API_BASE", route: "openai"},
		{name: "OPENAI_ENDPOINT", route: "openai"},
		{name: "ANTHROPIC_BASE_URL", route: "anthropic", service: "https://api.anthropic.com", fill: true},
		{name: "ANTHROPIC_API_BASE", route: "anthropic"},
		{name: "ANTHROPIC_BEDROCK_BASE_URL"},
		{name: "ANTHROPIC_AWS_BASE_URL"},
		{name: "ANTHROPIC_FOUNDRY_BASE_URL", route: "anthropic-foundry"},
		{name: "ANTHROPIC_VERTEX_BASE_URL", route: "vertex"},
		{name: "GOOGLE_GEMINI_BASE_URL", route: "gemini", service: "https://generativelanguage.googleapis.com", fill: true},
		{name: "GOOGLE_VERTEX_BASE_URL", route: "vertex"},
		{name: "GEMINI_API_BASE", route: "gemini"},
		{name: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"},
		{name: "AWS_ENDPOINT_URL"},
		{name: "AWS_BEDROCK_RUNTIME_ENDPOINT"},
		{name: ollamaHost, route: "ollama", service: "http://127.0.0.1:11434", fill: true},
		{name: "OLLAMA_API_BASE", route: "ollama"},
		{name: "MISTRAL_BASE_URL", route: "mistral", service: "https://api.mistral.ai"},
		{name: "MISTRAL_API_BASE", route: "mistral"},
		{name: "CO_API_URL", route: "cohere", service: "https://api.cohere.com", fill: true},
		{name: "COHERE_API_BASE", route: "cohere"},
		{name: "GROQ_BASE_URL", route: "groq", service: "https://api.groq.com", fill: true},
		{name: "GROQ_API_BASE", route: "groq"},
		{name: "DEEPSEEK_API_BASE", route: "deepseek", service: "https://api.deepseek.com"},
		{name: "XAI_API_BASE", route: "xai", service: "https://api.x.ai"},
		{name: "OPENROUTER_API_BASE", route: "openrouter", service: "https://openrouter.ai"},
		{name: "TOGETHER_BASE_URL", route: "together", service: "https://api.together.ai"},
		{name: "TOGETHER_AI_API_BASE", route: "together"},
		{name: "HF_INFERENCE_ENDPOINT", route: "huggingface", service: "https://router.huggingface.co"},
		{name: "LITELLM_PROXY_API_BASE", route: "litellm"},
	}
}

// ollamaHost may hold HOST:PORT instead of a URL.
const ollamaHost = "OLLAMA_HOST"

// blockedBy says why clients of a runtime go past a proxy that their variables
// name.
func blockedBy(runtime string) string {
	for _, c := range clients() {
		if runtime != "" && c.runtime == runtime && c.blocked != "" {
			return c.blocked
		}
	}
	return "this program does not heed HTTPS_PROXY"
}
