package faultllm_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/faultllm"
)

// dialectPaths are the routes of the dialects beside chat completions that
// these tests know.
var dialectPaths = map[string]string{
	faultllm.APIAnthropic: "/v1/messages", faultllm.APIResponses: "/v1/responses", faultllm.APICohere: "/v2/chat",
}

func TestHealthyDialects(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		name, path, body string
		want             want
	}{
		{
			"Messages, streamed", "/v1/messages", `{"model":"m","stream":true}`,
			want{media: sseType, has: []string{
				"event: message_start\ndata: {\"type\":\"message_start\"", "event: ping\n", `{"type":"text_delta","text":"Owls "}`,
				`"stop_reason":"end_turn"`, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
			}, lacks: []string{"[DONE]", "choices"}},
		},
		{
			"Messages, plain, behind a gateway", "/team-a/v1/messages/", `{"model":"m"}`,
			want{media: jsonType, has: []string{`{"type":"text","text":"Owls hunt`, `"stop_reason":"end_turn"`, `"output_tokens":10`}},
		},
		{
			"Responses, streamed", "/v1/responses", `{"model":"m","stream":true}`,
			want{media: sseType, has: []string{
				`"sequence_number":0}`, "event: response.output_text.delta\n", `"delta":"Owls "`, "event: response.completed\n",
				`"status":"completed"`, `"output_tokens":10`, `"sequence_number":17}`,
			}, lacks: []string{"[DONE]", `"sequence_number":18}`}},
		},
		{"Responses, plain", "/v1/responses", `{"model":"m"}`, want{media: jsonType, has: []string{`"object":"response"`, `"error":null`, `"text":"Owls hunt`}}},
		{"Responses, Azure", "/openai/responses?api-version=2025-04-01-preview", `{"model":"m"}`, want{media: jsonType, has: []string{`"object":"response"`}}},
		{
			"Cohere, streamed", "/v2/chat", `{"model":"m","stream":true}`,
			want{media: sseType, has: []string{"event: content-delta\n", `{"text":"Owls "}`, `"finish_reason":"COMPLETE"`, "event: message-end\n", doneLine}},
		},
		{"Cohere, plain", "/v2/chat", `{"model":"m","stream":false}`, want{media: jsonType, has: []string{`"finish_reason":"COMPLETE"`, `"tokens":{"input_tokens":`}}},
		{
			"Messages, tool", "/v1/messages", `{"model":"ok-tools","stream":true,"tools":[{"name":"count_owls"}]}`,
			want{media: sseType, has: []string{`"type":"tool_use"`, `"name":"count_owls"`, `"partial_json":"{\"field\""`, `"stop_reason":"tool_use"`}},
		},
		{
			"Messages, tool, plain", "/v1/messages", `{"model":"ok-tools","tools":[{"name":"count_owls"}]}`,
			want{media: jsonType, has: []string{`"input":{"field":"north","night":3}`, `"stop_reason":"tool_use"`}},
		},
		{
			"Responses, tool", "/v1/responses", `{"model":"ok-tools","stream":true,"tools":[{"type":"function","name":"count_owls"}]}`,
			want{media: sseType, has: []string{`"type":"function_call"`, "response.function_call_arguments.delta", `"arguments":"{\"field\":\"north\",\"night\":3}"`}},
		},
		{
			"Cohere, tool", "/v2/chat", `{"model":"ok-tools","stream":true,"tools":[{"type":"function","function":{"name":"count_owls"}}]}`,
			want{media: sseType, has: []string{"tool-plan-delta", "tool-call-start", `"name":"count_owls"`, `"finish_reason":"TOOL_CALL"`}},
		},
		{
			"completions, streamed", "/v1/completions", `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`,
			want{media: sseType, has: []string{`"object":"text_completion"`, `{"text":"Owls ","index":0`, stopped, `"choices":[],"model"`, `"prompt_tokens":`, doneLine}, lacks: []string{"delta"}},
		},
		{"completions, plain", "/v1/completions", `{"model":"m"}`, want{media: jsonType, has: []string{`{"text":"Owls hunt`, stopped, `"usage":{`}}},
		{
			"completions of a deployment", "/openai/deployments/serr-rate/completions?api-version=2024-10-21", `{"stream":true}`,
			want{media: sseType, has: []string{`{"error":{"message":"Rate limit reached`}, lacks: []string{doneLine}},
		},
		{"embeddings", "/v1/embeddings", `{"model":"m","stream":true}`, want{media: jsonType, has: []string{`"embedding":[0.011,`, `"total_tokens":`}}},
		{"embeddings of a deployment", "/openai/deployments/rate-429/embeddings?api-version=2024-10-21", `{}`, want{status: 429, media: jsonType, has: []string{`"code":"rate_limit_exceeded"`}}},
		{"completions elsewhere", "/fim/completions", `{}`, want{status: 404, media: jsonType}},
		{"no tool offered", "/v1/messages", `{"model":"ok-tools"}`, want{media: jsonType, has: []string{`"stop_reason":"end_turn"`}}},
		{
			"a fault of another dialect", "/v1/messages", `{"model":"serr-failed","stream":true}`,
			want{media: sseType, has: []string{"message_stop"}, lacks: []string{"failed"}},
		},
		{"Azure's own fault", "/v1/messages", `{"model":"apiver-old"}`, want{media: jsonType, has: []string{`"stop_reason":"end_turn"`}}},
		{
			"a fault of a dialect in chat", "/v1/chat/completions", `{"model":"serr-failed","stream":true}`,
			want{media: sseType, has: []string{stopped, doneLine}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			query := "?"
			if strings.Contains(tc.path, "?") {
				query = "&"
			}
			s.send(t, "POST", tc.path+query+fast, tc.body).shows(t, tc.want)
		})
	}
}

