package compare

import (
	"math"
	"slices"
	"strconv"
	"time"

	"llmtap/internal/call"
)

// Limits of hop_deadline.
const (
	maxCuts       = 64
	minCuts       = 3
	cutSpread     = 0.01
	minCutSeconds = 5
	// cutChance is the probability below which equal times are no accident;
	// cutRange is the log of the range over which times of cuts spread.
	cutChance = 1e-5
	cutRange  = 3.0
	// roundShare is the share of that range that lies at a known limit.
	roundShare = 0.054
)

// cut is one call that broke off.
type cut struct {
	id    string
	at    int64
	times [2]float64 // seconds since the request, and of silence; 0 = not known
}

// cuts are the newest calls of a host that one side broke off.
type cuts struct {
	list []cut
	open *verdict
}

// hop is what a hop_deadline is about.
type hop struct {
	host    *host
	side    int // 0 the service's, 1 the client's
	measure int // index of cut.times
	seconds float64
	of      int // cuts in the window
}

var cutClasses = []call.Class{
	call.ClassStreamTruncated, call.ClassStreamIncomplete, call.ClassFirstByteTimeout, call.ClassGatewayTimeout, call.ClassClientTimeout,
}

// judgeDeadlines follows hop_deadline on the host of r.
func judgeDeadlines(s *state, r *call.Record, t *target, e *entry, out []call.Finding) []call.Finding {
	h := t.host
	if !slices.Contains(cutClasses, r.Diagnosis.Class) {
		if e.is(worked) {
			out = outlived(s, r, h, out)
		}
		return out
	}
	side := 0
	switch r.End.Side {
	case call.SideClient:
		side = 1
	case call.SideUpstream:
	default:
		return out
	}
	c := &h.cuts[side]
	if len(c.list) == maxCuts {
		c.list = append(c.list[:0], c.list[1:]...)
	}
	c.list = append(c.list, cutOf(r, s.now))
	return judgeCuts(s, h, side, t, out)
}

func cutOf(r *call.Record, now int64) cut {
	c := cut{id: r.Identity.ID, at: now}
	elapsed := elapsedOf(r)
	c.times[0] = elapsed.Seconds()
	if last := r.Timing.LastByte; !last.IsZero() && r.Timing.End.After(last) {
		c.times[1] = r.Timing.End.Sub(last).Seconds()
	}
	return c
}

func judgeCuts(s *state, h *host, side int, t *target, out []call.Finding) []call.Finding {
	c := &h.cuts[side]
	before := s.now - int64(s.cfg.Duration)
	c.list = slices.DeleteFunc(c.list, func(x cut) bool { return x.at < before })
	for measure := range 2 {
		group, median := cluster(c.list, measure)
		if !deadline(group, len(c.list), median) {
			continue
		}
		found := evidence{}
		found.fails.n, found.fails.firstFrom, found.fails.lastTo = len(group), group[0].at, group[len(group)-1].at
		for _, c := range slices.Backward(group) {
			found.works.failingIDs.add(c.id)
		}
		if c.open != nil {
			found.fails.firstFrom = c.open.found.fails.firstFrom
			c.open.found, c.open.carried = found, nil
			return out
		}
		v := &verdict{q: question{kind: hopDeadline}, target: t, hop: &hop{host: h, side: side, measure: measure, seconds: median, of: len(c.list)}}
		c.open = v
		t.verdicts = append(t.verdicts, v)
		return settle(s, v, stateConfirmed, found, out)
	}
	return out
}

// cluster returns the cuts whose time lies within one per cent of the median,
// oldest first.
func cluster(list []cut, measure int) (group []cut, median float64) {
	var times [maxCuts]float64
	n := 0
	for _, c := range list {
		if c.times[measure] >= minCutSeconds {
			times[n] = c.times[measure]
			n++
		}
	}
	if n < minCuts {
		return nil, 0
	}
	slices.Sort(times[:n])
	median = times[n/2]
	for _, c := range list {
		if math.Abs(c.times[measure]-median) <= cutSpread*median {
			group = append(group, c)
		}
	}
	return group, median
}

// deadline reports whether a group of cuts, among all, is too close together
// for an accident: the times of unrelated cuts would lie that close with a
// probability below cutChance.
func deadline(group []cut, all int, median float64) bool {
	k := len(group)
	if k < minCuts {
		return false
	}
	low, high := math.Inf(1), 0.0
	for _, c := range group {
		for _, s := range c.times {
			if math.Abs(s-median) <= cutSpread*median {
				low, high = min(low, s), max(high, s)
			}
		}
	}
	share := max(math.Log(high/low), 0.0005) / cutRange
	chance := float64(k) * math.Pow(share, float64(k-1))
	for i := range k { // times the ways to pick the group
		chance *= float64(all-i) / float64(i+1)
	}
	if nearDeadline(median) {
		chance *= roundShare
	}
	return chance <= cutChance
}

// outlived closes a deadline that a good call went beyond.
func outlived(s *state, r *call.Record, h *host, out []call.Finding) []call.Finding {
	for side := range h.cuts {
		v := h.cuts[side].open
		if v == nil {
			continue
		}
		longest := elapsedOf(r)
		if v.hop.measure == 1 {
			longest = max(r.Stream.MaxGap, call.Since(r.Identity.Start, r.Timing.FirstByte))
		}
		if longest > time.Duration(1.05*v.hop.seconds*float64(time.Second)) {
			h.cuts[side] = cuts{}
			out = conclude(s, v, ending{because: worksAgain}, out)
			v.target.sweep()
		}
	}
	return out
}

// text writes the limit for people, in seconds.
func (h *hop) text() string {
	digits := 1
	if h.seconds >= 10 {
		digits = 0
	}
	return strconv.FormatFloat(h.seconds, 'f', digits, 64)
}

// name says who is known for such a limit.
func (h *hop) name() string {
	within := func(limit float64) bool { return math.Abs(h.seconds-limit) <= limit/50 }
	if h.side == 1 {
		switch {
		case within(300):
			return "the client's own limit (300 s is Node's default)"
		case within(600):
			return "the client's own limit (600 s is the default of the OpenAI SDKs)"
		}
		return "the client's own limit"
	}
	switch {
	case within(30):
		return "a gateway (30 s is the limit of AWS API Gateway and of some CDNs)"
	case within(60):
		return "a gateway (60 s is the default of nginx and of AWS load balancers)"
	case within(100), within(125):
		return "a gateway (100 and 125 s are Cloudflare's limits)"
	case within(240):
		return "a gateway (240 s is the idle limit of Azure load balancers)"
	case within(350):
		return "a gateway (350 s is the idle limit of AWS NAT)"
	}
	return "a gateway on the way"
}
