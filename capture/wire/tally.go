package wire

import "llmtap/internal/call"

// tally is what a response has shown so far: the facts and their oddities.
// Dialects write to it.
type tally struct {
	Facts
	odd quirks
	// stream: the body is one, so that its events count and missing members
	// are odd; a plain JSON body is false.
	stream bool
	// broken: the document at hand is no whole JSON; it says nothing.
	broken bool
}

// note counts an oddity.
func (t *tally) note(q quirk) { t.odd.note(q) }

// count books an event.
func (t *tally) count(k Kind) Kind {
	if k == KindKeepalive {
		t.Keepalives++
		return k
	}
	t.Events++
	if k.Content() {
		t.ContentEvents++
	}
	return k
}

// fail books an error inside an answer; what tells nothing replaces nothing.
func (t *tally) fail(e call.Error) {
	t.Errored = true
	if e.Message != "" || e.Code != "" {
		e.Shape = call.ShapeOpenAI
		t.Error = e
	}
}
