package otlp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"llmtap/exporters/otlp"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

// withContent is a sink that was asked for messages on spans.
func withContent(t *testing.T, limit string) *memory {
	t.Helper()
	e := env{"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY", "LLMTAP_CONTENT_MAX_BYTES": limit}
	return newMemory(t, func(c *otlp.Config) { c.Getenv = e.get })
}

func TestMessages(t *testing.T) {
	for name, tc := range map[string]struct {
		request, response string
		input, output     string
		system            string
	}{
		"openai plain": {
			request:  `{"messages":[{"role":"system","content":"be kind"},{"role":"user","name":"ann","content":[{"type":"text","text":"what <is> this"},{"type":"image_url","image_url":{"url":"https://x/y.png"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}`,
			response: `{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"a cat"}}]}`,
			input:    `[{"role":"system","parts":[{"type":"text","content":"be kind"}]},{"role":"user","parts":[{"type":"text","content":"what <is> this"},{"type":"uri","modality":"image","uri":"https://x/y.png"},{"type":"blob","modality":"image"}],"name":"ann"}]`,
			output:   `[{"role":"assistant","parts":[{"type":"text","content":"a cat"}],"finish_reason":"stop"}]`,
		},
		"openai tools": {
			request:  `{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","function":{"name":"add","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"c1","content":"2"}]}`,
			response: `{"choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[{"id":"c2","function":{"name":"sub","arguments":"not json"}}]}}]}`,
			input:    `[{"role":"assistant","parts":[{"type":"tool_call","name":"add","id":"c1","arguments":{"a":1}}]},{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"2"}]}]`,
			output:   `[{"role":"assistant","parts":[{"type":"tool_call","name":"sub","id":"c2","arguments":"not json"}],"finish_reason":"tool_calls"}]`,
		},
		"openai stream": {
			request: `{"messages":[{"role":"user","content":"hi"}]}`,
			response: "data: {\"choices\":[]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}},{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n\n" +
				"data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"he\"}}]}\n\n" +
				"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\"\"}}]}}]}\n\n" +
				"data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]}}]}\n\ndata: [DONE]\n\n",
			input:  `[{"role":"user","parts":[{"type":"text","content":"hi"}]}]`,
			output: `[{"role":"assistant","parts":[{"type":"reasoning","content":"hm"},{"type":"tool_call","name":"f","id":"c","arguments":{"x":1}},{"type":"text","content":"hello"}],"finish_reason":"stop"},{"role":"assistant","parts":[{"type":"text","content":"b"}]}]`,
		},
		"anthropic": {
			request:  `{"system":"be kind","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"4"}]},{"type":"thinking","thinking":"so"},{"type":"document"}]}]}`,
			response: `{"role":"assistant","stop_reason":"end_turn","content":[{"type":"text","text":"four"},{"type":"tool_use","id":"t2","name":"f","input":{"y":2}}]}`,
			input:    `[{"role":"user","parts":[{"type":"tool_call_response","id":"t1","response":"4"},{"type":"reasoning","content":"so"},{"type":"document"}]}]`,
			output:   `[{"role":"assistant","parts":[{"type":"text","content":"four"},{"type":"tool_call","name":"f","id":"t2","arguments":{"y":2}}],"finish_reason":"end_turn"}]`,
			system:   `[{"type":"text","content":"be kind"}]`,
		},
		"responses": {
			request: `{"instructions":"short","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}]}`,
			input:   `[{"role":"user","parts":[{"type":"text","content":"hi"}]}]`,
			system:  `[{"type":"text","content":"short"}]`,
		},
		"responses, text": {request: `{"input":"hi"}`, input: `[{"role":"user","parts":[{"type":"text","content":"hi"}]}]`},
		"completion": {
			request: `{"prompt":"once"}`, response: `{"choices":[{"text":"upon","finish_reason":"length"}]}`,
			input: `[{"role":"user","parts":[{"type":"text","content":"once"}]}]`, output: `[{"role":"assistant","parts":[{"type":"text","content":"upon"}],"finish_reason":"length"}]`,
		},
		"cut bodies": {
			request: `{"messages":[{"role":"user","content":"hel`, response: `{"choices":[`,
			input:  `[{"role":"user","parts":[{"type":"text","content":"{\"messages\":[{\"role\":\"user\",\"content\":\"hel"}]}]`,
			output: `[{"role":"assistant","parts":[{"type":"text","content":"{\"choices\":["}]}]`,
		},
		"no JSON": {response: "<html>no</html>", output: `[{"role":"assistant","parts":[{"type":"text","content":"<html>no</html>"}]}]`},
		"error":   {request: `{}`, response: `{"error":{"message":"no"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			m := withContent(t, "")
			r := sinktest.Record(1)
			r.Content = call.Content{Request: tc.request, Response: tc.response}
			m.take(t, r)
			a := attrsOf(m.flushed(t)[0])
			for key, want := range map[string]string{"gen_ai.input.messages": tc.input, "gen_ai.output.messages": tc.output, "gen_ai.system_instructions": tc.system} {
				if got := a[key].AsString(); got != want {
					t.Errorf("%s:\n got %s\nwant %s", key, got, want)
				}
			}
		})
	}
}

func TestLongContentsStayValidJSON(t *testing.T) {
	long := func(n int, text string) string {
		var list []map[string]string
		for range n {
			list = append(list, map[string]string{"role": "user", "content": text})
		}
		b, _ := json.Marshal(map[string]any{"messages": list})
		return string(b)
	}
	for name, tc := range map[string]struct {
		body  string
		limit string
		max   int
		mark  bool
	}{
		"fits":             {long(3, "hi"), "1000", 1000, false},
		"middle goes":      {long(100, "a message of some length"), "1000", 1000, false},
		"longest is cut":   {long(2, strings.Repeat("x", 5000)), "1000", 1000, true},
		"runes stay whole": {long(1, strings.Repeat("\U0001f4a9", 5000)), "1001", 1001, true},
		"quotes grow":      {long(1, strings.Repeat(`"`, 5000)), "1000", 1000, true},
		"no room at all":   {long(1, strings.Repeat("x", 5000)), "10", 10, false},
		"invalid in a tool call": {
			"{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"input\":{\"k\":\"\xff\"}}]}]}", "1000", 1000, false,
		},
		"invalid UTF-8": {strings.ReplaceAll(long(1, "bad Z bytes"), "Z", "\xff\xfe"), "1000", 1000, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := withContent(t, tc.limit)
			r := sinktest.Record(1)
			r.Content = call.Content{Request: tc.body}
			m.take(t, r)
			got := attrsOf(m.flushed(t)[0])["gen_ai.input.messages"].AsString()
			var list []any
			if err := json.Unmarshal([]byte(got), &list); err != nil {
				t.Fatalf("%v: %.200s", err, got)
			}
			if len(got) > tc.max || strings.Contains(got, "…[truncated ") != tc.mark {
				t.Errorf("%d bytes, want ≤ %d, note %v: %.100s", len(got), tc.max, tc.mark, got)
			}
			if strings.ToValidUTF8(got, "") != got {
				t.Error("not UTF-8")
			}
		})
	}
}

