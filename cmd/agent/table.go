package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// ansi colours by meaning; the text says the same, colour only helps.
const (
	ansiReset  = "\x1b[0m"
	ansiRed    = "\x1b[31m"
	ansiGreen  = "\x1b[32m"
	ansiYellow = "\x1b[33m"
	ansiBold   = "\x1b[1m"
	ansiDim    = "\x1b[2m"
)

// palette paints on a terminal and stays plain in a pipe or under NO_COLOR.
type palette struct{ on bool }

func colours(env environment) palette {
	return palette{on: isTerminal(env.stdout) && env.getenv("NO_COLOR") == "" && env.getenv("TERM") != "dumb"}
}

func (p palette) paint(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return code + s + ansiReset
}

func (p palette) outcome(o call.Outcome, s string) string {
	switch o {
	case call.OutcomeOK:
		return p.paint(ansiGreen, s)
	case call.OutcomeError:
		return p.paint(ansiRed, s)
	case call.OutcomeCancelled:
		return p.paint(ansiYellow, s)
	}
	return s
}

// column is one column of the table of calls; widths add up to 100 with the
// blanks between them.
type column struct {
	head  string
	width int
	right bool
}

func callColumns() []column {
	return []column{
		{"TIME", 8, false}, {"ID", 9, false}, {"CLIENT", 14, false}, {"TARGET", 19, false}, {"MODE", 6, false},
		{"TRY", 3, true}, {"STATUS", 6, true}, {"LATENCY", 7, true}, {"OUTCOME", 20, false},
	}
}

// printCalls writes records as a table of at most 100 columns.
func printCalls(w io.Writer, p palette, records []call.Record) error {
	if err := printHead(w, p); err != nil {
		return err
	}
	for i := range records {
		if err := printCall(w, p, &records[i]); err != nil {
			return err
		}
	}
	return nil
}

func printHead(w io.Writer, p palette) error {
	cells := make([]string, 0, 9)
	for _, c := range callColumns() {
		cells = append(cells, fit(c.head, c.width, c.right))
	}
	_, err := fmt.Fprintln(w, p.paint(ansiBold, strings.TrimRight(strings.Join(cells, " "), " ")))
	return err
}

func printCall(w io.Writer, p palette, r *call.Record) error {
	values := []string{
		r.Identity.Start.Local().Format("15:04:05"), shortID(r.Identity.ID), explain.Client(r.Client), targetName(r), modeName(r),
		attempt(r), status(r), latency(r), outcomeText(r),
	}
	cells := make([]string, len(values))
	for i, c := range callColumns() {
		cells[i] = fit(values[i], c.width, c.right)
	}
	cells[8] = p.outcome(r.Outcome(), strings.TrimRight(cells[8], " "))
	_, err := fmt.Fprintln(w, strings.Join(cells, " "))
	return err
}

// shortID shows the end of an id: its start is time and hardly differs.
func shortID(id string) string {
	if len(id) <= 9 {
		return id
	}
	return id[len(id)-9:]
}

func targetName(r *call.Record) string {
	what := or(r.Target.Deployment, r.Target.Model)
	host, _, _ := strings.Cut(r.Target.Host, ".")
	if what == "" {
		return r.Target.Host
	}
	return what + "@" + host
}

func modeName(r *call.Record) string {
	if r.Request.Mode == call.ModeUnknown {
		return "-"
	}
	return r.Request.Mode.String()
}

func attempt(r *call.Record) string {
	if r.Identity.Attempt == 0 {
		return "-"
	}
	return fmt.Sprint(r.Identity.Attempt)
}

func status(r *call.Record) string {
	if r.Response.Status == 0 || r.Response.Origin == "agent" {
		return "-"
	}
	return fmt.Sprint(r.Response.Status)
}

func latency(r *call.Record) string {
	d := call.Since(r.Identity.Start, r.Timing.End)
	if d == 0 {
		return "-"
	}
	return human(d)
}

// human writes a duration with three significant digits at most.
func human(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func outcomeText(r *call.Record) string {
	switch c := r.Diagnosis.Class; {
	case c == call.ClassUnknown, c == call.ClassOK:
		return r.Outcome().String()
	case c == call.ClassFailedBeforeCall && r.Outcome() == call.OutcomeUnknown:
		return r.Diagnosis.Reason // unseen is not failed
	default:
		return c.String()
	}
}
