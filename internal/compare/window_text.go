package compare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"llmtap/internal/call"
)

// ending is why a finding closes; why tells people in a sentence.
type ending struct{ because, why string }

// whenLayout writes an instant inside a sentence.
const whenLayout = "2006-01-02 15:04 UTC"

// sentence says in one sentence what v found.
func sentence(s *state, v *verdict, difference []call.Change) string {
	switch v.q.kind {
	case streamOnly:
		return modeSentence(s, v, "streamed", "plain")
	case plainOnly:
		return modeSentence(s, v, "plain", "streamed")
	case frameworkOnly:
		return fmt.Sprintf("Only %s fails here (%s), %s works; they differ in %s.", v.q.client.name(), v.tally(), v.found.by.name(), pathsOf(difference))
	case versionRegression:
		return fmt.Sprintf("%s works up to %s, fails from %s (%s); changed: %s.",
			v.q.client.key.name, v.q.good.key.version, v.q.client.key.version, v.tally(), pathsOf(difference[1:]))
	case modelSpecific:
		return fmt.Sprintf("Only %s fails on %s (%s); %s works there.", v.q.model, v.target.key.host, v.tally(), v.found.byModel)
	case pathSpecific:
		return fmt.Sprintf("Only calls from %s fail (%s); those from %s work.", v.q.origin.egress, v.tally(), v.found.byEgress)
	}
	return fmt.Sprintf("Calls are cut at %s s every time (%d of %d): %s.", v.hop.text(), v.found.fails.n, v.hop.of, v.hop.name())
}

// tally says how often and how the calls failed.
func (v *verdict) tally() string {
	f := v.found.fails
	out := fmt.Sprintf("%d of %d: %s", f.n, f.n, v.q.sig.text)
	if f.attempts > f.n {
		out += fmt.Sprintf("; %d attempts", f.attempts)
	}
	return out
}

func modeSentence(s *state, v *verdict, failing, working string) string {
	ev := &v.found
	var b strings.Builder
	if v.state == stateConfirmed {
		fmt.Fprintf(&b, "Only %s requests fail here (%s); %s ones work", failing, v.tally(), working)
	} else {
		fmt.Fprintf(&b, "Perhaps only %s requests fail here (%s); %s", failing, v.tally(), strings.Join(missingFor(v, failing, working), ", and "))
	}
	if ev.cleared != 0 {
		fmt.Fprintf(&b, "; %s ones worked until %s", failing, s.clock.time(ev.cleared).Format(whenLayout))
	}
	if v.q.kind == streamOnly && slices.Contains(ev.failing.keys, "stream_options") && ev.working != nil && !slices.Contains(ev.working.keys, "stream_options") {
		b.WriteString("; first try without `stream_options`")
	}
	b.WriteByte('.')
	return b.String()
}

// missingFor lists what keeps a suspicion from being certain.
func missingFor(v *verdict, failing, working string) []string {
	ev := &v.found
	var out []string
	switch f := ev.fails; {
	case ev.works.n == 0:
		out = append(out, "no "+working+" call has been seen to work")
	case !ev.works.between && f.enclosed == 1 && f.attempts == 1:
		out = append(out, "one failed attempt between two "+working+" successes can be an accident")
	case !ev.works.between && f.enclosed < 2 && f.enclosedMost < 2:
		out = append(out, "no "+working+" call worked between two failures, or before and after them")
	}
	if names := v.doubts.names(); len(names) > 0 {
		out = append(out, "every failing call carries "+strings.Join(names, ", ")+", which no working one has")
	}
	if len(out) == 0 {
		out = append(out, "a passing disturbance is not ruled out yet: "+failing+" calls used to work, or others failed alike")
	}
	return out
}

// closingText says why v closed.
func closingText(s *state, v *verdict, end ending) string {
	what := map[kind]string{
		streamOnly: "Streamed requests", plainOnly: "Plain requests", modelSpecific: v.q.model,
	}[v.q.kind]
	if c := v.q.client; what == "" && c != nil {
		what = c.name()
	}
	if v.hop != nil {
		what = "Calls beyond " + v.hop.text() + " s"
	}
	failed := "failed"
	if n := v.found.fails.n; n > 0 && v.q.sig != nil && v.q.sig.text != "" {
		failed = "failed " + v.tally()
	}
	switch {
	case end.why != "":
		return end.why
	case end.because == worksAgain && intermittent(s, v):
		return fmt.Sprintf("%s work again (they %s); this came and went twice within %s: intermittent, not opened again in that time.", what, failed, s.cfg.Duration)
	case end.because == worksAgain:
		return fmt.Sprintf("%s work again (they %s).", what, failed)
	case end.because == refutedNow:
		return fmt.Sprintf("%s: not the cause after all, since one worked or others failed alike (%s).", what, failed)
	}
	return fmt.Sprintf("%s: the last failure is older than %s (%s).", what, s.cfg.Duration, failed)
}

// name is the client and its version, as far as known.
func (c *caller) name() string {
	if c == nil || c.key.name == "" {
		return "another client"
	}
	return strings.TrimSpace(c.key.name + " " + c.key.version)
}

// maxNamed bounds the differences that a sentence names.
const maxNamed = 6

// pathsOf names differences for a sentence.
func pathsOf(list []call.Change) string {
	var out []string
	for i, c := range list {
		if i == maxNamed {
			out = append(out, strconv.Itoa(len(list)-i)+" more")
			break
		}
		out = append(out, strings.TrimPrefix(c.Path, "body.")+" ("+c.Failing+", works: "+c.Working+")")
	}
	if len(out) == 0 {
		return "nothing that was recorded"
	}
	return strings.Join(out, ", ")
}
