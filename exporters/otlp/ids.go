package otlp

import (
	"context"
	"crypto/rand"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"llmtap/internal/call"
)

// recorded carries a record's ids to the SDK.
type recorded struct{}

// withIDs returns a context whose next span gets the record's own ids.
func withIDs(ctx context.Context, c trace.SpanContext) context.Context {
	return context.WithValue(ctx, recorded{}, c)
}

// generator is the SDK's source of ids: those that were chosen when the
// attempt began, else (verdicts) random ones.
type generator struct{}

// NewIDs implements sdktrace.IDGenerator.
func (generator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if c, ok := ctx.Value(recorded{}).(trace.SpanContext); ok && c.IsValid() {
		return c.TraceID(), c.SpanID()
	}
	var t trace.TraceID
	var s trace.SpanID
	_, _ = rand.Read(t[:]) // never fails
	_, _ = rand.Read(s[:])
	return t, s
}

// NewSpanID implements sdktrace.IDGenerator.
func (g generator) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	_, s := g.NewIDs(ctx)
	return s
}

// always samples: what is not sampled never reaches the SDK, since the
// decision was taken when the attempt began.
type always struct{}

// ShouldSample implements sdktrace.Sampler.
func (always) ShouldSample(sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}

// Description implements sdktrace.Sampler.
func (always) Description() string { return "DecidedAtStart" }

// spanContext parses recorded ids; invalid ones give the zero value.
func spanContext(c call.SpanContext) trace.SpanContext {
	t, err := trace.TraceIDFromHex(c.Trace)
	if err != nil {
		return trace.SpanContext{}
	}
	s, err := trace.SpanIDFromHex(c.Span)
	if err != nil {
		return trace.SpanContext{}
	}
	var flags trace.TraceFlags
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: t, SpanID: s, TraceFlags: flags.WithSampled(c.Sampled), Remote: true})
}
