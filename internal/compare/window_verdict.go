package compare

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
)

// verdict is a question that is followed, and what became of it.
type verdict struct {
	q      question
	target *target
	state  string // "" = watched, not shown
	gone   bool
	id     string
	// since is when the first failure began, updated when the state or the
	// doubts changed last: as the clock showed it then.
	since, updated time.Time
	found          evidence
	doubts         confounding
	// hop is set for hop_deadline only.
	hop *hop
	// carried is what an earlier run had found, as long as this one has not
	// found it again.
	carried *call.Finding
}

// sweep drops what is over.
func (t *target) sweep() {
	if slices.ContainsFunc(t.verdicts, func(v *verdict) bool { return v.gone }) {
		t.verdicts = slices.DeleteFunc(t.verdicts, func(v *verdict) bool { return v.gone })
	}
}

// settle moves v to the state that its evidence supports. Suspected can become
// confirmed, never the other way: old evidence that leaves the window does not
// take back what it showed.
func settle(s *state, v *verdict, next string, ev evidence, out []call.Finding) []call.Finding {
	if ev.fails.n == 0 {
		return lapse(s, v, &ev, out)
	}
	doubts := confounders(&v.q, &ev)
	switch {
	case v.state == "" && next == "":
		v.found = ev
		return out
	case v.state == "":
		if intermittent(s, v) {
			return out
		}
		v.since = s.clock.time(ev.fails.firstFrom)
		if was := v.adopt(); was != "" {
			v.state, v.found = was, ev
			if was == next || was == stateConfirmed {
				return out
			}
		} else {
			v.id = idOf(s, v)
		}
	case v.state == stateSuspected && next == stateConfirmed, v.state == stateSuspected && doubts != v.doubts && v.carried == nil:
		if next == "" {
			next = v.state
		}
	default:
		v.found, v.carried = ev, nil
		return out
	}
	v.state, v.doubts, v.updated, v.found, v.carried = next, doubts, s.clock.time(s.now), ev, nil
	if next == stateConfirmed {
		v.doubts = confounding{}
	}
	renewSupport(s, v.target)
	return append(out, findingOf(s, v))
}

// lapse ends v for lack of failures; the newer evidence says why.
func lapse(s *state, v *verdict, ev *evidence, out []call.Finding) []call.Finding {
	first := v.found.fails.firstFrom
	switch {
	case ev.cleared >= first && ev.cleared != 0 && v.state == stateConfirmed:
		return conclude(s, v, ending{because: worksAgain}, out)
	case ev.avoided >= first && ev.avoided != 0:
		return conclude(s, v, ending{worksAgain, avoidedText(v, ev)}, out)
	case ev.cleared >= first && ev.cleared != 0, ev.alike >= first && ev.alike != 0:
		return conclude(s, v, ending{because: refutedNow}, out)
	case v.carried != nil && v.found.fails.lastTo > s.now-int64(s.cfg.Duration):
		return out
	}
	return conclude(s, v, ending{because: expiredNow}, out)
}

// conclude ends v; nothing is said of what was only watched.
func conclude(s *state, v *verdict, end ending, out []call.Finding) []call.Finding {
	v.gone = true
	if v.state == "" {
		return out
	}
	if v.state == stateConfirmed && v.q.kind <= plainOnly && end.because != expiredNow && end.why == "" {
		v.target.closed[v.q.kind].add(s.now)
	}
	v.updated = s.clock.time(s.now)
	f := findingOf(s, v)
	f.Updated = v.updated
	f.State, f.ClosedBecause = stateClosed, end.because
	f.Text = closingText(s, v, end)
	v.state = ""
	if v.target != nil {
		renewSupport(s, v.target)
	}
	return append(out, f)
}

// closings remembers when the confirmed verdicts of one mode closed last.
type closings [2]int64

func (c *closings) add(at int64) { c[0], c[1] = c[1], at }

func (c *closings) latest() int64 { return c[1] }

// within reports whether both happened after the given instant.
func (c *closings) within(after int64) bool { return c[0] != 0 && c[0] > after }

// intermittent: what opened and closed twice in the window comes and goes, and
// opening it once more says nothing new.
func intermittent(s *state, v *verdict) bool {
	return v.q.kind <= plainOnly && v.target.closed[v.q.kind].within(s.now-int64(s.cfg.Duration))
}

// idOf names v.
func idOf(s *state, v *verdict) string {
	if s.cfg.NewID != nil {
		return s.cfg.NewID()
	}
	key := strings.Join([]string{
		v.q.kind.String(), v.scope(), strconv.FormatInt(v.since.UnixNano(), 10),
	}, "\x00")
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// scopeOf is what v is about, as text.
func (v *verdict) scope() string {
	var parts []string
	if t := v.target; t != nil {
		parts = append(parts, t.key.host, strconv.Itoa(t.key.port), t.key.prefix, t.key.model, t.key.version, t.key.scheme)
	}
	if v.q.sig != nil {
		parts = append(parts, strconv.FormatUint(v.q.sig.hash, 16), v.q.mode.String(), v.q.origin.egress)
	}
	if c := v.q.client; c != nil {
		parts = append(parts, c.key.name, c.key.version, c.key.sdk, c.key.sdkVersion)
	}
	if v.hop != nil {
		parts = append(parts, v.hop.host.name, strconv.Itoa(v.hop.host.port), strconv.Itoa(v.hop.side))
	}
	return strings.Join(parts, "\x00")
}

// concerns reports whether v is about calls of c to t.
func (v *verdict) concerns(t call.Target, c call.Client) bool {
	k := targetKeyOf(t)
	switch v.q.kind {
	case hopDeadline:
		return v.hop.host.name == t.Host && v.hop.host.port == t.Port
	case frameworkOnly:
		return v.target.key.host == k.host && v.target.key.port == k.port && v.target.key.model == k.model && v.q.client.key.name == c.Name
	case versionRegression:
		return v.target.key == k && v.q.client.key.name == c.Name && v.q.client.key.version == c.Version
	case modelSpecific:
		return v.target.key.host == k.host && v.target.key.port == k.port && v.target.key.model == k.model
	}
	return v.target.key == k
}
