package wire

import (
	"encoding/binary"
	"hash/crc32"
)

// frames counts the messages of an AWS event stream and checks their
// checksums. It keeps a prelude, never a message.
type frames struct {
	dec  *decoder
	head [preludeLen]byte
	n    int
	left int // bytes of the message after its prelude
	sum  uint32
	last [trailerLen]byte
	dead bool
}

func newFrames(d *decoder) *frames {
	d.stream = true
	return &frames{dec: d}
}

func (f *frames) push(p []byte, emit func(Kind)) {
	for len(p) > 0 && !f.dead {
		if f.n < preludeLen {
			n := copy(f.head[f.n:], p)
			f.n += n
			p = p[n:]
			if f.n == preludeLen {
				f.prelude()
			}
			continue
		}
		n := min(f.left, len(p))
		f.message(p[:n])
		p = p[n:]
		if f.left == 0 && !f.dead {
			f.n = 0
			f.dec.count(KindOther)
			if emit != nil {
				emit(KindOther)
			}
		}
	}
}

// prelude checks the sizes before anything is counted on them.
func (f *frames) prelude() {
	total := int64(binary.BigEndian.Uint32(f.head[:]))
	headers := int64(binary.BigEndian.Uint32(f.head[4:]))
	if crc32.ChecksumIEEE(f.head[:8]) != binary.BigEndian.Uint32(f.head[8:]) ||
		total < preludeLen+trailerLen || headers > total-preludeLen-trailerLen {
		f.fail()
		return
	}
	if headers > maxHeaders || total-headers > maxPayload {
		f.dec.note(oversize)
	}
	f.left = int(total) - preludeLen
	f.sum = crc32.ChecksumIEEE(f.head[:])
}

// message takes bytes after the prelude; the last four are the checksum.
func (f *frames) message(p []byte) {
	sums := max(f.left-trailerLen, 0)
	summed := min(sums, len(p))
	f.sum = crc32.Update(f.sum, crc32.IEEETable, p[:summed])
	for _, c := range p[summed:] {
		f.last[trailerLen-(f.left-summed)] = c
		f.left--
	}
	f.left -= summed
	if f.left == 0 && binary.BigEndian.Uint32(f.last[:]) != f.sum {
		f.fail()
	}
}

func (f *frames) fail() {
	f.dead = true
	f.dec.note(eventstreamCRC)
}

func (f *frames) end(bool) bool {
	if f.n > 0 && !f.dead {
		f.dec.note(eventstreamTruncated)
		return false
	}
	return !f.dead
}
