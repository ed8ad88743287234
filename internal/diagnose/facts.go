package diagnose

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
)

// facts are a record and what several rules derive from it.
type facts struct {
	r *call.Record
	// stream and plain are what was asked; both are false if that is unknown.
	stream, plain bool
	// terminal: the answer was complete before the end.
	terminal bool
	// own: the model service itself wrote the error body.
	own bool
	// dialect: a decoder read the body, so that missing marks mean something.
	dialect bool
	text    texts
	sent    time.Time // when the request was under way
	left    time.Time // when the call was over for the client
}

// read derives the facts of a record, which they refer to.
func (f *facts) read(r *call.Record) {
	*f = facts{
		r: r, stream: r.Request.Mode == call.ModeStream, plain: r.Request.Mode == call.ModePlain,
		terminal: r.End.Terminal || r.Stream.Done || r.Stream.Finish,
		dialect:  r.Target.Format != "unknown" && (r.Target.API != "" || r.Target.Format != ""),
		sent:     r.Timing.RequestSent,
		left:     r.Identity.Start.Add(r.Duration()),
	}
	if last := r.Timing.LastByte; r.Agent.Overrun > 0 && !last.IsZero() {
		f.left = last.Add(-r.Agent.Overrun)
	}
	if f.sent.IsZero() {
		f.sent = r.Identity.Start
	}
	if blind(r) {
		f.dialect = false
	}
	f.own = ownError(r)
	if r.Response.Status >= 300 || r.Stream.Errored {
		f.text.read(r.Response.Error)
	}
}

// blind reports whether the body could not be read to its end, so that what it
// lacks is not known to be missing.
func blind(r *call.Record) bool {
	return r.Agent.View == call.ViewOpaque || gaveUp(r) || slices.ContainsFunc(r.Agent.Lost, func(what string) bool {
		return what == "decode_limit" || what == "content_encoding" || what == "oversize" || what == "budget"
	})
}

// gaveUp reports whether the decoder stopped before the end: behind a spoilt
// message, or behind what is no element of an array, nothing is found for certain.
func gaveUp(r *call.Record) bool {
	return oddIn(r, "eventstream_crc") > 0 || r.Response.Body.Framing == call.FramingJSONArray && oddIn(r, "bad_json") > 0
}

// byAgent reports whether llmtap ended the call before the answer was whole.
func (f *facts) byAgent() bool { return f.r.End.Side == call.SideAgent && !f.terminal }

// end reports who ended the call and how, one of kinds.
func (f *facts) end(side call.Side, kinds ...call.EndKind) bool {
	return f.r.End.Side == side && (len(kinds) == 0 || slices.Contains(kinds, f.r.End.Kind))
}

// cut reports whether the service's side broke off inside the message.
func (f *facts) cut() bool {
	return f.end(call.SideUpstream, call.EndShort, call.EndReset, call.EndH2RST, call.EndClosed) || f.open()
}

// open reports an orderly end of the transport inside an array, a line or a
// frame.
func (f *facts) open() bool {
	if !f.end(call.SideUpstream, call.EndEOF) {
		return false
	}
	array := f.r.Response.Body.Framing == call.FramingJSONArray && f.dialect && !f.r.Stream.Done
	return array || f.odd("eventstream_truncated") > 0 || f.odd("value_truncated") > 0
}

// abandoned reports whether the client left before the answer was complete.
func (f *facts) abandoned() bool { return f.r.End.Side == call.SideClient && !f.terminal }

// odd returns how often an oddity came.
func (f *facts) odd(name string) int { return oddIn(f.r, name) }

func oddIn(r *call.Record, name string) int {
	for _, o := range r.Stream.Oddities {
		if o.Name == name {
			return o.Count
		}
	}
	return 0
}

func (f *facts) framing(of ...call.Framing) bool {
	return slices.Contains(of, f.r.Response.Body.Framing)
}

// api reports whether the target's api is one of the families, by prefix.
func (f *facts) api(families ...string) bool {
	return slices.ContainsFunc(families, func(p string) bool {
		return strings.HasPrefix(f.r.Target.API, p) || strings.HasPrefix(f.r.Target.Format, p)
	})
}

// since returns t minus the moment the request was under way; 0 if t did not
// happen.
func (f *facts) since(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(0, t.Sub(f.sent))
}

// finished reports whether a choice ended with a normalised finish reason.
func (f *facts) finished(finish string) bool {
	return slices.ContainsFunc(f.r.Response.FinishReasons, func(raw string) bool { return finishOf(raw) == finish })
}

func param(r *call.Record, name string) string {
	for _, p := range r.Request.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// ownError tells whether an error body has the form the model service writes
// itself. Gateways imitate some forms, so it is a hint, not a proof.
func ownError(r *call.Record) bool {
	provider, host := r.Target.Provider, r.Target.Host
	switch r.Response.Error.Shape {
	case call.ShapeOpenAI, call.ShapeAzure, call.ShapeAnthropic, call.ShapeGoogle, call.ShapeAWS, call.ShapeFlat,
		call.ShapeString, call.ShapeList:
		return true
	case call.ShapeAPIM:
		return slices.ContainsFunc(azureMarks, func(h string) bool { return r.Response.Header(h) != "" })
	case call.ShapeAzureValidate:
		// The gateways' variant has a name where the service has a number.
		_, err := strconv.Atoi(r.Response.Error.Code)
		return err == nil
	case call.ShapeBare:
		return provider == "cohere" || strings.HasPrefix(r.Target.API, "cohere")
	case call.ShapeFastAPI:
		return slices.Contains(fastAPIProviders, provider)
	case call.ShapeDatabricks:
		return strings.Contains(host, "databricks")
	}
	return false
}

// azureMarks are headers that Azure's own front sets and a company gateway
// does not.
var azureMarks = []string{"x-ms-region", "apim-request-id", "azureml-model-session"}

var fastAPIProviders = []string{"mistral_ai", "vllm", "tgi"}
