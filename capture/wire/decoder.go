package wire

import "llmtap/internal/call"

// oversizeAt is the size of a line or document that is counted as oversize. It
// is read all the same, since nothing of it is kept.
const oversizeAt = 1 << 20

// decoder reads one document after the other into a tally.
type decoder struct {
	tally
	scan    scanner
	dialect dialect
	errors  errorFacts
	status  int
	awsType string
	size    int
	trailed bool // bytes that are no blanks followed the document
	marked  bool // the dialect ends with its own marker, not with [DONE]
	wrapped bool // event-stream messages carry documents in chunks
	bare    bool // JSON objects may stand between SSE events
	lf      [1]byte
}

// open makes d as new, for another body. It keeps memory, wiped.
func (d *decoder) open(f *format, h ResponseHead) {
	buf, tail, text := wiped(d.scan.tok.buf), wiped(d.scan.tok.tail), d.errors.text
	*d = decoder{} // in place: a literal with values would be made on the stack first
	d.scan.tok.buf, d.scan.tok.tail = buf, tail
	for i := range text {
		d.errors.text[i] = wiped(text[i])
	}
	d.dialect, d.status, d.awsType, d.lf = f.open(), h.Status, h.ErrorType, [1]byte{'\n'}
	d.wrapped, d.marked, d.bare = f.wrapped, f.marked, f.bare
	d.scan.root, d.scan.sink = f.tree, d
	d.begin()
}

// reads reports whether a dialect knows what the documents are.
func (d *decoder) reads() bool {
	_, unread := d.dialect.(plainEvents)
	return !unread
}

// value takes what the scanner selected.
func (d *decoder) value(at slot, v *value) {
	if at >= firstOwn {
		d.dialect.value(at, v, &d.tally)
	} else {
		d.errors.value(at, v)
	}
}

// begin starts a document.
func (d *decoder) begin() {
	d.scan.reset()
	d.errors.reset()
	d.size, d.trailed = 0, false
}

// feed takes the next bytes of the document and returns how many it used: all,
// those up to the first byte after the document that is no blank, or those up
// to where it broke.
func (d *decoder) feed(p []byte) int {
	n := d.scan.push(p)
	size := n
	if d.scan.phase == broken {
		size = len(p)
	}
	if d.size <= oversizeAt && d.size+size > oversizeAt {
		d.note(oversize)
	}
	d.size += size
	return n
}

// end ends the document and returns its kind, and whether it was valid JSON.
func (d *decoder) end(name []byte) (Kind, bool) {
	valid := d.scan.finish() && !d.trailed
	kind := KindOther
	if valid {
		kind = d.dialect.event(name, &d.tally)
	} else {
		saved := d.tally
		d.broken = true
		d.dialect.event(name, &d.tally)
		d.tally = saved // a broken document says nothing
	}
	isError := string(name) == "error" || d.errors.says()
	switch {
	case isError && (valid || d.errors.says()), valid && d.status >= 400:
		d.failed(d.described(), isError)
		if isError {
			kind = KindError
		}
	}
	return kind, valid
}

// described is the error that the document at hand describes, whole or not.
func (d *decoder) described() call.Error {
	return unwrap(&d.errors, d.errors.describe(d.scan.members, d.awsType))
}

// failed keeps an error unless an earlier one says more.
func (d *decoder) failed(e call.Error, inBand bool) {
	if inBand && d.status < 400 {
		d.Errored = true
	}
	if d.Error.Shape == call.ShapeUnknown || e.Message != "" || e.Code != "" {
		d.Error = e
	}
}
