package wire

import (
	"slices"

	"llmtap/internal/call"
)

// Slots of Converse. They begin behind those of Anthropic, since documents of
// both stand in the chunks of InvokeModel.
const (
	cvIndex slot = firstOwn + 48 + iota
	cvText
	cvThinking
	cvArguments
	cvImage
	cvTool
	cvToolID
	cvStop
	cvMetadata
	cvModel
	cvTier
	cvInput
	cvOutput
	cvCacheRead
	cvCacheWrite
	cvAfter
)

// conversePaths select what is needed of a plain answer and of the events of a
// stream, whose names stand in the messages' headers.
var conversePaths = slices.Concat([]path{
	{path: "output.message.content[].toolUse", slot: cvTool, keep: keepNone},
	{path: "serviceTier.type", slot: cvTier},
	{path: "trace.promptRouter.invokedModelId", slot: cvModel},
}, conversePieces("", ""), converseEnd("", ""))

// novaPaths are the same of Amazon's Nova on InvokeModel, which names the event
// by a member around it.
var novaPaths = slices.Concat([]path{
	{path: "output.message.content[].toolUse", slot: cvTool, keep: keepNone},
	{path: "metadata", slot: cvMetadata, keep: keepNone},
}, conversePieces("contentBlockDelta.", "contentBlockStart."), converseEnd("messageStop.", "metadata."), converseEnd("", ""))

// conversePieces are the places of a block's parts, below the members that
// delta and start stand in.
func conversePieces(delta, start string) []path {
	return []path{
		{path: delta + "contentBlockIndex", slot: cvIndex},
		{path: start + "contentBlockIndex", slot: cvIndex},
		{path: delta + "delta.text", slot: cvText},
		{path: delta + "delta.reasoningContent.text", slot: cvThinking, keep: keepNone},
		{path: delta + "delta.toolUse.input", slot: cvArguments},
		{path: delta + "delta.image", slot: cvImage, keep: keepNone},
		{path: start + "start.toolUse", slot: cvTool, keep: keepNone},
		{path: start + "start.toolUse.toolUseId", slot: cvToolID},
	}
}

// converseEnd are the places of what ends an answer.
func converseEnd(stop, metadata string) []path {
	return []path{
		{path: stop + "stopReason", slot: cvStop},
		{path: metadata + "usage.inputTokens", slot: cvInput},
		{path: metadata + "usage.outputTokens", slot: cvOutput},
		{path: metadata + "usage.cacheReadInputTokens", slot: cvCacheRead},
		{path: metadata + "usage.cacheWriteInputTokens", slot: cvCacheWrite},
		{path: metadata + "usage.cacheReadInputTokenCount", slot: cvCacheRead},
		{path: metadata + "usage.cacheWriteInputTokenCount", slot: cvCacheWrite},
	}
}

// converseParams are the parameters that Converse's requests have elsewhere
// than others.
var converseParams = []param{
	{path: "inferenceConfig.maxTokens", name: "max_tokens"},
	{path: "inferenceConfig.temperature", name: "temperature"},
	{path: "inferenceConfig.topP", name: "top_p"},
	{path: "additionalModelRequestFields.top_k", name: "top_k"},
	{path: "additionalModelRequestFields.thinking.type", name: "thinking.type"},
	{path: "additionalModelRequestFields.thinking.budget_tokens", name: "thinking.budget_tokens"},
	{path: "outputConfig.effort", name: "reasoning_effort"},
	{path: "serviceTier.type", name: "service_tier"},
	{path: "performanceConfig.latency", name: "performance_latency"},
	{path: "guardrailConfig.guardrailVersion", name: "guardrail_version"},
}

// converseAsks are where its requests hold what others have elsewhere.
var converseAsks = []path{
	{path: "system[].text", slot: reqSystem},
	{path: "toolConfig.tools", slot: reqTools},
	{path: "toolConfig.tools[]", slot: reqTool},
	{path: "inferenceConfig.stopSequences", slot: reqStop},
	{path: "inferenceConfig.stopSequences[]", slot: reqStopItem},
	{path: "outputConfig.textFormat", slot: reqFormat},
	{path: "outputConfig.textFormat.type", slot: reqFormat},
}

func openConverse() dialect { return &converse{} }

// converse reads Bedrock's Converse and ConverseStream, and Nova on
// InvokeModel.
type converse struct {
	ev     converseEvent
	finish choiceSet
	tools  toolPieces
	book   toolBook
	text   repeats
}

// converseEvent is what the document at hand held.
type converseEvent struct {
	index    int // of the block, plus one
	text     textPiece
	is       Kind
	metadata bool
	calls    int // tool calls that are here whole or begin
	id       uint64
	finish   []byte
	usage    bedrockUsage
}

