package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzJSONWalker compares validity and the values found with encoding/json, and
// one push with many.
func FuzzJSONWalker(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","b":{"c":1.5},"l":[true,null,"é"]}`, `{"a":"\ud83e\udd89\n\u0000"}`, `{"a":[{"a":1}],"l":{}}`,
		` [1, 2 ]`, `"a`, `{"a":1}{"a":2}`, `-0.0e+1`, "{\"a\":\"\xff\xc3\"}", `{"a":01}`, `{"a":1,"a":"2"}`,
	} {
		f.Add([]byte(seed), uint64(1))
	}
	root := compile([]path{{path: "a", slot: 1}, {path: "b.c", slot: 2}, {path: "l[]", slot: 3}})
	f.Fuzz(func(t *testing.T, doc []byte, seed uint64) {
		once, valid := scanAll(root, doc)
		r := rand.New(rand.NewPCG(seed, 1))
		var sizes []int
		for range 64 {
			sizes = append(sizes, 1+r.IntN(9))
		}
		cut, cutValid := scanAll(root, doc, sizes...)
		if valid != cutValid || strings.Join(once, "\n") != strings.Join(cut, "\n") {
			t.Fatalf("one push: %v %q\nmany: %v %q", valid, once, cutValid, cut)
		}
		if depth(doc) > maxDepth {
			return
		}
		if std := json.Valid(doc); std != valid {
			t.Fatalf("valid = %v, encoding/json says %v", valid, std)
		}
		if valid {
			compareValues(t, doc, once)
		}
	})
}

// depth is at least the nesting of a document.
func depth(doc []byte) int { return bytes.Count(doc, []byte("[")) + bytes.Count(doc, []byte("{")) }

// compareValues checks the last scalar at each path against encoding/json.
func compareValues(t *testing.T, doc []byte, lines []string) {
	t.Helper()
	var fields map[string]json.RawMessage
	if json.Unmarshal(doc, &fields) != nil {
		return // no object
	}
	want := scalar(fields["a"])
	got := ""
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, "1 "); ok {
			got = rest
		}
	}
	if want != "" && got != want {
		t.Fatalf("a is %s, encoding/json says %s", got, want)
	}
}

// scalar writes a value as record does; "" for containers and absent ones.
func scalar(raw json.RawMessage) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return ""
	}
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprint(v)
	case json.Number:
		if len(v) > textCap {
			return ""
		}
		return v.String()
	case string:
		if len(v) > textCap || !utf8.Valid(raw) {
			return ""
		}
		return fmt.Sprintf("%q some=%v", v, v != "")
	}
	return ""
}

func BenchmarkPlainString(b *testing.B) {
	s := &scanner{root: compile(), sink: &record{}}
	doc := []byte(`{"input":"` + strings.Repeat("The owl sees at night. ", 4000) + `"}`)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		s.reset()
		s.push(doc)
	}
}