// TestDialectsRefuseInTheirOwnWords: an error the service wrote itself has the
// shape of the API, whatever a gateway in front would write.
func TestDialectsRefuseInTheirOwnWords(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		name, api, id string
		status        int
		has           []string
	}{
		{"Messages, bad request", faultllm.APIAnthropic, "refuse-400", 400, []string{`{"type":"error","error":{"type":"invalid_request_error","message":"Unsupported value: 'stream'`}},
		{"Messages, key", faultllm.APIAnthropic, "auth-401", 401, []string{`"type":"authentication_error"`, `"request_id":"req_`}},
		{"Messages, rate", faultllm.APIAnthropic, "rate-429", 429, []string{`"type":"rate_limit_error"`}},
		{"Messages, failure", faultllm.APIAnthropic, "e500-openai", 500, []string{`"type":"api_error"`}},
		{"Messages, streams only", faultllm.APIAnthropic, "stream-500-azure", 500, []string{`"type":"api_error"`}},
		{"Messages, overloaded", faultllm.APIAnthropic, "e529", 529, []string{`"type":"overloaded_error","message":"Overloaded"`}},
		{"Messages, gateway", faultllm.APIAnthropic, "stream-500-apim", 500, []string{`{"statusCode":500,`}},
		{"Responses, bad request", faultllm.APIResponses, "refuse-400", 400, []string{`"param":"stream","code":"unsupported_value"`}},
		{"Responses, rate", faultllm.APIResponses, "rate-429", 429, []string{`"code":"rate_limit_exceeded"`}},
		{"Cohere, bad request", faultllm.APICohere, "refuse-400", 400, []string{`{"id":"`, `,"message":"Unsupported value: 'stream'`}},
		{"Cohere, failure", faultllm.APICohere, "e500-openai", 500, []string{`{"id":"`, `"message":"The server had an error`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.send(t, "POST", dialectPaths[tc.api]+"?"+fast, `{"model":"`+tc.id+`","stream":true}`)
			a.shows(t, want{status: tc.status, media: jsonType, has: tc.has})
			if !json.Valid([]byte(a.body)) {
				t.Errorf("no JSON: %s", a.body)
			}
		})
	}
}

func TestErrorsInsideADialectsStream(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		api, id    string
		has, lacks []string
	}{
		{faultllm.APIAnthropic, "serr-eof", []string{"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\""}, []string{"message_stop", `{"error"`}},
		{faultllm.APIAnthropic, "serr-rate", []string{`"type":"rate_limit_error"`}, nil},
		{faultllm.APIResponses, "serr-eof", []string{"event: error\ndata: {\"type\":\"error\",\"code\":\"model_error\",", `"sequence_number":7}`}, []string{"response.completed", `{"error"`}},
		{faultllm.APIResponses, "serr-failed", []string{"event: response.failed\n", `"error":{"code":"rate_limit_exceeded"`}, []string{"event: error"}},
		{faultllm.APIResponses, "serr-failed-then-error", []string{"event: response.failed\n", `"status":"failed","background":false,"error":null`, "event: error\n"}, nil},
		{faultllm.APIResponses, "seq-gap", []string{`"sequence_number":6}`, `"sequence_number":8}`, "response.completed"}, []string{`"sequence_number":7}`}},
		{faultllm.APICohere, "serr-eof", []string{`"finish_reason":"ERROR","error":"The model produced no more output."`, doneLine}, []string{"COMPLETE"}},
	} {
		t.Run(tc.api+"/"+tc.id, func(t *testing.T) {
			a := s.send(t, "POST", dialectPaths[tc.api]+"?"+fast, `{"model":"`+tc.id+`","stream":true}`)
			a.shows(t, want{media: sseType, has: tc.has, lacks: tc.lacks})
		})
	}
}

