package report

import (
	"cmp"
	"maps"
	"slices"

	"llmtap/internal/call"
)

// tally counts logical calls by how they ended.
type tally struct {
	ok, failed, cancelled, open int
	classes                     map[call.Class]int
}

func (t *tally) add(r *call.Record) {
	switch r.Outcome() {
	case call.OutcomeOK:
		t.ok++
	case call.OutcomeError:
		t.failed++
		if t.classes == nil {
			t.classes = map[call.Class]int{}
		}
		t.classes[r.Diagnosis.Class]++
	case call.OutcomeCancelled:
		t.cancelled++
	default:
		t.open++
	}
}

// judged are the calls of which is known whether they worked; only they are in
// a ratio. A client that left is neither good nor bad.
func (t *tally) judged() int { return t.ok + t.failed }

func (t *tally) all() int { return t.judged() + t.cancelled + t.open }

// state is a word that text, icon and colour share.
func (t *tally) state() string {
	switch {
	case t.all() == 0:
		return "never"
	case t.judged() == 0:
		return "unjudged"
	case t.failed == 0:
		return "ok"
	case t.ok == 0:
		return "bad"
	}
	return "mixed"
}

// usual is the class most failures have.
func (t *tally) usual() string {
	classes := slices.SortedFunc(maps.Keys(t.classes), func(a, b call.Class) int {
		return cmp.Or(t.classes[b]-t.classes[a], int(a)-int(b))
	})
	switch {
	case len(classes) == 0:
		return ""
	case len(classes) == 1:
		return classes[0].String()
	}
	return classes[0].String() + ", …"
}

// score is a tally as the page shows it.
type score struct {
	State string // ok, bad, mixed, unjudged, never
	Ratio string // of the judged calls; empty without any
	Count string // how many calls that is
	Aside string // calls that are in no ratio
	Class string // what the failures mostly are
}

func (t *tally) score() score {
	s := score{State: t.state(), Class: t.usual()}
	if n := t.judged(); n > 0 {
		s.Ratio, s.Count = percent(t.ok, n), number(t.ok)+" of "+number(n)
	}
	if t.cancelled > 0 {
		s.Aside = number(t.cancelled) + " cancelled"
	}
	if t.open > 0 {
		s.Aside = joined(", ", s.Aside, number(t.open)+" not judged")
	}
	return s
}
