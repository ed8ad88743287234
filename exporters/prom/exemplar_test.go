package prom_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// traces are the trace ids that the exemplars of a histogram point to.
func (b *bench) traces(t *testing.T, metric string) []string {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != metric {
				continue
			}
			for _, bucket := range m.GetHistogram().GetBucket() {
				for _, l := range bucket.GetExemplar().GetLabel() {
					if l.GetName() == "trace_id" {
						found[strings.TrimLeft(l.GetValue(), "0")] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestExemplarsAreSpaced: of many calls alike one is enough, but a call of
// another duration and every failure has its own.
func TestExemplarsAreSpaced(t *testing.T) {
	b := newBench(t, nil)
	start := direct(1).Identity.Start
	one := func(n int, begin, took time.Duration, status int) call.Record {
		r := direct(n)
		shift := start.Add(begin)
		r.Identity.Start, r.Timing.End = shift, shift.Add(took)
		r.Response.Status = status
		r.Identity.Span = call.SpanContext{Trace: fmt.Sprintf("%032d", n), Span: fmt.Sprintf("%016d", n), Sampled: true}
		if status >= 400 {
			r.Diagnosis = call.Diagnosis{Class: call.ClassProviderError, Severity: call.SeverityError, Fault: call.FaultProvider}
		}
		return r
	}
	b.take(t,
		one(11, 0, time.Second, 200),
		one(12, 10*time.Millisecond, time.Second, 200),
		one(13, 20*time.Millisecond, 30*time.Second, 200),
		one(14, 30*time.Millisecond, 2*time.Millisecond, 500),
		one(15, 40*time.Millisecond, 2*time.Millisecond, 200),
	)
	const metric = "gen_ai_client_inference_duration_seconds"
	if got, want := b.traces(t, metric), []string{"11", "13", "14", "15"}; !slices.Equal(got, want) {
		t.Errorf("exemplars of %v, want %v", got, want)
	}
	b.take(t, one(16, 110*time.Millisecond, time.Second, 200))
	if got, want := b.traces(t, metric), []string{"13", "14", "15", "16"}; !slices.Equal(got, want) {
		t.Errorf("after the pause exemplars of %v, want %v", got, want)
	}
}
