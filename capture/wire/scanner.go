package wire

// maxDepth bounds the nesting of a JSON document; deeper ones count as invalid.
const maxDepth = 128

// sink receives the values that the scanner's paths select, in document order.
// The value and its texts are valid during the call only.
type sink interface {
	value(at slot, v *value)
}

// form is what a value is.
type form uint8

const (
	formNull form = iota
	formFalse
	formTrue
	formNumber
	formString
	formOpen  // an object or array begins
	formClose // an object or array ended
	formKey   // a member name of an object that reports its keys
)

// value is one selected JSON value. Text is the unescaped string (its first
// textCap bytes) or the literal text of a number; tail are the last bytes of a
// string longer than that, for paths that ask for it.
type value struct {
	form  form
	array bool // of formOpen and formClose
	some  bool // string, object or array that is not empty
	text  []byte
	tail  []byte
}

// truthy is the value's truth as Python and JavaScript see most of it: null,
// false, "", 0, {} and [] are not.
func (v *value) truthy() bool {
	switch v.form {
	case formTrue:
		return true
	case formString, formClose:
		return v.some
	case formNumber:
		for _, c := range v.text {
			if c >= '1' && c <= '9' {
				return true
			}
			if c == 'e' || c == 'E' {
				break
			}
		}
	}
	return false
}

// phase is what the scanner expects next.
type phase uint8

const (
	wantValue phase = iota
	wantFirstValue
	wantFirstKey
	wantKey
	wantColon
	wantComma
	inString
	inNumber
	inLiteral
	ended
	broken
)

// scanner reads one JSON document pushed in pieces of any size and reports the
// values at the paths of a tree. It validates the whole grammar, yet skips what
// no path selects without looking inside. It allocates only when a selected
// text is cut by the end of a push or holds escapes, and reuses that memory.
type scanner struct {
	root  *node
	sink  sink
	phase phase
	depth int
	// members counts those of the outermost object.
	members int
	// in[d] is the path node of the open container at depth d, nil if no path
	// leads into it; at is the node of the value that comes next.
	in    [maxDepth + 1]*node
	array [maxDepth + 1]bool
	at    *node
	tok   token
	val   value
	// pour takes the strings of paths that keep all: unescaped, in pieces that
	// are valid during the call only. The first call of each has begin set and
	// no bytes.
	pour func(p []byte, begin bool)
}

// reset prepares for a new document.
func (s *scanner) reset() {
	s.phase, s.depth, s.members, s.at = wantValue, 0, 0, s.root
	s.tok.done()
}

// push takes the next bytes and returns how many it used: all, unless the
// document ended, when it stops at the first byte after it that is no blank, or
// broke, when it stops there.
func (s *scanner) push(p []byte) int {
	i := 0
	s.tok.from = 0
	for i < len(p) && s.phase != broken {
		switch s.phase {
		case inString, inNumber, inLiteral:
			i = s.token(p, i)
		case ended:
			if !blank(p[i]) {
				return i
			}
			i++
		default:
			i = s.structure(p[i], i)
		}
	}
	if s.tok.keep && (s.phase == inString || s.phase == inNumber) {
		s.tok.spill(p[s.tok.from:])
	}
	return i
}

// token takes bytes of a string, number or literal.
func (s *scanner) token(p []byte, i int) int {
	var got progress
	switch s.phase {
	case inString:
		i, got = s.tok.str(p, i)
	case inNumber:
		i, got = s.tok.number(p, i)
	default:
		i, got = s.tok.word(p, i)
	}
	switch got {
	case tokenBad:
		s.phase = broken
	case tokenEnd:
		s.complete(p, i)
	}
	return i
}

// complete reports the token that ended before p[i], the closing quote of a
// string included.
func (s *scanner) complete(p []byte, i int) {
	switch {
	case s.phase == inNumber:
		s.report(value{form: formNumber, text: s.tok.text(p, i)})
		s.phase = behind(s.depth)
	case s.phase == inLiteral:
		s.report(value{form: s.tok.form})
		s.phase = behind(s.depth)
	case s.tok.key:
		s.member(s.tok.text(p, i-1))
	default:
		s.report(value{form: formString, some: s.tok.some, text: s.tok.text(p, i-1), tail: s.tok.tail})
		s.phase = behind(s.depth)
	}
	s.tok.done()
}

