package explain

import (
	"strings"

	"llmtap/internal/call"
)

// Fact is one thing the record shows, by name.
type Fact struct{ Name, Text string }

// Evidence lists what the class rests on, and by which ids the call is found
// elsewhere. Facts that are not known are left out.
func Evidence(r call.Record) []Fact {
	var out []Fact
	add := func(name, text string) {
		if text != "" {
			out = append(out, Fact{name, text})
		}
	}
	add("class", classified(r.Diagnosis))
	add("also", list(r.Diagnosis.Tags, 8))
	add("error", errorText(r.Response.Error))
	add("written by", author(&r))
	add("end marks", marks(&r))
	add("to quote", list(IDs(r), 4))
	add("trace", trace(r.Identity.Span))
	return out
}

func classified(d call.Diagnosis) string {
	if d.Class == call.ClassUnknown {
		return "none: too little is known"
	}
	text := d.Class.String()
	if d.Reason != "" {
		text += ", reason " + clip(d.Reason)
	}
	if d.Rule != "" && d.Rule != d.Class.String() {
		text += ", by rule " + clip(d.Rule)
	}
	if d.Fault != call.FaultUnknown {
		text += "; fault: " + d.Fault.String()
	}
	return text
}

func errorText(e call.Error) string {
	if e == (call.Error{}) {
		return ""
	}
	var parts []string
	for _, p := range []struct{ name, value string }{{"code", e.Code}, {"type", e.Type}, {"param", e.Param}} {
		if p.value != "" {
			parts = append(parts, p.name+" "+clip(p.value))
		}
	}
	if e.Shape != call.ShapeUnknown {
		parts = append([]string{e.Shape.String() + " shape"}, parts...)
	}
	text := strings.Join(parts, ", ")
	if e.Message != "" {
		text += ": " + clip(e.Message)
	}
	return strings.TrimPrefix(text, ": ")
}

// serviceMarks are headers that Azure's model service sets and a gateway in
// front of it does not.
var serviceMarks = []string{"x-ms-region", "apim-request-id", "azureml-model-session"}

// author says what tells a gateway's error from the service's own.
func author(r *call.Record) string {
	switch {
	case r.Response.Origin == "agent":
		return "llmtap"
	case r.Response.Status < 400 || !strings.HasPrefix(apiOf(r), "azure."):
		return ""
	}
	for _, h := range serviceMarks {
		if r.Response.Header(h) != "" {
			return "the model service: it sent " + h
		}
	}
	if r.Response.Error.Shape == call.ShapeAPIM {
		return "a gateway: the error has API Management's form, and none of " + strings.Join(serviceMarks, ", ")
	}
	return ""
}

// marks says which signs of a complete stream came.
func marks(r *call.Record) string {
	if !r.StreamBody() || r.Response.Status >= 300 {
		return ""
	}
	sign := func(seen bool) string {
		if seen {
			return "seen"
		}
		return "not seen"
	}
	text := "finish reason " + sign(r.Stream.Finish) + ", terminator " + sign(r.Stream.Done)
	if r.Stream.Errored {
		text += ", an error among the events"
	}
	return text
}

func trace(s call.SpanContext) string {
	if !s.Valid() {
		return ""
	}
	return clip(s.Trace) + ", span " + clip(s.Span)
}
