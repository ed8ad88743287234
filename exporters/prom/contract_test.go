package prom_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"llmtap/exporters/prom"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

// contract is the telemetry contract §7 and §8, written down a second time on
// purpose: metric, type, labels.
const contract = `
gen_ai_client_inference_duration_seconds h gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address gen_ai_request_stream client_kind error_type
gen_ai_client_inference_time_to_first_chunk_seconds h gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address client_kind
gen_ai_client_inference_time_per_output_chunk_seconds h gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address client_kind
gen_ai_client_inference_usage_input_tokens_total c gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address gen_ai_token_modality gen_ai_response_model
gen_ai_client_inference_usage_output_tokens_total c gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address gen_ai_token_modality gen_ai_response_model
gen_ai_client_inference_usage_cache_read_input_tokens_total c gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address gen_ai_token_modality gen_ai_response_model
gen_ai_client_inference_usage_cache_write_input_tokens_total c gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address gen_ai_token_modality gen_ai_response_model
gen_ai_client_inference_usage_reasoning_output_tokens_total c gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address gen_ai_token_modality gen_ai_response_model
gen_ai_client_inference_operation_input_tokens h gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address error_type
gen_ai_client_inference_operation_output_tokens h gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address error_type
gen_ai_client_operation_duration_seconds h gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address gen_ai_request_stream client_kind error_type
gen_ai_client_operation_time_to_first_chunk_seconds h gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address client_kind
gen_ai_client_operation_time_per_output_chunk_seconds h gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address client_kind
gen_ai_client_token_usage h gen_ai_operation_name gen_ai_provider_name gen_ai_request_model server_address error_type gen_ai_token_type
llmtap_calls_total c server_address gen_ai_request_model gen_ai_request_stream client_kind client_name client_version outcome
llmtap_call_failures_total c server_address gen_ai_request_model gen_ai_request_stream client_kind client_name client_version failure_class fault
llmtap_call_findings_total c server_address gen_ai_request_model gen_ai_request_stream failure_class severity
llmtap_attempts_total c server_address gen_ai_request_model gen_ai_request_stream attempt outcome
llmtap_active_calls g gen_ai_request_stream
llmtap_streams_ended_total c server_address gen_ai_request_model end_side end_kind terminal
llmtap_stream_max_gap_seconds h server_address gen_ai_request_model
llmtap_stream_largest_burst_ratio h server_address gen_ai_request_model
llmtap_usage_missing_total c server_address gen_ai_request_model reason
llmtap_stream_support g server_address gen_ai_request_model
llmtap_stream_support_changes_total c server_address gen_ai_request_model
llmtap_verdict g server_address gen_ai_request_model verdict state client_name client_version
llmtap_client_first_seen_timestamp_seconds g client_name client_version client_kind
llmtap_tunnels_total c view reason
llmtap_tunnels_open g view
llmtap_tunnel_bytes_total c view direction
llmtap_observation_stopped_total c reason
llmtap_overhead_seconds h phase
llmtap_chunk_lag_seconds h
llmtap_captures_dropped_total c reason
llmtap_oversize_items_total c framing
llmtap_spans_created_total c
llmtap_spans_exported_total c
llmtap_spans_pending g
llmtap_span_export_failures_total c reason
llmtap_label_values_folded_total c label
llmtap_tls_handshake_failures_total c leg reason
llmtap_store_degraded g
llmtap_upstream_insecure_hosts g
llmtap_build_info g version revision goversion
llmtap_config_last_reload_successful g
llmtap_config_last_reload_success_timestamp_seconds g
llmtap_ca_loaded g
llmtap_ca_not_after_timestamp_seconds g`

// everything is a sink in which every metric has at least one series.
func everything(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, func(c *prom.Config) {
		c.Compat = prom.CompatBoth
		c.Process = func() prom.Process {
			return prom.Process{CA: prom.CA{Loaded: true, NotAfter: epoch()}, Reload: prom.Reload{OK: true, At: epoch()}}
		}
	})
	story(t, b)
	long := sinktest.Record(30)
	long.Timing.End = long.Identity.Start.Add(1 << 32)
	long.Usage = call.Usage{}
	long.Diagnosis = call.Diagnosis{Class: call.ClassStreamBuffered, Severity: call.SeverityWarn}
	b.take(t, long)
	return b
}

