package wire

import "llmtap/internal/call"

// Slots of Text Generation Inference.
const (
	tgText slot = firstOwn + iota
	tgSpecial
	tgWhole
	tgFinish
	tgInput
	tgOutput
)

// tgiPaths select what is needed of an event of /generate_stream and of a plain
// answer, which some routes send as the only element of an array.
var tgiPaths = []path{
	{path: "token.text", slot: tgText},
	{path: "token.special", slot: tgSpecial, keep: keepNone},
	{path: "generated_text", slot: tgWhole, keep: keepNone},
	{path: "details.finish_reason", slot: tgFinish},
	{path: "details.input_length", slot: tgInput},
	{path: "details.generated_tokens", slot: tgOutput},
}

// tgiParams are the parameters of its requests, under the names that other
// dialects give them where they have any.
var tgiParams = []param{
	{path: "parameters.max_new_tokens", name: "max_tokens"},
	{path: "parameters.temperature", name: "temperature"},
	{path: "parameters.top_p", name: "top_p"},
	{path: "parameters.top_k", name: "top_k"},
	{path: "parameters.seed", name: "seed"},
	{path: "parameters.best_of", name: "best_of"},
	{path: "parameters.frequency_penalty", name: "frequency_penalty"},
	{path: "parameters.repetition_penalty", name: "repetition_penalty"},
	{path: "parameters.do_sample", name: "do_sample"},
	{path: "parameters.return_full_text", name: "return_full_text"},
	{path: "parameters.truncate", name: "truncate"},
	{path: "parameters.adapter_id", name: "adapter_id"},
	{path: "parameters.grammar.type", name: "response_format.type"},
}

// tgiAsks are where its requests hold what others have in messages.
var tgiAsks = []path{
	{path: "inputs", slot: reqInput, keep: keepEnds},
	{path: "parameters.stop", slot: reqStop},
	{path: "parameters.stop[]", slot: reqStopItem},
	{path: "parameters.details", slot: reqIncludeUsage},
	{path: "parameters.grammar.type", slot: reqFormat},
}

func openTGI() dialect { return &tgi{} }

// tgi reads the native dialect of Text Generation Inference: one token an
// event, the whole text in the last.
type tgi struct {
	ev      tgiEvent
	choices choiceSet
	text    repeats
}

// tgiEvent is what the document at hand held.
type tgiEvent struct {
	text    textPiece
	spoken  bool
	special bool // the token is none of the answer's
	token   bool
	whole   bool // the text that ends the answer
	some    bool // … is not empty
	finish  []byte
	input   call.Amount
	output  call.Amount
}

func (g *tgi) value(at slot, v *value, _ *tally) {
	ev := &g.ev
	switch at {
	case tgText:
		ev.token = true
		ev.spoken = v.form == formString && v.some
		ev.text = textPiece{}
		ev.text.take(v, g.text.lastLen)
	case tgSpecial:
		ev.special = v.form == formTrue
	case tgWhole:
		ev.whole = v.form == formString
		ev.some = ev.whole && v.some
	case tgFinish:
		ev.finish = reasonOf(ev.finish[:0], v)
	case tgInput, tgOutput:
		if n, ok := count(v); ok && at == tgInput {
			ev.input = call.Some(n)
		} else if ok {
			ev.output = call.Some(n)
		}
	}
}

// event books what the document said and names it.
func (g *tgi) event(_ []byte, t *tally) Kind {
	ev := &g.ev
	defer ev.clear()
	if t.broken {
		return KindOther
	}
	spoken := ev.spoken && !ev.special
	if spoken && t.stream {
		g.text.see(0, ev.text, t)
	}
	if ev.token || ev.whole || len(ev.finish) > 0 {
		g.ends(t)
	}
	usage := ev.input.Known || ev.output.Known
	if usage {
		t.Usage.Input, t.Usage.Output = ev.input, ev.output
	}
	switch {
	case spoken, ev.some && !t.stream:
		return KindContent
	case ev.whole:
		return KindDone
	case len(ev.finish) > 0:
		return KindFinish
	case usage:
		return KindUsage
	}
	return KindOther
}

// ends books what may be the last event of an answer.
func (g *tgi) ends(t *tally) {
	ev := &g.ev
	if g.choices.see(0, ev.finish) {
		t.note(repeatedFinish)
	}
	if g.choices.done > 0 {
		t.FinishReasons = g.choices.reasons
	}
	t.Finish = g.choices.complete()
	t.Done = t.Done || ev.whole && t.stream
}

// clear prepares for the next document, keeping memory.
func (ev *tgiEvent) clear() { *ev = tgiEvent{finish: ev.finish[:0]} }
