package capture

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"llmtap/capture/observe"
	"llmtap/internal/call"
)

// TestInflaterLosesNoByte pushes a coded body in pieces of every size, the
// whole in one push among them: what comes out is the plain text.
func TestInflaterLosesNoByte(t *testing.T) {
	plain := strings.Repeat("data: {\"owl\":true}\n\n", 20)
	for _, c := range []struct {
		name, coding string
		open         func(io.Writer) io.WriteCloser
	}{
		{"gzip", "gzip", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }},
		{"gzip in capitals", " X-GZIP", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }},
		{"deflate as zlib", "deflate", func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }},
		{"deflate raw", "deflate", func(w io.Writer) io.WriteCloser {
			z, err := flate.NewWriter(w, 6)
			if err != nil {
				t.Fatal(err)
			}
			return z
		}},
		{"br", "br", func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }},
		{"zstd", "zstd", func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			if err != nil {
				t.Fatal(err)
			}
			return z
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			z := c.open(&b)
			if _, err := io.WriteString(z, plain); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			for size := 1; size <= b.Len(); size++ {
				var got bytes.Buffer
				f, ok := newInflater(c.coding, func(p []byte) { got.Write(p) })
				if !ok {
					t.Fatalf("coding %q is not known", c.coding)
				}
				for rest := b.Bytes(); len(rest) > 0; rest = rest[min(size, len(rest)):] {
					if err := f.Push(rest[:min(size, len(rest))]); err != nil && err != io.EOF {
						t.Fatalf("push of %d bytes: %v", size, err)
					}
				}
				if whole := f.Close(); !whole || got.String() != plain {
					t.Fatalf("in pieces of %d: %d bytes, whole %v; want %d bytes, whole", size, got.Len(), whole, len(plain))
				}
			}
			for cut := 1; cut < b.Len(); cut++ {
				f, _ := newInflater(c.coding, func([]byte) {})
				_ = f.Push(b.Bytes()[:cut])
				if f.Close() {
					t.Fatalf("%d of %d bytes pass for whole", cut, b.Len())
				}
			}
		})
	}
}

// TestResetSideComesFromTheFrame: the request of a streamed call is over long
// before the client resets the stream in mid-answer.
func TestResetSideComesFromTheFrame(t *testing.T) {
	for _, c := range []struct {
		reason string
		want   call.Side
	}{{"client", call.SideClient}, {"service", call.SideUpstream}, {"goaway", call.SideUpstream}} {
		x := &exchange{
			conn:    newConnection("https", "llm.example", 443, call.CaptureMITM),
			reqEnd:  &observe.End{Kind: observe.EndComplete},
			respEnd: &observe.End{Kind: observe.EndH2RST, Code: 8, Reason: c.reason},
		}
		x.ending()
		if got := x.rec.End; got.Side != c.want || got.Kind != call.EndH2RST || got.H2Code != 8 {
			t.Errorf("reset by %s: end %+v, want side %v", c.reason, got, c.want)
		}
	}
}
