package wire

import (
	"slices"

	"llmtap/internal/call"
)

// ResponseHead is what the decoder must know of a final response head.
type ResponseHead struct {
	Status int
	// MediaType is the content type without parameters, lower case.
	MediaType string
	// NoCharset says that a content type came without charset; it counts for
	// SSE bodies only.
	NoCharset bool
	// ErrorType is x-amzn-errortype.
	ErrorType string
	// Usage are the counts of HeadUsage; they stand in for those that the body
	// lacks.
	Usage call.Usage
}

// Response decodes one response body. It is used by one goroutine and keeps a
// few KiB whatever the size of the body.
type Response struct {
	head  ResponseHead
	array bool // a JSON array is a stream of documents
	lines bool // a single JSON document may be a stream of one line
	dec   decoder
	sniff sniffer
	body  body
	over  bool
}

// body reads what follows the sniffed beginning.
type body interface {
	push(p []byte, emit func(Kind))
	// end ends the body and reports whether it was complete in its framing.
	end(eof bool) (whole bool)
}

// NewResponse begins the body of the answer to a call in the given mode.
func NewResponse(m Match, mode call.Mode, h ResponseHead) *Response {
	r := new(Response)
	r.Reset(m, mode, h)
	return r
}

// Reset makes r as new, for another body. It keeps memory, wiped of what stood
// there; facts that were returned stay as they are.
func (r *Response) Reset(m Match, mode call.Mode, h ResponseHead) {
	r.head, r.over, r.body, r.sniff = h, false, nil, sniffer{}
	r.array = m.decoder == "gemini" && (mode == call.ModeStream || m.PathMode == call.ModeStream || m.asks != "" && mode != call.ModePlain)
	r.lines = m.decoder == "ollama" && mode == call.ModeStream && h.Status < 300
	r.dec.open(formatOf(m.decoder), h)
	r.dec.promised, r.dec.blind = m.asks == "", m.Aside || m.asks == "" && (m.decoder == "" || m.decoder == undecoded)
}

// Push takes the next bytes of the body, content coding removed. emit, which
// may be nil, is called for each event they complete.
func (r *Response) Push(p []byte, emit func(Kind)) {
	if r.over || len(p) == 0 {
		return
	}
	if r.body == nil {
		if p = r.begin(p, emit); len(p) == 0 || r.body == nil {
			return
		}
	}
	r.body.push(p, emit)
}

// begin feeds the sniffer until it knows the framing and returns what is left.
func (r *Response) begin(p []byte, emit func(Kind)) []byte {
	f, rest := r.sniff.push(p, r)
	if f == call.FramingUnknown {
		return nil
	}
	r.open(f)
	if held := r.sniff.held(); len(held) > 0 {
		r.body.push(held, emit)
	}
	return rest
}

func (r *Response) open(f call.Framing) {
	d := &r.dec
	d.Framing = f
	if r.sniff.bom {
		d.note(bom)
	}
	if r.sniff.blanks && f != call.FramingEmpty {
		d.note(leadingBlank)
	}
	if f == call.FramingSSE || f == call.FramingNDJSON || f == call.FramingJSONArray || f == call.FramingJSON && !d.format.wrapped {
		d.look()
	}
	switch f {
	case call.FramingSSE:
		if r.head.NoCharset {
			d.note(noCharset)
		}
		r.body = newSSE(d)
	case call.FramingJSON, call.FramingNDJSON:
		r.body = newJSON(d, r.lines, r.head.MediaType)
	case call.FramingJSONArray:
		r.body = newArray(d)
	case call.FramingEventStream:
		r.body = newFrames(d)
	default:
		r.body = &textBody{dec: d}
	}
}

// Close ends the body; whole tells that it came to its proper end on the wire.
// It is safe to call twice and without a Push.
func (r *Response) Close(whole bool, emit func(Kind)) {
	if r.over {
		return
	}
	r.over = true
	if r.body == nil {
		r.open(r.sniff.atEnd(r))
		if held := r.sniff.held(); len(held) > 0 {
			r.body.push(held, emit)
		}
	}
	if s, ok := r.body.(*sseBody); ok {
		s.emit = emit
	}
	complete := r.body.end(whole)
	r.dec.Whole = whole && complete
	if r.head.Status >= 400 && r.dec.Error.Shape == call.ShapeUnknown {
		r.dec.failed(r.dec.described(), false)
	}
}

// At sets the clock for the oddities of the next pushes; any unit will do.
func (r *Response) At(now int64) { r.dec.odd.now = now }

// LastOdd returns what the clock showed when an oddity came last; 0 if it did
// not, or if nobody set the clock.
func (r *Response) LastOdd(name string) int64 {
	for i, n := range quirkNames {
		if n == name {
			return r.dec.odd.at[i]
		}
	}
	return 0
}

// Facts returns what has been seen so far; the caller owns its slices.
func (r *Response) Facts() Facts {
	f := r.dec.Facts
	f.Usage = orElse(f.Usage, r.head.Usage)
	f.FinishReasons = slices.Clone(f.FinishReasons)
	f.Oddities = r.dec.odd.list()
	return f
}
