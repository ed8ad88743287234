package compare

import (
	"slices"

	"llmtap/internal/call"
)

// kind is a verdict by its place in verdictNames.
type kind uint8

const (
	streamOnly kind = iota
	plainOnly
	frameworkOnly
	versionRegression
	modelSpecific
	pathSpecific
	hopDeadline
)

var verdictNames = []string{
	"stream_only_failure", "plain_only_failure", "framework_only_failure", "version_regression",
	"model_or_deployment_specific", "network_path_specific", "hop_deadline",
}

// String returns the verdict's name in the contract.
func (k kind) String() string { return verdictNames[k] }

// question is whether one camp of calls fails in one way and the other works.
type question struct {
	kind   kind
	mode   call.Mode
	client *caller
	good   *caller // version_regression: the last one that worked
	model  string
	origin origin
	sig    *signature
}

// camp is the side of a question that a call is on.
type camp uint8

const (
	neither camp = iota
	accused
	control
)

func (q *question) camp(e *entry, t *target) camp {
	switch q.kind {
	case streamOnly, plainOnly:
		return sideBy(e.mode == q.mode, e.mode != call.ModeUnknown)
	case frameworkOnly:
		return sideBy(e.client == q.client, e.client.key.name != q.client.key.name && e.client.key.name != "").in(e.mode == q.mode)
	case modelSpecific:
		return sideBy(t.key.model == q.model, t.key.model != "").in(e.mode == q.mode && e.who.credential == q.origin.credential)
	case versionRegression:
		if e.client.key.name != q.client.key.name || e.client.key.version == "" {
			return neither
		}
		return sideBy(e.client.key.version == q.client.key.version, older(e.client.key.version, q.client.key.version))
	case pathSpecific:
		return sideBy(e.who.egress == q.origin.egress, e.who.egress != "").in(e.mode == q.mode && e.client.key.name == q.client.key.name)
	}
	return neither
}

func sideBy(isAccused, isControl bool) camp {
	switch {
	case isAccused:
		return accused
	case isControl:
		return control
	}
	return neither
}

func (c camp) in(scope bool) camp {
	if !scope {
		return neither
	}
	return c
}

// fault is the kind of failure that counts for the question.
func (q *question) fault() outcome {
	switch q.kind {
	case streamOnly, plainOnly:
		return failedMode
	case pathSpecific:
		return failedPath
	}
	return failedSide
}

// evidence is what the window says about a question.
type evidence struct {
	fails  failures
	works  successes
	doubts doubts
	// forms of the newest accused failure and control success; nil if none
	failing, working *shape
	// cleared is the start of the newest success of the accused, alike that of
	// the newest failure of the control in the same way; 0 if there is none.
	cleared, alike int64
	// moved are the ways on which the control works; avoided is since when all
	// failing ways are among them, 0 if not.
	moved   moves
	avoided int64
	// by, byModel and byEgress name the control that worked last.
	by                *caller
	byModel, byEgress string
}

// ask looks for the evidence among the calls of targets. What takes two
// failures is not looked for further with one.
func (q *question) ask(targets []*target) (ev evidence) {
	for _, t := range targets {
		if q.kind != modelSpecific || t.key.model == q.model {
			q.clear(t, &ev)
		} else if ev.alike == 0 {
			ev.alike = t.host.faults.latest(q, t)
		}
	}
	for _, t := range targets {
		if q.kind != modelSpecific || t.key.model == q.model {
			q.accuse(t, &ev)
		}
	}
	if ev.fails.n == 0 || ev.fails.n < 2 && q.kind > plainOnly {
		return ev
	}
	ev.doubts.features = ev.fails.features
	ev.doubts.credential, ev.doubts.user = ev.fails.credentials.n > 0, ev.fails.users.n == 1
	ev.doubts.noParam = q.sig.param != "" && q.fault() == failedMode
	for _, t := range targets {
		q.control(t, &ev)
	}
	if ev.works.n == 0 {
		ev.doubts.features, ev.doubts.credential, ev.doubts.user = 0, false, false
		return ev
	}
	for _, t := range targets {
		if q.kind <= plainOnly {
			q.enclose(t, &ev)
		}
	}
	return ev
}

