package wire_test

import (
	"strings"
	"testing"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// typical are the events with content that streams of each dialect mostly
// consist of.
var typical = []struct{ name, path, event string }{
	{
		"anthropic/text", "/v1/messages",
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Owls #\"} }\n\n",
	},
	{
		"anthropic/thinking", "/v1/messages",
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Owls #\"}}\n\n",
	},
	{
		"anthropic/tool", "/v1/messages",
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"[1,\"}}\n\n",
	},
	{
		"responses/text", "/v1/responses",
		"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_67ccd3acc8d48190a77525dc6de64b4104becb25c45c1d41\"," +
			"\"output_index\":0,\"content_index\":0,\"delta\":\"Owls #\",\"logprobs\":[],\"obfuscation\":\"aUtVPb5\",\"sequence_number\":4}\n\n",
	},
	{
		"responses/arguments", "/v1/responses",
		"event: response.function_call_arguments.delta\ndata: {\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"fc_67ccd3acc8d48190a77525dc\"," +
			"\"output_index\":1,\"delta\":\"[1,\",\"sequence_number\":4}\n\n",
	},
	{
		"cohere/text", "/v2/chat",
		"event: content-delta\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"Owls #\"}}}}\n\n",
	},
	{
		"cohere/tool", "/v2/chat",
		"event: tool-call-delta\ndata: {\"type\":\"tool-call-delta\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":{\"function\":{\"arguments\":\"[1,\"}}}}}\n\n",
	},
	{
		"cohere/lines", "/v1/chat",
		"{\"is_finished\":false,\"event_type\":\"text-generation\",\"text\":\"Owls #\"}\n",
	},
}

// turns are two events that take turns: a text that repeats is another case.
func turns(event string) [2][]byte {
	return [2][]byte{[]byte(strings.ReplaceAll(event, "#", "hunt")), []byte(strings.ReplaceAll(event, "#", "glide"))}
}

func TestNoAllocationPerEventOfDialects(t *testing.T) {
	for _, tt := range typical {
		t.Run(tt.name, func(t *testing.T) {
			r := wire.NewResponse(matchOf(t, "POST", "h", tt.path), call.ModeStream, wire.ResponseHead{Status: 200})
			content, i := 0, 0
			emit := func(k wire.Kind) {
				if k.Content() {
					content++
				}
			}
			events := turns(tt.event)
			for range 2 { // names, memory of tool calls
				r.Push(events[0], emit)
			}
			allocs := testing.AllocsPerRun(1000, func() {
				e := events[i%2]
				r.Push(e, emit)
				r.Push(e[:len(e)/2], emit)
				r.Push(e[len(e)/2:], emit)
				i++
			})
			if allocs != 0 {
				t.Errorf("%v allocations per event, want 0", allocs)
			}
			if content < 2000 {
				t.Errorf("only %d events with content", content)
			}
		})
	}
}

func BenchmarkEventOfDialects(b *testing.B) {
	for _, tt := range typical {
		b.Run(tt.name, func(b *testing.B) {
			r := wire.NewResponse(matchOf(b, "POST", "h", tt.path), call.ModeStream, wire.ResponseHead{Status: 200})
			n, i := 0, 0
			emit := func(wire.Kind) { n++ }
			events := turns(tt.event)
			b.SetBytes(int64(len(events[0])))
			b.ReportAllocs()
			for b.Loop() {
				r.Push(events[i%2], emit)
				i++
			}
		})
	}
}
