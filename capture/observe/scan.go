package observe

import (
	"bufio"
	"bytes"
	"strconv"
)

// transfer is how a body is delimited.
type transfer uint8

const (
	transferNone transfer = iota
	transferLength
	transferChunked
	transferClose
	transferH2
)

// String returns the word that Head.Transfer carries.
func (t transfer) String() string {
	return [...]string{"none", "length", "chunked", "close", "h2"}[t]
}

// framing is what a head says about the body after it.
type framing struct {
	kind   transfer
	length int64
	// bad says why no body can be read after this head; empty if one can.
	bad string
}

// scanner reads whole heads and trailer sections into head, whose strings it
// keeps from one head to the next when they do not change.
type scanner struct {
	head              Head
	fields            fields
	target, authority string
	odd               *bufio.Reader // made for the first odd head
}

// request reads a request head. false means that the first line is no request
// line of HTTP/1.
func (s *scanner) request(b []byte) (framing, bool) {
	line, rest := cutLine(b)
	method, after, _ := bytes.Cut(line, space)
	target, proto, _ := bytes.Cut(after, space)
	minor, ok := minorVersion(proto)
	if !ok || !isToken(method) || len(target) == 0 {
		return framing{}, false
	}
	s.head = Head{Direction: Request, Method: methodString(method), Proto: protoString(minor), Length: -1}
	s.head.Target = intern(&s.target, target)
	var fr framing
	if minor == '1' && target[0] == '/' && isVisible(target) && isCRLF(b, line) && s.fields.read(rest) {
		fr = s.fields.framing(transferNone)
	} else {
		fr = s.oddRequest(b, rest, minor)
	}
	s.head.Authority = intern(&s.authority, s.fields.host)
	s.finish(&fr)
	return fr, true
}

// response reads a response head; headOnly tells that the request was HEAD.
// false means that the first line is no status line of HTTP/1.
func (s *scanner) response(b []byte, headOnly bool) (framing, bool) {
	line, rest := cutLine(b)
	proto, after, _ := bytes.Cut(line, space)
	minor, ok := minorVersion(proto)
	after = bytes.TrimLeft(after, " ")
	status, ok2 := statusCode(after)
	if !ok || !ok2 {
		return framing{}, false
	}
	s.head = Head{Direction: Response, Status: status, Proto: protoString(minor), Length: -1}
	s.head.Interim = status < 200 && status != 101
	var fr framing
	if minor == '1' && isCRLF(b, line) && isValue(line) && s.fields.read(rest) {
		fr = s.fields.framing(transferClose)
	} else {
		fr = s.oddResponse(b, rest, minor)
	}
	if headOnly || status < 200 || status == 204 || status == 304 {
		fr.kind = transferNone
	}
	s.finish(&fr)
	return fr, true
}

// trailers reads the section after the last chunk; false means no fields.
func (s *scanner) trailers(d Direction, b []byte) bool {
	ok := s.fields.read(b)
	if !ok {
		ok = s.oddTrailers(b)
	}
	s.head = Head{Direction: d, Trailers: true, Proto: "1.1", Transfer: "chunked", Length: -1, Fields: s.fields.list}
	return ok
}

func (s *scanner) finish(fr *framing) {
	s.head.Fields = s.fields.list
	if s.fields.lengths > 0 && fr.bad == "" {
		s.head.Length = s.fields.length
	}
	if fr.bad == "" {
		s.head.Transfer = fr.kind.String()
	}
}

var (
	space   = []byte(" ")
	newline = []byte("\n")
)

// cutLine returns the first line without its end, and what follows the end.
func cutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, newline)
	return bytes.TrimSuffix(line, []byte("\r")), rest
}

// isCRLF reports whether line, a prefix of b, ends in CR LF there.
func isCRLF(b, line []byte) bool { return b[len(line)] == '\r' }

// minorVersion returns the digit after "HTTP/1.".
func minorVersion(proto []byte) (byte, bool) {
	if len(proto) != 8 || string(proto[:7]) != "HTTP/1." || proto[7] < '0' || proto[7] > '9' {
		return 0, false
	}
	return proto[7], true
}

func protoString(minor byte) string {
	switch minor {
	case '1':
		return "1.1"
	case '0':
		return "1.0"
	}
	return "1." + string(rune(minor))
}

// statusCode reads three digits that stand alone.
func statusCode(b []byte) (int, bool) {
	if len(b) < 3 || len(b) > 3 && b[3] != ' ' || b[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:3]), 10, 16)
	return int(n), err == nil
}

// intern returns b as a string, the kept one if it is equal.
func intern(kept *string, b []byte) string {
	if *kept == string(b) {
		return *kept
	}
	s := string(b)
	if len(s) <= 1024 {
		*kept = s
	}
	return s
}

func methodString(b []byte) string {
	for _, m := range [...]string{"POST", "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT"} {
		if m == string(b) {
			return m
		}
	}
	return string(b)
}
