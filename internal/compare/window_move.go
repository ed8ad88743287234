package compare

import (
	"fmt"
	"slices"

	"llmtap/internal/call"
)

// surfaces are those of products that ask for an answer in one mode each: who
// finds one in the other mode sees that its setting was changed. Of a program's
// own calls nobody knows that.
var surfaces = []string{"chat", "generate", "magic", "fix", "ask", "inline"}

func surfaceOf(r *call.Record) uint8 {
	return uint8(slices.Index(surfaces, r.Client.Surface) + 1)
}

// maxMoves bounds the ways that are told apart at one target; the failures of
// others are not taken for avoided.
const maxMoves = 16

// move is a way to make calls, and since when the control works on it.
type move struct {
	client  *caller
	user    uint64
	surface uint8
	since   int64
}

// moves lists the ways on which the control works.
type moves []move

// add takes a success of the control.
func (l *moves) add(e *entry) {
	if e.surface == 0 || !e.is(worked) || len(*l) == maxMoves || slices.ContainsFunc(*l, func(w move) bool { return w.made(e) }) {
		return // calls come in their order: the first is there already
	}
	*l = append(*l, move{e.client, e.who.user, e.surface, e.from})
}

func (w move) made(e *entry) bool {
	return w.client == e.client && w.user == e.who.user && w.surface == e.surface
}

// after returns since when the way of the failure e works in the other mode, if
// it never did before; else 0. Where both come in turns, several people share
// one way, and what one of them changed mends nothing for the others.
func (l moves) after(e *entry) int64 {
	for _, w := range l {
		if w.made(e) && w.since >= e.to {
			return w.since
		}
	}
	return 0
}

// avoidedText says that what failed is not tried any more.
func avoidedText(v *verdict, ev *evidence) string {
	who, failing, asked := "What failed", "Streamed", "one plain answer"
	if v.q.kind == plainOnly {
		failing, asked = "Plain", "streams"
	}
	for _, w := range ev.moved {
		if w.since == ev.avoided {
			who = w.client.name() + " (" + surfaces[w.surface-1] + ")"
		}
	}
	return fmt.Sprintf("%s works again: it now asks for %s. %s requests failed here %s and were not tried since.", who, asked, failing, v.tally())
}
