package compare

import (
	"slices"
	"time"
	"unsafe"

	"llmtap/internal/call"
)

// state is a Window without its mutex.
type state struct {
	cfg     WindowConfig
	clock   clock
	now     int64 // the latest end, or what Advance said
	swept   int64 // when all targets were looked through last
	hosts   map[hostKey]*host
	targets map[targetKey]*target
	callers map[callerKey]*caller
	shapes  shapes
	near    []*target // scratch of scope
	lost    WindowStats
}

type hostKey struct {
	name string
	port int
}

func newState(cfg WindowConfig) state {
	return state{
		cfg: cfg, hosts: map[hostKey]*host{}, targets: map[targetKey]*target{}, callers: map[callerKey]*caller{},
		shapes: shapes{byHash: map[uint64]*shape{}},
	}
}

// sweepEvery is how often, in the records' time, every target is looked
// through for what has expired.
const sweepEvery = int64(time.Minute)

// observe is Window.Observe.
func (s *state) observe(r *call.Record) []call.Finding {
	end := r.EndTime() // not endOf: a connection may stay open long after the answer
	if !generates(r) || !plausible(r.Identity.Start) || !plausible(endOf(*r)) || !plausible(end) {
		return nil
	}
	s.clock.meet(end, s.now)
	s.now = max(s.now, s.clock.of(end))
	t, out := s.target(r)
	e := s.entryOf(r, t)
	s.fold(t, &e, r.Identity.Attempt)
	s.learn(t, &e, r)
	out = judgeModes(s, t, &e, out)
	out = judgePairs(s, t, &e, out)
	out = judgeVersions(s, t, &e, out)
	out = judgeDeadlines(s, r, t, &e, out)
	renewSupport(s, t)
	if s.now-s.swept >= sweepEvery {
		out = s.expire(out)
	}
	return out
}

// plausible keeps out times that no clock of a working machine shows.
func plausible(t time.Time) bool { return t.Year() >= 1990 && t.Year() < 2200 }

// fold puts e into the window, in the place of an earlier attempt of the same
// logical call.
func (s *state) fold(t *target, e *entry, attempt int) {
	if attempt > 1 && e.logical != "" {
		if old, ok := t.ring.replace(e.logical); ok {
			e.from = min(e.from, old.from)
			if old.sig != nil && e.sig != nil && old.sig.hash == e.sig.hash && old.attempts < 255 {
				e.attempts = old.attempts + 1
			}
		}
	}
	if t.ring.push(*e, s.cfg.Calls) {
		s.lost.EvictedCalls++
	}
	t.ring.expire(s.now - int64(s.cfg.Duration))
	t.seen = s.now
}

// learn books what later calls are judged by.
func (s *state) learn(t *target, e *entry, r *call.Record) {
	t.learn(e)
	t.pace.add(r, e.client, e.from)
	if e.mode == call.ModeStream {
		e.client.abort.add(r)
		e.client.choke.add(r, s.now)
	}
	if e.is(worked) {
		t.habits.lastOK[e.mode%3] = e.to
		t.habits.azure = t.habits.azure || azureMarked(r)
	}
	if e.sig != nil {
		t.host.faults.note(t, e)
	}
}

// target returns the target of r; beyond the bound the one that was away
// longest goes, and what was open there closes.
func (s *state) target(r *call.Record) (t *target, out []call.Finding) {
	k := targetKeyOf(r.Target)
	if t = s.targets[k]; t != nil {
		return t, nil
	}
	if len(s.targets) >= s.cfg.Targets {
		out = s.evict(out)
	}
	return s.newTarget(k, r.Target), out
}

func (s *state) newTarget(k targetKey, label call.Target) *target {
	hk := hostKey{k.host, k.port}
	h := s.hosts[hk]
	if h == nil {
		h = &host{name: k.host, port: k.port}
		s.hosts[hk] = h
	}
	label.Auth.Digest = call.Digest{} // several keys may call one target
	t := &target{key: k, label: label, host: h, seen: s.now}
	h.targets = append(h.targets, t)
	s.targets[k] = t
	return t
}

func (s *state) evict(out []call.Finding) []call.Finding {
	var oldest *target
	for _, h := range s.hosts {
		for _, t := range h.targets {
			if oldest == nil || t.seen < oldest.seen || t.seen == oldest.seen && t.key.less(oldest.key) {
				oldest = t
			}
		}
	}
	s.lost.EvictedTargets++
	return s.remove(oldest, out)
}

// remove forgets a target and closes what was open there.
func (s *state) remove(t *target, out []call.Finding) []call.Finding {
	for _, v := range t.verdicts {
		out = conclude(s, v, ending{because: expiredNow}, out)
		if v.hop != nil {
			t.host.cuts[v.hop.side].open = nil
		}
	}
	delete(s.targets, t.key)
	h := t.host
	h.targets = slices.DeleteFunc(h.targets, func(o *target) bool { return o == t })
	h.faults.forget(t)
	if len(h.targets) == 0 {
		delete(s.hosts, hostKey{h.name, h.port})
	}
	return out
}

// expire drops what is older than the window, and closes what it showed.
func (s *state) expire(out []call.Finding) []call.Finding {
	s.swept = s.now
	before := s.now - int64(s.cfg.Duration)
	for _, t := range s.sorted() {
		t.ring.expire(before)
		for _, v := range t.verdicts {
			if v.found.fails.lastTo < before {
				out = conclude(s, v, ending{because: expiredNow}, out)
				if v.hop != nil {
					t.host.cuts[v.hop.side] = cuts{}
				}
			}
		}
		t.sweep()
		if t.seen < before && len(t.verdicts) == 0 {
			out = s.remove(t, out)
		}
	}
	return out
}

// sorted lists the targets in a fixed order, so that a replay says the same.
func (s *state) sorted() []*target {
	list := make([]*target, 0, len(s.targets))
	for _, t := range s.targets {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *target) int {
		switch {
		case a.key == b.key:
			return 0
		case a.key.less(b.key):
			return -1
		}
		return 1
	})
	return list
}

func (s *state) stats() WindowStats {
	st := s.lost
	st.Targets, st.Clients = len(s.targets), len(s.callers)
	st.Bytes = len(s.callers)*int(unsafe.Sizeof(caller{})) + len(s.shapes.order)*int(unsafe.Sizeof(shape{}))
	for _, t := range s.targets {
		st.Calls += t.ring.len()
		st.Bytes += int(unsafe.Sizeof(*t)) + cap(t.ring.buf)*int(unsafe.Sizeof(entry{})) +
			len(t.verdicts)*int(unsafe.Sizeof(verdict{})) + len(t.sigs)*int(unsafe.Sizeof(signature{}))
		for _, v := range t.verdicts {
			if v.state != "" {
				st.Open++
			}
		}
	}
	for _, h := range s.hosts {
		st.Bytes += int(unsafe.Sizeof(*h)) + len(h.faults.order)*int(unsafe.Sizeof(sightings{}))
	}
	return st
}
