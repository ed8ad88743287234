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
	if s.Events >= 10 && (late && s.Bursts <= 2 || 10*s.LargestBurst >= 8*s.Events) {
		return finding{reason: "one_block", what: "one block"}, true
	}
	if s.Events >= 20 && s.Events >= 8*s.Bursts && medianPause(s) >= lumpPause {
		return finding{reason: "lumpy", what: "lumps"}, true
	}
	return no()
}

// medianPause estimates the median silence between bursts from the bins of
// gaps between content events: the mean of the bin that holds the median of
// all gaps too long to be inside a burst. 0 if there are none.
func medianPause(s call.Stream) time.Duration {
	const firstPause = 2 // bins 0 and 1 end at 10 and 20 ms
	pauses := 0
	for _, b := range s.Pace[firstPause:] {
		pauses += b.Count
	}
	seen := 0
	for _, b := range s.Pace[firstPause:] {
		seen += b.Count
		if b.Count > 0 && 2*seen >= pauses {
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
