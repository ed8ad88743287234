package compare_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"llmtap/internal/call"
)

// A day of a hub with 200 users, in the records' own time. Nothing in it is
// broken for one mode, client, version or deployment: everything that fails is
// an accident, load, or one user's own doing. Plants are added by the tests.

const (
	dayUsers = 200
	dayCalls = 1400
)

// place is a deployment that users call.
type place struct {
	host, deployment string
	share            float64 // of all calls
	streams          float64 // share of streams among its calls
	limited          bool    // answers 429 at busy times
}

func places() []place {
	return []place{
		{host: "front.example", deployment: "gpt-4o", share: 0.40, streams: 0.6},
		{host: "front.example", deployment: "gpt-4o-mini", share: 0.25, streams: 0.5, limited: true},
		{host: "front.example", deployment: "o1", share: 0.04, streams: 0.4},
		{host: "models.example", deployment: "llama", share: 0.20, streams: 0.7},
		{host: "models.example", deployment: "mistral", share: 0.08, streams: 0.3, limited: true},
		{host: "quiet.example", deployment: "rare", share: 0.03, streams: 0.5},
	}
}

// program is what a user calls with.
type program struct {
	name, version, next string // next: what its users upgrade to during the day
	kind                call.ClientKind
	sdk                 string
	retries             int
	counts              string // "": sends no count, "0": always zero, "n": counts
	share               float64
}

func programs() []program {
	const lc, oai = "langchain", "openai-python"
	return []program{
		{name: "jupyter-ai", version: "2.29.0", next: "2.31.7", kind: call.ClientFramework, sdk: oai, retries: 2, counts: "n", share: 0.40},
		{name: "jupyter-ai", version: "3.2.0", kind: call.ClientFramework, sdk: oai, retries: 2, counts: "n", share: 0.10},
		{name: lc, version: "0.3.35", next: "1.0.0", kind: call.ClientFramework, sdk: oai, retries: 2, counts: "n", share: 0.15},
		{name: "langchain-js", version: "1.6.0", kind: call.ClientFramework, sdk: "openai-node", retries: 4, counts: "0", share: 0.05},
		{name: "litellm", version: "1.99.4", kind: call.ClientFramework, retries: 0, share: 0.05},
		{name: oai, version: "1.60.1", next: "2.8.1", kind: call.ClientDirect, sdk: oai, retries: 2, counts: "n", share: 0.15},
		{name: oai, version: "1.6.1", kind: call.ClientDirect, sdk: oai, retries: 2, share: 0.02},
		{name: "curl", version: "8.5.0", kind: call.ClientDirect, share: 0.08},
	}
}

// person is a user with habits.
type person struct {
	name       string
	program    int
	upgrades   time.Duration // when, from the day's start; 0 = never
	credential string
	badParam   bool // every call carries a parameter that is refused
	badKey     bool
	noStreams  bool // its own credential may not stream
	badBody    bool // its requests are not valid
}

// trouble is an episode in which calls fail by accident.
type trouble struct {
	from, to   time.Duration
	host       string
	deployment string  // "" = the whole host
	rate       float64 // share of attempts that fail
	fail       func(*call.Record)
}

// world is one day.
type world struct {
	rng     *rand.Rand
	people  []person
	trouble []trouble
	events  []event
	n       int
	// plant changes an attempt that would have worked; nil plants nothing.
	plant func(e *event) func(*call.Record)
}

// event is one attempt before it becomes a record.
type event struct {
	place      place
	who        *person
	program    program
	version    string
	stream     bool
	tools      bool
	logical    int
	attempt    int
	start, end time.Duration
	fail       func(*call.Record) // nil: it worked
}

func pick[T any](rng *rand.Rand, list []T, share func(T) float64) int {
	x := rng.Float64()
	for i, v := range list {
		if x -= share(v); x < 0 {
			return i
		}
	}
	return 0
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 42))}
	for i := range dayUsers {
		p := person{name: "u" + strconv.Itoa(i), program: pick(w.rng, programs(), func(p program) float64 { return p.share })}
		p.credential = "hub"
		switch {
		case i == 0:
			p.badParam = true
		case i == 1:
			p.badKey, p.credential = true, "wrong"
		case i == 2:
			p.noStreams, p.credential = true, "own"
		case i == 3:
			p.badBody = true
		case i%20 == 4:
			p.credential = p.name
		}
		if w.rng.Float64() < 0.4 {
			p.upgrades = time.Duration(w.rng.Float64() * float64(24*time.Hour))
		}
		w.people = append(w.people, p)
	}
	w.troubles()
	return w
}

