package otlp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"llmtap/internal/call"
)

// shutdownLimit bounds the last flush.
const shutdownLimit = 5 * time.Second

// allAttributes is room for a span with everything at once, headers and
// messages included, which no real call has; the SDK cuts silently at 128.
const allAttributes = 160

// Config configures a Sink. The zero value follows the environment.
type Config struct {
	// Getenv reads the variables that decide what is exported; nil is
	// os.Getenv. Endpoints, headers and certificates are read by the exporters
	// from the process environment in any case.
	Getenv func(string) string
	// Version and InstanceID go to the scope and the resource.
	Version, InstanceID string
	// Logger gets the few lines of this package, rate-limited; nil is silent.
	Logger *slog.Logger
	// Redact is the last pass over free text (status descriptions, log lines);
	// nil leaves it as it is.
	Redact func(string) string
	// Headers adds allow-listed request and response headers to spans.
	Headers bool
	// Lookup finds evidence that is older than this process: the span and
	// outcome of a record by its id; nil knows none.
	Lookup func(id string) (call.Record, bool)
	// Console is where the console exporter writes; nil is os.Stdout.
	Console io.Writer
	// Exporter, if set, replaces what the environment says.
	Exporter sdktrace.SpanExporter
}

// Sink writes one span per sampled attempt and per opened verdict. It never
// blocks on the receiver; what cannot be sent is counted (Stats). Safe for
// concurrent use.
type Sink struct {
	cfg      Config
	set      settings
	provider *sdktrace.TracerProvider // nil: nothing is exported
	tracer   trace.Tracer
	ledger   *ledger
	evidence *evidence
	stop     chan struct{} // ends exports in flight
	once     sync.Once
	closeErr error
}

// New reads the environment and starts the export. An error says which
// variable is wrong and what to write; a receiver that is down is none.
func New(ctx context.Context, c Config) (*Sink, error) {
	c = c.withDefaults()
	set, err := readEnv(c.Getenv, c.Logger)
	if err != nil {
		return nil, err
	}
	s := &Sink{cfg: c, set: set, ledger: newLedger(set.queue), evidence: newEvidence(c.Lookup), stop: make(chan struct{})}
	exp := c.Exporter
	if exp == nil {
		if set.kind == kindNone {
			return s, nil
		}
		if exp, err = newExporter(ctx, set.kind, c.Console); err != nil {
			return nil, err
		}
	}
	res, err := newResource(ctx, c)
	if err != nil {
		return nil, err
	}
	otel.SetErrorHandler(newErrorLog(c.Logger, c.Redact))
	limits := sdktrace.NewSpanLimits()
	if c.Getenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT") == "" {
		limits.AttributeCountLimit = allAttributes
	}
	s.provider = sdktrace.NewTracerProvider(
		sdktrace.WithSampler(always{}), sdktrace.WithIDGenerator(generator{}), sdktrace.WithResource(res), sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithSpanProcessor(sdktrace.NewBatchSpanProcessor(&counted{exp, s.ledger, s.stop},
			sdktrace.WithMaxQueueSize(set.queue), sdktrace.WithMaxExportBatchSize(set.batch))),
	)
	s.tracer = s.provider.Tracer("llmtap", trace.WithInstrumentationVersion(c.Version))
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Redact == nil {
		c.Redact = func(s string) string { return s }
	}
	if c.Console == nil {
		c.Console = os.Stdout
	}
	return c
}

// newResource is service.name = llmtap and who we are, unless the environment
// says otherwise.
func newResource(ctx context.Context, c Config) (*resource.Resource, error) {
	own := attrs{attribute.String("service.name", "llmtap")}
	own.str("service.version", c.Version)
	own.str("service.instance.id", c.InstanceID)
	env, err := resource.New(ctx, resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("otlp: read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return resource.NewSchemaless(append(own, env.Attributes()...)...), nil
}

// Enabled reports whether spans go anywhere.
func (s *Sink) Enabled() bool { return s.provider != nil }

// Stats returns the loss accounts.
func (s *Sink) Stats() Stats { return s.ledger.stats() }

// Record implements exporters.Sink: one span if the attempt is sampled.
func (s *Sink) Record(_ context.Context, r call.Record) error {
	if s.provider == nil || !r.Request.IsHTTP() {
		return nil
	}
	open := s.evidence.record(&r)
	if !r.Identity.Span.Sampled || !s.ledger.admit() {
		return nil
	}
	s.attempt(&r, open)
	return nil
}

// Finding implements exporters.Sink: one span when a verdict opens, and again
// when it becomes confirmed.
func (s *Sink) Finding(_ context.Context, f call.Finding) error {
	if s.provider == nil || !s.evidence.opens(&f) || !s.ledger.admit() {
		return nil
	}
	s.verdict(&f)
	return nil
}

// Known takes a verdict that opened before this process began: later attempts
// name it, but its span was written then.
func (s *Sink) Known(f call.Finding) { s.evidence.opens(&f) }

// Flush sends what waits, for those who want to look at the receiver next.
func (s *Sink) Flush(ctx context.Context) error {
	if s.provider == nil {
		return nil
	}
	if err := s.provider.ForceFlush(ctx); err != nil {
		return fmt.Errorf("otlp: flush: %w", err)
	}
	return nil
}

// Close sends what waits, for at most five seconds; what is left then is
// counted as lost at shutdown. The context should not be the one whose end
// caused the shutdown.
func (s *Sink) Close(ctx context.Context) error {
	s.once.Do(func() {
		defer close(s.stop)
		defer s.ledger.close()
		if s.provider == nil {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, shutdownLimit)
		defer cancel()
		if err := s.provider.Shutdown(ctx); err != nil {
			s.closeErr = fmt.Errorf("otlp: shut down: %w", err)
		}
	})
	return s.closeErr
}
