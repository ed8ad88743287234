package call

import (
	"encoding/json"
	"time"
)

func writeRequest(o *object, r *Request) {
	o.open("request")
	o.words("method", r.Method)
	o.words("path", r.Path)
	o.words("url", r.URL)
	o.text("mode", r.Mode.String())
	o.some("stream_flag", r.StreamFlag.String(), r.StreamFlag != 0)
	writeList(o, "keys", r.Keys)
	writeParams(o, r.Params)
	o.number("messages", int64(r.Messages))
	o.number("tools", int64(r.Tools))
	o.number("bytes", r.Bytes)
	o.words("http", r.HTTP)
	writeHints(o, &r.Hints)
	writeHeaders(o, r.Hints.Headers)
	o.close()
}

// hints writes an object only if something is in it.
func writeHints(o *object, h *RequestHints) {
	before, comma := len(o.b), o.comma
	o.open("hints")
	empty := len(o.b)
	o.words("body_model", h.BodyModel)
	o.some("include_usage", h.IncludeUsage.String(), h.IncludeUsage != Unset)
	o.words("stream_type", h.StreamType)
	o.words("body_hmac", h.Body.hex)
	o.words("core_hmac", h.Core.hex)
	o.words("retry_count", h.RetryCount)
	o.words("invocation_id", h.InvocationID)
	o.words("read_timeout", h.ReadTimeout)
	writeFlag(o, "reused_connection", h.ReusedConn)
	writeFlag(o, "host_mismatch", h.HostMismatch)
	o.words("output_type", h.OutputType)
	if len(o.b) == empty {
		o.b, o.comma = o.b[:before], comma
		return
	}
	o.close()
}

// params writes the values as the JSON texts they are; one that is not JSON
// becomes a string.
func writeParams(o *object, list []Param) {
	if len(list) == 0 {
		return
	}
	o.open("params")
	for _, p := range list {
		o.text(p.Name, "")
		o.b = o.b[:len(o.b)-len(`""`)]
		if json.Valid([]byte(p.Value)) {
			o.b = append(o.b, p.Value...)
		} else {
			o.b = appendString(o.b, p.Value)
		}
	}
	o.close()
}

func writeResponse(o *object, r *Response) {
	if r.Status == 0 && r.Origin == "" && r.Interim == 0 {
		return
	}
	o.open("response")
	writeCount(o, "status", int64(r.Status))
	o.words("content_type", r.Body.ContentType)
	o.words("content_encoding", r.Body.Encoding)
	o.some("framing", r.Body.Framing.String(), r.Body.Framing != 0)
	o.some("transfer", r.Body.Transfer.String(), r.Body.Transfer != 0)
	o.words("http", r.HTTP)
	o.number("bytes", r.Body.Bytes)
	writeCount(o, "interim", int64(r.Interim))
	o.words("model", r.Model)
	o.words("id", r.ID)
	writeList(o, "finish_reasons", r.FinishReasons)
	o.words("service_tier", r.ServiceTier)
	o.words("system_fingerprint", r.Fingerprint)
	if e := &r.Error; *e != (Error{}) {
		o.open("error")
		o.some("shape", e.Shape.String(), e.Shape != 0)
		o.words("code", e.Code)
		o.words("type", e.Type)
		o.words("param", e.Param)
		o.words("message", e.Message)
		o.words("request_id", e.RequestID)
		o.close()
	}
	writeHeaders(o, r.Headers)
	o.words("origin", r.Origin)
	o.close()
}

func writeTiming(o *object, start time.Time, t *Timing) {
	at := func(name string, x time.Time) {
		d := Since(start, x)
		if d == 0 && !x.IsZero() {
			d = 1 // it happened, at once: absent would say that it did not
		}
		o.lap(name, d)
	}
	between := func(name string, from, to time.Time) {
		if !from.IsZero() && !to.IsZero() {
			o.lap(name, to.Sub(from))
		}
	}
	resolved := t.DNS
	if resolved.IsZero() {
		resolved = t.Dial
	}
	o.open("timing")
	at("dial", t.Dial)
	between("dns", t.Dial, t.DNS)
	between("connect", resolved, t.Connect)
	between("tls", t.Connect, t.TLS)
	at("request_sent", t.RequestSent)
	at("headers", t.Headers)
	at("first_byte", t.FirstByte)
	at("first_data", t.FirstData)
	at("first_content", t.FirstContent)
	at("last_data", t.LastData)
	at("last_byte", t.LastByte)
	at("total", t.End)
	o.close()
}