// troubles draws the day's episodes.
func (w *world) troubles() {
	fails := []func(*call.Record){fails, html502, own500, overloaded, unreachable}
	draw := func(n int, longest time.Duration, rate float64) {
		for range n {
			p := places()[w.rng.IntN(len(places()))]
			from := time.Duration(w.rng.Float64() * float64(24*time.Hour))
			t := trouble{
				from: from, to: from + time.Minute + time.Duration(w.rng.Float64()*float64(longest)),
				host: p.host, rate: rate, fail: fails[w.rng.IntN(len(fails))],
			}
			if w.rng.IntN(3) == 0 {
				t.deployment = p.deployment
			}
			w.trouble = append(w.trouble, t)
		}
	}
	draw(1+w.rng.IntN(3), 15*time.Minute, 1) // outages
	draw(1+w.rng.IntN(2), 2*time.Hour, 0.3)  // gateways that flap
	draw(1, 30*time.Minute, 0.6)
}

func html502(r *call.Record) {
	failsWith(call.ClassGatewayErrorOpaque, 502, "html")(r)
	r.Response.Error = call.Error{Shape: call.ShapeHTML, Message: "502 Bad Gateway"}
}

func own500(r *call.Record) {
	failsWith(call.ClassProviderError, 500, "internal")(r)
	r.Response.Error.Message = "The server had an error while processing your request"
}

func overloaded(r *call.Record) {
	failsWith(call.ClassProviderError, 503, "overloaded")(r)
	r.Response.Error.Message = "The model is overloaded"
}

func unreachable(r *call.Record) {
	failsWith(call.ClassUpstreamUnreachable, 0, "refused")(r)
	r.Response.Error = call.Error{}
	r.End = call.End{Side: call.SideUpstream, Kind: call.EndRefused}
}

func inStream(r *call.Record) {
	failsWith(call.ClassErrorInStream, 200, "server_error")(r)
	r.Stream = call.Stream{Events: 3, ContentEvents: 2, Errored: true}
}

func cut(r *call.Record) {
	r.Stream = call.Stream{Events: 30, ContentEvents: 29}
	r.End = call.End{Side: call.SideUpstream, Kind: call.EndReset}
	r.Diagnosis = call.Diagnosis{Class: call.ClassStreamTruncated, Severity: call.SeverityError}
}

func stoppedEarly(r *call.Record) {
	stopped(r)
	r.Stream = call.Stream{}
}

// run draws the day's calls and returns their attempts in order of ending.
func (w *world) run() []event {
	for range dayCalls {
		w.call(w.hour(), pick(w.rng, places(), func(p place) float64 { return p.share }))
	}
	slices.SortStableFunc(w.events, func(a, b event) int { return cmp.Compare(a.end, b.end) })
	return w.events
}

// hour draws a start: three quarters between 8 and 18 o'clock.
func (w *world) hour() time.Duration {
	if w.rng.IntN(4) > 0 {
		return 8*time.Hour + time.Duration(w.rng.Float64()*float64(10*time.Hour))
	}
	return time.Duration(w.rng.Float64() * float64(24*time.Hour))
}

// call adds a logical call with its retries.
func (w *world) call(start time.Duration, where int) {
	who := &w.people[w.rng.IntN(len(w.people))]
	w.callBy(who, start, where, w.rng.Float64() < places()[where].streams)
}

func (w *world) callBy(who *person, start time.Duration, where int, stream bool) {
	w.n++
	e := event{place: places()[where], who: who, program: programs()[who.program], stream: stream, logical: w.n, start: start}
	e.version = e.program.version
	if e.program.next != "" && who.upgrades > 0 && start >= who.upgrades {
		e.version = e.program.next
	}
	e.tools = e.program.version == "3.2.0" && stream
	for e.attempt = 1; ; e.attempt++ {
		retry := w.attempt(&e)
		w.events = append(w.events, e)
		if !retry || e.attempt > e.program.retries {
			return
		}
		e.start = e.end + time.Duration((0.5+w.rng.Float64())*float64(time.Second)*float64(int(1)<<(e.attempt-1)))
	}
}

// attempt decides how an attempt ends, and whether it would be retried.
func (w *world) attempt(e *event) (retry bool) {
	took := 1 + w.rng.ExpFloat64()*6
	if e.stream {
		took = 2 + w.rng.ExpFloat64()*12
	}
	e.fail, retry = w.failure(e)
	if retry {
		took = 0.1 + w.rng.Float64()
	}
	if e.fail == nil && w.plant != nil {
		if e.fail = w.plant(e); e.fail != nil {
			took, retry = 0.3, true
		}
	}
	e.end = e.start + time.Duration(took*float64(time.Second))
	return retry
}

