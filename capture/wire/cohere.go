package wire

import (
	"slices"

	"llmtap/internal/call"
)

// Slots of Cohere's chat.
const (
	coType slot = firstOwn + iota
	coIndex
	coID
	coFinish
	coError
	coText
	coThought
	coName
	coArguments
	coCall
	coUsage
	coInput
	coOutput
	coCached
)

// coherePaths select what is needed of an event and of a plain answer of
// version 2, and of version 1, which sends lines of JSON.
var coherePaths = slices.Concat([]path{
	{path: "type", slot: coType},
	{path: "index", slot: coIndex},
	{path: "id", slot: coID},
	{path: "finish_reason", slot: coFinish},
	{path: "message.tool_calls[]", slot: coCall, keep: keepNone},
	{path: "delta.finish_reason", slot: coFinish},
	{path: "delta.error", slot: coError},
	{path: "delta.message.content.text", slot: coText},
	{path: "delta.message.content.thinking", slot: coThought, keep: keepNone},
	{path: "delta.message.tool_plan", slot: coThought, keep: keepNone},
	{path: "delta.message.tool_calls.function.name", slot: coName, keep: keepNone},
	{path: "delta.message.tool_calls.function.arguments", slot: coArguments},
	{path: "event_type", slot: coType},
	{path: "generation_id", slot: coID},
	{path: "text", slot: coText},
	{path: "tool_calls[]", slot: coCall, keep: keepNone},
	{path: "tool_call_delta.index", slot: coIndex},
	{path: "tool_call_delta.name", slot: coName, keep: keepNone},
	{path: "tool_call_delta.parameters", slot: coName, keep: keepNone},
}, cohereUsage("usage"), cohereUsage("delta.usage"), cohereUsage("meta"), cohereUsage("response.meta"))

// cohereUsage are the paths of the tokens below a member. What is billed is
// something else.
func cohereUsage(under string) []path {
	return []path{
		{path: under, slot: coUsage, keep: keepNone},
		{path: under + ".tokens.input_tokens", slot: coInput},
		{path: under + ".tokens.output_tokens", slot: coOutput},
		{path: under + ".cached_tokens", slot: coCached},
	}
}

// cohereParams are the parameters that only Cohere's requests have.
var cohereParams = scalars("p", "k", "safety_mode", "strict_tools", "priority", "thinking.type", "thinking.token_budget", "citation_options.mode")

// cohereAsks are where its requests hold what others have in messages; the
// single message and its history are those of version 1.
var cohereAsks = []path{
	{path: "stop_sequences", slot: reqStop},
	{path: "stop_sequences[]", slot: reqStopItem},
	{path: "preamble", slot: reqSystem},
	{path: "message", slot: reqInput, keep: keepEnds},
	{path: "chat_history[]", slot: reqMessage},
	{path: "chat_history[].role", slot: reqRole},
	{path: "chat_history[].message", slot: reqText, keep: keepEnds},
}

func openCohere() dialect { return &cohere{} }

// cohere reads Cohere's chat.
type cohere struct {
	ev     cohereEvent
	usage  call.Usage
	finish choiceSet
	tools  toolPieces
	book   toolBook
	text   repeats
}

// cohereEvent is what the document at hand held.
type cohereEvent struct {
	is       cohereType
	typed    bool // it says which
	text     textPiece
	spoken   bool // text that is not empty
	thinking bool
	tool     bool
	usage    bool
	calls    int // whole tool calls
	index    int // of the block, plus one
	id       []byte
	finish   []byte
	failure  []byte
}

// cohereType is an event's type as far as it matters here.
type cohereType uint8

const (
	cohereOther cohereType = iota
	cohereText
	cohereTool
	cohereEnd
)

func cohereTypeOf(name []byte) cohereType {
	switch string(name) {
	case "content-delta", "content-start", "text-generation":
		return cohereText
	case "tool-plan-delta", "tool-call-start", "tool-call-delta", "tool-calls-chunk", "tool-calls-generation":
		return cohereTool
	case "message-end", "stream-end":
		return cohereEnd
	}
	return cohereOther
}

