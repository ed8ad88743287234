package report

import (
	"slices"
	"time"

	"llmtap/internal/call"
)

// strip is the time line of the calls: a lane for each side of each target,
// what worked above its line and what failed below.
type strip struct {
	Groups []laneGroup
	Axis   []string
	More   string
	Marked bool // some lane has a verdict's line
}

// laneGroup are the lanes of one target.
type laneGroup struct {
	Target string
	Lanes  []lane
}

type lane struct {
	Kind, Mode, Side string
	Bars             []stack
	Since            []int // where an open verdict about the target began
	Text             string
}

// stack is what happened in one stretch of time: how high it worked and how
// deep it failed.
type stack struct{ X, Up, Down int }

// Geometry of a lane.
const (
	bins   = 100
	half   = 18 // from the line to either edge
	least  = 9  // of one call
	marked = 1  // a verdict's line keeps clear of the edge
)

// axis maps instants to bins.
type axis struct {
	from time.Time
	span time.Duration
}

func (a axis) bin(t time.Time) int {
	if a.span <= 0 {
		return bins / 2
	}
	return max(0, min(bins-1, int(float64(t.Sub(a.from))/float64(a.span)*bins)))
}

func stripOf(m *material) strip {
	g := gridOf(m)
	a, ok := axisOf(m.calls)
	if !ok {
		return strip{}
	}
	c := countBins(m.calls, a)
	out := strip{Axis: axisLabels(a)}
	shown, hidden := 0, 0
	for _, k := range g.keys {
		lg := laneGroup{Target: k.title()}
		since := sinceAt(m.findings, k, a)
		for _, s := range g.sides {
			t := g.tallies[k][s]
			if t == nil {
				continue
			}
			if shown == maxLanes {
				hidden++
				continue
			}
			shown++
			l := lane{Kind: s.Kind.String(), Mode: s.Mode.String(), Side: s.Name(), Text: laneText(t), Since: since}
			l.Bars = barsOf(c.up[laneKey{k, s}], c.down[laneKey{k, s}], c.most)
			lg.Lanes = append(lg.Lanes, l)
		}
		if len(lg.Lanes) > 0 {
			out.Groups = append(out.Groups, lg)
			out.Marked = out.Marked || len(since) > 0
		}
	}
	out.More = more(hidden, "line")
	return out
}

// laneKey names a lane; binned counts the judged calls of each by time.
type laneKey struct {
	targetKey
	side
}

type binned struct {
	up, down map[laneKey][bins]int
	most     int
}

func countBins(calls []logical, a axis) binned {
	out := binned{up: map[laneKey][bins]int{}, down: map[laneKey][bins]int{}, most: 1}
	for _, l := range calls {
		r := l.last()
		into := out.up
		switch r.Outcome() {
		case call.OutcomeOK:
		case call.OutcomeError:
			into = out.down
		default:
			continue
		}
		k := laneKey{keyOf(r.Target), sideOf(r)}
		list := into[k]
		i := a.bin(l.start())
		list[i]++
		into[k] = list
		out.most = max(out.most, list[i])
	}
	return out
}

func axisOf(calls []logical) (axis, bool) {
	var from, to time.Time
	for _, l := range calls {
		at := l.start()
		if at.IsZero() {
			continue
		}
		if from.IsZero() || at.Before(from) {
			from = at
		}
		if at.After(to) {
			to = at
		}
	}
	return axis{from, to.Sub(from)}, !from.IsZero()
}

func axisLabels(a axis) []string {
	if a.span <= 0 {
		return []string{clock(a.from, a.span)}
	}
	return []string{clock(a.from, a.span), clock(a.from.Add(a.span/2), a.span), clock(a.from.Add(a.span), a.span)}
}

// barsOf gives one call its least height, so that it is seen beside a thousand.
func barsOf(up, down [bins]int, most int) []stack {
	height := func(n int) int {
		if n == 0 {
			return 0
		}
		return least + (half-least)*(n-1)/max(1, most-1)
	}
	var out []stack
	for i := range bins {
		if up[i]+down[i] > 0 {
			out = append(out, stack{X: i*width/bins + width/bins/2, Up: half + 2 - height(up[i]), Down: half + 2 + height(down[i])})
		}
	}
	return out
}

func laneText(t *tally) string {
	words := []string{}
	for _, w := range []struct {
		n    int
		what string
	}{{t.ok, "worked"}, {t.failed, "failed"}, {t.cancelled, "cancelled"}, {t.open, "not judged"}} {
		if w.n > 0 {
			words = append(words, number(w.n)+" "+w.what)
		}
	}
	return joined(", ", words...)
}

// sinceAt is where the open verdicts about a target began, if it is on the axis.
func sinceAt(findings []call.Finding, k targetKey, a axis) []int {
	var out []int
	for _, f := range findings {
		at := f.Since.Sub(a.from)
		if f.State == closed || keyOf(f.Target) != k || a.span <= 0 || at < 0 || at > a.span {
			continue
		}
		x := max(marked, min(width-marked, int(float64(at)/float64(a.span)*width)))
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
