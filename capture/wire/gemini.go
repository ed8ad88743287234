package wire

import (
	"math"
	"slices"
	"strings"

	"llmtap/internal/call"
)

func openGemini() dialect { return &gemini{} }

// gemini reads generateContent and streamGenerateContent, of the Gemini API and
// of Vertex AI, whatever the framing.
type gemini struct {
	ev      geminiEvent
	part    geminiPart
	choices choiceSet
	text    repeats
}

// geminiEvent is what the document at hand held. It is booked when the document
// is known to be whole.
type geminiEvent struct {
	list   []geminiCandidate
	reason []byte // finish reasons of the candidates, one after the other
	block  []byte // why the prompt was blocked
	usage  geminiUsage
}

// geminiCandidate is one element of candidates.
type geminiCandidate struct {
	index                    int
	from, to                 int // its finish reason in geminiEvent.reason
	content, reasoning, tool bool
	calls                    int
	text                     textPiece
}

// geminiPart is the part at hand; thought may come behind the text.
type geminiPart struct {
	text    textPiece
	spoken  bool
	thought bool
	data    bool
	called  bool
	named   bool
}

func (g *gemini) value(at slot, v *value, t *tally) {
	switch at {
	case gmModel:
		first(&t.Model, v)
	case gmID:
		first(&t.ID, v)
	case gmTier:
		first(&t.ServiceTier, v)
	case gmBlock:
		g.ev.block = reasonOf(g.ev.block[:0], v)
	case gmCandidates:
		if v.form == formOpen {
			g.ev.list, g.ev.reason = g.ev.list[:0], g.ev.reason[:0]
		}
	case gmCandidate:
		if v.form == formOpen {
			g.ev.begin()
		}
	default:
		g.ev.usage.value(at, v)
		if n := len(g.ev.list); n > 0 {
			g.candidate(at, v, &g.ev.list[n-1])
		}
	}
}

// begin starts a candidate. Beyond the bound the last one is read anew.
func (ev *geminiEvent) begin() {
	if len(ev.list) == maxChoices {
		ev.list = ev.list[:maxChoices-1]
	}
	n := len(ev.list)
	ev.list = append(ev.list, geminiCandidate{index: n, from: len(ev.reason), to: len(ev.reason)})
}

func (g *gemini) candidate(at slot, v *value, c *geminiCandidate) {
	switch at {
	case gmIndex:
		if n, ok := count(v); ok {
			c.index = int(n)
		}
	case gmFinish:
		g.ev.reason = reasonOf(g.ev.reason[:c.from], v)
		c.to = len(g.ev.reason)
	case gmParts:
		if v.form == formOpen {
			*c = geminiCandidate{index: c.index, from: c.from, to: c.to}
		}
	case gmPart:
		if v.form == formOpen {
			g.part = geminiPart{}
		} else if v.form == formClose {
			c.take(&g.part)
		}
	default:
		g.part.value(at, v, g.text.lastLen)
	}
}

// reasonOf appends a reason; the names of "no reason" are none.
func reasonOf(to []byte, v *value) []byte {
	if v.form != formString || strings.HasSuffix(string(v.text), "_UNSPECIFIED") {
		return to
	}
	return append(to, v.text[:min(len(v.text), maxShort)]...)
}

func (p *geminiPart) value(at slot, v *value, lastLen int) {
	switch at {
	case gmText:
		p.spoken = v.form == formString && v.some
		p.text = textPiece{}
		p.text.take(v, lastLen)
	case gmThought:
		p.thought = v.form == formTrue
	case gmCall:
		p.called = v.form == formClose && v.some
	case gmCallName:
		p.named = v.form == formString && v.some
	case gmData:
		p.data = p.data || (v.form == formString || v.form == formClose) && v.some
	}
}

