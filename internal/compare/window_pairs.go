package compare

import (
	"time"

	"llmtap/internal/call"
)

// Verdicts on a client, a deployment or a way through the network open only
// confirmed. What worked before must fail for longer than an outage lasts.
const (
	pairWeight = 12
	pairSpan   = 30 * time.Minute
	// accident is how close two calls break midway for one reason.
	accident = 10 * time.Minute
	// aftermath is how long before a run of failures equal ones elsewhere make
	// it part of a disturbance.
	aftermath = 15 * time.Minute
)

// judgePairs follows the verdicts that compare one client, deployment or egress
// with another.
func judgePairs(s *state, t *target, e *entry, out []call.Finding) []call.Finding {
	if e.did == 0 {
		return out
	}
	for _, other := range t.host.targets {
		for _, v := range other.verdicts {
			if v.q.kind > plainOnly && v.state != "" && v.q.moved(e, t) {
				out = askAgain(s, v, out)
			}
		}
		other.sweep()
	}
	if e.sig == nil || e.mode == call.ModeUnknown || t.settled(e) {
		return out
	}
	for _, k := range []kind{frameworkOnly, modelSpecific, pathSpecific} {
		q := question{kind: k, mode: e.mode, client: e.client, model: t.key.model, origin: e.who, sig: e.sig}
		if q.fits(e) && !t.follows(&q) {
			out = tryPair(s, t, q, out)
		}
	}
	return out
}

// moved reports whether e can change the answer to an open question: more
// successes of those who work do not.
func (q *question) moved(e *entry, t *target) bool {
	switch q.camp(e, t) {
	case accused:
		return true
	case control:
		return e.sig != nil
	}
	return false
}

// askAgain asks the question of an open verdict once more.
func askAgain(s *state, v *verdict, out []call.Finding) []call.Finding {
	ev := v.q.ask(scopeOf(s, v.target, &v.q))
	if ev.fails.n == 1 && ev.works.n == 0 {
		// One is left of the old evidence: it still stands against the same control.
		ev.works, ev.working = v.found.works, v.found.working
		ev.by, ev.byModel, ev.byEgress = v.found.by, v.found.byModel, v.found.byEgress
	}
	return settle(s, v, stateConfirmed, ev, out)
}

// settled reports whether a confirmed verdict on the mode explains e already.
func (t *target) settled(e *entry) bool {
	for _, v := range t.verdicts {
		if v.q.kind <= plainOnly && v.state == stateConfirmed && v.q.sig.hash == e.sig.hash {
			return true
		}
	}
	return false
}

// follows reports whether the same question is open already.
func (t *target) follows(q *question) bool {
	for _, v := range t.verdicts {
		if v.q.kind == q.kind && v.q.sig.hash == q.sig.hash && v.q.client == q.client && v.q.mode == q.mode && v.q.origin.egress == q.origin.egress {
			return true
		}
	}
	return false
}

// fits reports whether the question can be asked of e at all.
func (q *question) fits(e *entry) bool {
	if !e.is(q.fault()) {
		return false
	}
	switch q.kind {
	case frameworkOnly:
		c := e.client
		return c.kind != call.ClientDirect && c.key.name != "" && c.key.name != "unknown"
	case modelSpecific:
		return q.model != ""
	}
	return e.who.egress != ""
}

// scopeOf lists the targets whose calls bear on q; the slice is used again.
func scopeOf(s *state, t *target, q *question) []*target {
	s.near = s.near[:0]
	for _, o := range t.host.targets {
		switch q.kind {
		case frameworkOnly:
			if o.key.model != t.key.model {
				continue
			}
		case modelSpecific:
		default:
			if o != t {
				continue
			}
		}
		s.near = append(s.near, o)
	}
	return s.near
}

func tryPair(s *state, t *target, q question, out []call.Finding) []call.Finding {
	if q.kind == modelSpecific && !t.othersWork(q.mode) {
		return out
	}
	ev := q.ask(scopeOf(s, t, &q))
	if !pairHolds(s, t, &q, &ev) {
		return out
	}
	v := &verdict{q: q, target: t}
	t.verdicts = append(t.verdicts, v)
	return settle(s, v, stateConfirmed, ev, out)
}

// othersWork reports whether another deployment of the host has worked lately.
func (t *target) othersWork(m call.Mode) bool {
	for _, o := range t.host.targets {
		if o.key.model != t.key.model && o.habits.lastOK[m] != 0 {
			return true
		}
	}
	return false
}

// together reports whether few failures lie so close that they are one matter.
// Calls that break midway do so by accident too: two must be closer.
func together(q *question, f *failures) bool {
	span := f.lastTo - f.firstFrom
	switch {
	case f.n > 2 && !q.sig.midway():
		return true
	case f.n == 2 && q.sig.midway():
		return span <= int64(accident)
	}
	return span <= 2*int64(nearby)
}

// pairHolds is the rule of the catalogue §4.4, and what keeps disturbances out:
// nobody else fails alike, and what used to work fails for long.
func pairHolds(s *state, t *target, q *question, ev *evidence) bool {
	d, f := &ev.doubts, &ev.fails
	if f.n < 2 || !ev.works.between || d.credential || d.user && q.sig.aboutRequest() {
		return false
	}
	span := f.lastTo - f.firstFrom
	alone := ev.alike == 0 && !t.host.faults.alike(q, t, s.now-int64(s.cfg.Duration))
	unproved := d.prior == 0 || d.prior < seasoned && !q.sig.midway()
	if unproved && alone && together(q, f) {
		return true
	}
	return min(f.attempts, heavy*f.n) >= pairWeight && span >= int64(pairSpan) && !t.host.faults.alike(q, t, f.firstFrom-int64(aftermath))
}
