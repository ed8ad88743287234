package wire

import "llmtap/internal/call"

// Slots of Anthropic's messages.
const (
	anType slot = firstOwn + iota
	anIndex
	anModel
	anID
	anTier
	anStop
	anText
	anThinking
	anArguments
	anBlock
	anBlockType
	anBlockID
	anInput
	anOutput
	anCacheRead
	anCacheWrite
	anThought
)

// anthropicPaths select what is needed of an event and of a plain message,
// which is what message_start carries, filled.
var anthropicPaths = []path{
	{path: "type", slot: anType},
	{path: "index", slot: anIndex},
	{path: "model", slot: anModel},
	{path: "message.model", slot: anModel},
	{path: "id", slot: anID},
	{path: "message.id", slot: anID},
	{path: "stop_reason", slot: anStop},
	{path: "delta.stop_reason", slot: anStop},
	{path: "delta.text", slot: anText},
	{path: "delta.thinking", slot: anThinking, keep: keepNone},
	{path: "delta.partial_json", slot: anArguments},
	{path: "content_block.type", slot: anBlockType},
	{path: "content_block.id", slot: anBlockID},
	{path: "content_block.text", slot: anText},
	{path: "content_block.thinking", slot: anThinking, keep: keepNone},
	{path: "content[]", slot: anBlock, keep: keepNone},
	{path: "content[].type", slot: anBlockType},
	{path: "usage.service_tier", slot: anTier},
	{path: "usage.input_tokens", slot: anInput},
	{path: "usage.output_tokens", slot: anOutput},
	{path: "usage.cache_read_input_tokens", slot: anCacheRead},
	{path: "usage.cache_creation_input_tokens", slot: anCacheWrite},
	{path: "usage.output_tokens_details.thinking_tokens", slot: anThought},
	{path: "message.usage.service_tier", slot: anTier},
	{path: "message.usage.input_tokens", slot: anInput},
	{path: "message.usage.output_tokens", slot: anOutput},
	{path: "message.usage.cache_read_input_tokens", slot: anCacheRead},
	{path: "message.usage.cache_creation_input_tokens", slot: anCacheWrite},
	{path: "message.usage.output_tokens_details.thinking_tokens", slot: anThought},
}

// anthropicParams are the parameters that only Anthropic's requests have.
var anthropicParams = scalars(
	"tool_choice.type", "thinking.type", "thinking.budget_tokens", "output_config.effort", "inference_geo", "anthropic_version",
)

// anthropicAsks are where its requests hold what others have in messages.
var anthropicAsks = []path{
	{path: "system", slot: reqSystem},
	{path: "system[].text", slot: reqSystem},
	{path: "output_config.format.type", slot: reqFormat},
	{path: "stop_sequences", slot: reqStop},
	{path: "stop_sequences[]", slot: reqStopItem},
}

func openAnthropic() dialect { return &anthropic{} }

// anthropic reads Messages: from Anthropic, from Vertex AI and Azure AI Foundry,
// and as the documents inside Bedrock's chunks.
type anthropic struct {
	ev     anthropicEvent
	usage  anthropicUsage
	finish choiceSet
	tools  toolPieces
	book   toolBook
	text   repeats
}

// anthropicEvent is what the document at hand held.
type anthropicEvent struct {
	is        anthropicType
	text      textPiece
	spoken    bool // text that is not empty
	thinking  bool
	arguments bool
	starts    bool // a block that calls a tool
	index     int  // of the block, plus one
	calls     int  // in a plain message
	id        uint64
	finish    []byte
	usage     anthropicUsage
}

// anthropicType is an event's type as far as it matters here.
type anthropicType uint8

const (
	anthropicOther  anthropicType = iota
	anthropicBegin                // of a block
	anthropicDelta                // of a block
	anthropicReason               // message_delta
	anthropicStop
	anthropicPing
)

func anthropicTypeOf(name []byte) anthropicType {
	switch string(name) {
	case "content_block_delta":
		return anthropicDelta
	case "content_block_start":
		return anthropicBegin
	case "message_delta":
		return anthropicReason
	case "message_stop":
		return anthropicStop
	case "ping":
		return anthropicPing
	}
	return anthropicOther
}

