package wire_test

import (
	"strings"
	"testing"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

const responsesPath = "/v1/responses"

func TestKindOfAResponsesEvent(t *testing.T) {
	delta := func(kind string) string {
		return `{"type":"response.` + kind + `.delta","output_index":0,"delta":"a"}`
	}
	for _, tt := range []struct{ name, doc, want string }{
		{"created", `{"type":"response.created","response":{"id":"r","status":"in_progress"}}`, "other"},
		{"queued", `{"type":"response.queued","response":{"status":"queued"}}`, "other"},
		{"text", delta("output_text"), "content"},
		{"empty text", `{"type":"response.output_text.delta","delta":""}`, "other"},
		{"null text", `{"type":"response.output_text.delta","delta":null}`, "other"},
		{"text that is an object", `{"type":"response.output_text.delta","delta":{"text":"a"}}`, "other"},
		{"type behind the delta", `{"delta":"a","type":"response.output_text.delta"}`, "content"},
		{"refusal", delta("refusal"), "content"},
		{"audio", delta("audio"), "content"},
		{"transcript", delta("audio.transcript"), "content"},
		{"picture", `{"type":"response.image_generation_call.partial_image","partial_image_b64":"AA"}`, "content"},
		{"empty picture", `{"type":"response.image_generation_call.partial_image","partial_image_b64":""}`, "other"},
		{"summary", delta("reasoning_summary_text"), "reasoning"},
		{"reasoning", delta("reasoning_text"), "reasoning"},
		{"arguments", delta("function_call_arguments"), "tool"},
		{"arguments of a server's tool", delta("mcp_call_arguments"), "tool"},
		{"input of a tool", delta("custom_tool_call_input"), "tool"},
		{"code", delta("code_interpreter_call_code"), "tool"},
		{"of a tool to come", delta("owl_call_input"), "tool"},
		{"something to come", delta("owl_song"), "content"},
		{"whole text", `{"type":"response.output_text.done","text":"a"}`, "other"},
		{"item", `{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","name":"f"}}`, "other"},
		{"search", `{"type":"response.web_search_call.searching","output_index":0}`, "other"},
		{"annotation", `{"type":"response.output_text.annotation.added","annotation":{"type":"x"}}`, "other"},
		{"completed", `{"type":"response.completed","response":{"status":"completed"}}`, "done"},
		{"incomplete", `{"type":"response.incomplete","response":{"status":"incomplete"}}`, "done"},
		{"failed", `{"type":"response.failed","response":{"status":"failed","error":null}}`, "error"},
		{"error", `{"type":"error","code":"server_error","message":"x","param":null}`, "error"},
		{"nested error", `{"type":"error","error":{"type":"t","code":"c","message":"x"}}`, "error"},
		{"another's marker", "[DONE]", "other"},
		{"delta of something else", `{"type":"owl.output_text.delta","delta":"a"}`, "other"},
		{"no type", `{"delta":"a"}`, "other"},
		{"another dialect, read as what it is", contentChunk, "content"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, events := dialogue(t, responsesPath, stream(tt.doc))
			if got := kinds(events); got != tt.want {
				t.Errorf("%s is %q, want %q", tt.doc, got, tt.want)
			}
		})
	}
}

// TestLongEventNamesAreRead: the name stands in where the data has no type.
func TestLongEventNamesAreRead(t *testing.T) {
	body := "event: response.function_call_arguments.delta\ndata: {\"delta\":\"{\"}\n\nevent: response.image_generation_call.partial_image\ndata: {\"partial_image_b64\":\"AA\"}\n\n"
	if _, events := dialogue(t, responsesPath, body); kinds(events) != "tool content" {
		t.Errorf("events %q", kinds(events))
	}
}

