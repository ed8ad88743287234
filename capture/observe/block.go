package observe

import (
	"golang.org/x/net/http2/hpack"
)

const (
	hpackTable     = 4096    // what both sides start with
	hpackTableMost = 1 << 20 // what a peer's settings may raise it to
)

// block decodes the header blocks of one direction. A block that comes in one
// push is decoded in place, any other is collected first: the decoder would
// copy its rest at each call, which small pieces can make expensive.
type block struct {
	dec    *hpack.Decoder
	limit  int
	stream uint32 // the stream of the block that goes on, 0 between blocks
	promise,
	endStream bool
	buf []byte

	text []byte // names and values of the decoded list, one after another
	ends []int  // where each of them ends in text
	over bool   // the list is beyond the limit
}

// begin starts the block of a HEADERS or PUSH_PROMISE frame.
func (b *block) begin(f *frame) {
	b.stream, b.buf = f.stream, b.buf[:0]
	b.promise = f.kind == framePushPromise
	b.endStream = !b.promise && f.has(flagEndStream)
}

// add keeps a fragment; false means that the block is too big.
func (b *block) add(p []byte) bool {
	if len(b.buf)+len(p) > b.limit {
		return false
	}
	b.buf = append(b.buf, p...)
	return true
}

// decode reads a whole block. Its fields are found by each.
func (b *block) decode(p []byte) error {
	if b.dec == nil {
		b.dec = hpack.NewDecoder(hpackTable, b.emit)
		b.dec.SetAllowedMaxDynamicTableSize(hpackTableMost)
		b.dec.SetMaxStringLength(b.limit)
	}
	b.text, b.ends = b.text[:0], b.ends[:0]
	if _, err := b.dec.Write(p); err != nil {
		return err
	}
	return b.dec.Close()
}

func (b *block) emit(f hpack.HeaderField) {
	if b.over = b.over || len(b.text)+len(f.Name)+len(f.Value) > b.limit; b.over {
		b.dec.SetEmitEnabled(false)
		return
	}
	b.text = append(b.text, f.Name...)
	b.ends = append(b.ends, len(b.text))
	b.text = append(b.text, f.Value...)
	b.ends = append(b.ends, len(b.text))
}

// each calls visit for every field in order.
func (b *block) each(visit func(name, value []byte)) {
	from := 0
	for i := 0; i+1 < len(b.ends); i += 2 {
		name, value := b.ends[i], b.ends[i+1]
		visit(b.text[from:name], b.text[name:value])
		from = value
	}
}

// release drops what an unusually big block needed.
func (b *block) release() {
	b.stream = 0
	if cap(b.buf) > 4<<10 {
		b.buf = nil
	}
	if cap(b.text) > 16<<10 {
		b.text, b.ends = nil, nil
	}
}
