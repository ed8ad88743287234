package prom_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"llmtap/exporters/prom"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

func (b *bench) scrape(t *testing.T, accept string) (contentType, body string) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	req.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, req)
	out, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result().Header.Get("Content-Type"), string(out)
}

const openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"

func TestOpenMetricsCarriesExemplars(t *testing.T) {
	b := newBench(t, nil)
	failed := failure("", 1)
	failed.Request.Hints.RetryCount, failed.Client.SDK = "", ""
	b.take(t, sinktest.Record(1), failed)
	ct, body := b.scrape(t, openMetrics)
	if !strings.HasPrefix(ct, "application/openmetrics-text") || !strings.HasSuffix(body, "# EOF\n") {
		t.Fatalf("content type %q, want OpenMetrics", ct)
	}
	trace, span := `trace_id="00000000000000000000000000000002"`, `span_id="0000000000000002"`
	for _, metric := range []string{
		"gen_ai_client_inference_duration_seconds_bucket", "gen_ai_client_inference_time_to_first_chunk_seconds_bucket",
		"llmtap_stream_max_gap_seconds_bucket", "llmtap_call_failures_total",
	} {
		if !hasLine(body, metric+"{", "# {", trace, span) {
			t.Errorf("%s has no exemplar", metric)
		}
	}
	if strings.Contains(body, "_created{") {
		t.Error("created samples are off by contract")
	}
	_, plain := b.scrape(t, "text/plain")
	if strings.Contains(plain, "trace_id") {
		t.Error("the plain text format has no exemplars")
	}
}

// hasLine reports whether a line with the prefix contains all parts.
func hasLine(body, prefix string, parts ...string) bool {
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		found := true
		for _, p := range parts {
			found = found && strings.Contains(line, p)
		}
		if found {
			return true
		}
	}
	return false
}

func TestExemplarsOnlyOfSampledAttempts(t *testing.T) {
	for name, change := range map[string]func(*call.SpanContext){
		"not sampled": func(c *call.SpanContext) { c.Sampled = false },
		"no span":     func(c *call.SpanContext) { *c = call.SpanContext{Sampled: true} },
		"hostile":     func(c *call.SpanContext) { c.Trace = strings.Repeat("\"", 32) },
		"too long":    func(c *call.SpanContext) { c.Trace = strings.Repeat("a", 500) },
	} {
		b := newBench(t, nil)
		r := sinktest.Record(1)
		change(&r.Identity.Span)
		b.take(t, r)
		if _, body := b.scrape(t, openMetrics); strings.Contains(body, "trace_id") {
			t.Errorf("%s: an exemplar was written", name)
		}
	}
}