func (c *converse) value(at slot, v *value, t *tally) {
	ev := &c.ev
	some := v.form == formString && v.some
	switch at {
	case cvIndex:
		if n, ok := count(v); ok {
			ev.index = int(n) + 1
		}
	case cvText:
		ev.says(KindContent, some)
		ev.text.take(v, c.text.lastLen)
	case cvThinking:
		ev.says(KindReasoning, some)
	case cvArguments:
		ev.says(KindTool, some)
		c.tools.begin()
		c.tools.arguments(v)
	case cvImage:
		ev.says(KindContent, v.form == formClose && v.some)
	case cvTool:
		if v.form == formClose && v.some {
			ev.calls++
		}
	case cvToolID:
		if some {
			ev.id = hashOf(v.text)
		}
	default:
		c.ending(at, v, t)
	}
}

// ending takes what stands at the end of an answer.
func (c *converse) ending(at slot, v *value, t *tally) {
	ev := &c.ev
	switch at {
	case cvStop:
		ev.finish = ev.finish[:0]
		if v.form == formString {
			ev.finish = append(ev.finish, v.text[:min(len(v.text), maxShort)]...)
		}
	case cvMetadata:
		ev.metadata = v.form == formClose
	case cvModel:
		first(&t.Model, v)
	case cvTier:
		first(&t.ServiceTier, v)
	default:
		ev.usage.value(at, v)
	}
}

// says notes that the document carries output. The first kind stays.
func (ev *converseEvent) says(k Kind, some bool) {
	if some && ev.is == KindOther {
		ev.is = k
	}
}

// event names the document and books what it said.
func (c *converse) event(name []byte, t *tally) Kind {
	ev := &c.ev
	defer c.clear()
	if t.broken {
		return KindOther
	}
	ev.usage.book(t)
	if ev.metadata = ev.metadata || string(name) == "metadata"; ev.metadata {
		t.Done = true
	}
	if !t.stream {
		for range ev.calls {
			c.book.find(0, uint8(len(c.book.list)), t)
		}
	} else if ev.calls > 0 {
		ev.is = KindTool
		c.tools.begin()
	}
	if t.stream {
		c.piece(t)
	}
	c.ends(t)
	return ev.kind()
}

// piece books the part of a block that the document was.
func (c *converse) piece(t *tally) {
	ev := &c.ev
	switch ev.is {
	case KindContent:
		c.text.see(0, ev.text, t)
	case KindTool:
		c.tools.now.at, c.tools.now.id = min(ev.index, functionAt)-1, ev.id
		if c.tools.end(false) {
			t.note(toolNoIndex)
		}
		c.book.book(0, &c.tools, t)
	}
}

// ends books a stop reason; the first one stays.
func (c *converse) ends(t *tally) {
	reason := c.ev.finish
	if len(reason) == 0 {
		return
	}
	if c.finish.see(0, reason) {
		t.note(repeatedFinish)
	}
	t.FinishReasons, t.Finish = c.finish.reasons, true
	if t.stream && finishesTools(reason) {
		c.book.check(0, t)
	}
}

// kind is what a reader would see first.
func (ev *converseEvent) kind() Kind {
	switch {
	case ev.is != KindOther:
		return ev.is
	case ev.metadata:
		return KindDone
	case len(ev.finish) > 0:
		return KindFinish
	case ev.usage.some:
		return KindUsage
	}
	return KindOther
}

// clear prepares for the next document, keeping memory.
func (c *converse) clear() {
	c.ev = converseEvent{finish: c.ev.finish[:0]}
	c.tools = c.tools.again()
}

// bedrockUsage is the usage as Bedrock counts: input without what came from or
// went into the cache.
type bedrockUsage struct {
	input, output, read, write call.Amount
	some                       bool
}

func (u *bedrockUsage) value(at slot, v *value) {
	n, ok := count(v)
	if !ok {
		return
	}
	to := &u.input
	switch at {
	case cvInput:
	case cvOutput:
		to = &u.output
	case cvCacheRead:
		to = &u.read
	case cvCacheWrite:
		to = &u.write
	default:
		return
	}
	*to, u.some = call.Some(n), true
}

// book puts the usage of one document in place of an earlier one.
func (u *bedrockUsage) book(t *tally) {
	if u.some {
		t.Usage = u.total()
	}
}

// total counts all input, as the record does.
func (u *bedrockUsage) total() call.Usage {
	out := call.Usage{Input: u.input, Output: u.output, Cached: u.read, CacheWrite: u.write}
	if u.input.Known {
		out.Input.N += u.read.N + u.write.N
	}
	return out
}
