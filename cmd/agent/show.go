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
	recent, lerr := src.Calls(ctx, call.Query{Limit: 1000})
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
	if text := strings.TrimSpace(fmt.Sprintf(format, v...)); text != "" {
		s.print(fmt.Sprintf("  %-13s %s\n", name, text))
	}
}

func (s *sheet) print(text string) {
	if s.err == nil {
		_, s.err = io.WriteString(s.w, text)
	}
}

func printRecord(w io.Writer, p palette, r *call.Record) error {
	s := &sheet{w: w, p: p}
	s.print(p.paint(ansiBold, "call "+r.Identity.ID) + "  " + p.outcome(r.Outcome(), outcomeText(r)) + "\n")
	if d := r.Diagnosis; d.Text != "" {
		s.print("  " + d.Text + "\n")
	}
	for _, remedy := range r.Diagnosis.Remedy {
		s.print("  → " + remedy + "\n")
	}
	s.asked(r)
	s.answered(r)
	s.timeline(r)
	s.provenance(r)
	return s.err
}

func (s *sheet) asked(r *call.Record) {
	s.title("asked")
	s.line("who", "%s %s  %s %s  (%s, rule %s)", clientName(r), r.Client.Version, r.Client.SDK, r.Client.SDKVersion, r.Client.Kind, r.Client.Rule)
	s.line("user", "%s", r.Client.User)
	s.line("target", "%s %s", r.Request.Method, or(r.Request.URL, r.Target.Host))
	s.line("api", "%s  model %s  version %s  auth %s", r.Target.API, r.Target.Model, r.Target.APIVersion, r.Target.Auth.Scheme)
	s.line("mode", "%s  (stream flag: %s)", r.Request.Mode, r.Request.StreamFlag)
	s.line("body", "%d bytes, %d messages, %d tools; keys %s", r.Request.Bytes, r.Request.Messages, r.Request.Tools, strings.Join(r.Request.Keys, " "))
	for _, q := range r.Request.Params {
		s.line(q.Name, "%s", q.Value)
	}
	s.line("attempt", "%d of logical call %s", r.Identity.Attempt, r.Identity.Logical)
}

func (s *sheet) answered(r *call.Record) {
	a := r.Response
	s.title("answered")
	if a.Status == 0 {
		s.line("nothing", "%s", r.End.Detail)
	} else {
		by := ""
		if a.Origin == "agent" {
			by = "written by llmtap: " + r.End.Detail
		}
		s.line("status", "%d  HTTP/%s  %s", a.Status, or(a.HTTP, r.Request.HTTP), by)
	}
	s.line("body", "%s", bodyText(a))
	if e := a.Error; e != (call.Error{}) {
		s.line("error", "%s  %s %s %s", e.Shape, e.Code, e.Param, e.Message)
	}
	for _, h := range a.Headers {
		s.line(h.Name, "%s", h.Value)
	}
	s.line("model", "%s", a.Model)
	s.line("finish", "%s", strings.Join(a.FinishReasons, " "))
	u := r.Usage
	if u.Input.Known || u.Output.Known {
		s.line("tokens", "%d in, %d out", u.Input.N, u.Output.N)
	}
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
	s.line("ended by", "%s: %s, answer %s %s", e.Side, e.Kind, complete, e.Reason)
}

func (s *sheet) provenance(r *call.Record) {
	s.title("seen by llmtap")
	s.line("way", "%s, view %s, content %s %s", r.Agent.Mode, r.Agent.View, r.Agent.Capture, strings.Join(r.Agent.Lost, " "))
	s.line("own delay", "%s at most per read", human(r.Agent.LagMax))
	s.line("trace", "%s  span %s", r.Identity.Span.Trace, r.Identity.Span.Span)
}

func containsAny(needle string, in ...string) bool {
	for _, s := range in {
		if strings.Contains(strings.ToLower(s), strings.ToLower(needle)) {
			return true
		}
	}
	return false
}
