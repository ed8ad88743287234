//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// peerJaeger is a Jaeger of its own with its spans in memory.
type peerJaeger struct {
	t                 testing.TB
	http, grpc, query string // ports
}

func startPeerJaeger(t testing.TB) *peerJaeger {
	t.Helper()
	jaeger := peerProgram(t, "jaeger-all-in-one")
	j := &peerJaeger{t: t, http: peerPort(t), grpc: peerPort(t), query: peerPort(t)}
	peerRun(t, []string{"SPAN_STORAGE_TYPE=memory"}, jaeger, "--collector.otlp.enabled=true", "--log-level=warn",
		"--collector.otlp.http.host-port=127.0.0.1:"+j.http, "--collector.otlp.grpc.host-port=127.0.0.1:"+j.grpc,
		"--query.http-server.host-port=127.0.0.1:"+j.query, "--query.grpc-server.host-port=127.0.0.1:"+peerPort(t),
		"--admin.http.host-port=127.0.0.1:"+peerPort(t), "--collector.grpc-server.host-port=127.0.0.1:"+peerPort(t),
		"--collector.http-server.host-port=127.0.0.1:"+peerPort(t))
	peerUntil(t, 30*time.Second, func() string {
		if resp, err := peerDirect().Get("http://127.0.0.1:" + j.query + "/api/services"); err != nil {
			return err.Error()
		} else if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			return "Jaeger says " + resp.Status
		}
		return ""
	})
	return j
}

// peerSpan is a span as Jaeger shows it.
type peerSpan struct {
	TraceID, SpanID, OperationName string
	StartTime, Duration            int64 // µs
	References                     []struct{ RefType, TraceID, SpanID string }
	Tags                           []struct {
		Key   string
		Value any
	}
}

// tag is the text of a tag's value, empty if the span has none.
func (s peerSpan) tag(key string) string {
	for _, t := range s.Tags {
		if t.Key == key {
			return fmt.Sprint(t.Value)
		}
	}
	return ""
}

// find searches like the page does: by service and tags.
func (j *peerJaeger) find(tags map[string]string) ([][]peerSpan, error) {
	filter, err := json.Marshal(tags)
	if err != nil {
		return nil, err
	}
	q := url.Values{"service": {"llmtap"}, "tags": {string(filter)}, "limit": {"100"}, "lookback": {"1h"}}
	resp, err := peerDirect().Get("http://127.0.0.1:" + j.query + "/api/traces?" + q.Encode())
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		Data []struct{ Spans []peerSpan }
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return nil, err
	}
	var traces [][]peerSpan
	for _, t := range out.Data {
		slices.SortFunc(t.Spans, func(a, b peerSpan) int { return int(a.StartTime - b.StartTime) })
		traces = append(traces, t.Spans)
	}
	return traces, nil
}

// traces waits until a search finds n traces with that many spans in all.
func (j *peerJaeger) traces(n, spans int, tags map[string]string) [][]peerSpan {
	j.t.Helper()
	var got [][]peerSpan
	peerUntil(j.t, 20*time.Second, func() (why string) {
		var err error
		if got, err = j.find(tags); err != nil {
			return err.Error()
		}
		have := 0
		for _, t := range got {
			have += len(t)
		}
		if len(got) != n || have != spans {
			return fmt.Sprintf("%v finds %d traces with %d spans, want %d with %d", tags, len(got), have, n, spans)
		}
		return ""
	})
	return got
}

// TestJaeger exports to the real Jaeger over both protocols: what the store
// knows is found there by service and tag.
func TestJaeger(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, protocol string }{{"http/protobuf", "http/protobuf"}, {"grpc", "grpc"}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := startPeerJaeger(t)
			port := map[string]string{"grpc": j.grpc}[c.protocol]
			if port == "" {
				port = j.http
			}
			up := peerUpstream(t)
			a := peerStart(t, peerSetup{up: up, env: []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" + port, "OTEL_EXPORTER_OTLP_PROTOCOL=" + c.protocol, "OTEL_BSP_SCHEDULE_DELAY=200",
				// An agent with its clients' variables must not export through a proxy.
				"HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1",
			}})
			peerStory(t, a, up)
			records := a.records(peerStoryAttempts)
			peerJaegerFailure(t, j, records)
			peerJaegerStreams(t, j, records)
			peerJaegerVerdict(t, j, records)
			peerBalance(t, a, peerStoryAttempts+1, 0) // and the verdict
		})
	}
}

