package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

const (
	conversePath = "/model/m-1/converse-stream"
	invokePath   = "/model/m-1/invoke-with-response-stream"
	awsMedia     = "application/vnd.amazon.eventstream"
)

// messagesOf decodes an event stream, written as in archives, that answers a
// call of the path.
func messagesOf(t testing.TB, path, lines string) (wire.Facts, []wire.Kind) {
	t.Helper()
	x := exchange{head: wire.ResponseHead{Status: 200, MediaType: awsMedia}, body: messages(t, lines), whole: true}
	return decode(matchOf(t, "POST", "svc.example", path), call.ModeStream, x, allAtOnce)
}

func TestKindOfAConverseEvent(t *testing.T) {
	delta := func(d string) string {
		return `event contentBlockDelta {"contentBlockIndex":0,"delta":` + d + `,"p":"abc"}`
	}
	for _, tt := range []struct{ name, line, want string }{
		{"begin", `event messageStart {"role":"assistant"}`, "other"},
		{"text", delta(`{"text":"a"}`), "content"},
		{"empty text", delta(`{"text":""}`), "other"},
		{"text that is a number", delta(`{"text":7}`), "other"},
		{"reasoning", delta(`{"reasoningContent":{"text":"a"}}`), "reasoning"},
		{"signature", delta(`{"reasoningContent":{"signature":"a"}}`), "other"},
		{"arguments", delta(`{"toolUse":{"input":"{"}}`), "tool"},
		{"empty arguments", delta(`{"toolUse":{"input":""}}`), "other"},
		{"image", delta(`{"image":{"source":{"bytes":"aGk="}}}`), "content"},
		{"empty image", delta(`{"image":{}}`), "other"},
		{"citation", delta(`{"citation":{"title":"a"}}`), "other"},
		{"null delta", delta(`null`), "other"},
		{"tool begins", `event contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}`, "tool"},
		{"image begins", `event contentBlockStart {"contentBlockIndex":0,"start":{"image":{"format":"png"}}}`, "other"},
		{"block ends", `event contentBlockStop {"contentBlockIndex":0}`, "other"},
		{"reason", `event messageStop {"stopReason":"end_turn"}`, "finish"},
		{"reason that is a number", `event messageStop {"stopReason":7}`, "other"},
		{"metadata", `event metadata {"usage":{"inputTokens":1},"metrics":{}}`, "done"},
		{"metadata without usage", `event metadata {}`, "done"},
		{"usage elsewhere", `event audit {"usage":{"inputTokens":1}}`, "usage"},
		{"metadata that is no JSON", `event metadata text`, "other"},
		{"exception", `exception throttlingException {"message":"m"}`, "error"},
		{"error", `error E text`, "error"},
		{"error by its payload", `event contentBlockDelta {"error":{"message":"m"}}`, "error"},
		{"unknown event", `event owl {"x":1}`, "other"},
		{"a chunk of the other call", `chunk {"delta":{"text":"a"}}`, "other"},
		{"another dialect", `event chunk ` + contentChunk, "other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, events := messagesOf(t, conversePath, tt.line); kinds(events) != tt.want {
				t.Errorf("%s: %q, want %q", tt.line, kinds(events), tt.want)
			}
		})
	}
}