func writeStream(o *object, s *Stream) {
	if s.Events == 0 && s.Keepalives == 0 && s.Bursts == 0 && !s.Done && !s.Errored && len(s.Oddities) == 0 {
		return
	}
	o.open("stream")
	o.number("events", int64(s.Events))
	o.number("content_events", int64(s.ContentEvents))
	o.number("keepalives", int64(s.Keepalives))
	o.number("bursts", int64(s.Bursts))
	o.number("largest_burst", int64(s.LargestBurst))
	o.seconds("max_gap", s.MaxGap)
	o.seconds("max_data_gap", s.MaxDataGap)
	o.bool("done", s.Done)
	o.bool("finish", s.Finish)
	writeFlag(o, "error", s.Errored)
	writeOddities(o, s.Oddities)
	writePace(o, &s.Pace)
	o.close()
}

// oddities writes the names, and beside them how often and when last.
func writeOddities(o *object, list []Oddity) {
	if len(list) == 0 {
		return
	}
	o.array("oddities")
	for i, x := range list {
		o.b = appendString(o.item(i), x.Name)
	}
	o.b = append(o.b, ']')
	o.open("oddity_counts")
	last := false
	for _, x := range list {
		o.number(x.Name, int64(x.Count))
		last = last || x.Last > 0
	}
	o.close()
	if !last {
		return
	}
	o.open("oddity_last")
	for _, x := range list {
		if x.Last > 0 {
			o.seconds(x.Name, x.Last)
		}
	}
	o.close()
}

func writePace(o *object, bins *[18]PaceBin) {
	n := 0
	for i, p := range bins {
		if p.Count <= 0 {
			continue
		}
		if n == 0 {
			o.array("pace")
		}
		bin := object{b: append(o.item(n), '{')}
		bin.number("bin", int64(i))
		bin.number("count", int64(p.Count))
		bin.seconds("sum", p.Sum)
		o.b = append(bin.b, '}')
		n++
	}
	if n > 0 {
		o.b = append(o.b, ']')
	}
}

func writeUsage(o *object, u *Usage) {
	if *u == (Usage{}) {
		return
	}
	amount := func(name string, a Amount) {
		if a.Known {
			o.number(name, a.N)
		}
	}
	o.open("usage")
	amount("input", u.Input)
	amount("output", u.Output)
	amount("cached", u.Cached)
	amount("cache_write", u.CacheWrite)
	amount("reasoning", u.Reasoning)
	o.close()
}

func writeEnd(o *object, e *End) {
	o.open("end")
	o.some("side", e.Side.String(), e.Side != 0)
	o.some("kind", e.Kind.String(), e.Kind != 0)
	o.bool("terminal", e.Terminal)
	writeCount(o, "h2_code", int64(e.H2Code))
	o.words("reason", e.Reason)
	o.words("detail", e.Detail)
	o.close()
}

func writeAgent(o *object, a *Agent) {
	o.open("agent")
	o.seconds("lag_max", a.LagMax)
	o.seconds("overhead", a.Overhead)
	o.lap("blocked_client", a.BlockedClient)
	o.lap("blocked_upstream", a.BlockedUpstream)
	o.some("view", a.View.String(), a.View != 0)
	o.some("capture", a.Capture.String(), a.Capture != 0)
	o.some("mode", a.Mode.String(), a.Mode != 0)
	writeList(o, "lost", a.Lost)
	o.words("conn", a.Conn)
	o.words("peer", a.PeerAddress)
	o.lap("overrun", a.Overrun)
	o.words("rule", a.Rule)
	o.close()
}

func writeDiagnosis(o *object, d *Diagnosis) {
	if d.Class == ClassUnknown {
		return
	}
	o.open("diagnosis")
	o.text("class", d.Class.String())
	o.words("reason", d.Reason)
	writeList(o, "tags", d.Tags)
	o.text("severity", d.Severity.String())
	o.some("fault", d.Fault.String(), d.Fault != 0)
	o.words("text", d.Text)
	writeList(o, "remedy", d.Remedy)
	o.words("rule", d.Rule)
	o.close()
}
