package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// record is a sink that writes down what it is given.
type record struct{ lines []string }

func (r *record) value(at slot, v *value) {
	line := fmt.Sprintf("%d ", at)
	switch v.form {
	case formOpen, formClose:
		line += map[form]string{formOpen: "open", formClose: "close"}[v.form]
		if v.array {
			line += "[]"
		}
		if v.some {
			line += " some"
		}
	case formString:
		line += fmt.Sprintf("%q some=%v", v.text, v.some)
		if len(v.tail) > 0 {
			line += fmt.Sprintf(" tail=%d", len(v.tail))
		}
	case formKey:
		line += fmt.Sprintf("key %q", v.text)
	case formNumber:
		line += string(v.text)
	default:
		line += map[form]string{formNull: "null", formTrue: "true", formFalse: "false"}[v.form]
	}
	r.lines = append(r.lines, line)
}

// scanAll reads one document pushed in pieces of the given sizes (the last one
// repeats) and reports whether it was valid and nothing followed.
func scanAll(root *node, doc []byte, sizes ...int) (lines []string, valid bool) {
	r := &record{}
	s := &scanner{root: root, sink: r}
	s.reset()
	rest := false
	for i := 0; len(doc) > 0; i++ {
		n := len(doc)
		if len(sizes) > 0 {
			n = min(n, sizes[min(i, len(sizes)-1)])
		}
		piece := bytes.Clone(doc[:n])
		if s.push(piece) < n {
			rest = true
		}
		for j := range piece {
			piece[j] = '#'
		}
		doc = doc[n:]
	}
	return r.lines, s.finish() && !rest
}

