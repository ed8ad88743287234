package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// stateClosed is the state of a verdict that does not hold any more.
const stateClosed = "closed"

type verdictsCmd struct {
	where `embed:""`
	All   bool `help:"The closed ones too."`
	JSON  bool `name:"json" help:"One JSON object a line."`
}

// Help shows examples.
func (verdictsCmd) Help() string {
	return "A verdict is what only the comparison of calls shows: streams fail and plain calls work, a framework\nfails and the direct call works, it broke with a version.\n\nExamples:\n  llmtap verdicts\n  llmtap verdicts --all --json | jq .text"
}

// Run lists the verdicts, newest first.
func (c *verdictsCmd) Run(ctx context.Context, env environment) error {
	src, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close(ctx) }()
	list, err := src.Findings(ctx, c.All)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(env.stdout)
		for _, f := range list {
			if err := enc.Encode(f); err != nil {
				return err
			}
		}
		return nil
	}
	return printVerdicts(env.stdout, colours(env), list, c.All)
}

func printVerdicts(w io.Writer, p palette, list []call.Finding, all bool) error {
	s := &sheet{w: w, p: p}
	if len(list) == 0 {
		text := "no verdict is open: nothing that the comparison of calls would show\n"
		if all {
			text = "no verdict so far\n"
		}
		s.print(text)
	}
	for i := range list {
		if i > 0 {
			s.print("\n")
		}
		printVerdict(s, &list[i])
	}
	return s.err
}

// printVerdict prints one finding: the sentence, what it rests on, what to do.
func printVerdict(s *sheet, f *call.Finding) {
	colour := map[string]string{"confirmed": ansiRed, "suspected": ansiYellow}[f.State]
	head := fmt.Sprintf("%s %s", strings.ToUpper(f.State), f.Verdict)
	if f.State == stateClosed {
		head += " (" + f.ClosedBecause + ")"
	}
	s.print(s.p.paint(ansiBold+colour, clean(head)) + "  " + clean(targetOf(f.Target)) + "\n")
	s.print("  " + strings.Join(wrap(f.Text, 96), "\n  ") + "\n")
	who := f.Client.Name
	if f.Client.Version != "" {
		who += " " + f.Client.Version
	}
	s.line("client", "%s", who)
	s.line("since", "%s", moment(f.Since))
	for _, d := range f.Difference {
		s.line("difference", "%s: %s fails, %s works", d.Path, or(d.Failing, "absent"), or(d.Working, "absent"))
	}
	if len(f.ConfoundedBy) > 0 {
		s.line("but", "all failing calls also differ in %s", strings.Join(f.ConfoundedBy, ", "))
	}
	s.line("failing", "%s", idList(f.Evidence.Failing))
	s.line("working", "%s", idList(f.Evidence.Working))
	s.advice("", f.Remedy...)
}

// printProof prints what convinces the owner of the service: the newest failing call by
// its ids, and the pair of commands that shows the difference by hand.
func printProof(s *sheet, f *call.Finding, records []call.Record) {
	if len(f.Evidence.Failing) == 0 {
		return
	}
	for i := range records {
		r := &records[i]
		if r.Identity.ID != f.Evidence.Failing[0] {
			continue
		}
		s.print("\n")
		s.advice(explain.Headline(*r), explain.Quote(*r))
		pair := explain.Curl(*r)
		s.print("\n")
		s.curl("as the client sent it: it fails", pair.AsSent)
		if pair.Change != "" {
			s.print("\n")
			s.curl("with one change ("+pair.Change+"): it works", pair.Changed)
		}
		return
	}
}

// targetOf names a target as people do: deployment or model, then host.
func targetOf(t call.Target) string {
	if what := or(t.Deployment, t.Model); what != "" {
		return what + " at " + t.Host
	}
	return t.Host
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// idList shows the newest evidence by its short ids.
func idList(ids []string) string {
	const shown = 5
	var out []string
	for _, id := range ids[:min(len(ids), shown)] {
		out = append(out, shortID(id))
	}
	text := strings.Join(out, " ")
	if more := len(ids) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
