package observe

import (
	"bytes"
	"strconv"
)

// fields reads header lines and notes the few that decide about a body.
type fields struct {
	list []Field
	host []byte

	lengths int // Content-Length lines
	length  int64
	codings int // Transfer-Encoding lines
	chunked bool
	expect  bool // Expect: 100-continue
	bad     string
}

// read reads CR LF lines up to the blank one. It takes ordinary lines only:
// false means that the section needs a second look, or is no header section.
func (f *fields) read(b []byte) bool {
	f.reset()
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 1 || b[i-1] != '\r' {
			return false
		}
		line := b[:i-1]
		b = b[i+1:]
		if len(line) == 0 {
			return len(b) == 0 && f.ordinary()
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 0 || !isToken(line[:colon]) || !isValue(line[colon+1:]) {
			return false
		}
		f.add(line[:colon], bytes.Trim(line[colon+1:], " \t"))
	}
	return false
}

func (f *fields) reset() { *f = fields{list: f.list[:0]} }

func (f *fields) add(name, value []byte) {
	f.list = append(f.list, Field{name, value})
	switch len(name) {
	case len("Host"):
		if f.host == nil && bytes.EqualFold(name, []byte("Host")) {
			f.host = value
		}
	case len("Expect"):
		if bytes.EqualFold(name, []byte("Expect")) {
			f.expect = bytes.EqualFold(value, []byte("100-continue"))
		}
	case len("Content-Length"):
		if bytes.EqualFold(name, []byte("Content-Length")) {
			f.addLength(value)
		}
	case len("Transfer-Encoding"):
		if bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			f.codings++
			f.chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
}

func (f *fields) addLength(value []byte) {
	n, err := strconv.ParseUint(string(value), 10, 63)
	if err != nil || f.lengths > 0 && int64(n) != f.length {
		f.bad = badLength
	}
	f.lengths++
	f.length = int64(n)
}

// ordinary reports whether the framing can be read in one way only.
func (f *fields) ordinary() bool {
	return f.bad == "" && f.lengths <= 1 && f.codings <= 1 && f.chunked == (f.codings == 1) && f.lengths+f.codings <= 1
}

// framing returns what an ordinary head says; without says what a head means
// that says nothing.
func (f *fields) framing(without transfer) framing {
	switch {
	case f.codings > 0:
		return framing{kind: transferChunked}
	case f.lengths > 0:
		return framing{kind: transferLength, length: f.length}
	}
	return framing{kind: without}
}

// isToken reports whether b is a method or field name of RFC 9110.
func isToken(b []byte) bool {
	for _, c := range b {
		if !tokenBytes[c] {
			return false
		}
	}
	return len(b) > 0
}

var tokenBytes = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

// isValue reports whether b has no control character but tab.
func isValue(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// isVisible reports whether b is printable ASCII without spaces.
func isVisible(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
