package otlp

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"llmtap/internal/call"
)

// attempt writes the span of a sealed attempt. open are the verdicts that were
// open for its target.
func (s *Sink) attempt(r *call.Record, open []string) {
	own := spanContext(r.Identity.Span)
	ctx := withIDs(context.Background(), own)
	if p := spanContext(r.Identity.Parent); p.IsValid() && p.TraceID() == own.TraceID() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, p)
	}
	a := attributes(r)
	a.strs(verdictOpen, open)
	if s.set.content {
		contents(&a, r, s.set.maxBytes)
	}
	if s.cfg.Headers {
		headers(&a, httpRequestHeader, r.Request.Hints.Headers)
		headers(&a, httpResponseHeader, r.Response.Headers)
	}
	_, span := s.tracer.Start(ctx, spanName(r), trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(r.Identity.Start),
		trace.WithAttributes(a...), trace.WithLinks(links(r)...))
	if r.Outcome() == call.OutcomeError {
		description := ""
		if s.set.content { // error bodies echo prompts
			description = s.cfg.Redact(fit(r.Response.Error.Message, 300))
		}
		span.SetStatus(codes.Error, description)
	}
	span.End(trace.WithTimestamp(r.Identity.Start.Add(r.Duration())))
}

// spanName is operation and model; a call that was not recognised has its
// method only.
func spanName(r *call.Record) string {
	op := r.Target.Operation
	if op == "" {
		return fit(r.Request.Method, 64)
	}
	if r.Target.Model == "" {
		return fit(op, 64)
	}
	return fit(op, 64) + " " + fit(r.Target.Model, 128)
}

// links point to the first attempt where it is not the parent, and to a
// client's span that was not sampled and therefore is no parent.
func links(r *call.Record) []trace.Link {
	var out []trace.Link
	i := r.Identity
	if first := spanContext(i.First); first.IsValid() && i.First.Span != i.Parent.Span && i.First.Span != i.Span.Span {
		out = append(out, link(first, linkFirstAttempt))
	}
	if remote := spanContext(i.Remote); remote.IsValid() && !i.Remote.Sampled && i.Remote.Span != i.Parent.Span {
		out = append(out, link(remote, linkUnsampled))
	}
	return out
}

func link(c trace.SpanContext, kind string, more ...attribute.KeyValue) trace.Link {
	return trace.Link{SpanContext: c, Attributes: append([]attribute.KeyValue{linkKind.String(kind)}, more...)}
}
