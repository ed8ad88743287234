package faultllm_test

import (
	"encoding/json"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

const arrayType = "application/json; charset=UTF-8"

func TestHealthyGeminiTGIAndLlamacpp(t *testing.T) {
	s := start(t, plainHTTP)
	const stream = ":streamGenerateContent"
	for _, tc := range []struct {
		name, path, body string
		want             want
	}{
		{
			"Gemini, streamed", "/v1beta/models/gem" + stream + "?alt=sse&" + fast, `{"contents":[]}`,
			want{media: sseType, has: []string{
				"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Owls \"}],\"role\":\"model\"},\"index\":0}]", "\r\n\r\n", `"finishReason":"STOP"`,
				`"candidatesTokenCount":10`,
			}, lacks: []string{"[DONE]", "choices"}},
		},
		{
			"Gemini, array", "/v1beta/models/gem" + stream + "?" + fast, `{"contents":[]}`,
			want{media: arrayType, has: []string{`[{"candidates"`, "}\r\n,\r\n{\"candidates\"", "}\r\n]\r\n"}, lacks: []string{"data:"}},
		},
		{
			"Gemini, plain", "/v1beta/models/gem:generateContent?" + fast, `{"contents":[]}`,
			want{media: jsonType, has: []string{`"text":"Owls hunt`, `"finishReason":"STOP"`}, lacks: []string{"[{\"candidates", "data:"}},
		},
		{
			"Vertex AI, tuned", "/v1/projects/p/locations/l/endpoints/77" + stream + "?alt=sse&" + fast, `{"contents":[]}`,
			want{media: sseType, has: []string{`"text":"Owls "`}},
		},
		{
			"Gemini, a scenario by its name", "/v1beta/models/ok-length-empty" + stream + "?alt=sse&" + fast, `{"contents":[]}`,
			want{media: sseType, has: []string{`"finishReason":"MAX_TOKENS"`}, lacks: []string{"Owls"}},
		},
		{
			"Gemini, tool", "/v1beta/models/ok-tools" + stream + "?alt=sse&" + fast, `{"tools":[{"functionDeclarations":[{"name":"count_owls"}]}]}`,
			want{media: sseType, has: []string{`"functionCall":{"name":"count_owls","args":{"field":"north","night":3}}`, `"finishReason":"STOP"`}},
		},
		{
			"Gemini, tool, array", "/v1beta/models/ok-tools" + stream + "?" + fast, `{"tools":[{"functionDeclarations":[{"name":"count_owls"}]}]}`,
			want{media: arrayType, has: []string{`"functionCall":{"name":"count_owls"`, "\r\n]"}},
		},
		{
			"Gemini, tool, plain", "/v1beta/models/ok-tools:generateContent?" + fast, `{"tools":[{"functionDeclarations":[{"name":"count_owls"}]}]}`,
			want{media: jsonType, has: []string{`"functionCall":{"name":"count_owls"`}},
		},
		{
			"TGI, streamed", "/generate_stream?" + fast, `{"inputs":"x"}`,
			want{media: sseType, has: []string{
				"data:{\"index\":1,\"token\":{\"id\":7,\"text\":\"Owls \"", `"generated_text":"Owls hunt`, `"finish_reason":"eos_token","generated_tokens":10`,
			}, lacks: []string{"[DONE]", "data: "}},
		},
		{"TGI, plain", "/generate?" + fast, `{"inputs":"x"}`, want{media: jsonType, has: []string{`{"generated_text":"Owls hunt`, `"details":{`}}},
		{"Ollama's path is not TGI's", "/api/generate?" + fast, `{"stream":false}`, want{media: jsonType, has: []string{`"response":"Owls hunt`}, lacks: []string{"generated_text"}}},
		{
			"llama.cpp, streamed", "/completion?" + fast, `{"prompt":"x","n_predict":8,"stream":true}`,
			want{media: sseType, has: []string{`"prompt_progress"`, `"content":"Owls ","tokens":[],"stop":false`, `"stop":true`, `"stop_type":"eos"`}, lacks: []string{"[DONE]"}},
		},
		{"llama.cpp, plain", "/completion?" + fast, `{"prompt":"x"}`, want{media: jsonType, has: []string{`"content":"Owls hunt`, `"stop":true`}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.send(t, "POST", tc.path, tc.body)
			a.shows(t, tc.want)
			if tc.want.media != sseType && !json.Valid([]byte(a.body)) {
				t.Errorf("no JSON: %s", a.body)
			}
		})
	}
}

// TestErrorsOfGeminiTGIAndLlamacpp: refused in their own words, and failed in
// the middle of an answer.
func TestErrorsOfGeminiTGIAndLlamacpp(t *testing.T) {
	s := start(t, plainHTTP)
	const sse, array = ":streamGenerateContent?alt=sse&", ":streamGenerateContent?"
	for _, tc := range []struct {
		path, body string
		status     int
		has, lacks []string
	}{
		{"/v1beta/models/refuse-400" + sse, `{}`, 400, []string{`{"error":{"code":400,"message":"Unsupported value: 'stream'`, `"status":"INVALID_ARGUMENT"`}, []string{"["}},
		{"/v1beta/models/rate-429" + array, `{}`, 429, []string{`[{"error":{"code":429,`, `"status":"RESOURCE_EXHAUSTED"`}, nil},
		{"/v1beta/models/e500-openai:generateContent?", `{}`, 500, []string{`{"error":{"code":500,`, `"status":"INTERNAL"`}, []string{"["}},
		{"/v1beta/models/stream-500-apim" + sse, `{}`, 500, []string{`{"statusCode":500,`}, []string{"INTERNAL"}},
		{"/v1beta/models/serr-eof" + sse, `{}`, 200, []string{`data: {"error":{"code":500,`, "Owls "}, []string{"finishReason"}},
		{"/v1beta/models/serr-rate" + array, `{}`, 200, []string{`{"error":{"code":429,`, "RESOURCE_EXHAUSTED"}, []string{"finishReason"}},
		{"/v1beta/models/serr-bare" + sse, `{}`, 200, []string{"\r\n\r\n{\r\n  \"error\": {\r\n"}, []string{"finishReason"}},
		{"/v1beta/models/cut-array" + array, `{}`, 200, []string{"Owls "}, []string{"finishReason", "\r\n]"}},
		{"/v1beta/models/unclean-array" + array, `{}`, 200, []string{"finishReason"}, []string{"\r\n]"}},
		{"/v1beta/models/blocked-prompt:generateContent?", `{}`, 200, []string{`"blockReason":"PROHIBITED_CONTENT"`}, []string{"candidates"}},
		{"/generate_stream?", `{"inputs":"x","model":"serr-eof"}`, 200, []string{`data:{"error":"The model produced no more output.","error_type":"generation"}`}, []string{`"generated_text":"`}},
		{"/generate_stream?", `{"inputs":"x","model":"serr-validation"}`, 200, []string{`"error_type":"validation"`}, []string{"token\""}},
		{"/generate?", `{"inputs":"x","model":"rate-429"}`, 429, []string{`"error_type":"overloaded"`}, nil},
		{"/completion?", `{"prompt":"x","stream":true,"model":"serr-rate"}`, 200, []string{`data: {"error":{"code":429,`}, []string{`"stop":true`}},
		{"/completion?", `{"prompt":"x","model":"llamacpp-loading"}`, 503, []string{`"message":"Loading model"`}, nil},
	} {
		t.Run(tc.path+tc.body, func(t *testing.T) {
			s.send(t, "POST", tc.path+fast, tc.body).shows(t, want{status: tc.status, has: tc.has, lacks: tc.lacks})
		})
	}
}

// TestRequestsOfGeminiTGIAndLlamacpp: the way that a scenario is met is told for
// each that knows it.
func TestRequestsOfGeminiTGIAndLlamacpp(t *testing.T) {
	for id, apis := range map[string]string{
		"cut-rst": "gemini gemini.array llamacpp tgi", "serr-bare": "gemini", "cut-array": "gemini.array", "inc-eof": "gemini llamacpp tgi",
		"ok-tools": "gemini gemini.array", "empty-done": "", "llamacpp-loading": "llamacpp",
	} {
		got := map[string]faultllm.Request{}
		for _, q := range scenario(t, id).Requests(true) {
			got[q.API] = q
		}
		var names []string
		for _, api := range []string{faultllm.APIGemini, faultllm.APIGeminiArray, faultllm.APILlamacpp, faultllm.APITGI} {
			if q, ok := got[api]; ok {
				names = append(names, api)
				if strings.HasPrefix(api, "gemini") != strings.Contains(q.Path, "/"+id+":") {
					t.Errorf("%s: %s by %s", id, api, q.Path)
				}
			}
		}
		if have := strings.Join(names, " "); have != apis {
			t.Errorf("%s: known to %q, want %q", id, have, apis)
		}
	}
}

// with adds a query to a path that may have one.
func with(path, query string) string {
	if strings.Contains(path, "?") {
		return path + "&" + query
	}
	return path + "?" + query
}
