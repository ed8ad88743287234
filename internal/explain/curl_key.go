package explain

import (
	"strings"

	"llmtap/internal/call"
)

// bearers are the variables in which the services' own SDKs look for a key.
var bearers = []struct{ provider, variable string }{
	{"azure.ai.openai", "AZURE_OPENAI_AD_TOKEN"},
	{"azure.ai.inference", "AZURE_AI_TOKEN"},
	{"anthropic", "ANTHROPIC_API_KEY"},
	{"aws.bedrock", "AWS_BEARER_TOKEN_BEDROCK"},
	{"gcp.gemini", "GOOGLE_ACCESS_TOKEN"},
	{"gcp.vertex_ai", "GOOGLE_ACCESS_TOKEN"},
	{"groq", "GROQ_API_KEY"},
	{"mistral_ai", "MISTRAL_API_KEY"},
	{"cohere", "CO_API_KEY"},
	{"deepseek", "DEEPSEEK_API_KEY"},
	{"x_ai", "XAI_API_KEY"},
	{"perplexity", "PERPLEXITY_API_KEY"},
	{"tgi", "HF_TOKEN"},
	{"ollama", "OLLAMA_API_KEY"},
}

// addKey adds the words that authenticate as the client did, and the version
// headers without which the service refuses the call.
func (q *ask) addKey(r *call.Record) {
	switch r.Target.Auth.Scheme {
	case "api_key":
		if word := apiKey(apiOf(r)); word != "" {
			q.header(word)
		} else {
			q.lacks("the key: add the header in which your client sends it (api-key, x-api-key or x-goog-api-key)")
		}
	case "bearer":
		q.header(secret("Authorization: Bearer ", bearerVariable(r.Target)))
	case "sigv4":
		q.sigV4(r.Target.Host)
	case "none":
	default:
		q.lacks("the credential: the way it was sent is not known")
	}
	if apiOf(r) == "anthropic.messages" {
		version := r.Request.Hints.Header("anthropic-version")
		if version == "" || len(version) > 32 || strings.ContainsFunc(version, func(c rune) bool { return (c < '0' || c > '9') && c != '-' }) {
			version = "2023-06-01"
			q.lacks("the anthropic-version that was sent; 2023-06-01 stands in")
		}
		q.header(quote("anthropic-version: " + version))
	}
}

func (q *ask) header(word string) { q.flags = append(q.flags, "-H "+word) }

// apiKey is the header in which the API takes a key, empty if it is not known.
func apiKey(api string) string {
	switch {
	case strings.HasPrefix(api, "azure."):
		return secret("api-key: ", "AZURE_OPENAI_API_KEY")
	case strings.HasPrefix(api, "anthropic."):
		return secret("x-api-key: ", "ANTHROPIC_API_KEY")
	case strings.HasPrefix(api, "gemini."), strings.HasPrefix(api, "vertex."):
		return secret("x-goog-api-key: ", "GEMINI_API_KEY")
	}
	return ""
}

func bearerVariable(t call.Target) string {
	for _, b := range bearers {
		if b.provider == t.Provider {
			return b.variable
		}
	}
	return "OPENAI_API_KEY"
}

// sigV4 has curl sign the request; the region is a label of the host's name.
func (q *ask) sigV4(host string) {
	labels := strings.Split(host, ".")
	if len(labels) < 3 || !strings.HasPrefix(labels[0], "bedrock") {
		q.lacks("the AWS signature: region and service are not known")
		return
	}
	q.flags = append(q.flags, "--aws-sigv4 "+quote("aws:amz:"+labels[1]+":bedrock"), "--user "+secret("", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
	q.header(secret("x-amz-security-token: ", "AWS_SESSION_TOKEN"))
}
