package otlp_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"llmtap/exporters/otlp"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

// env is an environment for Config.Getenv.
type env map[string]string

func (e env) get(name string) string { return e[name] }

// memory is a sink whose spans stay in memory.
type memory struct {
	*otlp.Sink
	spans *keeper
}

// keeper is an in-memory exporter that keeps its spans over Shutdown.
type keeper struct{ *tracetest.InMemoryExporter }

func (keeper) Shutdown(context.Context) error { return nil }

func newMemory(t testing.TB, change func(*otlp.Config)) *memory {
	t.Helper()
	m := &memory{spans: &keeper{tracetest.NewInMemoryExporter()}}
	c := otlp.Config{Getenv: env{}.get, Version: "1.2.3", InstanceID: "i-1", Exporter: m.spans}
	if change != nil {
		change(&c)
	}
	s, err := otlp.New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	m.Sink = s
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

func (m *memory) take(t testing.TB, records ...call.Record) {
	t.Helper()
	for _, r := range records {
		if err := m.Record(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// flushed returns the spans so far, in the order they were recorded.
func (m *memory) flushed(t testing.TB) tracetest.SpanStubs {
	t.Helper()
	if err := m.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m.spans.GetSpans()
}

// only returns the one span that r makes.
func only(t testing.TB, r call.Record) tracetest.SpanStub {
	t.Helper()
	m := newMemory(t, nil)
	m.take(t, r)
	spans := m.flushed(t)
	if len(spans) != 1 {
		t.Fatalf("%d spans, want 1", len(spans))
	}
	return spans[0]
}

// attrsOf are a span's attributes by name.
func attrsOf(s tracetest.SpanStub) map[string]attribute.Value {
	out := map[string]attribute.Value{}
	for _, kv := range s.Attributes {
		out[string(kv.Key)] = kv.Value
	}
	return out
}

// dump writes a span as sorted text.
func dump(spans tracetest.SpanStubs) string {
	var b strings.Builder
	for _, s := range spans {
		fmt.Fprintf(&b, "span %q kind=%s trace=%s span=%s parent=%s\n", s.Name, s.SpanKind, s.SpanContext.TraceID(), s.SpanContext.SpanID(), s.Parent.SpanID())
		fmt.Fprintf(&b, "  start=%s end=+%s status=%s %q\n", s.StartTime.UTC().Format(time.RFC3339Nano), s.EndTime.Sub(s.StartTime), s.Status.Code, s.Status.Description)
		fmt.Fprintf(&b, "  scope=%s %s schema=%q\n", s.InstrumentationScope.Name, s.InstrumentationScope.Version, s.InstrumentationScope.SchemaURL)
		for _, l := range s.Links {
			fmt.Fprintf(&b, "  link trace=%s span=%s %s\n", l.SpanContext.TraceID(), l.SpanContext.SpanID(), list(l.Attributes))
		}
		a := attrsOf(s)
		for _, k := range slices.Sorted(maps.Keys(a)) {
			fmt.Fprintf(&b, "  %s = %s\n", k, a[k].String())
		}
	}
	return b.String()
}

func list(kvs []attribute.KeyValue) string {
	var out []string
	for _, kv := range kvs {
		out = append(out, string(kv.Key)+"="+kv.Value.String())
	}
	return strings.Join(out, " ")
}

// plain is a plain call that works, failed the streamed 500 of #1208.
func plain(n int) call.Record {
	r := sinktest.Record(n)
	r.Client = call.Client{Kind: call.ClientDirect, Name: "curl", Version: "8.5.0", Rule: "ua-curl", UserAgent: "curl/8.5.0", Address: "127.0.0.1"}
	r.Request.Mode, r.Request.StreamFlag, r.Request.Keys = call.ModePlain, call.StreamAbsent, []string{"messages"}
	r.Response.Body = call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Transfer: call.TransferLength, Bytes: 600}
	r.Timing = call.Timing{Headers: r.Identity.Start.Add(700 * time.Millisecond), End: r.Identity.Start.Add(750 * time.Millisecond)}
	r.Stream = call.Stream{}
	return r
}

// attempt is attempt k of the message of #1208: one trace, later attempts are
// children of the first.
func attempt(k int) call.Record {
	r := sinktest.Record(100 + k)
	first := call.SpanContext{Trace: "0af7651916cd43dd8448eb211c80319c", Span: "b7ad6b7169203331", Sampled: true}
	r.Identity.Logical, r.Identity.Attempt, r.Identity.Span = "log-1208", k, first
	if k > 1 {
		r.Identity.Span.Span = fmt.Sprintf("b7ad6b716920333%d", k)
		r.Identity.Parent, r.Identity.First = first, first
	}
	r.Client.Name, r.Client.Version, r.Client.Surface = "jupyter-ai", "2.29.0", "chat"
	r.Response = call.Response{
		Status: 500, HTTP: "1.1", Origin: "upstream",
		Body:  call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Transfer: call.TransferLength, Bytes: 91},
		Error: call.Error{Shape: call.ShapeAPIM, Message: "Internal server error"},
	}
	r.Timing = call.Timing{Headers: r.Identity.Start.Add(100 * time.Millisecond), End: r.Identity.Start.Add(125 * time.Millisecond)}
	r.Stream, r.Usage, r.End.Terminal = call.Stream{}, call.Usage{}, false
	r.Diagnosis = call.Diagnosis{
		Class: call.ClassGatewayErrorOpaque, Severity: call.SeverityError, Fault: call.FaultNetwork, Rule: "gateway_error_opaque",
		Tags: []string{"retry_burst"},
	}
	return r
}

func valid(s string) bool { return utf8.ValidString(s) }
