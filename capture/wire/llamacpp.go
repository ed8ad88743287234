package wire

import (
	"slices"

	"llmtap/internal/call"
)

// Slots of llama.cpp's own completions, behind those of OpenAI's.
const (
	lcText slot = oaErrorMessage + 1 + iota
	lcIndex
	lcStop
	lcStopType
	lcStoppedEOS
	lcStoppedLimit
	lcStoppedWord
	lcInput
	lcOutput
	lcCached
)

// llamacppPaths select what is needed of llama.cpp's /completion: of its own
// events, and of OpenAI's, since both dialects share the path.
var llamacppPaths = slices.Concat(completionPaths, []path{
	{path: "content", slot: lcText},
	{path: "index", slot: lcIndex},
	{path: "stop", slot: lcStop, keep: keepNone},
	{path: "stop_type", slot: lcStopType},
	{path: "stopped_eos", slot: lcStoppedEOS, keep: keepNone},
	{path: "stopped_limit", slot: lcStoppedLimit, keep: keepNone},
	{path: "stopped_word", slot: lcStoppedWord, keep: keepNone},
	{path: "tokens_evaluated", slot: lcInput},
	{path: "tokens_predicted", slot: lcOutput},
	{path: "timings.cache_n", slot: lcCached},
})

// llamacppParams are the parameters that only its requests have.
var llamacppParams = []param{
	{path: "n_predict", name: "n_predict"},
	{path: "cache_prompt", name: "cache_prompt"},
	{path: "repeat_penalty", name: "repetition_penalty"},
	{path: "min_p", name: "min_p"},
	{path: "id_slot", name: "id_slot"},
}

func openLlamacpp() dialect { return &llamacpp{} }

// llamacpp reads answers of llama.cpp's /completion, which has no [DONE]: the
// last event says "stop":true and why. What is shaped as OpenAI's is read so.
type llamacpp struct {
	openai
	own llamacppEvent
}

// llamacppEvent is what the document at hand held of llama.cpp's own.
type llamacppEvent struct {
	text   textPiece
	spoken bool
	stop   bool
	native bool // it has the member stop, which OpenAI's events have not
	index  int
	finish []byte
	input  call.Amount
	output call.Amount
	cached call.Amount
}

func (l *llamacpp) value(at slot, v *value, t *tally) {
	if at < lcText {
		l.openai.value(at, v, t)
		return
	}
	ev := &l.own
	n, counted := count(v)
	switch at {
	case lcText:
		ev.spoken = v.form == formString && v.some
		ev.text = textPiece{}
		ev.text.take(v, l.openai.text.lastLen)
	case lcStop:
		ev.native = v.form == formTrue || v.form == formFalse
		ev.stop = v.form == formTrue
	default:
		ev.stopped(at, v)
		if counted {
			ev.counts(at, n)
		}
	}
}

// stopped takes why an answer ended. Older releases have a flag for each cause.
func (ev *llamacppEvent) stopped(at slot, v *value) {
	cause := ""
	switch at {
	case lcStopType:
		if v.form == formString && string(v.text) != "none" {
			ev.finish = append(ev.finish[:0], v.text[:min(len(v.text), maxShort)]...)
		}
	case lcStoppedEOS:
		cause = "eos"
	case lcStoppedLimit:
		cause = "limit"
	case lcStoppedWord:
		cause = "word"
	}
	if cause != "" && v.form == formTrue {
		ev.finish = append(ev.finish[:0], cause...)
	}
}

func (ev *llamacppEvent) counts(at slot, n int64) {
	switch at {
	case lcIndex:
		ev.index = int(n)
	case lcInput:
		ev.input = call.Some(n)
	case lcOutput:
		ev.output = call.Some(n)
	case lcCached:
		ev.cached = call.Some(n)
	}
}

// event books what the document said and names it.
func (l *llamacpp) event(name []byte, t *tally) Kind {
	kind := l.openai.event(name, t)
	if ev := &l.own; ev.native && !t.broken {
		kind = l.book(t)
	}
	l.own = llamacppEvent{finish: l.own.finish[:0]}
	return kind
}

func (l *llamacpp) book(t *tally) Kind {
	ev := &l.own
	if t.stream {
		l.openai.text.see(ev.index, ev.text, t)
	}
	if !ev.stop {
		ev.finish = ev.finish[:0]
	}
	if l.choices.see(ev.index, ev.finish) {
		t.note(repeatedFinish)
	}
	if l.choices.done > 0 {
		t.FinishReasons = l.choices.reasons
	}
	t.Finish = l.choices.complete()
	t.Done = t.Done || ev.stop && t.stream && (t.Finish || l.choices.done == 0) // one stop for each prompt
	if ev.input.Known || ev.output.Known {
		t.Usage = call.Usage{Input: ev.input, Output: ev.output, Cached: ev.cached}
	}
	switch {
	case ev.spoken:
		return KindContent
	case ev.stop:
		return KindDone
	}
	return KindOther
}
