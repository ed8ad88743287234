package wire

// Bounds of what is remembered of tool calls in one answer: arguments of the
// first maxChecked calls are read as JSON, and maxArguments bytes of one event.
const (
	maxChecked   = 16
	maxArguments = 16 << 10
)

// functionAt stands for the index of function_call, which has none.
const functionAt = 0xff

// toolPiece is one element of tool_calls.
type toolPiece struct {
	at  int    // its index, -1 for none
	id  uint64 // hash of its id, 0 for none
	end int    // where its arguments end in toolPieces.text
	// unread: its arguments were too long to be kept, or are no string.
	unread bool
}

// toolPieces are those of the choice at hand; members come in any order, so
// they are judged when the choice ends.
type toolPieces struct {
	now  toolPiece
	list []toolPiece
	text []byte
}

// again empties the pieces, keeping their memory.
func (p toolPieces) again() toolPieces { return toolPieces{list: p.list[:0], text: p.text[:0]} }

func (p *toolPieces) begin() { p.now = toolPiece{at: -1} }

// end ends a piece and reports whether it lacks the index that joins pieces.
// In a message calls are told apart by their place.
func (p *toolPieces) end(message bool) (lacks bool) {
	if p.now.at < 0 {
		p.now.at, lacks = 0, !message
		if message {
			p.now.at = len(p.list)
		}
	}
	p.add()
	return lacks
}

func (p *toolPieces) add() {
	p.now.end = len(p.text)
	if len(p.list) < maxChoices {
		p.list = append(p.list, p.now)
	}
}

func (p *toolPieces) arguments(v *value) {
	switch {
	case v.form == formNull:
	case v.form != formString, len(v.text) == 0 && v.some, len(v.text) >= textCap, len(p.text)+len(v.text) > maxArguments:
		p.now.unread = true
	default:
		p.text = append(p.text, v.text...)
	}
}

// function takes the arguments of a function_call.
func (p *toolPieces) function(v *value) {
	p.now = toolPiece{at: functionAt}
	p.arguments(v)
	p.add()
}

// toolBook remembers the tool calls of a response.
type toolBook struct{ list []toolSeen }

// toolSeen is one tool call of one choice.
type toolSeen struct {
	choice, at uint8
	id         uint64
	arguments  *scanner // nil if nothing is to be read
	some       bool
	done       bool
}

// book takes the pieces of a choice that one event held: it counts new calls
// and notes those that cannot be joined.
func (b *toolBook) book(choice int, pieces *toolPieces, t *tally) {
	from := 0
	for _, p := range pieces.list {
		seen := b.find(uint8(choice), uint8(p.at), t)
		text := pieces.text[from:p.end]
		from = p.end
		if seen == nil || !t.stream {
			continue
		}
		if p.id != 0 && seen.id != 0 && p.id != seen.id && t.odd.n[toolNoIndex] == 0 {
			t.note(toolTwoIDs)
			seen.arguments = nil // of two calls
		}
		if p.id != 0 {
			seen.id = p.id
		}
		seen.read(text, p.unread)
	}
}

// find returns a tool call, a new one if need be, nil if there are too many.
func (b *toolBook) find(choice, at uint8, t *tally) *toolSeen {
	for i := range b.list {
		if b.list[i].choice == choice && b.list[i].at == at {
			return &b.list[i]
		}
	}
	if len(b.list) == maxChoices {
		return nil
	}
	s := toolSeen{choice: choice, at: at}
	if t.stream && len(b.list) < maxChecked {
		s.arguments = &scanner{}
		s.arguments.reset()
	}
	b.list = append(b.list, s)
	if at != functionAt {
		t.ToolCalls++
	}
	return &b.list[len(b.list)-1]
}

func (s *toolSeen) read(text []byte, unread bool) {
	if unread {
		s.arguments = nil
	}
	if s.arguments == nil || len(text) == 0 {
		return
	}
	s.some = true
	if s.arguments.push(text) < len(text) {
		s.arguments.phase = broken
	}
}

// check notes the calls of a choice whose joined arguments are no JSON: for
// when the service says that they are complete.
func (b *toolBook) check(choice uint8, t *tally) {
	for i := range b.list {
		s := &b.list[i]
		if s.choice != choice || s.done || s.arguments == nil || !s.some {
			continue
		}
		s.done = true
		if !s.arguments.finish() && t.odd.n[toolNoIndex] == 0 {
			t.note(toolBadArguments)
		}
	}
}

// finishesTools reports whether a finish reason says that tool calls are whole.
func finishesTools(reason []byte) bool {
	switch string(reason) {
	case "tool_calls", "function_call", "tool_use":
		return true
	}
	return false
}

// hashOf is FNV-1a, never 0: ids are compared, not kept.
func hashOf(b []byte) uint64 {
	h := hashStart
	for _, c := range b {
		h = hashStep(h, c)
	}
	return h | 1
}

const hashStart uint64 = 14695981039346656037

func hashStep(h uint64, c byte) uint64 { return (h ^ uint64(c)) * 1099511628211 }
