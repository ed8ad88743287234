package compare

import (
	"cmp"
	"math"
	"slices"

	"llmtap/internal/call"
)

// Role says what a difference can be.
type Role string

// Roles of differences. A cause was there before the answer; a consequence
// came with it and explains nothing; timing is context.
const (
	RoleCause       Role = "cause"
	RoleConsequence Role = "consequence"
	RoleTiming      Role = "timing"
)

// Ranked is a difference between two calls and how well it separates failing
// from working calls in general.
type Ranked struct {
	call.Change
	Role Role `json:"role"`
	// Unclear: too little is known of one side to say that they differ.
	Unclear bool `json:"unclear,omitempty"`
	// Counts are over the window; zero without one, and where nothing is counted.
	Counts Counts `json:"counts,omitzero"`

	// score is 1 for what separates all known calls, 0 for what separates none.
	score  float64
	family family
}

// Counts say in how many logical calls the failing call's value was found. Calls
// of which it is not known are left out.
type Counts struct {
	Failing   int `json:"failing"`
	OfFailing int `json:"of_failing"`
	Working   int `json:"working"`
	OfWorking int `json:"of_working"`
}

// Separates reports whether every failing call has the value and no working one.
func (c Counts) Separates() bool {
	return c.OfFailing > 0 && c.OfWorking > 0 && c.Failing == c.OfFailing && c.Working == 0
}

// Rank lists what differs between the two calls, causes ordered by how well
// they separate failing from working calls over the window, then as Diff does.
// Of the window only calls of the two targets count, at most a day before the
// older or after the younger of the two: those that worked, and those that
// failed in the failing call's class. Attempts count as the one logical call
// they belong to. Without a failing and a working call, nothing is counted.
func Rank(failing, working call.Record, window []call.Record) []Ranked {
	list := differences(&failing, &working)
	var s sides
	if opposed(&failing, &working) {
		s = split(&failing, &working, window)
	}
	type ranked struct {
		d difference
		r Ranked
	}
	all := make([]ranked, len(list))
	for i, d := range list {
		r := Ranked{Change: d.change(), Role: d.role(), Unclear: d.unclear, family: d.family}
		if r.Role == RoleCause && !d.unclear && !d.uncounted {
			r.Counts = s.count(d)
			r.score = r.Counts.score(len(s.failing) + len(s.working))
		}
		all[i] = ranked{d, r}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		if !a.d.cause() || !b.d.cause() || a.d.unclear || b.d.unclear {
			return canonical(a.d, b.d)
		}
		return cmp.Or(cmp.Compare(b.r.score, a.r.score), canonical(a.d, b.d))
	})
	out := make([]Ranked, len(all))
	for i := range all {
		out[i] = all[i].r
	}
	return out
}

func (d *difference) role() Role {
	switch {
	case d.cause():
		return RoleCause
	case d.family == familyTiming:
		return RoleTiming
	}
	return RoleConsequence
}

// sides are the profiles of the calls that count, one per logical call.
type sides struct{ failing, working []profile }

// split sorts the window. The two calls themselves always count.
func split(failing, working *call.Record, window []call.Record) sides {
	last := map[string]*call.Record{}
	from, to := span(failing, working)
	for i := range window {
		r := &window[i]
		id := cmp.Or(r.Identity.Logical, r.Identity.ID)
		if at := r.Identity.Start; at.Before(from) || at.After(to) || !sameTarget(r, failing) && !sameTarget(r, working) {
			continue
		}
		if before := last[id]; before == nil || later(r, before) {
			last[id] = r
		}
	}
	for _, r := range []*call.Record{failing, working} {
		delete(last, cmp.Or(r.Identity.Logical, r.Identity.ID))
	}
	s := sides{failing: []profile{profileOf(failing)}, working: []profile{profileOf(working)}}
	for _, r := range last {
		switch {
		case r.Outcome() == call.OutcomeOK:
			s.working = append(s.working, profileOf(r))
		case r.Outcome() == failing.Outcome() && r.Diagnosis.Class == failing.Diagnosis.Class:
			s.failing = append(s.failing, profileOf(r))
		}
	}
	return s
}

func later(a, b *call.Record) bool {
	if a.Identity.Attempt != b.Identity.Attempt {
		return a.Identity.Attempt > b.Identity.Attempt
	}
	return a.Identity.Start.After(b.Identity.Start)
}

func (s sides) count(d difference) (c Counts) {
	c.Failing, c.OfFailing = matches(s.failing, d)
	c.Working, c.OfWorking = matches(s.working, d)
	return c
}

// matches counts the calls that have the failing call's value, of those of
// which that is known.
func matches(list []profile, d difference) (n, of int) {
	for i := range list {
		switch d.a.against(list[i].at(d.path, d.family)) {
		case alike:
			n++
			of++
		case unlike:
			of++
		}
	}
	return n, of
}

// score is the share of the uncertainty about failing or working that knowing
// the value takes away (mutual information over entropy), in hundredths. What
// is known of less than half of all calls counts for less.
func (c Counts) score(all int) float64 {
	if c.OfFailing == 0 || c.OfWorking == 0 {
		return 0
	}
	f, w := float64(c.Failing), float64(c.Working)
	nf, nw := float64(c.OfFailing), float64(c.OfWorking)
	if f/nf <= w/nw {
		return 0 // it is found with the working calls
	}
	known := nf + nw
	before := entropy(nf, nw)
	after := (f+w)/known*entropy(f, w) + (known-f-w)/known*entropy(nf-f, nw-w)
	share := (before - after) / before
	if 2*known < float64(all) {
		share *= 2 * known / float64(all)
	}
	return math.Round(share*100) / 100
}

// entropy of a two-way split, in bits.
func entropy(a, b float64) float64 {
	h := 0.0
	for _, n := range []float64{a, b} {
		if n > 0 {
			p := n / (a + b)
			h -= p * math.Log2(p)
		}
	}
	return h
}
