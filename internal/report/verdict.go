package report

import (
	"strings"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// verdicts are the findings as sentences with what to do.
type verdicts struct {
	List []verdict
	More string
}

type verdict struct {
	mark
	State, Kind, Target string
	Text                []span
	Facts               []explain.Fact
	Differences         []change
	Remedies            []remedy
}

// change is one difference between what fails and what works.
type change struct {
	Path, Failing, Working string
	// Counts say in how many other calls it is so; empty if none were compared.
	Counts string
}

// remedy is what one reader can do.
type remedy struct {
	Who   string
	Steps [][]span
}

func verdictsOf(m *material) verdicts {
	var out verdicts
	for i, f := range m.findings {
		v := verdict{
			mark: markOf(i), State: stateOf(f), Kind: cut(strings.ReplaceAll(f.Verdict, "_", " "), maxName), Target: targetName(f.Target),
			Text: prose(cut(f.Text, maxText)), Facts: findingFacts(f),
		}
		if f.State == closed { // nothing is left to do
			out.List = append(out.List, v)
			continue
		}
		v.Remedies = remediesOf(explain.AdviceFor(f))
		for _, d := range f.Difference[:min(len(f.Difference), maxChanges)] {
			v.Differences = append(v.Differences, changeOf(d))
		}
		out.List = append(out.List, v)
	}
	out.More = more(m.hidden, "verdict")
	return out
}

func stateOf(f call.Finding) string {
	switch f.State {
	case confirmed, suspected, closed:
		return f.State
	}
	return suspected
}

func targetName(t call.Target) string {
	k := keyOf(t)
	if k.place() == "" {
		return k.title()
	}
	return k.title() + " at " + k.place()
}

func findingFacts(f call.Finding) []explain.Fact {
	var out []explain.Fact
	add := func(name, text string) {
		if text != "" {
			out = append(out, explain.Fact{Name: name, Text: cut(text, maxValue*2)})
		}
	}
	add("client", joined(" ", f.Client.Name, f.Client.Version))
	add("since", moment(f.Since))
	if f.State == closed {
		add("closed", joined(": ", moment(f.Updated), strings.ReplaceAll(f.ClosedBecause, "_", " ")))
	}
	add("confounded by", strings.Join(f.ConfoundedBy, ", "))
	add("failing calls", listed(f.Evidence.Failing, maxAttempts))
	add("working calls", listed(f.Evidence.Working, maxAttempts))
	return out
}

func changeOf(c call.Change) change {
	return change{Path: cut(c.Path, maxValue), Failing: worded(c.Failing), Working: worded(c.Working)}
}

func worded(value string) string {
	if value == "" {
		return "absent"
	}
	return cut(value, maxValue)
}

// remediesOf groups advice by who can follow it, in the order given.
func remediesOf(steps []explain.Step) []remedy {
	var out []remedy
	for _, s := range steps {
		who := string(s.Who)
		if n := len(out); n == 0 || out[n-1].Who != who {
			out = append(out, remedy{Who: who})
		}
		last := &out[len(out)-1]
		last.Steps = append(last.Steps, prose(cut(s.Text, maxText)))
	}
	return out
}
