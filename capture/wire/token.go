package wire

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// textCap bounds what is kept of one string, tailCap of its end.
const (
	textCap = 4096
	tailCap = 512
)

// token is the string, number or literal being read. While it lies in one push
// and has no escapes its text is a slice of that push; else the kept part is in
// buf.
type token struct {
	wanted
	some bool // a string that is not empty
	from int  // where, in this push, bytes begin that are not in buf yet
	buf  []byte
	tail []byte
	esc  escape
	pour func([]byte, bool) // takes what would go to buf
	char [utf8.UTFMax]byte
	num  numeral
	form form   // of a literal
	rest string // of a literal
}

// wanted is what becomes of a token's text.
type wanted struct {
	key     bool // it is a member name
	keep    bool // somebody wants it
	tailed  bool // … and the end of it, if it is longer than textCap
	spilled bool // a part is in buf
}

// progress is how far a token came.
type progress uint8

const (
	tokenMore progress = iota
	tokenEnd
	tokenBad
)

// escape is the state inside a backslash sequence.
type escape struct {
	digits int8 // 0 outside, 1 after the backslash, 2–5 awaiting hex digits
	code   rune
	high   rune // a high surrogate that awaits its low half
}

func (t *token) begin(key, keep bool, from int) {
	t.key, t.keep, t.from = key, keep, from
}

// done forgets the token, keeping its memory.
func (t *token) done() {
	t.wanted, t.some, t.num = wanted{}, false, numStart
	t.buf, t.tail, t.esc, t.pour = t.buf[:0], t.tail[:0], escape{}, nil
}

// spill moves bytes into the token's own memory, up to its caps.
func (t *token) spill(b []byte) {
	t.spilled = true
	if t.pour != nil {
		t.pour(b, false)
		return
	}
	room := min(textCap-len(t.buf), len(b))
	t.buf = append(t.buf, b[:room]...)
	if b = b[room:]; len(b) == 0 || !t.tailed {
		return
	}
	if len(b) >= tailCap {
		t.tail = append(t.tail[:0], b[len(b)-tailCap:]...)
		return
	}
	if over := len(t.tail) + len(b) - tailCap; over > 0 {
		t.tail = t.tail[:copy(t.tail, t.tail[over:])]
	}
	t.tail = append(t.tail, b...)
}

// spillRune moves one character.
func spillRune(t *token, r rune) {
	t.spill(t.char[:utf8.EncodeRune(t.char[:], r)])
}

// text returns the kept text of a token that ends before p[end].
func (t *token) text(p []byte, end int) []byte {
	if !t.keep {
		return nil
	}
	whole := p[t.from:end]
	if t.spilled || t.pour != nil || len(whole) > textCap {
		t.spill(whole)
		return t.buf
	}
	return whole
}

// str takes bytes of a string up to its end, an escape or the end of p.
func (t *token) str(p []byte, i int) (int, progress) {
	if t.esc.digits != 0 {
		return t.escaped(p[i], i)
	}
	j := i + plain(p[i:])
	if j > i {
		t.some = true
		t.lone()
	}
	if j == len(p) {
		return j, tokenMore
	}
	switch p[j] {
	case '"':
		t.lone()
		return j + 1, tokenEnd
	case '\\':
		if t.keep {
			t.spill(p[t.from:j])
		}
		t.some, t.esc.digits, t.from = true, 1, j+1
		return j + 1, tokenMore
	}
	return j, tokenBad
}

// lone replaces a high surrogate that no low one followed.
func (t *token) lone() {
	if t.esc.high != 0 {
		t.esc.high = 0
		if t.keep {
			spillRune(t, utf8.RuneError)
		}
	}
}

// escaped takes one byte of an escape sequence.
func (t *token) escaped(c byte, i int) (int, progress) {
	t.from = i + 1
	if t.esc.digits == 1 {
		return i + 1, t.letter(c)
	}
	h := hex(c)
	if h < 0 {
		return i, tokenBad
	}
	t.esc.code = t.esc.code<<4 | h
	if t.esc.digits++; t.esc.digits == 6 {
		t.unicode(t.esc.code)
		t.esc.digits, t.esc.code = 0, 0
	}
	return i + 1, tokenMore
}

// letter takes the byte after a backslash.
func (t *token) letter(c byte) progress {
	if c == 'u' {
		t.esc.digits = 2
		return tokenMore
	}
	t.esc.digits = 0
	t.lone()
	switch c {
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case '"', '\\', '/':
	default:
		return tokenBad
	}
	if t.keep {
		t.char[0] = c
		t.spill(t.char[:1])
	}
	return tokenMore
}

// unicode takes a \u escape, joining surrogate halves.
func (t *token) unicode(r rune) {
	if high := t.esc.high; high != 0 {
		if pair := utf16.DecodeRune(high, r); pair != utf8.RuneError {
			t.esc.high = 0
			r = pair
		} else {
			t.lone()
		}
	}
	switch {
	case r >= 0xd800 && r < 0xdc00:
		t.esc.high = r
	case t.keep:
		spillRune(t, r) // a lone low surrogate becomes U+FFFD here
	}
}

func hex(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// plain counts the leading bytes of p that stand for themselves in a JSON
// string: no quote, backslash or control character. It looks at eight at once.
func plain(p []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(p); i += 8 {
		w := binary.LittleEndian.Uint64(p[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		special := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
		if special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for ; i < len(p); i++ {
		if c := p[i]; c < 0x20 || c == '"' || c == '\\' {
			break
		}
	}
	return i
}
