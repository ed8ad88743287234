package compare

import (
	"time"

	"llmtap/internal/call"
)

// Values of llmtap_stream_support.
const (
	supportUnknown = iota
	supportWorks
	supportOnlyPlain // a stream_only_failure is open
	supportRefused   // refused in words, no streamed success since
)

// renewSupport says whether streaming works at a target, since when and which call
// decided it.
type support struct {
	value    int
	since    int64
	evidence string
	works    bool
	refused  bool
	newest   string // the streamed call seen last
}

// Support returns whether streaming works at t as in llmtap_stream_support: 0
// unknown, 1 the last streamed call succeeded, 2 a stream_only_failure is open,
// 3 refused in words and no streamed success since; and since when, by which
// call. A target that was never seen is 0 since the zero time.
func (w *Window) Support(t call.Target) (value int, since time.Time, evidence string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.s.targets[targetKeyOf(t)]
	if o == nil || o.support.since == 0 {
		return supportUnknown, time.Time{}, ""
	}
	return o.support.value, w.s.clock.time(o.support.since), o.support.evidence
}

// learn takes the newest logical call of a target.
func (t *target) learn(e *entry) {
	if e.mode != call.ModeStream {
		return
	}
	s := &t.support
	s.newest = e.id
	switch {
	case e.is(worked):
		s.works, s.refused = true, false
	case e.is(failedMode):
		s.works = false
		s.refused = s.refused || e.sig.class == call.ClassStreamUnsupported
	}
}

// renewSupport renews the value after a call or a change of a verdict.
func renewSupport(s *state, t *target) {
	value := supportUnknown
	switch u := &t.support; {
	case u.refused:
		value = supportRefused
	case t.onlyPlain():
		value = supportOnlyPlain
	case u.works:
		value = supportWorks
	}
	if u := &t.support; value != u.value {
		u.value, u.since, u.evidence = value, s.now, u.newest
	}
}

func (t *target) onlyPlain() bool {
	for _, v := range t.verdicts {
		if v.q.kind == streamOnly && v.state != "" {
			return true
		}
	}
	return false
}
