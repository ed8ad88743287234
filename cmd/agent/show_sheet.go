package main

import (
	"io"
	"strings"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// printRecord explains one call, with what is known around it.
func printRecord(w io.Writer, p palette, r *call.Record, a around) error {
	s := &sheet{w: w, p: p}
	s.print(p.paint(ansiBold, "call "+clean(r.Identity.ID)) + "  " + p.outcome(r.Outcome(), outcomeText(r)) + "\n")
	s.advice(explain.Headline(*r))
	s.facts("asked", explain.Asked(*r))
	s.facts("came back", explain.Answered(*r))
	s.timeline(r)
	s.section("what the user probably saw", explain.Seen(*r))
	for _, f := range a.verdicts {
		s.section("verdict: "+clean(f.Verdict)+", "+clean(f.State), f.Text+" See llmtap verdicts.")
	}
	s.whatToDo(r, a.verdicts)
	s.evidence(r)
	if len(a.alike) > 0 {
		s.title("similar calls")
		for _, text := range a.alike {
			s.advice(text)
		}
	}
	s.tryIt(r)
	return s.err
}

// section is a title with a text, or nothing.
func (s *sheet) section(title, text string) {
	if text != "" {
		s.title(title)
		s.advice(text)
	}
}

// facts is a title with what is known under it.
func (s *sheet) facts(title string, list []explain.Fact) {
	s.title(title)
	for _, f := range list {
		s.line(f.Name, "%s", f.Text)
	}
}

func (s *sheet) timeline(r *call.Record) {
	s.title("when")
	for _, text := range explain.Timeline(*r) {
		s.print("  " + text + "\n")
	}
}

// whatToDo lists advice with whom it is for, then the question to the owner.
func (s *sheet) whatToDo(r *call.Record, verdicts []call.Finding) {
	steps, quote := explain.Advice(*r), explain.Quote(*r)
	if len(verdicts) > 0 && r.Outcome() == call.OutcomeError {
		steps = explain.AdviceFor(verdicts[0]) // it knows more than one call does
	}
	if len(steps) == 0 && quote == "" {
		return
	}
	s.title("what to do")
	for _, step := range steps {
		who := ""
		if step.Who != explain.User {
			who = string(step.Who) + ": "
		}
		s.advice("", who+step.Text)
	}
	s.advice("", quote)
}

func (s *sheet) evidence(r *call.Record) {
	s.facts("evidence", explain.Evidence(*r))
	a := r.Agent
	s.line("seen", "%s, view %s, content %s", a.Mode, a.View, known(a.Capture.String(), labelled("lost", strings.Join(a.Lost, " "))))
	s.line("own delay", "%s at most per read", human(a.LagMax))
}

// tryIt prints the curl pair and how to compare.
func (s *sheet) tryIt(r *call.Record) {
	s.title("try it")
	pair := explain.Curl(*r)
	s.curl("as it was sent", pair.AsSent)
	if pair.Change != "" {
		s.print("\n")
		s.curl(pair.Change, pair.Changed)
	}
	if r.Outcome() != call.OutcomeOK && r.Request.IsHTTP() {
		s.print("\n  " + s.p.paint(ansiDim, "# what differs from calls that worked") + "\n  llmtap diff " + word(clean(r.Identity.ID)) + "\n")
	}
}

func (s *sheet) curl(what string, c explain.Command) {
	if c.Missing != "" {
		s.advice("No curl command: " + c.Missing + ".")
		return
	}
	s.print("  " + s.p.paint(ansiDim, "# "+clean(what)) + "\n")
	for _, lack := range c.LeftOut {
		s.print("  " + s.p.paint(ansiDim, "# "+strings.Join(wrap("without "+lack, 94), "\n  # ")) + "\n")
	}
	s.print("  " + strings.ReplaceAll(c.Text, "\n", "\n  ") + "\n")
}
