package compare

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"llmtap/internal/call"
)

// answer adds what came back: consequences, never causes.
func (p *profile) answer(r *call.Record) {
	p.plain(familyAnswer, "outcome", r.Outcome().String())
	p.plain(familyAnswer, "diagnosis.class", r.Diagnosis.Class.String())
	p.plain(familyAnswer, "diagnosis.reason", r.Diagnosis.Reason)
	p.plain(familyAnswer, "end.side", r.End.Side.String())
	p.plain(familyAnswer, "end.kind", r.End.Kind.String())
	if r.End.Side != call.SideUnknown {
		p.plain(familyAnswer, "end.terminal", strconv.FormatBool(r.End.Terminal))
	}
	a := &r.Response
	// What a body that was read does not say is absent.
	p.whole[familyAnswerBody] = r.Agent.View == call.ViewFull && a.Body.Framing != call.FramingUnknown && len(r.Agent.Lost) == 0
	if a.Status == 0 {
		if r.End.Side != call.SideUnknown && r.Agent.View != call.ViewOpaque {
			p.add(familyAnswer, "response.status", facetValue{known: notThere})
		}
		return
	}
	p.plain(familyAnswer, "response.status", strconv.Itoa(a.Status))
	p.plain(familyAnswer, "response.origin", a.Origin)
	p.answerBody(r)
	for _, h := range a.Headers {
		name := strings.ToLower(h.Name)
		switch {
		case name == "" || name == "content-type" || strings.Contains(name, "ratelimit"):
		case perCall(name) && !strings.HasSuffix(name, "request-id"):
		case shownAnswer(name):
			p.add(familyAnswerHeader, "response.header."+name, facetValue{plainValue, h.Value})
		default:
			p.add(familyAnswerHeader, "response.header."+name, facetValue{known: someValue})
		}
	}
	p.whole[familyAnswerHeader] = len(a.Headers) > 0 && r.Agent.View != call.ViewOpaque
}

// answerBody adds what the body turned out to be and said.
func (p *profile) answerBody(r *call.Record) {
	a, e := &r.Response, &r.Response.Error
	p.plain(familyAnswer, "response.content_type", a.Body.ContentType)
	p.plain(familyAnswer, "response.framing", a.Body.Framing.String())
	p.plain(familyAnswer, "response.transfer", a.Body.Transfer.String())
	p.plain(familyAnswerBody, "response.content_encoding", a.Body.Encoding)
	p.plain(familyAnswerBody, "response.model", a.Model)
	p.plain(familyAnswerBody, "response.finish_reasons", strings.Join(a.FinishReasons, " "))
	p.plain(familyAnswerBody, "response.error.shape", e.Shape.String())
	p.plain(familyAnswerBody, "response.error.code", e.Code)
	p.plain(familyAnswerBody, "response.error.type", e.Type)
	p.plain(familyAnswerBody, "response.error.param", e.Param)
	names := make([]string, 0, len(r.Stream.Oddities))
	for _, o := range r.Stream.Oddities {
		names = append(names, o.Name)
	}
	p.plain(familyAnswer, "stream.oddities", strings.Join(names, " "))
}

// Times differ by a lot from this factor and this much on.
const (
	muchSlower = 3
	muchLater  = 500 * time.Millisecond
)

// timings are context: how long it took tells nothing about why.
func timings(a, b *call.Record) []difference {
	var out []difference
	for _, x := range []struct {
		path string
		of   func(*call.Record) time.Time
	}{
		{"timing.headers", func(r *call.Record) time.Time { return r.Timing.Headers }},
		{"timing.first_content", func(r *call.Record) time.Time { return r.Timing.FirstContent }},
		{"timing.total", func(r *call.Record) time.Time { return r.Timing.End }},
	} {
		at, bt := call.Since(a.Identity.Start, x.of(a)), call.Since(b.Identity.Start, x.of(b))
		short, long := min(at, bt), max(at, bt)
		if short <= 0 || long < muchSlower*short || long-short < muchLater {
			continue
		}
		out = append(out, difference{path: x.path, family: familyTiming, a: seconds(at), b: seconds(bt)})
	}
	return out
}

func seconds(d time.Duration) facetValue {
	return facetValue{plainValue, fmt.Sprintf("%.3g s", d.Seconds())}
}
