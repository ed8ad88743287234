package report

import (
	"cmp"
	"slices"
	"time"

	"llmtap/internal/call"
)

// material is what the parts of the page are built from.
type material struct {
	raw      []call.Record // as captured; for comparing and for commands only
	seen     []call.Record // the same, tidy
	counted  int           // how many of them belong to the period; the rest is proof
	calls    []logical
	findings []call.Finding // tidy, the weightiest first, at most maxVerdicts
	open     int            // findings that hold, shown or not
	hidden   int            // findings that are not shown
}

// logical is one logical call: its attempts, oldest first. It ended as its last
// attempt did.
type logical struct{ attempts []*call.Record }

// start is when the user's call began.
func (l logical) start() time.Time { return l.attempts[0].Identity.Start }

func (l logical) last() *call.Record { return l.attempts[len(l.attempts)-1] }

// fold joins attempts to logical calls, newest first.
func fold(records []call.Record) []logical {
	at := map[string]int{}
	var out []logical
	for i := range records {
		r := &records[i]
		id := cmp.Or(r.Identity.Logical, r.Identity.ID)
		n, there := at[id]
		if !there || id == "" {
			n = len(out)
			at[id], out = n, append(out, logical{})
		}
		out[n].attempts = append(out[n].attempts, r)
	}
	for _, l := range out {
		slices.SortStableFunc(l.attempts, func(a, b *call.Record) int {
			return cmp.Or(a.Identity.Attempt-b.Identity.Attempt, a.Identity.Start.Compare(b.Identity.Start))
		})
	}
	slices.SortStableFunc(out, func(a, b logical) int { return b.last().Identity.Start.Compare(a.last().Identity.Start) })
	return out
}

// targetKey is what makes calls calls of one target.
type targetKey struct {
	host string
	port int
	name string
}

func keyOf(t call.Target) targetKey {
	return targetKey{t.Host, t.Port, cmp.Or(t.Deployment, t.Model)}
}

func (k targetKey) compare(o targetKey) int {
	return cmp.Or(cmp.Compare(k.name, o.name), cmp.Compare(k.host, o.host), cmp.Compare(k.port, o.port))
}

// title names a target as people do: deployment or model, else the host.
func (k targetKey) title() string { return cut(cmp.Or(k.name, k.host, "target not known"), maxName) }

// place is the host, where it is not the title already.
func (k targetKey) place() string {
	if k.name == "" {
		return ""
	}
	return cut(k.host, maxName)
}

// modeOf is stream, plain, or unknown where no request was seen or its mode
// cannot be told; what is unknown is counted in neither column.
func modeOf(r *call.Record) call.Mode {
	switch {
	case !r.Request.IsHTTP():
		return call.ModeUnknown
	case r.Streamed():
		return call.ModeStream
	case r.Request.Mode == call.ModePlain, r.Request.StreamFlag == call.StreamInvalid:
		return call.ModePlain
	}
	return call.ModeUnknown
}

// side is one column of the matrix: who called, and how.
type side struct {
	Kind call.ClientKind
	Mode call.Mode
}

func sideOf(r *call.Record) side { return side{r.Client.Kind, modeOf(r)} }

// Name is the side in two words.
func (s side) Name() string { return kindWord(s.Kind) + ", " + modeWord(s.Mode) }

func kindWord(k call.ClientKind) string {
	if k == call.ClientUnknown {
		return "client not known"
	}
	return k.String()
}

func modeWord(m call.Mode) string {
	if m == call.ModeUnknown {
		return "mode not known"
	}
	return m.String()
}

// take keeps the weightiest findings: what is certain before what is suspected,
// and what holds before what is over; equals stay newest first.
func (m *material) take(list []call.Finding) {
	ranked := slices.SortedStableFunc(slices.Values(list), func(a, b call.Finding) int { return weight(b) - weight(a) })
	for _, f := range ranked {
		if f.State != closed {
			m.open++
		}
	}
	n := min(len(ranked), maxVerdicts)
	m.findings, m.hidden = tidyAll(ranked[:n]), len(ranked)-n
}

// States of a finding.
const (
	confirmed = "confirmed"
	suspected = "suspected"
	closed    = "closed"
)

func weight(f call.Finding) int { return slices.Index([]string{closed, suspected, confirmed}, f.State) }
