package diagnose

import (
	"slices"
	"time"

	"llmtap/internal/call"
)

// lastFragile returns the fragile kinds that came within a moment before the
// client left; nil if it stayed on, or if nobody noted when they came. A
// coding that was not offered makes every byte fragile.
func lastFragile(f *facts) []string {
	var kinds []string
	for _, o := range f.r.Stream.Oddities {
		if !slices.Contains(fragile, o.Name) || o.Count == 0 {
			continue
		}
		at := f.r.Identity.Start.Add(o.Last)
		switch {
		case o.Name == "encoding_unoffered":
			at = f.r.Timing.LastByte
		case o.Last == 0:
			continue
		}
		if gap := f.left.Sub(at); !at.IsZero() && gap >= 0 && gap <= chokeWithin {
			kinds = append(kinds, o.Name)
		}
	}
	return kinds
}

// clientChoked: the client left at once after something that is legal, yet
// kills clients, and there is a second sign: it had nothing yet, or its SDK is
// known to die of that kind.
func clientChoked(f *facts) (finding, bool) {
	if !f.abandoned() || !f.stream {
		return no()
	}
	kinds := lastFragile(f)
	for _, kind := range kinds {
		if kind == "encoding_unoffered" || slices.Contains(breaks[f.r.Client.SDK], kind) {
			return finding{reason: kind, what: kind}, true
		}
	}
	if len(kinds) == 0 || f.r.Stream.ContentEvents > 0 {
		return no()
	}
	kind := kinds[0]
	if kind == "comment" { // the least of them
		kind = kinds[len(kinds)-1]
	}
	return finding{reason: kind, what: kind}, true
}

func clientTimeout(f *facts) (finding, bool) {
	if !f.abandoned() {
		return no()
	}
	waits := []time.Duration{f.left.Sub(f.r.Identity.Start), f.since(f.left)}
	if last := f.r.Timing.LastByte; !last.IsZero() {
		waits = append(waits, f.left.Sub(last))
	}
	for _, d := range waits {
		if d > 0 && f.atClientDeadline(d) {
			return finding{seconds: d.Seconds()}, true
		}
	}
	return no()
}

// agentLag: what came from the service waited inside llmtap. Time in which the
// client did not take it is the client's.
func agentLag(f *facts) (finding, bool) {
	a := f.r.Agent
	if f.r.Stream.Events == 0 || a.LagMax-a.BlockedClient <= lagLimit {
		return no()
	}
	return finding{reason: "lag", severity: call.SeverityWarn}, true
}
