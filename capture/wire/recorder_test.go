package wire

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// told is one event of a recorder: the name it came with, the string at "t",
// and its kind; a broken document is other.
type told struct {
	name, text string
	kind       Kind
}

// recorder is a dialect that writes down its documents, for tests of framers.
type recorder struct {
	text string
	list []told
}

const recorded = firstOwn

func (r *recorder) value(_ slot, v *value, _ *tally) {
	if v.form == formString {
		r.text = string(v.text)
	}
}

func (r *recorder) event(name []byte, _ *tally) Kind {
	r.list = append(r.list, told{name: string(name), text: r.text})
	r.text = ""
	return KindContent
}

// framing is how a recorded body comes.
type framing struct {
	media          string
	array, wrapped bool
}

// record decodes a body in cuts of random size, or at once with seed 0.
func (f framing) record(body []byte, seed uint64) ([]told, Facts) {
	rec := &recorder{}
	head := ResponseHead{Status: 200, MediaType: f.media}
	row := &format{open: func() dialect { return rec }, tree: responseTree([]path{{path: "t", slot: recorded}}), wrapped: f.wrapped}
	r := &Response{head: head, array: f.array}
	r.dec.open(row, head)
	var out []told
	emit := func(k Kind) {
		d := told{kind: k}
		if n := len(rec.list); n > 0 && k == KindContent { // exceptions and broken documents have no text
			d = rec.list[n-1]
			d.kind = k
		}
		out = append(out, d)
	}
	random := rand.New(rand.NewPCG(seed, 3))
	for len(body) > 0 {
		n := len(body)
		if seed > 0 {
			n = 1 + random.IntN(min(n, 30))
		}
		piece := append([]byte(nil), body[:n]...)
		r.Push(piece, emit)
		for i := range piece {
			piece[i] = '#'
		}
		body = body[n:]
	}
	r.Close(true, emit)
	return out, r.Facts()
}

// sameAtAnySplit fails unless a body is read alike however it arrives, and
// returns what is read.
func (f framing) sameAtAnySplit(t *testing.T, body []byte) ([]told, Facts) {
	t.Helper()
	want, facts := f.record(body, 0)
	for seed := range uint64(12) {
		got, cut := f.record(body, seed+1)
		if !equalTold(want, got) || cut.Counts != facts.Counts || cut.Marks != facts.Marks || oddNames(cut) != oddNames(facts) {
			t.Fatalf("split %d of %q:\n got %v %+v %s\nwant %v %+v %s", seed+1, body, got, cut.Marks, oddNames(cut), want, facts.Marks, oddNames(facts))
		}
	}
	return want, facts
}

func equalTold(a, b []told) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func oddNames(f Facts) string {
	var out []string
	for _, o := range f.Oddities {
		out = append(out, o.Name)
	}
	return strings.Join(out, " ")
}
