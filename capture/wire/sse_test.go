package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tmaxmax/go-sse"
)

// fieldNames writes a field in the logs of these tests.
var fieldNames = map[field]string{
	fieldComment: ":", fieldData: "data", fieldEvent: "event", fieldID: "id", fieldRetry: "retry", fieldError: "error",
	fieldUnknown: "?",
}

// sseLog puts the framer's parts together again.
type sseLog struct {
	value []byte
	lines []string
}

func (l *sseLog) part(_ field, p []byte) { l.value = append(l.value, p...) }

func (l *sseLog) line(f field, spaced bool) {
	glue := ""
	if !spaced {
		glue = "!"
	}
	l.lines = append(l.lines, fmt.Sprintf("%s%s=%s", fieldNames[f], glue, l.value))
	l.value = l.value[:0]
}

func (l *sseLog) block() { l.lines = append(l.lines, "--") }

func frameAll(body []byte, sizes ...int) (*sseLog, *quirks) {
	l, q := &sseLog{}, &quirks{}
	f := &framer{out: l, odd: q}
	for i := 0; len(body) > 0; i++ {
		n := len(body)
		if len(sizes) > 0 {
			n = min(n, sizes[i%len(sizes)])
		}
		f.push(body[:n])
		body = body[n:]
	}
	return l, q
}

func TestFramer(t *testing.T) {
	for _, tt := range []struct{ name, body, want, odd string }{
		{"one event", "data: a\n\n", "data=a --", ""},
		{"two events", "data: a\n\ndata: b\n\n", "data=a -- data=b --", ""},
		{"no blank after the colon", "data:a\n\n", "data!=a --", ""},
		{"one blank is stripped", "data:  a\n\n", "data= a --", ""},
		{"tab stays", "data:\ta\n\n", "data!=\ta --", ""},
		{"empty value", "data:\n\n", "data= --", ""},
		{"empty value with blank", "data: \n\n", "data= --", ""},
		{"name without colon", "data\n\n", "data= --", ""},
		{"value with colons", "data: a: b\n\n", "data=a: b --", ""},
		{"comment", ": hi\n\n", ":=hi --", ""},
		{"bare colon", ":\n\n", ":= --", ""},
		{"comment without blank", ":hi\n", ":!=hi", ""},
		{
			"all fields",
			"event: e\nid: 1\nretry: 2\ndata: d\n\n",
			"event=e id=1 retry=2 data=d --",
			"",
		},
		{"error field", "error: {}\n\n", "error={} --", ""},
		{"unknown field", "foo: x\n", "?=x", ""},
		{"long unknown field", strings.Repeat("x", 100) + ": y\n", "?=y", ""},
		{"name longer by one", "retryy: 1\n", "?=1", ""},
		{"capital name", "Data: x\n", "?=x", ""},
		{"name with blank before", " data: x\n", "?=x", ""},
		{"name with blank behind", "data : x\n", "?=x", ""},
		{"CRLF", "data: a\r\n\r\n", "data=a --", "crlf*2"},
		{"CR", "data: a\r\rdata: b\r\r", "data=a -- data=b --", "cr*3"},
		{"mixed line ends", "data: a\r\n\ndata: b\r\r\n", "data=a -- data=b --", "cr crlf*2"},
		{"LF CR", "data: a\n\rdata: b\n", "data=a -- data=b", "cr"},
		{"blank lines", "\n\n\n", "-- -- --", ""},
		{"no line end", "data: a", "", ""},
		{"U+2028", "data: a\u2028b\n", "data=a\u2028b", "line_separator"},
		{"U+2029 and U+0085", "data: \u2029\u0085\n", "data=\u2029\u0085", "line_separator*2"},
		{"look-alikes", "data: \u2027\u202a\u0084â\u00c2\n", "data=\u2027\u202a\u0084â\u00c2", ""},
		{
			"separator bytes over a line",
			"data: \xe2\x80\ndata: \xa8\n",
			"data=\xe2\x80 data=\xa8",
			"",
		},
		{"lead byte twice", "data: \xe2\xe2\x80\xa8\n", "data=\xe2\xe2\x80\xa8", "line_separator"},
		{
			"lead byte after lead byte",
			"data: \xc2\xe2\x80\xa9\n",
			"data=\xc2\xe2\x80\xa9",
			"line_separator",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, sizes := range [][]int{nil, {1}, {2, 3}, {5}, {6, 1}} {
				l, q := frameAll([]byte(tt.body), sizes...)
				if got := strings.Join(l.lines, " "); got != tt.want {
					t.Errorf("pieces %v: %q, want %q", sizes, got, tt.want)
				}
				if got := oddityNames(q); got != tt.odd {
					t.Errorf("pieces %v: oddities %q, want %q", sizes, got, tt.odd)
				}
			}
		})
	}
}

