package wire

import (
	"bytes"

	"llmtap/internal/call"
)

// jsonBody reads one JSON document. When a second object follows it is NDJSON:
// each document is an event, told when it is complete.
type jsonBody struct {
	dec     *decoder
	lines   bool // it is NDJSON
	one     bool // … also if it is one line, as its end or its label says
	labeled bool // it is labelled as JSON, so that only the end of a line tells
	held    Kind // the first document's, until it is known to be an event
	single  bool // one document has ended
	bad     bool // the document at hand is no JSON; up to the end of its line
	open    bool // a document has begun
	trailer []byte
}

// newJSON reads the body of a response; one tells that its streams are lines.
func newJSON(d *decoder, one bool, mediaType string) *jsonBody {
	b := &jsonBody{dec: d, lines: d.Framing == call.FramingNDJSON, one: one, labeled: mediaType == "application/json"}
	d.stream = b.lines
	return b
}

func (b *jsonBody) push(p []byte, emit func(Kind)) {
	for len(p) > 0 {
		switch {
		case len(b.trailer) > 0:
			b.keepTrailer(p)
			return
		case b.bad:
			p = b.skipLine(p)
		case b.single && !b.open:
			p = b.between(p, emit)
		default:
			p = b.document(p, emit)
		}
	}
}

// document feeds the one at hand.
func (b *jsonBody) document(p []byte, emit func(Kind)) []byte {
	d := b.dec
	b.open = true
	n := d.feed(p)
	switch {
	case d.scan.phase == broken:
		b.bad = true
		if b.lines {
			b.ended(emit)
		}
	case d.scan.phase == ended:
		b.ended(emit)
		b.lineEnd(p[:n], emit)
	}
	return p[n:]
}

// ended books the document at hand.
func (b *jsonBody) ended(emit func(Kind)) {
	late := b.dec.Done
	kind, valid := b.dec.end(nil)
	b.open, b.single = false, true
	if !b.lines {
		if b.held = kind; b.oneLine() && !b.labeled {
			b.become(emit)
		}
		return
	}
	if !valid {
		b.dec.note(badJSON)
	}
	if late {
		b.dec.note(afterTerminal)
	}
	b.send(kind, emit)
}

// lineEnd looks whether an only document ends as a line does; p ends with what
// followed it.
func (b *jsonBody) lineEnd(p []byte, emit func(Kind)) {
	for i := len(p) - 1; b.oneLine() && !b.lines && i >= 0 && blank(p[i]); i-- {
		if p[i] == '\n' {
			b.become(emit)
		}
	}
}

// oneLine reports whether one document may be a stream: none of a dialect whose
// streams are no lines.
func (b *jsonBody) oneLine() bool { return b.one && b.dec.format.name == "ollama" }

// become makes the only document so far the first line.
func (b *jsonBody) become(emit func(Kind)) {
	b.lines, b.dec.stream, b.dec.Framing = true, true, call.FramingNDJSON
	b.send(b.held, emit)
}

// send books a line and prepares for the next.
func (b *jsonBody) send(k Kind, emit func(Kind)) {
	b.dec.count(k)
	if emit != nil {
		emit(k)
	}
	b.dec.begin()
}

// between decides at the first byte behind a document what follows.
func (b *jsonBody) between(p []byte, emit func(Kind)) []byte {
	n := 0
	for n < len(p) && blank(p[n]) {
		n++
	}
	b.lineEnd(p[:n], emit)
	p = p[n:]
	if len(p) == 0 {
		return nil
	}
	if b.lines {
		return b.document(p, emit)
	}
	if p[0] != '{' {
		b.keepTrailer(p)
		b.dec.note(trailingJSON)
		return nil
	}
	b.become(emit)
	return p
}

// skipLine drops what is left of a bad document: its line, or all if there are
// no lines.
func (b *jsonBody) skipLine(p []byte) []byte {
	i := bytes.IndexByte(p, '\n')
	if !b.lines || i < 0 {
		return nil
	}
	b.bad = false
	b.dec.begin()
	return p[i+1:]
}

// keepTrailer keeps the beginning of what follows the only document.
func (b *jsonBody) keepTrailer(p []byte) {
	const enough = 64
	b.trailer = append(b.trailer, p[:min(len(p), enough-min(enough, len(b.trailer)))]...)
}

func (b *jsonBody) end(bool) (whole bool) {
	d := b.dec
	switch {
	case b.bad:
		return b.lines
	case b.open && b.lines:
		d.note(valueTruncated)
		return false
	case b.open:
		d.end(nil) // what a cut answer had shown
		return false
	}
	if line, ok := bytes.CutPrefix(b.trailer, []byte("data:")); ok {
		var m marker
		m.push(bytes.TrimSpace(line))
		d.Done = m.found()
	}
	return b.single
}
