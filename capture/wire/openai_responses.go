package wire

import (
	"bytes"
	"slices"

	"llmtap/internal/call"
)

// Slots of the Responses format.
const (
	reType slot = firstOwn + iota
	reSequence
	reModel
	reID
	reTier
	reStatus
	reIncomplete
	reErrorCode
	reErrorMessage
	reDelta
	reImage
	reIndex
	reItem
	reItemType
	reUsage
	reInput
	reOutput
	reCached
	reCacheWrite
	reThought
)

// responsesPaths select what is needed of an event and of a plain answer, which
// is the response that events carry.
var responsesPaths = slices.Concat([]path{
	{path: "type", slot: reType},
	{path: "sequence_number", slot: reSequence},
	{path: "response.error.code", slot: reErrorCode},
	{path: "response.error.message", slot: reErrorMessage},
	{path: "delta", slot: reDelta},
	{path: "partial_image_b64", slot: reImage, keep: keepNone},
	{path: "output_index", slot: reIndex},
	{path: "item.type", slot: reItemType},
}, responsePaths(""), responsePaths("response."))

// responsePaths are those of a response below a prefix.
func responsePaths(under string) []path {
	return []path{
		{path: under + "model", slot: reModel},
		{path: under + "id", slot: reID},
		{path: under + "service_tier", slot: reTier},
		{path: under + "status", slot: reStatus},
		{path: under + "incomplete_details.reason", slot: reIncomplete},
		{path: under + "output[]", slot: reItem, keep: keepNone},
		{path: under + "output[].type", slot: reItemType},
		{path: under + "usage", slot: reUsage, keep: keepNone},
		{path: under + "usage.input_tokens", slot: reInput},
		{path: under + "usage.output_tokens", slot: reOutput},
		{path: under + "usage.input_tokens_details.cached_tokens", slot: reCached},
		{path: under + "usage.input_tokens_details.cache_write_tokens", slot: reCacheWrite},
		{path: under + "usage.output_tokens_details.reasoning_tokens", slot: reThought},
	}
}

// responsesAsks are where its requests hold the prompt.
var responsesAsks = []path{
	{path: "instructions", slot: reqSystem},
	{path: "input", slot: reqInput, keep: keepEnds},
	{path: "input[]", slot: reqMessage},
	{path: "input[].role", slot: reqRole},
	{path: "input[].content", slot: reqText, keep: keepEnds},
	{path: "input[].content[].text", slot: reqText, keep: keepEnds},
}

func openResponses() dialect { return &responses{} }

// responses reads OpenAI's Responses, streamed, resumed, plain and compacted.
// Members of a document come in any order, so they are judged at its end.
type responses struct {
	ev     responsesEvent
	items  responsesItems
	usage  call.Usage
	finish choiceSet
	delta  toolPieces // the delta at hand, in case it is one of arguments
	book   toolBook   // of the answer's tool calls
	text   repeats
	// next is the sequence number that is due, plus one; 0 where none is known,
	// since a resumed stream begins anywhere.
	next int64
}

// responsesEvent is what the document at hand held.
type responsesEvent struct {
	is       responsesType
	status   responsesStatus // of the response inside
	some     bool            // a delta that is not empty
	image    bool
	usage    bool
	calls    bool // the item at hand is a tool call
	text     textPiece
	index    int   // of the output item, plus one
	sequence int64 // plus one
	texts    responsesTexts
}

// responsesItems are the output items of a response: how many were seen, and
// which are tool calls.
type responsesItems struct {
	n     int
	calls [maxChoices]bool
}

// responsesTexts are short texts of a response; their memory is reused.
type responsesTexts struct{ reason, code, message []byte }

// clear prepares for the next document.
func (r *responses) clear() {
	texts := &r.ev.texts
	*texts = responsesTexts{reason: texts.reason[:0], code: texts.code[:0], message: texts.message[:0]}
	if r.items.n > 0 {
		r.items = responsesItems{}
	}
	r.ev = responsesEvent{texts: *texts}
	r.delta = r.delta.again()
}

func (r *responses) value(at slot, v *value, t *tally) {
	ev := &r.ev
	some := v.form == formString && v.some
	switch at {
	case reType:
		if some {
			ev.is = responsesTypeOf(v.text)
		}
	case reSequence:
		if n, ok := count(v); ok {
			ev.sequence = n + 1
		}
	case reIndex:
		if n, ok := count(v); ok {
			ev.index = int(min(n, maxChoices)) + 1
		}
	case reDelta:
		ev.some = some
		ev.text.take(v, r.text.lastLen)
		r.delta = r.delta.again()
		r.delta.begin()
		r.delta.arguments(v)
	case reImage:
		ev.image = some
	case reModel:
		first(&t.Model, v)
	case reID:
		first(&t.ID, v)
	case reTier:
		if some { // the first one is what was asked for
			t.ServiceTier = keepString(v.text, maxShort)
		}
	default:
		r.responseValue(at, v)
	}
}

// responseValue takes what a response says about itself.
func (r *responses) responseValue(at slot, v *value) {
	texts := &r.ev.texts
	switch at {
	case reStatus:
		r.ev.status = responsesStatusOf(v.text)
	case reIncomplete:
		texts.reason = append(texts.reason[:0], v.text[:min(len(v.text), maxShort)]...)
	case reErrorCode:
		texts.code = append(texts.code[:0], v.text[:min(len(v.text), maxShort)]...)
	case reErrorMessage:
		texts.message = append(texts.message[:0], v.text...)
	case reItem, reItemType:
		r.itemValue(at, v)
	default:
		r.usageValue(at, v)
	}
}

// itemValue takes an output item: one that begins, or each of a response.
func (r *responses) itemValue(at slot, v *value) {
	calls, items := &r.ev.calls, &r.items
	switch {
	case at == reItemType:
		*calls = v.form == formString && bytes.HasSuffix(v.text, []byte("_call"))
		return
	case v.form == formClose && items.n < maxChoices:
		items.calls[items.n] = *calls
		items.n++
	}
	*calls = false
}

func (r *responses) usageValue(at slot, v *value) {
	if at == reUsage {
		if v.form == formOpen {
			r.usage = call.Usage{}
		}
		r.ev.usage = v.form == formClose && v.some
		return
	}
	n, ok := count(v)
	if !ok {
		return
	}
	switch at {
	case reInput:
		r.usage.Input = call.Some(n)
	case reOutput:
		r.usage.Output = call.Some(n)
	case reCached:
		r.usage.Cached = call.Some(n)
	case reCacheWrite:
		r.usage.CacheWrite = call.Some(n)
	case reThought:
		r.usage.Reasoning = call.Some(n)
	}
}
