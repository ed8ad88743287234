package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

func TestKindOfAnEvent(t *testing.T) {
	choice := func(rest string) string { return `{"choices":[{"index":0,` + rest + `}]}` }
	for _, tt := range []struct{ name, doc, want string }{
		{"text", choice(`"delta":{"content":"a"}`), "content"},
		{"blank text", choice(`"delta":{"content":" "}`), "content"},
		{"escaped text", choice(`"delta":{"content":"\n"}`), "content"},
		{"empty text", choice(`"delta":{"content":""}`), "other"},
		{"null text", choice(`"delta":{"content":null}`), "other"},
		{"role only", choice(`"delta":{"role":"assistant"}`), "other"},
		{"empty delta", choice(`"delta":{}`), "other"},
		{"text in parts", choice(`"delta":{"content":[{"type":"text","text":"a"}]}`), "content"},
		{
			"thoughts in parts",
			choice(`"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]}]}`),
			"reasoning",
		},
		{"refusal", choice(`"delta":{"refusal":"no"}`), "content"},
		{"reasoning_content", choice(`"delta":{"reasoning_content":"a"}`), "reasoning"},
		{"reasoning", choice(`"delta":{"reasoning":"a"}`), "reasoning"},
		{"reasoning in details", choice(`"delta":{"content":"","reasoning_details":[{"type":"reasoning.text","text":"a"}]}`), "reasoning"},
		{"summary in details", choice(`"delta":{"reasoning_details":[{"type":"reasoning.summary","summary":"a"}]}`), "reasoning"},
		{"encrypted details", choice(`"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"a"}]}`), "other"},
		{"empty reasoning", choice(`"delta":{"reasoning":""}`), "other"},
		{"reasoning and text", choice(`"delta":{"reasoning":"a","content":"b"}`), "content"},
		{
			"tool name",
			choice(`"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}`),
			"tool",
		},
		{
			"tool arguments",
			choice(`"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}`),
			"tool",
		},
		{
			"tool without text",
			choice(`"delta":{"tool_calls":[{"index":0,"function":{"arguments":""}}]}`),
			"other",
		},
		{"old function call", choice(`"delta":{"function_call":{"name":"f"}}`), "tool"},
		{"audio", choice(`"delta":{"audio":{"data":"AA"}}`), "content"},
		{"transcript", choice(`"delta":{"audio":{"transcript":"a"}}`), "content"},
		{"audio id only", choice(`"delta":{"audio":{"id":"x"}}`), "other"},
		{"finish", choice(`"delta":{},"finish_reason":"stop"`), "finish"},
		{"finish and text", choice(`"delta":{"content":"a"},"finish_reason":"stop"`), "content"},
		{
			"finish and usage",
			`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}`,
			"finish",
		},
		{"empty finish", choice(`"delta":{},"finish_reason":""`), "other"},
		{"null finish", choice(`"delta":{},"finish_reason":null`), "other"},
		{"finish error", choice(`"delta":{},"finish_reason":"error"`), "error"},
		{"usage", `{"choices":[],"usage":{"prompt_tokens":1}}`, "usage"},
		{"null usage", `{"choices":[],"usage":null}`, "other"},
		{"empty usage", `{"choices":[],"usage":{}}`, "other"},
		{
			"filter annotation",
			choice(`"delta":{},"content_filter_results":{"hate":{"filtered":false}}`),
			"other",
		},
		{"padding", choice(`"delta":{}`)[:20] + `,"p":"abcdef","delta":{}}]}`, "other"},
		{
			"text elsewhere",
			`{"choices":[{"index":0,"delta":{},"content":"x"}],"content":"y"}`,
			"other",
		},
		{"error object", `{"error":{"message":"x"}}`, "error"},
		{"error text", `{"error":"x"}`, "error"},
		{"error true", `{"error":true}`, "error"},
		{"error number", `{"error":500}`, "error"},
		{"error list", `{"error":["x"]}`, "error"},
		{"null error", `{"error":null}`, "other"},
		{"empty error", `{"error":{}}`, "other"},
		{"false error", `{"error":false}`, "other"},
		{"zero error", `{"error":0}`, "other"},
		{"blank error", `{"error":""}`, "other"},
		{
			"error elsewhere",
			`{"choices":[{"index":0,"delta":{},"error":{"message":"x"}}]}`,
			"other",
		},
		{"flat error", `{"type":"error","message":"x"}`, "error"},
		{"object error", `{"object":"error","message":"x"}`, "error"},
		{
			"error beside text",
			`{"error":{"message":"x"},"choices":[{"index":0,"delta":{"content":"a"}}]}`,
			"error",
		},
		{"done", "[DONE]", "done"},
		{"done among blanks", "  [DONE] ", "done"},
		{"number", "12", "other"},
		{"text document", `"x"`, "other"},
		{"null document", "null", "other"},
		{"choices of another type", `{"choices":"x"}`, "other"},
		{"choice of another type", `{"choices":["x",1,null]}`, "other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, events := answer(t, wire.ResponseHead{}, stream(tt.doc), true)
			if got := kinds(events); got != tt.want {
				t.Errorf("%s is %q, want %q", tt.doc, got, tt.want)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	some := call.Some
	for _, tt := range []struct {
		name string
		docs []string
		want call.Usage
	}{
		{"none", []string{contentChunk}, call.Usage{}},
		{
			"zero is not missing",
			[]string{`{"usage":{"prompt_tokens":0,"completion_tokens":0}}`},
			call.Usage{Input: some(0), Output: some(0)},
		},
		{"all", []string{`{"usage":{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":4}}}`},
			call.Usage{Input: some(9), Output: some(5), Cached: some(3), CacheWrite: some(2), Reasoning: some(4)}},
		{
			"cache hits by another name",
			[]string{`{"usage":{"prompt_tokens":9,"prompt_cache_hit_tokens":3}}`},
			call.Usage{Input: some(9), Cached: some(3)},
		},
		{
			"both names",
			[]string{`{"usage":{"prompt_cache_hit_tokens":3,"prompt_tokens_details":{"cached_tokens":2}}}`},
			call.Usage{Cached: some(2)},
		},
		{
			"the last counts",
			[]string{`{"usage":{"prompt_tokens":9,"completion_tokens":5}}`, `{"usage":{"prompt_tokens":8}}`},
			call.Usage{Input: some(8)},
		},
		{
			"null does not count",
			[]string{`{"usage":{"prompt_tokens":9}}`, `{"usage":null}`},
			call.Usage{Input: some(9)},
		},
		{
			"empty does not count",
			[]string{`{"usage":{"prompt_tokens":9}}`, `{"usage":{}}`},
			call.Usage{Input: some(9)},
		},
		{
			"vendor member",
			[]string{`{"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":1}}}`},
			call.Usage{Input: some(9), Output: some(1)},
		},
		{
			"vendor member after usage",
			[]string{`{"usage":{"prompt_tokens":7}}`, `{"x_groq":{"usage":{"prompt_tokens":9}}}`},
			call.Usage{Input: some(7)},
		},
		{
			"usage after the vendor member",
			[]string{`{"x_groq":{"usage":{"prompt_tokens":9}}}`, `{"usage":{"prompt_tokens":7}}`},
			call.Usage{Input: some(7)},
		},
		{"point zero", []string{`{"usage":{"prompt_tokens":9.0}}`}, call.Usage{Input: some(9)}},
		{"fraction", []string{`{"usage":{"prompt_tokens":9.5}}`}, call.Usage{}},
		{"negative", []string{`{"usage":{"prompt_tokens":-1}}`}, call.Usage{}},
		{"text", []string{`{"usage":{"prompt_tokens":"9"}}`}, call.Usage{}},
		{"too large", []string{`{"usage":{"prompt_tokens":99999999999999999999}}`}, call.Usage{}},
		{"elsewhere", []string{`{"choices":[{"delta":{"usage":{"prompt_tokens":9}}}],"x":{"usage":{"prompt_tokens":9}}}`}, call.Usage{}},
		{"of a choice", []string{`{"choices":[{"usage":{"prompt_tokens":9,"completion_tokens":2}}]}`}, call.Usage{Input: call.Some(9), Output: call.Some(2)}},
		{"of a choice, after a proper one", []string{`{"usage":{"prompt_tokens":8}}`, `{"choices":[{"usage":{"prompt_tokens":9}}]}`}, call.Usage{Input: call.Some(8)}},
		{"in a broken event", []string{`{"usage":{"prompt_tokens":9},"x"`}, call.Usage{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, wire.ResponseHead{}, stream(tt.docs...), true)
			if diff := cmp.Diff(tt.want, f.Usage); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChoices(t *testing.T) {
	chunk := func(index, finish string) string {
		return `{"choices":[{` + index + `"delta":{},"finish_reason":` + finish + `}]}`
	}
	many := func(n int) string {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf(`{"index":%d,"delta":{},"finish_reason":"stop"}`, i))
		}
		return `{"choices":[` + strings.Join(parts, ",") + `]}`
	}
	for _, tt := range []struct {
		name    string
		docs    []string
		finish  bool
		reasons int
		want    string
	}{
		{"no choice", []string{`{"choices":[]}`}, false, 0, ""},
		{"open choice", []string{chunk(`"index":0,`, "null")}, false, 0, ""},
		{"one", []string{chunk(`"index":0,`, `"stop"`)}, true, 1, "stop"},
		{"index missing", []string{chunk("", `"stop"`)}, true, 1, "stop"},
		{
			"index missing in one event of two",
			[]string{`{"choices":[{"delta":{},"finish_reason":"a"},{"delta":{},"finish_reason":"b"}]}`},
			true,
			2,
			"a b",
		},
		{
			"index behind the reason",
			[]string{`{"choices":[{"finish_reason":"a","delta":{},"index":1},{"finish_reason":"b","delta":{},"index":0}]}`},
			true,
			2,
			"b a",
		},
		{
			"interleaved",
			[]string{chunk(`"index":1,`, "null"), chunk(`"index":0,`, `"a"`), chunk(`"index":1,`, `"b"`)},
			true,
			2,
			"a b",
		},
		{
			"one of two",
			[]string{chunk(`"index":0,`, "null"), chunk(`"index":1,`, `"b"`)},
			false,
			2,
			" b",
		},
		{
			"a new choice opens again",
			[]string{chunk(`"index":0,`, `"a"`), chunk(`"index":1,`, "null")},
			false,
			2,
			"a ",
		},
		{
			"the first reason stays",
			[]string{chunk(`"index":0,`, `"a"`), chunk(`"index":0,`, `"b"`)},
			true,
			1,
			"a",
		},
		{"far index", []string{chunk(`"index":900,`, `"a"`)}, true, 1, "a"},
		{"as many as are told apart", []string{many(128)}, true, 128, ""},
		{"more than are told apart", []string{many(300)}, true, 128, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, wire.ResponseHead{}, stream(tt.docs...), true)
			if f.Finish != tt.finish || len(f.FinishReasons) != tt.reasons {
				t.Errorf("finish %v, %d reasons; want %v, %d", f.Finish, len(f.FinishReasons), tt.finish, tt.reasons)
			}
			if got := strings.Join(f.FinishReasons, " "); tt.want != "" && got != tt.want {
				t.Errorf("reasons %q, want %q", got, tt.want)
			}
		})
	}
}

func TestToolCallsAreCountedOnce(t *testing.T) {
	piece := func(choice int, index string) string {
		return fmt.Sprintf(`{"choices":[{"delta":{"tool_calls":[{%s"function":{"arguments":"x"}}]},"index":%d}]}`, index, choice)
	}
	for _, tt := range []struct {
		name string
		body string
		want int
	}{
		{"none", stream(contentChunk), 0},
		{
			"pieces of one",
			stream(piece(0, `"index":0,`), piece(0, `"index":0,`), piece(0, `"index":0,`)),
			1,
		},
		{"two", stream(piece(0, `"index":0,`), piece(0, `"index":1,`), piece(0, `"index":0,`)), 2},
		{
			"the same index of two choices",
			stream(piece(0, `"index":0,`), piece(1, `"index":0,`)),
			2,
		},
		{"no index", stream(piece(0, ""), piece(0, "")), 1},
		{
			"two in one delta",
			stream(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{}},{"index":1,"function":{}}]}}]}`),
			2,
		},
		{
			"plain answer",
			`{"choices":[{"index":0,"message":{"tool_calls":[{"id":"a"},{"id":"b"},{"id":"c"}]}}]}`,
			3,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f, _ := answer(t, wire.ResponseHead{}, tt.body, true); f.ToolCalls != tt.want {
				t.Errorf("%d tool calls, want %d", f.ToolCalls, tt.want)
			}
		})
	}
}

func TestFirstNonEmptyAnswerFactsWin(t *testing.T) {
	f, _ := answer(t, wire.ResponseHead{}, stream(
		`{"id":"","model":"","service_tier":null,"system_fingerprint":""}`,
		`{"id":"a","model":"m","service_tier":"default","system_fingerprint":"fp"}`,
		`{"id":"b","model":"n","service_tier":"flex","system_fingerprint":"fq"}`,
	), true)
	want := wire.Answer{ID: "a", Model: "m", ServiceTier: "default", Fingerprint: "fp"}
	if diff := cmp.Diff(want, f.Answer); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeptTextsAreShortAndClean(t *testing.T) {
	f, _ := answer(t, wire.ResponseHead{}, stream(`{"id":"`+strings.Repeat("a", 5000)+`","model":"m`+"\xff"+`"}`), true)
	if len(f.ID) != 256 {
		t.Errorf("id has %d bytes, want 256", len(f.ID))
	}
	if f.Model != "m\ufffd" {
		t.Errorf("model is %q, want the bad byte replaced", f.Model)
	}
	f, _ = answer(t, wire.ResponseHead{Status: 500}, `{"error":{"message":"`+strings.Repeat("é", 5000)+`","type":"t"}}`, true)
	if len(f.Error.Message) > 4096+3 || !strings.HasPrefix(f.Error.Message, "ééé") {
		t.Errorf("message has %d bytes, want at most 4 KiB", len(f.Error.Message))
	}
}
