package check

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"llmtap/internal/call"
)

func refused(code int) bool { return code == http.StatusUnauthorized || code == http.StatusForbidden }

// came reports an answer that an HTTP service wrote.
func came(a Answer) bool {
	return a.Status != 0 && (!a.Seen || a.Record.Response.Origin != "agent")
}

func status(a Answer) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status)))
}

// told is the diagnosis of an answer in one line.
func told(name string, a Answer) Line {
	d := a.Record.Diagnosis
	l := Line{Name: name, State: NotOK, Reason: d.Text, Fix: "Ask the service's owner, with time and request id."}
	switch {
	case l.Reason != "":
	case a.Status == 0:
		l.Reason = "no answer came"
	default:
		l.Reason = "the service answered " + status(a)
	}
	if m := a.Record.Response.Error.Message; m != "" && !strings.Contains(l.Reason, m) {
		l.Reason += fmt.Sprintf(" It said: %.200q", m)
	}
	if d.Class != call.ClassUnknown {
		l.Reason += " (" + strings.TrimSuffix(d.Class.String()+", "+d.Reason, ", ") + ")"
	}
	if len(d.Remedy) > 0 {
		l.Fix = d.Remedy[0]
	}
	return l
}

// judge says whether a call worked.
func judge(name string, a Answer) Line {
	r := &a.Record
	switch {
	case !came(a), r.Outcome() != call.OutcomeOK && a.Seen:
		return told(name, a)
	case !a.Seen && a.Status < 300:
		return unknown(name, "answered %s, but not as an LLM call that llmtap knows", status(a))
	case !a.Seen:
		return told(name, a)
	}
	took := call.Since(r.Identity.Start, r.Timing.End).Round(time.Millisecond)
	if r.Request.Mode == call.ModeStream {
		return ok(name, "%s, %d events, first content after %s, complete after %s", status(a), r.Stream.Events,
			call.Since(r.Identity.Start, r.Timing.FirstContent).Round(time.Millisecond), took)
	}
	return ok(name, "%s after %s", status(a), took)
}

// Limits of what arrival times prove about a short answer.
const (
	fewEvents = 4
	lump      = 8
	tooQuick  = 500 * time.Millisecond
)

// buffering tells by arrival times whether something holds the stream back.
func buffering(a Answer) Line {
	r := &a.Record
	s, spread := r.Stream, call.Since(r.Timing.FirstData, r.Timing.LastData)
	waited := call.Since(r.Identity.Start, r.Timing.FirstData)
	switch {
	case r.Diagnosis.Class == call.ClassStreamBuffered || slices.Contains(r.Diagnosis.Tags, call.ClassStreamBuffered.String()):
		return told(lineBuffering, Answer{Status: a.Status, Record: call.Record{Diagnosis: call.Diagnosis{
			Class: call.ClassStreamBuffered, Text: fmt.Sprintf("%d events came in %d bursts: something holds the stream back.", s.Events, s.Bursts),
			Remedy: []string{held},
		}}})
	case s.Events < fewEvents:
		return unknown(lineBuffering, "too few events to tell (%d)", s.Events)
	case s.Bursts >= 3 && s.Events >= lump*s.Bursts:
		return unknown(lineBuffering, "%d events in %d bursts over %s: lumps, and too short to tell who makes them", s.Events, s.Bursts, spread.Round(time.Millisecond))
	case s.Bursts >= 3:
		return ok(lineBuffering, "%d events in %d bursts over %s", s.Events, s.Bursts, spread.Round(time.Millisecond))
	case waited < tooQuick:
		return unknown(lineBuffering, "the answer was too quick to tell: %d events in %d bursts", s.Events, s.Bursts)
	}
	return notOK(lineBuffering, held, "%d events came at once, %s after the question: something holds the stream back", s.Events, waited.Round(time.Millisecond))
}

const held = "Have the hop in between pass text/event-stream on at once (nginx: proxy_buffering off; APIM: buffer-response=\"false\"; no compression)."

// worked reports that the plain call was answered well.
func (f *facts) worked() bool {
	return f.plain.Seen && f.plain.Record.Outcome() == call.OutcomeOK
}

// said is the answer that tells most: to the question, else to the empty request.
func (f *facts) said() Answer {
	if came(f.plain) {
		return f.plain
	}
	return f.keyed
}

func (r *runner) answers() Line {
	a := r.f.said()
	d := a.Record.Diagnosis
	switch {
	case !r.c.Endpoint.ready():
		return unknown(lineAnswers, "the address of a call is not complete: a deployment or model is not named")
	case r.f.worked():
		return ok(lineAnswers, "a plain call worked")
	case !came(a):
		return told(lineAnswers, a)
	case d.Class == call.ClassNonAPIResponse:
		return told(lineAnswers, a)
	case d.Class == call.ClassEndpointNotFound && !missingName(d):
		return told(lineAnswers, a)
	case refused(a.Status):
		return unknown(lineAnswers, "the host refuses with %s before it looks at the path", status(a))
	case a.Status >= 500:
		return unknown(lineAnswers, "answered %s to a request without a question", status(a))
	case a.Status == http.StatusNotFound && !missingName(d):
		return notOK(lineAnswers, "Check path and base URL.", "nothing answers at %s", r.c.Endpoint.URL.Path)
	}
	return ok(lineAnswers, "answered %s", status(a))
}

