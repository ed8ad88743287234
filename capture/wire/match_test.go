package wire_test

import (
	"testing"
	"unicode/utf8"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

func TestRecognizeProviderByHost(t *testing.T) {
	for host, want := range map[string]string{
		"api.openai.com": "openai", "us.api.openai.com": "openai", "API.OpenAI.com": "openai", "api.openai.com.": "openai",
		"api.openai.com.evil.example": "openai_compatible", "notapi.openai.com": "openai_compatible",
		"x.openai.azure.com": "azure.ai.openai", ".openai.azure.com": "openai_compatible", "openai.azure.com": "openai_compatible",
		"x.openai.azure.us": "azure.ai.openai", "x.openai.azure.cn": "azure.ai.openai",
		"x.cognitiveservices.azure.com": "azure.ai.openai", "corp.azure-api.net": "azure.ai.openai",
		"x.services.ai.azure.com": "azure.ai.inference", "x.eastus.inference.ai.azure.com": "azure.ai.inference",
		"api.groq.com": "groq", "api.mistral.ai": "mistral_ai", "api.deepseek.com": "deepseek", "api.x.ai": "x_ai",
		"bedrock-runtime.us-east-1.amazonaws.com": "aws.bedrock", "bedrock-runtime.eu-west-1.amazonaws.eu": "aws.bedrock",
		"s3.us-east-1.amazonaws.com": "openai_compatible", "127.0.0.1": "openai_compatible", "": "openai_compatible",
	} {
		m, llm := wire.Recognize(wire.Line{Method: "POST", Host: host, Port: 443, Path: "/v1/chat/completions"})
		if m.Provider != want || !llm {
			t.Errorf("%s: provider %q (llm %v), want %q", host, m.Provider, llm, want)
		}
	}
	m, _ := wire.Recognize(wire.Line{Method: "POST", Host: "localhost", Port: 11434, Path: "/v1/chat/completions"})
	if m.Provider != "ollama" {
		t.Errorf("port 11434: provider %q, want ollama", m.Provider)
	}
}

func TestRecognizeCaptures(t *testing.T) {
	for _, tt := range []struct {
		name string
		line wire.Line
		want wire.Match
	}{
		{
			"deployment",
			wire.Line{Path: "/openai/deployments/gpt4/chat/completions", Query: "x=1&api-version=2024-10-21&api-version=2"},
			wire.Match{Deployment: "gpt4", Model: "gpt4", APIVersion: "2024-10-21"},
		},
		{
			"gateway prefix and escapes",
			wire.Line{Path: "/corp/ai/openai/deployments/my%20model%2Fx/chat/completions", Query: "Api-Version=a%2Bb+c"},
			wire.Match{Deployment: "my model/x", Model: "my model/x", APIVersion: "a+b c", RoutePrefix: "/corp/ai"},
		},
		{
			"doubled path",
			wire.Line{Path: "/openai/v1/openai/deployments/d/chat/completions"},
			wire.Match{Deployment: "d", Model: "d", RoutePrefix: "/openai/v1"},
		},
		{
			"doubled slashes",
			wire.Line{Path: "///openai//deployments/d/chat/completions/"},
			wire.Match{Deployment: "d", Model: "d"},
		},
		{
			"escaped model id",
			wire.Line{Path: "/model/arn%3Aaws%3Abedrock%3Aeu%3A1%3Ax%2Fm-1/converse-stream"},
			wire.Match{Model: "arn:aws:bedrock:eu:1:x/m-1", PathMode: call.ModeStream},
		},
		{
			"plain by path",
			wire.Line{Path: "/v1beta/models/g-1:generateContent"},
			wire.Match{Model: "g-1", PathMode: call.ModePlain},
		},
		{
			"streamed by path",
			wire.Line{Path: "/v1beta/models/g-1:streamGenerateContent"},
			wire.Match{Model: "g-1", PathMode: call.ModeStream},
		},
		{
			"the body decides",
			wire.Line{Path: "/v1/chat/completions"},
			wire.Match{RoutePrefix: "/v1"},
		},
		{
			"malformed escapes stay",
			wire.Line{Path: "/openai/deployments/a%zz%/chat/completions"},
			wire.Match{Deployment: "a%zz%", Model: "a%zz%"},
		},
		{
			"bad UTF-8 is replaced",
			wire.Line{Path: "/openai/deployments/a%FF/chat/completions"},
			wire.Match{Deployment: "a\ufffd", Model: "a\ufffd"},
		},
		{
			"resumed",
			wire.Line{Method: "GET", Path: "/v1/responses/resp_1", Query: "stream=true"},
			wire.Match{RoutePrefix: "/v1", PathMode: call.ModeStream},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.line.Method == "" {
				tt.line.Method = "POST"
			}
			m, llm := wire.Recognize(tt.line)
			got := wire.Match{Deployment: m.Deployment, Model: m.Model, APIVersion: m.APIVersion, RoutePrefix: m.RoutePrefix, PathMode: m.PathMode}
			if got != tt.want || !llm {
				t.Errorf("got %+v (llm %v), want %+v", got, llm, tt.want)
			}
		})
	}
}