// TestFinishReasonsOfDialects: what a scenario asks of the finish reason is
// said in each dialect's own words.
func TestFinishReasonsOfDialects(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		api, id, has string
		stream       bool
	}{
		{faultllm.APIAnthropic, "ok-length-empty", `"stop_reason":"max_tokens"`, true},
		{faultllm.APIAnthropic, "filter-200", `"stop_reason":"refusal"`, true},
		{faultllm.APIAnthropic, "filter-200", `"stop_reason":"refusal"`, false},
		{faultllm.APIResponses, "ok-length-empty", `"incomplete_details":{"reason":"max_output_tokens"}`, true},
		{faultllm.APIResponses, "filter-200", `"incomplete_details":{"reason":"content_filter"}`, false},
		{faultllm.APICohere, "ok-length-empty", `"finish_reason":"MAX_TOKENS"`, true},
		{faultllm.APICohere, "filter-200", `"finish_reason":"COMPLETE"`, true}, // it has no filter
	} {
		body := `{"model":"` + tc.id + `","stream":` + map[bool]string{true: "true", false: "false"}[tc.stream] + `}`
		if a := s.send(t, "POST", dialectPaths[tc.api]+"?"+fast, body); !strings.Contains(a.body, tc.has) {
			t.Errorf("%s %s: body lacks %s:\n%.2000s", tc.api, tc.id, tc.has, a.body)
		}
	}
}

func TestHeadersOfDialects(t *testing.T) {
	s := start(t, plainHTTP)
	for api, header := range map[string]string{
		faultllm.APIAnthropic: "Request-Id", faultllm.APIResponses: "X-Request-Id", faultllm.APICohere: "X-Debug-Trace-Id",
	} {
		for id, own := range map[string]bool{"ok-plain": true, "refuse-400": true, "e500-apim": false, "html-login": false} {
			a := s.send(t, "POST", dialectPaths[api]+"?"+fast, `{"model":"`+id+`","stream":true}`)
			if got := a.header.Get(header) != ""; got != own {
				t.Errorf("%s %s: %s present: %v, want %v", api, id, header, got, own)
			}
		}
	}
}

// TestRequestsMeetTheFault: the request of each dialect plays the scenario, and
// only dialects that know it have one.
func TestRequestsMeetTheFault(t *testing.T) {
	s := start(t, plainHTTP)
	apis := func(id string) (out []string) {
		for _, q := range scenario(t, id).Requests(true) {
			if dialectPaths[q.API] != "" {
				out = append(out, q.API)
			}
		}
		return out
	}
	for id, want := range map[string][]string{
		"cut-chunk":      {faultllm.APIAnthropic, faultllm.APIResponses, faultllm.APICohere},
		"unclean-finish": {faultllm.APIAnthropic}, // the others finish and end in one event
		"filter-200":     {faultllm.APIAnthropic, faultllm.APIResponses},
		"serr-failed":    {faultllm.APIResponses},
		"ok-azure":       nil,
		"serr-field":     nil,
	} {
		if got := apis(id); !slices.Equal(got, want) {
			t.Errorf("%s is known to %v, want %v", id, got, want)
		}
	}
	for _, q := range scenario(t, "cut-chunk").Requests(true) {
		if !json.Valid(q.Body) {
			t.Errorf("%s: body %s is no JSON", q.API, q.Body)
		}
		before := s.Stats().Hits["cut-chunk"]
		if a := s.send(t, "POST", with(q.Path, fast), string(q.Body)); ending(a.err) != "short" {
			t.Errorf("%s: ended by %v, want short", q.API, a.err)
		}
		if got := s.Stats().Hits["cut-chunk"]; got != before+1 {
			t.Errorf("%s: played %d times", q.API, got-before)
		}
	}
}

func TestDialectsAreDeterministic(t *testing.T) {
	a, b := start(t, plainHTTP), start(t, plainHTTP)
	for api, path := range dialectPaths {
		for _, id := range []string{"healthy", "ok-tools", "serr-eof", "rate-429", "sse-crlf", "serr-failed"} {
			for _, stream := range []string{"true", "false"} {
				body := `{"model":"` + id + `","stream":` + stream + `,"tools":[{"name":"f"}]}`
				first, _ := a.raw(t, path+"?"+fast, body)
				second, _ := b.raw(t, path+"?"+fast, body)
				if first != second {
					t.Errorf("%s %s: answers differ at byte %d", api, id, differ(first, second))
				}
			}
		}
	}
}
