// Package redact takes secrets out of what is recorded, exported or logged:
// text, URLs, headers and log attributes. It errs on the side of masking, and
// leaves alone what explains a failure.
//
//	error texts, bodies ─► Text      header names ─► Allowed
//	URLs, targets       ─► URL       slog         ─► Attr
//
// It knows secrets by their form (sk-…, AIza…, JWT …), by the name in front of
// them ("api key: …", ?sig=…, Bearer …) and by their place (userinfo). What it
// cannot know is a secret that looks like a word and stands alone.
package redact

import (
	"strings"
	"unicode/utf8"
)

// Mark stands where a secret was.
const Mark = "REDACTED"

// Text returns s without secrets, as valid UTF-8 without control characters,
// cut to max runes; a max of zero or less gives the empty string. A secret is
// looked for before the cut, so that none survives in part. The cost depends
// on max, not on the length of s, and a text that needs no change is returned
// as it is, without allocation.
func Text(s string, max int) string {
	x := scanner{src: s, left: max}
	for x.at < len(s) && x.left > 0 {
		x.step()
	}
	return x.done()
}

// scanner walks over src once. out holds what was changed so far; src[clean:at]
// is to be copied as it is.
type scanner struct {
	src   string
	at    int
	clean int
	out   []byte
	left  int  // runes that may still be emitted
	url   bool // tokens only; control bytes become %XX
}

// step emits one rune or one mask.
func (x *scanner) step() {
	c := x.src[x.at]
	if c >= ' ' && c < 0x7f {
		if from, to := x.find(c); to > from {
			x.copyTo(from)
			x.mask(to)
			return
		}
	}
	x.emit()
}

// find returns the secret that begins at or soon after the current byte c, or
// an empty range.
func (x *scanner) find(c byte) (from, to int) {
	if x.url {
		return x.at, tokenEnd(x.src, x.at)
	}
	switch c {
	case ':', '=', '%', '>', '"', '\'', '`':
		return labelled(x.src, x.at)
	}
	if !isAlnum(c) {
		return 0, 0
	}
	if to = tokenEnd(x.src, x.at); to > x.at {
		return x.at, to
	}
	if c == 'B' || c == 'b' {
		if from, to = schemed(x.src, x.at); to > from {
			return from, to
		}
	}
	return x.at, opaqueEnd(x.src, x.at)
}

// emit passes one rune on.
func (x *scanner) emit() {
	c := x.src[x.at]
	switch {
	case c >= utf8.RuneSelf:
		x.emitRune()
	case c < ' ' || c == 0x7f:
		x.replace(1)
	default:
		x.at++
		x.left--
	}
}

func (x *scanner) emitRune() {
	r, n := utf8.DecodeRuneInString(x.src[x.at:])
	switch {
	case r == utf8.RuneError && n < 2 && !x.url:
		x.put(string(utf8.RuneError), n)
		x.left--
	case r == utf8.RuneError && n < 2, r < 0xa0, r == '\u2028', r == '\u2029':
		x.replace(n)
	default:
		x.at += n
		x.left--
	}
}

// replace puts a harmless form in the place of a control character of n bytes.
func (x *scanner) replace(n int) {
	if !x.url {
		x.put(" ", n)
		x.left--
		return
	}
	const hex = "0123456789ABCDEF"
	for range n {
		c := x.src[x.at]
		x.put(string([]byte{'%', hex[c>>4], hex[c&15]}), 1)
	}
}

// copyTo passes on what stands between a label and its secret.
func (x *scanner) copyTo(i int) {
	for x.at < i && x.left > 0 {
		x.emit()
	}
}

// mask puts Mark in the place of everything up to byte i.
func (x *scanner) mask(i int) {
	n := min(len(Mark), x.left)
	if n > 0 {
		x.put(Mark[:n], i-x.at)
		x.left -= n
	}
}

// put emits text in the place of the next n bytes.
func (x *scanner) put(text string, n int) {
	x.out = append(x.out, x.src[x.clean:x.at]...)
	x.out = append(x.out, text...)
	x.at += n
	x.clean = x.at
}

func (x *scanner) done() string {
	if x.out == nil && x.at == len(x.src) {
		return x.src
	}
	if x.out == nil {
		// A short text must not keep a large body alive.
		return strings.Clone(x.src[:x.at])
	}
	return string(append(x.out, x.src[x.clean:x.at]...))
}