// take books a part that ended. A call whose arguments are streamed comes in
// several parts, of which the first has the name.
func (c *geminiCandidate) take(p *geminiPart) {
	c.content = c.content || p.spoken && !p.thought || p.data
	c.reasoning = c.reasoning || p.spoken && p.thought
	c.tool = c.tool || p.called
	if p.called && p.named {
		c.calls++
	}
	if p.spoken && !p.thought {
		parts := c.text.parts + 1
		c.text, c.text.parts = p.text, parts
		if parts > 1 {
			c.text.n = 0 // several parts cannot be compared
		}
	}
}

// event books what the document said and names it.
func (g *gemini) event(_ []byte, t *tally) Kind {
	ev := &g.ev
	defer ev.clear()
	if t.broken {
		return KindOther
	}
	kind := KindOther
	if ev.usage.told(t) {
		kind = KindUsage
	}
	for i := range ev.list {
		if k := g.book(&ev.list[i], t); k != KindOther && (kind == KindOther || rank(k) < rank(kind)) {
			kind = k
		}
	}
	if len(ev.block) > 0 && g.choices.seen == 0 {
		g.choices.see(0, blocked(ev.block))
		kind = KindFinish
	}
	if g.choices.done > 0 {
		t.FinishReasons = g.choices.reasons
	}
	t.Finish = g.choices.complete()
	return kind
}

// rank orders kinds by what a reader sees first.
func rank(k Kind) int {
	return slices.Index([]Kind{KindContent, KindReasoning, KindTool, KindFinish, KindUsage}, k)
}

// clear prepares for the next document, keeping memory.
func (ev *geminiEvent) clear() {
	*ev = geminiEvent{list: ev.list[:0], reason: ev.reason[:0], block: ev.block[:0]}
}

// book takes one candidate of an event.
func (g *gemini) book(c *geminiCandidate, t *tally) Kind {
	reason := g.ev.reason[c.from:c.to]
	if g.choices.see(c.index, reason) {
		t.note(repeatedFinish)
	}
	t.ToolCalls += c.calls
	if t.stream {
		g.text.see(c.index, c.text, t)
	}
	switch {
	case c.content:
		return KindContent
	case c.reasoning:
		return KindReasoning
	case c.tool:
		return KindTool
	case len(reason) > 0:
		return KindFinish
	}
	return KindOther
}

// blockedPrefix stands before the reason of a blocked prompt that would mean
// something else as the finish reason of an answer.
const blockedPrefix = "blockReason:"

// blocked is the finish reason of a prompt that was blocked.
func blocked(reason []byte) []byte {
	switch string(reason) {
	case "SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK":
		return reason
	}
	return append([]byte(blockedPrefix), reason...)
}

// geminiUsage is usageMetadata: the prompt count has the cached tokens in it,
// the count of the candidates has no thoughts.
type geminiUsage struct {
	prompt, tools, answer, thoughts, cached call.Amount
}

func (u *geminiUsage) value(at slot, v *value) {
	if at == gmUsage && v.form == formOpen {
		*u = geminiUsage{}
	}
	n, ok := count(v)
	if !ok {
		return
	}
	switch at {
	case gmPrompt:
		u.prompt = call.Some(n)
	case gmToolPrompt:
		u.tools = call.Some(n)
	case gmAnswer:
		u.answer = call.Some(n)
	case gmThoughts:
		u.thoughts = call.Some(n)
	case gmCached:
		u.cached = call.Some(n)
	}
}

// told books the usage of a document that has one. Vertex AI sends objects
// without any count before the last.
func (u *geminiUsage) told(t *tally) bool {
	if *u == (geminiUsage{}) {
		return false
	}
	t.Usage = call.Usage{Input: sum(u.prompt, u.tools), Output: sum(u.answer, u.thoughts), Cached: u.cached, Reasoning: u.thoughts}
	return true
}

// sum adds counts of which one may be missing.
func sum(a, b call.Amount) call.Amount {
	n := a.N + b.N
	if n < 0 {
		n = math.MaxInt64
	}
	return call.Amount{N: n, Known: a.Known || b.Known}
}
