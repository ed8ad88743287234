package wire

import (
	"bytes"
	"strconv"

	"llmtap/internal/call"
)

// Slots of the OpenAI formats.
const (
	oaModel slot = firstOwn + iota
	oaID
	oaTier
	oaFingerprint
	oaChoices
	oaChoice
	oaIndex
	oaFinish
	oaDelta
	oaMessage
	oaContent
	oaReasoning
	oaText // content whose text is looked at
	oaToolCall
	oaToolIndex
	oaToolID
	oaToolName
	oaToolArguments
	oaFunctionArguments
	oaFilter
	oaUsage
	oaFallback
	oaInput
	oaOutput
	oaCached
	oaCacheHit
	oaCacheWrite
	oaThought
	oaErrorCode // of a choice
	oaErrorMessage
)

// maxChoices bounds the choices and tool calls told apart in one answer.
const maxChoices = 128

// openai reads chat completions, legacy completions and what imitates them,
// streamed and plain: they differ in their paths only.
type openai struct {
	chat    bool // choices of a stream carry a delta
	ev      openaiEvent
	choice  openaiChoice
	usage   openaiUsage
	choices choiceSet
	tools   toolBook
	text    repeats
}

// openaiEvent is what the document at hand held.
type openaiEvent struct {
	content, reasoning, tool, finish, usage bool
	failed                                  bool
	fault                                   call.Error // of the choice that failed
	choices                                 form       // plus one
	empty                                   bool
}

// openaiChoice is the element of choices at hand.
type openaiChoice struct {
	pos, index            int
	delta, message, async bool
	finish                []byte
	fault                 call.Error // OpenRouter's, of a choice
	tools                 toolPieces
	text                  textPiece
}

// openaiUsage is the usage object at hand; fallback marks Groq's x_groq and
// what stands in a choice.
type openaiUsage struct {
	now      call.Usage
	hit      call.Amount
	fallback bool
	reported bool // a proper one came
}

func (o *openai) value(at slot, v *value, t *tally) {
	switch at {
	case oaModel:
		first(&t.Model, v)
	case oaID:
		first(&t.ID, v)
		if t.stream && v.form == formString && !v.some {
			t.note(idEmpty)
		}
	case oaTier:
		first(&t.ServiceTier, v)
	case oaFingerprint:
		first(&t.Fingerprint, v)
	case oaContent:
		o.ev.content = o.ev.content || v.form == formString && v.some
	case oaText:
		o.ev.content = o.ev.content || v.form == formString && v.some
		o.choice.text.take(v, o.text.lastLen)
	case oaReasoning:
		o.ev.reasoning = o.ev.reasoning || v.form == formString && v.some
	case oaUsage, oaFallback:
		o.usageValue(at, v)
	case oaInput, oaOutput, oaCached, oaCacheHit, oaCacheWrite, oaThought:
		o.usageCount(at, v)
	default:
		o.choiceValue(at, v, t)
	}
}

func (o *openai) choiceValue(at slot, v *value, t *tally) {
	c := &o.choice
	switch at {
	case oaChoices:
		o.ev.choices, o.ev.empty = v.form+1, v.form == formClose && !v.some
		c.pos = -1
	case oaChoice:
		o.element(v, t)
	case oaIndex:
		if n, ok := count(v); ok {
			c.index = int(n)
		}
	case oaFinish:
		if v.form == formString && v.some {
			c.finish = append(c.finish[:0], v.text[:min(len(v.text), maxShort)]...)
		}
	case oaDelta:
		c.delta = v.form != formNull
	case oaMessage:
		c.message = true
	case oaFilter:
		c.async = true
	case oaErrorCode:
		if v.form == formString || v.form == formNumber {
			c.fault.Code = keepString(v.text, maxShort)
		}
	case oaErrorMessage:
		first(&c.fault.Message, v)
	default:
		o.toolValue(at, v, t)
	}
}

// element begins or ends one choice.
func (o *openai) element(v *value, t *tally) {
	c := &o.choice
	if v.form == formOpen {
		*c = openaiChoice{pos: c.pos + 1, index: c.pos + 1, finish: c.finish[:0], tools: c.tools.again()}
		return
	}
	if v.form != formClose {
		return
	}
	if t.stream && o.chat && !c.delta && !c.message {
		t.note(deltaMissing)
		if c.async {
			t.note(asyncFilter)
		}
	}
	o.tools.book(c.index, &c.tools, t)
	if t.stream && finishesTools(c.finish) {
		o.tools.check(uint8(c.index), t)
	}
	if t.stream {
		o.text.see(c.index, c.text, t)
	}
	if o.choices.see(c.index, c.finish) {
		t.note(repeatedFinish)
	}
	if len(c.finish) > 0 {
		o.ev.finish = true
		if string(c.finish) == "error" {
			o.ev.failed, o.ev.fault = true, c.fault
		}
	}
}

