package call

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// UnmarshalJSON reads schema 1 as MarshalJSON wrote it. Members that only the
// JSON form derives (outcome) are ignored.
func (r *Record) UnmarshalJSON(b []byte) error {
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return fmt.Errorf("call: decode record: %w", err)
	}
	*r = Record{
		Identity: decodeIdentity(d), Target: Target(d.Target), Client: d.Client, Request: decodeRequest(d.Request),
		Response: decodeResponse(d.Response), Timing: decodeTiming(d.Start, d.Timing), Stream: decodeStream(d.Stream),
		Usage: decodeUsage(d.Usage), End: End(d.End), Agent: decodeAgent(d.Agent),
	}
	if d.Content != nil {
		r.Content = *d.Content
	}
	if d.Diagnosis != nil {
		r.Diagnosis = *d.Diagnosis
	}
	return nil
}

func decodeIdentity(d document) Identity {
	i := Identity{ID: d.ID, Start: d.Start}
	if d.Logical != nil {
		i.Logical, i.Attempt = d.Logical.ID, d.Logical.Attempt
	}
	if t := d.Trace; t != nil {
		i.Span = SpanContext{Trace: t.Trace, Span: t.Span, Sampled: t.Sampled}
		i.Parent, i.Remote, i.First = deref(t.Parent), deref(t.Remote), deref(t.First)
	}
	return i
}

func deref(c *SpanContext) SpanContext {
	if c == nil {
		return SpanContext{}
	}
	return *c
}

func decodeRequest(r request) Request {
	out := Request{
		Method: r.Method, Path: r.Path, URL: r.URL, Mode: r.Mode, StreamFlag: r.StreamFlag, Keys: r.Keys,
		Params: r.Params, Messages: r.Messages, Tools: r.Tools, Bytes: r.Bytes, HTTP: r.HTTP,
	}
	if r.Hints != nil {
		out.Hints = *r.Hints
	}
	out.Hints.Headers = decodeHeaders(r.Headers)
	return out
}

func decodeHeaders(m map[string]string) []Header {
	var out []Header
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, Header{Name: k, Value: m[k]})
	}
	return out
}

func decodeResponse(r *response) Response {
	if r == nil {
		return Response{}
	}
	out := Response{
		Status: r.Status, HTTP: r.HTTP, Interim: r.Interim, Model: r.Model, ID: r.ID, FinishReasons: r.Finish,
		ServiceTier: r.ServiceTier, Fingerprint: r.Fingerprint, Headers: decodeHeaders(r.Headers), Origin: r.Origin,
		Body: BodyFacts{ContentType: r.ContentType, Encoding: r.Encoding, Framing: r.Framing, Transfer: r.Transfer, Bytes: r.Bytes},
	}
	if r.Error != nil {
		out.Error = *r.Error
	}
	return out
}

func decodeTiming(start time.Time, t timing) Timing {
	at := func(s float64) time.Time {
		if s == 0 {
			return time.Time{}
		}
		return start.Add(duration(s))
	}
	out := Timing{
		Dial: at(t.Dial), RequestSent: at(t.RequestSent), Headers: at(t.Headers), FirstByte: at(t.FirstByte),
		FirstData: at(t.FirstData), FirstContent: at(t.FirstContent), LastData: at(t.LastData), LastByte: at(t.LastByte),
		End: at(t.Total),
	}
	if out.Dial.IsZero() {
		return out
	}
	next := out.Dial
	step := func(s float64) time.Time {
		if s == 0 {
			return time.Time{}
		}
		next = next.Add(duration(s))
		return next
	}
	out.DNS, out.Connect, out.TLS = step(t.DNS), step(t.Connect), step(t.TLS)
	return out
}

func decodeStream(s *stream) Stream {
	if s == nil {
		return Stream{}
	}
	out := Stream{
		Events: s.Events, ContentEvents: s.ContentEvents, Keepalives: s.Keepalives, Bursts: s.Bursts,
		LargestBurst: s.LargestBurst, MaxGap: duration(s.MaxGap), MaxDataGap: duration(s.MaxDataGap),
		Done: s.Done, Finish: s.Finish, Errored: s.Errored,
	}
	for _, name := range s.Oddities {
		out.Oddities = append(out.Oddities, Oddity{Name: name, Count: s.OddityCounts[name], Last: duration(s.OddityLast[name])})
	}
	for _, p := range s.Pace {
		if p.Bin >= 0 && p.Bin < len(out.Pace) {
			out.Pace[p.Bin] = PaceBin{Count: p.Count, Sum: duration(p.Sum)}
		}
	}
	return out
}

func decodeUsage(u *usage) Usage {
	if u == nil {
		return Usage{}
	}
	val := func(p *int64) Amount {
		if p == nil {
			return Amount{}
		}
		return Some(*p)
	}
	return Usage{val(u.Input), val(u.Output), val(u.Cached), val(u.CacheWrite), val(u.Reasoning)}
}

func decodeAgent(a agent) Agent {
	return Agent{
		LagMax: duration(a.LagMax), Overhead: duration(a.Overhead), BlockedClient: duration(a.BlockedClient),
		BlockedUpstream: duration(a.BlockedUpstream), View: a.View, Capture: a.Capture, Mode: a.Mode, Lost: a.Lost,
		Conn: a.Conn, PeerAddress: a.PeerAddress, Overrun: duration(a.Overrun), Rule: a.Rule,
	}
}
