package faultllm

import (
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"strings"
)

// coder compresses a body; Flush makes everything written readable.
type coder interface {
	flusher
	io.Closer
}

// newCoder returns the coder of a content coding. Brotli and zstd are written
// in their stored form: valid streams, nothing saved.
func newCoder(name string, w io.Writer) coder {
	switch name {
	case "gzip":
		return gzip.NewWriter(w)
	case "deflate":
		return zlib.NewWriter(w) // the coding's name notwithstanding (RFC 9110 §8.4.1.2)
	case "br":
		return &storedBrotli{w: w}
	default:
		return &storedZstd{w: w}
	}
}

// coded pushes a coder's output through the body below it.
type coded struct {
	coder
	below flusher
}

// Flush sends what was written so far.
func (c coded) Flush() error {
	if err := c.coder.Flush(); err != nil {
		return err
	}
	return c.below.Flush()
}

// storedMax is the most that one stored block holds in both formats.
const storedMax = 1 << 16

// storedBrotli writes a brotli stream of uncompressed meta-blocks (RFC 7932 §9).
type storedBrotli struct {
	w     io.Writer
	begun bool
}

// Write sends p in meta-blocks, each with ISLAST=0, four length nibbles and
// ISUNCOMPRESSED=1; the first is preceded by the bit of a 64 KiB window.
func (s *storedBrotli) Write(p []byte) (int, error) {
	return stored(p, func(part []byte) error {
		bits := uint32(len(part)-1)<<3 | 1<<19
		if !s.begun {
			bits <<= 1
		}
		s.begun = true
		return writeBlock(s.w, bits, part)
	})
}

// Flush has nothing to do.
func (s *storedBrotli) Flush() error { return nil }

// Close writes the empty last meta-block.
func (s *storedBrotli) Close() error {
	last := byte(3)
	if !s.begun {
		last <<= 1
	}
	_, err := s.w.Write([]byte{last})
	return err
}

// storedZstd writes a zstd frame of raw blocks (RFC 8878 §3.1.1).
type storedZstd struct {
	w     io.Writer
	begun bool
}

func (s *storedZstd) begin() error {
	if s.begun {
		return nil
	}
	s.begun = true
	// Magic number, no checksum or content size, a window of 1 MiB.
	_, err := s.w.Write([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50})
	return err
}

// Write sends p in raw blocks.
func (s *storedZstd) Write(p []byte) (int, error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	return stored(p, func(part []byte) error { return writeBlock(s.w, uint32(len(part))<<3, part) })
}

// Flush has nothing to do.
func (s *storedZstd) Flush() error { return nil }

// Close writes the empty last block.
func (s *storedZstd) Close() error {
	if err := s.begin(); err != nil {
		return err
	}
	return writeBlock(s.w, 1, nil)
}

// stored hands p to block in parts of at most storedMax.
func stored(p []byte, block func([]byte) error) (int, error) {
	for n := 0; n < len(p); {
		part := p[n:min(n+storedMax, len(p))]
		if err := block(part); err != nil {
			return n, err
		}
		n += len(part)
	}
	return len(p), nil
}

// writeBlock writes a head of three little-endian bytes and the part.
func writeBlock(w io.Writer, head uint32, part []byte) error {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(part)), head)
	_, err := w.Write(append(b[:3], part...))
	return err
}

// streamCoded is tell with a content coding.
func streamCoded(x *exchange, name string, edits ...edit) {
	x.w.Header().Set("Content-Encoding", name)
	below := x.open(x.ask.mediaType())
	c := newCoder(name, below)
	x.send(coded{c, below}, spoken(&x.answer, edited(x.pieces(), edits...)))
	_ = c.Close() // a client that left is noticed by its context
}

// codingRows are answers with a content coding.
func codingRows() []row {
	var out []row
	for _, name := range []string{"gzip", "deflate", "br", "zstd"} {
		out = append(out, onBoth("enc-"+name, "content coding "+name+", offered or not", "ok", func(x *exchange) { encoded(x, name) }))
	}
	return append(out, onBoth("bomb", "32 MiB of blanks (bytes=), gzipped a thousandfold, then the answer", "ok", decompressionBomb))
}

func encoded(x *exchange, name string) {
	x.own()
	if x.ask.streams() {
		streamCoded(x, name)
		return
	}
	codedBody(x, name, x.plainBody())
}

// codedBody sends the parts as one JSON body in chunks.
func codedBody(x *exchange, name string, parts ...string) {
	h := x.w.Header()
	h.Set("Content-Encoding", name)
	setType(h, typeJSON)
	x.w.WriteHeader(http.StatusOK)
	c := newCoder(name, x.w)
	for _, p := range parts {
		_, _ = io.WriteString(c, p)
	}
	_ = c.Close()
}

// decompressionBomb sends blanks, which JSON ignores, in a comment if streamed.
func decompressionBomb(x *exchange) {
	size := x.pace.bytes
	if size == 0 {
		size = 32 << 20
	}
	x.pace.bytes = 0
	blank := strings.Repeat(" ", 1<<16)
	blanks := slices.Repeat([]string{blank}, size/len(blank))
	x.own()
	if !x.ask.streams() {
		codedBody(x, "gzip", append(blanks, x.plainBody())...)
		return
	}
	pieces := make([]piece, 0, len(blanks)+1)
	for _, b := range blanks {
		pieces = append(pieces, piece{raw: ":" + b + "\n", wait: -1})
	}
	streamCoded(x, "gzip", ahead(kindRole, 0, append(pieces, piece{raw: "\n", wait: -1})...))
}
