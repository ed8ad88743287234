package wire

import "bytes"

// textPiece is what is known of the text of one choice in one event.
type textPiece struct {
	n      int    // its length in bytes, 0 if it cannot be compared
	prefix uint64 // hash of as much as the piece before was long
	whole  uint64
	tells  bool // it can tell by itself that it stands twice
	twice  bool
	parts  int
}

// take looks at a text; a piece in several parts, or one that is not here as a
// whole, cannot be compared.
func (p *textPiece) take(v *value, lastLen int) {
	if v.form != formString || !v.some {
		return
	}
	*p = textPiece{parts: p.parts + 1}
	if p.parts > 1 || len(v.text) >= textCap {
		return
	}
	half := len(v.text) / 2
	p.n = len(v.text)
	p.prefix, p.whole = hashes(v.text, lastLen)
	p.tells = !oneCharacter(v.text)
	p.twice = p.tells && p.n%2 == 0 && bytes.Equal(v.text[:half], v.text[half:])
}

// repeats finds out whether the pieces of a streamed answer repeat text: each
// one all that came before, or itself. It keeps a hash of the piece before,
// never text, and looks at one choice only.
type repeats struct {
	choice      int // plus one
	last        uint64
	lastLen     int
	compared    int64
	grown       int64
	informative int64
	doubled     int64
}

// Fewer pieces than these prove nothing; most means more than half of them.
const (
	minGrown   = 3
	minDoubled = 3
)

// see compares the piece of a choice with the one before.
func (r *repeats) see(choice int, p textPiece, t *tally) {
	if p.n == 0 || r.choice != 0 && r.choice != choice+1 {
		return
	}
	r.choice = choice + 1
	if r.lastLen > 0 {
		r.compared++
		if p.n > r.lastLen && p.prefix == r.last {
			r.grown++
		}
	}
	r.last, r.lastLen = p.whole, p.n
	if p.tells {
		r.informative++
	}
	if p.twice {
		r.doubled++
	}
	t.odd.n[textCumulative] = most(r.grown, r.compared, minGrown)
	t.odd.n[textDoubled] = most(r.doubled, r.informative, minDoubled)
}

// most returns n if it is more than half of all, and not too few.
func most(n, all, least int64) int64 {
	if n < least || 2*n <= all {
		return 0
	}
	return n
}

// hashes returns the hash of the first n bytes of b and of all.
func hashes(b []byte, n int) (prefix, whole uint64) {
	h := hashStart
	for i, c := range b {
		if i == n {
			prefix = h
		}
		h = hashStep(h, c)
	}
	return prefix, h
}

// oneCharacter reports whether b is a run of one byte, as rules of dashes are.
func oneCharacter(b []byte) bool {
	for _, c := range b[1:] {
		if c != b[0] {
			return false
		}
	}
	return len(b) > 1
}
