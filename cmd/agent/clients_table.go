package main

// byRoute is what is seen of a client that heeds no proxy.
const byRoute = "by a base-URL route every call, decoded; else only that it went past"

// clients are the measured ones, and those that stand on them.
func clients() []knownClient {
	return append(append(pythonClients(), nodeClients()...), otherClients()...)
}

func pythonClients() []knownClient {
	https := []string{"HTTPS_PROXY", "ALL_PROXY"}
	ssl := []string{"SSL_CERT_FILE", "SSL_CERT_DIR"}
	bundles := []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"}
	const python = "python"
	return []knownClient{
		{
			name: "openai (Python)", proxy: https, trust: ssl, ignored: bundles, endpoints: []string{"OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"},
			extra: "every version", runtime: python,
		},
		{
			name: "langchain-openai", proxy: https, trust: ssl, ignored: bundles, endpoints: []string{"OPENAI_API_BASE", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"},
			extra: "keeps its connections since 0.3.19: restart after a change; its field openai_proxy trusts certifi alone since 0.3.7", runtime: python,
		},
		{
			name: "langchain-anthropic", proxy: https, trust: ssl, ignored: bundles, endpoints: []string{"ANTHROPIC_BASE_URL"},
			extra: "inferred: it stands on anthropic", runtime: python,
		},
		{
			name: "llama-index", proxy: https, trust: ssl, endpoints: []string{"OPENAI_API_BASE"},
			extra: "inferred: it stands on openai, but reads OPENAI_API_BASE alone, which --base-url does not set by itself: set it to the service's address first", runtime: python,
		},
		{
			name: "litellm", proxy: https, trust: []string{"SSL_CERT_FILE"}, ignored: append([]string{"SSL_CERT_DIR"}, bundles...),
			endpoints: []string{
				"OPENAI_BASE_URL", "OPENAI_API_BASE", "AZURE_API_BASE", "ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL", "GEMINI_API_BASE", "OLLAMA_API_BASE",
				"COHERE_API_BASE", "DEEPSEEK_API_BASE", "GROQ_API_BASE", "OPENROUTER_API_BASE", "TOGETHER_AI_API_BASE", "XAI_API_BASE",
				"AWS_BEDROCK_RUNTIME_ENDPOINT", "LITELLM_PROXY_API_BASE",
			},
			extra: "sync and async; Mistral's address is set in code (api_base)", runtime: python,
		},
		{
			name: "anthropic (Python)", proxy: https, trust: ssl, ignored: bundles,
			endpoints: []string{
				"ANTHROPIC_BASE_URL", "ANTHROPIC_BEDROCK_BASE_URL", "ANTHROPIC_AWS_BASE_URL", "ANTHROPIC_FOUNDRY_BASE_URL", "ANTHROPIC_VERTEX_BASE_URL",
			}, runtime: python,
		},
		{
			name: "google-genai (Python)", proxy: https, trust: ssl, ignored: bundles, endpoints: []string{"GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"},
			extra: "async with aiohttp installed: HTTPS_PROXY only", runtime: python,
		},
		{name: "mistralai (Python)", proxy: https, trust: ssl, ignored: bundles, extra: "its address is set in code (server_url)", runtime: python},
		{
			name: "groq and together (Python)", proxy: https, trust: ssl, endpoints: []string{"GROQ_BASE_URL", "TOGETHER_BASE_URL"},
			extra: "inferred: they are made like openai", runtime: python,
		},
		{name: "cohere (Python)", proxy: https, trust: ssl, ignored: bundles, endpoints: []string{"CO_API_URL"}, runtime: python},
		{
			name: "ollama (Python)", proxy: append([]string{"HTTP_PROXY"}, https...), trust: ssl, ignored: bundles, endpoints: []string{ollamaHost},
			extra: "its default http://127.0.0.1:11434 goes past the proxy, because NO_PROXY names this machine: set OLLAMA_HOST, or use --base-url", runtime: python,
		},
		{
			name: "boto3 (Bedrock)", proxy: []string{"HTTPS_PROXY"}, trust: []string{"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"},
			ignored: []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"}, endpoints: []string{"AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL"},
			extra: signed, runtime: python,
		},
		{
			name: "requests", proxy: https, trust: []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"},
			ignored: []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE"}, runtime: python,
		},
		{
			name: "aiohttp, bare", blocked: "a bare aiohttp session heeds no proxy variable (trust_env=True in code would make it)",
			extra: "trust_env=True in code, or its address set to a base-URL route", runtime: python, seen: byRoute,
		},
		{
			name: "gRPC (Python)", proxy: []string{"https_proxy", "grpc_proxy"}, trust: []string{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"},
			extra: "not measured", runtime: python, seen: "host, duration and bytes; the messages are not read",
		},
	}
}

func nodeClients() []knownClient {
	sdks := []string{"OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"}
	const early = "Node before 22.21, and 24 before 24.5, heeds no proxy variable"
	return []knownClient{
		{
			name: "Node ≥ 22.21 or ≥ 24.5, with every SDK on it", proxy: []string{"HTTPS_PROXY", "HTTP_PROXY"}, trust: []string{"NODE_EXTRA_CA_CERTS"},
			ignored: []string{"SSL_CERT_FILE"}, endpoints: sdks, runtime: "node",
			extra: "NODE_USE_ENV_PROXY=1 switches it on; SSL_CERT_FILE only with NODE_USE_SYSTEM_CA=1 or --use-openssl-ca. openai, @anthropic-ai/sdk, " +
				"@google/genai, @langchain/openai and Vercel's ai go with it",
		},
		{
			name: "Node before 22.21 or 24.5, with every SDK on it", trust: []string{"NODE_EXTRA_CA_CERTS"}, ignored: []string{"SSL_CERT_FILE"},
			endpoints: sdks, blocked: early, runtime: "node",
			extra: "--base-url, or undici's EnvHttpProxyAgent in code. NODE_USE_ENV_PROXY has no effect and --use-env-proxy does not start", seen: byRoute,
		},
	}
}

func otherClients() []knownClient {
	return []knownClient{
		{
			name: "openai-go and Go's net/http", proxy: []string{"HTTPS_PROXY"}, trust: []string{"SSL_CERT_FILE", "SSL_CERT_DIR"},
			ignored: []string{"REQUESTS_CA_BUNDLE"}, endpoints: []string{"OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"},
			extra: "localhost and loopback addresses always go past the proxy: --base-url",
		},
		{
			name: "curl", proxy: []string{"HTTPS_PROXY", "ALL_PROXY", "http_proxy"}, trust: []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"},
			ignored: []string{"REQUESTS_CA_BUNDLE"}, extra: "http_proxy in lower case only",
		},
	}
}
