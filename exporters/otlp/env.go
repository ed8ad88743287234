package otlp

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
)

// settings are what the OTEL_ environment asks for. Endpoints, headers,
// certificates and the like are read by the exporters themselves.
type settings struct {
	kind     exporterKind
	queue    int // of the batch processor
	batch    int
	content  bool // spans carry messages, where a record has them
	maxBytes int  // of one content attribute
}

type exporterKind uint8

const (
	kindNone exporterKind = iota
	kindHTTP
	kindGRPC
	kindConsole
)

// minAttributes is what the fullest span needs.
const minAttributes = 110

// readEnv reads and checks the environment; every error says what to write.
func readEnv(getenv func(string) string, log *slog.Logger) (settings, error) {
	s := settings{queue: sdktrace.DefaultMaxQueueSize, batch: sdktrace.DefaultMaxExportBatchSize, maxBytes: 65536}
	for _, name := range []string{"OTEL_PROPAGATORS", "OTEL_CONFIG_FILE"} {
		if getenv(name) != "" {
			log.Warn("variable is not supported and has no effect", "name", name)
		}
	}
	var err error
	if s.kind, err = readKind(getenv, log); err != nil {
		return settings{}, err
	}
	if s.content, err = readContent(getenv); err != nil {
		return settings{}, err
	}
	if v := getenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"); v != "" {
		if n, err := strconv.Atoi(v); err == nil && n >= 0 && n < minAttributes {
			return settings{}, fmt.Errorf("otlp: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=%d cuts our spans: use %d or more, or leave it unset", n, minAttributes)
		}
	}
	for name, into := range map[string]*int{
		"OTEL_BSP_MAX_QUEUE_SIZE": &s.queue, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": &s.batch, "LLMTAP_CONTENT_MAX_BYTES": &s.maxBytes,
	} {
		if err := readPositive(getenv, name, into); err != nil {
			return settings{}, err
		}
	}
	if s.content && getenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") == "" {
		s.batch = 64 // messages are big, and one request is limited
	}
	s.batch = min(s.batch, s.queue)
	return s, nil
}

func readPositive(getenv func(string) string, name string, into *int) error {
	v := getenv(name)
	if v == "" {
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n <= 0 {
		return fmt.Errorf("otlp: %s=%q: use a number above 0", name, v)
	}
	*into = n
	return nil
}

func readKind(getenv func(string) string, log *slog.Logger) (exporterKind, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return kindNone, nil
	}
	switch v := getenv("OTEL_TRACES_EXPORTER"); v {
	case "":
		if getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" && getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
			log.Info("no spans are exported: set OTEL_EXPORTER_OTLP_ENDPOINT to send them")
			return kindNone, nil
		}
	case "otlp":
	case "console":
		return kindConsole, nil
	case "none":
		return kindNone, nil
	default:
		return kindNone, fmt.Errorf("otlp: OTEL_TRACES_EXPORTER=%q is not supported: use otlp, console or none", v)
	}
	name := "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	if getenv(name) == "" {
		name = "OTEL_EXPORTER_OTLP_PROTOCOL"
	}
	switch v := getenv(name); v {
	case "", "http/protobuf", "http/json":
		return kindHTTP, nil
	case "grpc":
		return kindGRPC, nil
	default:
		return kindNone, fmt.Errorf("otlp: %s=%q is not supported: use http/protobuf, http/json or grpc", name, v)
	}
}

func readContent(getenv func(string) string) (bool, error) {
	const name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
	switch v := getenv(name); strings.ToUpper(v) {
	case "", "FALSE", "NO_CONTENT":
		return false, nil
	case "TRUE", "SPAN_ONLY":
		return true, nil
	default:
		return false, fmt.Errorf("otlp: %s=%q: messages go to spans only: use SPAN_ONLY or NO_CONTENT", name, v)
	}
}

// newExporter makes the exporter of the given kind. None of them uses a proxy:
// with the variables of our own clients they would export through ourselves.
func newExporter(ctx context.Context, k exporterKind, console io.Writer) (exp sdktrace.SpanExporter, err error) {
	switch k {
	case kindHTTP:
		exp, err = otlptracehttp.New(ctx, otlptracehttp.WithProxy(func(*http.Request) (*url.URL, error) { return nil, nil }))
	case kindGRPC:
		exp, err = otlptracegrpc.New(ctx, otlptracegrpc.WithDialOption(grpc.WithNoProxy()))
	case kindConsole:
		exp, err = stdouttrace.New(stdouttrace.WithWriter(console), stdouttrace.WithPrettyPrint())
	}
	if err != nil {
		return nil, fmt.Errorf("otlp: make exporter: %w", err)
	}
	return exp, nil
}
