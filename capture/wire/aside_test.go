package wire_test

import (
	"testing"

	"llmtap/capture/wire"
)

// TestEndpointsBeside: what is asked of the same services beside calls, even
// with the body of a call, is none; its neighbours are.
func TestEndpointsBeside(t *testing.T) {
	const body = `{"model":"m","messages":[{"role":"user","content":"Say owls"}],"contents":[{"role":"user","parts":[{"text":"x"}]}],"inputs":"x","max_tokens":8}`
	for _, tt := range []struct {
		name, path string
		aside, llm bool
	}{
		{"Ollama, about a model", "/api/show", true, false},
		{"Ollama, fetch a model", "/gateway/api/pull", true, false},
		{"Ollama, upload a layer", "/api/blobs/sha256:29fdb92e57cf", true, false},
		{"Ollama near: chat", "/api/chat", false, true},
		{"Ollama near: generate", "/api/generate", false, true},
		{"OpenAI files", "/v1/files", true, false},
		{"OpenAI batches", "/v1/batches", true, false},
		{"OpenAI moderations", "/v1/moderations", true, false},
		{"OpenAI, cancel a response", "/v1/responses/resp_1/cancel", true, false},
		{"OpenAI, count a response", "/v1/responses/input_tokens", true, false},
		{"OpenAI near: compact", "/v1/responses/compact", false, true},
		{"OpenAI, relabel a completion", "/v1/chat/completions/chatcmpl-1", true, false},
		{"OpenAI near: chat", "/v1/chat/completions", false, true},
		{"Azure, count a response", "/openai/responses/input_tokens", true, false},
		{"Anthropic, count", "/v1/messages/count_tokens", true, false},
		{"Anthropic, batches", "/v1/messages/batches", true, false},
		{"Anthropic near: messages", "/v1/messages", false, true},
		{"Vertex, count for Anthropic", "/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict", true, false},
		{"Vertex near: Anthropic", "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:rawPredict", false, true},
		{"Gemini, count", "/v1beta/models/gem-x:countTokens", true, false},
		{"Gemini, cache", "/v1beta/cachedContents", true, false},
		{"Gemini near: generate", "/v1beta/models/gem-x:generateContent", false, true},
		{"Bedrock, count", "/model/m-1/count-tokens", true, false},
		{"Bedrock near: converse", "/model/m-1/converse", false, true},
		{"vLLM, tokenize", "/tokenize", true, false},
		{"TGI near: generate", "/generate", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, llm := wire.Recognize(wire.Line{Method: "POST", Host: "llm.corp.example", Path: tt.path, Query: v})
			q := wire.NewRequest(m, nil)
			q.Push([]byte(body))
			settled, certain := m.Settle(q.Close())
			if m.Aside != tt.aside || settled.Aside != tt.aside || (llm || certain) != tt.llm {
				t.Errorf("aside %v, llm %v, certain %v: %+v", m.Aside, llm, certain, settled)
			}
			if tt.aside && (settled.API != "" || settled.Format != "" || settled.Operation != "") {
				t.Errorf("taken for a call: %+v", settled)
			}
		})
	}
}
