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

// token is the string or number being read. While it lies in one push and has
// no escapes it is a slice of that push; else its kept part is in buf.
type token struct {
	key     bool
	keep    bool // somebody wants the text
	tailed  bool // … and the end of it, if it is longer than textCap
	some    bool
	spilled bool
	from    int // where, in this push, bytes begin that are not in buf yet
	buf     []byte
	tail    []byte
	esc     escape
}

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
	t.key, t.keep, t.tailed, t.some, t.spilled = false, false, false, false, false
	t.buf, t.tail, t.esc = t.buf[:0], t.tail[:0], escape{}
}

// spill moves bytes into the token's own memory, up to its caps.
func (t *token) spill(b []byte) {
	t.spilled = true
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

func (t *token) spillRune(r rune) {
	var b [utf8.UTFMax]byte
	t.spill(b[:utf8.EncodeRune(b[:], r)])
}

// text returns the kept text of a token that ends before p[end].
func (t *token) text(p []byte, end int) []byte {
	if !t.keep {
		return nil
	}
	whole := p[t.from:end]
	if t.spilled || len(whole) > textCap {
		t.spill(whole)
		return t.buf
	}
	return whole
}

// beginKey starts a member name; it is read only if somebody may want it.
func (s *scanner) beginKey(from int) {
	s.phase = inString
	s.tok.begin(true, s.in[s.depth] != nil, from)
}

// str takes bytes of a string up to its end, an escape or the end of p.
func (s *scanner) str(p []byte, i int) int {
	t := &s.tok
	if t.esc.digits != 0 {
		return s.escaped(p, i)
	}
	j := i + plain(p[i:])
	if j > i {
		t.some = true
		s.lone()
	}
	if j == len(p) {
		return j
	}
	switch p[j] {
	case '"':
		s.lone()
		s.endString(p, j)
	case '\\':
		if t.keep {
			t.spill(p[t.from:j])
		}
		t.some, t.esc.digits, t.from = true, 1, j+1
	default:
		s.phase = broken
	}
	return j + 1
}

// lone replaces a high surrogate that no low one followed.
func (s *scanner) lone() {
	if s.tok.esc.high != 0 {
		s.tok.esc.high = 0
		if s.tok.keep {
			s.tok.spillRune(utf8.RuneError)
		}
	}
}

// escaped takes one byte of an escape sequence.
func (s *scanner) escaped(p []byte, i int) int {
	t, c := &s.tok, p[i]
	t.from = i + 1
	if t.esc.digits == 1 {
		s.letter(c)
		return i + 1
	}
	h := hex(c)
	if h < 0 {
		s.phase = broken
		return i
	}
	t.esc.code = t.esc.code<<4 | h
	if t.esc.digits++; t.esc.digits == 6 {
		s.unicode(t.esc.code)
		t.esc.digits, t.esc.code = 0, 0
	}
	return i + 1
}

// letter takes the byte after a backslash.
func (s *scanner) letter(c byte) {
	t := &s.tok
	if c == 'u' {
		t.esc.digits = 2
		return
	}
	t.esc.digits = 0
	s.lone()
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
		s.phase = broken
		return
	}
	if t.keep {
		t.spill([]byte{c})
	}
}

// unicode takes a \u escape, joining surrogate halves.
func (s *scanner) unicode(r rune) {
	t := &s.tok
	if high := t.esc.high; high != 0 {
		if pair := utf16.DecodeRune(high, r); pair != utf8.RuneError {
			t.esc.high = 0
			r = pair
		} else {
			s.lone()
		}
	}
	switch {
	case r >= 0xd800 && r < 0xdc00:
		t.esc.high = r
	case t.keep:
		t.spillRune(r) // a lone low surrogate becomes U+FFFD here
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

// endString completes a member name or a string value at its closing quote.
func (s *scanner) endString(p []byte, end int) {
	text := s.tok.text(p, end)
	if s.tok.key {
		if s.depth == 1 {
			s.members++
		}
		in := s.in[s.depth]
		if s.at = in.child(text); in != nil && in.keys != 0 {
			s.val = value{form: formKey, text: text}
			s.sink.value(in.keys, &s.val)
		}
		s.phase = wantColon
	} else {
		s.report(value{form: formString, some: s.tok.some, text: text, tail: s.tok.tail})
		s.after()
	}
	s.tok.done()
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
