package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

type diffCmd struct {
	where `embed:""`
	A     string `arg:"" help:"Id of a call, or enough of its start or end to be unique."`
	B     string `arg:"" optional:"" help:"Id of the other call. Without: the best counterpart, one to the same target with the opposite outcome."`
	JSON  bool   `name:"json" help:"The comparison as JSON, as the API gives it."`
}

// Help shows examples.
func (diffCmd) Help() string {
	return "What was asked comes before what came back: only the first can explain the second. Counts are over the\n" +
		"calls of the same target, a day around the two.\n\n" +
		"Examples:\n  llmtap diff 1e384e\n  llmtap diff 1e384e 9a75d3 --json | jq -r .explains"
}

// Run compares two calls.
func (c *diffCmd) Run(ctx context.Context, env environment) error {
	src, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close(ctx) }()
	a, b, err := c.pair(ctx, src)
	if err != nil {
		return err
	}
	var window []call.Record
	for _, q := range compare.Around(a, b) {
		list, err := src.Calls(ctx, q)
		if err != nil {
			return err
		}
		window = append(window, list...)
	}
	d := compare.Compare(a, b, window)
	if c.JSON {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(d)
	}
	why := ""
	if c.B == "" {
		why = "compared with its best counterpart: " + compare.Likeness(a, b)
	}
	if d.Failing == b.Identity.ID {
		a, b = b, a
	}
	return printDiff(env.stdout, colours(env), diffSheet{d: d, failing: a, working: b, why: why})
}

// pair finds both calls; without a second id the counterpart of the first.
func (c *diffCmd) pair(ctx context.Context, src source) (a, b call.Record, err error) {
	if a, err = findCall(ctx, src, c.A); err != nil {
		return a, b, err
	}
	if c.B == "" {
		b, err = counterpart(ctx, src, a)
		return a, b, err
	}
	if b, err = findCall(ctx, src, c.B); err != nil {
		return a, b, err
	}
	if a.Identity.ID == b.Identity.ID {
		return a, b, usagef("%q and %q are one call; name two, or one alone to find its counterpart", c.A, c.B)
	}
	return a, b, nil
}

// counterpart finds the call that explains r best, or says what would.
func counterpart(ctx context.Context, src source, r call.Record) (call.Record, error) {
	q, ok := compare.Opposites(r)
	if !ok {
		return r, fmt.Errorf("how call %s ended is not known (yet); name the call to compare it with: llmtap diff %s OTHER", shortID(r.Identity.ID), shortID(r.Identity.ID))
	}
	list, err := src.Calls(ctx, q)
	if err != nil {
		return r, err
	}
	if b, ok := compare.Counterpart(r, list); ok {
		return b, nil
	}
	return r, alone(ctx, src, r, q.Outcome)
}

// alone says what to do for a call that has no counterpart.
func alone(ctx context.Context, src source, r call.Record, outcome call.Outcome) error {
	id := shortID(r.Identity.ID)
	which, advice := "failing", "there is nothing to explain"
	if outcome == call.OutcomeOK {
		which, advice = "working", "make one through llmtap: the same request once more, plain if it was streamed"
		if r.Request.Mode == call.ModePlain {
			advice = "make one through llmtap: the same request once more, or with another client"
		}
	}
	text := fmt.Sprintf("no %s call to %s is recorded that %s could be compared with; %s", which, targetName(&r), id, advice)
	list, err := src.Calls(ctx, call.Query{Target: r.Target.Host, Outcome: outcome, Limit: maxCalls})
	if err != nil || r.Target.Host == "" {
		list = nil
	}
	for _, x := range list {
		if x.Target.Host == r.Target.Host && x.Identity.ID != r.Identity.ID {
			return fmt.Errorf("%s; or compare it with one to %s: llmtap diff %s %s", text, targetName(&x), id, shortID(x.Identity.ID))
		}
	}
	return errors.New(text + "; or name any other: llmtap diff " + id + " OTHER")
}

// diffSheet is a comparison and the two calls it is of.
type diffSheet struct {
	d                compare.Comparison
	failing, working call.Record
	// why says how the second call was chosen; empty if the user chose it.
	why string
}

