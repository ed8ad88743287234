package main

import (
	"fmt"
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
	s.asked(r)
	s.answered(r)
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

func (s *sheet) asked(r *call.Record) {
	s.title("asked")
	c, t, q := r.Client, r.Target, r.Request
	sdk := strings.TrimSpace(c.SDK + " " + c.SDKVersion)
	if c.SDK == c.Name {
		sdk = ""
	}
	s.line("who", "%s  (%s)", known(clientName(r), c.Version, labelled("by", sdk)), strings.TrimSuffix(c.Kind.String()+", rule "+c.Rule, ", rule "))
	s.line("user", "%s", c.User)
	if r.Agent.Mode == call.CaptureLog {
		s.line("target", "none: no call was seen; what is known is in the server's log, which anybody can write to whose output it takes")
		return
	}
	if !q.IsHTTP() {
		s.line("target", "%s:%d, and no request: the connection ended before one", t.Host, t.Port)
		return
	}
	s.line("target", "%s %s", q.Method, or(q.URL, t.Host))
	s.line("api", "%s", known(t.API, labelled("model", t.Model), labelled("version", t.APIVersion), labelled("auth", t.Auth.Scheme)))
	s.line("mode", "%s  (stream flag: %s)", q.Mode, q.StreamFlag)
	s.line("body", "%d bytes, %s, %s", q.Bytes, plural(q.Messages, "message"), known(plural(q.Tools, "tool"), labelled("keys", strings.Join(q.Keys, " "))))
	for _, p := range q.Params {
		s.line("parameter", "%s = %s", p.Name, p.Value)
	}
	if r.Identity.Attempt > 0 {
		s.line("attempt", "%d of logical call %s", r.Identity.Attempt, r.Identity.Logical)
	}
}

func (s *sheet) answered(r *call.Record) {
	a := r.Response
	s.title("came back")
	if a.Status == 0 {
		s.line("nothing", "%s", or(r.End.Detail, "no answer came back"))
	} else {
		by := ""
		if a.Origin == "agent" {
			by = "written by llmtap: " + r.End.Detail
		}
		s.line("status", "%d  HTTP/%s  %s", a.Status, or(a.HTTP, r.Request.HTTP), by)
	}
	s.line("body", "%s", bodyText(a))
	if e := a.Error; e != (call.Error{}) {
		s.line("error", "%s", known(e.Shape.String()+" shape", labelled("code", e.Code), labelled("type", e.Type), labelled("param", e.Param), e.Message))
	}
	for _, h := range a.Headers {
		s.line("header", "%s: %s", h.Name, h.Value)
	}
	s.line("model", "%s", a.Model)
	s.line("finish", "%s", strings.Join(a.FinishReasons, " "))
	s.line("tokens", "%s", known(tokens("in", r.Usage.Input), tokens("out", r.Usage.Output), tokens("cached", r.Usage.Cached), tokens("reasoning", r.Usage.Reasoning)))
}

// tokens is "N what", or nothing where the service did not say.
func tokens(what string, a call.Amount) string {
	if !a.Known {
		return ""
	}
	return fmt.Sprintf("%d %s", a.N, what)
}

func bodyText(a call.Response) string {
	if a.Body.Framing == call.FramingUnknown {
		return ""
	}
	return fmt.Sprintf("%d bytes of %s, labelled %s, transfer %s %s", a.Body.Bytes, a.Body.Framing,
		or(a.Body.ContentType, "nothing"), a.Body.Transfer, a.Body.Encoding)
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
	s.title("evidence")
	for _, f := range explain.Evidence(*r) {
		s.line(f.Name, "%s", f.Text)
	}
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
