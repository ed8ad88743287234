package wire

import (
	"bytes"
	"encoding/binary"
)

// field is which SSE field a line belongs to.
type field uint8

const (
	fieldNone field = iota
	fieldComment
	fieldData
	fieldEvent
	fieldID
	fieldRetry
	fieldError // not in the standard; old llama.cpp reports errors that way
	fieldUnknown
	fieldObject // a JSON object that no field name announced
)

// lines receives what the framer makes of an SSE body.
type lines interface {
	// part is some bytes of a field's value; a value may come in several.
	part(f field, p []byte)
	// line ends a field; spaced tells that a blank followed its colon.
	line(f field, spaced bool)
	// block is a blank line.
	block()
}

// framer cuts an SSE body into fields as it arrives. It holds back no value:
// only a field's name, at most nameCap bytes, is put together.
type framer struct {
	out    lines
	odd    *quirks
	name   [nameCap]byte
	n      int // bytes of name; nameCap+1 = longer than any field's
	field  field
	fresh  bool // the value has not begun: a blank may follow the colon
	spaced bool
	cr     bool // the last byte was a CR
	seps   separators
	// bare, if not nil, takes JSON objects that begin a line, for dialects
	// that have them. It returns how many bytes it used and whether the object
	// goes on; none used at the beginning: it is an ordinary line.
	bare func(p []byte, begin bool) (n int, more bool)
}

// nameCap is longer than any field name.
const nameCap = 8

// push takes the next bytes.
func (f *framer) push(p []byte) {
	for len(p) > 0 {
		if f.cr {
			f.cr = false
			if p[0] == '\n' {
				f.odd.note(crlf)
				p = p[1:]
				continue
			}
			f.odd.note(loneCR)
		}
		switch {
		case f.field == fieldObject:
			p = f.object(p, false)
		case f.field != fieldNone:
			p = f.rest(p)
		case f.bare != nil && f.n == 0 && p[0] == '{':
			p = f.object(p, true)
		default:
			p = f.head(p)
		}
	}
}

// object takes bytes of an object. What stands behind it on its line is read as
// a line of its own.
func (f *framer) object(p []byte, begin bool) []byte {
	n, more := f.bare(p, begin)
	f.field = fieldNone
	switch {
	case begin && n == 0:
		return f.head(p)
	case more:
		f.field = fieldObject
	}
	return p[n:]
}

// idle reports whether the framer stands at the beginning of a line.
func (f *framer) idle() bool { return f.field == fieldNone && f.n == 0 }

// head takes bytes up to the colon or the end of a line.
func (f *framer) head(p []byte) []byte {
	if f.n == 0 && len(p) > 5 && string(p[:5]) == "data:" {
		f.field, f.fresh, f.spaced = fieldData, true, false
		return p[5:]
	}
	for i, c := range p {
		switch c {
		case ':':
			f.field, f.fresh, f.spaced = f.known(), true, false
			return p[i+1:]
		case '\n', '\r':
			f.cr = c == '\r'
			if f.n == 0 {
				f.out.block()
			} else {
				f.field, f.spaced = f.known(), true
				f.endLine()
			}
			return p[i+1:]
		}
		if f.n < nameCap {
			f.name[f.n] = c
		}
		f.n = min(f.n+1, nameCap+1)
	}
	return nil
}

// known returns the field of the name read.
func (f *framer) known() field {
	switch name := f.name[:min(f.n, nameCap)]; {
	case f.n > nameCap:
	case len(name) == 0:
		return fieldComment
	case string(name) == "data":
		return fieldData
	case string(name) == "event":
		return fieldEvent
	case string(name) == "id":
		return fieldID
	case string(name) == "retry":
		return fieldRetry
	case string(name) == "error":
		return fieldError
	}
	return fieldUnknown
}

// rest takes bytes of a value.
func (f *framer) rest(p []byte) []byte {
	if f.fresh {
		f.fresh = false
		if p[0] == ' ' {
			f.spaced = true
			if p = p[1:]; len(p) == 0 {
				return nil
			}
		} else if p[0] == '\n' || p[0] == '\r' {
			f.spaced = true // nothing to set apart
		}
	}
	end := lineEnd(p)
	if end > 0 {
		f.odd.add(lineSeparator, f.seps.push(p[:end]))
		f.out.part(f.field, p[:end])
	}
	if end == len(p) {
		return nil
	}
	f.cr = p[end] == '\r'
	f.endLine()
	return p[end+1:]
}

func (f *framer) endLine() {
	at := f.field
	f.field, f.n, f.fresh = fieldNone, 0, false
	f.seps.at = 0
	f.out.line(at, f.spaced)
}

// lineEnd returns the index of the first LF or CR, or len(p).
func lineEnd(p []byte) int {
	end := bytes.IndexByte(p, '\n')
	if end < 0 {
		end = len(p)
	}
	if cr := bytes.IndexByte(p[:end], '\r'); cr >= 0 {
		return cr
	}
	return end
}

// separators counts the characters U+2028, U+2029 and U+0085, which some
// clients take for line ends, in bytes that come in pieces.
type separators struct{ at uint8 }

func (s *separators) push(p []byte) (n int) {
	for i := 0; i < len(p); {
		if s.at == 0 {
			if i += ascii(p[i:]); i == len(p) {
				break
			}
		}
		c := p[i]
		switch {
		case s.at == 2 && c == 0x80:
			s.at = 3
		case s.at == 3 && (c == 0xa8 || c == 0xa9), s.at == 1 && c == 0x85:
			n++
			s.at = 0
		case c == 0xc2:
			s.at = 1
		case c == 0xe2:
			s.at = 2
		default:
			s.at = 0
		}
		i++
	}
	return n
}

// ascii counts the leading ASCII bytes.
func ascii(p []byte) int {
	i := 0
	for i+8 <= len(p) && binary.LittleEndian.Uint64(p[i:])&0x8080808080808080 == 0 {
		i += 8
	}
	for i < len(p) && p[i] < 0x80 {
		i++
	}
	return i
}
