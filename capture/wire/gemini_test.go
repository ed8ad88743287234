package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

func geminiMatch(t testing.TB) wire.Match {
	t.Helper()
	return matchOf(t, "POST", "generativelanguage.googleapis.com", "/v1beta/models/g:streamGenerateContent")
}

// geminiBody writes documents as one of the framings of Gemini.
func geminiBody(framing string, docs ...string) string {
	switch framing {
	case "array":
		return "[" + strings.Join(docs, "\n,\n") + "\n]\n"
	case "bare":
		return "data: {}\r\n\r\n" + strings.Join(docs, "\r\n\r\n") + "\r\n\r\n"
	}
	return "data: " + strings.Join(docs, "\r\n\r\ndata: ") + "\r\n\r\n"
}

// geminiSays decodes documents in a framing.
func geminiSays(t testing.TB, framing string, docs ...string) (wire.Facts, []wire.Kind) {
	t.Helper()
	x := exchange{head: wire.ResponseHead{Status: 200}, body: []byte(geminiBody(framing, docs...)), whole: true}
	return decode(geminiMatch(t), call.ModeStream, x, allAtOnce)
}

func TestKindOfAGeminiEvent(t *testing.T) {
	parts := func(list string) string { return `{"candidates":[{"content":{"parts":[` + list + `]}}]}` }
	for _, tt := range []struct{ name, doc, want string }{
		{"text", parts(`{"text":"a"}`), "content"},
		{"empty text", parts(`{"text":""}`), "other"},
		{"null text", parts(`{"text":null}`), "other"},
		{"thought", parts(`{"text":"a","thought":true}`), "reasoning"},
		{"thought told first", parts(`{"thought":true,"text":"a"}`), "reasoning"},
		{"no thought", parts(`{"thought":false,"text":"a"}`), "content"},
		{"a thought's mark is not the next part's", parts(`{"text":"a","thought":true},{"text":"b"}`), "content"},
		{"empty thought", parts(`{"text":"","thought":true}`), "other"},
		{"signature only", parts(`{"thoughtSignature":"AA"}`), "other"},
		{"call", parts(`{"functionCall":{"name":"f","args":{}}}`), "tool"},
		{"call without arguments", parts(`{"functionCall":{"name":"f"}}`), "tool"},
		{"empty call", parts(`{"functionCall":{}}`), "other"},
		{"call that is no object", parts(`{"functionCall":"f"}`), "other"},
		{"call and text", parts(`{"functionCall":{"name":"f"}},{"text":"a"}`), "content"},
		{"call and thought", parts(`{"functionCall":{"name":"f"}},{"text":"a","thought":true}`), "reasoning"},
		{"picture", parts(`{"inlineData":{"mimeType":"image/png","data":"AA"}}`), "content"},
		{"picture without bytes", parts(`{"inlineData":{"mimeType":"image/png","data":""}}`), "other"},
		{"code", parts(`{"executableCode":{"language":"PYTHON"}}`), "content"},
		{"result of code", parts(`{"codeExecutionResult":{"outcome":"OUTCOME_OK"}}`), "content"},
		{"a function's answer", parts(`{"functionResponse":{"name":"f"}}`), "other"},
		{"no parts", `{"candidates":[{"content":{"role":"model"}}]}`, "other"},
		{"no candidates", `{"candidates":[]}`, "other"},
		{"finish", `{"candidates":[{"finishReason":"STOP"}]}`, "finish"},
		{"finish and text", `{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}`, "content"},
		{"unspecified finish", `{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}`, "other"},
		{"finish and usage", `{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1}}`, "finish"},
		{"usage", `{"usageMetadata":{"promptTokenCount":1}}`, "usage"},
		{"usage without counts", `{"usageMetadata":{"trafficType":"ON_DEMAND"}}`, "other"},
		{"blocked prompt", `{"promptFeedback":{"blockReason":"SAFETY"}}`, "finish"},
		{"ratings of the prompt", `{"promptFeedback":{"safetyRatings":[]}}`, "other"},
		{"error", `{"error":{"code":500,"message":"m","status":"INTERNAL"}}`, "error"},
		{"error text", `{"error":"x"}`, "error"},
		{"null error", `{"error":null}`, "other"},
		{"text elsewhere", `{"text":"a","content":{"parts":[{"text":"a"}]}}`, "other"},
		{"the first of repeated candidates", `{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"candidates":[]}`, "other"},
		{"the first of repeated parts", `{"candidates":[{"content":{"parts":[{"text":"a"}],"parts":[]}}]}`, "other"},
		{"snake_case", `{"candidates":[{"content":{"parts":[{"function_call":{"name":"f"}}]}}]}`, "tool"},
	} {
		for _, framing := range []string{"sse", "array", "bare"} {
			t.Run(tt.name+"/"+framing, func(t *testing.T) {
				_, events := geminiSays(t, framing, tt.doc)
				if framing == "bare" {
					events = events[1:]
				}
				if got := kinds(events); got != tt.want {
					t.Errorf("%s is %q, want %q", tt.doc, got, tt.want)
				}
			})
		}
	}
}