// member takes the name of one.
func (s *scanner) member(name []byte) {
	if s.depth == 1 {
		s.members++
	}
	in := s.in[s.depth]
	if s.at = in.child(name); in != nil && in.keys != 0 {
		s.val = value{form: formKey, text: name}
		s.sink.value(in.keys, &s.val)
	}
	s.phase = wantColon
}

// finish ends the document and reports whether it was valid and whole.
func (s *scanner) finish() bool {
	if s.phase == inNumber && s.depth == 0 && s.tok.num.complete() {
		s.tok.from = 0
		s.complete(nil, 0)
	}
	return s.phase == ended
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// structure takes one byte between tokens.
func (s *scanner) structure(c byte, i int) int {
	if blank(c) {
		return i + 1
	}
	switch s.phase {
	case wantValue:
		return s.begin(c, i)
	case wantFirstValue:
		if c == ']' {
			s.close(false)
			return i + 1
		}
		return s.begin(c, i)
	case wantFirstKey, wantKey:
		switch {
		case c == '"':
			s.phase = inString
			s.tok.begin(true, s.in[s.depth] != nil, i+1)
		case c == '}' && s.phase == wantFirstKey:
			s.close(false)
		default:
			s.phase = broken
		}
	case wantColon:
		s.phase = broken
		if c == ':' {
			s.phase = wantValue
		}
	default:
		s.next(c)
	}
	return i + 1
}

// next takes the byte after a value inside a container.
func (s *scanner) next(c byte) {
	switch {
	case c == ',' && s.array[s.depth]:
		s.phase = wantValue
		s.at = s.in[s.depth].element()
	case c == ',':
		s.phase = wantKey
	case c == ']' && s.array[s.depth], c == '}' && !s.array[s.depth]:
		s.close(true)
	default:
		s.phase = broken
	}
}

// begin starts a value at its first byte.
func (s *scanner) begin(c byte, i int) int {
	switch {
	case c == '"':
		s.phase = inString
		s.tok.begin(false, s.at.wants(), i+1)
		s.tok.tailed = s.at != nil && s.at.keep == keepEnds
		if s.at != nil && s.at.keep == keepPour {
			s.tok.pour = s.pour
			s.pour(nil, true)
		}
	case c == '{' || c == '[':
		s.open(c == '[')
	case c == '-' || c >= '0' && c <= '9':
		s.phase = inNumber
		s.tok.begin(false, s.at.wants(), i)
		return i
	case c == 't' || c == 'f' || c == 'n':
		s.phase = inLiteral
		s.tok.literal(c)
	default:
		s.phase = broken
	}
	return i + 1
}

func (s *scanner) open(array bool) {
	if s.depth == maxDepth {
		s.phase = broken
		return
	}
	s.report(value{form: formOpen, array: array})
	s.depth++
	s.in[s.depth], s.array[s.depth] = s.at, array
	if array {
		s.phase, s.at = wantFirstValue, s.at.element()
	} else {
		s.phase = wantFirstKey
	}
}

func (s *scanner) close(some bool) {
	s.at = s.in[s.depth]
	s.report(value{form: formClose, array: s.array[s.depth], some: some})
	s.depth--
	s.phase = behind(s.depth)
}

// behind is what follows a value at some depth.
func behind(depth int) phase {
	if depth == 0 {
		return ended
	}
	return wantComma
}

// report hands a value to the sink if a path selects it.
func (s *scanner) report(v value) {
	if s.at == nil {
		return
	}
	if s.at.slot != 0 {
		s.val = v
		s.sink.value(s.at.slot, &s.val)
	}
	if s.at.own != 0 {
		s.val = v
		s.sink.value(s.at.own, &s.val)
	}
}
