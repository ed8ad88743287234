package explain

import (
	"cmp"
	"time"

	"llmtap/internal/call"
)

// LikenessSpan is how far back calls count as evidence about this one.
const LikenessSpan = 24 * time.Hour

// Likeness counts, among other calls, those of the same target that went the
// same way in the day before this one or since, and how its streamed and plain
// calls fared. Attempts of one logical call count once, with its last attempt.
func Likeness(r call.Record, others []call.Record) []string {
	last := lastAttempts(&r, others)
	if len(last) == 0 {
		return []string{"no other call of this target in the day before it or since"}
	}
	alike := 0
	var first time.Time
	for _, o := range last {
		if o.Diagnosis.Class != r.Diagnosis.Class {
			continue
		}
		alike++
		if first.IsZero() || o.Identity.Start.Before(first) {
			first = o.Identity.Start
		}
	}
	var lines []string
	switch {
	case alike > 0:
		lines = append(lines, count(alike, "other call")+" of this target ended as "+r.Diagnosis.Class.String()+", the first at "+utc(first))
	default:
		lines = append(lines, "no other call of this target ended as "+r.Diagnosis.Class.String())
	}
	if text := fared(last); text != "" {
		lines = append(lines, text)
	}
	return lines
}

// lastAttempts picks the last attempt of each logical call of the target, but
// of the call itself.
func lastAttempts(r *call.Record, others []call.Record) map[string]*call.Record {
	own := cmp.Or(r.Identity.Logical, r.Identity.ID)
	from := r.Identity.Start.Add(-LikenessSpan)
	out := map[string]*call.Record{}
	for i := range others {
		o := &others[i]
		key := cmp.Or(o.Identity.Logical, o.Identity.ID)
		if key == own || key == "" || o.Identity.Start.Before(from) || !sameTarget(r.Target, o.Target) {
			continue
		}
		if known := out[key]; known == nil || o.Identity.Attempt > known.Identity.Attempt {
			out[key] = o
		}
	}
	return out
}

func sameTarget(a, b call.Target) bool {
	return a.Host == b.Host && a.Port == b.Port && a.RoutePrefix == b.RoutePrefix && a.Deployment == b.Deployment && a.Model == b.Model && a.APIVersion == b.APIVersion
}

// fared counts good and bad calls by what they asked for.
func fared(last map[string]*call.Record) string {
	var all, good [2]int
	for _, o := range last {
		i := 0
		switch o.Request.Mode {
		case call.ModeUnknown:
			continue
		case call.ModePlain:
			i = 1
		}
		switch o.Outcome() {
		case call.OutcomeOK:
			good[i]++
			all[i]++
		case call.OutcomeError:
			all[i]++
		}
	}
	text := ""
	for i, what := range []string{"streamed", "plain"} {
		if all[i] == 0 {
			continue
		}
		if text != "" {
			text += "; "
		}
		text += "of " + count(all[i], "other "+what+" call") + " " + number(good[i]) + " worked"
	}
	return text
}
