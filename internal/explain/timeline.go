package explain

import (
	"fmt"
	"strings"
	"time"

	"llmtap/internal/call"
)

// Width is how many columns a line of an explanation takes at most, where no
// single name or address is longer.
const Width = 100

// instant is a moment of a call with its mark on the axis.
type instant struct {
	mark byte
	name string
	at   time.Time
}

// Timeline draws when each part of the call arrived: one axis from the start to
// the end, then the moments in seconds from the start, then what the stream
// shows about gaps and bursts. A plain call has no axis. What did not happen is
// not there.
func Timeline(r call.Record) []string {
	start := r.Identity.Start
	if start.IsZero() {
		return []string{"when it began is not known"}
	}
	points := instants(&r)
	var lines []string
	if r.StreamBody() && len(points) > 1 && r.Duration() > 0 {
		lines = append(lines, axis(&r, points))
	}
	for _, p := range points {
		lines = append(lines, fmt.Sprintf("%9.3f s  %c  %s", p.at.Sub(start).Seconds(), p.mark, p.name))
	}
	who, how, _ := strings.Cut(Ending(r), "; ")
	if r.Timing.End.IsZero() {
		lines = append(lines, besides+who)
	}
	if how != "" {
		lines = append(lines, besides+how)
	}
	lines = append(lines, pace(&r)...)
	for i := range lines {
		lines[i] = cut(lines[i], Width-4)
	}
	return lines
}

// besides aligns a line with the names of the moments.
const besides = "                "

func instants(r *call.Record) []instant {
	t := r.Timing
	head := "headers"
	if r.Response.Status != 0 {
		head = "headers: " + number(r.Response.Status)
	}
	who, _, _ := strings.Cut(Ending(*r), "; ")
	all := []instant{
		{'s', "request sent", t.RequestSent},
		{'h', head, t.Headers},
		{'b', "first byte", t.FirstByte},
		{'c', "first content", t.FirstContent},
		{'l', "last byte", t.LastByte},
		{'e', "end: " + who, t.End},
	}
	var out []instant
	for _, p := range all {
		if p.at.IsZero() || p.mark == 'b' && !r.StreamBody() || p.mark == 'c' && !r.StreamBody() {
			continue
		}
		out = append(out, p)
	}
	return out
}

// axisColumns is the length of the axis; with both labels it fits Width.
const axisColumns = 64

// axis draws waiting as dots, the head of the answer as dashes and the time in
// which content came as equal signs, with the mark of each moment on it.
func axis(r *call.Record, points []instant) string {
	column := func(t time.Time) int {
		at := float64(t.Sub(r.Identity.Start)) / float64(r.Duration())
		return int(max(0, min(1, at)) * (axisColumns - 1))
	}
	line := []byte(strings.Repeat(".", axisColumns))
	t := r.Timing
	last := t.LastByte
	if last.IsZero() {
		last = r.EndTime()
	}
	stretch(line, t.Headers, last, '-', column)
	stretch(line, t.FirstContent, last, '=', column)
	free := 0
	for i, p := range points {
		at := max(column(p.at), free)
		at = min(at, axisColumns-(len(points)-i)) // leaves room for those that come after
		line[at] = p.mark
		free = at + 1
	}
	return "0 s |" + string(line) + "| " + seconds(r.Duration())
}

// stretch fills the axis between two instants, if the first happened.
func stretch(line []byte, from, to time.Time, with byte, column func(time.Time) int) {
	if from.IsZero() {
		return
	}
	for i := column(from); i <= column(to); i++ {
		line[i] = with
	}
}

// maxOddities bounds the peculiarities named in one explanation.
const maxOddities = 8

// pace sums up how the stream arrived.
func pace(r *call.Record) []string {
	s := r.Stream
	if s.Events <= 0 {
		return nil
	}
	text := count(s.Events, "event") + ", " + number(s.ContentEvents) + " with content, in " + count(s.Bursts, "burst")
	if s.LargestBurst > 1 {
		text += " of up to " + count(s.LargestBurst, "event")
	}
	lines := []string{text + rhythm(s)}
	if s.MaxGap > 0 {
		lines = append(lines, "longest silence "+seconds(s.MaxGap)+share(s.MaxGap, r.Duration()))
	}
	if s.MaxDataGap > s.MaxGap {
		lines = append(lines, "longest time between two events "+seconds(s.MaxDataGap)+share(s.MaxDataGap, r.Duration()))
	}
	if s.Keepalives > 0 {
		lines = append(lines, count(s.Keepalives, "keep-alive")+" without content")
	}
	if odd := oddities(s.Oddities); odd != "" {
		lines = append(lines, "peculiar: "+odd)
	}
	return lines
}

func oddities(all []call.Oddity) string {
	names := make([]string, len(all))
	for i, o := range all[:min(len(all), maxOddities)] {
		names[i] = clip(o.Name) + " ×" + number(o.Count)
	}
	return list(names, maxOddities)
}

// rhythm names the manner of arrival where it is plain to see.
func rhythm(s call.Stream) string {
	switch {
	case s.Events < 10 || s.Bursts <= 0:
		return ""
	case s.Bursts <= 2:
		return ": all at once"
	case s.Events >= 8*s.Bursts:
		return ": in lumps"
	case 2*s.Bursts >= s.Events:
		return ": steadily"
	}
	return ""
}

func share(part, whole time.Duration) string {
	if whole <= 0 || part > whole {
		return ""
	}
	return fmt.Sprintf(", %.0f %% of the time", 100*float64(part)/float64(whole))
}
