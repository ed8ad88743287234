package report

import (
	"time"

	"llmtap/internal/call"
)

// moments is a named instant of a call, from its start.
type moments struct{ At, Name string }

// momentsOf lists when each part arrived: the drawing in words.
func momentsOf(r *call.Record) []moments {
	t := r.Timing
	var out []moments
	add := func(name string, at time.Time) {
		if !at.IsZero() && !r.Identity.Start.IsZero() {
			out = append(out, moments{lasting(call.Since(r.Identity.Start, at)), name})
		}
	}
	add("request sent", t.RequestSent)
	add("head of the answer, "+statusOf(r), t.Headers)
	if r.StreamBody() {
		add("first byte", t.FirstByte)
		add("first content", t.FirstContent)
	}
	add("last byte", t.LastByte)
	add("end", t.End)
	return out
}

// paceOf sums up how a stream arrived.
func paceOf(r *call.Record) string {
	s := r.Stream
	if s.Events <= 0 {
		return ""
	}
	text := count(s.Events, "event") + ", " + number(s.ContentEvents) + " with content, in " + count(s.Bursts, "burst")
	if gap := max(s.MaxGap, s.MaxDataGap); gap > 0 {
		text += "; longest silence " + lasting(gap)
	}
	if s.Keepalives > 0 {
		text += "; " + count(s.Keepalives, "keep-alive")
	}
	for i, o := range s.Oddities {
		if i == maxMarks {
			break
		}
		text += "; " + o.Name + " ×" + number(o.Count)
	}
	return text
}
