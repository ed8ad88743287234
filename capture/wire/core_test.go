package wire

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// tape is a hash that keeps what it is fed.
type tape struct{ bytes.Buffer }

func (t *tape) Sum(b []byte) []byte { return append(b, t.Bytes()...) }
func (*tape) Size() int             { return 0 }
func (*tape) BlockSize() int        { return 1 }

// fed returns what core passes on of a body pushed in pieces.
func fed(body []byte, sizes func() int) string {
	t := &tape{}
	c := core{hash: t}
	for len(body) > 0 {
		n := min(len(body), sizes())
		c.push(body[:n])
		body = body[n:]
	}
	c.flushName()
	c.flush()
	return t.String()
}

func entire() int { return 1 << 30 }
func one() int    { return 1 }

func pieces(seed uint64) func() int {
	r := rand.New(rand.NewPCG(seed, 3))
	return func() int { return 1 + r.IntN(13) }
}

func TestCoreFeeds(t *testing.T) {
	long := `"` + strings.Repeat("n", 1000) + `"`
	for _, tt := range []struct{ name, body, want string }{
		{"empty object", `{}`, `{}`},
		{"blanks", " {\n} ", `{} `},
		{"one member", `{ "a" : 1 }`, `{"a":1}`},
		{"blanks inside texts stay", `{ "a b" : " c " }`, `{"a b":" c "}`},
		{"only stream", `{"stream":true}`, `{}`},
		{"only both", `{"stream":true,"stream_options":{"a":[1,2]}}`, `{}`},
		{"first", `{"stream":true,"a":1}`, `{"a":1}`},
		{"middle", `{"a":1,"stream":true,"b":2}`, `{"a":1,"b":2}`},
		{"last", `{"a":1,"stream":true}`, `{"a":1}`},
		{"twice", `{"stream":true,"a":1,"stream":false}`, `{"a":1}`},
		{
			"nested stays",
			`{"a":{"stream":true,"b":[{"stream":1}]}}`,
			`{"a":{"stream":true,"b":[{"stream":1}]}}`,
		},
		{"commas inside stay", `{"a":[1, 2, {"b":3, "c":4}]}`, `{"a":[1,2,{"b":3,"c":4}]}`},
		{"as a value", `{"a":"stream","b":["stream"]}`, `{"a":"stream","b":["stream"]}`},
		{
			"text with quotes",
			`{"a":"x\"stream\":true,\\","stream":"\"}"}`,
			`{"a":"x\"stream\":true,\\"}`,
		},
		{"another case", `{"Stream":true}`, `{"Stream":true}`},
		{
			"longer name",
			`{"streams":1,"stream_option":2,"xstream":3}`,
			`{"streams":1,"stream_option":2,"xstream":3}`,
		},
		{
			"very long name",
			`{"a":1,` + long + `:2,"stream":3,"b":4}`,
			`{"a":1,` + long + `:2,"b":4}`,
		},
		{"very long name first", `{` + long + `:2,"b":4}`, `{` + long + `:2,"b":4}`},
		{"empty name", `{"":1,"stream":2}`, `{"":1}`},
		{"list", `[ 1, {"stream":true} ]`, `[ 1, {"stream":true} ]`},
		{"form", `a=b & stream=true`, `a=b & stream=true`},
		{"behind the object", `{"stream":1} {"stream":2}`, `{} {"stream":2}`},
		{"cut in a name", `{"a":1,"str`, `{"a":1,"str`},
		{"cut in the flag", `{"a":1,"stream":tr`, `{"a":1`},
		{"no names", `{1,2}`, `{1,2}`},
		{"nothing", ``, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, sizes := range map[string]func() int{"at once": entire, "byte by byte": one, "at random": pieces(1)} {
				if got := fed([]byte(tt.body), sizes); got != tt.want {
					t.Errorf("%s: %.200q, want %.200q", name, got, tt.want)
				}
			}
		})
	}
}

// TestCoreAgreesWithARereading compares core with a reader that may hold the
// whole body, on every recorded request, with and without stream members.
func TestCoreAgreesWithARereading(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := bytes.Cut(a.Files[0].Data, []byte("\n\n"))
		if len(bytes.TrimSpace(body)) == 0 {
			continue // a GET asks without a body
		}
		want := reread(t, body)
		for seed := range uint64(5) {
			if got := strings.TrimSpace(fed(body, pieces(seed))); got != want {
				t.Fatalf("%s:\n got %.300s\nwant %.300s", file, got, want)
			}
		}
	}
}

// reread writes an object's members, less the two, without blanks.
func reread(t *testing.T, body []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		t.Fatalf("no object: %.100q", body)
	}
	var members []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			t.Fatal(err)
		}
		if name == "stream" || name == "stream_options" {
			continue
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			t.Fatal(err)
		}
		members = append(members, `"`+name.(string)+`":`+compact.String())
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestCoreWithoutHashDoesNothing(t *testing.T) {
	var c core
	c.push([]byte(`{"a":1}`))
	c.flushName()
	c.flush()
	if len(c.out) != 0 || len(c.key) != 0 {
		t.Errorf("it holds %q and %q", c.out, c.key)
	}
}
