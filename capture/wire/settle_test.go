package wire_test

import (
	"testing"

	"llmtap/capture/wire"
)

// TestSettle: what only the body tells.
func TestSettle(t *testing.T) {
	for _, tt := range []struct {
		name, host, path, body string
		want                   string // api provider operation format
		llm                    bool
	}{
		{"TGI", "h", "/generate", `{"inputs":"x"}`, "tgi.generate tgi text_completion tgi", true},
		{"TGI on the root", "h", "/", `{"inputs":"x","stream":true}`, "tgi.generate tgi text_completion tgi", true},
		{"another server's root", "h", "/", `{"query":"x"}`, "- - - -", false},
		{"another server's generate", "h", "/generate", `{"text":"x"}`, "- - - -", false},
		{"inputs is not inputs", "h", "/", `{"Inputs":"x","input":"y"}`, "- - - -", false},
		{"nested inputs", "h", "/", `{"a":{"inputs":"x"}}`, "- - - -", false},
		{"a known host's root", "api.openai.com", "/", `{}`, "- openai - -", false},
		{"no body", "h", "/invocations", ``, "- - - -", false},
		{"llama.cpp", "h", "/completion", `{"prompt":"x","n_predict":8}`, "llamacpp.completion openai_compatible text_completion llamacpp", true},
		{"llama.cpp, plural", "h", "/completions", `{"prompt":"x","n_predict":8}`, "llamacpp.completion openai_compatible text_completion llamacpp", true},
		{"without n_predict", "h", "/completion", `{"prompt":"x"}`, "openai.completions openai_compatible text_completion openai.completions", true},
		{"nested n_predict", "h", "/completion", `{"prompt":"x","o":{"n_predict":1}}`, "openai.completions openai_compatible text_completion openai.completions", true},
		{"OpenAI", "api.openai.com", "/v1/completions", `{"prompt":"x"}`, "openai.completions openai text_completion openai.completions", true},
		{"Azure is no llama.cpp", "x.openai.azure.com", "/openai/v1/completions", `{"prompt":"x","n_predict":1}`, "azure.openai.completions azure.ai.openai text_completion openai.completions", true},
		{"n_predict on a chat", "h", "/v1/chat/completions", `{"messages":[],"n_predict":1}`, "openai.chat openai_compatible chat openai.chat", true},
		{"not an LLM path", "h", "/v1/files", `{"inputs":"x","n_predict":1}`, "- - - -", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := wire.Recognize(wire.Line{Method: "POST", Host: tt.host, Path: tt.path})
			q := wire.NewRequest(m, nil)
			q.Push([]byte(tt.body))
			m, llm := m.Settle(q.Close())
			if got := brief(m); got != tt.want || llm != tt.llm {
				t.Errorf("got %s, llm %v; want %s, %v", got, llm, tt.want, tt.llm)
			}
		})
	}
}

func brief(m wire.Match) string {
	out := ""
	for _, s := range []string{m.API, m.Provider, m.Operation, m.Format} {
		if s == "" {
			s = "-"
		}
		out += " " + s
	}
	return out[1:]
}

func TestWebSocketsNameTheirModelInTheQuery(t *testing.T) {
	for _, tt := range []struct{ host, path, query, model, deployment, provider string }{
		{"api.openai.com", "/v1/realtime", "model=gpt-realtime", "gpt-realtime", "", "openai"},
		{"x.openai.azure.com", "/openai/realtime", "api-version=2024-10-01-preview&deployment=rt%2Deu", "rt-eu", "rt-eu", "azure.ai.openai"},
		{"vllm.corp.example", "/v1/realtime", "model=m&model=n", "m", "", "openai_compatible"},
		{"proxy.corp.example", "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent", "key=k", "", "", "gcp.gemini"},
		{"proxy.corp.example", "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent", "", "", "", "gcp.vertex_ai"},
	} {
		m, llm := wire.Recognize(wire.Line{Method: "GET", Host: tt.host, Path: tt.path, Query: tt.query, Upgrade: "websocket"})
		if !llm || m.Model != tt.model || m.Deployment != tt.deployment || m.Provider != tt.provider {
			t.Errorf("%s%s?%s: %+v (llm %v)", tt.host, tt.path, tt.query, m, llm)
		}
	}
}
