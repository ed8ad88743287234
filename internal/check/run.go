package check

import (
	"context"
	"net/http"
	"time"

	"llmtap/internal/call"
)

// Key is the secret of calls; the zero value is none.
type Key struct {
	// From is the variable it came from.
	From string
	// Value is sent to the service and put nowhere else.
	Value string
}

// Request is one HTTP request of the checks. Path is escaped and, like Query,
// relative to the endpoint's host.
type Request struct {
	Method, Path, Query string
	Header              http.Header
	Body                []byte
}

// Answer is what came of a Request.
type Answer struct {
	Status int
	// Body is the beginning of the body, at most 1 MiB.
	Body []byte
	// Record is what the agent would have recorded, with its diagnosis; Seen
	// tells whether it would have recorded anything.
	Record call.Record
	Seen   bool
	// Date is what the service's clock showed; zero if it did not say.
	Date time.Time
}

// Caller makes one request to the endpoint's host and returns when the answer is
// over. Its errors are its own; a service that cannot be reached is an Answer.
type Caller func(ctx context.Context, r Request) (Answer, error)

// Config is what Run goes through. Call is not used when the path is broken.
type Config struct {
	Endpoint Endpoint
	Path     Path
	Call     Caller
	Key      Key
	// Probe allows the calls that spend tokens, within Budget.
	Probe bool
}

// perCall bounds one request.
const perCall = 90 * time.Second

// Run goes through the list and hands every line to emit, in order, as soon as
// it is known.
func Run(ctx context.Context, c Config, emit func(Line)) {
	for _, l := range c.Endpoint.Form(c.Path.Now()) {
		emit(l)
	}
	r := runner{c: c, emit: emit, limit: "max_tokens"}
	if !c.Path.check(ctx, c.Endpoint, emit) {
		r.skip("not tried: the way to the service is broken")
		return
	}
	r.free(ctx)
	r.paid(ctx)
}

type runner struct {
	c    Config
	emit func(Line)
	// limit is the member of OpenAI's dialect that bounds answers here.
	limit string
	f     facts
}

// facts are the answers that several lines are judged by.
type facts struct {
	// keyless and keyed are the answers to an empty request without and with
	// the key, plain that to a short question.
	keyless, keyed, plain Answer
	// hold says why nothing may be asked; empty if it may.
	hold string
}

func (r *runner) call(ctx context.Context, q Request) Answer {
	ctx, cancel := context.WithTimeout(ctx, perCall)
	defer cancel()
	a, err := r.c.Call(ctx, q)
	if err != nil {
		a.Record.Diagnosis.Text = err.Error()
	}
	return a
}

// free learns what costs nothing. With Probe, the plain call goes first: where
// it works, it proves the rest.
func (r *runner) free(ctx context.Context) {
	e := r.c.Endpoint
	if e.ready() {
		r.f.keyless = r.call(ctx, e.request(Key{}, false, nil))
		r.f.keyed = r.f.keyless
		if r.c.Key.Value != "" {
			r.f.keyed = r.call(ctx, e.request(r.c.Key, false, nil))
		}
	}
	r.f.hold = r.holds()
	if r.f.hold == "" {
		r.f.plain = r.ask(ctx, question{tokens: shortAnswer})
	}
	r.emit(r.answers())
	if e.Service == Azure {
		r.emit(r.versionAccepted())
	}
	r.emit(r.exists(ctx))
	r.emit(r.keyAccepted())
	r.emit(r.clock())
}

// holds says why no question is asked.
func (r *runner) holds() string {
	switch e := r.c.Endpoint; {
	case !r.c.Probe:
		return "needs --probe"
	case e.Service == Azure && e.Deployment == "":
		return "not tried: no deployment is named (--deployment)"
	case e.Service != Azure && e.Model == "":
		return "not tried: no model is named (--model)"
	case refused(r.f.keyed.Status):
		return "not tried: an empty request was refused with " + status(r.f.keyed)
	}
	return ""
}

// ask puts a question; where max_tokens is refused, once more with its
// successor.
func (r *runner) ask(ctx context.Context, q question) Answer {
	q.limit = r.limit
	body, err := r.c.Endpoint.body(q)
	if err != nil {
		return Answer{Record: call.Record{Diagnosis: call.Diagnosis{Text: err.Error()}}}
	}
	a := r.call(ctx, r.c.Endpoint.request(r.c.Key, q.stream, body))
	if q.limit == "max_tokens" && a.Record.Diagnosis.Class == call.ClassParameterUnsupported {
		r.limit = "max_completion_tokens"
		return r.ask(ctx, q)
	}
	return a
}

// Names of the lines about calls.
const (
	lineAnswers   = "endpoint answers"
	lineVersion   = "api-version accepted"
	lineExists    = "deployment or model exists"
	lineKey       = "key accepted"
	linePlain     = "plain call"
	lineStream    = "streamed call"
	lineBuffering = "buffering on the way"
	lineOptions   = "stream_options"
	lineTools     = "tools × stream"
)

// skip says of every line about calls why it is unknown.
func (r *runner) skip(why string) {
	for _, name := range []string{lineAnswers, lineVersion, lineExists, lineKey, linePlain, lineStream, lineBuffering, lineOptions, lineTools} {
		if name == lineVersion && r.c.Endpoint.Service != Azure || name == lineOptions && !r.c.Endpoint.hasOptions() {
			continue
		}
		r.emit(unknown(name, "%s", why))
	}
}

func (e Endpoint) hasOptions() bool {
	return e.Service == OpenAI || e.Service == Azure || e.Service == AzureV1
}

// paid judges the calls that spend tokens.
func (r *runner) paid(ctx context.Context) {
	if r.f.hold != "" {
		for _, name := range []string{linePlain, lineStream, lineBuffering, lineOptions, lineTools} {
			if name != lineOptions || r.c.Endpoint.hasOptions() {
				r.emit(unknown(name, "%s", r.f.hold))
			}
		}
		return
	}
	r.emit(judge(linePlain, r.f.plain))
	stream := r.ask(ctx, question{stream: true, tokens: streamAnswer})
	streamed := judge(lineStream, stream)
	r.emit(streamed)
	r.emit(buffering(stream))
	variants := []struct {
		name string
		q    question
		has  bool
	}{
		{lineOptions, question{stream: true, options: true, tokens: shortAnswer}, r.c.Endpoint.hasOptions()},
		{lineTools, question{stream: true, tools: true, tokens: streamAnswer}, true},
	}
	for _, v := range variants {
		switch {
		case !v.has:
		case streamed.State != OK:
			r.emit(unknown(v.name, "not tried: a stream without it fails already"))
		default:
			r.emit(judge(v.name, r.ask(ctx, v.q)))
		}
	}
}