// printDiff writes the explaining sentence, the two calls and what differs.
func printDiff(w io.Writer, p palette, x diffSheet) error {
	s := &sheet{w: w, p: p}
	s.print(p.paint(ansiBold, strings.Join(wrap(x.d.Explains, 99), "\n")) + "\n\n")
	if s.err == nil {
		s.err = printCalls(w, p, []call.Record{x.failing, x.working})
	}
	if x.why != "" {
		s.print(p.paint(ansiDim, strings.Join(wrap(x.why, 99), "\n")) + "\n")
	}
	t := newDiffTable(s, x)
	t.section("WHAT WAS ASKED", compare.RoleCause)
	t.unclear()
	t.section("WHAT CAME BACK", compare.RoleConsequence)
	t.section("HOW LONG IT TOOK", compare.RoleTiming)
	if len(x.d.Changes) == 0 {
		s.print("\nnothing that was recorded differs\n")
	}
	return s.err
}

// diffTable writes differences in columns; widths add up to 99 with the blanks
// between them.
type diffTable struct {
	*sheet
	changes []compare.Ranked
	heads   [2]string
	counted bool
	path    int
	value   int
}

func newDiffTable(s *sheet, x diffSheet) *diffTable {
	t := &diffTable{sheet: s, changes: x.d.Changes, heads: [2]string{"FAILING", "WORKING"}, path: 34, value: 31}
	a, b := x.failing.Outcome(), x.working.Outcome()
	if b != call.OutcomeOK || a == b || a == call.OutcomeUnknown {
		t.heads = [2]string{"FIRST", "SECOND"}
	}
	for _, r := range t.changes {
		t.counted = t.counted || r.Counts.OfFailing+r.Counts.OfWorking > 2
	}
	if t.counted {
		t.value = 20
	}
	return t
}

func (t *diffTable) section(title string, role compare.Role) {
	head := false
	for _, r := range t.changes {
		if r.Role != role || r.Unclear {
			continue
		}
		if !head {
			head = true
			counts := [2]string{}
			if t.counted && role == compare.RoleCause {
				counts = [2]string{"IN FAILING", "IN WORKING"}
			}
			t.print("\n" + t.p.paint(ansiBold, t.row(title, t.heads, counts)) + "\n")
		}
		t.print(t.colour(r, t.row(r.Path, [2]string{r.Failing, r.Working}, t.counts(r))) + "\n")
	}
}

// counts say in how many calls the first value was found.
func (t *diffTable) counts(r compare.Ranked) [2]string {
	c := r.Counts
	if !t.counted || c == (compare.Counts{}) {
		return [2]string{}
	}
	return [2]string{fmt.Sprintf("%d of %d", c.Failing, c.OfFailing), fmt.Sprintf("%d of %d", c.Working, c.OfWorking)}
}

func (t *diffTable) row(path string, values, counts [2]string) string {
	cells := []string{fit(path, t.path, false), fit(values[0], t.value, false), fit(values[1], t.value, false)}
	if t.counted {
		cells = append(cells, fit(counts[0], 11, true), fit(counts[1], 10, true))
	}
	return strings.TrimRight(strings.Join(cells, " "), " ")
}

// colour marks what separates all failing from all working calls.
func (t *diffTable) colour(r compare.Ranked, text string) string {
	switch {
	case r.Role == compare.RoleCause && t.counted && r.Counts.Separates():
		return t.p.paint(ansiRed, text)
	case r.Role != compare.RoleCause:
		return t.p.paint(ansiDim, text)
	}
	return text
}

// unclear names what only one of the calls is known to have asked.
func (t *diffTable) unclear() {
	var names []string
	for _, r := range t.changes {
		if r.Role == compare.RoleCause && r.Unclear {
			names = append(names, cmp.Or(r.Path, "?"))
		}
	}
	if len(names) > 0 {
		text := "not known of both: " + strings.Join(names, ", ")
		t.print("\n" + t.p.paint(ansiYellow, strings.Join(wrap(text, 99), "\n")) + "\n")
	}
}
