package explain_test

import (
	"net/url"
	"strings"
	"testing"

	"llmtap/capture/wire"
	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// reread sends a command's request through the recognition and the reader that
// made the record.
func reread(t *testing.T, c explain.Command) (wire.Match, wire.RequestFacts) {
	t.Helper()
	s := read(t, c.Text)
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := wire.Recognize(wire.Line{Method: "POST", Host: u.Hostname(), Path: u.EscapedPath(), Query: u.RawQuery})
	q := wire.NewRequest(m, nil)
	q.Push([]byte(s.body))
	return m, q.Close()
}

// TestRebuiltRequestsReadLikeTheRecordedOnes: for every API whose request can
// be written, the command asks the same API in the same mode, and the change
// asks it in the other.
func TestRebuiltRequestsReadLikeTheRecordedOnes(t *testing.T) {
	for name, tc := range map[string]struct {
		host, path string // as a client sends it; the stream's path where the path decides
		byPath     bool
		plainOnly  bool
	}{
		"azure.openai.chat":          {host: "x.openai.azure.com", path: "/openai/deployments/d/chat/completions?api-version=2024-10-21"},
		"azure.openai.completions":   {host: "x.openai.azure.com", path: "/openai/deployments/d/completions?api-version=2024-10-21"},
		"azure.openai.embeddings":    {host: "x.openai.azure.com", path: "/openai/deployments/d/embeddings?api-version=2024-10-21", plainOnly: true},
		"azure.openai.responses":     {host: "x.openai.azure.com", path: "/openai/responses?api-version=2025-04-01-preview"},
		"azure.inference.chat":       {host: "x.services.ai.azure.com", path: "/models/chat/completions?api-version=2024-05-01-preview"},
		"azure.inference.embeddings": {host: "x.services.ai.azure.com", path: "/models/embeddings?api-version=2024-05-01-preview", plainOnly: true},
		"openai.chat":                {host: "api.openai.com", path: "/v1/chat/completions"},
		"openai.completions":         {host: "api.openai.com", path: "/v1/completions"},
		"openai.responses":           {host: "api.openai.com", path: "/v1/responses"},
		"openai.embeddings":          {host: "api.openai.com", path: "/v1/embeddings", plainOnly: true},
		"vertex.openai":              {host: "aiplatform.googleapis.com", path: "/v1/projects/p/locations/l/endpoints/openapi/chat/completions"},
		"mistral.fim":                {host: "api.mistral.ai", path: "/v1/fim/completions"},
		"mistral.agents":             {host: "api.mistral.ai", path: "/v1/agents/completions"},
		"anthropic.messages":         {host: "api.anthropic.com", path: "/v1/messages"},
		"vertex.anthropic":           {host: "aiplatform.googleapis.com", path: "/v1/projects/p/locations/l/publishers/anthropic/models/c:streamRawPredict", byPath: true},
		"vertex.gemini":              {host: "aiplatform.googleapis.com", path: "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent?alt=sse", byPath: true},
		"gemini.generate":            {host: "generativelanguage.googleapis.com", path: "/v1beta/models/g:streamGenerateContent?alt=sse", byPath: true},
		"bedrock.converse_stream":    {host: "bedrock-runtime.eu-west-1.amazonaws.com", path: "/model/m/converse-stream", byPath: true},
		"ollama.chat":                {host: "127.0.0.1", path: "/api/chat"},
		"ollama.generate":            {host: "127.0.0.1", path: "/api/generate"},
		"ollama.embed":               {host: "127.0.0.1", path: "/api/embed", plainOnly: true},
		"cohere.chat":                {host: "api.cohere.com", path: "/v2/chat"},
		"cohere.v1":                  {host: "api.cohere.com", path: "/v1/chat"},
		"tgi.generate":               {host: "tgi.example", path: "/generate_stream", byPath: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := streamCall(failed(call.ClassProviderError, 500), api(call.Target{Host: tc.host, API: name, Model: "m", Auth: call.Auth{Scheme: "none"}}, tc.path))
			r.Request.Keys = []string{"model", "stream"}
			if tc.byPath {
				r.Request.Keys, r.Request.StreamFlag = nil, call.StreamAbsent
			}
			if tc.plainOnly {
				r.Request.Mode, r.Request.StreamFlag, r.Request.Keys = call.ModePlain, call.StreamAbsent, []string{"model"}
			}
			r.Target.API = recorded(r).API // none where answers have no decoder
			p := explain.Curl(r)
			m, f := reread(t, p.AsSent)
			if m != recorded(r) || f.StreamFlag != r.Request.StreamFlag || mode(m, f) != r.Request.Mode {
				t.Errorf("as sent it reads %s, flag %v, %v", m.API, f.StreamFlag, mode(m, f))
			}
			if !tc.byPath && f.Model != "m" {
				t.Errorf("model %q", f.Model)
			}
			if tc.plainOnly {
				return
			}
			m, f = reread(t, p.Changed)
			if m.Provider != recorded(r).Provider || mode(m, f) != call.ModePlain {
				t.Errorf("changed it reads %s, flag %v, %v", m.API, f.StreamFlag, mode(m, f))
			}
		})
	}
}

