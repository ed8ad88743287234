package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/report"
)

type reportCmd struct {
	where  `embed:""`
	Since  string `help:"Only calls since then: a duration (1h, 7d) or a time (RFC 3339)." default:"24h" placeholder:"D"`
	Target string `help:"Only calls whose host, deployment or model contains this." placeholder:"S"`
	Output string `short:"o" help:"File to write; - is standard output (default: llmtap-report-DATE.html in this directory, never over another)." placeholder:"FILE"`
}

// Help shows examples.
func (reportCmd) Help() string {
	return "One HTML file without scripts, made to be attached to an issue: what works where, verdicts, evidence, versions,\n" +
		"what to do, curl commands. No prompts, no keys, no users. It does name hosts, deployments and models.\n\n" +
		"Examples:\n  llmtap report\n  llmtap report --since 7d --target gpt-4o -o report.html"
}

// Run writes the report and says where it is.
func (c *reportCmd) Run(ctx context.Context, env environment) error {
	made := time.Now()
	q, err := (&callsCmd{Since: c.Since, Target: c.Target, Limit: maxCalls}).query(made)
	if err != nil {
		return err
	}
	src, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close(ctx) }()
	in, err := gather(ctx, src, q)
	if err != nil {
		return err
	}
	in.Made, in.Tool = made, "llmtap "+version+" ("+revision()+")"
	var page bytes.Buffer
	if err := report.Write(&page, in); err != nil {
		return err
	}
	if c.Output == "-" {
		_, err := page.WriteTo(env.stdout)
		return err
	}
	if len(in.Records) == 0 {
		if _, err := fmt.Fprintln(env.stderr, "no call matches, so the report is empty; look further back with --since 7d"); err != nil {
			return err
		}
	}
	path, err := c.save(page.Bytes(), made)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.stdout, path)
	return err
}

// gather reads what a report is made of: the attempts of the period, what was
// concluded about them, and the calls that prove it.
func gather(ctx context.Context, src source, q call.Query) (report.Input, error) {
	in := report.Input{Since: q.Since, Target: q.Target}
	var err error
	if in.Records, err = src.Calls(ctx, q); err != nil {
		return in, err
	}
	in.Capped = len(in.Records) == q.Limit
	if in.Findings, err = src.Findings(ctx, true); err != nil {
		return in, err
	}
	in.Findings = slices.DeleteFunc(in.Findings, func(f call.Finding) bool { return !belongs(f, q) })
	for _, id := range report.Missing(in) {
		r, err := src.Call(ctx, id)
		switch {
		case errors.Is(err, call.ErrNotFound): // older than what is kept
		case err != nil:
			return in, err
		default:
			in.Evidence = append(in.Evidence, r)
		}
	}
	agent, ok := src.(*adminClient)
	if !ok {
		in.TunnelsUnknown = true
		return in, nil
	}
	list, err := agent.tunnels(ctx)
	for _, t := range list {
		in.Tunnels += t.Count
	}
	return in, err
}

// belongs reports whether a finding is about what was asked for: it holds, or
// it closed within the period.
func belongs(f call.Finding, q call.Query) bool {
	t := f.Target
	return (q.Target == "" || containsAny(q.Target, t.Host, t.Deployment, t.Model)) && (f.State != stateClosed || !f.Updated.Before(q.Since))
}

// save writes the file for its owner alone. Without a name it takes one that is
// free, so that no earlier report is lost.
func (c *reportCmd) save(page []byte, made time.Time) (string, error) {
	if c.Output != "" {
		if err := os.WriteFile(c.Output, page, 0o600); err != nil {
			return "", fmt.Errorf("write report: %w", err)
		}
		return c.Output, nil
	}
	base := "llmtap-report-" + made.Format(time.DateOnly)
	name := base + ".html"
	for n := 2; ; n++ {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) && n < maxReports {
			name = fmt.Sprintf("%s-%d.html", base, n)
			continue
		}
		if err != nil {
			return "", fmt.Errorf("write report: %w; name a file with -o", err)
		}
		_, err = f.Write(page)
		if err := errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("write report: %s: %w", name, err)
		}
		return name, nil
	}
}

// maxReports bounds the names that are tried on one day.
const maxReports = 1000
