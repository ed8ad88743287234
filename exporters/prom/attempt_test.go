package prom_test

import (
	"testing"
	"time"

	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

func TestUsageMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*call.Record)
		reason string // empty: not missing
	}{
		"not asked for":      {func(*call.Record) {}, "not_requested"},
		"asked, not sent":    {func(r *call.Record) { r.Request.Hints.IncludeUsage = call.True }, "not_sent"},
		"format always says": {func(r *call.Record) { r.Target.Format = "anthropic" }, "not_sent"},
		"plain answer":       {func(r *call.Record) { r.Response.Body.Framing = call.FramingJSON }, "not_sent"},
		"cut":                {func(r *call.Record) { r.End.Terminal = false }, "cut"},
		"reported":           {func(r *call.Record) { r.Usage.Output = call.Some(0) }, ""},
		"error answer":       {func(r *call.Record) { r.Response.Status = 500 }, ""},
		"not decoded":        {func(r *call.Record) { r.Target.Format = "unknown" }, ""},
		"opaque":             {func(r *call.Record) { r.Agent.View = call.ViewOpaque }, ""},
		"no inference":       {func(r *call.Record) { r.Target.Operation = "fetch_response" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			r := sinktest.Record(1)
			r.Usage = call.Usage{}
			tc.change(&r)
			b.take(t, r)
			want := 1.0
			if tc.reason == "" {
				want = 0
			}
			b.want(t, want, "llmtap_usage_missing_total")
			if tc.reason != "" {
				b.want(t, 1, "llmtap_usage_missing_total", "reason="+tc.reason)
			}
		})
	}
}

func TestMissingUsageAddsNothing(t *testing.T) {
	b := newBench(t, nil)
	r := sinktest.Record(1)
	r.Usage = call.Usage{}
	b.take(t, r)
	sum, n := b.sum(t, "gen_ai_client_inference_usage_input_tokens_total", "gen_ai_token_modality=unknown")
	if sum != 0 || n != 1 {
		t.Errorf("%d series, sum %v, want one at 0", n, sum)
	}
	if _, n := b.sum(t, "gen_ai_client_inference_operation_input_tokens"); n != 0 {
		t.Error("an invented 0 in the token histogram")
	}
}

func TestSubsetsOfUsageAreTheirOwnCounters(t *testing.T) {
	b := newBench(t, nil)
	r := sinktest.Record(1)
	r.Usage = call.Usage{Input: call.Some(100), Output: call.Some(50), Cached: call.Some(80), CacheWrite: call.Some(7), Reasoning: call.Some(30)}
	b.take(t, r)
	for name, want := range map[string]float64{"input": 100, "output": 50, "cache_read_input": 80, "cache_write_input": 7, "reasoning_output": 30} {
		b.want(t, want, "gen_ai_client_inference_usage_"+name+"_tokens_total", "gen_ai_response_model=gpt-4o-2024-08-06")
	}
}

func TestEmbeddingsAreNoInference(t *testing.T) {
	b := newBench(t, nil)
	r := direct(1)
	r.Target.Operation = "embeddings"
	b.take(t, r)
	b.want(t, 1, "gen_ai_client_operation_duration_seconds", "gen_ai_operation_name=embeddings", "gen_ai_request_stream=false")
	b.want(t, 0, "gen_ai_client_inference_duration_seconds")
	b.want(t, 0, "llmtap_stream_support")
}

func TestHowStreamsEnd(t *testing.T) {
	b := newBench(t, nil)
	cut := sinktest.Record(2)
	cut.End = call.End{Side: call.SideUpstream, Kind: call.EndReset}
	b.take(t, sinktest.Record(1), cut, direct(3))
	b.want(t, 1, "llmtap_streams_ended_total", "end_side=upstream", "end_kind=eof", "terminal=true")
	b.want(t, 1, "llmtap_streams_ended_total", "end_side=upstream", "end_kind=reset", "terminal=false")
	b.want(t, 2, "llmtap_streams_ended_total")
	b.want(t, 2, "llmtap_stream_max_gap_seconds")
}

func TestBurstsNeedALongStream(t *testing.T) {
	for name, tc := range map[string]struct {
		events int
		took   time.Duration
		want   float64
	}{
		"long enough": {10, 2 * time.Second, 1},
		"few events":  {9, 2 * time.Second, 0},
		"short":       {10, 1999 * time.Millisecond, 0},
	} {
		b := newBench(t, nil)
		r := sinktest.Record(1)
		r.Stream.Events, r.Timing.End = tc.events, r.Identity.Start.Add(tc.took)
		b.take(t, r)
		if got := b.value(t, "llmtap_stream_largest_burst_ratio"); got != tc.want {
			t.Errorf("%s: observed %v, want %v", name, got, tc.want)
		}
	}
}

func TestCancelledHasNoErrorTypeAndNoFailure(t *testing.T) {
	b := newBench(t, nil)
	r := sinktest.Record(1)
	r.End = call.End{Side: call.SideClient, Kind: call.EndClosed}
	r.Diagnosis = call.Diagnosis{Class: call.ClassClientCancelled, Severity: call.SeverityInfo, Fault: call.FaultUser}
	b.take(t, r)
	b.want(t, 1, "llmtap_calls_total", "outcome=cancelled")
	b.want(t, 0, "llmtap_call_failures_total")
	b.want(t, 1, "gen_ai_client_inference_duration_seconds", "error_type=")
}

func TestInvalidFlagCountsAsWhatTheAnswerWas(t *testing.T) {
	b := newBench(t, nil)
	r := direct(1)
	r.Request.Mode, r.Request.StreamFlag = call.ModeStream, call.StreamInvalid
	b.take(t, r)
	b.want(t, 1, "llmtap_calls_total", "gen_ai_request_stream=false", "outcome=ok")
}

func BenchmarkRecord(b *testing.B) {
	bn := newBench(b, nil)
	r := sinktest.Record(1)
	b.ReportAllocs()
	for b.Loop() {
		_ = bn.Record(b.Context(), r)
	}
}