// recorded is what the recognition says of the record's own address.
func recorded(r call.Record) wire.Match {
	_, query, _ := strings.Cut(r.Request.URL, "?")
	m, _ := wire.Recognize(wire.Line{Method: "POST", Host: r.Target.Host, Path: r.Request.Path, Query: query})
	return m
}

// mode is what a request asks for, by path or by its flag.
func mode(m wire.Match, f wire.RequestFacts) call.Mode {
	if m.PathMode != call.ModeUnknown {
		return m.PathMode
	}
	return f.Mode
}

// TestPlainCallsThatDieWaitingAreStreamedByPathToo: the mirror of the change.
func TestPlainCallsThatDieWaitingAreStreamedByPathToo(t *testing.T) {
	for name, tc := range map[string]struct{ host, path string }{
		"gemini.generate":  {"generativelanguage.googleapis.com", "/v1beta/models/g:generateContent"},
		"vertex.anthropic": {"aiplatform.googleapis.com", "/v1/projects/p/locations/l/publishers/anthropic/models/c:rawPredict"},
		"bedrock.converse": {"bedrock-runtime.eu-west-1.amazonaws.com", "/model/m/converse"},
		"tgi.generate":     {"tgi.example", "/generate"},
		"openai.chat":      {"api.openai.com", "/v1/chat/completions"},
	} {
		r := plainCall(failed(call.ClassGatewayTimeout, 504), api(call.Target{Host: tc.host, API: name, Auth: call.Auth{Scheme: "none"}}, tc.path))
		p := explain.Curl(r)
		if m, f := reread(t, p.AsSent); mode(m, f) != call.ModePlain {
			t.Errorf("%s: as sent it asks for %v", name, mode(m, f))
		}
		r.Target.API = recorded(r).API
		if got := explain.Curl(r); got.AsSent.Text != p.AsSent.Text || got.Changed.Text != p.Changed.Text {
			t.Errorf("%s: by its path alone it is\n%s", name, got.AsSent.Text)
		}
		if m, f := reread(t, p.Changed); mode(m, f) != call.ModeStream || p.Change != "asking for a stream" {
			t.Errorf("%s: changed (%s) it asks for %v", name, p.Change, mode(m, f))
		}
	}
}

// TestParametersSurviveTheRoundTrip: what the reader recorded, the command
// sends, and the reader records again.
func TestParametersSurviveTheRoundTrip(t *testing.T) {
	r := streamCall(failed(call.ClassProviderError, 500))
	r.Request.Keys = []string{"stream", "stream_options"}
	r.Request.Hints.IncludeUsage = call.False
	r.Request.Params = []call.Param{
		{Name: "frequency_penalty", Value: "-0.50"}, {Name: "logprobs", Value: "true"}, {Name: "max_completion_tokens", Value: "4096"},
		{Name: "n", Value: "1"}, {Name: "reasoning.effort", Value: `"low"`}, {Name: "seed", Value: "null"}, {Name: "service_tier", Value: `"a\"b\u001b"`},
		{Name: "stream_options.include_obfuscation", Value: "true"}, {Name: "temperature", Value: "1e-1"},
	}
	_, f := reread(t, explain.Curl(r).AsSent)
	want := map[string]string{}
	for _, p := range r.Request.Params {
		want[p.Name] = p.Value
	}
	for _, p := range f.Params {
		if want[p.Name] != p.Value {
			t.Errorf("%s = %s, want %s", p.Name, p.Value, want[p.Name])
		}
		delete(want, p.Name)
	}
	delete(want, "seed") // null is as good as absent
	if len(want) > 0 || f.IncludeUsage != call.False || f.StreamFlag != call.StreamTrue {
		t.Errorf("lost %v; include_usage %v, flag %v", want, f.IncludeUsage, f.StreamFlag)
	}
}