func TestKindOfAnInvokeChunk(t *testing.T) {
	const metrics = `"amazon-bedrock-invocationMetrics":{"inputTokenCount":1,"outputTokenCount":1}`
	for _, tt := range []struct{ name, doc, want string }{
		{"Anthropic text", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`, "content"},
		{"Anthropic thinking", `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"a"}}`, "reasoning"},
		{"Anthropic tool", `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f"}}`, "tool"},
		{"Anthropic ping", `{"type":"ping"}`, "keepalive"},
		{"Anthropic reason", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}`, "finish"},
		{"Anthropic end", `{"type":"message_stop",` + metrics + `}`, "done"},
		{"Anthropic end without metrics", `{"type":"message_stop"}`, "other"},
		{"Anthropic error", `{"type":"error","error":{"type":"overloaded_error","message":"m"}}`, "error"},
		{"Nova text", `{"contentBlockDelta":{"delta":{"text":"a"},"contentBlockIndex":0}}`, "content"},
		{"Nova tool", `{"contentBlockStart":{"start":{"toolUse":{"toolUseId":"t","name":"f"}},"contentBlockIndex":0}}`, "tool"},
		{"Nova reason", `{"messageStop":{"stopReason":"end_turn"}}`, "finish"},
		{"Nova metadata", `{"metadata":{"usage":{"inputTokens":1}},` + metrics + `}`, "done"},
		{"Nova metadata without metrics", `{"metadata":{"usage":{"inputTokens":1}}}`, "other"},
		{"Titan", `{"outputText":"a","index":0,"completionReason":null}`, "content"},
		{"Titan reason", `{"outputText":"","completionReason":"FINISH"}`, "finish"},
		{"Llama", `{"generation":"a","stop_reason":null}`, "content"},
		{"Llama reason", `{"generation":"","stop_reason":"stop"}`, "finish"},
		{"Llama reason and metrics", `{"generation":"","stop_reason":"stop",` + metrics + `}`, "done"},
		{"Mistral", `{"outputs":[{"text":"a","stop_reason":null}]}`, "content"},
		{"Mistral end", `{"outputs":[{"text":"a","stop_reason":"stop"}],` + metrics + `}`, "content"},
		{"OpenAI", contentChunk, "content"},
		{"completion", `{"completion":"a"}`, "content"},
		{"text", `{"text":"a","is_finished":false}`, "content"},
		{"finish", `{"is_finished":true,"finish_reason":"COMPLETE"}`, "finish"},
		{"metrics alone", `{` + metrics + `}`, "done"},
		{"text elsewhere", `{"answer":{"text":"a"}}`, "other"},
		{"empty text", `{"outputText":"","generation":"","completion":"","text":""}`, "other"},
		{"list", `["a"]`, "other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, events := messagesOf(t, invokePath, "chunk "+tt.doc)
			if kinds(events) != tt.want || f.Done != strings.Contains(tt.doc, "invocationMetrics") {
				t.Errorf("%s: %q done=%v, want %q", tt.doc, kinds(events), f.Done, tt.want)
			}
		})
	}
}

func TestBedrockUsage(t *testing.T) {
	const metrics = `"amazon-bedrock-invocationMetrics":{"inputTokenCount":9,"outputTokenCount":5,"cacheReadInputTokenCount":100,"cacheWriteInputTokenCount":20}`
	all := call.Usage{Input: call.Some(129), Output: call.Some(5), Cached: call.Some(100), CacheWrite: call.Some(20)}
	two := call.Usage{Input: call.Some(9), Output: call.Some(5)}
	for _, tt := range []struct {
		name, path, lines string
		want              call.Usage
	}{
		{"Converse", conversePath, `event metadata {"usage":{"inputTokens":9,"outputTokens":5,"totalTokens":14}}`, two},
		{"Converse with a cache", conversePath, `event metadata {"usage":{"inputTokens":9,"outputTokens":5,"cacheReadInputTokens":100,"cacheWriteInputTokens":20}}`, all},
		{"Converse, numbers as texts", conversePath, `event metadata {"usage":{"inputTokens":"9","outputTokens":-5}}`, call.Usage{}},
		{"Converse, last one counts", conversePath, "event metadata {\"usage\":{\"inputTokens\":1,\"outputTokens\":1}}\nevent metadata {\"usage\":{\"inputTokens\":9,\"outputTokens\":5}}", two},
		{"metrics", invokePath, `chunk {"outputs":[{"text":"a"}],` + metrics + `}`, all},
		{"native before metrics", invokePath, `chunk {"generation":"a","prompt_token_count":9,"generation_token_count":5}` + "\n" + `chunk {` + metrics + `}`, two},
		{"native output before metrics", invokePath, `chunk {"results":[{"tokenCount":7}],` + metrics + `}`, call.Usage{Input: call.Some(129), Output: call.Some(7), Cached: call.Some(100), CacheWrite: call.Some(20)}},
		{"counts grow", invokePath, "chunk {\"generation\":\"a\",\"prompt_token_count\":9,\"generation_token_count\":1}\nchunk {\"generation\":\"a\",\"prompt_token_count\":null,\"generation_token_count\":5}", two},
		{"Anthropic before metrics", invokePath, `chunk {"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}` + "\n" + `chunk {"type":"message_delta","delta":{},"usage":{"output_tokens":5}}` + "\n" + `chunk {"type":"message_stop",` + metrics + `}`, two},
		{"Nova", invokePath, `chunk {"metadata":{"usage":{"inputTokens":9,"outputTokens":5,"cacheReadInputTokenCount":100,"cacheWriteInputTokenCount":20}}}`, all},
		{"none", invokePath, `chunk {"text":"a"}`, call.Usage{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := messagesOf(t, tt.path, tt.lines)
			if diff := cmp.Diff(tt.want, f.Usage); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestBedrockToolCalls: pieces are joined by the index of their block.
func TestBedrockToolCalls(t *testing.T) {
	start := func(i int, id string) string {
		return fmt.Sprintf("event contentBlockStart {\"contentBlockIndex\":%d,\"start\":{\"toolUse\":{\"toolUseId\":%q,\"name\":\"f\"}}}\n", i, id)
	}
	input := func(i int, text string) string {
		return fmt.Sprintf("event contentBlockDelta {\"contentBlockIndex\":%d,\"delta\":{\"toolUse\":{\"input\":%q}}}\n", i, text)
	}
	const stop = `event messageStop {"stopReason":"tool_use"}`
	for _, tt := range []struct {
		name, lines string
		calls       int
		odd         string
	}{
		{"one", start(0, "a") + input(0, `{"x"`) + input(0, `:1}`) + stop, 1, ""},
		{"two", start(0, "a") + input(0, `{}`) + start(1, "b") + input(1, `{"y":[]}`) + stop, 2, ""},
		{"without arguments", start(0, "a") + stop, 1, ""},
		{"cut", start(0, "a") + input(0, `{"x"`) + stop, 1, "tool_bad_arguments"},
		{"cut, not said to be whole", start(0, "a") + input(0, `{"x"`) + `event messageStop {"stopReason":"max_tokens"}`, 1, ""},
		{"two in one block", start(0, "a") + start(0, "b") + stop, 1, "tool_two_ids"},
		{"arguments only", input(3, "{}") + stop, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f, _ := messagesOf(t, conversePath, tt.lines); f.ToolCalls != tt.calls || oddities(f.Oddities) != tt.odd {
				t.Errorf("%d calls, odd %q, want %d %q", f.ToolCalls, oddities(f.Oddities), tt.calls, tt.odd)
			}
		})
	}
}

// TestBedrockRepetitionIsSeen in both calls.
func TestBedrockRepetitionIsSeen(t *testing.T) {
	for path, line := range map[string]string{
		conversePath: `event contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"aba aba "}}`,
		invokePath:   `chunk {"generation":"aba aba "}`,
	} {
		f, _ := messagesOf(t, path, strings.TrimSuffix(strings.Repeat(line+"\n", 4), "\n"))
		if oddities(f.Oddities) != "text_doubled*4" {
			t.Errorf("%s: %q", path, oddities(f.Oddities))
		}
	}
}

// TestBrokenMessagesLeaveNoTrace: nothing of a message whose checksum is wrong,
// or that is cut, is in the facts.
func TestBrokenMessagesLeaveNoTrace(t *testing.T) {
	const start = `chunk {"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":9,"output_tokens":1}}}`
	whole, _ := messagesOf(t, invokePath, start)
	if whole.Model != "m" || whole.ID != "msg_1" || whole.Usage.Input != call.Some(9) {
		t.Fatalf("%+v", whole)
	}
	for _, tail := range []string{"\nspoil", "\ncut /"} {
		f, events := messagesOf(t, invokePath, start+tail)
		if f.Model != "" || f.ID != "" || f.Usage != (call.Usage{}) || len(events) != 0 || len(f.Oddities) != 1 {
			t.Errorf("%q: %+v %+v", tail, f.Answer, f.Oddities)
		}
	}
}

const (
	converseDelta = `event contentBlockDelta {"contentBlockIndex":0,"delta":{"text":" Owls"},"p":"abcdefghijklmnopq"}`
	invokeDelta   = `chunk {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" Owls"}}`
	titanDelta    = `chunk {"outputText":" Owls","index":0,"totalOutputTextTokenCount":null,"completionReason":null,"inputTextTokenCount":null}`
)

func TestNoAllocationPerBedrockEvent(t *testing.T) {
	for path, line := range map[string]string{conversePath: converseDelta, invokePath: invokeDelta} {
		noAllocation(t, matchOf(t, "POST", "h", path), awsMedia, messages(t, line))
	}
	noAllocation(t, matchOf(t, "POST", "h", invokePath), awsMedia, messages(t, titanDelta))
}

func BenchmarkConverseDelta(b *testing.B) {
	benchmarkEvent(b, matchOf(b, "POST", "h", conversePath), awsMedia, messages(b, converseDelta))
}

func BenchmarkInvokeAnthropic(b *testing.B) {
	benchmarkEvent(b, matchOf(b, "POST", "h", invokePath), awsMedia, messages(b, invokeDelta))
}

func BenchmarkInvokeTitan(b *testing.B) {
	benchmarkEvent(b, matchOf(b, "POST", "h", invokePath), awsMedia, messages(b, titanDelta))
}

// FuzzConverse: any payloads and headers, cut in any way, tell the same.
func FuzzConverse(f *testing.F) {
	for _, line := range []string{converseDelta, `event metadata {"usage":{"inputTokens":1}}`, `event messageStop {"stopReason":"x"}`} {
		_, rest, _ := strings.Cut(line, " ")
		name, payload, _ := strings.Cut(rest, " ")
		f.Add("event", name, payload, uint64(1))
	}
	f.Add("exception", "throttlingException", `{"message":"m"}`, uint64(2))
	m := matchOf(f, "POST", "h", conversePath)
	f.Fuzz(func(t *testing.T, kind, name, payload string, seed uint64) {
		if len(name) > 1<<15 || len(kind) > 1<<15 {
			return
		}
		one := message(t, payload, ":message-type", kind, ":event-type", name, ":exception-type", name, ":error-code", name)
		holdDialect(t, m, awsMedia, append(messages(t, converseDelta), one...), seed)
		holdDialect(t, m, awsMedia, one[:len(one)-int(seed%16)], seed)
	})
}

// FuzzInvoke: any documents in chunks, cut in any way, tell the same.
func FuzzInvoke(f *testing.F) {
	for _, line := range []string{invokeDelta, titanDelta, `chunk {"metadata":{"usage":{"inputTokens":1}}}`, `chunk {"stop_reason":"x"`} {
		f.Add(strings.TrimPrefix(line, "chunk "), uint64(1))
	}
	m := matchOf(f, "POST", "h", invokePath)
	f.Fuzz(func(t *testing.T, document string, seed uint64) {
		lines := "chunk " + strings.NewReplacer("\n", " ").Replace(document)
		holdDialect(t, m, awsMedia, messages(t, lines+"\n"+titanDelta+"\n"+lines), seed)
	})
}