func (c *cohere) value(at slot, v *value, t *tally) {
	ev := &c.ev
	some := v.form == formString && v.some
	switch at {
	case coType:
		if some {
			ev.is, ev.typed = cohereTypeOf(v.text), true
		}
	case coIndex:
		if n, ok := count(v); ok {
			ev.index = int(min(n, maxChoices)) + 1
		}
	case coID:
		if some {
			ev.id = append(ev.id[:0], v.text[:min(len(v.text), maxShort)]...)
		}
	case coFinish:
		if some {
			ev.finish = append(ev.finish[:0], v.text[:min(len(v.text), maxShort)]...)
		}
	case coError:
		if some {
			ev.failure = append(ev.failure[:0], v.text...)
		}
	case coText:
		ev.spoken = ev.spoken || some
		ev.text.take(v, c.text.lastLen)
	case coThought:
		ev.thinking = ev.thinking || some
	default:
		c.toolValue(at, v)
		c.usageValue(at, v)
	}
}

func (c *cohere) toolValue(at slot, v *value) {
	some := v.form == formString && v.some
	switch at {
	case coName:
		c.ev.tool = c.ev.tool || some
	case coArguments:
		c.ev.tool = c.ev.tool || some
		c.tools = c.tools.again()
		c.tools.begin()
		c.tools.arguments(v)
	case coCall:
		if v.form == formClose {
			c.ev.calls++
		}
	}
}

func (c *cohere) usageValue(at slot, v *value) {
	if at == coUsage {
		if v.form == formOpen {
			c.usage = call.Usage{}
		}
		return
	}
	n, ok := count(v)
	if !ok {
		return
	}
	switch at {
	case coInput:
		c.usage.Input = call.Some(n)
	case coOutput:
		c.usage.Output = call.Some(n)
	case coCached:
		c.usage.Cached = call.Some(n)
	default:
		return
	}
	c.ev.usage = true
}

// event names the document and books what it said.
func (c *cohere) event(name []byte, t *tally) Kind {
	ev := &c.ev
	defer c.clear()
	if t.broken {
		return KindOther
	}
	if ev.is == cohereOther {
		ev.is = cohereTypeOf(name)
	}
	if t.ID == "" && (ev.typed || len(name)+len(ev.finish) > 0) { // errors have ids too
		t.ID = keepString(ev.id, maxShort)
	}
	if ev.usage {
		t.Usage = c.usage
	}
	for i := range min(ev.calls, maxChoices) {
		c.book.find(0, uint8(i), t)
	}
	c.ends(t)
	switch {
	case ev.is == cohereEnd:
		t.Done = true
		if t.Errored {
			return KindError
		}
		return KindDone
	case ev.is == cohereTool:
		return c.tool(t)
	case ev.is == cohereText && ev.spoken:
		c.text.see(0, ev.text, t)
		return KindContent
	case ev.is == cohereText && ev.thinking:
		return KindReasoning
	}
	return KindOther
}

// clear prepares for the next document, keeping memory.
func (c *cohere) clear() {
	c.ev = cohereEvent{id: c.ev.id[:0], finish: c.ev.finish[:0], failure: c.ev.failure[:0]}
	c.tools = c.tools.again()
}

// tool books a piece of a tool call, or of the plan that leads to some.
func (c *cohere) tool(t *tally) Kind {
	ev := &c.ev
	switch {
	case ev.tool:
		if len(c.tools.text) == 0 && !c.tools.now.unread {
			c.tools.begin()
		}
		c.tools.now.at = ev.index - 1
		if c.tools.end(false) {
			t.note(toolNoIndex)
		}
		c.book.book(0, &c.tools, t)
		return KindTool
	case ev.calls > 0:
		return KindTool
	case ev.thinking:
		return KindReasoning
	}
	return KindOther
}

// ends books a finish reason. Some of them are errors.
func (c *cohere) ends(t *tally) {
	reason, failure := c.ev.finish, c.ev.failure
	if len(reason) > 0 {
		if c.finish.see(0, reason) {
			t.note(repeatedFinish)
		}
		t.FinishReasons, t.Finish = c.finish.reasons, true
	}
	if t.stream && string(reason) == "TOOL_CALL" {
		c.book.check(0, t)
	}
	if cohereFails(reason) || len(failure) > 0 {
		t.Errored = true
		t.Error = call.Error{Shape: call.ShapeString, Code: keepString(reason, maxShort), Message: keepString(failure, textCap)}
	}
}

// cohereFails reports whether a finish reason is an error. The last two are
// those of version 1.
func cohereFails(reason []byte) bool {
	switch string(reason) {
	case "ERROR", "TIMEOUT", "ERROR_LIMIT", "ERROR_TOXIC":
		return true
	}
	return false
}
