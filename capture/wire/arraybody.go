package wire

// arrayBody reads a JSON array whose elements are events (Gemini without
// alt=sse).
type arrayBody struct {
	dec   *decoder
	state arrayState
}

type arrayState uint8

const (
	arrayStart arrayState = iota
	arrayFirst            // after [
	arrayNext             // after a comma
	arrayInside
	arrayAfter
	arrayClosed
	arrayBroken
)

func newArray(d *decoder) *arrayBody {
	d.stream = true
	return &arrayBody{dec: d}
}

func (b *arrayBody) push(p []byte, emit func(Kind)) {
	for len(p) > 0 && b.state != arrayBroken {
		if b.state == arrayInside {
			p = b.element(p, emit)
			continue
		}
		c := p[0]
		if !blank(c) && b.between(c) {
			continue // c begins an element
		}
		p = p[1:]
	}
}

// between takes a byte outside elements and reports whether it begins one.
func (b *arrayBody) between(c byte) bool {
	switch {
	case b.state == arrayStart && c == '[':
		b.state = arrayFirst
	case c == ']' && (b.state == arrayFirst || b.state == arrayAfter):
		b.state = arrayClosed
		b.dec.Done = true
	case c == ',' && b.state == arrayAfter:
		b.state = arrayNext
	case b.state == arrayFirst || b.state == arrayNext:
		b.state = arrayInside
		b.dec.begin()
		return true
	default:
		b.broke()
	}
	return false
}

func (b *arrayBody) broke() {
	b.state = arrayBroken
	b.dec.note(badJSON)
}

func (b *arrayBody) element(p []byte, emit func(Kind)) []byte {
	n := b.dec.feed(p)
	switch b.dec.scan.phase {
	case broken:
		b.broke()
	case ended:
		kind, _ := b.dec.end(nil)
		b.dec.count(kind)
		if emit != nil {
			emit(kind)
		}
		b.state = arrayAfter
	}
	return p[n:]
}

func (b *arrayBody) end(bool) bool { return b.state == arrayClosed }