func TestEndsOfResponses(t *testing.T) {
	end := func(kind, rest string) string {
		return `{"type":"response.` + kind + `","response":{"status":"` + kind + `"` + rest + `}}`
	}
	call := `,"output":[{"type":"reasoning"},{"type":"function_call","arguments":"{}"}]`
	added := `{"type":"response.output_item.added","output_index":1,"item":{"type":"custom_tool_call"}}`
	for _, tt := range []struct {
		name    string
		docs    []string
		reason  string
		errored bool
		tools   int
		odd     string
	}{
		{"text", []string{end("completed", `,"output":[{"type":"message"}]`)}, "stop", false, 0, ""},
		{"a call in the output", []string{end("completed", call)}, "tool_calls", false, 1, ""},
		{"a call that was announced", []string{added, end("completed", `,"output":[]`)}, "tool_calls", false, 1, ""},
		{"the same call announced and whole", []string{added, end("completed", call)}, "tool_calls", false, 1, ""},
		{"limit", []string{end("incomplete", `,"incomplete_details":{"reason":"max_output_tokens"}`)}, "max_output_tokens", false, 0, ""},
		{"filter", []string{end("incomplete", `,"incomplete_details":{"reason":"content_filter"}`)}, "content_filter", false, 0, ""},
		{"no reason", []string{end("incomplete", `,"incomplete_details":null`)}, "incomplete", false, 0, ""},
		{"failed", []string{end("failed", `,"error":{"code":"c","message":"m"}`)}, "error", true, 0, ""},
		{"the type counts, not the status", []string{`{"type":"response.completed","response":{"status":"in_progress"}}`}, "stop", false, 0, ""},
		{"status of another event", []string{`{"type":"response.in_progress","response":{"status":"completed"}}`}, "", false, 0, ""},
		{"twice", []string{end("completed", ""), end("completed", "")}, "stop", false, 0, "after_terminal repeated_finish"},
		{"broken", []string{end("completed", "")[:40]}, "", false, 0, "bad_json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := dialogue(t, responsesPath, stream(tt.docs...))
			got := strings.Join(f.FinishReasons, " ")
			if got != tt.reason || f.Done != (tt.reason != "") || f.Finish != f.Done || f.Errored != tt.errored || f.ToolCalls != tt.tools || oddities(f.Oddities) != tt.odd {
				t.Errorf("reason %q, marks %+v, %d tools, odd %q", got, f.Marks, f.ToolCalls, oddities(f.Oddities))
			}
		})
	}
}

// TestLastDetailedErrorOfResponsesWins: response.failed may come without its
// cause, before or behind the event that has it.
func TestLastDetailedErrorOfResponsesWins(t *testing.T) {
	bare := `{"type":"response.failed","response":{"status":"failed","error":null}}`
	event := `{"type":"error","code":"rate_limit_exceeded","message":"slow","param":null,"sequence_number":3}`
	full := `{"type":"response.failed","response":{"error":{"code":"server_error","message":"broke"}}}`
	for _, tt := range []struct {
		name string
		docs []string
		want call.Error
	}{
		{"cause behind", []string{bare, event}, call.Error{Shape: call.ShapeFlat, Code: "rate_limit_exceeded", Message: "slow"}},
		{"cause before", []string{event, bare}, call.Error{Shape: call.ShapeFlat, Code: "rate_limit_exceeded", Message: "slow"}},
		{"two causes", []string{event, full}, call.Error{Shape: call.ShapeOpenAI, Code: "server_error", Message: "broke"}},
		{"none", []string{bare}, call.Error{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := dialogue(t, responsesPath, stream(tt.docs...))
			if f.Error != tt.want || !f.Errored {
				t.Errorf("errored %v, %+v, want %+v", f.Errored, f.Error, tt.want)
			}
		})
	}
}

