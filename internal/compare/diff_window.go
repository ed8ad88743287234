package compare

import (
	"cmp"
	"time"

	"llmtap/internal/call"
)

// How many calls, and from how long before the older to how long after the
// younger of two, a comparison looks at.
const (
	aroundCalls = 1000
	aroundTime  = 24 * time.Hour
)

// Around returns what to ask the place of calls for, to compare a and b over a
// window: calls of their targets since a day before the older one, the newest
// first. What a place returns too much of, Rank leaves out.
func Around(a, b call.Record) []call.Query {
	from, _ := span(&a, &b)
	q := call.Query{Since: from, Target: cmp.Or(cmpName(&a), a.Target.Host), Limit: aroundCalls}
	if sameTarget(&a, &b) {
		return []call.Query{q}
	}
	other := q
	other.Target = cmp.Or(cmpName(&b), b.Target.Host)
	return []call.Query{q, other}
}

// Opposites returns what to ask the place of calls for, to find r's
// counterpart; false if r has none because its own outcome is not known.
func Opposites(r call.Record) (call.Query, bool) {
	q := call.Query{Target: cmp.Or(cmpName(&r), r.Target.Host), Outcome: call.OutcomeOK, Limit: aroundCalls}
	if badness(&r) == 0 {
		q.Outcome = call.OutcomeError
	}
	return q, r.Outcome() != call.OutcomeUnknown
}

// span is the time that a comparison of a and b looks at.
func span(a, b *call.Record) (from, to time.Time) {
	from, to = a.Identity.Start, b.Identity.Start
	if to.Before(from) {
		from, to = to, from
	}
	return from.Add(-aroundTime), to.Add(aroundTime)
}
