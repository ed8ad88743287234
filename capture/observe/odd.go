package observe

import (
	"bufio"
	"bytes"
	"net/http"
	"net/textproto"
	"strings"
)

// Why a head or body is malformed. The words are fixed so that nothing of the
// message, which may hold a secret, gets into an End.
const (
	badRequestLine = "request line"
	badStatusLine  = "status line"
	badHeader      = "header"
	badName        = "space in header name"
	badLength      = "content-length"
	badCoding      = "transfer-encoding"
	badBoth        = "content-length with transfer-encoding"
	badFraming     = "framing"
	badChunkSize   = "chunk size"
	badChunkEnd    = "chunk end"
	badTrailer     = "trailer"
)

// An odd head (bare LF, folded lines, another version, strange names, several
// framing headers) is judged by net/http. Our own loose reading gives the
// fields as they were sent; where the two readings of the framing differ, the
// two peers' may as well, and the message is malformed.

func (s *scanner) oddRequest(b, rest []byte, minor byte) framing {
	s.fields.readLoose(rest)
	own := s.fields.looseFraming(transferNone, minor)
	if own.bad != "" {
		return own
	}
	r, err := http.ReadRequest(s.reader(b))
	if err != nil {
		return framing{bad: badHeader}
	}
	return agree(own, r.TransferEncoding, r.ContentLength)
}

func (s *scanner) oddResponse(b, rest []byte, minor byte) framing {
	s.fields.readLoose(rest)
	own := s.fields.looseFraming(transferClose, minor)
	if own.bad != "" {
		return own
	}
	r, err := http.ReadResponse(s.reader(b), nil)
	if err != nil {
		return framing{bad: badHeader}
	}
	if r.StatusCode < 200 || r.StatusCode == 204 || r.StatusCode == 304 {
		return own // no body: net/http does not say how it would be framed
	}
	return agree(own, r.TransferEncoding, r.ContentLength)
}

// agree returns own if net/http read the same framing.
func agree(own framing, codings []string, length int64) framing {
	same := false
	switch own.kind {
	case transferChunked:
		same = len(codings) == 1
	case transferLength:
		same = len(codings) == 0 && length == own.length
	case transferNone:
		same = len(codings) == 0 && length == 0
	case transferClose:
		same = len(codings) == 0 && length == -1
	}
	if !same {
		return framing{bad: badFraming}
	}
	return own
}

func (s *scanner) oddTrailers(b []byte) bool {
	s.fields.readLoose(b)
	_, err := textproto.NewReader(s.reader(b)).ReadMIMEHeader()
	return err == nil
}

func (s *scanner) reader(b []byte) *bufio.Reader {
	if s.odd == nil {
		s.odd = bufio.NewReader(nil)
	}
	s.odd.Reset(bytes.NewReader(b))
	return s.odd
}

// readLoose takes every line that has a colon, folded lines joined by a space.
func (f *fields) readLoose(b []byte) {
	f.reset()
	for line := range bytes.Lines(unfold(b)) {
		line = bytes.TrimRight(line, "\r\n")
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		f.add(name, bytes.Trim(value, " \t"))
		bare := strings.ToLower(strings.TrimSpace(string(name)))
		if len(bare) != len(name) && (bare == "content-length" || bare == "transfer-encoding") {
			f.bad = badName
		}
	}
}

// unfold returns b with each line break before a space or tab taken out.
func unfold(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for line := range bytes.Lines(b) {
		if line[0] == ' ' || line[0] == '\t' {
			out = append(bytes.TrimRight(out, " \t\r\n"), ' ')
			line = bytes.TrimLeft(line, " \t")
		}
		out = append(out, line...)
	}
	return out
}

func (f *fields) looseFraming(without transfer, minor byte) framing {
	switch {
	case f.bad != "":
		return framing{bad: f.bad}
	case f.lengths > 0 && f.codings > 0:
		return framing{bad: badBoth}
	case f.codings > 1 || f.codings == 1 && (!f.chunked || minor == '0'):
		return framing{bad: badCoding}
	}
	return f.framing(without)
}
