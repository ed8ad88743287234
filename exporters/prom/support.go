package prom

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"llmtap/internal/call"
)

// Values of llmtap_stream_support.
const (
	supportUnknown = iota
	supportWorks   // the last streamed call succeeded
	supportOnlyFailure
	supportRefused // refused in words, no streamed success since
)

// maxSupportIDs bounds the open stream_only_failure findings of one target.
const maxSupportIDs = 64

// streamSupport says per target whether streaming works there. It belongs to
// the sink's mutex; its keys are folded labels, hence bounded.
type streamSupport struct {
	gauge   *prometheus.GaugeVec
	changes *prometheus.CounterVec
	targets map[[2]string]*targetSupport
	seeding bool // what is learned is old: no change
}

type targetSupport struct {
	works, refused bool
	open           map[string]struct{} // findings
	value          int
}

func newStreamSupport() *streamSupport {
	return &streamSupport{
		gauge: gauge("llmtap_stream_support", "Streaming at a target: 0 unknown, 1 works, 2 only streamed calls fail, 3 refused in words.",
			targetNames()),
		changes: counter("llmtap_stream_support_changes_total", "Changes of llmtap_stream_support.", targetNames()),
		targets: map[[2]string]*targetSupport{},
	}
}

// excused are failures that say nothing about whether a target can stream.
var excused = []call.Class{
	call.ClassAgentInduced, call.ClassTLSUntrusted, call.ClassUpstreamUnreachable, call.ClassStaleConnection,
	call.ClassFirstByteTimeout, call.ClassGatewayTimeout, call.ClassRateLimited, call.ClassContentFiltered,
	call.ClassStreamFlagInvalid, call.ClassStreamOptionRejected, call.ClassAPIVersionIncompatible,
	call.ClassClientChoked, call.ClassClientTimeout, call.ClassClientCancelled, call.ClassEndpointNotFound,
	call.ClassParameterUnsupported, call.ClassFailedBeforeCall,
}

// record learns from one logical call.
func (s *streamSupport) record(r *call.Record, l *labels) {
	if l.folded || !slices.Contains(inference, l.operation) {
		return
	}
	t := s.at(l.host, l.model)
	class := r.Diagnosis.Class
	switch outcome := r.Outcome(); {
	case !r.Streamed():
	case outcome == call.OutcomeOK, outcome == call.OutcomeCancelled && r.Stream.ContentEvents > 0:
		t.works, t.refused = true, false
	case outcome != call.OutcomeError, slices.Contains(excused, class), class == call.ClassAuthRejected && r.Response.Status == 401:
	case class == call.ClassStreamUnsupported && r.Diagnosis.Reason == "combination":
	default:
		t.works = false
		t.refused = t.refused || class == call.ClassStreamUnsupported
	}
	s.show(l.host, l.model, t)
}

// finding learns that a stream_only_failure opened or closed.
func (s *streamSupport) finding(f *call.Finding, host, model string) {
	if f.Verdict != "stream_only_failure" {
		return
	}
	if f.State == "closed" {
		for k, t := range s.targets {
			delete(t.open, f.ID)
			s.show(k[0], k[1], t)
		}
		return
	}
	if host == other || model == other || host == "" {
		return
	}
	t := s.at(host, model)
	if len(t.open) < maxSupportIDs {
		t.open[f.ID] = struct{}{}
	}
	s.show(host, model, t)
}

func (s *streamSupport) at(host, model string) *targetSupport {
	key := [2]string{host, model}
	t := s.targets[key]
	if t == nil {
		t = &targetSupport{open: map[string]struct{}{}}
		s.targets[key] = t
		s.gauge.WithLabelValues(host, model).Set(supportUnknown)
		s.changes.WithLabelValues(host, model)
	}
	return t
}

func (s *streamSupport) show(host, model string, t *targetSupport) {
	value := supportUnknown
	switch {
	case t.refused:
		value = supportRefused
	case len(t.open) > 0:
		value = supportOnlyFailure
	case t.works:
		value = supportWorks
	}
	if value != t.value {
		t.value = value
		s.gauge.WithLabelValues(host, model).Set(float64(value))
		if !s.seeding {
			s.changes.WithLabelValues(host, model).Inc()
		}
	}
}
