package compare

import (
	"math"
	"time"

	"llmtap/internal/call"
)

// States of a finding; "" is watched only.
const (
	stateSuspected = "suspected"
	stateConfirmed = "confirmed"
	stateClosed    = "closed"
)

// Reasons why a finding closes.
const (
	worksAgain = "works_again"
	refutedNow = "refuted"
	expiredNow = "expired"
)

// maxWatched bounds the ways to fail that are followed per target.
const maxWatched = 8

// judgeModes follows the two verdicts on modes of one target: whatever could open,
// change or close by the call e.
func judgeModes(s *state, t *target, e *entry, out []call.Finding) []call.Finding {
	if e.mode == call.ModeUnknown {
		return out
	}
	if e.is(failedMode) {
		k := streamOnly
		if e.mode == call.ModePlain {
			k = plainOnly
		}
		follow(t, question{kind: k, mode: e.mode, sig: e.sig})
	}
	for _, v := range t.verdicts {
		if v.q.kind > plainOnly {
			continue
		}
		ev := v.q.ask([]*target{t})
		was := v.state
		out = settle(s, v, splitState(t, &v.q, &ev), ev, out)
		if v.state == stateConfirmed && was != stateConfirmed {
			out = supersede(s, t, v, out)
		}
	}
	t.sweep()
	return out
}

// follow begins to follow a question unless that is done already.
func follow(t *target, q question) {
	watched := 0
	var oldest *verdict
	for _, v := range t.verdicts {
		if v.q.kind != q.kind {
			continue
		}
		if v.q.sig.hash == q.sig.hash {
			return
		}
		watched++
		if oldest == nil && v.state == "" {
			oldest = v
		}
	}
	if watched >= maxWatched {
		if oldest == nil {
			return
		}
		oldest.gone = true
		t.sweep()
	}
	t.verdicts = append(t.verdicts, &verdict{q: q, target: t})
}

// supersede closes what a verdict on a mode explains better.
func supersede(s *state, t *target, by *verdict, out []call.Finding) []call.Finding {
	for _, v := range t.verdicts {
		pair := v.q.kind == frameworkOnly || v.q.kind == modelSpecific || v.q.kind == pathSpecific
		if pair && v.state != "" && v.q.sig.hash == by.q.sig.hash {
			out = conclude(s, v, ending{refutedNow, "The mode of the request explains these failures better: " + by.q.kind.String() + "."}, out)
		}
	}
	return out
}

// splitState is the table of the catalogue §4.3.
func splitState(t *target, q *question, ev *evidence) string {
	f, w := &ev.fails, &ev.works
	if f.n == 0 || ev.doubts.noParam {
		return ""
	}
	single := f.enclosed > 0
	weighty := f.enclosed >= 2 || f.enclosedMost >= 2 || single && q.sig.explains(q.mode)
	if (w.between || weighty) && confounders(q, ev).none() && beyondChance(t, q, ev) {
		return stateConfirmed
	}
	switch {
	case ev.doubts.prior >= seasoned && f.n < 2 && !q.sig.explains(q.mode):
		return "" // one failure of what works every day
	case f.n >= 2 && (w.n > 0 || !q.sig.own), single:
		return stateSuspected
	}
	return ""
}

// confounding lists other explanations, as far as a question allows them.
type confounding struct {
	features   features
	credential bool
	user       bool
}

func (c confounding) none() bool { return c == confounding{} }

func (c confounding) names() []string {
	out := c.features.names()
	if c.credential {
		out = append(out, "credential")
	}
	if c.user {
		out = append(out, "user")
	}
	return out
}

// confounders of a question. That a single user fails is a doubt only where
// the service found fault with the request itself.
func confounders(q *question, ev *evidence) confounding {
	return confounding{
		features: ev.doubts.features, credential: ev.doubts.credential,
		user: ev.doubts.user && q.sig.aboutRequest(),
	}
}

// What worked before and fails now may be disturbed, not broken.
const (
	// seasoned is how many earlier successes make a target one that works.
	seasoned = 2
	// flaky is the share of calls that a disturbed gateway fails at random.
	flaky = 0.3
	// chanceLimit is the probability below which the split is no accident.
	chanceLimit = 1e-6
	// minTurns is how often the control must have worked between failures.
	minTurns = 3
	// heavy is the most that the attempts of one call weigh.
	heavy = 3
	// nearby is how far from the failures a success still speaks of their time,
	// and together how far apart two failures are one matter.
	nearby = 30 * time.Minute
	// closeBy is the same for one call: its retries last seconds, so that an
	// outage of minutes fits between successes that are further away.
	closeBy = 3 * time.Minute
)

// beyondChance reports whether the split cannot be an outage or a gateway that
// fails at random. The catalogue's rule stands alone where the accused never
// worked and all happened at one time. Else the run of failures must be long
// and the control must have worked in its midst, again and again.
func beyondChance(t *target, q *question, ev *evidence) bool {
	if q.sig.explains(q.mode) {
		return true
	}
	noisy := ev.alike != 0 || t.host.faults.alike(q, t, ev.fails.firstFrom-int64(aftermath))
	if !noisy && fresh(t, q, ev) && atOneTime(q, ev) {
		return true
	}
	turns := q.turns(t, ev)
	rate := max(flaky, float64(ev.doubts.bad)/float64(max(1, ev.doubts.total)))
	weight := min(ev.fails.attempts, heavy*ev.fails.n)
	chance := math.Pow(rate, float64(weight)) * math.Pow(1-rate, float64(turns))
	return ev.works.between && turns >= minTurns && chance <= chanceLimit
}

// fresh reports whether the accused has hardly been seen to work, or is known
// to have been broken in the same way today.
func fresh(t *target, q *question, ev *evidence) bool {
	switch {
	case ev.doubts.prior == 0:
		return true
	case ev.doubts.prior < seasoned:
		return t.brokeBefore(q.kind) || ev.works.between && !q.sig.midway()
	}
	return false
}

// brokeBefore reports whether a confirmed verdict of that kind closed within
// the window.
func (t *target) brokeBefore(k kind) bool {
	all := t.ring.all()
	return len(all) > 0 && t.closed[k].latest() > all[0].to
}

// atOneTime reports whether few failures and the successes around them lie so
// close together that no two accidents made them.
func atOneTime(q *question, ev *evidence) bool {
	f, w := &ev.fails, &ev.works
	if w.between {
		return f.n > 2 && !q.sig.midway() || f.lastTo-f.firstFrom <= 2*int64(nearby)
	}
	reach := int64(nearby)
	if f.n == 1 {
		reach = int64(closeBy)
	}
	return w.before != 0 && w.after != 0 && f.firstFrom-w.before <= reach && w.after-f.lastTo <= reach
}
