package call

import (
	"encoding/json"
	"time"
)

// reflected is the JSON form by encoding/json: the oracle of the hand-written encoder.
func reflected(r Record) ([]byte, error) {
	d := document{
		Schema: Schema, ID: r.Identity.ID, Start: r.Identity.Start.UTC(), Outcome: r.Outcome(),
		Logical: encodeLogical(r.Identity), Trace: encodeTrace(r.Identity),
		Target: targetDoc(r.Target), Client: r.Client,
		Request: encodeRequest(r.Request), Response: encodeResponse(r.Response),
		Timing: encodeTiming(r.Identity.Start, r.Timing), Stream: encodeStream(r.Stream), Usage: encodeUsage(r.Usage),
		End: end(r.End), Agent: encodeAgent(r.Agent),
	}
	// Copies, so that not the whole record has to live on the heap.
	if r.Content != (Content{}) {
		content := r.Content
		d.Content = &content
	}
	if r.Diagnosis.Class != ClassUnknown {
		diagnosis := r.Diagnosis
		d.Diagnosis = &diagnosis
	}
	return json.Marshal(d)
}

func encodeLogical(i Identity) *logical {
	if i.Logical == "" {
		return nil
	}
	return &logical{ID: i.Logical, Attempt: i.Attempt}
}

func encodeTrace(i Identity) *trace {
	if !i.Span.Valid() {
		return nil
	}
	t := trace{Trace: i.Span.Trace, Span: i.Span.Span, Sampled: i.Span.Sampled}
	t.Parent, t.Remote, t.First = spanRef(i.Parent), spanRef(i.Remote), spanRef(i.First)
	return &t
}

func spanRef(c SpanContext) *SpanContext {
	if !c.Valid() {
		return nil
	}
	return &c
}

func encodeRequest(r Request) request {
	out := request{
		Method: r.Method, Path: r.Path, URL: r.URL, Mode: r.Mode, StreamFlag: r.StreamFlag, Keys: r.Keys,
		Params: r.Params, Messages: r.Messages, Tools: r.Tools, Bytes: r.Bytes, HTTP: r.HTTP,
		Headers: encodeHeaders(r.Hints.Headers),
	}
	if h := r.Hints; h.BodyModel != "" || h.IncludeUsage != Unset || h.StreamType != "" || !h.Body.IsZero() || !h.Core.IsZero() ||
		h.RetryCount != "" || h.InvocationID != "" || h.ReadTimeout != "" || h.ReusedConn || h.HostMismatch || h.OutputType != "" {
		out.Hints = &h
	}
	return out
}

func encodeHeaders(list []Header) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]string, len(list))
	for _, h := range list {
		if v, dup := out[h.Name]; dup {
			out[h.Name] = v + ", " + h.Value
			continue
		}
		out[h.Name] = h.Value
	}
	return out
}

func encodeResponse(r Response) *response {
	if r.Status == 0 && r.Origin == "" && r.Interim == 0 {
		return nil
	}
	out := response{
		Status: r.Status, ContentType: r.Body.ContentType, Encoding: r.Body.Encoding, Framing: r.Body.Framing,
		Transfer: r.Body.Transfer, HTTP: r.HTTP, Bytes: r.Body.Bytes, Interim: r.Interim, Model: r.Model, ID: r.ID,
		Finish: r.FinishReasons, ServiceTier: r.ServiceTier, Fingerprint: r.Fingerprint,
		Headers: encodeHeaders(r.Headers), Origin: r.Origin,
	}
	if r.Error != (Error{}) {
		e := r.Error
		out.Error = &e
	}
	return &out
}

func encodeTiming(start time.Time, t Timing) timing {
	at := func(x time.Time) float64 {
		if x.Equal(start) && !x.IsZero() {
			return 1e-9
		}
		return seconds(Since(start, x))
	}
	lap := func(from, to time.Time) float64 {
		if from.IsZero() || to.IsZero() {
			return 0
		}
		return seconds(to.Sub(from))
	}
	out := timing{
		DNS: lap(t.Dial, t.DNS), TLS: lap(t.Connect, t.TLS), RequestSent: at(t.RequestSent),
		Headers: at(t.Headers), FirstByte: at(t.FirstByte), FirstData: at(t.FirstData), FirstContent: at(t.FirstContent),
		LastData: at(t.LastData), LastByte: at(t.LastByte), Total: at(t.End), Dial: at(t.Dial),
	}
	from := t.DNS
	if from.IsZero() {
		from = t.Dial
	}
	out.Connect = lap(from, t.Connect)
	return out
}

func encodeStream(s Stream) *stream {
	if s.Events == 0 && s.Keepalives == 0 && s.Bursts == 0 && !s.Done && !s.Errored && len(s.Oddities) == 0 {
		return nil
	}
	out := stream{
		Events: s.Events, ContentEvents: s.ContentEvents, Keepalives: s.Keepalives, Bursts: s.Bursts,
		LargestBurst: s.LargestBurst, MaxGap: seconds(s.MaxGap), MaxDataGap: seconds(s.MaxDataGap),
		Done: s.Done, Finish: s.Finish, Errored: s.Errored,
	}
	for _, o := range s.Oddities {
		out.Oddities = append(out.Oddities, o.Name)
		if out.OddityCounts == nil {
			out.OddityCounts = map[string]int{}
		}
		out.OddityCounts[o.Name] = o.Count
		if o.Last > 0 {
			if out.OddityLast == nil {
				out.OddityLast = map[string]float64{}
			}
			out.OddityLast[o.Name] = seconds(o.Last)
		}
	}
	for i, b := range s.Pace {
		if b.Count > 0 {
			out.Pace = append(out.Pace, pace{Bin: i, Count: b.Count, Sum: seconds(b.Sum)})
		}
	}
	return &out
}

func encodeUsage(u Usage) *usage {
	if u == (Usage{}) {
		return nil
	}
	ref := func(a Amount) *int64 {
		if !a.Known {
			return nil
		}
		return &a.N
	}
	return &usage{ref(u.Input), ref(u.Output), ref(u.Cached), ref(u.CacheWrite), ref(u.Reasoning)}
}

func encodeAgent(a Agent) agent {
	return agent{
		LagMax: seconds(a.LagMax), Overhead: seconds(a.Overhead), BlockedClient: seconds(a.BlockedClient),
		BlockedUpstream: seconds(a.BlockedUpstream), View: a.View, Capture: a.Capture, Mode: a.Mode, Lost: a.Lost,
		Conn: a.Conn, PeerAddress: a.PeerAddress, Overrun: seconds(a.Overrun), Rule: a.Rule,
	}
}
