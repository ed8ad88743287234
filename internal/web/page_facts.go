package web

import (
	"fmt"
	"strings"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// sheet collects facts and leaves out what is not known.
type sheet []explain.Fact

func (s *sheet) add(name string, parts ...string) {
	known := parts[:0:0]
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			known = append(known, p)
		}
	}
	if len(known) > 0 {
		*s = append(*s, explain.Fact{Name: name, Text: strings.Join(known, ", ")})
	}
}

// labelled is "name value", or nothing.
func labelled(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}

func asked(r *call.Record) []explain.Fact {
	var s sheet
	c, t, q := r.Client, r.Target, r.Request
	sdk := strings.TrimSpace(c.SDK + " " + c.SDKVersion)
	if c.SDK == c.Name {
		sdk = ""
	}
	s.add("who", clientOf(r), labelled("by", sdk), c.Kind.String())
	s.add("user", c.User)
	switch {
	case r.Agent.Mode == call.CaptureLog:
		s.add("target", "none: no call was seen, and what is known is in the server's log")
		return s
	case !q.IsHTTP():
		s.add("target", fmt.Sprintf("%s:%d", t.Host, t.Port), "and no request: the connection ended before one")
		return s
	}
	s.add("target", q.Method+" "+or(q.URL, t.Host))
	s.add("api", t.API, labelled("model", t.Model), labelled("version", t.APIVersion), labelled("auth", t.Auth.Scheme))
	s.add("mode", q.Mode.String(), "stream flag "+q.StreamFlag.String())
	s.add("body", fmt.Sprintf("%d bytes", q.Bytes), plural(q.Messages, "message"), plural(q.Tools, "tool"), labelled("keys", strings.Join(q.Keys, " ")))
	for _, p := range q.Params {
		s.add("parameter", p.Name+" = "+p.Value)
	}
	if r.Identity.Attempt > 0 {
		s.add("attempt", fmt.Sprint(r.Identity.Attempt))
	}
	return s
}

func answered(r *call.Record) []explain.Fact {
	var s sheet
	a := r.Response
	switch {
	case a.Status == 0:
		s.add("nothing", or(r.End.Detail, "no answer came back"))
	case a.Origin == "agent":
		s.add("status", fmt.Sprint(a.Status), "written by llmtap", r.End.Detail)
	default:
		s.add("status", fmt.Sprint(a.Status), labelled("HTTP", or(a.HTTP, r.Request.HTTP)))
	}
	if b := a.Body; b.Framing != call.FramingUnknown {
		s.add("body", fmt.Sprintf("%d bytes of %s", b.Bytes, b.Framing), "labelled "+or(b.ContentType, "nothing"), "transfer "+b.Transfer.String(), b.Encoding)
	}
	if e := a.Error; e != (call.Error{}) {
		s.add("error", e.Shape.String()+" shape", labelled("code", e.Code), labelled("type", e.Type), labelled("param", e.Param), e.Message)
	}
	for _, h := range a.Headers {
		s.add("header", h.Name+": "+h.Value)
	}
	s.add("model", a.Model)
	s.add("finish", strings.Join(a.FinishReasons, " "))
	u := r.Usage
	s.add("tokens", tokens("in", u.Input), tokens("out", u.Output), tokens("cached", u.Cached), tokens("reasoning", u.Reasoning))
	return s
}

// tokens is "N what", or nothing where the service did not say.
func tokens(what string, a call.Amount) string {
	if !a.Known {
		return ""
	}
	return fmt.Sprintf("%d %s", a.N, what)
}

// curls are the call as it was sent, and with one change.
func curls(r call.Record) []curlView {
	pair := explain.Curl(r)
	out := []curlView{{"As it was sent", pair.AsSent}}
	if pair.Change != "" {
		out = append(out, curlView{"The same, " + pair.Change, pair.Changed})
	}
	return out
}
