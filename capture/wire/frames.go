package wire

import (
	"encoding/binary"
	"hash/crc32"
)

// frames reads the messages of an AWS event stream: it checks both checksums,
// reads the headers and hands the payload to the decoder as it comes. It keeps
// a few header values, never a message.
type frames struct {
	dec    *decoder
	prefix [preludeLen]byte
	n      int // bytes of the prefix
	left   frameRest
	sum    uint32
	last   [trailerLen]byte
	heads  frameHeaders
	chunks *chunks // takes documents out of their wrappers; nil where there are none
	saved  tally   // before the message at hand: a broken one says nothing
	skip   bool    // the message at hand is larger than any
	dead   bool
}

// frameRest is what is still to come of a message, in bytes.
type frameRest struct{ headers, payload, trailer int64 }

func newFrames(d *decoder) *frames {
	d.stream = true
	f := &frames{dec: d}
	if d.format.wrapped {
		f.chunks = newChunks(d)
	}
	return f
}

func (f *frames) push(p []byte, emit func(Kind)) {
	for len(p) > 0 && !f.dead {
		p = p[f.take(p, emit):]
	}
}

// take uses the first bytes of p, all of one part of a message.
func (f *frames) take(p []byte, emit func(Kind)) int {
	l := &f.left
	switch {
	case f.n < preludeLen:
		n := copy(f.prefix[f.n:], p)
		if f.n += n; f.n == preludeLen {
			f.prelude()
		}
		return n
	case l.headers > 0:
		p = f.summed(p, &l.headers)
		if !f.skip {
			f.heads.push(p)
		}
	case l.payload > 0:
		p = f.summed(p, &l.payload)
		if !f.skip {
			f.payload(p)
		}
	default:
		n := copy(f.last[trailerLen-l.trailer:], p)
		if l.trailer -= int64(n); l.trailer == 0 {
			f.complete(emit)
		}
		return n
	}
	return len(p)
}

// summed returns the beginning of p that belongs to a part of which left bytes
// are to come, and adds it to the checksum.
func (f *frames) summed(p []byte, left *int64) []byte {
	p = p[:min(int64(len(p)), *left)]
	*left -= int64(len(p))
	f.sum = crc32.Update(f.sum, crc32.IEEETable, p)
	return p
}

// prelude checks the sizes before anything is counted on them.
func (f *frames) prelude() {
	total := int64(binary.BigEndian.Uint32(f.prefix[:]))
	headers := int64(binary.BigEndian.Uint32(f.prefix[4:]))
	payload := total - preludeLen - headers - trailerLen
	f.saved = f.dec.tally
	if crc32.ChecksumIEEE(f.prefix[:8]) != binary.BigEndian.Uint32(f.prefix[8:]) || payload < 0 {
		f.fail()
		return
	}
	f.left = frameRest{headers, payload, trailerLen}
	f.sum = crc32.ChecksumIEEE(f.prefix[:])
	f.skip = headers > maxHeaders || payload > maxPayload
	f.heads.begin()
	f.dec.begin()
	if f.chunks != nil {
		f.chunks.begin()
	}
}

// payload takes bytes of a message's payload.
func (f *frames) payload(p []byte) {
	if f.wrapped() {
		f.chunks.push(p)
		return
	}
	if f.dec.feed(p) < len(p) {
		f.dec.trailed = true
	}
}

// wrapped reports whether the message at hand carries a document in a wrapper.
func (f *frames) wrapped() bool {
	return f.chunks != nil && string(f.heads.values[headerMessage]) == "event"
}

// complete ends the message at hand.
func (f *frames) complete(emit func(Kind)) {
	d := f.dec
	if binary.BigEndian.Uint32(f.last[:]) != f.sum || !f.skip && !f.heads.whole() {
		f.fail()
		return
	}
	f.n = 0
	if d.Done {
		d.note(afterTerminal)
	}
	kind := KindOther
	if f.skip {
		d.note(oversize)
	} else {
		kind = f.message()
	}
	d.count(kind)
	if emit != nil {
		emit(kind)
	}
}

// fail ends the decoding: behind a message that is not what it says no other
// one is found for certain.
func (f *frames) fail() {
	f.dead = true
	f.dec.tally = f.saved
	f.dec.note(eventstreamCRC)
}

func (f *frames) end(bool) bool {
	if f.n > 0 && !f.dead {
		if f.n == preludeLen {
			f.dec.tally = f.saved
		}
		f.dec.note(eventstreamTruncated)
		return false
	}
	return !f.dead
}