// Without the switch nothing of a captured body reaches a span; with it the
// status says what the service said.
func TestContentNeedsItsSwitch(t *testing.T) {
	r := attempt(1)
	r.Content = call.Content{Request: `{"messages":[{"role":"user","content":"SECRET"}]}`, Response: "SECRET"}
	r.Response.Error.Message = "cannot say SECRET"
	off := newMemory(t, nil)
	off.take(t, r)
	if text := dump(off.flushed(t)); strings.Contains(text, "SECRET") {
		t.Errorf("content without its switch:\n%s", text)
	}
	on := withContent(t, "")
	on.take(t, r)
	span := on.flushed(t)[0]
	if span.Status.Description != "cannot say SECRET" || attrsOf(span)["gen_ai.input.messages"].AsString() == "" {
		t.Errorf("status %q, want the message", span.Status.Description)
	}
}

func FuzzContent(f *testing.F) {
	f.Add(`{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}`, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n")
	f.Add(`{"input":[{"content":{}}],"tools":[1]}`, `{"choices":[{"message":{"tool_calls":[{}]}}],"content":[{"type":"tool_use"}]}`)
	m := newMemory(f, func(c *otlp.Config) {
		c.Getenv = env{"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true", "LLMTAP_CONTENT_MAX_BYTES": "300"}.get
	})
	f.Fuzz(func(t *testing.T, request, response string) {
		m.spans.Reset()
		r := sinktest.Record(1)
		r.Content = call.Content{Request: request, Response: response}
		m.take(t, r)
		a := attrsOf(m.flushed(t)[0])
		for _, key := range []string{"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"} {
			if v, ok := a[key]; ok && !json.Valid([]byte(v.AsString())) {
				t.Errorf("%s is no JSON: %q", key, v.AsString())
			}
		}
	})
}