func TestMetricsAreTheContract(t *testing.T) {
	families := gather(t, everything(t))
	want := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(contract)) {
		f := strings.Fields(line)
		want[f[0]] = f[1:]
	}
	for name, w := range want {
		f := families[name]
		if f == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		kind := map[string]dto.MetricType{"c": dto.MetricType_COUNTER, "g": dto.MetricType_GAUGE, "h": dto.MetricType_HISTOGRAM}[w[0]]
		if f.GetType() != kind {
			t.Errorf("%s is a %v, want a %v", name, f.GetType(), kind)
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		expected := slices.Sorted(slices.Values(w[1:]))
		if slices.Sort(labels); !slices.Equal(labels, expected) {
			t.Errorf("%s has labels %v, want %v", name, labels, expected)
		}
		if f.GetHelp() == "" {
			t.Errorf("%s has no help text", name)
		}
	}
	for name := range families {
		if _, ok := want[name]; !ok && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s is not in the contract", name)
		}
	}
}

func gather(t *testing.T, b *bench) map[string]*dto.MetricFamily {
	t.Helper()
	list, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*dto.MetricFamily{}
	for _, f := range list {
		out[f.GetName()] = f
	}
	return out
}

// Queries name bucket bounds: these are the ones they may name.
func TestBucketBounds(t *testing.T) {
	duration := []float64{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36}
	tokens := []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}
	agent := []float64{0.0001, 0.00025, 0.0005, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.5}
	families := gather(t, everything(t))
	for name, want := range map[string][]float64{
		"gen_ai_client_inference_duration_seconds": duration, "gen_ai_client_operation_duration_seconds": duration,
		"gen_ai_client_inference_time_to_first_chunk_seconds": duration, "gen_ai_client_inference_time_per_output_chunk_seconds": duration,
		"llmtap_stream_max_gap_seconds": duration, "gen_ai_client_token_usage": tokens, "gen_ai_client_inference_operation_output_tokens": tokens,
		"llmtap_stream_largest_burst_ratio": {0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95},
		"llmtap_chunk_lag_seconds":          agent, "llmtap_overhead_seconds": agent,
	} {
		var got []float64
		for _, bucket := range families[name].GetMetric()[0].GetHistogram().GetBucket() {
			if !math.IsInf(bucket.GetUpperBound(), 1) {
				got = append(got, bucket.GetUpperBound())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: bounds %v, want %v", name, got, want)
		}
	}
}

// A record's chunk times keep their exact number, bins and sum.
func TestChunkPaceIsExact(t *testing.T) {
	b := newBench(t, nil)
	r := sinktest.Record(1)
	r.Stream.Pace = [18]call.PaceBin{}
	for _, ms := range []int{5, 10, 11, 700, 800_000} {
		r.Stream.AddPace(millis(ms))
	}
	for range 1000 { // a long stream costs no more than a short one
		b.take(t, r)
	}
	h := gather(t, b)["gen_ai_client_inference_time_per_output_chunk_seconds"].GetMetric()[0].GetHistogram()
	if got := h.GetSampleCount(); got != 5000 {
		t.Errorf("count %d, want 5000", got)
	}
	if got := h.GetSampleSum(); math.Abs(got-800_726) > 0.01 {
		t.Errorf("sum %v, want 800726", got)
	}
	cumulative := map[float64]uint64{0.01: 2000, 0.02: 3000, 0.64: 3000, 1.28: 4000, 655.36: 4000}
	for _, bucket := range h.GetBucket() {
		if want, ok := cumulative[bucket.GetUpperBound()]; ok && bucket.GetCumulativeCount() != want {
			t.Errorf("le=%v: %d, want %d", bucket.GetUpperBound(), bucket.GetCumulativeCount(), want)
		}
	}
}

// error_type of the metric is that of the span: both ask the record.
func TestErrorTypeLabelIsTheRecords(t *testing.T) {
	for _, class := range call.Classes() {
		b := newBench(t, nil)
		r := failure("", 1)
		r.Diagnosis.Class = class
		b.take(t, r)
		b.want(t, 1, "gen_ai_client_inference_duration_seconds", "error_type="+r.ErrorType())
		if class == call.ClassClientCancelled {
			b.want(t, 1, "gen_ai_client_inference_duration_seconds", "error_type=")
		}
	}
}
