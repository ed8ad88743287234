package otlp

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"llmtap/internal/call"
)

// Bounds of a verdict span; its window is that of the comparison.
const (
	maxLinks       = 16 // of each side
	verdictSeconds = 24 * 60 * 60
)

// verdict writes the span of a verdict that opened: a root of its own, linked
// to the sampled attempts that are its evidence.
func (s *Sink) verdict(f *call.Finding) {
	at := f.Updated
	if at.IsZero() {
		at = f.Since
	}
	if at.IsZero() {
		at = time.Now()
	}
	links, traces := s.links(f)
	a := verdictAttributes(f)
	a.strs(verdictTraces, traces)
	a.str(verdictText, s.cfg.Redact(f.Text))
	a.str(verdictRemedy, strings.Join(f.Remedy, "\n"))
	_, span := s.tracer.Start(context.Background(), fit("llmtap.verdict "+f.Verdict, 128), trace.WithNewRoot(),
		trace.WithTimestamp(at), trace.WithAttributes(a...), trace.WithLinks(links...))
	span.End(trace.WithTimestamp(at))
}

func verdictAttributes(f *call.Finding) attrs {
	var a attrs
	a.str(verdictName, f.Verdict)
	a.str(verdictState, f.State)
	a.str(verdictID, f.ID)
	a.num(verdictWindow, verdictSeconds)
	a.num(verdictFailing, int64(len(f.Evidence.Failing)))
	a.num(verdictPassing, int64(len(f.Evidence.Working)))
	a.str(serverAddress, f.Target.Host)
	a.str(genRequestModel, f.Target.Model)
	a.str(clientName, f.Client.Name)
	a.str(clientVersion, f.Client.Version)
	var changed []string
	for _, d := range f.Difference {
		key, isBody := strings.CutPrefix(d.Path, "body.")
		switch {
		case isBody:
			changed = append(changed, key)
		case d.Path == "client.version" && f.Verdict == "version_regression":
			a.str(verdictLastGood, d.Working)
			a.str(verdictFirstBad, d.Failing)
		case d.Path == "deadline_s":
			if v, err := strconv.ParseFloat(d.Failing, 64); err == nil {
				a.float(verdictDeadline, v)
			}
		}
	}
	a.strs(verdictChanged, changed)
	return a
}

// links resolves the evidence, newest first on both sides. Traces are named
// even where their span was not sampled.
func (s *Sink) links(f *call.Finding) (out []trace.Link, traces []string) {
	side := func(ids []string, kind string) {
		written := 0
		for _, id := range ids {
			if written == maxLinks {
				return
			}
			e, ok := s.evidence.find(id)
			c := spanContext(e.span)
			if !ok || !c.IsValid() {
				continue
			}
			if t := c.TraceID().String(); !slices.Contains(traces, t) {
				traces = append(traces, t)
			}
			if c.IsSampled() {
				out = append(out, link(c, kind, callOutcome.String(e.outcome.String())))
				written++
			}
		}
	}
	side(f.Evidence.Failing, linkFailing)
	side(f.Evidence.Working, linkPassing)
	return out, traces
}