func TestSequenceGaps(t *testing.T) {
	at := func(n string) string {
		return `{"type":"response.output_text.delta","delta":"a","sequence_number":` + n + `}`
	}
	for _, tt := range []struct {
		name string
		docs []string
		want string
	}{
		{"none", []string{at("0"), at("1"), at("2")}, ""},
		{"from one", []string{at("1"), at("2")}, ""},
		{"resumed", []string{at("41"), at("42")}, ""},
		{"one is missing", []string{at("0"), at("2")}, "sequence_gap"},
		{"many are missing", []string{at("0"), at("9"), at("10"), at("12")}, "sequence_gap*2"},
		{"without numbers", []string{at("null"), at("null")}, ""},
		{"a number between none", []string{at("0"), at("null"), at("1")}, ""},
		{"twice", []string{at("0"), at("0"), at("1")}, ""},
		{"backwards", []string{at("5"), at("0"), at("1")}, ""},
		{"text", []string{at("0"), at(`"7"`)}, ""},
		{"behind a broken event nothing is known", []string{at("0"), at("1")[:30], at("2")}, "bad_json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := dialogue(t, responsesPath, stream(tt.docs...))
			if got := oddities(f.Oddities); got != tt.want {
				t.Errorf("odd %q, want %q", got, tt.want)
			}
		})
	}
}

// TestManyOutputItems: more items than are told apart are counted, not kept.
func TestManyOutputItems(t *testing.T) {
	items := strings.Repeat(`{"type":"function_call"},`, 5000) + `{"type":"message"}`
	f, _ := dialogue(t, responsesPath, stream(`{"type":"response.completed","response":{"output":[`+items+`]}}`))
	if f.ToolCalls != 128 || !f.Done {
		t.Errorf("%d calls, done %v", f.ToolCalls, f.Done)
	}
}

// TestPromptsOfDialects: where a request holds what was asked.
func TestPromptsOfDialects(t *testing.T) {
	for _, tt := range []struct {
		name, path, body             string
		messages, user               int
		first, system, last, tailEnd string
	}{
		{"Responses, text", responsesPath, `{"input":"Say owls"}`, 1, 1, "Say owls", "", "Say owls", "owls"},
		{
			"Responses, items", responsesPath,
			`{"instructions":"Count.","input":[{"role":"user","content":"a"},{"type":"function_call","name":"f"},{"role":"user","content":[{"type":"input_text","text":"b"}]}]}`,
			3, 2, "a", "Count.", "b", "b",
		},
		{"Responses, instructions behind", responsesPath, `{"input":"a","instructions":"Count."}`, 1, 1, "a", "Count.", "a", "a"},
		{"Responses, list of texts", responsesPath, `{"input":["a","b"]}`, 0, 0, "", "", "", ""},
		{"Responses, twice", responsesPath, `{"input":"a","input":[{"role":"user","content":"b"}]}`, 1, 1, "b", "", "b", "b"},
		{"Messages, system text", messagesPath, `{"system":"Count.","messages":[{"role":"user","content":"a"}]}`, 1, 1, "a", "Count.", "a", "a"},
		{"Messages, system blocks", messagesPath, `{"messages":[{"role":"user","content":"a"}],"system":[{"type":"text","text":"Count."},{"type":"text","text":"More."}]}`, 1, 1, "a", "Count.", "a", "a"},
		{"Messages, null system", messagesPath, `{"system":null,"messages":[]}`, 0, 0, "", "", "", ""},
		{"Cohere", "/v2/chat", `{"messages":[{"role":"system","content":"Count."},{"role":"user","content":"a"}]}`, 2, 1, "Count.", "Count.", "a", "a"},
		{"Cohere, version 1", "/v1/chat", `{"message":"b","chat_history":[{"role":"USER","message":"a"}],"preamble":"Count."}`, 2, 1, "b", "Count.", "b", "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := wire.NewRequest(matchOf(t, "POST", "svc.example", tt.path), nil)
			q.Push([]byte(tt.body))
			f := q.Close()
			p := f.Prompt
			if f.Messages != tt.messages || p.UserMessages != tt.user || p.FirstText != tt.first || p.SystemText != tt.system || p.LastUserHead != tt.last {
				t.Errorf("%d messages, %+v", f.Messages, p)
			}
			if !strings.HasSuffix(p.LastUserTail, tt.tailEnd) {
				t.Errorf("tail %q", p.LastUserTail)
			}
		})
	}
}