func TestRecognizeWebSockets(t *testing.T) {
	for _, tt := range []struct {
		name, host, path, upgrade string
		want                      bool
	}{
		{"realtime", "api.openai.com", "/v1/realtime", "websocket", true},
		{"realtime on Azure", "x.openai.azure.com", "/openai/realtime", "WebSocket", true},
		{"responses", "api.openai.com", "/v1/responses", "websocket", true},
		{
			"Gemini live",
			"generativelanguage.googleapis.com",
			"/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
			"websocket",
			true,
		},
		{
			"Gemini live, constrained",
			"generativelanguage.googleapis.com",
			"/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained",
			"websocket",
			true,
		},
		{
			"Vertex live",
			"us-central1-aiplatform.googleapis.com",
			"/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent",
			"websocket",
			true,
		},
		{"near: no upgrade", "api.openai.com", "/v1/realtime", "", false},
		{"near: another upgrade", "api.openai.com", "/v1/realtime", "h2c", false},
		{"near: another path", "api.openai.com", "/v1/chat", "websocket", false},
		{"near: sessions", "api.openai.com", "/v1/realtime/sessions", "websocket", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, llm := wire.Recognize(wire.Line{Method: "GET", Host: tt.host, Path: tt.path, Upgrade: tt.upgrade})
			if llm != tt.want || llm && (m.API != "websocket" || m.Format != "unknown") {
				t.Errorf("llm = %v (%+v), want %v", llm, m, tt.want)
			}
		})
	}
}

func TestRecognizeNeedsTheBody(t *testing.T) {
	for path, mode := range map[string]call.Mode{
		"/generate_stream": call.ModeStream, "/generate": call.ModePlain, "/invocations": call.ModeUnknown,
		"/vertex": call.ModeUnknown, "/": call.ModeUnknown,
	} {
		m, llm := wire.Recognize(wire.Line{Method: "POST", Host: "h", Path: path})
		if llm || m.Confirm != "inputs" || m.PathMode != mode {
			t.Errorf("%s: llm %v, confirm %q, mode %s; want false, inputs, %s", path, llm, m.Confirm, m.PathMode, mode)
		}
	}
}

// TestOrderOfTheRows: where two rows fit, the more telling one comes first.
func TestOrderOfTheRows(t *testing.T) {
	for _, tt := range []struct{ path, query, first, not string }{
		{"/openai/deployments/d/chat/completions", "", "azure.openai.chat", "openai.chat (7)"},
		{
			"/openai/deployments/d/completions",
			"",
			"azure.openai.completions",
			"openai.completions (17)",
		},
		{
			"/openai/deployments/d/embeddings",
			"",
			"azure.openai.embeddings",
			"openai.embeddings (18)",
		},
		{"/models/chat/completions", "api-version=1", "azure.inference.chat", "openai.chat (7)"},
		{"/endpoints/openapi/chat/completions", "", "vertex.openai", "openai.chat (7)"},
		{"/v1/fim/completions", "", "mistral.fim", "openai.completions (17)"},
		{"/v1/agents/completions", "", "mistral.agents", "openai.completions (17)"},
		{"/v1/chat/completions", "", "openai.chat", "openai.completions (17)"},
	} {
		m, _ := wire.Recognize(wire.Line{Method: "POST", Host: "h", Path: tt.path, Query: tt.query})
		if m.API != tt.first {
			t.Errorf("%s: %s, want %s before %s", tt.path, m.API, tt.first, tt.not)
		}
	}
}

// FuzzRecognize holds that nothing a client writes into a request line panics
// or leaves bad UTF-8 or long texts in the match.
func FuzzRecognize(f *testing.F) {
	f.Add("POST", "x.openai.azure.com", "/openai/deployments/d%2F/chat/completions", "api-version=1&stream=true", "")
	f.Add("GET", "h", "//v1//responses/%", "stream=true", "websocket")
	f.Add("POST", "", "/v1/models/a:b:generateContent", "=&&=%", "")
	f.Fuzz(func(t *testing.T, method, host, path, query, upgrade string) {
		m, llm := wire.Recognize(wire.Line{Method: method, Host: host, Path: path, Query: query, Upgrade: upgrade})
		for _, s := range []string{m.Deployment, m.Model, m.APIVersion} {
			if !utf8.ValidString(s) || len(s) > 3*256 {
				t.Fatalf("kept %q", s)
			}
		}
		if m.API != "" && m.Format == "" {
			t.Fatalf("api %s without a decoder", m.API)
		}
		if llm && m.Confirm != "" {
			t.Fatal("a path that needs its body is said to be an LLM call")
		}
	})
}
