package wire

import (
	"encoding/binary"
	"hash/crc32"
	"strings"

	"llmtap/internal/call"
)

// Sizes of the AWS event stream.
const (
	preludeLen  = 12
	maxHeaders  = 128 << 10
	maxPayload  = 24 << 20
	trailerLen  = 4
	awsMedia    = "application/vnd.amazon.eventstream"
	ndjsonMedia = "application/x-ndjson"
	// streamMedia labels the lines of Cohere's version 1.
	streamMedia = "application/stream+json"
)

// sniffer finds the framing in the first bytes. It holds back at most a
// prelude's worth of them.
type sniffer struct {
	hold   [preludeLen]byte
	n      int
	bom    bool
	blanks bool
}

func (s *sniffer) held() []byte { return s.hold[:s.n] }

// push takes bytes until the framing is known; rest are those it did not hold.
func (s *sniffer) push(p []byte, r *Response) (f call.Framing, rest []byte) {
	if f = byHead(r.head); f != call.FramingUnknown {
		return f, p
	}
	for i, c := range p {
		if s.n == 0 && blank(c) {
			s.blanks = true
			continue
		}
		s.hold[s.n] = c
		s.n++
		if !s.bom && s.n == 3 && string(s.hold[:3]) == "\xef\xbb\xbf" {
			s.bom, s.n = true, 0
			continue
		}
		if f = s.look(r); f != call.FramingUnknown {
			return f, p[i+1:]
		}
	}
	return call.FramingUnknown, nil
}

// byHead decides by status and content type alone.
func byHead(h ResponseHead) call.Framing {
	switch {
	case h.Status == 101, strings.HasPrefix(h.MediaType, "application/grpc"):
		return call.FramingOther
	case h.MediaType == awsMedia:
		return call.FramingEventStream
	}
	return call.FramingUnknown
}

// look judges the held bytes.
func (s *sniffer) look(r *Response) call.Framing {
	switch c := s.hold[0]; {
	case c == '{' && (r.head.MediaType == ndjsonMedia || r.head.MediaType == streamMedia):
		return call.FramingNDJSON
	case c == '{':
		return call.FramingJSON
	case c == '[' && r.array:
		return call.FramingJSONArray
	case c == '[':
		return call.FramingJSON
	case c == '<':
		return call.FramingHTML
	case c == 0xef && !s.bom && s.n < 3 && strings.HasPrefix("\xef\xbb\xbf", string(s.held())):
		return call.FramingUnknown
	case c <= 1: // a frame of less than 32 MiB
		return s.prelude()
	}
	return sseOrText(s.held())
}

// prelude recognises an event stream by its checksum.
func (s *sniffer) prelude() call.Framing {
	switch {
	case s.n < preludeLen:
		return call.FramingUnknown
	case crc32.ChecksumIEEE(s.hold[:8]) == binary.BigEndian.Uint32(s.hold[8:]):
		return call.FramingEventStream
	}
	return call.FramingText
}

// sseOrText looks whether a line begins as an SSE field does.
func sseOrText(line []byte) call.Framing {
	for _, name := range []string{":", "data:", "event:", "id:", "retry:", "error:"} {
		switch {
		case strings.HasPrefix(string(line), name):
			return call.FramingSSE
		case strings.HasPrefix(name, string(line)):
			return call.FramingUnknown
		}
	}
	return call.FramingText
}

// atEnd decides when no more bytes come.
func (s *sniffer) atEnd(r *Response) call.Framing {
	if f := byHead(r.head); f == call.FramingOther {
		return f
	}
	if s.n > 0 {
		return call.FramingText
	}
	return call.FramingEmpty
}
