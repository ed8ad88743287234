package observe

import "encoding/binary"

// preface is what an h2 client sends first.
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Frame types and flags of RFC 9113.
const (
	frameData         = 0
	frameHeaders      = 1
	framePriority     = 2
	frameReset        = 3
	frameSettings     = 4
	framePushPromise  = 5
	framePing         = 6
	frameGoAway       = 7
	frameContinuation = 9

	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20

	frameHeadLen = 9
)

// frame splits the frames of one direction: 9 bytes of head, then up to 8
// bytes that must be whole (prefix), content, padding.
type frame struct {
	kind, flags byte
	stream      uint32

	head, prefix [frameHeadLen]byte
	have         int // bytes of head
	got, want    int // bytes of prefix
	content, pad int // bytes still to come
}

// takeHead takes head bytes from p; ok is true once the head is whole.
func (f *frame) takeHead(p []byte) (rest []byte, ok bool) {
	n := copy(f.head[f.have:], p)
	f.have += n
	return p[n:], f.have == frameHeadLen
}

// begin reads a whole head; false means that the frame breaks the rules.
func (f *frame) begin() bool {
	f.kind, f.flags = f.head[3], f.head[4]
	f.stream = binary.BigEndian.Uint32(f.head[5:]) & 0x7fffffff
	f.content = int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2])
	f.got, f.want, f.pad = 0, f.prefixLen(), 0
	switch f.kind {
	case frameSettings, framePing, frameGoAway:
		if f.stream != 0 {
			return false
		}
	case frameData, frameHeaders, framePriority, frameReset, framePushPromise, frameContinuation:
		if f.stream == 0 {
			return false
		}
	}
	if f.kind == frameReset && f.content != 4 || f.content < f.want {
		return false
	}
	f.content -= f.want
	return true
}

func (f *frame) prefixLen() int {
	n := 0
	if f.padded() {
		n = 1
	}
	switch {
	case f.kind == frameHeaders && f.flags&flagPriority != 0:
		n += 5
	case f.kind == framePushPromise, f.kind == frameReset:
		n += 4
	case f.kind == frameGoAway:
		n = 8
	}
	return n
}

func (f *frame) padded() bool {
	return f.flags&flagPadded != 0 && (f.kind == frameData || f.kind == frameHeaders || f.kind == framePushPromise)
}

// takePrefix takes prefix bytes from p; whole is true when there is none left
// to come, ok is false when the padding does not fit.
func (f *frame) takePrefix(p []byte) (rest []byte, whole, ok bool) {
	if f.got == f.want {
		return p, true, true
	}
	n := copy(f.prefix[f.got:f.want], p)
	f.got += n
	if f.got < f.want {
		return p[n:], false, true
	}
	if f.padded() {
		f.pad = int(f.prefix[0])
		f.content -= f.pad
	}
	return p[n:], true, f.content >= 0
}

// take takes up to *left bytes from p.
func take(p []byte, left *int) (piece, rest []byte) {
	n := min(len(p), *left)
	*left -= n
	return p[:n], p[n:]
}

func (f *frame) has(flag byte) bool { return f.flags&flag != 0 }

// code is the error code of RST_STREAM, or the second word of GOAWAY.
func (f *frame) code() uint32 { return binary.BigEndian.Uint32(f.prefix[f.want-4:]) }

// lastStream is the first word of GOAWAY.
func (f *frame) lastStream() uint32 { return binary.BigEndian.Uint32(f.prefix[:]) & 0x7fffffff }