// The first scrape has every closed counter at 0.
func TestClosedCountersExistFromTheStart(t *testing.T) {
	b := newBench(t, nil)
	_, body := b.scrape(t, "text/plain")
	for _, line := range []string{
		`llmtap_captures_dropped_total{reason="queue_full"} 0`, `llmtap_captures_dropped_total{reason="shutdown"} 0`,
		`llmtap_tunnels_total{reason="",view="relay"} 0`, `llmtap_tunnels_total{reason="not_listed",view="blind"} 0`,
		`llmtap_tunnels_open{view="blind"} 0`, `llmtap_tunnel_bytes_total{direction="up",view="relay"} 0`,
		`llmtap_observation_stopped_total{reason="hpack"} 0`, `llmtap_tls_handshake_failures_total{leg="client",reason="unknown_ca"} 0`,
		`llmtap_span_export_failures_total{reason="rejected"} 0`, `llmtap_label_values_folded_total{label="client"} 0`,
		`llmtap_overhead_seconds_count{phase="body"} 0`, `llmtap_chunk_lag_seconds_count 0`, `llmtap_oversize_items_total{framing="sse"} 0`,
		`llmtap_active_calls{gen_ai_request_stream="true"} 0`, `llmtap_store_degraded 0`, `llmtap_upstream_insecure_hosts 0`, `llmtap_ca_loaded 0`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if !hasLine(body, "llmtap_build_info{", `revision="abc",version="1.2.3"`) || !hasLine(body, "go_goroutines") || !hasLine(body, "process_") {
		t.Error("build, Go or process metrics are missing")
	}
	if strings.Contains(body, "llmtap_ca_not_after") || strings.Contains(body, `reason="other",view`) {
		t.Error("a metric that does not apply is shown")
	}
}

func TestProcessIsShownAsItIs(t *testing.T) {
	p := prom.Process{
		Tunnels: prom.Tunnels{
			Accepted: map[[2]string]uint64{{"relay", ""}: 7, {"blind", "distrust"}: 2, {"blind", "martians"}: 3, {"blind", "zebras"}: 1},
			Open:     map[string]int64{"relay": 4}, Bytes: map[[2]string]uint64{{"blind", "down"}: 1 << 40},
		},
		Observation: prom.Observation{
			Stopped: map[string]uint64{"upgrade": 1}, Dropped: map[string]uint64{"queue_full": 5}, Oversize: map[string]uint64{"sse": 6, "xml": 2},
		},
		Latency: prom.Latency{
			Lag:      prom.Histogram{Counts: []uint64{3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, Sum: 4.5},
			Overhead: map[string]prom.Histogram{"handshake": {Counts: []uint64{1}, Sum: 0.00005}},
		},
		Handshakes: map[[2]string]uint64{{"client", "unknown_ca"}: 9, {"upstream", "gremlins"}: 2},
		Active:     prom.Active{Stream: 3, Plain: 1},
		CA:         prom.CA{Loaded: true, NotAfter: time.Unix(1_800_000_000, 0)},
		Spans:      prom.Spans{Created: 10, Exported: 7, Pending: 1, Failures: map[string]uint64{"timeout": 2}},
		Reload:     prom.Reload{OK: true, At: time.Unix(1_700_000_000, 0)}, StoreDegraded: true, InsecureHosts: 2,
	}
	b := newBench(t, func(c *prom.Config) { c.Process = func() prom.Process { return p } })
	_, body := b.scrape(t, "text/plain")
	for _, line := range []string{
		`llmtap_tunnels_total{reason="",view="relay"} 7`, `llmtap_tunnels_total{reason="distrust",view="blind"} 2`,
		`llmtap_tunnels_total{reason="other",view="blind"} 4`, `llmtap_tunnels_open{view="relay"} 4`,
		`llmtap_tunnel_bytes_total{direction="down",view="blind"} 1.099511627776e+12`,
		`llmtap_observation_stopped_total{reason="upgrade"} 1`, `llmtap_captures_dropped_total{reason="queue_full"} 5`,
		`llmtap_oversize_items_total{framing="sse"} 6`, `llmtap_oversize_items_total{framing="other"} 2`,
		`llmtap_chunk_lag_seconds_bucket{le="0.0001"} 3`, `llmtap_chunk_lag_seconds_bucket{le="0.0005"} 5`,
		`llmtap_chunk_lag_seconds_bucket{le="2.5"} 5`, `llmtap_chunk_lag_seconds_bucket{le="+Inf"} 6`, `llmtap_chunk_lag_seconds_sum 4.5`,
		`llmtap_overhead_seconds_count{phase="handshake"} 1`, `llmtap_tls_handshake_failures_total{leg="client",reason="unknown_ca"} 9`,
		`llmtap_tls_handshake_failures_total{leg="upstream",reason="other"} 2`,
		`llmtap_active_calls{gen_ai_request_stream="true"} 3`, `llmtap_active_calls{gen_ai_request_stream="false"} 1`,
		`llmtap_ca_loaded 1`, `llmtap_ca_not_after_timestamp_seconds 1.8e+09`, `llmtap_spans_created_total 10`, `llmtap_spans_exported_total 7`,
		`llmtap_spans_pending 1`, `llmtap_span_export_failures_total{reason="timeout"} 2`, `llmtap_config_last_reload_successful 1`,
		`llmtap_config_last_reload_success_timestamp_seconds 1.7e+09`, `llmtap_store_degraded 1`, `llmtap_upstream_insecure_hosts 2`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

// Durations have native buckets beside the classic ones; the chunk pace has
// classic ones only, for its numbers come binned.
func TestHistogramsAreDual(t *testing.T) {
	b := newBench(t, nil)
	b.take(t, sinktest.Record(1))
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	native := map[string]bool{}
	for _, f := range families {
		if f.GetType() == dto.MetricType_HISTOGRAM {
			for _, m := range f.GetMetric() {
				native[f.GetName()] = len(m.GetHistogram().GetPositiveSpan()) > 0
				if len(m.GetHistogram().GetBucket()) == 0 {
					t.Errorf("%s has no classic buckets", f.GetName())
				}
			}
		}
	}
	for name, want := range map[string]bool{
		"gen_ai_client_inference_duration_seconds": true, "gen_ai_client_inference_time_to_first_chunk_seconds": true,
		"llmtap_stream_max_gap_seconds": true, "gen_ai_client_inference_operation_input_tokens": true,
		"gen_ai_client_inference_time_per_output_chunk_seconds": false,
	} {
		if got, ok := native[name]; !ok || got != want {
			t.Errorf("%s: native %v (present %v), want %v", name, got, ok, want)
		}
	}
}

// No credential, body text or user of a record can reach the exposition.
func TestCanariesStayOut(t *testing.T) {
	const canary = "CANARY-sk-123"
	b := newBench(t, nil)
	r := failure("", 1)
	r.Client.User, r.Client.UserAgent, r.Client.Address = canary, canary, canary
	r.Request.Path, r.Request.URL, r.Request.Keys = canary, canary, []string{canary}
	r.Request.Params = []call.Param{{Name: canary, Value: canary}}
	r.Response.Error = call.Error{Code: canary, Type: canary, Param: canary, Message: canary}
	r.Response.Headers = []call.Header{{Name: canary, Value: canary}}
	r.Content = call.Content{Request: canary, Response: canary}
	r.Diagnosis.Text, r.Diagnosis.Reason, r.Diagnosis.Tags = canary, canary, []string{canary}
	b.take(t, r)
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, body := b.scrape(t, openMetrics); strings.Contains(body, canary) {
		t.Error("the canary is in /metrics")
	}
}
