package compare

import "llmtap/internal/call"

// Bounds of what is remembered of a host's failures.
const (
	maxFaults    = 64
	maxSightings = 8
)

// faults remembers, by signature, where on a host a failure was seen last.
type faults struct {
	bySig map[uint64]*sightings
	order []uint64 // oldest first
}

type sightings struct {
	at [maxSightings]sighting
	n  int
}

// sighting is one place where a failure was seen, and when last.
type sighting struct {
	target *target
	client *caller
	egress string
	mode   call.Mode
	at     int64
}

// note books e's failure.
func (f *faults) note(t *target, e *entry) {
	list := f.bySig[e.sig.hash]
	if list == nil {
		if f.bySig == nil {
			f.bySig = map[uint64]*sightings{}
		}
		if len(f.order) >= maxFaults {
			delete(f.bySig, f.order[0])
			f.order = append(f.order[:0], f.order[1:]...)
		}
		list = &sightings{}
		f.bySig[e.sig.hash] = list
		f.order = append(f.order, e.sig.hash)
	}
	list.add(sighting{target: t, client: e.client, egress: e.who.egress, mode: e.mode, at: e.to})
}

// add renews the sighting of one place, else replaces the oldest.
func (l *sightings) add(s sighting) {
	oldest := 0
	for i := range l.at[:l.n] {
		o := l.at[i]
		if o.target == s.target && o.client == s.client && o.egress == s.egress && o.mode == s.mode {
			l.at[i].at = s.at
			return
		}
		if o.at < l.at[oldest].at {
			oldest = i
		}
	}
	if l.n < maxSightings {
		oldest = l.n
		l.n++
	}
	l.at[oldest] = s
}

// forget drops a target that is gone.
func (f *faults) forget(t *target) {
	for _, l := range f.bySig {
		for i := 0; i < l.n; {
			if l.at[i].target == t {
				l.n--
				l.at[i], l.at[l.n] = l.at[l.n], sighting{}
				continue
			}
			i++
		}
	}
}

// alike reports whether the failure of q was seen, since then, where q says
// that it does not occur.
func (f *faults) alike(q *question, t *target, since int64) bool {
	at := f.latest(q, t)
	return at != 0 && at >= since
}

// latest is when that was seen last; 0 if never.
func (f *faults) latest(q *question, t *target) (at int64) {
	if list := f.bySig[q.sig.hash]; list != nil {
		for i := range list.at[:list.n] {
			if s := &list.at[i]; s.at > at && q.contradicts(t, s) {
				at = s.at
			}
		}
	}
	return at
}

func (q *question) contradicts(t *target, s *sighting) bool {
	switch q.kind {
	case streamOnly, plainOnly:
		// The other mode failed alike, be it in an attempt that a retry made good,
		// or a neighbour that is known to work in this mode did.
		return s.mode != q.mode || s.target != t && s.target.habits.lastOK[q.mode] != 0
	case frameworkOnly, versionRegression:
		return s.client.key.name != q.client.key.name
	case modelSpecific:
		return s.target.key.model != q.model
	case pathSpecific:
		return s.egress != q.origin.egress && s.egress != ""
	}
	return false
}