func (a *anthropic) value(at slot, v *value, t *tally) {
	ev := &a.ev
	some := v.form == formString && v.some
	switch at {
	case anType:
		if some {
			ev.is = anthropicTypeOf(v.text)
		}
	case anIndex:
		if n, ok := count(v); ok {
			ev.index = int(n) + 1
		}
	case anModel:
		first(&t.Model, v)
	case anID:
		first(&t.ID, v)
	case anTier:
		first(&t.ServiceTier, v)
	case anStop:
		if some {
			ev.finish = append(ev.finish[:0], v.text[:min(len(v.text), maxShort)]...)
		}
	case anText:
		ev.spoken = ev.spoken || some
		ev.text.take(v, a.text.lastLen)
	case anThinking:
		ev.thinking = ev.thinking || some
	case anArguments:
		ev.arguments = ev.arguments || some
		a.tools.begin()
		a.tools.arguments(v)
	default:
		ev.blockValue(at, v)
		ev.usage.value(at, v)
	}
}

// blockValue takes what tells about a block: the one that starts, or each of a
// plain message.
func (ev *anthropicEvent) blockValue(at slot, v *value) {
	switch at {
	case anBlockType:
		ev.starts = v.form == formString && callsTool(v.text)
	case anBlockID:
		if v.form == formString && v.some {
			ev.id = hashOf(v.text)
		}
	case anBlock:
		if v.form == formClose && ev.starts {
			ev.calls++
		}
		ev.starts = false
	}
}

// callsTool reports whether a content block is a tool call: the client's, the
// service's own or one of an MCP server.
func callsTool(kind []byte) bool {
	switch string(kind) {
	case "tool_use", "server_tool_use", "mcp_tool_use":
		return true
	}
	return false
}

// event names the document and books what it said.
func (a *anthropic) event(name []byte, t *tally) Kind {
	ev := &a.ev
	defer a.clear()
	if ev.is == anthropicOther {
		ev.is = anthropicTypeOf(name)
	}
	if t.broken {
		return KindOther
	}
	a.usage.overlay(&ev.usage, t)
	a.ends(t)
	switch ev.is {
	case anthropicBegin, anthropicDelta:
		return a.piece(t)
	case anthropicStop:
		t.Done = true
		return KindDone
	case anthropicPing:
		return KindKeepalive
	case anthropicReason:
		if len(ev.finish) > 0 {
			return KindFinish
		}
		return KindUsage
	}
	for i := range min(ev.calls, maxChoices) {
		a.book.find(0, uint8(i), t)
	}
	return KindOther
}

// clear prepares for the next document, keeping memory.
func (a *anthropic) clear() {
	a.ev = anthropicEvent{finish: a.ev.finish[:0]}
	a.tools = a.tools.again()
}

// ends books a stop reason; the first one stays.
func (a *anthropic) ends(t *tally) {
	reason := a.ev.finish
	if len(reason) == 0 {
		return
	}
	if a.finish.see(0, reason) {
		t.note(repeatedFinish)
	}
	t.FinishReasons, t.Finish = a.finish.reasons, true
	if t.stream && finishesTools(reason) {
		a.book.check(0, t)
	}
}

// piece books a part of a block.
func (a *anthropic) piece(t *tally) Kind {
	ev := &a.ev
	switch {
	case ev.spoken:
		a.text.see(0, ev.text, t)
		return KindContent
	case ev.thinking:
		return KindReasoning
	case ev.starts && ev.is == anthropicBegin:
		a.tools.begin()
	case !ev.arguments:
		return KindOther
	}
	a.tools.now.at, a.tools.now.id = min(ev.index, functionAt)-1, ev.id
	if a.tools.end(false) {
		t.note(toolNoIndex)
	}
	a.book.book(0, &a.tools, t)
	return KindTool
}

// anthropicUsage is the usage as Anthropic counts: input without what came
// from or went into the cache.
type anthropicUsage struct {
	input, output, read, write, thought call.Amount
	some                                bool
}

func (u *anthropicUsage) value(at slot, v *value) {
	n, ok := count(v)
	if !ok {
		return
	}
	to := &u.input
	switch at {
	case anInput:
	case anOutput:
		to = &u.output
	case anCacheRead:
		to = &u.read
	case anCacheWrite:
		to = &u.write
	case anThought:
		to = &u.thought
	default:
		return
	}
	*to, u.some = call.Some(n), true
}

// overlay puts the counts of one event over those of earlier ones: they are
// cumulative, and older servers repeat only the output.
func (u *anthropicUsage) overlay(now *anthropicUsage, t *tally) {
	if !now.some {
		return
	}
	for _, f := range [...]struct{ to, from *call.Amount }{
		{&u.input, &now.input}, {&u.output, &now.output}, {&u.read, &now.read}, {&u.write, &now.write}, {&u.thought, &now.thought},
	} {
		if f.from.Known {
			*f.to = *f.from
		}
	}
	t.Usage = call.Usage{Input: u.input, Output: u.output, Cached: u.read, CacheWrite: u.write, Reasoning: u.thought}
	if u.input.Known {
		t.Usage.Input.N += u.read.N + u.write.N
	}
}
