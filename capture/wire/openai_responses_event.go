package wire

import (
	"bytes"

	"llmtap/internal/call"
)

// responsesType is an event's type as far as it matters here.
type responsesType uint8

const (
	responsesOther responsesType = iota
	responsesText
	responsesReasoning
	responsesTool      // pieces of a tool call that are no JSON
	responsesArguments // … that are
	responsesImage
	responsesItem // an output item begins
	responsesCompleted
	responsesIncomplete
	responsesFailed
)

// responsesTypeOf reads the name of an event.
func responsesTypeOf(name []byte) responsesType {
	kind, ok := bytes.CutPrefix(name, []byte("response."))
	if !ok {
		return responsesOther
	}
	switch string(kind) {
	case "output_text.delta":
		return responsesText
	case "completed":
		return responsesCompleted
	case "incomplete":
		return responsesIncomplete
	case "failed":
		return responsesFailed
	case "output_item.added":
		return responsesItem
	}
	return responsesPieceOf(kind)
}

// responsesPieceOf tells by the form of its name what an event holds: the list
// of them grows with every tool the service learns.
func responsesPieceOf(kind []byte) responsesType {
	if bytes.HasSuffix(kind, []byte("partial_image")) {
		return responsesImage
	}
	kind, ok := bytes.CutSuffix(kind, []byte(".delta"))
	switch {
	case !ok:
		return responsesOther
	case bytes.HasPrefix(kind, []byte("reasoning")):
		return responsesReasoning
	case bytes.HasSuffix(kind, []byte("_arguments")):
		return responsesArguments
	case bytes.HasSuffix(kind, []byte("_input")), bytes.HasSuffix(kind, []byte("_code")):
		return responsesTool
	}
	return responsesText
}

// responsesStatus is a response's own word on how it stands.
type responsesStatus uint8

const (
	responseOpen responsesStatus = iota // or not said
	responseCompleted
	responseIncomplete
	responseFailed
	responseCancelled
)

func responsesStatusOf(text []byte) responsesStatus {
	switch string(text) {
	case "completed":
		return responseCompleted
	case "incomplete":
		return responseIncomplete
	case "failed":
		return responseFailed
	case "cancelled":
		return responseCancelled
	}
	return responseOpen
}

// event names the document and books what it said.
func (r *responses) event(name []byte, t *tally) Kind {
	ev := &r.ev
	defer r.clear()
	if t.broken {
		r.next = 0
		return KindOther
	}
	if ev.is == responsesOther {
		ev.is = responsesTypeOf(name)
	}
	r.count(t)
	if ev.usage {
		t.Usage = r.usage
	}
	for i, is := range r.items.calls[:r.items.n] {
		if is {
			r.book.find(0, uint8(i), t)
		}
	}
	switch ev.is {
	case responsesCompleted, responsesIncomplete, responsesFailed:
		return r.end(t)
	case responsesOther:
		if !t.stream {
			r.ends(ev.status, t)
		}
		return KindOther
	}
	return r.piece(t)
}

// count follows the sequence numbers.
func (r *responses) count(t *tally) {
	n := r.ev.sequence
	if n == 0 {
		return
	}
	if r.next != 0 && n > r.next {
		t.note(sequenceGap)
	}
	r.next = n + 1
}

// piece books a part of the output.
func (r *responses) piece(t *tally) Kind {
	ev := &r.ev
	index := max(ev.index-1, 0)
	switch {
	case ev.is == responsesItem:
		if ev.calls {
			r.book.find(0, uint8(index), t)
		}
	case ev.is == responsesImage && ev.image:
		return KindContent
	case !ev.some:
	case ev.is == responsesReasoning:
		return KindReasoning
	case ev.is == responsesText:
		r.text.see(index, ev.text, t)
		return KindContent
	case ev.is == responsesArguments:
		r.delta.now.at = index
		r.delta.end(false)
		r.book.book(0, &r.delta, t)
		return KindTool
	case ev.is == responsesTool:
		return KindTool
	}
	return KindOther
}

// end books the terminal event. A failure may come without its cause, which an
// error event then names.
func (r *responses) end(t *tally) Kind {
	t.Done = true
	switch r.ev.is {
	case responsesIncomplete:
		r.ends(responseIncomplete, t)
	case responsesFailed:
		r.ends(responseFailed, t)
		t.Errored = true
		code, message := r.ev.texts.code, r.ev.texts.message
		if len(code)+len(message) > 0 {
			t.Error = call.Error{Shape: call.ShapeOpenAI, Code: keepString(code, maxShort), Message: keepString(message, textCap)}
		}
		return KindError
	default:
		r.ends(responseCompleted, t)
	}
	return KindDone
}

// ends books how the response ended, as a finish reason: the format itself has
// none.
func (r *responses) ends(s responsesStatus, t *tally) {
	var reason []byte
	switch {
	case s == responseOpen:
		return
	case s == responseCompleted && len(r.book.list) > 0:
		reason = []byte("tool_calls")
		if t.stream {
			r.book.check(0, t)
		}
	case s == responseCompleted:
		reason = []byte("stop")
	case s == responseFailed:
		reason = []byte("error")
	case s == responseCancelled:
		reason = []byte("cancelled")
	default:
		if reason = r.ev.texts.reason; len(reason) == 0 {
			reason = []byte("incomplete")
		}
	}
	if r.finish.see(0, reason) {
		t.note(repeatedFinish)
	}
	t.FinishReasons, t.Finish = r.finish.reasons, true
}
