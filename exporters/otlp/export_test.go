package otlp_test

import (
	"context"
	"encoding/hex"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/codes"

	"llmtap/exporters/otlp"
	"llmtap/exporters/sinktest"
)

func send(t *testing.T, s *otlp.Sink, n int) {
	t.Helper()
	for i := range n {
		if err := s.Record(t.Context(), sinktest.Record(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSpansArriveAsRecorded(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
		s := fromEnv(t)
		for k := 1; k <= 3; k++ {
			if err := s.Record(t.Context(), attempt(k)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		spans := r.got()
		if len(spans) != 3 {
			t.Fatalf("%d spans arrived, want 3", len(spans))
		}
		for k, span := range spans {
			want := attempt(k + 1).Identity
			if hex.EncodeToString(span.GetTraceId()) != want.Span.Trace || hex.EncodeToString(span.GetSpanId()) != want.Span.Span ||
				hex.EncodeToString(span.GetParentSpanId()) != want.Parent.Span {
				t.Errorf("attempt %d: ids %x %x parent %x, want %+v", k+1, span.GetTraceId(), span.GetSpanId(), span.GetParentSpanId(), want)
			}
			if got := time.Unix(0, int64(span.GetStartTimeUnixNano())); !got.Equal(want.Start) {
				t.Errorf("attempt %d: starts at %v, want %v", k+1, got, want.Start)
			}
			if span.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR || span.GetStatus().GetMessage() != "" {
				t.Errorf("attempt %d: status %v", k+1, span.GetStatus())
			}
		}
		resource := map[string]string{}
		for _, kv := range r.resource[0].GetResource().GetAttributes() {
			resource[kv.GetKey()] = kv.GetValue().GetStringValue()
		}
		for k, v := range map[string]string{"service.name": "llmtap", "service.version": "1.2.3", "service.instance.id": "i-1", "deployment.environment": "test"} {
			if resource[k] != v {
				t.Errorf("resource %s = %q, want %q", k, resource[k], v)
			}
		}
		if u := r.resource[0].GetScopeSpans()[0].GetSchemaUrl(); u != "" {
			t.Errorf("schema URL %q, want none", u)
		}
	})
}

func TestServiceNameFromTheEnvironmentWins(t *testing.T) {
	r := &receiver{answer: accept}
	protocols()["http"](t, r)
	t.Setenv("OTEL_SERVICE_NAME", "llmtap-hub")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=abc")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	s := fromEnv(t)
	send(t, s, 1)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, kv := range r.resource[0].GetResource().GetAttributes() {
		if kv.GetKey() == "service.name" {
			names = append(names, kv.GetValue().GetStringValue())
		}
	}
	if len(names) != 1 || names[0] != "llmtap-hub" {
		t.Errorf("service.name %v, want llmtap-hub once", names)
	}
	if got := r.headers[0]; got.Get("X-Key") != "abc" || got.Get("Content-Encoding") != "gzip" {
		t.Errorf("headers %v: OTLP settings were not followed", got)
	}
}

func TestOneHostileStringDoesNotLoseTheBatch(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		s := fromEnv(t)
		send(t, s, 1)
		for _, text := range sinktest.Hostile() {
			x := sinktest.Record(7)
			x.Target.Model, x.Response.ID, x.Request.URL, x.Client.UserAgent, x.Request.Keys = text, text, text, text, []string{text}
			x.Response.Error.Message, x.Target.Host = text, text
			if err := s.Record(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := len(r.got()), 1+len(sinktest.Hostile()); got != want {
			t.Errorf("%d spans arrived, want %d: %+v", got, want, s.Stats())
		}
	})
}

func TestPartialSuccessCountsTheRejected(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		r.answer = func(context.Context, int, int) (int64, int, codes.Code) { return 2, 200, codes.OK }
		s := fromEnv(t)
		send(t, s, 5)
		st := settled(t, s)
		balanced(t, st)
		if st.Exported != 3 || st.Failures["rejected"] != 2 {
			t.Errorf("%+v, want 3 exported and 2 rejected", st)
		}
	})
}

func TestRefusedBatchIsRejected(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		r.answer = func(context.Context, int, int) (int64, int, codes.Code) { return 0, 400, codes.InvalidArgument }
		s := fromEnv(t)
		send(t, s, 5)
		st := settled(t, s)
		balanced(t, st)
		if st.Exported != 0 || st.Failures["rejected"] != 5 {
			t.Errorf("%+v, want 5 rejected", st)
		}
	})
}

