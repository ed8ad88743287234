package wire

import (
	"encoding/binary"
	"slices"
)

// The headers that say what a message of an AWS event stream is.
const (
	headerMessage = iota // event, exception or error
	headerEvent
	headerException
	headerCode
	headerText
	headerCount
)

// headerNames are their names on the wire.
var headerNames = [headerCount]string{":message-type", ":event-type", ":exception-type", ":error-code", ":error-message"}

// maxTold bounds the headers of one message among which a repeated name is
// noticed.
const maxTold = 32

// headerPart is what comes next inside a header.
type headerPart uint8

const (
	partNameLen headerPart = iota
	partName
	partType
	partSize
	partValue
	partBad
)

// frameHeaders reads the headers of one message in pieces of any size. It keeps
// those of headerNames, at most textCap bytes of each.
type frameHeaders struct {
	values [headerCount][]byte
	part   headerPart
	need   int // bytes of the part at hand still to come
	n      int // … already in buf
	buf    [255]byte
	keep   int // the value at hand is one of values; headerCount: it is not
	seen   [maxTold]uint64
	told   int
}

// begin prepares for a new message.
func (h *frameHeaders) begin() {
	for i := range h.values {
		h.values[i] = h.values[i][:0]
	}
	h.told = 0
	h.next(partNameLen, 1)
}

// whole reports whether the headers ended where one of them does.
func (h *frameHeaders) whole() bool { return h.part == partNameLen }

func (h *frameHeaders) next(part headerPart, need int) { h.part, h.need, h.n = part, need, 0 }

func (h *frameHeaders) push(p []byte) {
	for len(p) > 0 && h.part != partBad {
		n := min(h.need, len(p))
		h.need -= n
		if h.part == partValue {
			h.value(p[:n])
		} else {
			h.n += copy(h.buf[h.n:], p[:n])
		}
		if h.need == 0 {
			h.step()
		}
		p = p[n:]
	}
}

// value keeps bytes of one that is of use.
func (h *frameHeaders) value(p []byte) {
	if h.keep < headerCount {
		v := &h.values[h.keep]
		*v = append(*v, p[:min(len(p), textCap-len(*v))]...)
	}
}

// step goes on behind a part that is complete.
func (h *frameHeaders) step() {
	switch h.part {
	case partNameLen:
		h.next(partName, int(h.buf[0]))
		if h.need == 0 {
			h.step()
		}
	case partName:
		h.named(h.buf[:h.n])
	case partType:
		h.typed(h.buf[0])
	case partSize:
		h.sized(int(binary.BigEndian.Uint16(h.buf[:])))
	case partValue:
		h.next(partNameLen, 1)
	}
}

// named takes a header's name; a message has each at most once.
func (h *frameHeaders) named(name []byte) {
	h.keep = 0
	for h.keep < headerCount && headerNames[h.keep] != string(name) {
		h.keep++
	}
	hash := hashOf(name)
	if slices.Contains(h.seen[:h.told], hash) {
		h.part = partBad
		return
	}
	if h.told < maxTold {
		h.seen[h.told] = hash
		h.told++
	}
	h.next(partType, 1)
}

// typed takes the type of a value, which tells its size. Only strings are kept.
func (h *frameHeaders) typed(t byte) {
	switch t {
	case 7:
		h.next(partSize, 2)
		return
	case 6:
		h.next(partSize, 2)
	case 0, 1:
		h.next(partNameLen, 1)
	case 2:
		h.next(partValue, 1)
	case 3:
		h.next(partValue, 2)
	case 4:
		h.next(partValue, 4)
	case 5, 8:
		h.next(partValue, 8)
	case 9:
		h.next(partValue, 16)
	default:
		h.part = partBad
	}
	h.keep = headerCount
}

func (h *frameHeaders) sized(n int) {
	h.next(partValue, n)
	if n == 0 {
		h.step()
	}
}
