package wire_test

import (
	"strings"
	"testing"

	"llmtap/capture/wire"
)

// line is a request line and what the table must say of it: api, provider,
// operation and format joined by blanks, "-" for what is absent and "no" for
// what is no LLM call.
type line struct{ name, method, host, path, query, want string }

func (l line) check(t *testing.T) {
	t.Helper()
	m, llm := wire.Recognize(wire.Line{Method: l.method, Host: l.host, Port: 443, Path: l.path, Query: l.query})
	got := "no"
	if llm {
		got = strings.Join([]string{dash(m.API), dash(m.Provider), dash(m.Operation), dash(m.Format)}, " ")
	}
	if got != l.want {
		t.Errorf("%s %s%s?%s\n got %s\nwant %s", l.method, l.host, l.path, l.query, got, l.want)
	}
}

const (
	azure = "x.openai.azure.com"
	corp  = "llm.corp.example"
	v     = "api-version=2024-10-21"
)

// TestRecognizeOpenAI has hits and near misses for rows 1 to 8 of the table.
func TestRecognizeOpenAI(t *testing.T) {
	for _, tt := range []line{
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
			"azure.openai.other azure.ai.openai - unknown",
		},
		{
			"1 images have no decoder",
			"POST",
			azure,
			"/openai/deployments/d/images/generations",
			v,
			"azure.openai.other azure.ai.openai - unknown",
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
		{"2 responses", "POST", azure, "/openai/responses", v, "azure.openai.responses azure.ai.openai chat openai.responses"},
		{"2 compact", "POST", azure, "/openai/responses/compact", v, "azure.openai.responses azure.ai.openai chat openai.responses"},
		{
			"2 resumed",
			"GET",
			azure,
			"/openai/responses/resp_1",
			v + "&stream=true",
			"azure.openai.responses azure.ai.openai fetch_response openai.responses",
		},
		{"2 near: no version", "POST", corp, "/openai/responses", "", "openai.responses openai_compatible chat openai.responses"},
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
		{
			"3 responses on Azure",
			"POST",
			azure,
			"/openai/v1/responses",
			"",
			"azure.openai.responses azure.ai.openai chat openai.responses",
		},
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
		{
			"7 OpenAI",
			"POST",
			"api.openai.com",
			"/v1/chat/completions",
			"",
			"openai.chat openai chat openai.chat",
		},
		{
			"7 regional OpenAI",
			"POST",
			"eu.api.openai.com",
			"/v1/chat/completions",
			"",
			"openai.chat openai chat openai.chat",
		},
		{
			"7 DeepSeek",
			"POST",
			"api.deepseek.com",
			"/chat/completions",
			"",
			"openai.chat deepseek chat openai.chat",
		},
		{
			"7 xAI",
			"POST",
			"api.x.ai",
			"/v1/chat/completions",
			"",
			"openai.chat x_ai chat openai.chat",
		},
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
		{
			"7 near: stored completion",
			"GET",
			"api.openai.com",
			"/v1/chat/completions/chatcmpl-1",
			"",
			"no",
		},
		{"8 responses", "POST", "api.openai.com", "/v1/responses", "", "openai.responses openai chat openai.responses"},
		{"8 compact", "POST", "api.openai.com", "/v1/responses/compact", "", "openai.responses openai chat openai.responses"},
		{
			"8 resumed",
			"GET",
			"api.openai.com",
			"/v1/responses/resp_1",
			"stream=true&starting_after=7",
			"openai.responses openai fetch_response openai.responses",
		},
		{"8 near: fetched plain", "GET", "api.openai.com", "/v1/responses/resp_1", "", "no"},
		{
			"8 near: stream in capitals",
			"GET",
			"api.openai.com",
			"/v1/responses/resp_1",
			"Stream=true",
			"no",
		},
		{"8 near: cancelled", "POST", "api.openai.com", "/v1/responses/resp_1/cancel", "", "no"},
	} {
		t.Run(tt.name, tt.check)
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
