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
	format  *format
	probe   probe
	errors  errorFacts
	status  int
	awsType string
	size    int
	trailed bool // bytes that are no blanks followed the document
	reading
	lf [1]byte
}

// reading is how the body is read.
type reading struct {
	marked   bool // the dialect ends with its own marker, not with [DONE]
	promised bool // the path named the dialect
	blind    bool // what dialect the documents have does not matter
}

// open makes d as new, for another body. It keeps memory, wiped.
func (d *decoder) open(f *format, h ResponseHead) {
	buf, tail, text, doc := wiped(d.scan.tok.buf), wiped(d.scan.tok.tail), d.errors.text, wiped(d.probe.doc)
	*d = decoder{} // in place: a literal with values would be made on the stack first
	d.scan.tok.buf, d.scan.tok.tail, d.probe.doc = buf, tail, doc
	for i := range text {
		d.errors.text[i] = wiped(text[i])
	}
	d.format, d.dialect, d.status, d.awsType, d.lf = f, f.open(), h.Status, h.ErrorType, [1]byte{'\n'}
	d.marked, d.scan.sink = f.marked, d
	d.begin()
}

// reads reports whether a dialect knows what the documents are.
func (d *decoder) reads() bool {
	_, unread := d.dialect.(plainEvents)
	return !unread
}

// value takes what the scanner selected.
func (d *decoder) value(at slot, v *value) {
	switch {
	case d.probe.open:
		d.probe.value(at, v)
	case at >= firstOwn:
		d.dialect.value(at, v, &d.tally)
	default:
		d.errors.value(at, v)
	}
}

// begin starts a document.
func (d *decoder) begin() {
	d.scan.root = d.format.tree
	if d.probe.begin(); d.probe.open {
		d.scan.root = probeTree
	}
	d.scan.reset()
	d.errors.reset()
	d.size, d.trailed = 0, false
}

// feed takes the next bytes of the document and returns how many it used: all,
// those up to the first byte after the document that is no blank, or those up
// to where it broke.
func (d *decoder) feed(p []byte) int {
	n := 0
	if d.probe.open {
		n = d.probed(p)
	} else {
		n = d.scan.push(p)
	}
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
	d.identify()
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