// peerJaegerFailure: three attempts of one call are one trace.
func peerJaegerFailure(t *testing.T, j *peerJaeger, records []call.Record) {
	t.Helper()
	trace := j.traces(1, 3, map[string]string{"error": "true"})[0]
	failing := records[1:4]
	for i, s := range trace {
		r := failing[i]
		if s.TraceID != r.Identity.Span.Trace || s.SpanID != r.Identity.Span.Span || r.Identity.Span.Trace != failing[0].Identity.Span.Trace {
			t.Errorf("attempt %d is span %s of %s, the record says %+v", i+1, s.SpanID, s.TraceID, r.Identity.Span)
		}
		resend := []string{"", "1", "2"}[i]
		for key, want := range map[string]string{
			"http.request.resend_count": resend, "llmtap.attempt.number": fmt.Sprint(i + 1), "llmtap.call.id": r.Identity.Logical,
			"gen_ai.operation.name": "chat", "gen_ai.request.model": peerStoryFailing, "gen_ai.request.stream": "true",
			"error.type": "gateway_error_opaque", "http.response.status_code": "500", "http.request.method": "POST",
			"server.address": "localhost", "llmtap.outcome": "error", "llmtap.failure.class": "gateway_error_opaque",
			"llmtap.error.shape": "apim", "llmtap.client.kind": "framework", "llmtap.client.name": "langchain",
			"llmtap.client.sdk.version": "1.60.1", "llmtap.request.stream_flag": "true", "llmtap.capture.mode": "mitm",
			"llmtap.observation.point": "proxy", "llmtap.wire.format": "openai.chat", "llmtap.end.side": "upstream", "llmtap.end.kind": "eof",
			"llmtap.response.framing": "json", "llmtap.auth.scheme": "api_key", "span.kind": "client", "otel.status_code": "ERROR",
			"llmtap.azure.deployment": peerStoryFailing, "llmtap.azure.api_version": "2024-10-21",
		} {
			if got := s.tag(key); got != want {
				t.Errorf("attempt %d: %s = %q, want %q", i+1, key, got, want)
			}
		}
		if want := "chat " + peerStoryFailing; s.OperationName != want {
			t.Errorf("attempt %d is called %q, want %q", i+1, s.OperationName, want)
		}
		if parent := peerParent(s); i > 0 && parent != trace[0].SpanID || i == 0 && parent != "" {
			t.Errorf("attempt %d hangs under %q, want the first attempt", i+1, parent)
		}
		if took := time.Duration(s.Duration) * time.Microsecond; took > r.Duration()+time.Millisecond || took < r.Duration()-time.Millisecond {
			t.Errorf("attempt %d took %s in Jaeger and %s in the record", i+1, took, r.Duration())
		}
	}
}

// peerJaegerVerdict: what comparison showed is a trace of its own, linked to the
// attempts that it rests on.
func peerJaegerVerdict(t *testing.T, j *peerJaeger, records []call.Record) {
	t.Helper()
	s := j.traces(1, 1, map[string]string{"llmtap.verdict.name": "stream_only_failure"})[0][0]
	for key, want := range map[string]string{
		"llmtap.verdict.state": "confirmed", "server.address": "localhost", "gen_ai.request.model": peerStoryFailing,
		"llmtap.client.name": "langchain", "llmtap.verdict.changed_keys": `["stream"]`, "error": "", "span.kind": "internal",
	} {
		if got := s.tag(key); got != want {
			t.Errorf("verdict: %s = %q, want %q", key, got, want)
		}
	}
	if s.OperationName != "llmtap.verdict stream_only_failure" || !strings.Contains(s.tag("llmtap.verdict.text"), "Only streamed requests fail here") {
		t.Errorf("verdict is called %q and says %q", s.OperationName, s.tag("llmtap.verdict.text"))
	}
	linked := map[string]bool{}
	for _, r := range s.References {
		linked[r.TraceID+" "+r.SpanID] = true
	}
	for _, r := range []call.Record{records[0], records[3], records[4]} { // before, the last failing attempt, after
		if !linked[r.Identity.Span.Trace+" "+r.Identity.Span.Span] {
			t.Errorf("the verdict is not linked to %s (status %d); links: %v", r.Identity.ID, r.Response.Status, linked)
		}
	}
}

func peerParent(s peerSpan) string {
	for _, r := range s.References {
		if r.RefType == "CHILD_OF" {
			return r.SpanID
		}
	}
	return ""
}

