package web

import (
	"fmt"
	"strings"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// row is a call as a line of a table.
type row struct {
	ID           string
	Start        time.Time // UTC
	Client, User string
	Target, Host string
	Mode, Try    string
	Status, Took string
	// Outcome is its class in words, Look how it is painted: ok, bad, mixed, none.
	Outcome, Look string
}

// table is a list of calls.
type table struct {
	head
	Rows  []row
	Users bool
}

func rowOf(r *call.Record) row {
	out := row{
		ID: r.Identity.ID, Start: r.Identity.Start.UTC(),
		Client: strings.TrimSpace(explain.Client(r.Client) + " " + r.Client.Version), User: r.Client.User,
		Target: or(r.Target.Deployment, or(r.Target.Model, r.Target.API)), Host: r.Target.Host,
		Mode: "", Took: took(call.Since(r.Identity.Start, r.Timing.End)),
	}
	if r.Request.Mode != call.ModeUnknown {
		out.Mode = r.Request.Mode.String()
	}
	if r.Identity.Attempt > 0 {
		out.Try = fmt.Sprint(r.Identity.Attempt)
	}
	if r.Response.Status != 0 && r.Response.Origin != "agent" {
		out.Status = fmt.Sprint(r.Response.Status)
	}
	out.Outcome, out.Look = outcomeOf(r)
	return out
}

func rowsOf(list []call.Record) []row {
	out := make([]row, len(list))
	for i := range list {
		out[i] = rowOf(&list[i])
	}
	return out
}

// outcomeOf is how a call ended, in words, and how that looks.
func outcomeOf(r *call.Record) (words, look string) {
	outcome := r.Outcome()
	look = map[call.Outcome]string{call.OutcomeOK: "ok", call.OutcomeError: "bad", call.OutcomeCancelled: "mixed"}[outcome]
	switch c := r.Diagnosis.Class; {
	case c == call.ClassFailedBeforeCall && outcome == call.OutcomeUnknown:
		words = r.Diagnosis.Reason // unseen is not failed
	case c == call.ClassUnknown, c == call.ClassOK:
		words = outcome.String()
	default:
		words = c.String()
	}
	return words, or(look, "none")
}

// took writes a duration with three significant digits at most.
func took(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// plural is a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func or(v, def string) string {
	if v == "" {
		return def
	}
	return v
}
