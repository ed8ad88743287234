package wire

import "llmtap/internal/call"

// message names the message at hand and books what it says.
func (f *frames) message() Kind {
	d, h := f.dec, &f.heads
	switch string(h.values[headerMessage]) {
	case "exception":
		return f.failed(h.values[headerException], nil)
	case "error":
		return f.failed(h.values[headerCode], h.values[headerText])
	}
	name, empty := h.values[headerEvent], d.size == 0
	if f.wrapped() {
		name, empty = nil, f.chunks.end()
	}
	kind, valid := d.end(name)
	if !valid && !empty && d.reads() {
		d.note(badJSON)
	}
	return kind
}

// failed books a message that is an error by its headers. The payload of an
// exception holds the text.
func (f *frames) failed(code, text []byte) Kind {
	d := f.dec
	valid := d.scan.finish() && !d.trailed
	saved := d.tally
	d.dialect.event(nil, &d.tally) // lets it forget the document
	d.tally = saved
	e := call.Error{Shape: call.ShapeAWS, Code: keepString([]byte(awsName(string(code))), maxShort), Message: keepString(text, textCap)}
	if e.Message == "" {
		e.Message = d.errors.pick(textCap, rootMessage, rootMsg)
	}
	if !valid && d.size > 0 {
		d.note(badJSON)
	}
	d.failed(unwrap(&d.errors, e), true)
	return KindError
}
