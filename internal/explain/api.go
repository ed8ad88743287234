package explain

import (
	"strings"

	"llmtap/internal/call"
)

// pathAPIs tell an API by its path where the record does not name one: its
// answers are not decoded, yet its requests can be written.
var pathAPIs = []struct{ within, ends, api string }{
	{"", "/openai/responses", "azure.openai.responses"},
	{"", "/responses", "openai.responses"},
	{"", "/v1/messages", "anthropic.messages"},
	{"/publishers/anthropic/models/", ":rawPredict", "vertex.anthropic"},
	{"/publishers/anthropic/models/", ":streamRawPredict", "vertex.anthropic"},
	{"/publishers/google/models/", ":generateContent", "vertex.gemini"},
	{"/publishers/google/models/", ":streamGenerateContent", "vertex.gemini"},
	{"/models/", ":generateContent", "gemini.generate"},
	{"/models/", ":streamGenerateContent", "gemini.generate"},
	{"/model/", "/converse", "bedrock.converse"},
	{"/model/", "/converse-stream", "bedrock.converse_stream"},
	{"", "/api/chat", "ollama.chat"},
	{"", "/api/generate", "ollama.generate"},
	{"", "/api/embed", "ollama.embed"},
	{"", "/v2/chat", "cohere.chat"},
	{"", "/v1/chat", "cohere.v1"},
	{"", "/generate_stream", "tgi.generate"},
	{"", "/generate", "tgi.generate"},
}

// apiOf names the API that was asked, empty if that is not known.
func apiOf(r *call.Record) string {
	if r.Target.API != "" {
		return r.Target.API
	}
	path := strings.TrimSuffix(r.Request.Path, "/")
	for _, p := range pathAPIs {
		if strings.Contains(path, p.within) && strings.HasSuffix(path, p.ends) {
			return p.api
		}
	}
	return ""
}

// family is the API whose bodies are written alike.
func family(api string) string {
	if rest, ok := strings.CutPrefix(api, "azure.openai."); ok {
		return "openai." + rest
	}
	return api
}
