package report_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"llmtap/internal/call"
	"llmtap/internal/report"
)

// evil is text that would run, load, steer or hide something wherever it is
// taken at its word: the shared corpus, and what JSON cannot hold.
func evil(t testing.TB) []string {
	t.Helper()
	var out []string
	b, err := os.ReadFile("testdata/hostile.json")
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil || len(out) < 30 {
		t.Fatalf("%d texts, %v", len(out), err)
	}
	return append(out, "\xff\xfe\xc0\xaf", strings.Repeat("W", 5000), strings.Repeat("😀", 900))
}

// fill puts text into every string that v holds, and one element into every
// empty list.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				fill(f, text)
			}
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem(), text)
		}
	}
}

// poisoned is the story of #1208 with text in every string of every record and
// finding. Only the ids stay different where the story needs it.
func poisoned(text string) report.Input {
	in := story1208()
	bad := plain("", 50, streamed, cutOff)
	in.Records = append([]call.Record{bad}, in.Records...)
	for i := range in.Records {
		r := &in.Records[i]
		fill(reflect.ValueOf(r).Elem(), text)
		r.Identity.ID += strings.Repeat("i", i)
		r.Identity.Logical += strings.Repeat("l", i/2)
		r.Request.Method, r.Target.Scheme = "POST", "https"
	}
	f := &in.Findings[0]
	state := f.State
	fill(reflect.ValueOf(f).Elem(), text)
	f.State, f.Target = state, in.Records[3].Target
	f.Evidence = call.Evidence{Failing: []string{in.Records[3].Identity.ID}, Working: []string{in.Records[1].Identity.ID}}
	odd := *f
	odd.State = text
	in.Findings = append(in.Findings, odd)
	in.Tool, in.Target = text, text
	return in
}

// hostile is poisoned, with calls whose names are in order beside it.
func hostile(text string) report.Input {
	in := poisoned(text)
	in.Records = append(in.Records, story1208().Records...)
	return in
}

// Elements and attributes that the page itself uses; nothing else may appear.
var (
	elements = strings.Fields("wbr html head meta title style body header main section article footer p h1 h2 h3 h4 strong b span code pre br a bdi div ul li dl dt dd " +
		"table caption thead tbody tfoot tr th td svg circle path line")
	attributes = strings.Fields("lang dir charset http-equiv content name class id aria-labelledby aria-hidden role tabindex href scope colspan rowspan " +
		"viewbox width height preserveaspectratio x1 x2 y1 y2 cx cy r d")
)

// inert fails unless the page is a page of ours: known elements and attributes,
// links within itself, no script, nothing loaded, no character that steers.
func inert(t *testing.T, page string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		switch n.Type {
		case html.CommentNode:
			t.Errorf("a comment: %q", n.Data)
		case html.TextNode:
			if i := strings.IndexFunc(n.Data, steers); i >= 0 {
				t.Errorf("a character that steers in %q", n.Data[max(0, i-20):min(len(n.Data), i+20)])
			}
		case html.ElementNode:
			if !slices.Contains(elements, n.Data) {
				t.Errorf("element <%s>", n.Data)
			}
			for _, a := range n.Attr {
				if !slices.Contains(attributes, strings.ToLower(a.Key)) {
					t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
				}
				if a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("a link to %q", a.Val)
				}
				if (a.Key == "id" || a.Key == "href") && strings.ContainsFunc(strings.TrimPrefix(a.Val, "#"), func(c rune) bool { return c != '-' && !unicode.IsLower(c) && !unicode.IsDigit(c) }) {
					t.Errorf("%s=%q", a.Key, a.Val)
				}
			}
		}
	}
}

func steers(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029')
}

// TestHostileTextIsText: whatever stands in whichever field, the page is inert
// and the text can be read in it.
func TestHostileTextIsText(t *testing.T) {
	for _, text := range evil(t) {
		page := write(t, poisoned(text))
		inert(t, page)
		if len(page) < 10_000 {
			t.Errorf("%q: a page of %d bytes lost something", text, len(page))
		}
	}
	page := html.UnescapeString(write(t, poisoned("a\u202eb\x1bc")))
	if !strings.Contains(page, "a⟨U+202E⟩b⟨U+001B⟩c") {
		t.Error("a direction mark and an escape are not made visible")
	}
}

