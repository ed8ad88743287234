package web

import (
	"net/http"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// verdictView is a finding as a page shows it.
type verdictView struct {
	ID, Name, State, Text, Target string
	Look                          string
	Base                          string
	Facts                         []explain.Fact
	Steps                         []explain.Step
	Evidence                      []evidence
}

// evidence are the ids of one side.
type evidence struct {
	Name string
	IDs  []string
}

func verdictViews(list []call.Finding, base string) []verdictView {
	out := make([]verdictView, len(list))
	for i, f := range list {
		out[i] = verdictOf(f, base)
	}
	return out
}

func verdictOf(f call.Finding, base string) verdictView {
	v := verdictView{
		ID: f.ID, Name: f.Verdict, State: f.State, Text: f.Text, Target: f.Target.Host, Base: base, Steps: explain.AdviceFor(f),
		Look: or(map[string]string{"confirmed": "bad", "suspected": "mixed"}[f.State], "none"),
	}
	if what := or(f.Target.Deployment, f.Target.Model); what != "" {
		v.Target = what + " at " + f.Target.Host
	}
	add := func(name, text string) {
		if text != "" {
			v.Facts = append(v.Facts, explain.Fact{Name: name, Text: text})
		}
	}
	for _, d := range f.Difference {
		add("difference", d.Path+": "+or(d.Failing, "absent")+" fails, "+or(d.Working, "absent")+" works")
	}
	for _, path := range f.ConfoundedBy {
		add("but", "all failing calls also differ in "+path)
	}
	if !f.Since.IsZero() {
		add("since", f.Since.UTC().Format("2006-01-02 15:04:05"))
	}
	add("closed", f.ClosedBecause)
	for _, side := range []evidence{{"failing", f.Evidence.Failing}, {"working", f.Evidence.Working}} {
		if len(side.IDs) > 0 {
			side.IDs = side.IDs[:min(len(side.IDs), 8)]
			v.Evidence = append(v.Evidence, side)
		}
	}
	return v
}

// verdictsPage lists the verdicts with evidence and remedy.
func (p pages) verdictsPage(w http.ResponseWriter, r *http.Request) {
	list, all, ok := findings(w, r, p.shelf(r))
	if !ok {
		return
	}
	render(w, http.StatusOK, "verdicts", struct {
		head
		All      bool
		Verdicts []verdictView
	}{p.head(r, "Verdicts", ""), all, verdictViews(list, "")})
}
