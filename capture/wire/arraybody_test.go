package wire

import (
	"bytes"
	"encoding/json"
	"testing"
)

var jsonArray = framing{media: "application/json", array: true}

// elements reads an array as the wire-format rules say a client does: token [,
// values while there are more, token ]. whole is false where that fails.
func elements(body []byte) (texts []string, whole bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, false
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return texts, false
		}
		if openNumber(body, d.InputOffset()) {
			return texts, false
		}
		texts = append(texts, textOf(raw))
	}
	t, err := d.Token()
	return texts, err == nil && t == json.Delim(']')
}

// sameAsElements compares the decoder with elements.
func sameAsElements(t *testing.T, body []byte) ([]told, Facts) {
	t.Helper()
	got, facts := jsonArray.sameAtAnySplit(t, body)
	want, whole := elements(body)
	if facts.Framing.String() != "json_array" {
		return got, facts
	}
	if whole != facts.Done {
		t.Fatalf("%q: closed %v, by encoding/json %v", body, facts.Done, whole)
	}
	if len(got) != len(want) {
		t.Fatalf("%q: %d elements, want %d", body, len(got), len(want))
	}
	for i, text := range want {
		if got[i].kind != KindContent || !sameText(got[i].text, text) {
			t.Fatalf("%q: element %d is %+v, want %q", body, i, got[i], text)
		}
	}
	return got, facts
}

// TestArrayAgainstEncodingJSON compares the elements with what another reader
// finds, also when the array is cut after each of its bytes.
func TestArrayAgainstEncodingJSON(t *testing.T) {
	for name, body := range map[string]string{
		"empty":      "[]",
		"one":        `[{"t":"a"}]`,
		"piecewise":  "[{\n  \"t\": \"a\"\n}\n,\r\n{\"t\":\"b\"}\n,\n{\"t\":\"c\"}\n]\n",
		"strings":    `[{"t":"],[{\"\\"},{"x":"]","t":"b"}]`,
		"nested":     `[{"x":[[],[{"t":"no"}]],"t":"a"},{"x":{"t":"no"}}]`,
		"no objects": `[1, "s" ,true,null,[],{"t":"a"}]`,
		"escapes":    `[{"t":"\ud83e\udd89\u0041"},{"t":"é"}]`,
		"blanks":     "[ \n\t{\"t\":\"a\"} \r\n , {\"t\":\"b\"} ] ",
	} {
		t.Run(name, func(t *testing.T) {
			_, facts := sameAsElements(t, []byte(body))
			if !facts.Whole || !facts.Done || len(facts.Oddities) > 0 {
				t.Errorf("whole=%v done=%v %v", facts.Whole, facts.Done, facts.Oddities)
			}
			closing := bytes.LastIndexByte([]byte(body), ']')
			for n := 1; n <= closing; n++ {
				if _, facts := sameAsElements(t, []byte(body[:n])); facts.Whole || facts.Done {
					t.Fatalf("cut after %d bytes of %q: whole", n, body)
				}
			}
		})
	}
}

// TestArrayOutOfOrder: behind what is no JSON nothing is read, and nothing is
// called complete.
func TestArrayOutOfOrder(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		events     int
		done       bool
		odd        string
	}{
		{"no comma", `[{"t":"a"} {"t":"b"}]`, 1, false, "bad_json"},
		{"comma at the end", `[{"t":"a"},]`, 1, false, "bad_json"},
		{"bad element", `[{"t":"a"},{t:1},{"t":"b"}]`, 1, false, "bad_json"},
		{"two commas", `[{"t":"a"},,{"t":"b"}]`, 1, false, "bad_json"},
		{"something behind", `[{"t":"a"}]{"t":"b"}`, 1, true, "bad_json"},
		{"brace for bracket", `[{"t":"a"}}`, 1, false, "bad_json"},
		{"BOM", "\xef\xbb\xbf[{\"t\":\"a\"}]", 1, true, "bom"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, facts := jsonArray.sameAtAnySplit(t, []byte(tt.body))
			if facts.Events != tt.events || facts.Done != tt.done || oddNames(facts) != tt.odd {
				t.Errorf("%d events done=%v odd=%q, want %d %v %q", facts.Events, facts.Done, oddNames(facts), tt.events, tt.done, tt.odd)
			}
		})
	}
}

// FuzzArray: any bytes are read alike at any split; arrays whose elements are
// JSON as encoding/json reads them.
func FuzzArray(f *testing.F) {
	for _, seed := range []string{`{"t":"a"},{"t":"b"}]`, `{"t":"]"}` + "\n,\n" + `[1,2],{}]`, `{"t":"a"},`, `1 , "x" ]]`, "]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = append([]byte("["), body...)
		_, facts := jsonArray.sameAtAnySplit(t, body)
		if !fits(body) || oddNames(facts) != "" {
			return
		}
		sameAsElements(t, body)
	})
}
