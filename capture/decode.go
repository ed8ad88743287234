package capture

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// Bounds of a compressed copy: beyond ratioFree decoded bytes the ratio may not
// exceed ratioMax, and the copy is dropped (decode_limit). The relayed bytes
// are never touched.
const (
	ratioMax   = 100
	ratioFree  = 64 << 10
	zstdWindow = 8 << 20
)

var errRatio = errors.New("capture: decode body: compression ratio over the limit")

// inflater decodes the copy of one compressed body as its bytes arrive. The
// pull-style decoders run inside a coroutine that is resumed by Push, so that
// everything happens on the caller's goroutine and nothing waits.
type inflater struct {
	in     []byte // what Push brought and the decoder has not read
	closed bool
	resume func() (struct{}, bool)
	stop   func()
	err    error
	out    func([]byte)
	read   int64
	wrote  int64
}

// newInflater returns nil for identity and for codings it does not know; ok is
// false for the latter.
func newInflater(coding string, out func([]byte)) (f *inflater, ok bool) {
	coding = strings.ToLower(strings.TrimSpace(coding))
	switch coding {
	case "", "identity":
		return nil, true
	case "gzip", "x-gzip", "deflate", "br", "zstd":
	default:
		return nil, false
	}
	f = &inflater{out: out}
	f.resume, f.stop = iter.Pull(func(yield func(struct{}) bool) { f.run(coding, yield) })
	f.resume() // up to the first wait for bytes, so that no Push is spent on it
	return f, true
}

// Push decodes p and hands the plain bytes to out. A decoding error ends the
// decoding; it is returned once.
func (f *inflater) Push(p []byte) error {
	if f.err != nil {
		return nil
	}
	f.read += int64(len(p))
	f.in = p
	f.resume()
	f.in = nil
	return f.err
}

// Close ends the input; whole reports whether the coding ended properly.
func (f *inflater) Close() (whole bool) {
	f.closed = true
	if f.err == nil {
		f.resume()
	}
	f.stop()
	return f.done()
}

// done reports whether the coding came to its proper end.
func (f *inflater) done() bool { return f.read > 0 && errors.Is(f.err, io.EOF) }

// feed is the decoder's side of the coroutine.
type feed struct {
	f     *inflater
	yield func(struct{}) bool
}

// Read hands out what Push brought, and waits for the next Push when that is
// used up. The end is a plain EOF: whether it comes too early is the decoder's
// to say, and after a gzip member it does not.
func (r feed) Read(p []byte) (int, error) {
	for len(r.f.in) == 0 {
		if r.f.closed || !r.yield(struct{}{}) {
			return 0, io.EOF
		}
	}
	n := copy(p, r.f.in)
	r.f.in = r.f.in[n:]
	return n, nil
}

// ReadByte keeps flate from wrapping the feed in a reader that reads ahead.
func (r feed) ReadByte() (byte, error) {
	var b [1]byte
	_, err := r.Read(b[:])
	return b[0], err
}

func (f *inflater) run(coding string, yield func(struct{}) bool) {
	if !yield(struct{}{}) {
		return
	}
	dec, closeDec, err := openCoding(coding, feed{f, yield})
	if err != nil {
		f.err = err
		return
	}
	defer closeDec()
	buf := make([]byte, 8<<10)
	for {
		n, err := dec.Read(buf)
		f.wrote += int64(n)
		if f.wrote > ratioFree && f.wrote > ratioMax*f.read {
			f.err = errRatio
			return
		}
		if n > 0 {
			f.out(buf[:n])
		}
		if err != nil {
			f.err = err
			return
		}
	}
}

func openCoding(coding string, src feed) (io.Reader, func(), error) {
	none := func() {}
	switch coding {
	case "br":
		return brotli.NewReader(src), none, nil
	case "zstd":
		z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, none, err
		}
		return z, z.Close, nil
	case "deflate":
		// RFC 9110 means zlib; raw deflate is sent too. The first byte tells.
		br := bufio.NewReaderSize(src, 16)
		head, err := br.Peek(1)
		if err != nil {
			return nil, none, err
		}
		if head[0]&0x0f == 8 {
			z, err := zlib.NewReader(br)
			return z, none, err
		}
		return flate.NewReader(br), none, nil
	}
	z, err := gzip.NewReader(src)
	if err != nil {
		return nil, none, err
	}
	return z, none, nil
}
