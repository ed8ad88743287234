package compare

import (
	"slices"
	"strconv"
	"time"

	"llmtap/internal/call"
)

// Restore rebuilds an empty window at start from the stored records, in any
// order, and the findings known then. Known findings keep their id and
// since. It returns only what changed while nobody watched: findings that are
// new, became confirmed or closed.
func (w *Window) Restore(records []call.Record, findings []call.Finding) []call.Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.s
	for _, r := range byEnd(records) {
		s.observe(r)
	}
	var out []call.Finding
	var known []*verdict
	for _, f := range findings {
		if f.State != stateSuspected && f.State != stateConfirmed {
			continue
		}
		v, changed := recognise(s, f, known)
		if v == nil {
			continue
		}
		known = append(known, v)
		if changed {
			out = append(out, findingOf(s, v))
		}
	}
	for _, t := range s.sorted() {
		for _, v := range t.verdicts {
			if v.state != "" && !slices.Contains(known, v) {
				out = append(out, findingOf(s, v))
			}
		}
	}
	for _, v := range known {
		if v.carried != nil {
			out = recheck(s, v, out)
		}
	}
	return s.expire(out)
}

// byEnd orders records as they were observed: stores list them by start.
func byEnd(records []call.Record) []*call.Record {
	out := make([]*call.Record, len(records))
	for i := range records {
		out[i] = &records[i]
	}
	slices.SortStableFunc(out, func(a, b *call.Record) int { return a.EndTime().Compare(b.EndTime()) })
	return out
}

// recognise finds the open verdict that f was, or carries f on as it is.
func recognise(s *state, f call.Finding, taken []*verdict) (v *verdict, changed bool) {
	k := slices.Index(verdictNames, f.Verdict)
	if k < 0 || !plausible(f.Since) || f.Target.Host == "" {
		return nil, false
	}
	for _, t := range s.sorted() {
		for _, o := range t.verdicts {
			if o.state != "" && o.same(kind(k), &f) && !slices.Contains(taken, o) && (v == nil || o.id == f.ID) {
				v = o
			}
		}
	}
	if v == nil {
		return carry(s, kind(k), f), false
	}
	changed = v.state == stateConfirmed && f.State == stateSuspected
	v.id, v.since = f.ID, f.Since
	if !changed {
		v.state, v.updated = f.State, latest(f.Updated, f.Since)
	}
	return v, changed
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// same reports whether v is what f was about.
func (v *verdict) same(k kind, f *call.Finding) bool {
	if v.q.kind != k {
		return false
	}
	if k == hopDeadline {
		return v.hop.host.name == f.Target.Host && v.hop.host.port == f.Target.Port
	}
	if v.target.key != targetKeyOf(f.Target) {
		return false
	}
	if k == frameworkOnly || k == versionRegression {
		return v.q.client.key.name == f.Client.Name && v.q.client.key.version == f.Client.Version
	}
	return true
}

// carry keeps a finding whose records are not all there any more.
func carry(s *state, k kind, f call.Finding) *verdict {
	updated := latest(f.Updated, f.Since)
	s.now = max(s.now, s.clock.of(updated))
	key := targetKeyOf(f.Target)
	t := s.targets[key]
	if t == nil {
		if len(s.targets) >= s.cfg.Targets {
			return nil
		}
		t = s.newTarget(key, f.Target)
		t.seen = s.clock.of(updated)
	}
	v := &verdict{
		target: t, state: f.State, id: f.ID, since: f.Since, updated: updated, carried: &f,
		q: question{kind: k, sig: &signature{}, client: knownCaller(s, f.Client.Name, f.Client.Version), model: key.model},
	}
	switch k {
	case streamOnly:
		v.q.mode = call.ModeStream
	case plainOnly:
		v.q.mode = call.ModePlain
	case hopDeadline:
		v.hop = &hop{host: t.host}
		for _, c := range f.Difference {
			v.hop.seconds, _ = strconv.ParseFloat(c.Failing, 64) // 0 is outlived by any call
		}
		t.host.cuts[0].open = v
	}
	v.found.fails.n = max(1, len(f.Evidence.Failing))
	v.found.fails.firstFrom, v.found.fails.lastTo = s.clock.of(f.Since), s.clock.of(updated)
	t.verdicts = append(t.verdicts, v)
	renewSupport(s, t)
	return v
}

// knownCaller returns a client version by its name.
func knownCaller(s *state, name, version string) *caller {
	var found *caller
	for k, c := range s.callers {
		if k.name == name && k.version == version && (found == nil || k.less(found.key)) {
			found = c
		}
	}
	if found == nil {
		return &caller{key: callerKey{name: name, version: version}}
	}
	return found
}

// recheck closes a carried finding that later calls have refuted.
func recheck(s *state, v *verdict, out []call.Finding) []call.Finding {
	if v.q.kind == hopDeadline {
		return out
	}
	ev := v.q.ask(scopeOf(s, v.target, &v.q))
	out = settle(s, v, v.state, ev, out)
	v.target.sweep()
	return out
}

// adopt gives v the name of a carried finding about the same thing.
func (v *verdict) adopt() (state string) {
	for _, o := range v.target.verdicts {
		if o != v && o.carried != nil && o.q.kind == v.q.kind && (o.q.client == v.q.client || v.q.kind <= plainOnly) {
			v.id, v.since, o.gone = o.id, o.since, true
			return o.state
		}
	}
	return ""
}