func (w *world) failure(e *event) (fail func(*call.Record), retry bool) {
	switch p := e.who; {
	case p.badKey:
		return failsWith(call.ClassAuthRejected, 401, "key"), false
	case p.badParam:
		return func(r *call.Record) {
			failsWith(call.ClassParameterUnsupported, 400, "")(r)
			r.Response.Error.Param = "temperature"
		}, false
	case p.badBody:
		return rejected, false
	case p.noStreams && e.stream:
		return failsWith(call.ClassAuthRejected, 403, "stream_permission"), false
	}
	for _, t := range w.trouble {
		if t.host == e.place.host && (t.deployment == "" || t.deployment == e.place.deployment) &&
			e.start >= t.from && e.start < t.to && w.rng.Float64() < t.rate {
			return t.fail, true
		}
	}
	busy := e.start > 10*time.Hour && e.start < 16*time.Hour
	if e.place.limited && busy && w.rng.Float64() < 0.3 {
		return failsWith(call.ClassRateLimited, 429, "rate"), true
	}
	return w.mishap(e)
}

// mishap is what goes wrong on any day.
func (w *world) mishap(e *event) (fail func(*call.Record), retry bool) {
	x := w.rng.Float64()
	for _, m := range []struct {
		share  float64
		stream bool
		retry  bool
		fail   func(*call.Record)
	}{
		{0.01, false, false, failsWith(call.ClassRequestRejected, 400, "context_length")},
		{0.004, false, true, own500},
		{0.003, false, true, fails},
		{0.002, false, false, failsWith(call.ClassContentFiltered, 400, "")},
		{0.05, true, false, stopped},
		{0.01, true, false, stoppedEarly},
		{0.005, true, false, cut},
		{0.003, true, false, inStream},
		{0.002, true, false, failsWith(call.ClassEmptyStream, 200, "no_terminal")},
	} {
		if m.stream && !e.stream {
			continue
		}
		if x -= m.share; x < 0 {
			return m.fail, m.retry
		}
	}
	return nil, false
}

// record makes e a record.
func (e *event) record(hasher call.Hasher) call.Record {
	start := zero.Add(e.start)
	end := zero.Add(e.end)
	id := strconv.Itoa(e.logical) + "." + strconv.Itoa(e.attempt)
	r := call.Record{
		Identity: call.Identity{ID: id, Logical: strconv.Itoa(e.logical), Attempt: e.attempt, Start: start},
		Target: call.Target{
			Scheme: "https", Host: e.place.host, Port: 443, Provider: "azure.ai.openai", API: "azure.openai.chat", Operation: "chat",
			Deployment: e.place.deployment, Model: e.place.deployment, APIVersion: "2024-10-21",
			Auth: call.Auth{Scheme: "api_key", Digest: hasher.Secret(e.who.credential)},
		},
		Client: call.Client{
			Kind: e.program.kind, Name: e.program.name, Version: e.version, SDK: e.program.sdk, User: e.who.name, Address: "10.0.0.1",
		},
		Request: call.Request{
			Method: "POST", Path: "/openai/deployments/" + e.place.deployment + "/chat/completions", Mode: call.ModePlain,
			StreamFlag: call.StreamFalse, Keys: plainKeys, Messages: 2,
		},
		Response:  call.Response{Status: 200, Body: call.BodyFacts{Framing: call.FramingJSON}},
		End:       call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:     call.Agent{View: call.ViewFull, PeerAddress: "192.0.2." + strconv.Itoa(1+e.logical%3) + ":443"},
		Diagnosis: call.Diagnosis{Class: call.ClassOK},
		Timing:    call.Timing{RequestSent: start, Headers: end, LastByte: end, End: end},
	}
	if e.stream {
		stream(&r)
		if e.tools {
			r.Request.Keys, r.Request.Tools = toolKeys, 20
		}
	}
	switch e.program.counts {
	case "n":
		r.Request.Hints.RetryCount = strconv.Itoa(e.attempt - 1)
	case "0":
		r.Request.Hints.RetryCount = "0"
	}
	if e.fail != nil {
		e.fail(&r)
	}
	return r
}

var (
	plainKeys = []string{"messages", "model", "stream"}
	toolKeys  = []string{"messages", "model", "stream", "stream_options", "tools"}
)
