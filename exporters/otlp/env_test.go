package otlp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"llmtap/exporters/otlp"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

// open makes a sink from an environment and says what it logged.
func open(t *testing.T, e env) (s *otlp.Sink, log string, err error) {
	t.Helper()
	var b bytes.Buffer
	s, err = otlp.New(context.Background(), otlp.Config{Getenv: e.get, Logger: slog.New(slog.NewTextHandler(&b, nil)), Console: &bytes.Buffer{}})
	if err == nil {
		t.Cleanup(func() { _ = s.Close(context.Background()) })
	}
	return s, b.String(), err
}

func TestEnvironment(t *testing.T) {
	const endpoint = "http://127.0.0.1:1"
	for name, tc := range map[string]struct {
		env     env
		enabled bool
		err     string // part of the error
		log     string // part of the log
	}{
		"nothing set":              {env{}, false, "", "OTEL_EXPORTER_OTLP_ENDPOINT"},
		"endpoint":                 {env{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, true, "", ""},
		"traces endpoint":          {env{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint}, true, "", ""},
		"otlp without endpoint":    {env{"OTEL_TRACES_EXPORTER": "otlp"}, true, "", ""},
		"none beats endpoint":      {env{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, false, "", ""},
		"console":                  {env{"OTEL_TRACES_EXPORTER": "console"}, true, "", ""},
		"zipkin":                   {env{"OTEL_TRACES_EXPORTER": "zipkin"}, false, `OTEL_TRACES_EXPORTER="zipkin" is not supported: use otlp, console or none`, ""},
		"disabled":                 {env{"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, false, "", ""},
		"disabled hides mistakes":  {env{"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "zipkin"}, false, "", ""},
		"not disabled":             {env{"OTEL_SDK_DISABLED": "no", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, true, "", ""},
		"http/protobuf":            {env{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, true, "", ""},
		"http/json":                {env{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, true, "", ""},
		"grpc":                     {env{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, true, "", ""},
		"protocol of traces wins":  {env{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "thrift", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, true, "", ""},
		"protocol unknown":         {env{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "thrift"}, false, `OTEL_EXPORTER_OTLP_PROTOCOL="thrift" is not supported`, ""},
		"traces protocol unknown":  {env{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "thrift"}, false, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", ""},
		"attributes cut":           {env{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "109"}, false, "use 110 or more", ""},
		"attributes enough":        {env{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "110"}, false, "", ""},
		"attributes unlimited":     {env{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "-1"}, false, "", ""},
		"queue is no number":       {env{"OTEL_BSP_MAX_QUEUE_SIZE": "big"}, false, `OTEL_BSP_MAX_QUEUE_SIZE="big"`, ""},
		"batch of nothing":         {env{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "0"}, false, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", ""},
		"content limit":            {env{"LLMTAP_CONTENT_MAX_BYTES": "-5"}, false, "LLMTAP_CONTENT_MAX_BYTES", ""},
		"content on":               {env{"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}, false, "", ""},
		"content as events":        {env{"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "EVENT_ONLY"}, false, "use SPAN_ONLY or NO_CONTENT", ""},
		"propagators":              {env{"OTEL_PROPAGATORS": "b3"}, false, "", "OTEL_PROPAGATORS"},
		"configuration file":       {env{"OTEL_CONFIG_FILE": "x.yaml"}, false, "", "OTEL_CONFIG_FILE"},
		"tiny queue still exports": {env{"OTEL_TRACES_EXPORTER": "console", "OTEL_BSP_MAX_QUEUE_SIZE": "1"}, true, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, log, err := open(t, tc.env)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || !strings.HasPrefix(err.Error(), "otlp: ") {
					t.Fatalf("error %v, want one with %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Enabled() != tc.enabled {
				t.Errorf("enabled %v, want %v", s.Enabled(), tc.enabled)
			}
			if !strings.Contains(log, tc.log) || tc.log == "" && tc.enabled && log != "" {
				t.Errorf("log %q, want %q", log, tc.log)
			}
		})
	}
}

// A metrics-only install makes no spans and loses none.
func TestDisabledSinkIsANoOp(t *testing.T) {
	s, _, err := open(t, env{})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(s.Record(t.Context(), sinktest.Record(1)), s.Finding(t.Context(), sinktest.Finding(1, "confirmed")), s.Flush(t.Context()), s.Close(t.Context()))
	if st := s.Stats(); err != nil || st.Created != 0 || len(st.Failures) != 0 {
		t.Errorf("error %v, accounts %+v, want nothing", err, st)
	}
}

func TestConsoleWritesSpans(t *testing.T) {
	var out bytes.Buffer
	s, err := otlp.New(t.Context(), otlp.Config{Getenv: env{"OTEL_TRACES_EXPORTER": "console"}.get, Console: &out})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Record(t.Context(), sinktest.Record(1)), s.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"chat gpt4"`) || s.Stats().Exported != 1 {
		t.Errorf("console got %d bytes, accounts %+v", out.Len(), s.Stats())
	}
}

func TestSampler(t *testing.T) {
	low, high := "0af7651916cd43dd0000000000000001", "0af7651916cd43ddffffffffffffffff"
	root := func(trace string) call.Record {
		return call.Record{Identity: call.Identity{Span: call.SpanContext{Trace: trace, Span: "b7ad6b7169203331"}}}
	}
	child := func(trace string, sampled bool) call.Record {
		r := root(trace)
		r.Identity.Parent = call.SpanContext{Trace: trace, Span: "b7ad6b7169203332", Sampled: sampled}
		return r
	}
	for name, tc := range map[string]struct {
		env  env
		want [4]bool // low root, high root, child of a sampled, child of an unsampled span
	}{
		"default":                 {env{}, [4]bool{true, true, true, false}},
		"parentbased_always_on":   {env{"OTEL_TRACES_SAMPLER": "parentbased_always_on"}, [4]bool{true, true, true, false}},
		"always_on":               {env{"OTEL_TRACES_SAMPLER": "always_on"}, [4]bool{true, true, true, true}},
		"always_off":              {env{"OTEL_TRACES_SAMPLER": "always_off"}, [4]bool{}},
		"parentbased_always_off":  {env{"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, [4]bool{false, false, true, false}},
		"ratio":                   {env{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, [4]bool{true, false, false, false}},
		"ratio without arg":       {env{"OTEL_TRACES_SAMPLER": "traceidratio"}, [4]bool{true, true, true, true}},
		"ratio of the parent":     {env{"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, [4]bool{true, false, true, false}},
		"ratio of nothing at all": {env{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, [4]bool{}},
	} {
		sample, err := otlp.NewSampler(tc.env.get)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := [4]bool{sample(root(low)), sample(root(high)), sample(child(high, true)), sample(child(high, false))}
		if got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
		if sample(call.Record{}) {
			t.Errorf("%s: sampled a record without ids", name)
		}
	}
	for _, e := range []env{
		{"OTEL_TRACES_SAMPLER": "jaeger_remote"}, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"},
		{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "NaN"}, {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "half"},
	} {
		if _, err := otlp.NewSampler(e.get); err == nil || !strings.Contains(err.Error(), "OTEL_TRACES_SAMPLER") {
			t.Errorf("%v: error %v, want one that names the variable", maps.Collect(maps.All(e)), err)
		}
	}
}

// failing is an exporter that always fails the same way.
type failing struct {
	sdktrace.SpanExporter
	err error
}

func (f failing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return f.err }
func (failing) Shutdown(context.Context) error                               { return nil }

func TestExportErrorsAreLoggedSparingly(t *testing.T) {
	var b bytes.Buffer
	s, err := otlp.New(t.Context(), otlp.Config{
		Getenv: env{"OTEL_TRACES_EXPORTER": "none"}.get, Exporter: failing{}, Logger: slog.New(slog.NewTextHandler(&b, nil)),
		Redact: func(s string) string { return strings.ReplaceAll(s, "sk-123", "REDACTED") },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			otel.Handle(errors.New("traces export: key sk-123 refused"))
		}
		if n := strings.Count(b.String(), "\n"); n != 1 || strings.Contains(b.String(), "sk-123") || !strings.Contains(b.String(), "REDACTED") {
			t.Errorf("%d lines: %s", n, b.String())
		}
		<-time.After(30 * time.Second) // virtual
		otel.Handle(errors.New("again"))
		otel.Handle(nil)
		if !strings.Contains(b.String(), "skipped=99") {
			t.Errorf("the lines left out are not told: %s", b.String())
		}
	})
}

func TestLossReasons(t *testing.T) {
	for text, want := range map[string]string{
		"traces export: request body too large: exceeded 67108864 bytes":                        "too_large",
		"traces export: failed to send to http://x/v1/traces: 413 Payload Too Large (body: no)": "too_large",
		"traces export: failed to send to http://x/v1/traces: 401 Unauthorized (body: no)":      "rejected",
		"traces export: failed to send to http://x/v1/traces: 500 Oh (body: 400 )":              "unavailable",
		"traces export: net/http: request canceled (Client.Timeout exceeded)":                   "timeout",
		"traces export: connection refused":                                                     "unavailable",
		"traces export: OTLP partial success: limit (1 spans rejected)":                         "rejected",
	} {
		s, err := otlp.New(t.Context(), otlp.Config{Getenv: env{}.get, Exporter: failing{err: errors.New(text)}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Record(t.Context(), sinktest.Record(1)), s.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
		if st := s.Stats(); st.Failures[want] != 1 || st.Exported != 0 {
			t.Errorf("%s: %+v, want %s", text, st, want)
		}
	}
}
