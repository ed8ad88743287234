package explain

import (
	"cmp"
	"fmt"
	"strings"

	"llmtap/internal/call"
)

const (
	// maxListed bounds the parameters, and the headers, that are listed.
	maxListed = 32
	// maxFact bounds a value, in runes: a gateway's error may be a page.
	maxFact = 1000
	// maxAddress bounds an address, in runes: it is there to be copied.
	maxAddress = 4000
)

// facts collects what is known; its text is bounded and safe for a terminal.
type facts []Fact

// add joins the parts that say something.
func (f *facts) add(name string, parts ...string) {
	var known []string
	for _, p := range parts {
		if p = strings.TrimSpace(cut(p, maxFact)); p != "" {
			known = append(known, p)
		}
	}
	if len(known) > 0 {
		*f = append(*f, Fact{Name: name, Text: strings.Join(known, ", ")})
	}
}

// more says how many of a long list are not in it.
func (f *facts) more(name string, n int) {
	if n > maxListed {
		f.add(name, "and "+number(n-maxListed)+" more")
	}
}

// labelled is "name value", or nothing.
func labelled(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}

// tokens is "N what", or nothing where the service did not say.
func tokens(what string, a call.Amount) string {
	if !a.Known {
		return ""
	}
	return fmt.Sprintf("%d %s", a.N, what)
}

// version is "HTTP/1.1", or nothing where it is not known.
func version(http string) string {
	if http == "" {
		return ""
	}
	return "HTTP/" + http
}

// Client is who called, with its surface where that says more than "sdk".
func Client(c call.Client) string {
	name := cmp.Or(c.Name, "unknown")
	if c.Surface != "" && c.Surface != "sdk" && c.Surface != "unknown" {
		name += "/" + c.Surface
	}
	return Clean(name)
}

// Asked lists who asked for what.
func Asked(r call.Record) []Fact {
	var f facts
	c, t, q := r.Client, r.Target, r.Request
	sdk := strings.TrimSpace(c.SDK + " " + c.SDKVersion)
	if c.SDK == c.Name {
		sdk = ""
	}
	kind := ""
	if c.Kind != call.ClientUnknown {
		kind = c.Kind.String()
	}
	f.add("who", Client(c)+" "+c.Version, labelled("by", sdk), kind, labelled("rule", c.Rule))
	f.add("user", c.User)
	switch {
	case r.Agent.Mode == call.CaptureLog:
		f.add("target", "none: no call was seen; what is known is in the server's log, which anybody can write to whose output it takes")
		return f
	case !q.IsHTTP():
		f.add("target", fmt.Sprintf("%s:%d", t.Host, t.Port), "and no request: the connection ended before one")
		return f
	}
	f = append(f, Fact{"target", cut(q.Method+" "+cmp.Or(q.URL, t.Host), maxAddress)})
	f.add("api", t.API, labelled("model", t.Model), labelled("version", t.APIVersion), labelled("auth", t.Auth.Scheme))
	f.add("mode", q.Mode.String(), "stream flag "+q.StreamFlag.String())
	f.add("body", fmt.Sprintf("%d bytes", q.Bytes), count(q.Messages, "message"), count(q.Tools, "tool"), keys(q.Keys))
	for _, p := range q.Params[:min(len(q.Params), maxListed)] {
		f.add("parameter", p.Name+" = "+p.Value)
	}
	f.more("parameter", len(q.Params))
	if r.Identity.Attempt > 0 {
		f.add("attempt", number(r.Identity.Attempt)+labelled(" of logical call", r.Identity.Logical))
	}
	return f
}

// keys names the first keys of the request.
func keys(names []string) string {
	text := strings.Join(names[:min(len(names), maxListed)], " ")
	if more := len(names) - maxListed; more > 0 {
		text = clip(text) + " and " + number(more) + " more"
	}
	return labelled("keys", text)
}

// Answered lists what came back.
func Answered(r call.Record) []Fact {
	var f facts
	a := r.Response
	switch {
	case a.Status == 0:
		f.add("nothing", cmp.Or(r.End.Detail, "no answer came back"))
	case a.Origin == "agent":
		f.add("status", number(a.Status), "written by llmtap"+labelled(":", r.End.Detail))
	default:
		f.add("status", number(a.Status), version(cmp.Or(a.HTTP, r.Request.HTTP)))
	}
	if b := a.Body; b.Framing != call.FramingUnknown {
		f.add("body", fmt.Sprintf("%d bytes of %s", b.Bytes, b.Framing), "labelled "+cmp.Or(b.ContentType, "nothing"), "transfer "+b.Transfer.String(), b.Encoding)
	}
	if e := a.Error; e != (call.Error{}) {
		f.add("error", e.Shape.String()+" shape", labelled("code", e.Code), labelled("type", e.Type), labelled("param", e.Param), e.Message)
	}
	for _, h := range a.Headers[:min(len(a.Headers), maxListed)] {
		f.add("header", h.Name+": "+h.Value)
	}
	f.more("header", len(a.Headers))
	f.add("model", a.Model)
	f.add("finish", list(a.FinishReasons, maxListed))
	u := r.Usage
	f.add("tokens", tokens("in", u.Input), tokens("out", u.Output), tokens("cached", u.Cached), tokens("reasoning", u.Reasoning))
	return f
}
