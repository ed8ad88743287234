package wire

import "llmtap/internal/call"

// Slots of Ollama.
const (
	olModel slot = firstOwn + iota
	olText
	olThinking
	olToolCall
	olDone
	olReason
	olInput
	olOutput
)

// ollamaPaths select what is needed of a line of /api/chat, /api/generate and
// /api/embed; a plain answer is one such line.
var ollamaPaths = []path{
	{path: "model", slot: olModel},
	{path: "message.content", slot: olText},
	{path: "response", slot: olText},
	{path: "message.thinking", slot: olThinking, keep: keepNone},
	{path: "thinking", slot: olThinking, keep: keepNone},
	{path: "message.tool_calls[]", slot: olToolCall, keep: keepNone},
	{path: "done", slot: olDone},
	{path: "done_reason", slot: olReason},
	{path: "prompt_eval_count", slot: olInput},
	{path: "eval_count", slot: olOutput},
}

// ollamaParams are the parameters that only Ollama's requests have.
var ollamaParams = []param{
	{path: "options.temperature", name: "temperature"},
	{path: "options.top_p", name: "top_p"},
	{path: "options.top_k", name: "top_k"},
	{path: "options.seed", name: "seed"},
	{path: "options.num_predict", name: "max_tokens"},
	{path: "options.frequency_penalty", name: "frequency_penalty"},
	{path: "options.presence_penalty", name: "presence_penalty"},
	{path: "options.num_ctx", name: "num_ctx"},
	{path: "think", name: "think"},
	{path: "keep_alive", name: "keep_alive"},
	{path: "raw", name: "raw"},
	{path: "truncate", name: "truncate"},
}

// ollamaAsks are where its requests hold what others have elsewhere.
var ollamaAsks = []path{
	{path: "prompt", slot: reqInput},
	{path: "system", slot: reqSystem},
	{path: "format", slot: reqFormat},
	{path: "options.stop", slot: reqStop},
	{path: "options.stop[]", slot: reqStopItem},
}

func openOllama() dialect { return &ollama{} }

// ollama reads Ollama's own API, streamed and plain.
type ollama struct {
	ev     ollamaEvent
	finish choiceSet
	text   repeats
}

// ollamaEvent is what the line at hand held.
type ollamaEvent struct {
	text          textPiece
	spoken        bool // text that is not empty
	thinking      bool
	done          bool
	tools         int
	finish        []byte
	input, output call.Amount
}

func (o *ollama) value(at slot, v *value, t *tally) {
	ev := &o.ev
	some := v.form == formString && v.some
	switch at {
	case olModel:
		first(&t.Model, v)
	case olText:
		ev.spoken = ev.spoken || some
		ev.text.take(v, o.text.lastLen)
	case olThinking:
		ev.thinking = ev.thinking || some
	case olToolCall:
		if v.form == formClose && v.some {
			ev.tools++
		}
	case olDone:
		ev.done = v.form == formTrue
	case olReason:
		ev.finish = ev.finish[:0]
		if some {
			ev.finish = append(ev.finish, v.text[:min(len(v.text), maxShort)]...)
		}
	case olInput:
		if n, ok := count(v); ok {
			ev.input = call.Some(n)
		}
	case olOutput:
		if n, ok := count(v); ok {
			ev.output = call.Some(n)
		}
	}
}

// event names the line and books what it said. Each tool call comes whole, in
// one element.
func (o *ollama) event(_ []byte, t *tally) Kind {
	ev := &o.ev
	defer o.clear()
	if t.broken {
		return KindOther
	}
	t.ToolCalls += ev.tools
	if ev.input.Known || ev.output.Known {
		t.Usage = call.Usage{Input: ev.input, Output: ev.output}
	}
	t.Done = t.Done || ev.done
	if len(ev.finish) > 0 {
		if o.finish.see(0, ev.finish) {
			t.note(repeatedFinish)
		}
		t.FinishReasons, t.Finish = o.finish.reasons, true
	}
	if t.stream {
		o.text.see(0, ev.text, t)
	}
	return ev.kind()
}

// kind is what a reader would see first.
func (ev *ollamaEvent) kind() Kind {
	switch {
	case ev.spoken:
		return KindContent
	case ev.thinking:
		return KindReasoning
	case ev.tools > 0:
		return KindTool
	case ev.done:
		return KindDone
	case len(ev.finish) > 0:
		return KindFinish
	case ev.input.Known || ev.output.Known:
		return KindUsage
	}
	return KindOther
}

// clear prepares for the next line, keeping memory.
func (o *ollama) clear() { o.ev = ollamaEvent{finish: o.ev.finish[:0]} }
