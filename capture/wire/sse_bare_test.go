package wire

import (
	"strings"
	"testing"
)

// bareBody decodes an SSE body of a dialect that knows objects between events,
// in pieces of n bytes; told are the kinds as digits.
func bareBody(body string, n int, bare bool) (f Facts, told string) {
	var b strings.Builder
	emit := func(k Kind) { b.WriteByte('0' + byte(k)) }
	head := ResponseHead{Status: 200}
	rec := &recorder{}
	row := &format{open: func() dialect { return rec }, tree: responseTree([]path{{path: "t", slot: recorded}}), bare: bare}
	r := &Response{head: head}
	r.dec.open(row, head)
	for p := []byte(body); len(p) > 0; {
		m := min(n, len(p))
		r.Push(p[:m], emit)
		p = p[m:]
	}
	r.Close(true, emit)
	return r.Facts(), b.String()
}

func TestObjectsBetweenEvents(t *testing.T) {
	const (
		other, content, failed = "0", "1", "6"
		event                  = "data: {\"t\":\"a\"}\n\n"
	)
	for _, tt := range []struct {
		name, body, told string
		odd              string
		whole            bool
	}{
		{"error", event + "{\"error\":{\"message\":\"x\"}}\n", content + failed, "unknown_field", true},
		{"error without line end", event + `{"error":"x"}`, content + failed, "unknown_field", true},
		{"over several lines", event + "{\n  \"error\": {\n    \"message\": \"x\"\n  }\n}\n\n" + event, content + failed + content, "unknown_field", true},
		{"CRLF", event + "{\r\n\"error\":\"x\"}\r\n\r\n" + event, content + failed + content, "unknown_field", true},
		{"two of them", event + "{\"t\":\"b\"}\n{\"t\":\"c\"}\n", content + content + content, "unknown_field", true},
		{"two on one line", event + "{\"t\":\"b\"}{\"t\":\"c\"}\n", content + content + content, "unknown_field", true},
		{"braces in a string", event + "{\"t\":\"}{\"}\n" + event, content + content + content, "unknown_field", true},
		{"broken", event + "{\"t\":x}\n" + event, content + other + content, "bad_json unknown_field", true},
		{"broken by its line end", event + "{\"t\":\"x\n" + event, content + other + content, "bad_json unknown_field", true},
		{"cut", event + `{"error":"x"`, content, "", false},
		{"named", event + "event: error\n{\"t\":\"b\"}\n\n" + event, content + failed + content, "unknown_field", true},
		{"behind open data", "data: {\"t\":\"a\"}\n{\"t\":\"b\"}\n\n", content, "unknown_field", true},
		{"not first on its line", event + ":{\"t\":\"b\"}\n\n", content + "8", "comment", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := range len(tt.body) {
				f, told := bareBody(tt.body, n+1, true)
				if told != tt.told || oddNames(f) != tt.odd && oddNames(f) != strings.TrimSpace("crlf "+tt.odd) || f.Whole != tt.whole {
					t.Fatalf("in pieces of %d: %s %q whole %v, want %s %q %v", n+1, told, oddNames(f), f.Whole, tt.told, tt.odd, tt.whole)
				}
				if f.Errored != strings.Contains(tt.told, failed) {
					t.Fatalf("errored %v", f.Errored)
				}
			}
		})
	}
	if _, told := bareBody(event+"{\"error\":\"x\"}\n\n", 100, false); told != content {
		t.Errorf("a dialect without such objects told %s", told)
	}
}

// TestEveryShortBareStream holds that no order of lines tells other events when
// it is cut, or loses count.
func TestEveryShortBareStream(t *testing.T) {
	words([]string{"{", `{"error":1}`, "}", "data: {}", "data:", "event: error", ":", "\n", "\r\n", " "}, 4, func(body string) {
		once, told := bareBody(": begin\n\n"+body, 1000, true)
		cut, cutTold := bareBody(": begin\n\n"+body, 1, true)
		if told != cutTold || once.Counts != cut.Counts || once.Marks != cut.Marks || oddNames(once) != oddNames(cut) {
			t.Fatalf("%q: %q %+v %q, byte by byte %q %+v %q", body, told, once.Marks, oddNames(once), cutTold, cut.Marks, oddNames(cut))
		}
		if once.Events+once.Keepalives != len(told) {
			t.Fatalf("%q: %d events and %d keepalives, %d told", body, once.Events, once.Keepalives, len(told))
		}
	})
}