// peerJaegerStreams: the healthy streams, found by another tag.
func peerJaegerStreams(t *testing.T, j *peerJaeger, records []call.Record) {
	t.Helper()
	for _, trace := range j.traces(2, 2, map[string]string{"gen_ai.request.model": "gpt-4o"}) {
		s := trace[0]
		at := slices.IndexFunc(records, func(r call.Record) bool { return r.Identity.Span.Span == s.SpanID })
		if at < 0 {
			t.Fatalf("span %s is in no record", s.SpanID)
		}
		r := records[at]
		for key, want := range map[string]string{
			"error.type": "", "error": "", "otel.status_code": "", "http.request.resend_count": "", "llmtap.outcome": "ok",
			"gen_ai.provider.name": r.Target.Provider, "gen_ai.response.finish_reasons": `["stop"]`, "llmtap.stream.done": "true",
			"gen_ai.usage.input_tokens": fmt.Sprint(r.Usage.Input.N), "gen_ai.usage.output_tokens": fmt.Sprint(r.Usage.Output.N),
			"llmtap.stream.events": fmt.Sprint(r.Stream.Events), "llmtap.response.framing": "sse", "llmtap.end.terminal": "true",
			"network.protocol.version": r.Request.HTTP, "llmtap.client.name": "curl", "llmtap.client.kind": "direct",
		} {
			if got := s.tag(key); got != want {
				t.Errorf("stream over HTTP/%s: %s = %q, want %q", r.Request.HTTP, key, got, want)
			}
		}
		if s.tag("gen_ai.response.time_to_first_chunk") == "" || s.tag("llmtap.stream.first_content_s") != s.tag("gen_ai.response.time_to_first_chunk") {
			t.Errorf("first chunk: %q and %q", s.tag("gen_ai.response.time_to_first_chunk"), s.tag("llmtap.stream.first_content_s"))
		}
	}
	if a, b := records[5].Request.HTTP, records[6].Request.HTTP; a != "1.1" || b != "2" {
		t.Errorf("the streams were HTTP/%s and HTTP/%s, want 1.1 and 2", a, b)
	}
}

// peerBalance: every span is accounted for, exported or lost or waiting.
func peerBalance(t *testing.T, a *peerAgent, created, failed int) {
	t.Helper()
	peerUntil(t, 20*time.Second, func() string {
		_, body := a.get("/metrics")
		number := func(series string) (n int) {
			v, ok := peerMetric(body, series)
			if _, err := fmt.Sscan(v, &n); !ok || err != nil {
				t.Fatalf("%s is %q in /metrics", series, v)
			}
			return n
		}
		failures := 0
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "llmtap_span_export_failures_total{") {
				series, _, _ := strings.Cut(line, " ")
				failures += number(series)
			}
		}
		made, exported, pending := number("llmtap_spans_created_total"), number("llmtap_spans_exported_total"), number("llmtap_spans_pending")
		if made != exported+failures+pending {
			t.Fatalf("created %d, but exported %d + failed %d + pending %d", made, exported, failures, pending)
		}
		if made != created || failures < failed || exported != created-failures {
			return fmt.Sprintf("created %d exported %d failed %d pending %d, want %d created and %d failed", made, exported, failures, pending, created, failed)
		}
		return ""
	})
}

// TestExporterDown: an agent whose OTLP endpoint is down for its whole life
// relays and records as ever, counts every lost span, and stops in time.
func TestExporterDown(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			up := peerUpstream(t)
			a := peerStart(t, peerSetup{up: up, env: []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" + peerPort(t), "OTEL_EXPORTER_OTLP_PROTOCOL=" + protocol,
				"OTEL_BSP_SCHEDULE_DELAY=200", "OTEL_BSP_EXPORT_TIMEOUT=1000", "OTEL_EXPORTER_OTLP_TIMEOUT=1000",
			}})
			peerStory(t, a, up)
			for _, r := range a.records(peerStoryAttempts) {
				if r.Agent.LagMax > 500*time.Millisecond {
					t.Errorf("call %s lagged %s", r.Identity.ID, r.Agent.LagMax)
				}
			}
			peerBalance(t, a, peerStoryAttempts+1, peerStoryAttempts+1) // and the verdict
			if status, body := a.get("/readyz"); status != http.StatusOK {
				t.Errorf("/readyz: %d %s", status, body)
			}
			// One more span is pending when the end comes.
			peerSend(t, a.client(false), peerCall{peerDeployment(up.base(), "gpt-4o"), `{` + peerMessages + `}`, nil})
			a.records(peerStoryAttempts + 1)
			started := time.Now()
			a.end()
			if code := a.exit(t, time.Second); code != 0 || time.Since(started) > 7*time.Second {
				t.Errorf("exit %d after %s", code, time.Since(started))
			}
		})
	}
}
