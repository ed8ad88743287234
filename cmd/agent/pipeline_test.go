package main

import (
	"fmt"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/compare"
	"llmtap/internal/diagnose"
)

// mixedCalls are n logical calls of 20 targets: two thirds work, streams and
// plain calls in turn, the rest fails in three ways.
func mixedCalls(n int) []call.Record {
	kinds := []func() call.Record{plainOK, streamOK, plainOK, streamOK, issue1208, cutStream}
	out := make([]call.Record, n)
	for i := range out {
		r := kinds[i%len(kinds)]()
		id := fmt.Sprintf("01b%017d", i)
		shift := time.Duration(i) * 3 * time.Second
		r.Identity.ID, r.Identity.Logical, r.Identity.Attempt = id, id, 1
		r.Identity.Start = r.Identity.Start.Add(shift)
		for _, at := range []*time.Time{&r.Timing.RequestSent, &r.Timing.Headers, &r.Timing.FirstByte, &r.Timing.FirstContent, &r.Timing.LastByte, &r.Timing.End} {
			if !at.IsZero() {
				*at = at.Add(shift)
			}
		}
		r.Target.Deployment = fmt.Sprintf("gpt-%d", i%20)
		r.Target.Model = r.Target.Deployment
		r.Request.Hints.Core = call.NewHasher([]byte("bench")).Secret(id)
		out[i] = r
	}
	return out
}

// judge is what the pipeline does with a record beside handing it on.
func judge(w *compare.Window, r call.Record) int {
	r.Diagnosis = diagnose.Classify(r)
	return len(w.Marks(r)) + len(w.Observe(r))
}

// TestJudgingIsCheap: classes and verdicts cost at most ten allocations a call.
func TestJudgingIsCheap(t *testing.T) {
	records := mixedCalls(6000)
	w := compare.NewWindow(compare.WindowConfig{Remedy: advise})
	for _, r := range records[:5000] {
		judge(w, r)
	}
	i := 5000
	if got := testing.AllocsPerRun(900, func() { judge(w, records[i]); i++ }); got > 10 {
		t.Errorf("%.1f allocations a call, want 10 at most", got)
	}
}

func BenchmarkJudge(b *testing.B) {
	records := mixedCalls(60_000)
	w := compare.NewWindow(compare.WindowConfig{Remedy: advise})
	for _, r := range records[:10_000] {
		judge(w, r)
	}
	b.ReportAllocs()
	i := 10_000
	for b.Loop() {
		if i == len(records) {
			i = 10_000 // the same calls again, as a clock that stepped back
		}
		judge(w, records[i])
		i++
	}
	s := w.Stats()
	b.ReportMetric(float64(s.Bytes)/float64(s.Targets), "B/target")
}
