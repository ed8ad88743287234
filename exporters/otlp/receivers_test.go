package otlp_test

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"llmtap/exporters/otlp"
)

// receiver is an in-process OTLP receiver; answer decides what a request gets.
type receiver struct {
	collector.UnimplementedTraceServiceServer

	mu       sync.Mutex
	spans    []*tracepb.Span
	resource []*tracepb.ResourceSpans
	headers  []http.Header
	requests int
	answer   func(ctx context.Context, request int, spans int) (rejected int64, httpStatus int, code codes.Code)
}

func accept(context.Context, int, int) (int64, int, codes.Code) { return 0, 200, codes.OK }

// take books a request and says what to answer.
func (r *receiver) take(ctx context.Context, req *collector.ExportTraceServiceRequest) (int64, int, codes.Code) {
	r.mu.Lock()
	r.requests++
	n, count := r.requests, 0
	for _, rs := range req.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			count += len(ss.GetSpans())
		}
	}
	r.mu.Unlock()
	rejected, httpStatus, code := r.answer(ctx, n, count)
	if httpStatus == 200 {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, rs := range req.GetResourceSpans() {
			r.resource = append(r.resource, rs)
			for _, ss := range rs.GetScopeSpans() {
				r.spans = append(r.spans, ss.GetSpans()...)
			}
		}
	}
	return rejected, httpStatus, code
}

func (r *receiver) got() []*tracepb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*tracepb.Span(nil), r.spans...)
}

// Export implements the gRPC service.
func (r *receiver) Export(ctx context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	rejected, _, code := r.take(ctx, req)
	if code != codes.OK {
		return nil, status.Error(code, "no")
	}
	return reply(rejected), nil
}

func reply(rejected int64) *collector.ExportTraceServiceResponse {
	if rejected == 0 {
		return &collector.ExportTraceServiceResponse{}
	}
	return &collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{RejectedSpans: rejected, ErrorMessage: "attribute limit"}}
}

// ServeHTTP implements OTLP over HTTP.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.headers = append(r.headers, q.Header)
	r.mu.Unlock()
	var body io.Reader = q.Body
	if q.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(q.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body = z
	}
	raw, err := io.ReadAll(body)
	var req collector.ExportTraceServiceRequest
	if err != nil || q.URL.Path != "/v1/traces" || proto.Unmarshal(raw, &req) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	rejected, code, _ := r.take(q.Context(), &req)
	if code != 200 {
		w.WriteHeader(code)
		return
	}
	out, _ := proto.Marshal(reply(rejected))
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(out)
}

// protocols start a receiver and set the environment that leads to it.
func protocols() map[string]func(t *testing.T, r *receiver) {
	return map[string]func(t *testing.T, r *receiver){
		"http": func(t *testing.T, r *receiver) {
			t.Helper()
			s := httptest.NewServer(r)
			t.Cleanup(s.Close)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", s.URL)
		},
		"grpc": func(t *testing.T, r *receiver) {
			t.Helper()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := grpc.NewServer()
			collector.RegisterTraceServiceServer(s, r)
			done := make(chan struct{})
			go func() { defer close(done); _ = s.Serve(l) }()
			t.Cleanup(func() { s.Stop(); <-done })
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+l.Addr().String())
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
		},
	}
}

// overBoth runs a test once per protocol.
func overBoth(t *testing.T, run func(t *testing.T, r *receiver)) {
	t.Helper()
	for name, start := range protocols() {
		t.Run(name, func(t *testing.T) {
			r := &receiver{answer: accept}
			start(t, r)
			run(t, r)
		})
	}
}

// fromEnv is a sink that follows the process environment.
func fromEnv(t *testing.T) *otlp.Sink {
	t.Helper()
	s, err := otlp.New(t.Context(), otlp.Config{Version: "1.2.3", InstanceID: "i-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// settled waits until nothing is pending.
func settled(t *testing.T, s *otlp.Sink) otlp.Stats {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if st := s.Stats(); st.Pending == 0 {
			return st
		}
		if time.Now().After(deadline) {
			t.Fatalf("still pending: %+v", s.Stats())
		}
		_ = s.Flush(t.Context())
	}
}

// balanced fails unless the accounts add up.
func balanced(t *testing.T, st otlp.Stats) {
	t.Helper()
	sum := st.Exported + st.Pending
	for _, n := range st.Failures {
		sum += n
	}
	if sum != st.Created {
		t.Errorf("created %d, accounted for %d: %+v", st.Created, sum, st)
	}
}
