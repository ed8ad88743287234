package prom_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

// values are the values of label over all our metrics.
func (b *bench) values(t testing.TB, label string) []string {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == label && !strings.HasPrefix(f.GetName(), "go_") {
					seen[l.GetValue()] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func TestTenThousandHostileModels(t *testing.T) {
	b := newBench(t, nil)
	for i := range 10_000 {
		r := sinktest.Record(i)
		r.Target.Model, r.Response.Model = fmt.Sprint("model-", i), fmt.Sprint("answer-", i)
		if i%3 == 0 {
			r.Target.Model = fmt.Sprintf("evil\n%d\xff", i)
		}
		b.take(t, r)
	}
	for _, label := range []string{"gen_ai_request_model", "gen_ai_response_model"} {
		if got := b.values(t, label); len(got) > 52 || !slices.Contains(got, "other") {
			t.Errorf("%s has %d values, want ≤ 52 with other among them", label, len(got))
		}
	}
	if !slices.Contains(b.values(t, "gen_ai_request_model"), "unknown") {
		t.Error("unparsable models must read unknown")
	}
	b.want(t, 6666-50, "llmtap_label_values_folded_total", "label=gen_ai_request_model")
	b.want(t, 10_000-50, "llmtap_label_values_folded_total", "label=gen_ai_response_model")
	b.want(t, 10_000, "llmtap_calls_total", "outcome=ok")
}

func TestHostsAreCapped(t *testing.T) {
	b := newBench(t, nil)
	for i := range 100 {
		r := sinktest.Record(i)
		r.Target.Host = fmt.Sprintf("%s%d.openai.azure.com", strings.Repeat("long-resource-name-", 4), i)
		b.take(t, r)
	}
	if got := b.values(t, "server_address"); len(got) != 21 {
		t.Errorf("%d hosts, want 20 and other", len(got))
	}
	b.want(t, 80, "llmtap_label_values_folded_total", "label=server_address")
}

// A flood of invented versions folds; it neither grows nor evicts.
func TestClientFloodFolds(t *testing.T) {
	b := newBench(t, nil)
	b.take(t, direct(0))
	for i := range 200 {
		r := sinktest.Record(i)
		r.Client.Version = fmt.Sprint("0.", i)
		b.take(t, r)
	}
	_, n := b.sum(t, "llmtap_calls_total", "outcome=ok")
	if n != 65 {
		t.Errorf("%d client series, want 64 and other", n)
	}
	b.want(t, 1, "llmtap_calls_total", "client_name=curl", "outcome=ok")
	b.want(t, 137, "llmtap_calls_total", "client_name=other", "client_version=other", "outcome=ok")
	b.want(t, 137, "llmtap_label_values_folded_total", "label=client")
}

// A client that went silent makes room, and its series go with it.
func TestIdleClientIsEvicted(t *testing.T) {
	b := newBench(t, nil)
	old := direct(0)
	old.Response.Status, old.Diagnosis = 404, call.Diagnosis{Class: call.ClassEndpointNotFound, Severity: call.SeverityError, Fault: call.FaultConfig}
	b.take(t, old)
	b.now = b.now.Add(time.Second)
	for i := range 63 {
		r := sinktest.Record(i)
		r.Client.Version = fmt.Sprint("0.", i)
		b.take(t, r)
	}
	b.now = b.now.Add(11 * time.Minute)
	r := sinktest.Record(999)
	r.Client.Version = "new"
	b.take(t, r)
	for _, m := range []string{"llmtap_calls_total", "llmtap_call_failures_total", "llmtap_client_first_seen_timestamp_seconds"} {
		if _, n := b.sum(t, m, "client_name=curl"); n != 0 {
			t.Errorf("%s still has %d series of the evicted client", m, n)
		}
	}
	b.want(t, 1, "llmtap_calls_total", "client_version=new", "outcome=ok")
	b.want(t, 0, "llmtap_label_values_folded_total", "label=client")
}

func TestFirstSeenIsKept(t *testing.T) {
	b := newBench(t, nil)
	long := direct(0)
	long.Identity.Start = time.Unix(1_600_000_000, 0)
	b.Seed(long)
	b.take(t, direct(5))
	b.want(t, 1_600_000_000, "llmtap_client_first_seen_timestamp_seconds", "client_name=curl", "client_kind=direct")
	b.Seed(call.Record{Identity: long.Identity}) // nobody: no series
	if _, n := b.sum(t, "llmtap_client_first_seen_timestamp_seconds"); n != 1 {
		t.Errorf("%d clients, want 1", n)
	}
}

func TestClosedLabelsFoldUnknownInput(t *testing.T) {
	b := newBench(t, nil)
	r := sinktest.Record(1)
	r.Target.Operation, r.Target.Provider = "mine_bitcoin", "evil"
	r.Client.Kind, r.End.Side, r.End.Kind, r.Diagnosis.Class = 99, 99, 99, 99
	b.take(t, r)
	b.want(t, 1, "gen_ai_client_operation_duration_seconds", "gen_ai_operation_name=other", "gen_ai_provider_name=other", "client_kind=unknown")
	b.want(t, 1, "llmtap_streams_ended_total", "end_side=unknown", "end_kind=unknown")
	f := sinktest.Finding(1, "confirmed")
	f.Verdict = "aliens"
	if err := b.Finding(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	b.want(t, 1, "llmtap_verdict", "verdict=other")
	f.State = "perhaps"
	if err := b.Finding(t.Context(), f); err == nil {
		t.Error("a state outside the contract was taken")
	}
}

func TestCloseReportsADeadline(t *testing.T) {
	b := newBench(t, nil)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
}

// TestSeedTeachesWithoutCounting: what an earlier process saw sets the state
// of a target, and no counter.
func TestSeedTeachesWithoutCounting(t *testing.T) {
	b := newBench(t, nil)
	r := direct(1)
	r.Request.Mode, r.Request.StreamFlag = call.ModeStream, call.StreamTrue
	b.Seed(r)
	b.want(t, 1, "llmtap_stream_support")
	b.want(t, 0, "llmtap_stream_support_changes_total")
	b.want(t, 0, "llmtap_calls_total")
	f := call.Finding{ID: "f", Verdict: "stream_only_failure", State: "suspected", Target: r.Target}
	if err := b.Known(f); err != nil {
		t.Fatal(err)
	}
	b.want(t, 2, "llmtap_stream_support")
	b.want(t, 0, "llmtap_stream_support_changes_total")
	b.want(t, 1, "llmtap_verdict", "state=suspected")
	f.State = "closed"
	if err := b.Finding(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	b.want(t, 1, "llmtap_stream_support_changes_total")
}
