package wire

import "llmtap/internal/call"

// sseBody turns the lines of an SSE body into events.
type sseBody struct {
	dec   *decoder
	frame framer
	emit  func(Kind)
	cur   sseBlock
	ided  bool // a non-empty id came before
	// closed: the object between events is over, yet not what is behind it.
	closed bool
}

// sseBlock is the block of lines at hand.
type sseBlock struct {
	name    [64]byte // of the event, cut
	nameLen int
	data    int  // data lines
	size    int  // bytes of data
	errors  bool // it holds the field error
	fields  bool // it holds event, id or retry
	comment bool
	id      bool
	joined  int // line ends fed between data lines
	marker  marker
	text    []byte // the head of the data of an event named error
}

func newSSE(d *decoder) *sseBody {
	b := &sseBody{dec: d}
	b.frame.out, b.frame.odd = b, &d.odd
	if d.format.bare {
		b.frame.bare = b.object
	}
	d.stream = true
	return b
}

func (b *sseBody) push(p []byte, emit func(Kind)) {
	b.emit = emit
	b.frame.push(p)
	b.emit = nil
}

// part takes bytes of a field's value.
func (b *sseBody) part(f field, p []byte) {
	k := &b.cur
	switch f {
	case fieldData:
		if k.data == 0 && k.size == 0 && k.errors {
			b.dec.begin()
		}
		for ; k.joined < k.data; k.joined++ {
			b.dec.feed(b.dec.lf[:])
		}
		k.size += len(p)
		k.marker.push(p)
		if string(k.name[:k.nameLen]) == "error" && len(k.text) < 512 {
			k.text = append(k.text, p[:min(len(p), 512)]...)
		}
		b.json(p)
	case fieldError:
		k.errors = true
		if k.data == 0 {
			b.json(p)
		}
	case fieldEvent:
		k.nameLen += copy(k.name[k.nameLen:], p)
	case fieldID:
		k.id = true
	}
}

func (b *sseBody) json(p []byte) {
	if n := b.dec.feed(p); n < len(p) {
		b.dec.trailed = true
	}
}

// line ends a field.
func (b *sseBody) line(f field, spaced bool) {
	k, t := &b.cur, &b.dec.tally
	switch f {
	case fieldData:
		if k.data++; k.data == 2 {
			t.note(multiData)
		}
		if !spaced {
			t.note(noSpace)
		}
	case fieldComment:
		k.comment = true
		t.note(comment)
		b.alive()
	case fieldEvent, fieldRetry:
		k.fields = true
	case fieldID:
		k.fields = true
		b.ided = b.ided || k.id
	case fieldError:
		k.errors = true
		t.note(unknownField)
	default:
		t.note(unknownField)
	}
}

func (b *sseBody) alive() {
	b.dec.Keepalives++
	b.send(KindKeepalive)
}

func (b *sseBody) send(k Kind) {
	if b.emit != nil {
		b.emit(k)
	}
}

// block dispatches what came since the last blank line.
func (b *sseBody) block() {
	k, t := &b.cur, &b.dec.tally
	switch {
	case k.data > 0 || k.errors:
		b.data()
	case k.fields:
		t.note(blockWithoutData)
		b.alive()
	case k.comment && b.ided:
		t.note(commentAfterID)
	}
	b.clear()
}

// data books an event, and notes one behind the terminal marker. [DONE] may
// follow a dialect's own.
func (b *sseBody) data() {
	d := b.dec
	if d.Done && !(d.marked && b.cur.marker.found()) {
		d.note(afterTerminal)
	}
	b.send(d.count(b.event()))
}

// object takes a JSON object that stands between events without a field name,
// and the blanks behind it, unless a field of data is open.
func (b *sseBody) object(p []byte, begin bool) (n int, more bool) {
	d := b.dec
	if begin {
		if b.cur.data > 0 || b.cur.errors {
			return 0, false
		}
		d.begin()
		b.closed = false
	}
	n = d.feed(p)
	if d.scan.phase == broken { // up to the end of its line
		n += lineEnd(p[n:])
	}
	switch {
	case d.scan.phase == ended && !b.closed, d.scan.phase == broken && n < len(p):
		kind, valid := d.end(b.cur.name[:b.cur.nameLen])
		if d.note(unknownField); !valid {
			d.note(badJSON)
		}
		b.send(d.count(kind))
		b.closed = true
	}
	if n < len(p) {
		b.clear()
		return n, false
	}
	return n, true
}

func (b *sseBody) clear() {
	b.cur = sseBlock{text: b.cur.text[:0]}
	b.dec.begin()
}

// event reads the data of the block.
func (b *sseBody) event() Kind {
	k, d := &b.cur, b.dec
	if k.marker.found() {
		if d.marked {
			return KindOther
		}
		d.Done = true
		return KindDone
	}
	name := k.name[:k.nameLen]
	if k.errors {
		name = append(k.name[:0], "error"...)
	}
	if k.size == 0 && !k.errors {
		d.note(dataEmpty)
	}
	kind, valid := d.end(name)
	if valid {
		return kind
	}
	if k.size > 0 || k.errors {
		d.note(badJSON)
	}
	if string(name) != "error" {
		return kind
	}
	if kind != KindError {
		d.failed(call.Error{Shape: call.ShapeText, Message: keepString(k.text, 512)}, true)
	}
	return KindError
}

// end ends the body. A block without its blank line is no event, yet a marker
// or an error in it counts.
func (b *sseBody) end(bool) (whole bool) {
	k, d := &b.cur, b.dec
	d.identify()
	whole = (b.frame.idle() || b.frame.field == fieldObject && b.closed) && k.data == 0
	if !b.frame.idle() && b.frame.field == fieldData {
		k.data++
	}
	switch {
	case k.data == 0 && !k.errors:
	case k.marker.found():
		b.data()
		whole = true
	case d.errors.says() && d.scan.finish():
		b.send(d.count(b.event()))
	}
	b.clear()
	return whole
}

// marker recognises [DONE] between blanks, in pieces.
type marker struct {
	n   int // characters of it seen
	not bool
}

const doneText = "[DONE]"

func (m *marker) push(p []byte) {
	if m.not {
		return
	}
	for _, c := range p {
		switch {
		case m.n < len(doneText) && c == doneText[m.n]:
			m.n++
		case blank(c) && (m.n == 0 || m.n == len(doneText)):
		default:
			m.not = true
			return
		}
	}
}

func (m *marker) found() bool { return m.n == len(doneText) && !m.not }
