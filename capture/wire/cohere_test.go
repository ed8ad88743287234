package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
)

const coherePath = "/v2/chat"

func TestKindOfACohereEvent(t *testing.T) {
	message := func(kind, m string) string {
		return `{"type":"` + kind + `","index":0,"delta":{"message":{` + m + `}}}`
	}
	for _, tt := range []struct{ name, doc, want string }{
		{"begin", `{"type":"message-start","id":"c","delta":{"message":{"role":"assistant","tool_plan":""}}}`, "other"},
		{"text", message("content-delta", `"content":{"text":"a"}`), "content"},
		{"empty text", message("content-delta", `"content":{"text":""}`), "other"},
		{"thinking", message("content-delta", `"content":{"thinking":"a"}`), "reasoning"},
		{"text block begins", message("content-start", `"content":{"type":"text","text":""}`), "other"},
		{"plan", message("tool-plan-delta", `"tool_plan":"a"`), "reasoning"},
		{"empty plan", message("tool-plan-delta", `"tool_plan":""`), "other"},
		{"tool begins", message("tool-call-start", `"tool_calls":{"id":"t","function":{"name":"f","arguments":""}}`), "tool"},
		{"arguments", message("tool-call-delta", `"tool_calls":{"function":{"arguments":"{"}}`), "tool"},
		{"empty arguments", message("tool-call-delta", `"tool_calls":{"function":{"arguments":""}}`), "other"},
		{"tool ends", `{"type":"tool-call-end","index":0}`, "other"},
		{"citation", message("citation-start", `"citations":{"text":"a"}`), "other"},
		{"end", `{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}`, "done"},
		{"end in error", `{"type":"message-end","delta":{"finish_reason":"ERROR","error":"x"}}`, "error"},
		{"end in time", `{"type":"message-end","delta":{"finish_reason":"TIMEOUT"}}`, "error"},
		{"end with an error and another reason", `{"type":"message-end","delta":{"finish_reason":"COMPLETE","error":"x"}}`, "error"},
		{"marker", "[DONE]", "other"},
		{"text elsewhere", message("citation-start", `"content":{"text":"a"}`), "other"},
		{"unknown type", message("owl", `"content":{"text":"a"}`), "other"},
		{"no type", `{"delta":{"message":{"content":{"text":"a"}}}}`, "other"},
		{"version 1, begin", `{"event_type":"stream-start","generation_id":"g"}`, "other"},
		{"version 1, text", `{"event_type":"text-generation","text":"a"}`, "content"},
		{"version 1, tool", `{"event_type":"tool-calls-generation","tool_calls":[{"name":"f"}]}`, "tool"},
		{"version 1, piece of a tool", `{"event_type":"tool-calls-chunk","tool_call_delta":{"index":0,"parameters":"{"}}`, "tool"},
		{"version 1, search", `{"event_type":"search-results","text":"a"}`, "other"},
		{"version 1, end", `{"event_type":"stream-end","finish_reason":"COMPLETE","response":{"text":"a"}}`, "done"},
		{"version 1, end in error", `{"event_type":"stream-end","finish_reason":"ERROR_TOXIC"}`, "error"},
		{"another dialect, read as what it is", contentChunk, "content"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, events := dialogue(t, coherePath, stream(tt.doc))
			if got := kinds(events); got != tt.want {
				t.Errorf("%s is %q, want %q", tt.doc, got, tt.want)
			}
		})
	}
}

func TestCohereUsage(t *testing.T) {
	some := call.Some
	end := func(usage string) string {
		return `{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":` + usage + `}}`
	}
	for _, tt := range []struct {
		name, doc string
		want      call.Usage
	}{
		{"tokens", end(`{"tokens":{"input_tokens":9,"output_tokens":5}}`), call.Usage{Input: some(9), Output: some(5)}},
		{"what is billed is something else", end(`{"billed_units":{"input_tokens":1,"output_tokens":1}}`), call.Usage{}},
		{"cached", end(`{"tokens":{"input_tokens":9,"output_tokens":5},"cached_tokens":4}`), call.Usage{Input: some(9), Output: some(5), Cached: some(4)}},
		{"numbers with a point", end(`{"tokens":{"input_tokens":9.0,"output_tokens":0}}`), call.Usage{Input: some(9), Output: some(0)}},
		{"null", end(`null`), call.Usage{}},
		{"version 1", `{"event_type":"stream-end","finish_reason":"COMPLETE","response":{"meta":{"tokens":{"input_tokens":9,"output_tokens":5}}}}`, call.Usage{Input: some(9), Output: some(5)}},
		{"broken", end(`{"tokens":{"input_tokens":9}}`)[:90], call.Usage{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := dialogue(t, coherePath, stream(tt.doc))
			if diff := cmp.Diff(tt.want, f.Usage); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCohereToolCalls(t *testing.T) {
	step := func(kind, index, calls string) string {
		return `{"type":"tool-call-` + kind + `","index":` + index + `,"delta":{"message":{"tool_calls":` + calls + `}}}`
	}
	begin := func(index string) string {
		return step("start", index, `{"id":"t","function":{"name":"f","arguments":""}}`)
	}
	piece := func(index, text string) string {
		return step("delta", index, `{"function":{"arguments":"`+text+`"}}`)
	}
	end := `{"type":"message-end","delta":{"finish_reason":"TOOL_CALL"}}`
	for _, tt := range []struct {
		name  string
		docs  []string
		calls int
		odd   string
	}{
		{"one", []string{begin("0"), piece("0", `{`), piece("0", `}`), end}, 1, ""},
		{"two", []string{begin("0"), piece("0", `{}`), begin("1"), piece("1", `{}`), end}, 2, ""},
		{"arguments are cut", []string{begin("0"), piece("0", `{`), end}, 1, "tool_bad_arguments"},
		{"cut by the limit", []string{begin("0"), piece("0", `{`), strings.Replace(end, "TOOL_CALL", "MAX_TOKENS", 1)}, 1, ""},
		{"no index", []string{piece("null", `{}`), end}, 1, "tool_no_index"},
		{"far index", []string{begin("90000"), end}, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := dialogue(t, coherePath, stream(tt.docs...))
			if got := oddities(f.Oddities); f.ToolCalls != tt.calls || got != tt.odd {
				t.Errorf("%d calls, odd %q; want %d, %q", f.ToolCalls, got, tt.calls, tt.odd)
			}
		})
	}
}

// TestEndsOfCohere: message-end is the end, [DONE] only follows it.
func TestEndsOfCohere(t *testing.T) {
	end := `{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}`
	for _, tt := range []struct {
		name string
		docs []string
		done bool
		odd  string
	}{
		{"both", []string{end, "[DONE]"}, true, ""},
		{"end only", []string{end}, true, ""},
		{"marker only", []string{"[DONE]"}, false, ""},
		{"something behind the end", []string{end, `{"type":"owl"}`, "[DONE]"}, true, "after_terminal"},
		{"broken end", []string{end[:30], "[DONE]"}, false, "bad_json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := dialogue(t, coherePath, stream(tt.docs...))
			if got := oddities(f.Oddities); f.Done != tt.done || f.Finish != tt.done || got != tt.odd {
				t.Errorf("done %v, finish %v, odd %q", f.Done, f.Finish, got)
			}
		})
	}
}
