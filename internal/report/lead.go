package report

import (
	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// lead is the first thing to read: what is wrong, in one sentence.
type lead struct {
	State    string // bad, mixed, ok, never
	Eyebrow  string
	Target   string
	Short    string // for the title of the window
	Sentence []span
	Aside    []span // how often and how, which the sentence holds in brackets
	// Difference and Step are the smallest difference and the first thing to do.
	Difference *change
	Step       []span
	Ask        string // what Step is
	Others     string
	Period     string
}

func leadOf(m *material, p *page) lead {
	l := lead{Period: p.About.Period}
	if m.open > 0 {
		l.verdict(p.Verdicts.List[0], m.findings[0].Text)
		l.Others = more(m.open-1, "verdict")
		return l
	}
	var t tally
	var newest *call.Record
	for _, c := range m.calls {
		t.add(c.last())
		if newest == nil && c.last().Outcome() == call.OutcomeError {
			newest = c.last()
		}
	}
	l.counted(&t)
	if newest != nil {
		l.Target = targetName(newest.Target)
		l.Ask, l.Step = "Newest failure:", prose(cut(explain.Headline(*newest), maxText/2))
	}
	return l
}

// verdict leads with the weightiest finding.
func (l *lead) verdict(v verdict, text string) {
	sentence, inside := aside(cut(text, maxText))
	l.Sentence, l.Aside = prose(sentence), prose(inside)
	l.State, l.Eyebrow, l.Target = "bad", "Confirmed: "+v.Kind, v.Target
	if v.State != confirmed {
		l.State, l.Eyebrow = "mixed", "Suspected: "+v.Kind
	}
	l.Short = l.Eyebrow + ", " + v.Target
	if len(v.Differences) > 0 {
		l.Difference = &v.Differences[0]
	}
	if len(v.Remedies) > 0 && len(v.Remedies[0].Steps) > 0 {
		l.Step, l.Ask = v.Remedies[0].Steps[0], v.Remedies[0].Who+":"
	}
}

// counted leads with numbers where no verdict is open.
func (l *lead) counted(t *tally) {
	l.State = t.state()
	switch n := t.judged(); {
	case t.all() == 0:
		l.Eyebrow, l.Short = "Nothing to show", "No call was recorded"
	case n == 0:
		l.Eyebrow, l.Short = "No verdict", "None of "+count(t.all(), "call")+" can be judged"
	case t.failed == 0 && n == 1:
		l.Eyebrow, l.Short = "No verdict", "The one call worked"
	case t.failed == 0:
		l.Eyebrow, l.Short = "No verdict", "All "+count(n, "call")+" worked"
	case t.ok == 0 && n == 1:
		l.Eyebrow, l.Short = "No verdict yet", "The one call failed"
	case t.ok == 0:
		l.Eyebrow, l.Short = "No verdict yet", "All "+count(n, "call")+" failed"
	default:
		l.Eyebrow, l.Short = "No verdict yet", number(t.failed)+" of "+count(n, "call")+" failed"
	}
	l.Sentence = []span{{Text: l.Short + "."}}
}