func TestSlowReceiverTimesOut(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		r.answer = func(ctx context.Context, _ int, _ int) (int64, int, codes.Code) {
			<-ctx.Done() // until the exporter gives up
			return 0, 503, codes.DeadlineExceeded
		}
		t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "200")
		t.Setenv("OTEL_BSP_EXPORT_TIMEOUT", "500") // ends the HTTP exporter's own retries
		s := fromEnv(t)
		send(t, s, 3)
		st := settled(t, s)
		balanced(t, st)
		if st.Failures["timeout"] != 3 {
			t.Errorf("%+v, want 3 timeouts", st)
		}
	})
}

func TestPeerDownIsUnavailable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+addr)
	s := fromEnv(t)
	send(t, s, 4)
	st := settled(t, s)
	balanced(t, st)
	if st.Failures["unavailable"] != 4 {
		t.Errorf("%+v, want 4 unavailable", st)
	}
}

func TestGateRefusesBeforeTheQueueIsFull(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		release := make(chan struct{})
		r.answer = func(ctx context.Context, _ int, _ int) (int64, int, codes.Code) {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return 0, 200, codes.OK
		}
		t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "32")
		t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
		s := fromEnv(t)
		began := time.Now()
		send(t, s, 100)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("recording took %v while the receiver was stuck", took)
		}
		st := s.Stats()
		balanced(t, st)
		if st.Created != 100 || st.Pending != 24 || st.Failures["queue_full"] != 76 {
			t.Errorf("%+v, want 24 pending (32 - 8) and 76 refused", st)
		}
		close(release)
		st = settled(t, s)
		balanced(t, st)
		if st.Exported != 24 || len(r.got()) != 24 {
			t.Errorf("%+v, %d arrived, want 24", st, len(r.got()))
		}
	})
}

func TestShutdownGivesUpAndCounts(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		r.answer = func(ctx context.Context, _ int, _ int) (int64, int, codes.Code) {
			<-ctx.Done()
			return 0, 503, codes.Unavailable
		}
		s := fromEnv(t)
		send(t, s, 6)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := s.Close(ctx); err == nil {
			t.Error("no error although the spans were lost")
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("took %v, want about the deadline", took)
		}
		send(t, s, 2) // sealed too late
		st := s.Stats()
		balanced(t, st)
		if st.Pending != 0 || st.Failures["shutdown"] != 8 {
			t.Errorf("%+v, want 8 lost at shutdown and none pending", st)
		}
	})
}

// With its clients' proxy variables an agent must not export through itself.
// The receiver is named 0.0.0.0: for loopback names Go never uses a proxy.
func TestExportIgnoresTheProxyEnvironment(t *testing.T) {
	overBoth(t, func(t *testing.T, r *receiver) {
		u, err := url.Parse(os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://0.0.0.0:"+u.Port())
		s := fromEnv(t)
		send(t, s, 3)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if len(r.got()) != 3 {
			t.Errorf("%d spans arrived, want 3", len(r.got()))
		}
		if err := trap.SetDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if c, err := trap.Accept(); err == nil {
			_ = c.Close()
			t.Error("the export connected to our own proxy address")
		}
	})
}

func TestContentSwitchKeepsBatchesSmall(t *testing.T) {
	r := &receiver{answer: accept}
	protocols()["http"](t, r)
	t.Setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
	s := fromEnv(t)
	send(t, s, 130)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range r.resource {
		if n := len(rs.GetScopeSpans()[0].GetSpans()); n > 64 {
			t.Errorf("a batch of %d spans with contents, want ≤ 64", n)
		}
	}
	if len(r.spans) != 130 {
		t.Errorf("%d spans, want 130", len(r.spans))
	}
}

func TestStatsAreACopy(t *testing.T) {
	m := newMemory(t, nil)
	m.Stats().Failures["queue_full"] = 99
	if got := m.Stats().Failures["queue_full"]; got != 0 {
		t.Errorf("%d failures invented by a reader", got)
	}
	if !m.Enabled() {
		t.Error("a sink with an exporter is enabled")
	}
}
