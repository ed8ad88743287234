package wire_test

import (
	"strings"
	"testing"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// nativeSays decodes SSE events of one of the native dialects of a path.
func nativeSays(t testing.TB, path string, docs ...string) (wire.Facts, []wire.Kind) {
	t.Helper()
	x := exchange{head: wire.ResponseHead{Status: 200}, body: []byte(stream(docs...)), whole: true}
	return decode(matchOf(t, "POST", "h", path), call.ModeStream, x, allAtOnce)
}

func TestKindOfATGIEvent(t *testing.T) {
	for _, tt := range []struct{ name, doc, want, facts string }{
		{"token", `{"index":1,"token":{"text":"a","special":false},"generated_text":null,"details":null}`, "content", ""},
		{"blank token", `{"token":{"text":" ","special":false}}`, "content", ""},
		{"empty token", `{"token":{"text":"","special":false}}`, "other", ""},
		{"special token", `{"token":{"text":"</s>","special":true}}`, "other", ""},
		{"special told first", `{"token":{"special":true,"text":"</s>"}}`, "other", ""},
		{"token without special", `{"token":{"text":"a"}}`, "content", ""},
		{"last, special", `{"token":{"text":"</s>","special":true},"generated_text":"a","details":{"finish_reason":"eos_token","generated_tokens":2,"input_length":3}}`, "done", "TF 3 2"},
		{"last, a token of the answer", `{"token":{"text":"a","special":false},"generated_text":"a","details":{"finish_reason":"length","generated_tokens":2}}`, "content", "TF - 2"},
		{"last, empty answer", `{"token":{"text":"</s>","special":true},"generated_text":"","details":{"finish_reason":"stop_sequence"}}`, "done", "TF"},
		{"last, no details", `{"token":{"text":"</s>","special":true},"generated_text":"a"}`, "done", "T"},
		{"whole text of another type", `{"token":{"text":"a"},"generated_text":5}`, "content", ""},
		{"finish of another type", `{"token":{"text":"a"},"details":{"finish_reason":5}}`, "content", ""},
		{"details only", `{"details":{"generated_tokens":2}}`, "usage", "- 2"},
		{"error", `{"error":"lost","error_type":"generation"}`, "error", "E generation"},
		{"null error", `{"error":null,"token":{"text":"a"}}`, "content", ""},
		{"another dialect, read as what it is", `{"choices":[{"delta":{"content":"a"}}]}`, "content", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, events := nativeSays(t, "/generate_stream", tt.doc)
			if got := kinds(events); got != tt.want {
				t.Errorf("%s is %q, want %q", tt.doc, got, tt.want)
			}
			if got := nativeFacts(f); got != tt.facts {
				t.Errorf("facts %q, want %q", got, tt.facts)
			}
		})
	}
}

// nativeFacts writes T, F and E, usage and the error's code.
func nativeFacts(f wire.Facts) string {
	out := ""
	for _, mark := range []struct {
		is   bool
		name string
	}{{f.Done, "T"}, {f.Finish, "F"}, {f.Errored, "E"}} {
		if mark.is {
			out += mark.name
		}
	}
	if f.Usage.Input.Known || f.Usage.Output.Known {
		out += " " + amount(f.Usage.Input) + " " + amount(f.Usage.Output)
	}
	return strings.TrimSpace(out + " " + f.Error.Code)
}

func TestKindOfALlamacppEvent(t *testing.T) {
	for _, tt := range []struct{ name, doc, want, facts string }{
		{"text", `{"index":0,"content":"a","stop":false}`, "content", ""},
		{"empty text", `{"content":"","stop":false}`, "other", ""},
		{"progress", `{"content":"","stop":false,"prompt_progress":{"total":9}}`, "other", ""},
		{"counts in mid-answer", `{"content":"a","stop":false,"tokens_predicted":1,"tokens_evaluated":5}`, "content", "5 1"},
		{"stop", `{"content":"","stop":true,"stop_type":"eos","tokens_predicted":3,"tokens_evaluated":5}`, "done", "TF 5 3"},
		{"stop with text", `{"content":"a","stop":true,"stop_type":"limit"}`, "content", "TF"},
		{"stop for no reason", `{"content":"","stop":true,"stop_type":"none"}`, "done", "T"},
		{"stop of old releases", `{"content":"","stop":true,"stopped_eos":false,"stopped_limit":false,"stopped_word":true}`, "done", "TF"},
		{"a reason before the stop is none", `{"content":"a","stop":false,"stop_type":"eos"}`, "content", ""},
		{"stop sequences are not stop", `{"content":"a","stop":["x"]}`, "other", ""},
		{"no stop", `{"content":"a"}`, "other", ""},
		{"error", `{"error":{"code":500,"message":"m","type":"server_error"}}`, "error", "E 500"},
		{"OpenAI's text", `{"choices":[{"index":0,"text":"a"}]}`, "content", ""},
		{"OpenAI's finish", `{"choices":[{"index":0,"text":"","finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":1}}`, "finish", "F 5 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, events := nativeSays(t, "/completion", tt.doc)
			if got := kinds(events); got != tt.want {
				t.Errorf("%s is %q, want %q", tt.doc, got, tt.want)
			}
			if got := nativeFacts(f); got != tt.facts {
				t.Errorf("facts %q, want %q", got, tt.facts)
			}
		})
	}
}

// TestOneStopForEachPrompt: the answer is over when every prompt's is.
func TestOneStopForEachPrompt(t *testing.T) {
	const (
		a     = `{"index":0,"content":"a","stop":false}`
		b     = `{"index":1,"content":"b","stop":false}`
		stopA = `{"index":0,"content":"","stop":true,"stop_type":"eos"}`
		stopB = `{"index":1,"content":"","stop":true,"stop_type":"limit"}`
	)
	if f, _ := nativeSays(t, "/completion", a, b, stopB); f.Done || f.Finish {
		t.Errorf("one of two: done %v, finish %v", f.Done, f.Finish)
	}
	f, _ := nativeSays(t, "/completion", a, b, stopB, stopA)
	if !f.Done || !f.Finish || strings.Join(f.FinishReasons, " ") != "eos limit" || strings.Contains(oddities(f.Oddities), "after_terminal") {
		t.Errorf("both: %+v, %s", f.Marks, oddities(f.Oddities))
	}
}
