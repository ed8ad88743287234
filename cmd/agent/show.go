package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"llmtap/internal/call"
)

type showCmd struct {
	where `embed:""`
	ID    string `arg:"" help:"Id of the call, or enough of its start or end to be unique."`
	JSON  bool   `name:"json" help:"The record as JSON."`
}

// Help shows examples.
func (showCmd) Help() string {
	return "Examples:\n  llmtap show 1e384e\n  llmtap show 1e384e --json | jq .timing"
}

// Run shows one call in full.
func (c *showCmd) Run(ctx context.Context, env environment) error {
	src, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close(ctx) }()
	r, err := findCall(ctx, src, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return printRecord(env.stdout, colours(env), &r)
}

// findCall takes a whole id, its start, or (as `calls` prints it) its end.
func findCall(ctx context.Context, src source, id string) (call.Record, error) {
	r, err := src.Call(ctx, id)
	if err == nil || !errors.Is(err, call.ErrNotFound) {
		return r, err
	}
	recent, lerr := src.Calls(ctx, call.Query{Limit: maxCalls})
	if lerr != nil {
		return r, err
	}
	var found []call.Record
	for _, x := range recent {
		if strings.HasSuffix(x.Identity.ID, id) {
			found = append(found, x)
		}
	}
	switch len(found) {
	case 0:
		return r, fmt.Errorf("no call %q; ids are in: llmtap calls", id)
	case 1:
		return found[0], nil
	}
	return r, fmt.Errorf("%d calls end in %q; give more of the id", len(found), id)
}

// sheet writes aligned "name  value" lines and leaves out what is not known.
type sheet struct {
	w   io.Writer
	p   palette
	err error
}

func (s *sheet) title(text string) { s.print("\n" + s.p.paint(ansiBold, text) + "\n") }

func (s *sheet) line(name, format string, v ...any) {
	if text := strings.TrimSpace(clean(fmt.Sprintf(format, v...))); text != "" {
		s.print(fmt.Sprintf("  %-13s %s\n", clean(name), text))
	}
}

// advice prints what a record or tunnel means and what to do about it.
func (s *sheet) advice(text string, remedies ...string) {
	if text != "" {
		s.print("  " + strings.Join(wrap(text, 96), "\n  ") + "\n")
	}
	for _, r := range remedies {
		if r != "" {
			s.print("  → " + strings.Join(wrap(r, 94), "\n    ") + "\n")
		}
	}
}

func (s *sheet) print(text string) {
	if s.err == nil {
		_, s.err = io.WriteString(s.w, text)
	}
}

func printRecord(w io.Writer, p palette, r *call.Record) error {
	s := &sheet{w: w, p: p}
	s.print(p.paint(ansiBold, "call "+clean(r.Identity.ID)) + "  " + p.outcome(r.Outcome(), outcomeText(r)) + "\n")
	s.advice(r.Diagnosis.Text, r.Diagnosis.Remedy...)
	s.asked(r)
	s.answered(r)
	s.timeline(r)
	s.provenance(r)
	return s.err
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
	s.title("answered")
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
	t := r.Timing
	for _, x := range []struct {
		name string
		at   time.Time
	}{
		{"request sent", t.RequestSent}, {"headers", t.Headers}, {"first byte", t.FirstByte}, {"first content", t.FirstContent},
		{"last byte", t.LastByte}, {"end", t.End},
	} {
		if !x.at.IsZero() {
			s.line(x.name, "%9s", human(x.at.Sub(r.Identity.Start)))
		}
	}
	if st := r.Stream; st.Events > 0 {
		s.line("stream", "%d events, %d with content, %d keep-alives, in %d bursts; longest silence %s", st.Events, st.ContentEvents, st.Keepalives, st.Bursts, human(st.MaxGap))
		for _, o := range st.Oddities {
			s.line("oddity", "%s ×%d", o.Name, o.Count)
		}
	}
	e := r.End
	complete := "incomplete"
	if e.Terminal {
		complete = "complete"
	}
	s.line("ended by", "%s, answer %s", strings.TrimSuffix(e.Side.String()+": "+e.Kind.String(), ": unknown"), known(complete, labelled("reason", e.Reason)))
}

func (s *sheet) provenance(r *call.Record) {
	s.title("seen by llmtap")
	a := r.Agent
	s.line("way", "%s, view %s, content %s", a.Mode, a.View, known(a.Capture.String(), labelled("lost", strings.Join(a.Lost, " "))))
	s.line("own delay", "%s at most per read", human(a.LagMax))
	s.line("trace", "%s", known(r.Identity.Span.Trace, labelled("span", r.Identity.Span.Span)))
}

func containsAny(needle string, in ...string) bool {
	for _, s := range in {
		if strings.Contains(strings.ToLower(s), strings.ToLower(needle)) {
			return true
		}
	}
	return false
}
