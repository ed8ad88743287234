package report

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"llmtap/internal/call"
)

// fall draws calls on one axis of time, a row for each attempt.
type fall struct {
	Rows []fallRow
	More string
	Axis []string // at the beginning, the middle and the end
}

type fallRow struct {
	Name, Kind, Mode, State string
	Bars                    []bar
	Tick                    int // where the first content came; 0 for nowhere
	End                     int
	Status, Took, Class     string
}

// bar is a stretch of time, in thousandths of the axis.
type bar struct {
	X1, X2 int
	Part   string // wait, head, body
}

// width is the axis in its own units; the page stretches it.
const width = 1000

// fallOf puts the attempts of the failing call above the working one. Each call
// begins at zero, so that they can be compared.
func fallOf(failing, working []*call.Record) fall {
	var out fall
	if n := len(failing) - maxAttempts; n > 0 {
		out.More = more(n, "attempt")
		failing = failing[n:]
	}
	longest := time.Millisecond / 10
	for _, list := range [][]*call.Record{failing, working} {
		for _, r := range list {
			longest = max(longest, r.EndTime().Sub(list[0].Identity.Start))
		}
	}
	for i, r := range failing {
		name := "failing"
		if len(failing) > 1 {
			name += ", attempt " + number(cmp.Or(r.Identity.Attempt, i+1))
		}
		out.Rows = append(out.Rows, fallRowOf(name, r, failing[0].Identity.Start, longest))
	}
	for _, r := range working[:min(len(working), 1)] {
		out.Rows = append(out.Rows, fallRowOf("working", r, r.Identity.Start, longest))
	}
	out.Axis = []string{"0", lasting(longest / 2), lasting(longest)}
	return out
}

func fallRowOf(name string, r *call.Record, zero time.Time, longest time.Duration) fallRow {
	var t tally
	t.add(r)
	out := fallRow{
		Name: name, Kind: r.Client.Kind.String(), Mode: modeOf(r).String(), State: t.state(), Status: statusOf(r), Took: lasting(r.Duration()),
		Class: classOf(r),
	}
	at := func(t time.Time) int {
		return int(max(0, min(1, float64(t.Sub(zero))/float64(longest))) * width)
	}
	out.End = at(r.EndTime())
	for _, s := range stretches(r) {
		b := bar{at(s.from), at(s.to), s.part}
		if b.X2-b.X1 < 4 { // a moment that happened is seen
			b.X1 = max(0, min(b.X1, width-4))
			b.X2 = b.X1 + 4
		}
		out.Bars = append(out.Bars, b)
	}
	if first := r.Timing.FirstContent; r.StreamBody() && !first.IsZero() {
		out.Tick = max(1, at(first))
	}
	return out
}

func statusOf(r *call.Record) string {
	if r.Response.Status == 0 {
		return "no answer"
	}
	return strconv.Itoa(r.Response.Status)
}

// classOf is how a call ended, in the word that dashboards and alerts use.
func classOf(r *call.Record) string {
	if r.Diagnosis.Class == call.ClassUnknown {
		return r.Outcome().String()
	}
	return r.Diagnosis.Class.String()
}

type stretch struct {
	from, to time.Time
	part     string
}

// stretches are the phases of a call: waiting for an answer, its head, its body.
func stretches(r *call.Record) []stretch {
	t, end := r.Timing, r.EndTime()
	if r.Identity.Start.IsZero() {
		return nil
	}
	if t.Headers.IsZero() {
		return []stretch{{r.Identity.Start, end, "wait"}}
	}
	out := []stretch{{r.Identity.Start, t.Headers, "wait"}}
	body := t.FirstByte
	if r.StreamBody() && !t.FirstContent.IsZero() {
		body = t.FirstContent
	}
	if body.IsZero() {
		return append(out, stretch{t.Headers, end, "head"})
	}
	last := t.LastByte
	if last.IsZero() {
		last = end
	}
	return append(out, stretch{t.Headers, body, "head"}, stretch{body, last, "body"})
}

// attemptsOf are all attempts of the logical call of r that are known, oldest
// first.
func attemptsOf(records []call.Record, r *call.Record) []*call.Record {
	if r == nil {
		return nil
	}
	out := []*call.Record{r}
	for i := range records {
		x := &records[i]
		if r.Identity.Logical != "" && x.Identity.Logical == r.Identity.Logical && x.Identity.ID != r.Identity.ID {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b *call.Record) int {
		return cmp.Or(a.Identity.Attempt-b.Identity.Attempt, a.Identity.Start.Compare(b.Identity.Start))
	})
	return out
}