// TestBearerVariables: the key is looked for where the service's own SDK does.
func TestBearerVariables(t *testing.T) {
	for provider, want := range map[string]string{
		"azure.ai.openai": "azure-token", "azure.ai.inference": "ai-token", "anthropic": "anthropic-key", "aws.bedrock": "aws-bearer",
		"gcp.gemini": "google-token", "gcp.vertex_ai": "google-token", "groq": "groq-key", "mistral_ai": "mistral-key", "cohere": "cohere-key",
		"deepseek": "deepseek-key", "x_ai": "xai-key", "perplexity": "perplexity-key", "tgi": "hf-token", "ollama": "ollama-key",
		"openai": "openai-key", "openai_compatible": "openai-key", "": "openai-key",
	} {
		r := plainCall(func(r *call.Record) { r.Target.Provider, r.Target.Auth.Scheme = provider, "bearer" })
		if got := read(t, explain.Curl(r).AsSent.Text).headers[0]; got != "Authorization: Bearer "+want {
			t.Errorf("%s: got %s, want %s", provider, got, want)
		}
	}
	for scheme, want := range map[string]string{"other": "the way it was sent is not known", "": "the way it was sent is not known", "sigv4": "region and service are not known", "none": ""} {
		r := plainCall(func(r *call.Record) { r.Target.Auth.Scheme = scheme })
		p := explain.Curl(r)
		if got := strings.Join(p.AsSent.LeftOut, ";"); !strings.Contains(got, want) || len(read(t, p.AsSent.Text).headers) != 1 {
			t.Errorf("%s: left out %q of\n%s", scheme, got, p.AsSent.Text)
		}
	}
}

// TestVersionOfAnthropicIsTheOneSent, if it is one.
func TestVersionOfAnthropicIsTheOneSent(t *testing.T) {
	for sent, want := range map[string]string{
		"2026-10-21": "2026-10-21", "": "2023-06-01", "latest": "2023-06-01", "2026\n": "2023-06-01", strings.Repeat("1", 40): "2023-06-01",
	} {
		r := plainCall(api(call.Target{Host: "api.anthropic.com", API: "anthropic.messages", Auth: call.Auth{Scheme: "none"}}, "/v1/messages"))
		r.Request.Hints.Headers = []call.Header{{Name: "anthropic-version", Value: sent}}
		r.Request.Params = []call.Param{{Name: "max_tokens", Value: "7"}}
		p := explain.Curl(r)
		s := read(t, p.AsSent.Text)
		if s.headers[0] != "anthropic-version: "+want || !strings.Contains(s.body, `"max_tokens":7`) {
			t.Errorf("%q: sends %+v", sent, s)
		}
	}
}

// TestEveryQuestionIsOne: each class with a question asks it whole.
func TestEveryQuestionIsOne(t *testing.T) {
	asked := 0
	for _, class := range call.Classes() {
		got := explain.Quote(streamCall(failed(class, 503)))
		if got == "" {
			continue
		}
		asked++
		if !strings.HasPrefix(got, "Ask the owner of x.openai.azure.com: ") || strings.Count(got, "?") != 1 || strings.ContainsAny(got, "{}") || !strings.HasSuffix(got, "status 503.") {
			t.Errorf("%v: %s", class, got)
		}
	}
	if asked < 20 {
		t.Errorf("only %d classes have a question", asked)
	}
}

// TestUnknownPathsAreNotGuessed: near misses of the paths that tell an API.
func TestUnknownPathsAreNotGuessed(t *testing.T) {
	for _, path := range []string{
		"/", "/v1/message", "/v1/messages/batches", "/v1/messages/count_tokens", "/api/tags", "/api/chats", "/v3/chat", "/generate/x", "/regenerate",
		"/v1/models/g:countTokens", "/v1/streamGenerateContent", "/converse", "/model/m/invoke", "/v1/responses/resp_1/cancel", "/openai/realtime",
	} {
		r := streamCall(failed(call.ClassProviderError, 500), api(call.Target{Host: "llm.example", Auth: call.Auth{Scheme: "none"}}, path))
		if p := explain.Curl(r); p.AsSent.Text != "" || !strings.Contains(p.AsSent.Missing, "is not known") {
			t.Errorf("%s is taken for something:\n%s", path, p.AsSent.Text)
		}
	}
	r := streamCall(failed(call.ClassProviderError, 500), api(call.Target{Host: "llm.example", Auth: call.Auth{Scheme: "none"}}, "/gateway/v1/messages/"))
	if p := explain.Curl(r); !strings.Contains(p.AsSent.Text, "'https://llm.example/gateway/v1/messages/'") {
		t.Errorf("a prefix or a last slash hides the API: %+v", p.AsSent)
	}
}
