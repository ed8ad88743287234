package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// dialogue decodes a stream that answers a call of the given path.
func dialogue(t testing.TB, path, body string) (wire.Facts, []wire.Kind) {
	t.Helper()
	x := exchange{head: wire.ResponseHead{Status: 200}, body: []byte(body), whole: true}
	return decode(matchOf(t, "POST", "svc.example", path), call.ModeStream, x, allAtOnce)
}

const messagesPath = "/v1/messages"

func TestKindOfAnAnthropicEvent(t *testing.T) {
	delta := func(d string) string { return `{"type":"content_block_delta","index":0,"delta":` + d + `}` }
	start := func(b string) string {
		return `{"type":"content_block_start","index":0,"content_block":` + b + `}`
	}
	for _, tt := range []struct{ name, doc, want string }{
		{"begin", `{"type":"message_start","message":{"id":"m","usage":{"input_tokens":1}}}`, "other"},
		{"text", delta(`{"type":"text_delta","text":"a"}`), "content"},
		{"empty text", delta(`{"type":"text_delta","text":""}`), "other"},
		{"null text", delta(`{"type":"text_delta","text":null}`), "other"},
		{"text that is a number", delta(`{"type":"text_delta","text":7}`), "other"},
		{"thinking", delta(`{"type":"thinking_delta","thinking":"a"}`), "reasoning"},
		{"empty thinking", delta(`{"type":"thinking_delta","thinking":""}`), "other"},
		{"arguments", delta(`{"type":"input_json_delta","partial_json":"{"}`), "tool"},
		{"empty arguments", delta(`{"type":"input_json_delta","partial_json":""}`), "other"},
		{"signature", delta(`{"type":"signature_delta","signature":"a"}`), "other"},
		{"citation", delta(`{"type":"citations_delta","citation":{"text":"a"}}`), "other"},
		{"type behind the delta", `{"delta":{"text":"a"},"index":0,"type":"content_block_delta"}`, "content"},
		{"text block begins", start(`{"type":"text","text":""}`), "other"},
		{"text block begins with text", start(`{"type":"text","text":"a"}`), "content"},
		{"thinking begins", start(`{"type":"thinking","thinking":"","signature":""}`), "other"},
		{"tool begins", start(`{"type":"tool_use","id":"t","name":"f","input":{}}`), "tool"},
		{"tool of the service", start(`{"type":"server_tool_use","id":"t","name":"web_search"}`), "tool"},
		{"tool of a server", start(`{"type":"mcp_tool_use","id":"t","name":"f"}`), "tool"},
		{"result of a tool", start(`{"type":"web_search_tool_result","content":[{"type":"tool_use"}]}`), "other"},
		{"a block in another event", `{"type":"content_block_delta","index":0,"content_block":{"type":"tool_use","id":"t"}}`, "other"},
		{"block ends", `{"type":"content_block_stop","index":0}`, "other"},
		{"reason", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}`, "finish"},
		{"usage", `{"type":"message_delta","delta":{},"usage":{"output_tokens":3}}`, "usage"},
		{"null reason", `{"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":3}}`, "usage"},
		{"end", `{"type":"message_stop"}`, "done"},
		{"ping", `{"type":"ping"}`, "keepalive"},
		{"error", `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`, "error"},
		{"error beside another type", `{"type":"message_stop","error":{"message":"x"}}`, "error"},
		{"unknown type", `{"type":"owl","delta":{"text":"a"}}`, "other"},
		{"no type", `{"delta":{"text":"a"}}`, "other"},
		{"type that is a number", `{"type":7,"delta":{"text":"a"}}`, "other"},
		{"marker of another dialect", "[DONE]", "other"},
		{"another dialect, read as what it is", contentChunk, "content"},
		{"text document", `"x"`, "other"},
		{"list", `[{"type":"ping"}]`, "keepalive"}, // one document, whatever surrounds it
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, events := dialogue(t, messagesPath, stream(tt.doc))
			if got := kinds(events); got != tt.want {
				t.Errorf("%s is %q, want %q", tt.doc, got, tt.want)
			}
		})
	}
}

func TestEventNameStandsInForTheType(t *testing.T) {
	f, events := dialogue(t, messagesPath, "event: content_block_delta\ndata: {\"index\":0,\"delta\":{\"text\":\"a\"}}\n\nevent: message_stop\ndata: {}\n\n")
	if got := kinds(events); got != "content done" || !f.Done {
		t.Errorf("events %q, done %v", got, f.Done)
	}
	_, events = dialogue(t, messagesPath, "event: message_stop\ndata: {\"type\":\"ping\"}\n\n")
	if got := kinds(events); got != "keepalive" {
		t.Errorf("the data's own type counts: %q", got)
	}
}

func TestAnthropicUsage(t *testing.T) {
	some := call.Some
	begin := func(usage string) string { return `{"type":"message_start","message":{"usage":` + usage + `}}` }
	end := func(usage string) string {
		return `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":` + usage + `}`
	}
	for _, tt := range []struct {
		name string
		docs []string
		want call.Usage
	}{
		{"none", []string{`{"type":"message_stop"}`}, call.Usage{}},
		{"begin only", []string{begin(`{"input_tokens":9,"output_tokens":1}`)}, call.Usage{Input: some(9), Output: some(1)}},
		{
			"older servers repeat the output only",
			[]string{begin(`{"input_tokens":9,"cache_read_input_tokens":2,"output_tokens":1}`), end(`{"output_tokens":5}`)},
			call.Usage{Input: some(11), Output: some(5), Cached: some(2)},
		},
		{
			"input holds what came from the cache and what went into it",
			[]string{begin(`{"input_tokens":9,"cache_read_input_tokens":20,"cache_creation_input_tokens":300,"output_tokens":1}`)},
			call.Usage{Input: some(329), Output: some(1), Cached: some(20), CacheWrite: some(300)},
		},
		{
			"the last counts, nothing is summed",
			[]string{begin(`{"input_tokens":9,"output_tokens":1}`), end(`{"output_tokens":5}`), end(`{"input_tokens":8,"output_tokens":7}`)},
			call.Usage{Input: some(8), Output: some(7)},
		},
		{
			"null does not count",
			[]string{begin(`{"input_tokens":9,"output_tokens":1}`), end(`{"input_tokens":null,"output_tokens":4}`), end(`null`)},
			call.Usage{Input: some(9), Output: some(4)},
		},
		{
			"zero is not missing",
			[]string{begin(`{"input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}`)},
			call.Usage{Input: some(0), Output: some(0), Cached: some(0)},
		},
		{"without input its parts are no total", []string{begin(`{"cache_read_input_tokens":3}`)}, call.Usage{Cached: some(3)}},
		{"thinking is part of the output", []string{end(`{"output_tokens":30,"output_tokens_details":{"thinking_tokens":20}}`)}, call.Usage{Output: some(30), Reasoning: some(20)}},
		{"text", []string{begin(`{"input_tokens":"9"}`)}, call.Usage{}},
		{"in a broken event", []string{begin(`{"input_tokens":9}`), begin(`{"input_tokens":7}`)[:50]}, call.Usage{Input: some(9)}},
		{
			"a broken event leaves nothing for the next",
			[]string{`{"type":"message_start","message":{"usage":{"input_tokens":9,"x"`, end(`{"output_tokens":5}`)},
			call.Usage{Output: some(5)},
		},
		{"elsewhere", []string{`{"type":"message_start","message":{"content":[{"usage":{"input_tokens":9}}]}}`}, call.Usage{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := dialogue(t, messagesPath, stream(tt.docs...))
			if diff := cmp.Diff(tt.want, f.Usage); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnthropicToolCalls(t *testing.T) {
	begin := func(index, id string) string {
		return `{"type":"content_block_start","index":` + index + `,"content_block":{"type":"tool_use","id":"` + id + `","name":"f","input":{}}}`
	}
	piece := func(index, text string) string {
		return `{"type":"content_block_delta","index":` + index + `,"delta":{"type":"input_json_delta","partial_json":"` + text + `"}}`
	}
	end := `{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}`
	for _, tt := range []struct {
		name  string
		docs  []string
		calls int
		odd   string
	}{
		{"one", []string{begin("0", "a"), piece("0", `{\"x\":`), piece("0", `1}`), end}, 1, ""},
		{"without arguments", []string{begin("0", "a"), end}, 1, ""},
		{"two", []string{begin("0", "a"), piece("0", `{}`), begin("1", "b"), piece("1", `{}`), end}, 2, ""},
		{"interleaved", []string{begin("0", "a"), begin("1", "b"), piece("0", `{`), piece("1", `{`), piece("0", `}`), piece("1", `}`), end}, 2, ""},
		{"arguments are cut", []string{begin("0", "a"), piece("0", `{\"x\":`), end}, 1, "tool_bad_arguments"},
		{"cut by the limit is no fault", []string{begin("0", "a"), piece("0", `{\"x\":`), strings.Replace(end, "tool_use", "max_tokens", 1)}, 1, ""},
		{"two ids", []string{begin("0", "a"), begin("0", "b"), end}, 1, "tool_two_ids"},
		{"no index", []string{`{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}}`, end}, 1, "tool_no_index"},
		{"far index", []string{begin("100000", "a"), piece("100000", `{}`), end}, 1, ""},
		{"no reason", []string{begin("0", "a"), piece("0", `{`)}, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := dialogue(t, messagesPath, stream(tt.docs...))
			if got := oddities(f.Oddities); f.ToolCalls != tt.calls || got != tt.odd {
				t.Errorf("%d calls, odd %q; want %d, %q", f.ToolCalls, got, tt.calls, tt.odd)
			}
		})
	}
}

func TestAnthropicRepetitionIsSeen(t *testing.T) {
	text := func(s string) string {
		return `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + s + `"}}`
	}
	f, _ := dialogue(t, messagesPath, stream(text("Owls"), text("Owls hunt"), text("Owls hunt at"), text("Owls hunt at night")))
	if got := oddities(f.Oddities); got != "text_cumulative*3" {
		t.Errorf("odd %q, want text_cumulative", got)
	}
}

// TestEndsOfAnAnthropicStream: [DONE] is no end here, the end is one event.
func TestEndsOfAnAnthropicStream(t *testing.T) {
	reason := `{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`
	stop := `{"type":"message_stop"}`
	for _, tt := range []struct {
		name         string
		docs         []string
		done, finish bool
		odd          string
	}{
		{"both", []string{reason, stop}, true, true, ""},
		{"reason only", []string{reason}, false, true, ""},
		{"marker only", []string{stop}, true, false, ""},
		{"neither", []string{`{"type":"ping"}`}, false, false, ""},
		{"another's marker", []string{"[DONE]"}, false, false, ""},
		{"another's marker behind its own", []string{reason, stop, "[DONE]"}, true, true, ""},
		{"something behind it", []string{reason, stop, `{"type":"owl"}`}, true, true, "after_terminal"},
		{"two reasons", []string{reason, reason, stop}, true, true, "repeated_finish"},
		{"broken marker", []string{`{"type":"message_stop"`}, false, false, "bad_json"},
		{"broken reason", []string{`{"type":"message_delta","delta":{"stop_reason":"end_turn"}`, stop}, true, false, "bad_json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := dialogue(t, messagesPath, stream(tt.docs...))
			if got := oddities(f.Oddities); f.Done != tt.done || f.Finish != tt.finish || got != tt.odd {
				t.Errorf("done %v, finish %v, odd %q; want %v, %v, %q", f.Done, f.Finish, got, tt.done, tt.finish, tt.odd)
			}
		})
	}
}
