package diagnose

import (
	"time"

	"llmtap/internal/call"
)

// streamBuffered: the pieces were ready one by one and came together.
func streamBuffered(f *facts) (finding, bool) {
	s := f.r.Stream
	total := f.since(lastInstant(f))
	if !f.stream || !f.r.StreamBody() || total < bufferedFrom || s.Bursts == 0 {
		return no()
	}
	late := !f.r.Timing.FirstData.IsZero() && f.since(f.r.Timing.FirstData).Seconds() >= 0.9*total.Seconds()
	if s.Events >= 10 && !flowing(s) && (late && s.Bursts <= 2 || 10*s.LargestBurst >= 8*s.Events) {
		return finding{reason: "one_block", what: "one block"}, true
	}
	if s.Events >= 20 && s.Events >= 8*min(s.Bursts, 1+pauses(s)) && medianPause(s) >= lumpPause {
		return finding{reason: "lumpy", what: "lumps"}, true
	}
	return no()
}

// Gaps of the first two bins, up to 20 ms, are inside a burst.
const firstPause = 2

// pauses counts the gaps between bursts of content. Compressed bytes can come
// steadily and comments between lumps; the events tell.
func pauses(s call.Stream) (n int) {
	for _, b := range s.Pace[firstPause:] {
		n += b.Count
	}
	return n
}

// flowing reports whether the pieces of a burst have a pace of their own, as
// those of a fast model have and those of a released block have not.
func flowing(s call.Stream) bool {
	n, sum := 0, time.Duration(0)
	for _, b := range s.Pace[:firstPause] {
		n += b.Count
		sum += b.Sum
	}
	return n > 0 && sum/time.Duration(n) > flowPause
}

// medianPause estimates the median silence between bursts from the bins of
// gaps between content events: the mean of the bin that holds the median of
// all gaps too long to be inside a burst. 0 if there are none.
func medianPause(s call.Stream) time.Duration {
	all := pauses(s)
	seen := 0
	for _, b := range s.Pace[firstPause:] {
		seen += b.Count
		if b.Count > 0 && 2*seen >= all {
			return b.Sum / time.Duration(b.Count)
		}
	}
	return 0
}

// streamStalled: silence between bytes after the first event. The byte gap may
// lie before it, so the gap between events must be as long.
func streamStalled(f *facts) (finding, bool) {
	s := f.r.Stream
	if !f.stream || s.MaxGap <= stallAfter || s.MaxDataGap <= stallAfter {
		return no()
	}
	return finding{seconds: s.MaxGap.Seconds()}, true
}

// hangAfterDone: the answer was complete and neither side closed.
func hangAfterDone(f *facts) (finding, bool) {
	last := f.r.Timing.LastData
	if last.IsZero() {
		last = f.r.Timing.LastByte
	}
	if !f.stream || !f.r.Stream.Done && !f.r.Stream.Finish || last.IsZero() || f.left.Sub(last) <= hangAfter {
		return no()
	}
	return finding{seconds: f.left.Sub(last).Seconds()}, true
}
