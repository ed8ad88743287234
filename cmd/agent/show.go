package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"llmtap/internal/call"
	"llmtap/internal/explain"
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
	return printRecord(env.stdout, colours(env), &r, around{alike: alike(ctx, src, &r), verdicts: concerned(ctx, src, &r)})
}

// around is what is known beside one call.
type around struct {
	alike    []string       // how others like it went, in words
	verdicts []call.Finding // those that the call is part of
}

// concerned returns the open verdicts whose evidence the call is, or that
// explain its failure.
func concerned(ctx context.Context, src source, r *call.Record) []call.Finding {
	open, err := src.Findings(ctx, false)
	if err != nil {
		return nil // the call is explained without them
	}
	return slices.DeleteFunc(open, func(f call.Finding) bool { return !concerns(ctx, src, f, r) })
}

// concerns reports whether f rests on r, or on a failure like it at the same
// target: an earlier attempt, or one that is too old to be named.
func concerns(ctx context.Context, src source, f call.Finding, r *call.Record) bool {
	if slices.Contains(f.Evidence.Failing, r.Identity.ID) || slices.Contains(f.Evidence.Working, r.Identity.ID) {
		return true
	}
	if len(f.Evidence.Failing) == 0 || r.Outcome() != call.OutcomeError || f.Target.Host != r.Target.Host || f.Target.Port != r.Target.Port {
		return false
	}
	e, err := src.Call(ctx, f.Evidence.Failing[0])
	return err == nil && e.Target.Model == r.Target.Model && e.Request.Mode == r.Request.Mode && e.Diagnosis.Class == r.Diagnosis.Class
}

// alike counts the calls of the same target; a source that cannot be asked any
// more does not take the explanation away.
func alike(ctx context.Context, src source, r *call.Record) []string {
	if r.Target.Host == "" {
		return nil // it never had a target
	}
	q := call.Query{Since: r.Identity.Start.Add(-explain.LikenessSpan), Target: or(r.Target.Deployment, or(r.Target.Model, r.Target.Host)), Limit: maxCalls}
	others, err := src.Calls(ctx, q)
	if err != nil {
		return []string{"not known: " + err.Error()}
	}
	lines := explain.Likeness(*r, others)
	if len(others) == maxCalls {
		lines = append(lines, fmt.Sprintf("counted among the newest %d", maxCalls))
	}
	return lines
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
	text := strings.TrimSpace(clean(fmt.Sprintf(format, v...)))
	if len(text) > 84 && !strings.Contains(text, "://") { // an address stays on the line of its name
		text = strings.Join(wrap(text, 84), "\n"+strings.Repeat(" ", 16))
	}
	if text != "" {
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

func containsAny(needle string, in ...string) bool {
	for _, s := range in {
		if strings.Contains(strings.ToLower(s), strings.ToLower(needle)) {
			return true
		}
	}
	return false
}
