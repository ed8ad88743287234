package faultllm_test

import (
	"encoding/json"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

const cohereV1Type = "application/stream+json"

// TestLinesOfCohereV1AndGenerate: both ways of each, and what can go wrong in them.
func TestLinesOfCohereV1AndGenerate(t *testing.T) {
	s := start(t, plainHTTP)
	const v1, generate = "/v1/chat?" + fast, "/api/generate?" + fast
	const tools = `"tools":[{"name":"count_owls","description":"","parameter_definitions":{}}]`
	for _, tc := range []struct {
		name, path, body string
		want             want
	}{
		{"version 1, streamed", v1, `{"message":"x","stream":true}`, want{media: cohereV1Type, has: []string{
			`{"is_finished":false,"event_type":"stream-start","generation_id":"`, `"event_type":"text-generation","text":"Owls "}` + "\n",
			`{"is_finished":true,"event_type":"stream-end","finish_reason":"COMPLETE","response":{`, `"text":"Owls hunt at`, `"output_tokens":10`,
		}, lacks: []string{"data:", "[DONE]"}}},
		{"version 1, plain", v1, `{"message":"x"}`, want{
			media: jsonType, has: []string{`"text":"Owls hunt at`, `"finish_reason":"COMPLETE"`, `"meta":{`}, lacks: []string{"event_type"},
		}},
		{"version 1, tool", v1, `{"model":"ok-tools","stream":true,` + tools + `}`, want{media: cohereV1Type, has: []string{
			`"tool_call_delta":{"index":0,"name":"count_owls"}`, `"tool_call_delta":{"index":0,"parameters":"{\"field\""}`,
			`"event_type":"tool-calls-generation","text":"I will count.","tool_calls":[{"name":"count_owls","parameters":{"field":"north","night":3}}]`, `"event_type":"stream-end"`,
		}}},
		{"version 1, tool, plain", v1, `{"model":"ok-tools",` + tools + `}`, want{
			media: jsonType, has: []string{`"tool_calls":[{"name":"count_owls","parameters":{"field":"north","night":3}}]`}, lacks: []string{"event_type"},
		}},
		{"version 1, refused", v1, `{"model":"refuse-400","stream":true}`, want{status: 400, media: jsonType, has: []string{`{"message":"Unsupported value: 'stream'`}}},
		{"version 1, error inside", v1, `{"model":"serr-eof","stream":true}`, want{
			media: cohereV1Type, has: []string{"Owls ", `"event_type":"stream-end","finish_reason":"ERROR"`}, lacks: []string{"COMPLETE"},
		}},
		{"version 1, no end", v1, `{"model":"inc-eof","stream":true}`, want{media: cohereV1Type, has: []string{"Owls "}, lacks: []string{"stream-end"}}},
		{"version 1, length", v1, `{"model":"ok-length-empty","stream":true}`, want{media: cohereV1Type, has: []string{`"finish_reason":"MAX_TOKENS"`}, lacks: []string{"text-generation"}}},
		{"chat completions are not version 1", "/v1/chat/completions?" + fast, `{}`, want{media: jsonType, has: []string{`"choices"`}}},
		{"generate, asked without a flag", generate, `{"prompt":"x"}`, want{media: ndjsonType, has: []string{
			`"response":"Owls ","done":false}` + "\n", `"response":"","done":true,"done_reason":"stop"`, `"eval_count":10`, `"context":[`,
		}, lacks: []string{"message", "data:"}}},
		{"generate, plain", generate, `{"prompt":"x","stream":false}`, want{media: jsonType, has: []string{`"response":"Owls hunt at`, `"done":true`}, lacks: []string{`"done":false`}}},
		{"generate has no tools", generate, `{"model":"ok-tools",` + tools + `}`, want{media: ndjsonType, has: []string{`"response":"Owls "`}, lacks: []string{"count_owls"}}},
		{"generate, error inside", generate, `{"model":"serr-eof"}`, want{media: ndjsonType, has: []string{`{"error":"The model produced no more output."}`}, lacks: []string{`"done":true`}}},
		{"generate, refused", generate, `{"model":"rate-429"}`, want{status: 429, media: jsonType, has: []string{`{"error":"`}}},
		{"generate, downgraded", generate, `{"model":"mode-json"}`, want{media: jsonType, has: []string{`"response":"Owls hunt at`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.send(t, "POST", tc.path, tc.body)
			a.shows(t, tc.want)
			for line := range strings.Lines(a.body) {
				if !json.Valid([]byte(line)) {
					t.Errorf("no JSON: %s", line)
				}
			}
		})
	}
}

// TestRequestsOfLines: each dialect says how its scenarios are met.
func TestRequestsOfLines(t *testing.T) {
	for id, apis := range map[string]string{
		"cut-rst": "cohere.v1 ollama.generate", "ok-tools": "cohere.v1", "ok-cohere-v1": "cohere.v1", "ok-ollama-generate": "ollama.generate",
		"serr-rate": "ollama.generate", "sse-crlf": "", "filter-200": "", "unclean-finish": "",
	} {
		var names []string
		for _, q := range scenario(t, id).Requests(true) {
			path, ask := "/v1/chat", `"message":"`
			switch q.API {
			case faultllm.APIOllamaGenerate:
				path, ask = "/api/generate", `"prompt":"`
			case faultllm.APICohereV1:
			default:
				continue
			}
			names = append(names, q.API)
			if q.Path != path || !strings.Contains(string(q.Body), ask) {
				t.Errorf("%s: %s is asked by %s at %s", id, q.API, q.Body, q.Path)
			}
		}
		if got := strings.Join(names, " "); got != apis {
			t.Errorf("%s: known to %q, want %q", id, got, apis)
		}
	}
}