// clear finds what refutes older failures.
func (q *question) clear(t *target, ev *evidence) {
	all := t.ring.all()
	for i := range all {
		e := &all[i]
		switch q.camp(e, t) {
		case accused:
			if e.is(worked) {
				ev.cleared = max(ev.cleared, e.from)
				ev.doubts.prior++
			}
		case control:
			if e.failed(q.fault(), q.sig.hash) {
				ev.alike = max(ev.alike, e.from)
			}
			if q.kind <= plainOnly {
				ev.moved.add(e)
			}
		}
	}
}

// accuse counts the failures that nothing has refuted since.
func (q *question) accuse(t *target, ev *evidence) {
	all, f := t.ring.all(), &ev.fails
	since := max(ev.cleared, ev.alike)
	for i := len(all) - 1; i >= 0; i-- {
		e := &all[i]
		if e.from <= since || !e.failed(q.fault(), q.sig.hash) || q.camp(e, t) != accused {
			continue
		}
		if at := ev.moved.after(e); at != 0 {
			ev.avoided = max(ev.avoided, at)
			continue
		}
		if f.n == 0 {
			f.firstFrom, f.firstTo, f.features, f.client = e.from, e.to, e.shape.features, e.client
		}
		if ev.failing == nil {
			ev.failing = e.shape
		}
		f.n++
		f.attempts += int(e.attempts)
		f.firstFrom, f.firstTo = min(f.firstFrom, e.from), min(f.firstTo, e.to)
		f.lastFrom, f.lastTo = max(f.lastFrom, e.from), max(f.lastTo, e.to)
		f.features &= e.shape.features
		f.credentials.add(e.who.credential)
		f.users.add(e.who.user)
		if f.client != e.client {
			f.client = nil
		}
		ev.works.failingIDs.add(e.id)
	}
}

// control counts the successes of the other side and what they rule out.
func (q *question) control(t *target, ev *evidence) {
	all, w, f := t.ring.all(), &ev.works, &ev.fails
	for i := len(all) - 1; i >= 0; i-- {
		e := &all[i]
		if q.kind == modelSpecific && (e.to < f.firstTo || w.ids.n == maxEvidence) {
			break // there are many deployments, and older calls prove nothing
		}
		c := q.camp(e, t)
		if c != neither && e.from < f.firstFrom {
			ev.doubts.total++
			if e.is(failedAny) {
				ev.doubts.bad++
			}
		}
		if c != control || !e.is(worked) {
			continue
		}
		if ev.working == nil {
			ev.working, ev.by, ev.byModel, ev.byEgress = e.shape, e.client, t.key.model, e.who.egress
		}
		w.count(e, f)
		d := &ev.doubts
		d.features &^= e.shape.features
		d.credential = d.credential && !f.credentials.many && e.who.credential != 0 && !f.credentials.has(e.who.credential)
		d.user = d.user && !f.users.many && e.who.user != 0 && !f.users.has(e.who.user)
		d.noParam = d.noParam && !slices.Contains(e.shape.keys, q.sig.param)
	}
}

// enclose counts the failures that lie between two successes of the control.
func (q *question) enclose(t *target, ev *evidence) {
	all := t.ring.all()
	since := max(ev.cleared, ev.alike)
	for i := range all {
		e := &all[i]
		if e.from > since && e.from >= ev.works.firstTo && e.to <= ev.works.lastFrom && e.failed(q.fault(), q.sig.hash) && q.camp(e, t) == accused &&
			ev.moved.after(e) == 0 {
			ev.fails.enclosed++
			ev.fails.enclosedMost = max(ev.fails.enclosedMost, int(e.attempts))
		}
	}
}

// turns counts how often the control succeeded between two failures.
func (q *question) turns(t *target, ev *evidence) int {
	all, n := t.ring.all(), 0
	var failedTo, workedTo int64
	for i := range all {
		e := &all[i]
		switch c := q.camp(e, t); {
		case c == accused && e.from > max(ev.cleared, ev.alike) && e.failed(q.fault(), q.sig.hash):
			if workedTo != 0 && e.from >= workedTo {
				n++
			}
			failedTo, workedTo = e.to, 0
		case c == control && e.is(worked) && failedTo != 0 && workedTo == 0 && e.from >= failedTo:
			workedTo = e.to
		}
	}
	return n
}
