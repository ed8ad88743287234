package prom_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"llmtap/exporters"
	"llmtap/exporters/prom"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestPassesTheSinkSuite(t *testing.T) {
	var b *bench
	sinktest.TestSink(t, func(t *testing.T) exporters.Sink {
		t.Helper()
		b = newBench(t, nil)
		return b
	}, func(t *testing.T, _ exporters.Sink, records []call.Record) {
		t.Helper()
		b.want(t, float64(len(records)), "llmtap_attempts_total", "outcome=ok")
		b.want(t, float64(len(records)), "llmtap_calls_total", "outcome=ok")
	})
}

// story is one message of jupyter-ai#1208 and a direct call that works.
func story(t *testing.T, b *bench) {
	t.Helper()
	for k := 1; k <= 3; k++ {
		started := failure("msg-1", k)
		started.Response, started.Diagnosis = call.Response{}, call.Diagnosis{}
		if err := b.Started(t.Context(), started); err != nil {
			t.Fatal(err)
		}
		b.take(t, failure("msg-1", k))
	}
	b.take(t, direct(10), sinktest.Record(11))
	f := sinktest.Finding(1, "suspected")
	f.Client.Name, f.Client.Version = "", ""
	if err := b.Finding(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestIssue1208GoldenExposition(t *testing.T) {
	for _, compat := range []string{prom.CompatCurrent, prom.CompatV141, prom.CompatBoth} {
		t.Run(compat, func(t *testing.T) {
			b := newBench(t, func(c *prom.Config) { c.Compat = compat })
			story(t, b)
			golden(t, filepath.Join("testdata", "story-"+compat+".prom"), b.text(t))
			problems, err := testutil.GatherAndLint(b.reg)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Errorf("lint: %s: %s", p.Metric, p.Text)
			}
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; rewrite with -update):\n%s", file, d)
	}
}

// Three attempts of one message are three attempts and one failed call.
func TestIssue1208CountsOneCallOfThreeAttempts(t *testing.T) {
	b := newBench(t, nil)
	story(t, b)
	b.want(t, 3, "llmtap_attempts_total", "outcome=error")
	b.want(t, 1, "llmtap_attempts_total", "outcome=error", "attempt=first")
	b.want(t, 1, "llmtap_calls_total", "outcome=error", "client_name=jupyter-ai", "client_version=2.29.0", "gen_ai_request_stream=true", "client_kind=framework")
	b.want(t, 1, "llmtap_call_failures_total", "failure_class=gateway_error_opaque", "fault=network")
	b.want(t, 1, "llmtap_calls_total", "outcome=ok", "client_name=curl", "gen_ai_request_stream=false", "client_kind=direct")
	b.want(t, 3, "gen_ai_client_inference_duration_seconds", "error_type=gateway_error_opaque", "gen_ai_request_stream=true")
	b.want(t, 1, "gen_ai_client_inference_duration_seconds", "gen_ai_request_stream=false")
	b.want(t, 1, "llmtap_verdict", "verdict=stream_only_failure", "state=suspected")
	b.want(t, 2, "llmtap_stream_support")
}

func TestUnknownCompatFailsAtStart(t *testing.T) {
	if _, err := prom.New(prom.Config{Compat: "v1.38"}); err == nil {
		t.Fatal("an unknown generation of names was accepted")
	}
	b := newBench(t, nil)
	if _, err := prom.New(prom.Config{Registry: b.reg}); err == nil {
		t.Error("a second sink on one registry was accepted")
	}
}

func TestCompatChoosesNames(t *testing.T) {
	for compat, want := range map[string]struct{ young, old float64 }{"": {1, 0}, "current": {1, 0}, "v1.41": {0, 1}, "both": {1, 1}} {
		b := newBench(t, func(c *prom.Config) { c.Compat = compat })
		b.take(t, sinktest.Record(1))
		for _, suffix := range []string{"duration_seconds", "time_to_first_chunk_seconds"} {
			b.want(t, want.young, "gen_ai_client_inference_"+suffix)
			b.want(t, want.old, "gen_ai_client_operation_"+suffix)
		}
		b.want(t, 39*want.young, "gen_ai_client_inference_time_per_output_chunk_seconds")
		b.want(t, 39*want.old, "gen_ai_client_operation_time_per_output_chunk_seconds")
		b.want(t, 9*want.young, "gen_ai_client_inference_usage_input_tokens_total")
		b.want(t, want.old, "gen_ai_client_token_usage", "gen_ai_token_type=output")
	}
}
