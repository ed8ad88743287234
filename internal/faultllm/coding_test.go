package faultllm_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"llmtap/internal/faultllm"
)

// decoders read the codings with code of others.
var decoders = map[string]func(io.Reader) (io.Reader, error){
	"gzip":    func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	"deflate": func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
	"br":      func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
	"zstd": func(r io.Reader) (io.Reader, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	},
}

func decode(t *testing.T, coding, body string) string {
	t.Helper()
	r, err := decoders[coding](strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", coding, err)
	}
	if c, ok := r.(io.Closer); ok {
		_ = c.Close()
	}
	return string(b)
}

func TestCodingsDecode(t *testing.T) {
	s := start(t, plainHTTP)
	for coding := range decoders {
		for _, body := range []string{`{"stream":true}`, `{}`} {
			for _, query := range []string{"chunks=5", "chunks=2&bytes=200000", "chunks=0"} {
				t.Run(coding+"/"+body+"/"+query, func(t *testing.T) {
					plain := s.post(t, "ok", "interval=0&"+query, body)
					a := s.post(t, "enc-"+coding, "interval=0&"+query, body)
					if got := a.header.Get("Content-Encoding"); got != coding {
						t.Errorf("coding %q, want %q", got, coding)
					}
					got, want := ids(decode(t, coding, a.body)), ids(plain.body)
					if got != want {
						t.Errorf("decoded differs at byte %d of %d", differ(got, want), len(want))
					}
				})
			}
		}
	}
}

// ids makes answers of two scenarios comparable.
func ids(body string) string {
	var b strings.Builder
	for i, part := range strings.Split(body, "chatcmpl-") {
		if i > 0 {
			part = part[29:]
		}
		b.WriteString(part)
	}
	return b.String()
}

// TestEveryFlushDecodes checks that each event can be read when it arrives.
func TestEveryFlushDecodes(t *testing.T) {
	for coding, open := range decoders {
		t.Run(coding, func(t *testing.T) {
			rec := play(t, faultllm.New(faultllm.Config{}), "enc-"+coding, "")
			list := rec.bursts()
			var sofar bytes.Buffer
			for i, b := range list[:len(list)-1] { // the last one is the end of the coding
				sofar.WriteString(b.text)
				r, err := open(bytes.NewReader(sofar.Bytes()))
				if err != nil {
					t.Fatal(err)
				}
				decoded, _ := io.ReadAll(r) // the coding's end is missing
				if n := strings.Count(string(decoded), "\n\n"); n != i+1 {
					t.Errorf("after flush %d: %d events readable, want %d", i+1, n, i+1)
				}
			}
		})
	}
}

func TestDialectMixIsReadable(t *testing.T) {
	s := start(t, plainHTTP)
	a := s.post(t, "ok-dialect", fast, `{"stream":true}`)
	got := decode(t, "gzip", a.body)
	for _, part := range []string{": ping\r\n\r\n", "retry: 3000\r\n\r\n", "id: 4\r\n\r\n", "data:{", "flög", "🦉", "data:[DONE]\r\n\r\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("lacks %q", part)
		}
	}
}

func TestBombGrows(t *testing.T) {
	s := start(t, plainHTTP)
	for _, body := range []string{`{"stream":true}`, `{}`} {
		t.Run(body, func(t *testing.T) {
			a := s.post(t, "bomb", "interval=0&bytes=4194304", body)
			decoded := decode(t, "gzip", a.body)
			if len(decoded) < 4<<20 || len(decoded)/len(a.body) < 100 {
				t.Errorf("%d bytes become %d, want 4 MiB and a ratio of 100", len(a.body), len(decoded))
			}
			if !strings.Contains(decoded, "Owls ") {
				t.Error("no answer in it")
			}
		})
	}
}
