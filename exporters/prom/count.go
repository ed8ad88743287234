package prom

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"llmtap/internal/call"
)

// count books a logical call that is over; r is its last attempt.
func (s *Sink) count(r *call.Record) {
	l := s.folder.quiet().of(r, s.now())
	outcome, d := r.Outcome(), r.Diagnosis
	s.calls.calls.WithLabelValues(l.line(outcome.String())...).Inc()
	if outcome == call.OutcomeError {
		increment(s.calls.failures.WithLabelValues(l.line(d.Class.String(), d.Fault.String())...), exemplar(r))
	}
	s.calls.note(&l, d)
	s.support.record(r, &l)
}

// note books the warnings and notes of a call, primary and secondary.
func (m *callMetrics) note(l *labels, d call.Diagnosis) {
	note := func(c call.Class, sev call.Severity) {
		m.findings.WithLabelValues(append(l.target(), l.stream, c.String(), sev.String())...).Inc()
	}
	if d.Class != call.ClassOK && d.Class != call.ClassUnknown && (d.Severity == call.SeverityWarn || d.Severity == call.SeverityInfo) {
		note(d.Class, d.Severity)
	}
	seen := map[string]bool{}
	for _, tag := range d.Tags {
		for _, n := range notes {
			if n.class.String() == tag && n.class != d.Class && !seen[tag] {
				seen[tag] = true
				note(n.class, n.severity)
			}
		}
	}
}

// notes are the classes that are a warning or a note when they are secondary.
var notes = []struct {
	class    call.Class
	severity call.Severity
}{
	{call.ClassAgentInduced, call.SeverityWarn}, // lag: all its other reasons are primary
	{call.ClassStaleConnection, call.SeverityInfo},
	{call.ClassContentFiltered, call.SeverityWarn},
	{call.ClassRateLimited, call.SeverityWarn},
	{call.ClassContentTypeMismatch, call.SeverityWarn},
	{call.ClassClientCancelled, call.SeverityInfo},
	{call.ClassUncleanClose, call.SeverityWarn},
	{call.ClassToolDeltaMalformed, call.SeverityWarn},
	{call.ClassStreamBuffered, call.SeverityWarn},
	{call.ClassStreamStalled, call.SeverityWarn},
	{call.ClassHangAfterDone, call.SeverityWarn},
	{call.ClassDuplicateOutput, call.SeverityWarn},
}

// firstSeen shows when a client version was first seen.
func (s *Sink) firstSeen(p pair, kind string, at time.Time) {
	if at.IsZero() || p.name == unknown || p.name == other {
		return
	}
	if first, ok := s.seen[p]; ok && !at.Before(first) {
		at = first
	} else if ok || len(s.seen) < maxSeen {
		s.seen[pair{strings.Clone(p.name), strings.Clone(p.version)}] = at
	}
	s.calls.firstSeen.WithLabelValues(p.name, p.version, kind).Set(seconds(at))
}

// evict deletes the series of a client that lost its place. Open verdicts stay.
func (s *Sink) evict(p pair) {
	match := prometheus.Labels{labelClient: p.name, labelVersion: p.version}
	s.calls.calls.DeletePartialMatch(match)
	s.calls.failures.DeletePartialMatch(match)
	s.calls.firstSeen.DeletePartialMatch(match)
	s.calls.touched.forget()
}
