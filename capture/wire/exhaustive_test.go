package wire

import (
	"encoding/json"
	"strings"
	"testing"
)

// words calls visit with every word over an alphabet up to a length.
func words(alphabet []string, length int, visit func(word string)) {
	var walk func(prefix string, left int)
	walk = func(prefix string, left int) {
		visit(prefix)
		if left == 0 {
			return
		}
		for _, a := range alphabet {
			walk(prefix+a, left-1)
		}
	}
	walk("", length)
}

// TestEveryShortDocument compares validity with encoding/json on every word
// over small alphabets: whatever the grammar forbids is found here.
func TestEveryShortDocument(t *testing.T) {
	for _, tt := range []struct {
		name     string
		alphabet []string
		length   int
	}{
		{"structure", strings.Split(`{ } [ ] , : "a" 1`, " "), 5},
		{"numbers", strings.Split("- + 0 7 . e E", " "), 6},
		{"escapes", strings.Split(`" \ u d 8 n x`, " "), 6},
		{"literals", strings.Split("t r u e n l [ ]", " "), 5},
		{"blanks", []string{" ", "\n", "{", "}", "[", "]", "0", ","}, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := compile()
			count := 0
			words(tt.alphabet, tt.length, func(doc string) {
				count++
				_, got := scanAll(root, []byte(doc))
				if want := json.Valid([]byte(doc)); got != want {
					t.Errorf("%q: valid = %v, want %v", doc, got, want)
				}
			})
			if count < 1000 {
				t.Errorf("only %d documents", count)
			}
		})
	}
}

// TestEveryShortStringMeansTheSame compares what is read from every short
// string literal.
func TestEveryShortStringMeansTheSame(t *testing.T) {
	root := compile([]path{{path: "", slot: 1}})
	words([]string{`\ud83e`, `\udd89`, `\u0041`, `\n`, `\\`, "é", "a"}, 5, func(text string) {
		doc := `"` + text + `"`
		var want string
		if err := json.Unmarshal([]byte(doc), &want); err != nil {
			t.Fatal(err)
		}
		for _, sizes := range [][]int{nil, {1}, {3}} {
			var got string
			s := &scanner{root: root, sink: sinkFunc(func(_ slot, v *value) { got = string(v.text) })}
			s.reset()
			rest := []byte(doc)
			for len(rest) > 0 {
				n := len(rest)
				if sizes != nil {
					n = min(n, sizes[0])
				}
				s.push(rest[:n])
				rest = rest[n:]
			}
			if got != want {
				t.Fatalf("%s in pieces %v: %q, want %q", doc, sizes, got, want)
			}
		}
	})
}

// TestEveryShortStream holds that no order of lines, however odd, tells other
// events when it is cut, or loses count.
func TestEveryShortStream(t *testing.T) {
	alphabet := []string{
		"data: {}", "data: [DONE]", "data:", ": c", "event: error", "id: 1", "error: {}", "\n", "\r\n", "\r",
	}
	words(alphabet, 4, func(body string) {
		once, told := streamFacts(body, len(body)+1)
		cut, cutTold := streamFacts(body, 1)
		if told != cutTold || once.Counts != cut.Counts || once.Marks != cut.Marks {
			t.Fatalf("%q: %q %+v, byte by byte %q %+v", body, told, once.Marks, cutTold, cut.Marks)
		}
		if once.Events+once.Keepalives != len(told) {
			t.Fatalf("%q: %d events and %d keepalives, %d told", body, once.Events, once.Keepalives, len(told))
		}
		if once.Done != strings.Contains(told, string('0'+rune(KindDone))) {
			t.Fatalf("%q: done %v, told %q", body, once.Done, told)
		}
	})
}

// streamFacts decodes a body in pieces of n bytes as SSE; told are the kinds as
// digits.
func streamFacts(body string, n int) (f Facts, told string) {
	var b strings.Builder
	emit := func(k Kind) { b.WriteByte('0' + byte(k)) }
	r := NewResponse(Match{matched: matched{decoder: openaiChat}}, 0, ResponseHead{Status: 200})
	for p := []byte(": begin\n\n" + body); len(p) > 0; {
		m := min(n, len(p))
		r.Push(p[:m], emit)
		p = p[m:]
	}
	r.Close(true, emit)
	return r.Facts(), b.String()
}
