package wire_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// TestRecognize has hits and near misses for every row of the table. want is
// api, provider, operation and format joined by blanks, "-" for what is absent
// and "no" for what is no LLM call.
func TestRecognize(t *testing.T) {
	const azure, corp = "x.openai.azure.com", "llm.corp.example"
	v := "api-version=2024-10-21"
	for _, tt := range []struct {
		name, method, host, path, query, want string
	}{
		{
			"1 chat",
			"POST",
			azure,
			"/openai/deployments/gpt4/chat/completions",
			v,
			"azure.openai.chat azure.ai.openai chat openai.chat",
		},
		{
			"1 chat on a gateway",
			"POST",
			corp,
			"/ai/openai/deployments/gpt4/chat/completions",
			v,
			"azure.openai.chat azure.ai.openai chat openai.chat",
		},
		{
			"1 chat without version",
			"POST",
			corp,
			"/openai/deployments/gpt4/chat/completions",
			"",
			"azure.openai.chat azure.ai.openai chat openai.chat",
		},
		{
			"1 completions",
			"POST",
			azure,
			"/openai/deployments/d/completions",
			v,
			"azure.openai.completions azure.ai.openai text_completion openai.completions",
		},
		{
			"1 embeddings",
			"POST",
			azure,
			"/openai/deployments/d/embeddings",
			v,
			"azure.openai.embeddings azure.ai.openai embeddings openai.completions",
		},
		{
			"1 audio has no decoder",
			"POST",
			azure,
			"/openai/deployments/d/audio/transcriptions",
			v,
			"- azure.ai.openai - -",
		},
		{
			"1 images have no decoder",
			"POST",
			azure,
			"/openai/deployments/d/images/generations",
			v,
			"- azure.ai.openai - -",
		},
		{
			"1 near: no deployment reads as one called chat",
			"POST",
			azure,
			"/openai/deployments/chat/completions",
			v,
			"azure.openai.completions azure.ai.openai text_completion openai.completions",
		},
		{"1 near: list of deployments", "GET", azure, "/openai/deployments", v, "no"},
		{"1 near: other tail", "POST", azure, "/openai/deployments/d/extensions", v, "no"},
		{"1 near: GET", "GET", azure, "/openai/deployments/d/chat/completions", v, "no"},
		{
			"1 doubled path",
			"POST",
			azure,
			"/openai/v1/openai/deployments/d/chat/completions",
			v,
			"azure.openai.chat azure.ai.openai chat openai.chat",
		},
		{"2 responses", "POST", azure, "/openai/responses", v, "- azure.ai.openai chat -"},
		{"2 compact", "POST", azure, "/openai/responses/compact", v, "- azure.ai.openai chat -"},
		{
			"2 resumed",
			"GET",
			azure,
			"/openai/responses/resp_1",
			v + "&stream=true",
			"- azure.ai.openai fetch_response -",
		},
		{"2 near: no version", "POST", corp, "/openai/responses", "", "- openai_compatible chat -"},
		{
			"3 chat on Azure",
			"POST",
			azure,
			"/openai/v1/chat/completions",
			"",
			"azure.openai.chat azure.ai.openai chat openai.chat",
		},
		{
			"3 chat on Azure AI services",
			"POST",
			"r.services.ai.azure.com",
			"/openai/v1/chat/completions",
			"",
			"azure.openai.chat azure.ai.openai chat openai.chat",
		},
		{
			"3 chat on Bedrock",
			"POST",
			"bedrock-mantle.eu-west-1.api.aws",
			"/openai/v1/chat/completions",
			"",
			"openai.chat aws.bedrock chat openai.chat",
		},
		{
			"3 chat on Groq",
			"POST",
			"api.groq.com",
			"/openai/v1/chat/completions",
			"",
			"openai.chat groq chat openai.chat",
		},
		{
			"3 chat anywhere",
			"POST",
			corp,
			"/openai/v1/chat/completions",
			"",
			"openai.chat openai_compatible chat openai.chat",
		},
		{"3 responses on Azure", "POST", azure, "/openai/v1/responses", "", "- azure.ai.openai chat -"},
		{
			"3 completions on Azure",
			"POST",
			azure,
			"/openai/v1/completions",
			"",
			"azure.openai.completions azure.ai.openai text_completion openai.completions",
		},
		{
			"3 embeddings on Azure",
			"POST",
			azure,
			"/openai/v1/embeddings",
			"",
			"azure.openai.embeddings azure.ai.openai embeddings openai.completions",
		},
		{"3 near: models", "POST", azure, "/openai/v1/models", "", "no"},
		{
			"4 chat",
			"POST",
			"r.services.ai.azure.com",
			"/models/chat/completions",
			"api-version=2024-05-01-preview",
			"azure.inference.chat azure.ai.inference chat openai.chat",
		},
		{
			"4 version in capitals",
			"POST",
			"r.services.ai.azure.com",
			"/models/chat/completions",
			"API-Version=2024-05-01-preview",
			"azure.inference.chat azure.ai.inference chat openai.chat",
		},
		{
			"4 embeddings",
			"POST",
			"r.services.ai.azure.com",
			"/models/embeddings",
			v,
			"azure.inference.embeddings azure.ai.inference embeddings openai.completions",
		},
		{
			"4 near: no version",
			"POST",
			corp,
			"/models/chat/completions",
			"",
			"openai.chat openai_compatible chat openai.chat",
		},
		{
			"4 bare path on a serverless host",
			"POST",
			"m.eastus2.models.ai.azure.com",
			"/chat/completions",
			"",
			"azure.inference.chat azure.ai.inference chat openai.chat",
		},
		{
			"5 chat",
			"POST",
			"us-central1-aiplatform.googleapis.com",
			"/v1/projects/p/locations/l/endpoints/openapi/chat/completions",
			"",
			"vertex.openai gcp.vertex_ai chat openai.chat",
		},
		{
			"5 near: another endpoint",
			"POST",
			"us-central1-aiplatform.googleapis.com",
			"/v1/endpoints/17/chat/completions",
			"",
			"openai.chat gcp.vertex_ai chat openai.chat",
		},
		{
			"6 fim",
			"POST",
			"api.mistral.ai",
			"/v1/fim/completions",
			"",
			"mistral.fim mistral_ai text_completion openai.chat",
		},
		{
			"6 agents",
			"POST",
			"api.mistral.ai",
			"/v1/agents/completions",
			"",
			"mistral.agents mistral_ai chat openai.chat",
		},
		{
			"6 near: another word",
			"POST",
			"api.mistral.ai",
			"/v1/film/completions",
			"",
			"openai.completions mistral_ai text_completion openai.completions",
		},
		{"7 OpenAI", "POST", "api.openai.com", "/v1/chat/completions", "", "openai.chat openai chat openai.chat"},
		{
			"7 regional OpenAI",
			"POST",
			"eu.api.openai.com",
			"/v1/chat/completions",
			"",
			"openai.chat openai chat openai.chat",
		},
		{"7 DeepSeek", "POST", "api.deepseek.com", "/chat/completions", "", "openai.chat deepseek chat openai.chat"},
		{"7 xAI", "POST", "api.x.ai", "/v1/chat/completions", "", "openai.chat x_ai chat openai.chat"},
		{
			"7 Perplexity",
			"POST",
			"api.perplexity.ai",
			"/chat/completions",
			"",
			"openai.chat perplexity chat openai.chat",
		},
		{
			"7 router",
			"POST",
			"openrouter.ai",
			"/api/v1/chat/completions",
			"",
			"openai.chat openai_compatible chat openai.chat",
		},
		{
			"7 trailing slash",
			"POST",
			corp,
			"/v1/chat/completions/",
			"",
			"openai.chat openai_compatible chat openai.chat",
		},
		{
			"7 doubled slash",
			"POST",
			azure,
			"//openai/deployments/d/chat/completions",
			v,
			"azure.openai.chat azure.ai.openai chat openai.chat",
		},
		{"7 near: prefix of the word", "POST", corp, "/v1/chat/completions2", "", "no"},
		{
			"7 near: glued word",
			"POST",
			corp,
			"/v1/mychat/completions",
			"",
			"openai.completions openai_compatible text_completion openai.completions",
		},
		{"7 near: capital", "POST", corp, "/v1/Chat/Completions", "", "no"},
		{"7 near: stored completion", "GET", "api.openai.com", "/v1/chat/completions/chatcmpl-1", "", "no"},
		{"8 responses", "POST", "api.openai.com", "/v1/responses", "", "- openai chat -"},
		{"8 compact", "POST", "api.openai.com", "/v1/responses/compact", "", "- openai chat -"},
		{
			"8 resumed",
			"GET",
			"api.openai.com",
			"/v1/responses/resp_1",
			"stream=true&starting_after=7",
			"- openai fetch_response -",
		},
		{"8 near: fetched plain", "GET", "api.openai.com", "/v1/responses/resp_1", "", "no"},
		{"8 near: stream in capitals", "GET", "api.openai.com", "/v1/responses/resp_1", "Stream=true", "no"},
		{"8 near: cancelled", "POST", "api.openai.com", "/v1/responses/resp_1/cancel", "", "no"},
		{"9 messages", "POST", "api.anthropic.com", "/v1/messages", "", "- anthropic chat -"},
		{"9 beta", "POST", "api.anthropic.com", "/v1/messages", "beta=true", "- anthropic chat -"},
		{
			"9 on Azure AI services",
			"POST",
			"r.services.ai.azure.com",
			"/anthropic/v1/messages",
			"",
			"- anthropic chat -",
		},
		{"9 on Ollama", "POST", "127.0.0.1", "/v1/messages", "", "- - chat -"},
		{"9 near: count", "POST", "api.anthropic.com", "/v1/messages/count_tokens", "", "no"},
		{"9 near: batches", "POST", "api.anthropic.com", "/v1/messages/batches", "", "no"},
		{"9 near: no version", "POST", "api.anthropic.com", "/messages", "", "no"},
		{
			"10 raw",
			"POST",
			"europe-west1-aiplatform.googleapis.com",
			"/v1/projects/p/locations/l/publishers/anthropic/models/c-1:rawPredict",
			"",
			"- gcp.vertex_ai chat -",
		},
		{
			"10 streamed",
			"POST",
			"aiplatform.googleapis.com",
			"/v1/publishers/anthropic/models/c-1:streamRawPredict",
			"",
			"- gcp.vertex_ai chat -",
		},
		{
			"10 near: another verb",
			"POST",
			"aiplatform.googleapis.com",
			"/v1/publishers/anthropic/models/c-1:predict",
			"",
			"no",
		},
		{
			"11 Gemini on Vertex",
			"POST",
			"aiplatform.eu.rep.googleapis.com",
			"/v1/projects/p/locations/l/publishers/google/models/g-1:generateContent",
			"",
			"- gcp.vertex_ai generate_content -",
		},
		{
			"11 streamed",
			"POST",
			corp,
			"/publishers/google/models/g-1:streamGenerateContent",
			"alt=sse",
			"- gcp.vertex_ai generate_content -",
		},
		{
			"11 tuned",
			"POST",
			"us-central1-aiplatform.googleapis.com",
			"/v1/projects/p/locations/l/endpoints/77:streamGenerateContent",
			"",
			"- gcp.vertex_ai generate_content -",
		},
		{
			"11 near: another publisher",
			"POST",
			"aiplatform.googleapis.com",
			"/v1/publishers/meta/models/l-1:generateContent",
			"",
			"no",
		},
		{
			"11 near: counted",
			"POST",
			"aiplatform.googleapis.com",
			"/v1/publishers/google/models/g-1:countTokens",
			"",
			"no",
		},
		{
			"12 Gemini",
			"POST",
			"generativelanguage.googleapis.com",
			"/v1beta/models/g-1:generateContent",
			"",
			"- gcp.gemini generate_content -",
		},
		{
			"12 streamed",
			"POST",
			"generativelanguage.googleapis.com",
			"/v1/models/g-1:streamGenerateContent",
			"alt=sse&key=k",
			"- gcp.gemini generate_content -",
		},
		{
			"12 tuned",
			"POST",
			"generativelanguage.googleapis.com",
			"/v1alpha/tunedModels/t-1:generateContent",
			"",
			"- gcp.gemini generate_content -",
		},
		{
			"12 near: another version",
			"POST",
			"generativelanguage.googleapis.com",
			"/v2/models/g-1:generateContent",
			"",
			"no",
		},
		{
			"12 near: two colons",
			"POST",
			"generativelanguage.googleapis.com",
			"/v1/models/g:1:generateContent",
			"",
			"no",
		},
		{"12 near: no model", "POST", "generativelanguage.googleapis.com", "/v1/models/:generateContent", "", "no"},
		{
			"13 converse",
			"POST",
			"bedrock-runtime.us-east-1.amazonaws.com",
			"/model/anthropic.c-1%3A0/converse",
			"",
			"- aws.bedrock chat -",
		},
		{
			"13 streamed",
			"POST",
			"bedrock-runtime-fips.us-east-1.amazonaws.com",
			"/model/m/converse-stream",
			"",
			"- aws.bedrock chat -",
		},
		{
			"13 in China",
			"POST",
			"bedrock-runtime.cn-north-1.amazonaws.com.cn",
			"/model/m/converse",
			"",
			"- aws.bedrock chat -",
		},
		{
			"13 near: another verb",
			"POST",
			"bedrock-runtime.us-east-1.amazonaws.com",
			"/model/m/converse-async",
			"",
			"no",
		},
		{"14 invoke", "POST", "bedrock-runtime.us-east-1.amazonaws.com", "/model/m/invoke", "", "- aws.bedrock chat -"},
		{
			"14 streamed",
			"POST",
			"bedrock-runtime.eu-west-1.api.aws",
			"/model/m/invoke-with-response-stream",
			"",
			"- aws.bedrock chat -",
		},
		{
			"14 near: both ways",
			"POST",
			"bedrock-runtime.us-east-1.amazonaws.com",
			"/model/m/invoke-with-bidirectional-stream",
			"",
			"no",
		},
		{
			"15 invocations",
			"POST",
			"runtime.sagemaker.us-east-1.amazonaws.com",
			"/endpoints/e/invocations",
			"",
			"- - chat -",
		},
		{
			"15 streamed",
			"POST",
			"runtime.sagemaker.us-east-1.amazonaws.com",
			"/endpoints/e/invocations-response-stream",
			"",
			"- - chat -",
		},
		{
			"15 near: asynchronous",
			"POST",
			"runtime.sagemaker.us-east-1.amazonaws.com",
			"/endpoints/e/async-invocations",
			"",
			"no",
		},
		{"16 chat", "POST", "localhost", "/api/chat", "", "- ollama chat -"},
		{"16 generate", "POST", "ollama.com", "/api/generate", "", "- ollama text_completion -"},
		{"16 embed", "POST", "localhost", "/api/embed", "", "- ollama embeddings -"},
		{"16 embeddings", "POST", "localhost", "/api/embeddings", "", "- ollama embeddings -"},
		{"16 near: tags", "POST", "localhost", "/api/tags", "", "no"},
		{"16 near: pull", "POST", "localhost", "/api/pull", "", "no"},
		{
			"17 completions",
			"POST",
			"api.openai.com",
			"/v1/completions",
			"",
			"openai.completions openai text_completion openai.completions",
		},
		{"17 llama.cpp", "POST", "localhost", "/completion", "", "- openai_compatible text_completion -"},
		{"17 near: plural of plural", "POST", corp, "/v1/completionss", "", "no"},
		{
			"18 embeddings",
			"POST",
			"api.openai.com",
			"/v1/embeddings",
			"",
			"openai.embeddings openai embeddings openai.completions",
		},
		{"18 near: one embedding", "POST", "api.openai.com", "/v1/embedding", "", "no"},
		{"19 v2", "POST", "api.cohere.com", "/v2/chat", "", "- cohere chat -"},
		{"19 v1", "POST", "api.cohere.ai", "/v1/chat", "", "- cohere chat -"},
		{"19 near: v3", "POST", "api.cohere.com", "/v3/chat", "", "no"},
		{"20 needs its body", "POST", corp, "/generate_stream", "", "no"},
		{"20 root needs its body", "POST", corp, "/", "", "no"},
		{"no path", "POST", corp, "", "", "no"},
		{"a page", "GET", "api.openai.com", "/", "", "no"},
		{"uploads", "POST", "api.openai.com", "/v1/files", "", "no"},
		{"a preflight", "OPTIONS", "api.openai.com", "/v1/chat/completions", "", "no"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, llm := wire.Recognize(wire.Line{Method: tt.method, Host: tt.host, Port: 443, Path: tt.path, Query: tt.query})
			got := "no"
			if llm {
				got = strings.Join([]string{dash(m.API), dash(m.Provider), dash(m.Operation), dash(m.Format)}, " ")
			}
			if got != tt.want {
				t.Errorf("%s %s%s?%s\n got %s\nwant %s", tt.method, tt.host, tt.path, tt.query, got, tt.want)
			}
		})
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

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
			if llm != tt.want {
				t.Errorf("llm = %v (%+v), want %v", llm, m, tt.want)
			}
		})
	}
}

func TestRecognizeNeedsTheBody(t *testing.T) {
	for path, mode := range map[string]call.Mode{
		"/generate_stream": call.ModeStream, "/generate": call.ModeUnknown, "/invocations": call.ModeUnknown,
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
		{"/openai/deployments/d/completions", "", "azure.openai.completions", "openai.completions (17)"},
		{"/openai/deployments/d/embeddings", "", "azure.openai.embeddings", "openai.embeddings (18)"},
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