func oddityNames(q *quirks) string {
	var out []string
	for _, o := range q.list() {
		name := o.Name
		if o.Count > 1 {
			name += fmt.Sprintf("*%d", o.Count)
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

// TestValuesAreNotCopied: a value that lies in one push is a slice of it.
func TestValuesAreNotCopied(t *testing.T) {
	body := []byte("data: {\"a\":1}\n\n")
	f := &framer{odd: &quirks{}, out: partFunc(func(p []byte) {
		if &p[0] != &body[6] || len(p) != 7 {
			t.Errorf("part %q is not the pushed slice", p)
		}
	})}
	f.push(body)
}

type partFunc func(p []byte)

func (f partFunc) part(_ field, p []byte) { f(p) }
func (partFunc) line(field, bool)         {}
func (partFunc) block()                   {}

func TestMarker(t *testing.T) {
	for text, want := range map[string]bool{
		"[DONE]": true, " [DONE] ": true, "[DONE]\t": true, "[done]": false, "[DONE": false, "[DONE]x": false,
		"[DONE] x": false, "[DO NE]": false, "": false, " ": false, "[[DONE]": false, `"[DONE]"`: false,
	} {
		var once, bytewise marker
		once.push([]byte(text))
		for i := range text {
			bytewise.push([]byte(text[i : i+1]))
		}
		if once.found() != want || bytewise.found() != want {
			t.Errorf("%q: found %v and %v, want %v", text, once.found(), bytewise.found(), want)
		}
	}
}

// sseEvents are the events that the framer's lines mean to the standard: data
// lines joined, the name of the event, a blank line dispatching.
func sseEvents(l *sseLog) (out []string) {
	var data []string
	name, dirty := "", false
	for _, line := range l.lines {
		field, value, _ := strings.Cut(line, "=")
		switch strings.TrimSuffix(field, "!") {
		case "data":
			data = append(data, value)
			dirty = true
		case "event":
			name, dirty = value, true
		case "id":
			dirty = dirty || !strings.Contains(value, "\x00")
		case "--":
			if dirty {
				out = append(out, fmt.Sprintf("%s|%s", name, strings.Join(data, "\n")))
			}
			data, name, dirty = nil, "", false
		}
	}
	return out
}

// FuzzSSE compares the framer with another implementation, and one push with
// many.
func FuzzSSE(f *testing.F) {
	for _, seed := range []string{
		"data: a\n\n", "event: x\r\ndata: a\r\ndata: b\r\n\r\n", ": c\n\nid: 1\n\ndata:[DONE]\n\n", "data\n\ndata: b\r\rdata",
		"retry: 10\n\ndata: \n\n", "data: a\n\r\ndata: b\n\n", "\r\r\n\n", "error: {}\n\n",
	} {
		f.Add([]byte(seed), uint64(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		once, odd := frameAll(body)
		r := rand.New(rand.NewPCG(seed, 2))
		var sizes []int
		for range 16 {
			sizes = append(sizes, 1+r.IntN(11))
		}
		cut, cutOdd := frameAll(body, sizes...)
		if a, b := strings.Join(once.lines, "\n"), strings.Join(cut.lines, "\n"); a != b || *odd != *cutOdd {
			t.Fatalf("one push: %q %v\nmany: %q %v", a, odd.list(), b, cutOdd.list())
		}
		// The other implementation knows no lines of only a name, strips a
		// byte-order mark and wants UTF-8.
		if !utf8.Valid(body) || bytes.HasPrefix(body, []byte("\ufeff")) || strings.ContainsRune(string(body), 0) {
			return
		}
		var want []string
		for e, err := range sse.Read(bytes.NewReader(body), &sse.ReadConfig{MaxEventSize: 1 << 20}) {
			if err != nil {
				return
			}
			want = append(want, fmt.Sprintf("%s|%s", e.Type, e.Data))
		}
		got := sseEvents(once)
		if strings.Join(got, "\x01") != strings.Join(want, "\x01") {
			t.Fatalf("body %q\n got %q\nwant %q", body, got, want)
		}
	})
}

// nowhere takes the lines of a framer and does nothing with them.
type nowhere struct{}

func (nowhere) part(field, []byte) {}
func (nowhere) line(field, bool)   {}
func (nowhere) block()             {}

// BenchmarkFramer is the framer alone, at the size of a chat chunk and at that
// of a document in one event.
func BenchmarkFramer(b *testing.B) {
	for name, size := range map[string]int{"chunk": 200, "document": 4096} {
		b.Run(name, func(b *testing.B) {
			event := []byte("data: " + strings.Repeat("x", size) + "\n\n")
			body := bytes.Repeat(event, 32<<10/len(event))
			f := framer{out: nowhere{}, odd: &quirks{}}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				f.push(body)
			}
		})
	}
}