func TestGrammar(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, tt := range []struct {
		name, doc string
		want      bool
	}{
		{"empty", "", false},
		{"blanks", " \n\r\t", false},
		{"null", "null", true},
		{"true", "true", true},
		{"false", "false", true},
		{"capital literal", "True", false},
		{"cut literal", "tru", false},
		{"long literal", "truee", false},
		{"wrong literal", "nulL", false},
		{"literal among blanks", " true ", true},
		{"zero", "0", true},
		{"minus zero", "-0", true},
		{"leading zero", "01", false},
		{"minus alone", "-", false},
		{"plus", "+1", false},
		{"fraction", "1.5", true},
		{"no digits after point", "1.", false},
		{"no digits before point", ".5", false},
		{"exponent", "1e5", true},
		{"capital exponent with sign", "1E+5", true},
		{"negative exponent of zero", "0e-1", true},
		{"no digits in exponent", "1e", false},
		{"sign only in exponent", "1e-", false},
		{"two points", "1.2.3", false},
		{"two exponents", "1e2e3", false},
		{"point in exponent", "1e2.3", false},
		{"hexadecimal", "0x10", false},
		{"infinity", "Infinity", false},
		{"not a number", "NaN", false},
		{"number and blank", "12 ", true},
		{"two numbers", "1 2", false},
		{"string", `"a"`, true},
		{"empty string", `""`, true},
		{"open string", `"a`, false},
		{"single quotes", `'a'`, false},
		{"all escapes", `"\"\\\/\b\f\n\r\t\u00e9"`, true},
		{"unknown escape", `"\x"`, false},
		{"short unicode escape", `"\u12"`, false},
		{"bad unicode escape", `"\u12g4"`, false},
		{"control character", "\"a\nb\"", false},
		{"delete character", "\"\x7f\"", true},
		{"zero byte", "\"\x00\"", false},
		{"control in the eighth place", "\"1234567\x1f\"", false},
		{"bad UTF-8", "\"\xff\"", true},
		{"empty object", "{}", true},
		{"empty array", "[]", true},
		{"blank object", "{ \n}", true},
		{"blank array", "[ \n]", true},
		{"object", `{"a":1,"b":[true,{"c":null}]}`, true},
		{"spaced object", ` { "a" : 1 , "b" : [ ] } `, true},
		{"trailing comma in object", `{"a":1,}`, false},
		{"trailing comma in array", `[1,]`, false},
		{"leading comma", `[,1]`, false},
		{"missing comma", `[1 2]`, false},
		{"missing colon", `{"a" 1}`, false},
		{"missing value", `{"a":}`, false},
		{"missing key", `{:1}`, false},
		{"number as key", `{1:1}`, false},
		{"wrong bracket", `[1}`, false},
		{"wrong brace", `{"a":1]`, false},
		{"open object", `{"a":1`, false},
		{"open array", `[1`, false},
		{"closed twice", `[]]`, false},
		{"comment", `[1/*x*/]`, false},
		{"two documents", `{}{}`, false},
		{"text behind", `{} x`, false},
		{"number at the end of an array", `[1]`, true},
		{"number before a blank", `[1 ]`, true},
		{"literal before a bracket", `[true]`, true},
		{"as deep as allowed", deep(maxDepth), true},
		{"too deep", deep(maxDepth + 1), false},
		{"long key", `{"` + strings.Repeat("k", 5000) + `":1}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := scanAll(compile(), []byte(tt.doc)); got != tt.want {
				t.Errorf("%.60q at once: valid = %v, want %v", tt.doc, got, tt.want)
			}
			if _, got := scanAll(compile(), []byte(tt.doc), 1); got != tt.want {
				t.Errorf("%.60q byte by byte: valid = %v, want %v", tt.doc, got, tt.want)
			}
			if std := json.Valid([]byte(tt.doc)); std != tt.want && tt.name != "too deep" {
				t.Errorf("%.60q: the table says %v, encoding/json %v", tt.doc, tt.want, std)
			}
		})
	}
}

func TestPathsSelect(t *testing.T) {
	const a, b, c slot = 1, 2, 3
	for _, tt := range []struct {
		name  string
		paths []path
		doc   string
		want  []string
	}{
		{"member", []path{{path: "a", slot: a}}, `{"b":1,"a":"x"}`, []string{`1 "x" some=true`}},
		{"empty string", []path{{path: "a", slot: a}}, `{"a":""}`, []string{`1 "" some=false`}},
		{"case matters", []path{{path: "stream", slot: a}}, `{"Stream":true,"STREAM":true}`, nil},
		{
			"escaped key",
			[]path{{path: "stream", slot: a}},
			`{"str\u0065am":true}`,
			[]string{"1 true"},
		},
		{
			"prefix is not enough",
			[]path{{path: "stream", slot: a}},
			`{"stream_options":1,"strea":1}`,
			nil,
		},
		{"repeated key", []path{{path: "a", slot: a}}, `{"a":1,"a":2}`, []string{"1 1", "1 2"}},
		{
			"nested",
			[]path{{path: "a.b.c", slot: a}},
			`{"a":{"b":{"c":7},"c":8},"c":9}`,
			[]string{"1 7"},
		},
		{"through null", []path{{path: "a.b", slot: a}}, `{"a":null}`, nil},
		{"through a string", []path{{path: "a.b", slot: a}}, `{"a":"b"}`, nil},
		{"through an array", []path{{path: "a.b", slot: a}}, `{"a":[{"b":1}]}`, nil},
		{
			"elements",
			[]path{{path: "a[]", slot: a}},
			`{"a":[1,"x",null,[2]]}`,
			[]string{"1 1", `1 "x" some=true`, "1 null", "1 open[]", "1 close[] some"},
		},
		{
			"members of elements",
			[]path{{path: "a[].b", slot: a}},
			`{"a":[{"b":1},{"c":2},{"b":3}]}`,
			[]string{"1 1", "1 3"},
		},
		{"elements of an object", []path{{path: "a[].b", slot: a}}, `{"a":{"b":1}}`, nil},
		{
			"containers",
			[]path{{path: "a", slot: a}, {path: "b", slot: b}},
			`{"a":{},"b":[0]}`,
			[]string{"1 open", "1 close", "2 open[]", "2 close[] some"},
		},
		{"document", []path{{path: "", slot: a}}, `{"x":1}`, []string{"1 open", "1 close some"}},
		{
			"elements of the document",
			[]path{{path: "[].a", slot: a}},
			`[{"a":1},{"a":2}]`,
			[]string{"1 1", "1 2"},
		},
		{
			"two levels of arrays",
			[]path{{path: "a[][]", slot: a}},
			`{"a":[[1],[2,3]]}`,
			[]string{"1 1", "1 2", "1 3"},
		},
		{
			"presence only",
			[]path{{path: "a", slot: a, keep: keepNone}},
			`{"a":"secret"}`,
			[]string{`1 "" some=true`},
		},
		{
			"numbers as they are",
			[]path{{path: "a[]", slot: a}},
			`{"a":[1.50,-0,1E+2]}`,
			[]string{"1 1.50", "1 -0", "1 1E+2"},
		},
		{
			"order of the document",
			[]path{{path: "b", slot: b}, {path: "a", slot: a}, {path: "c", slot: c}},
			`{"c":1,"a":2,"b":3}`,
			[]string{"3 1", "1 2", "2 3"},
		},
		{
			"shared and own",
			[]path{{path: "a", slot: a}, {path: "a", slot: firstOwn}},
			`{"a":true}`,
			[]string{"1 true", "64 true"},
		},
		{
			"escapes",
			[]path{{path: "a", slot: a}},
			`{"a":"\"\\\/\b\f\n\r\tAé"}`,
			[]string{`1 "\"\\/\b\f\n\r\tAé" some=true`},
		},
		{
			"surrogate pair",
			[]path{{path: "a", slot: a}},
			`{"a":"\ud83e\udd89"}`,
			[]string{`1 "🦉" some=true`},
		},
		{
			"lone high surrogate",
			[]path{{path: "a", slot: a}},
			`{"a":"\ud83ex\ud83e"}`,
			[]string{`1 "` + "\ufffdx\ufffd" + `" some=true`},
		},
		{
			"lone low surrogate",
			[]path{{path: "a", slot: a}},
			`{"a":"\udd89"}`,
			[]string{`1 "` + "\ufffd" + `" some=true`},
		},
		{
			"two high surrogates",
			[]path{{path: "a", slot: a}},
			`{"a":"\ud83e\ud83e\udd89"}`,
			[]string{`1 "` + "\ufffd🦉" + `" some=true`},
		},
		{
			"high surrogate before an escape",
			[]path{{path: "a", slot: a}},
			`{"a":"\ud83e\n"}`,
			[]string{`1 "` + "\ufffd" + `\n" some=true`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, sizes := range [][]int{nil, {1}, {2}, {3, 1}, {7}} {
				got, valid := scanAll(compile(tt.paths), []byte(tt.doc), sizes...)
				if !valid {
					t.Errorf("pieces %v: not valid", sizes)
				}
				if strings.Join(got, "|") != strings.Join(tt.want, "|") {
					t.Errorf("pieces %v:\n got %q\nwant %q", sizes, got, tt.want)
				}
			}
		})
	}
}

func TestKeysAreReported(t *testing.T) {
	root := compile()
	root.keys = 9
	got, _ := scanAll(root, []byte(`{"b":{"inner":1},"a":[{"x":2}],"b":3}`), 2)
	want := []string{`9 key "b"`, `9 key "a"`, `9 key "b"`}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTextsAreCapped(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	for _, tt := range []struct {
		name string
		keep keep
		tail int
	}{{"head", keepText, 0}, {"head and tail", keepEnds, tailCap}} {
		t.Run(tt.name, func(t *testing.T) {
			for _, sizes := range [][]int{nil, {1}, {100}, {5000}} {
				var text, tail []byte
				s := &scanner{root: compile([]path{{path: "a", slot: 1, keep: tt.keep}}), sink: sinkFunc(func(_ slot, v *value) {
					text, tail = bytes.Clone(v.text), bytes.Clone(v.tail)
				})}
				s.reset()
				for doc := []byte(`{"a":"` + long + `"}`); len(doc) > 0; {
					n := len(doc)
					if len(sizes) > 0 {
						n = min(n, sizes[0])
					}
					s.push(doc[:n])
					doc = doc[n:]
				}
				if string(text) != long[:textCap] {
					t.Errorf("pieces %v: text has %d bytes, want the first %d", sizes, len(text), textCap)
				}
				if string(tail) != long[len(long)-tt.tail:] {
					t.Errorf("pieces %v: tail %q, want the last %d bytes", sizes, tail, tt.tail)
				}
				if cap(s.tok.buf) > 4*textCap {
					t.Errorf("pieces %v: the scanner holds %d bytes", sizes, cap(s.tok.buf))
				}
			}
		})
	}
}

type sinkFunc func(at slot, v *value)

func (f sinkFunc) value(at slot, v *value) { f(at, v) }

func TestScannerStopsBehindTheDocument(t *testing.T) {
	for _, tt := range []struct {
		doc  string
		used int
	}{
		{
			`{} {"a":1}`,
			3}, {`{}`,
			2}, {"{}\n\n",
			4}, {`[1]data: [DONE]`,
			3}, {`12 "x"`,
			3}, {`"a""b"`,
			3,
		},
	} {
		s := &scanner{root: compile(), sink: &record{}}
		s.reset()
		if got := s.push([]byte(tt.doc)); got != tt.used {
			t.Errorf("%q: used %d bytes, want %d", tt.doc, got, tt.used)
		}
	}
}

func TestTruth(t *testing.T) {
	for doc, want := range map[string]bool{
		"null": false, "true": true, "false": false, "0": false, "-0.0": false, "0e5": false, "0.1": true, "10": true,
		`""`: false, `"x"`: true, "{}": false, `{"a":1}`: true, "[]": false, "[0]": true,
	} {
		var got bool
		s := &scanner{root: compile([]path{{path: "", slot: 1}}), sink: sinkFunc(func(_ slot, v *value) { got = v.truthy() })}
		s.reset()
		s.push([]byte(doc))
		s.finish()
		if got != want {
			t.Errorf("%s: truthy = %v, want %v", doc, got, want)
		}
	}
}

// TestCompileKeepsBranchesApart builds a tree whose names share hash buckets.
func TestCompileKeepsBranchesApart(t *testing.T) {
	var paths []path
	want := map[string]slot{}
	for i := range 60 {
		name := fmt.Sprintf("k%c%d", 'a'+i%26, i)
		paths = append(paths, path{path: name + ".v", slot: slot(i + 1)})
		want[name] = slot(i + 1)
	}
	root := compile(paths)
	for name, at := range want {
		if got := root.child([]byte(name)).child([]byte("v")); got == nil || got.slot != at {
			t.Errorf("%s leads to %+v, want slot %d", name, got, at)
		}
	}
	if got := root.child([]byte("nothing")); got != nil {
		t.Errorf("unknown name leads to %+v", got)
	}
	if got := root.child(nil); got != nil {
		t.Errorf("empty name leads to %+v", got)
	}
}
