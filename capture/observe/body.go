package observe

// bodyStatus is what follows the bytes that body.next took.
type bodyStatus uint8

const (
	bodyMore     bodyStatus = iota // more of the body
	bodyDone                       // nothing: the message is whole
	bodyTrailers                   // the trailer section
	bodyBad                        // no body: body.bad says why
)

// chunkState is the place inside a chunked body.
type chunkState uint8

const (
	chunkSize  chunkState = iota // digits
	chunkSpace                   // blanks after the digits
	chunkExt                     // the extension, up to the line's end
	chunkLF                      // the LF of the size line
	chunkData
	chunkDataCR // the line end after the data
	chunkDataLF
)

// maxChunkDigits fills 64 bits.
const maxChunkDigits = 16

// body decodes the body of one message, push by push.
type body struct {
	kind transfer
	left uint64 // bytes still to come, of the body or of the chunk

	state   chunkState
	digits  int
	line    int // length of the size line so far
	maxLine int
	bad     string
}

// start prepares for the body that fr describes.
func (b *body) start(fr framing, maxLine int) {
	*b = body{kind: fr.kind, left: uint64(fr.length), maxLine: maxLine}
}

// empty reports whether the message ends with its head.
func (b *body) empty() bool {
	return b.kind == transferNone || b.kind == transferLength && b.left == 0
}

// next takes bytes from p up to the end of one piece of body. The piece is a
// part of p and may be empty.
func (b *body) next(p []byte) (piece, rest []byte, st bodyStatus) {
	switch b.kind {
	case transferChunked:
		return b.nextChunked(p)
	case transferClose:
		return p, nil, bodyMore
	}
	piece, rest = b.take(p)
	if b.left == 0 {
		st = bodyDone
	}
	return piece, rest, st
}

func (b *body) take(p []byte) (piece, rest []byte) {
	n := len(p)
	if uint64(n) > b.left {
		n = int(b.left)
	}
	b.left -= uint64(n)
	return p[:n], p[n:]
}

func (b *body) nextChunked(p []byte) (piece, rest []byte, st bodyStatus) {
	for i, c := range p {
		if b.state == chunkData {
			piece, rest = b.take(p[i:])
			if b.left == 0 {
				b.state = chunkDataCR
			}
			return piece, rest, bodyMore
		}
		if st = b.step(c); st != bodyMore {
			return nil, p[i+1:], st
		}
	}
	return nil, nil, bodyMore
}

// step takes one byte of chunk framing.
func (b *body) step(c byte) bodyStatus {
	switch b.state {
	case chunkDataCR, chunkDataLF:
		return b.dataEnd(c)
	case chunkLF:
		if c != '\n' {
			return b.fail(badChunkSize)
		}
		return b.sized()
	}
	if b.line++; b.line > b.maxLine {
		return b.fail(badChunkSize)
	}
	switch {
	case c == '\r':
		b.state = chunkLF
	case c == '\n':
		return b.sized()
	case b.state == chunkExt:
	case c == ';':
		b.state = chunkExt
	case c == ' ' || c == '\t':
		b.state = chunkSpace
	case b.state == chunkSpace:
		return b.fail(badChunkSize)
	default:
		return b.digit(c)
	}
	if b.digits == 0 {
		return b.fail(badChunkSize)
	}
	return bodyMore
}

func (b *body) digit(c byte) bodyStatus {
	var v byte
	switch {
	case '0' <= c && c <= '9':
		v = c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		v = c | 0x20 - 'a' + 10
	default:
		return b.fail(badChunkSize)
	}
	if b.digits++; b.digits > maxChunkDigits {
		return b.fail(badChunkSize)
	}
	b.left = b.left<<4 | uint64(v)
	return bodyMore
}

// sized is the end of a size line.
func (b *body) sized() bodyStatus {
	if b.digits == 0 {
		return b.fail(badChunkSize)
	}
	b.digits, b.line = 0, 0
	if b.left == 0 {
		return bodyTrailers
	}
	b.state = chunkData
	return bodyMore
}

func (b *body) dataEnd(c byte) bodyStatus {
	switch {
	case c == '\n':
		b.state = chunkSize
	case c == '\r' && b.state == chunkDataCR:
		b.state = chunkDataLF
	default:
		return b.fail(badChunkEnd)
	}
	return bodyMore
}

func (b *body) fail(reason string) bodyStatus {
	b.bad = reason
	return bodyBad
}