func (o *openai) toolValue(at slot, v *value, t *tally) {
	c := &o.choice
	switch at {
	case oaToolCall:
		if v.form == formOpen {
			c.tools.begin()
		} else if v.form == formClose && c.tools.end(c.message) {
			t.note(toolNoIndex)
		}
	case oaToolIndex:
		if n, ok := count(v); ok {
			c.tools.now.at = int(n)
		}
	case oaToolID:
		if v.form == formString && v.some {
			c.tools.now.id = hashOf(v.text)
		}
	case oaToolName:
		o.ev.tool = o.ev.tool || v.form == formString && v.some
	case oaToolArguments:
		o.ev.tool = o.ev.tool || v.form == formString && v.some
		c.tools.arguments(v)
	case oaFunctionArguments:
		o.ev.tool = o.ev.tool || v.form == formString && v.some
		c.tools.function(v)
	}
}

func (o *openai) usageValue(at slot, v *value) {
	u := &o.usage
	switch {
	case v.form == formOpen:
		*u = openaiUsage{fallback: at == oaFallback, reported: u.reported}
	case v.form == formClose && v.some && (at == oaUsage || !u.reported):
		if !u.now.Cached.Known {
			u.now.Cached = u.hit
		}
		o.ev.usage = true
		u.reported = at == oaUsage
	}
}

func (o *openai) usageCount(at slot, v *value) {
	n, ok := count(v)
	if !ok {
		return
	}
	u := &o.usage
	switch at {
	case oaInput:
		u.now.Input = call.Some(n)
	case oaOutput:
		u.now.Output = call.Some(n)
	case oaCached:
		u.now.Cached = call.Some(n)
	case oaCacheHit:
		u.hit = call.Some(n)
	case oaCacheWrite:
		u.now.CacheWrite = call.Some(n)
	case oaThought:
		u.now.Reasoning = call.Some(n)
	}
}

// event names the document: what a reader would see first counts.
func (o *openai) event(_ []byte, t *tally) Kind {
	ev := o.ev
	o.ev = openaiEvent{}
	if t.stream && ev.choices == formNull+1 {
		t.note(choicesNull)
	}
	if t.stream && ev.empty && !ev.usage {
		t.note(choicesEmpty)
	}
	if ev.usage {
		t.Usage = o.usage.now
	}
	if o.choices.done > 0 {
		t.FinishReasons = o.choices.reasons
	}
	t.Finish = o.choices.complete()
	if ev.failed {
		t.fail(ev.fault)
	}
	switch {
	case ev.content:
		return KindContent
	case ev.reasoning:
		return KindReasoning
	case ev.tool:
		return KindTool
	case ev.finish && ev.failed:
		return KindError
	case ev.finish:
		return KindFinish
	case ev.usage:
		return KindUsage
	}
	return KindOther
}

// choiceSet tracks which choices were seen and why each ended.
type choiceSet struct {
	seen, done int
	index      []int
	reasons    []string
}

// see books one appearance of a choice and reports whether it repeats a reason.
func (s *choiceSet) see(index int, finish []byte) (repeated bool) {
	at := s.place(index)
	if at < 0 || len(finish) == 0 {
		return false
	}
	if s.reasons[at] != "" {
		return true
	}
	s.reasons[at] = keepString(finish, maxShort)
	s.done++
	return false
}

// place returns where a choice stands, in order of index, or -1 if there are
// too many.
func (s *choiceSet) place(index int) int {
	at := 0
	for ; at < len(s.index) && s.index[at] <= index; at++ {
		if s.index[at] == index {
			return at
		}
	}
	if len(s.index) == maxChoices {
		return -1
	}
	s.index = append(s.index, 0)
	s.reasons = append(s.reasons, "")
	copy(s.index[at+1:], s.index[at:])
	copy(s.reasons[at+1:], s.reasons[at:])
	s.index[at], s.reasons[at] = index, ""
	s.seen++
	return at
}

func (s *choiceSet) complete() bool { return s.seen > 0 && s.done == s.seen }

// count reads a count that is not negative. Some services write 12.0.
func count(v *value) (int64, bool) {
	if v.form != formNumber {
		return 0, false
	}
	digits := v.text
	if i := bytes.IndexByte(digits, '.'); i > 0 && len(bytes.Trim(digits[i+1:], "0")) == 0 {
		digits = digits[:i]
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	return n, err == nil && n >= 0
}
