package call

import "time"

// IsHTTP reports whether there was an HTTP request. Records without one (a
// client that refused our certificate, a destination that could not be
// reached, a framework that failed first) have no span and no attempt metrics,
// yet are calls that failed.
func (q Request) IsHTTP() bool { return q.Method != "" && q.Method != "CONNECT" }

// Streamed is the stream dimension of every metric: what was asked, and where
// that is not known or not valid, what the answer was.
func (r *Record) Streamed() bool {
	switch {
	case r.Request.StreamFlag == StreamInvalid, r.Request.Mode == ModeUnknown:
		return streaming(r.Response.Body.Framing)
	}
	return r.Request.Mode == ModeStream
}

// StreamBody reports whether the response body is a stream, whatever was
// asked; a stream that was due and cut before its first byte is one too.
func (r *Record) StreamBody() bool {
	if streaming(r.Response.Body.Framing) {
		return true
	}
	due := r.Request.Mode == ModeStream && r.Response.Status >= 200 && r.Response.Status < 300
	switch r.Response.Body.Framing {
	case FramingUnknown, FramingEmpty:
		return due
	case FramingJSONArray:
		return due
	}
	return false
}

func streaming(f Framing) bool {
	switch f {
	case FramingSSE, FramingNDJSON, FramingEventStream:
		return true
	}
	return false
}

// EndTime is when the attempt was over; a record that was never sealed (its
// agent was killed) ends at the last instant that is known.
func (r *Record) EndTime() time.Time {
	if !r.Timing.End.IsZero() {
		return r.Timing.End
	}
	last := r.Identity.Start
	t := &r.Timing
	for _, x := range []time.Time{t.RequestSent, t.Headers, t.FirstByte, t.FirstData, t.FirstContent, t.LastData, t.LastByte} {
		if x.After(last) {
			last = x
		}
	}
	return last
}

// Duration is what the duration metric and the span show; never negative.
func (r *Record) Duration() time.Duration {
	return max(0, r.EndTime().Sub(r.Identity.Start))
}

// TimeToFirstChunk is the time from the request to the first event with
// content of a stream; false if there was none.
func (r *Record) TimeToFirstChunk() (time.Duration, bool) {
	if !r.StreamBody() || r.Timing.FirstContent.IsZero() {
		return 0, false
	}
	return max(0, r.Timing.FirstContent.Sub(r.Identity.Start)), true
}
