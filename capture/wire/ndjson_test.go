package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

var ndjson = framing{media: ndjsonMedia}

// values reads JSON values one after the other with encoding/json: the texts at
// "t" of all that come before the first error, and whether there was none.
func values(body []byte) (texts []string, whole bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	for {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return texts, errors.Is(err, io.EOF)
		}
		if openNumber(body, d.InputOffset()) {
			return texts, false
		}
		texts = append(texts, textOf(raw))
	}
}

// openNumber reports whether a value that ends at an offset is a number that
// more bytes could continue: encoding/json takes it for whole.
func openNumber(body []byte, end int64) bool {
	c := body[end-1]
	return int(end) == len(body) && (c >= '0' && c <= '9')
}

// textOf is the string at "t", the last one; a member of another case is another.
func textOf(raw json.RawMessage) string {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	var text string
	_ = json.Unmarshal(m["t"], &text)
	return text
}

// TestNDJSONAgainstEncodingJSON compares the lines with what another reader
// finds in them.
func TestNDJSONAgainstEncodingJSON(t *testing.T) {
	for name, body := range map[string]string{
		"lines":             "{\"t\":\"a\"}\n{\"t\":\"b\"}\n",
		"no end of line":    "{\"t\":\"a\"}\n{\"t\":\"b\"}",
		"blank lines":       "{\"t\":\"a\"}\n\n\r\n{\"t\":\"b\"}\n\n",
		"CRLF":              "{\"t\":\"a\"}\r\n{\"t\":\"b\"}\r\n",
		"two in one line":   "{\"t\":\"a\"} {\"t\":\"b\"}{\"t\":\"c\"}\n",
		"over several":      "{\n \"t\":\n\"a\"\n}\n{\"t\":\"b\"}\n",
		"braces in strings": "{\"t\":\"}{][\\\"\"}\n{\"u\":[\"]\"],\"t\":\"b\"}\n",
		"escapes":           "{\"t\":\"\\ud83e\\udd89 \\u00e9\\n\"}\n{\"t\":\"\"}\n",
		"no objects":        "{\"t\":\"a\"}\n[1,{\"x\":2}]\n\"s\"\n17\ntrue\nnull\n",
		"nested":            "{\"t\":\"a\",\"x\":{\"t\":\"no\",\"y\":[[{}]]}}\n{\"x\":{\"t\":\"no\"}}\n",
		"twice":             "{\"t\":\"a\",\"t\":\"b\"}\n{}\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, facts := ndjson.sameAtAnySplit(t, []byte(body))
			want, whole := values([]byte(body))
			if !whole || !facts.Whole {
				t.Errorf("whole %v, by encoding/json %v", facts.Whole, whole)
			}
			if len(got) != len(want) {
				t.Fatalf("%d lines, want %d", len(got), len(want))
			}
			for i := range got {
				if got[i].kind != KindContent || got[i].text != want[i] {
					t.Errorf("line %d: %+v, want %q", i, got[i], want[i])
				}
			}
		})
	}
}

// TestNDJSONOutOfOrder: what is no JSON costs its line and no other.
func TestNDJSONOutOfOrder(t *testing.T) {
	deep := strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)
	for _, tt := range []struct {
		name, body, want string
		whole            bool
		odd              string
	}{
		{"garbage line", "{\"t\":\"a\"}\nnothing {\"t\":\"x\"}\n{\"t\":\"b\"}\n", "a - b", true, "bad_json"},
		{"SSE line", "{\"t\":\"a\"}\ndata: {\"t\":\"x\"}\n{\"t\":\"b\"}\n", "a - b", true, "bad_json"},
		{"garbage at the end", "{\"t\":\"a\"}\noops", "a -", true, "bad_json"},
		{"cut inside a value", "{\"t\":\"a\"}\n{\"t\":\"b", "a", false, "value_truncated"},
		{"cut before the last brace", "{\"t\":\"a\"}\n{\"t\":\"b\"", "a", false, "value_truncated"},
		{"too deep", "{\"t\":\"a\"}\n" + deep + "\n{\"t\":\"b\"}\n", "a - b", true, "bad_json"},
		{"invalid UTF-8", "{\"t\":\"a\xff\"}\n{\"t\":\"b\"}\n", "a\xff b", true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, facts := ndjson.sameAtAnySplit(t, []byte(tt.body))
			var texts []string
			for _, d := range got {
				if d.kind != KindContent {
					d.text = "-"
				}
				texts = append(texts, d.text)
			}
			if s := strings.Join(texts, " "); s != tt.want || facts.Whole != tt.whole || oddNames(facts) != tt.odd {
				t.Errorf("%q whole=%v odd=%q, want %q %v %q", s, facts.Whole, oddNames(facts), tt.want, tt.whole, tt.odd)
			}
		})
	}
}

// FuzzNDJSON: any bytes are read alike at any split, and up to the first fault
// as encoding/json reads them.
func FuzzNDJSON(f *testing.F) {
	f.Add([]byte("{\"t\":\"a\"}\n{\"t\":\"b\"}\n"))
	f.Add([]byte("{\"t\":\"a\"}\r\n\r\n{bad}\n[1,2,{\"t\":3}]\n{\"t\":\"\\ud83e"))
	f.Add([]byte("{}{\"a\":{}}{\"t\":\"x\\u0000\"} 1.5e3 nul"))
	f.Fuzz(func(t *testing.T, body []byte) {
		body = append([]byte("{}\n"), body...)
		got, _ := ndjson.sameAtAnySplit(t, body)
		want, _ := values(body)
		if len(got) < len(want) {
			if fits(body) {
				t.Fatalf("%q: %d lines, encoding/json %d", body, len(got), len(want))
			}
			return
		}
		for i, text := range want {
			if got[i].kind != KindContent || !sameText(got[i].text, text) {
				if fits(body) {
					t.Fatalf("%q: line %d is %+v, want %q", body, i, got[i], text)
				}
				return
			}
		}
	})
}

// sameText compares a text with what encoding/json made of it: it replaces
// invalid UTF-8, and only the first textCap bytes are kept here.
func sameText(got, want string) bool {
	if len(got) == textCap {
		return true
	}
	return strings.ToValidUTF8(got, "") == strings.ReplaceAll(strings.ToValidUTF8(want, ""), "\uFFFD", "") ||
		strings.ReplaceAll(strings.ToValidUTF8(got, ""), "\uFFFD", "") == strings.ReplaceAll(want, "\uFFFD", "")
}

// fits reports whether no value of a body is nested too deep for the scanner.
func fits(body []byte) bool {
	return bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) <= maxDepth
}

func TestNDJSONKeepsCountOfManyLines(t *testing.T) {
	var b bytes.Buffer
	for i := range 5000 {
		fmt.Fprintf(&b, "{\"t\":\"line %d\"}\n", i)
	}
	got, facts := ndjson.record(b.Bytes(), 9)
	if len(got) != 5000 || got[4999].text != "line 4999" || facts.Events != 5000 || !facts.Whole {
		t.Errorf("%d lines, the last %+v", len(got), got[len(got)-1])
	}
}
