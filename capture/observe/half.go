package observe

import "time"

// half is the parser of one direction of an h2 connection: from bytes to
// frames and header blocks, which it gives to the streams.
type half struct {
	d       Direction
	h       *h2
	preface int // bytes of it that are still to come
	frame   frame
	block   block
	// whole is a block that lies inside one push; borrowed until its frame ends.
	whole []byte
}

func (s *half) push(p []byte, at time.Time) {
	for len(p) > 0 && s.preface > 0 {
		if p[0] != preface[len(preface)-s.preface] {
			s.h.c.giveUp(opaqueMalformed, at)
			return
		}
		p = p[1:]
		s.preface--
	}
	for len(p) > 0 && s.h.c.running() {
		if s.frame.have < frameHeadLen {
			var whole bool
			if p, whole = s.frame.takeHead(p); !whole {
				return
			}
			if !s.frame.begin() || !s.expected() {
				s.h.c.giveUp(opaqueMalformed, at)
				return
			}
		}
		p = s.payload(p, at)
	}
}

// expected checks the frame's place: a header block is not interrupted.
func (s *half) expected() bool {
	f, open := &s.frame, s.block.stream
	if f.kind == frameContinuation {
		return open != 0 && open == f.stream
	}
	if open != 0 {
		return false
	}
	if f.kind == frameHeaders || f.kind == framePushPromise {
		s.block.begin(f)
	}
	return true
}

// payload takes bytes of the current frame's payload, and acts when it is over.
func (s *half) payload(p []byte, at time.Time) []byte {
	f := &s.frame
	p, whole, ok := f.takePrefix(p)
	if !ok {
		s.h.c.giveUp(opaqueMalformed, at)
		return nil
	}
	if !whole {
		return p
	}
	piece, p := take(p, &f.content)
	if len(piece) > 0 {
		s.content(piece, at)
	}
	_, p = take(p, &f.pad)
	if f.content == 0 && f.pad == 0 && s.h.c.running() {
		f.have = 0
		s.finish(at)
	}
	return p
}

// content takes a piece of what a frame carries.
func (s *half) content(p []byte, at time.Time) {
	f := &s.frame
	switch f.kind {
	case frameData:
		s.h.data(s.d, f.stream, p, at)
	case frameHeaders, framePushPromise, frameContinuation:
		if len(s.block.buf) == 0 && f.content == 0 && f.pad == 0 && f.has(flagEndHeaders) && len(p) <= s.block.limit {
			s.whole = p
		} else if !s.block.add(p) {
			s.h.c.giveUp(opaqueHead, at)
		}
	}
}

// finish acts on a whole frame.
func (s *half) finish(at time.Time) {
	f := &s.frame
	switch f.kind {
	case frameData:
		if f.has(flagEndStream) {
			s.h.endStream(s.d, f.stream, at)
		}
	case frameHeaders, framePushPromise, frameContinuation:
		if f.has(flagEndHeaders) {
			s.blockDone(at)
		}
	case frameReset:
		s.h.resetStream(s.d, f.stream, f.code(), at)
	case frameGoAway:
		if s.d == Response {
			s.h.goAway(f.lastStream(), f.code(), at)
		}
	}
}

// blockDone decodes a whole header block and gives it to its stream. Every
// block is decoded, also those that are not wanted: the table must follow.
func (s *half) blockDone(at time.Time) {
	b, text := &s.block, s.whole
	if s.whole = nil; text == nil {
		text = b.buf
	}
	stream := b.stream
	err := b.decode(text)
	switch {
	case b.over:
		s.h.c.giveUp(opaqueHead, at)
	case err != nil:
		s.h.c.giveUp(opaqueHPACK, at)
	case b.promise:
	case s.d == Request:
		s.h.request(b, stream, at)
	default:
		s.h.response(b, stream, at)
	}
	b.release()
}