// missingName: the path is right, and what it names is not there.
func missingName(d call.Diagnosis) bool {
	return d.Reason == "deployment_unknown" || d.Reason == "model_unknown" || d.Reason == "api_version_bad"
}

func (r *runner) versionAccepted() Line {
	a := r.f.said()
	d := a.Record.Diagnosis
	switch {
	case r.f.worked():
		return ok(lineVersion, "%s, by a plain call", r.c.Endpoint.APIVersion)
	case d.Class == call.ClassAPIVersionIncompatible, d.Class == call.ClassEndpointNotFound && d.Reason == "api_version_bad":
		return told(lineVersion, a)
	}
	return unknown(lineVersion, "%s", r.untold("an empty request does not show it"))
}

// untold says why something stays unknown.
func (r *runner) untold(why string) string {
	if !r.c.Probe {
		return "needs --probe"
	}
	if r.f.hold != "" {
		return r.f.hold
	}
	return why
}

func (r *runner) keyAccepted() Line {
	keyless, keyed, key := r.f.keyless, r.f.keyed, r.c.Key
	variables := strings.Join(r.c.Endpoint.KeyVariables(), " or ")
	switch {
	case !r.c.Endpoint.ready():
		return unknown(lineKey, "not tried: a deployment or model is not named")
	case key.Value == "" && r.f.worked():
		return ok(lineKey, "none is asked for: a plain call worked without one")
	case r.f.worked():
		return ok(lineKey, "a plain call worked with the one in %s", key.From)
	case !came(keyed):
		return unknown(lineKey, "nothing answered")
	case key.Value != "" && r.f.plain.Status == http.StatusUnauthorized:
		return told(lineKey, r.f.plain)
	case key.Value == "" && refused(keyless.Status):
		return unknown(lineKey, "the service asks for a key (%s), and none is set", status(keyless)).hint(whereToPut(variables))
	case key.Value == "":
		return unknown(lineKey, "none is set, and an empty request was not refused for it")
	case refused(keyed.Status):
		l := told(lineKey, keyed)
		l.Reason = "the key in " + key.From + " was refused with " + status(keyed) + ". " + l.Reason
		return l
	case keyed.Status >= 500:
		return unknown(lineKey, "answered %s to a request without a question", status(keyed))
	case refused(keyless.Status):
		return ok(lineKey, "the one in %s; without it the answer is %s", key.From, status(keyless))
	}
	return unknown(lineKey, "%s", r.untold("an empty request is not refused without it either"))
}

func whereToPut(variables string) string {
	if variables == "" {
		return "Name the variable that holds it with --key-env NAME."
	}
	return "Put it into " + variables + ", or name another variable with --key-env NAME."
}

// clock compares this machine's with the service's.
func (r *runner) clock() Line {
	const name = "clock"
	a := r.f.said()
	off := r.c.Path.Now().Sub(a.Date)
	switch {
	case a.Date.IsZero():
		return unknown(name, "the service sent no date")
	case off.Abs() > 2*time.Minute:
		return notOK(name, "Set this machine's clock (NTP): certificates and signed requests depend on it.", "%s away from the service's", off.Round(time.Second))
	}
	return ok(name, "within 2 minutes of the service's")
}

// exists looks for the deployment or model: in the answer to the empty request,
// then in the service's list of models.
func (r *runner) exists(ctx context.Context) Line {
	e, a := r.c.Endpoint, r.f.said()
	d := a.Record.Diagnosis
	wanted := e.Model
	if e.Service == Azure {
		wanted = e.Deployment
	}
	switch {
	case r.f.worked():
		return ok(lineExists, "%s answered", wanted)
	case wanted == "":
		return unknown(lineExists, "none is named").hint("Name it with " + map[bool]string{true: "--deployment", false: "--model"}[e.Service == Azure] + ".")
	case d.Class == call.ClassEndpointNotFound && missingName(d) && d.Reason != "api_version_bad":
		return told(lineExists, a)
	case e.models() == "" || refused(r.f.keyed.Status):
		return unknown(lineExists, "%s", r.untold("the answer does not tell"))
	}
	list := r.call(ctx, Request{Method: http.MethodGet, Path: e.models(), Query: "", Header: e.headers(r.c.Key)})
	names := modelNames(list.Body)
	switch {
	case list.Status != http.StatusOK || len(names) == 0:
		return unknown(lineExists, "%s", r.untold("the service lists no models"))
	case slices.ContainsFunc(names, func(n string) bool { return sameModel(n, wanted) }):
		return ok(lineExists, "%s is in the service's list", wanted)
	}
	return notOK(lineExists, "Take one of the list: "+strings.Join(names[:min(len(names), 8)], ", ")+".", "%s is not in the service's list of %d", wanted, len(names))
}

// modelNames reads the lists of OpenAI, Anthropic, Gemini and Ollama.
func modelNames(body []byte) []string {
	var list struct {
		Data   []struct{ ID string }   `json:"data"`
		Models []struct{ Name string } `json:"models"`
	}
	if json.Unmarshal(body, &list) != nil {
		return nil
	}
	var out []string
	for _, m := range list.Data {
		out = append(out, m.ID)
	}
	for _, m := range list.Models {
		out = append(out, m.Name)
	}
	return slices.DeleteFunc(out, func(n string) bool { return n == "" })
}

func sameModel(listed, wanted string) bool {
	return listed == wanted || strings.TrimPrefix(listed, "models/") == wanted || strings.TrimSuffix(listed, ":latest") == wanted
}