func TestGeminiUsage(t *testing.T) {
	some, none := call.Some, call.Amount{}
	usage := func(members string) string { return `{"usageMetadata":{` + members + `}}` }
	for _, tt := range []struct {
		name string
		docs []string
		want call.Usage
	}{
		{"all", []string{usage(`"promptTokenCount":9,"toolUsePromptTokenCount":2,"candidatesTokenCount":5,"thoughtsTokenCount":7,"cachedContentTokenCount":4,"totalTokenCount":23`)}, call.Usage{Input: some(11), Output: some(12), Cached: some(4), Reasoning: some(7)}},
		{"the last corrects", []string{usage(`"promptTokenCount":9,"candidatesTokenCount":5`), usage(`"promptTokenCount":8,"candidatesTokenCount":6`)}, call.Usage{Input: some(8), Output: some(6)}},
		{"no count is zero by silence", []string{usage(`"promptTokenCount":9,"totalTokenCount":9`)}, call.Usage{Input: some(9), Output: none}},
		{"thoughts only", []string{usage(`"promptTokenCount":9,"thoughtsTokenCount":64`)}, call.Usage{Input: some(9), Output: some(64), Reasoning: some(64)}},
		{"zero is zero", []string{usage(`"promptTokenCount":0,"candidatesTokenCount":0`)}, call.Usage{Input: some(0), Output: some(0)}},
		{"an object without counts changes nothing", []string{usage(`"promptTokenCount":9`), usage(`"trafficType":"ON_DEMAND"`), usage(``)}, call.Usage{Input: some(9)}},
		{"null changes nothing", []string{usage(`"promptTokenCount":9`), `{"usageMetadata":null}`}, call.Usage{Input: some(9)}},
		{"texts, negative and broken numbers", []string{usage(`"promptTokenCount":"9","candidatesTokenCount":-5,"thoughtsTokenCount":1.5`)}, call.Usage{}},
		{"a repeated member", []string{`{"usageMetadata":{"promptTokenCount":9},"usageMetadata":{"candidatesTokenCount":5}}`}, call.Usage{Output: some(5)}},
		{"more than fits", []string{usage(`"candidatesTokenCount":9223372036854775807,"thoughtsTokenCount":2`)}, call.Usage{Output: some(9223372036854775807), Reasoning: some(2)}},
		{"snake_case", []string{`{"usage_metadata":{"prompt_token_count":9,"candidates_token_count":5,"cached_content_token_count":3}}`}, call.Usage{Input: some(9), Output: some(5), Cached: some(3)}},
		{"a broken document says nothing", []string{`{"usageMetadata":{"promptTokenCount":9},}`}, call.Usage{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := geminiSays(t, "sse", tt.docs...)
			if diff := cmp.Diff(tt.want, f.Usage); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGeminiFinish(t *testing.T) {
	c := func(index, reason string) string {
		return fmt.Sprintf(`{"candidates":[{"index":%s,"content":{"parts":[{"text":"a"}]},"finishReason":%s}]}`, index, reason)
	}
	for _, tt := range []struct {
		name   string
		docs   []string
		want   string // reasons
		finish bool
	}{
		{"one", []string{c("0", "null"), c("0", `"STOP"`)}, `["STOP"]`, true},
		{"none yet", []string{c("0", "null")}, `[]`, false},
		{"one of two", []string{c("0", "null"), c("1", `"STOP"`)}, `["" "STOP"]`, false},
		{"both, interleaved", []string{c("1", "null"), c("0", `"STOP"`), c("1", `"SAFETY"`)}, `["STOP" "SAFETY"]`, true},
		{"the first counts", []string{c("0", `"STOP"`), c("0", `"MAX_TOKENS"`)}, `["STOP"]`, true},
		{"a reason that is no text", []string{c("0", "1")}, `[]`, false},
		{"blocked", []string{`{"promptFeedback":{"blockReason":"JAILBREAK"}}`}, `["JAILBREAK"]`, true},
		{"blocked for reasons that an answer may have too", []string{`{"promptFeedback":{"blockReason":"OTHER"}}`}, `["blockReason:OTHER"]`, true},
		{"blocked for something new", []string{`{"promptFeedback":{"blockReason":"OWL"}}`}, `["blockReason:OWL"]`, true},
		{"a block beside candidates is not theirs", []string{c("0", "null"), `{"promptFeedback":{"blockReason":"SAFETY"}}`}, `[]`, false},
		{"a broken document says nothing", []string{`{"candidates":[{"finishReason":"STOP"}]`}, `[]`, false},
		{"snake_case", []string{`{"candidates":[{"finish_reason":"STOP"}],"prompt_feedback":{"block_reason":"SAFETY"}}`}, `["STOP"]`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := geminiSays(t, "sse", tt.docs...)
			if got := fmt.Sprintf("%q", f.FinishReasons); got != tt.want || f.Finish != tt.finish {
				t.Errorf("got %s, finish %v; want %s, %v", got, f.Finish, tt.want, tt.finish)
			}
			if f.Done {
				t.Error("SSE has no marker")
			}
		})
	}
}

// TestGeminiTerminal: an array ends with its bracket, whatever is in it.
func TestGeminiTerminal(t *testing.T) {
	const doc = `{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}`
	for body, want := range map[string]bool{
		"[" + doc + "]": true, "[]": true, "[" + doc: false, "[" + doc + ",": false, "[": false, "[" + doc[:20] + "]": false, "[" + doc + "]]": true,
	} {
		x := exchange{head: wire.ResponseHead{Status: 200, MediaType: "application/json"}, body: []byte(body), whole: true}
		if f, _ := decode(geminiMatch(t), call.ModeStream, x, allAtOnce); f.Done != want || f.Framing != call.FramingJSONArray {
			t.Errorf("%s: done %v, framing %s, want %v", body, f.Done, f.Framing, want)
		}
	}
}

func TestGeminiRepeatsAreSeen(t *testing.T) {
	piece := func(text string) string { return `{"candidates":[{"content":{"parts":[{"text":"` + text + `"}]}}]}` }
	f, _ := geminiSays(t, "sse", piece("Owls"), piece("Owls hunt"), piece("Owls hunt at"), piece("Owls hunt at night"))
	if got := oddities(f.Oddities); !strings.Contains(got, "text_cumulative*3") {
		t.Errorf("oddities %q", got)
	}
	thought := strings.ReplaceAll(piece("Owls"), `{"text"`, `{"thought":true,"text"`)
	f, _ = geminiSays(t, "sse", thought, piece("Owls hunt"), piece(" at"), piece(" night"))
	if got := oddities(f.Oddities); strings.Contains(got, "text") {
		t.Errorf("oddities %q: a thought is no earlier text", got)
	}
}

// TestGeminiIsBounded: many candidates and parts are counted, not kept.
func TestGeminiIsBounded(t *testing.T) {
	many := `{"candidates":[` + strings.Repeat(`{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"},`, 5000)
	f, events := geminiSays(t, "array", many+`{"finishReason":"STOP"}]}`, `{"candidates":[{"index":4000000000000000000,"finishReason":"STOP"}]}`)
	if len(f.FinishReasons) != 128 || kinds(events) != "content finish" {
		t.Errorf("%d reasons, events %s", len(f.FinishReasons), kinds(events))
	}
	calls := `{"candidates":[{"content":{"parts":[` + strings.Repeat(`{"functionCall":{"name":"f"}},`, 999) + `{"functionCall":{"name":"f"}}]}}]}`
	if f, _ := geminiSays(t, "sse", calls); f.ToolCalls != 1000 {
		t.Errorf("%d tool calls, want 1000", f.ToolCalls)
	}
}