// TestEveryStoryIsInert: the page needs nothing but itself.
func TestEveryStoryIsInert(t *testing.T) {
	for name, in := range stories(t) {
		t.Run(name, func(t *testing.T) { inert(t, write(t, in)) })
	}
}

func FuzzWrite(f *testing.F) {
	for _, text := range evil(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { inert(t, write(t, poisoned(text))) })
}

// canary stands for what must not leave the machine.
const canary = "canary5f1e"

// TestWhatIsPrivateStaysOut: content, people, addresses and digests are no part
// of a report.
func TestWhatIsPrivateStaysOut(t *testing.T) {
	in := story1208()
	for i := range in.Records {
		r := &in.Records[i]
		r.Content = call.Content{Request: canary, Response: canary}
		r.Client.User, r.Client.Address, r.Client.UserAgent, r.Client.Process.Name = canary, canary, canary, canary
		r.Agent.PeerAddress, r.Agent.Conn = canary, canary
		r.Request.Hints.InvocationID = canary
		r.Request.Hints.Headers = []call.Header{{Name: "user-agent", Value: canary}}
		if err := r.Target.Auth.UnmarshalText([]byte("api_key:" + canary)); err != nil {
			t.Fatal(err)
		}
		for _, d := range []*call.Digest{&r.Request.Hints.Body, &r.Request.Hints.Core} {
			if err := d.UnmarshalText([]byte(canary)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if page := write(t, in); strings.Contains(page, canary) {
		i := strings.Index(page, canary)
		t.Errorf("…%s…", page[max(0, i-200):i+40])
	}
}

// TestKeysAreMaskedWhereverTheyStand: a key that a client put into the wrong
// setting is known by its form.
func TestKeysAreMaskedWhereverTheyStand(t *testing.T) {
	for _, key := range []string{"sk-proj-" + strings.Repeat("Ab3xYz90", 6), "AIza" + strings.Repeat("Ab3xYz9", 5), "ghp_" + strings.Repeat("Ab3xYz", 6)} {
		page := write(t, poisoned(key))
		if i := strings.Index(page, key[:20]); i >= 0 {
			t.Errorf("%s: …%s…", key, page[max(0, i-200):i+40])
		}
		if !strings.Contains(page, "REDACTED") {
			t.Errorf("%s: no mark where it stood", key)
		}
	}
}

// TestSizeIsBounded by MaxBytes for the longest texts in every field of very
// many different calls, clients, targets and verdicts.
func TestSizeIsBounded(t *testing.T) {
	var in report.Input
	for _, text := range []string{strings.Repeat(`"`, 2000), strings.Repeat("\u202e", 2000), strings.Repeat("😀", 2000), strings.Repeat("`'", 2000), strings.Repeat("\n", 2000)} {
		in = report.Input{Made: noon}
		for i := range 120 {
			r := plain("", float64(i*60), streamed, cutOff)
			mark := strings.Repeat("x", i%60) + string(rune('a'+i%26))
			fill(reflect.ValueOf(&r).Elem(), mark+text)
			r.Identity.ID, r.Identity.Logical, r.Identity.Attempt = mark+"-"+time.Duration(i).String()+text, mark+time.Duration(i/4).String(), 1+i%4
			r.Request.Method, r.Target.Scheme, r.Target.Port = "POST", "https", i%100
			r.Diagnosis.Class = call.Classes()[1+i%40]
			in.Records = append(in.Records, r)
			var f call.Finding
			fill(reflect.ValueOf(&f).Elem(), mark+text)
			f.State, f.Evidence = "confirmed", call.Evidence{Failing: []string{r.Identity.ID}}
			for range 100 {
				f.Remedy, f.Difference, f.ConfoundedBy = append(f.Remedy, f.Remedy[0]), append(f.Difference, f.Difference[0]), append(f.ConfoundedBy, f.ConfoundedBy[0])
			}
			in.Findings = append(in.Findings, f)
		}
		in.Tool, in.Target = text, text
		if page := write(t, in); len(page) > report.MaxBytes {
			t.Errorf("%q…: %d bytes, at most %d", text[:4], len(page), report.MaxBytes)
		} else {
			t.Logf("%q…: %d bytes", text[:4], len(page))
		}
	}
}
