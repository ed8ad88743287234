package check

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

const canary = "canary-key-7f3a"

// script is a service that answers by what is asked; it counts what costs.
type script struct {
	// keyless and keyed answer empty requests, ask questions, list the models.
	keyless, keyed, list Answer
	ask                  func(body string) Answer
	paid                 int
	bodies               []string
}

// call plays the script.
func (s *script) call(_ context.Context, r Request) (Answer, error) {
	switch {
	case r.Method == http.MethodGet:
		return s.list, nil
	case len(r.Body) > 0:
		s.paid++
		s.bodies = append(s.bodies, string(r.Body))
		return s.ask(string(r.Body)), nil
	case strings.Contains(r.Header.Get("Authorization")+r.Header.Get("Api-Key"), canary):
		return s.keyed, nil
	}
	return s.keyless, nil
}

// seen is an answer with a record.
func seen(code int, class call.Class, reason, text string) Answer {
	now := time.Now()
	a := Answer{Status: code, Seen: true, Date: now}
	a.Record.Identity.Start, a.Record.Timing.End = now.Add(-time.Second), now
	a.Record.Response.Status, a.Record.Response.Origin = code, "upstream"
	a.Record.Diagnosis = call.Diagnosis{Class: class, Reason: reason, Text: text, Remedy: []string{"do this"}}
	if class != call.ClassOK {
		a.Record.Diagnosis.Severity = call.SeverityError
	}
	return a
}

func streamOf(class call.Class, events, bursts int, waited time.Duration) Answer {
	a := seen(200, class, "", "text of "+class.String())
	r := &a.Record
	r.Request.Mode = call.ModeStream
	r.Stream.Events, r.Stream.Bursts = events, bursts
	r.Timing.FirstData = r.Identity.Start.Add(waited)
	r.Timing.FirstContent, r.Timing.LastData = r.Timing.FirstData, r.Timing.FirstData.Add(100*time.Millisecond)
	return a
}

// healthy answers every question well.
func healthy(body string) Answer {
	if strings.Contains(body, `"stream":true`) {
		return streamOf(call.ClassOK, 20, 12, 200*time.Millisecond)
	}
	return seen(200, call.ClassOK, "", "")
}

// listOf goes through the list against a script.
func listOf(t *testing.T, s *script, url string, n Names, key string, probe bool) []Line {
	t.Helper()
	open := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(open.Close)
	e, err := Parse(strings.Replace(url, "HOST", open.URL, 1), n)
	if err != nil {
		t.Fatal(err)
	}
	var lines []Line
	Run(t.Context(), Config{Endpoint: e, Path: pathTo(nil), Call: s.call, Key: Key{From: "SOME_KEY", Value: key}, Probe: probe}, func(l Line) { lines = append(lines, l) })
	for _, l := range lines {
		if strings.Contains(l.Reason+l.Fix, canary) {
			t.Errorf("the key is shown: %+v", l)
		}
	}
	return lines
}

const azureURL = "HOST/openai/deployments/chat?api-version=2024-10-21"

// TestWithoutProbe: what an empty request proves, and what it does not.
func TestWithoutProbe(t *testing.T) {
	denied := seen(401, call.ClassAuthRejected, "key", "The key was refused.")
	invalid := seen(400, call.ClassRequestRejected, "invalid", "No messages.")
	for name, tc := range map[string]struct {
		s     script
		key   string
		line  string
		state State
		says  string
	}{
		"key accepted":        {script{keyless: denied, keyed: invalid}, canary, lineKey, OK, "SOME_KEY; without it the answer is 401"},
		"key not looked at":   {script{keyless: invalid, keyed: invalid}, canary, lineKey, Unknown, "needs --probe"},
		"key refused":         {script{keyless: denied, keyed: denied}, canary, lineKey, NotOK, "refused with 401"},
		"no key":              {script{keyless: denied}, "", lineKey, Unknown, "AZURE_OPENAI_API_KEY"},
		"none asked for":      {script{keyless: invalid}, "", lineKey, Unknown, "not refused for it"},
		"broken service":      {script{keyless: denied, keyed: seen(503, call.ClassProviderError, "", "")}, canary, lineKey, Unknown, "503"},
		"answers":             {script{keyless: denied, keyed: invalid}, canary, lineAnswers, OK, "400"},
		"answers behind 401":  {script{keyless: denied, keyed: denied}, canary, lineAnswers, Unknown, "before it looks at the path"},
		"broken, no question": {script{keyless: denied, keyed: seen(500, call.ClassGatewayErrorOpaque, "", "")}, canary, lineAnswers, Unknown, "500"},
		"wrong path":          {script{keyless: denied, keyed: seen(404, call.ClassEndpointNotFound, "other", "Nothing answers there.")}, canary, lineAnswers, NotOK, "Nothing answers there. (endpoint_not_found, other)"},
		"unseen 404":          {script{keyed: Answer{Status: 404}, keyless: Answer{Status: 404}}, canary, lineAnswers, NotOK, "nothing answers"},
		"login page":          {script{keyless: denied, keyed: seen(200, call.ClassNonAPIResponse, "login_page", "A web page.")}, canary, lineAnswers, NotOK, "A web page."},
		"no deployment":       {script{keyless: denied, keyed: seen(404, call.ClassEndpointNotFound, "deployment_unknown", "No such deployment.")}, canary, lineExists, NotOK, "deployment_unknown"},
		"no deployment, path": {script{keyless: denied, keyed: seen(404, call.ClassEndpointNotFound, "deployment_unknown", "No.")}, canary, lineAnswers, OK, "404"},
		"bad version":         {script{keyless: denied, keyed: seen(404, call.ClassEndpointNotFound, "api_version_bad", "Bad version.")}, canary, lineVersion, NotOK, "Bad version."},
		"version untold":      {script{keyless: denied, keyed: invalid}, canary, lineVersion, Unknown, "needs --probe"},
		"unreachable":         {script{keyless: Answer{}, keyed: Answer{}}, canary, lineAnswers, NotOK, "no answer came"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := listOf(t, &tc.s, azureURL, Names{}, tc.key, false)
			find(t, lines, tc.line).wants(t, tc.state, tc.says)
			for _, name := range []string{linePlain, lineStream, lineBuffering, lineOptions, lineTools} {
				find(t, lines, name).wants(t, Unknown, "needs --probe")
			}
			if tc.s.paid != 0 {
				t.Errorf("%d calls spent tokens without --probe", tc.s.paid)
			}
		})
	}
}

func TestModels(t *testing.T) {
	invalid := seen(400, call.ClassRequestRejected, "invalid", "")
	list := Answer{Status: 200, Body: []byte(`{"data":[{"id":"gpt-a"},{"id":"gpt-b"}]}`)}
	for name, tc := range map[string]struct {
		list  Answer
		model string
		state State
		says  string
	}{
		"listed":     {list, "gpt-a", OK, "gpt-a is in"},
		"not listed": {list, "gpt-x", NotOK, "gpt-a, gpt-b"},
		"no list":    {Answer{Status: 404}, "gpt-a", Unknown, "--probe"},
		"odd list":   {Answer{Status: 200, Body: []byte("<html>")}, "gpt-a", Unknown, "--probe"},
		"no model":   {list, "", Unknown, "--model"},
		"gemini":     {Answer{Status: 200, Body: []byte(`{"models":[{"name":"models/gpt-a"}]}`)}, "gpt-a", OK, ""},
		"ollama tag": {Answer{Status: 200, Body: []byte(`{"models":[{"name":"gpt-a:latest"}]}`)}, "gpt-a", OK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := script{keyless: invalid, keyed: invalid, list: tc.list}
			find(t, listOf(t, &s, "HOST/v1", Names{Model: tc.model}, canary, false), lineExists).wants(t, tc.state, tc.says)
		})
	}
}

// TestProbe: the calls that cost, each line in each state.
func TestProbe(t *testing.T) {
	refuse := func(what string, class call.Class) func(string) Answer {
		return func(body string) Answer {
			if strings.Contains(body, what) {
				a := seen(400, class, "", "Refused: "+class.String())
				return a
			}
			return healthy(body)
		}
	}
	shaped := func(events, bursts int, waited time.Duration) func(string) Answer {
		return func(body string) Answer {
			if strings.Contains(body, `"stream":true`) {
				return streamOf(call.ClassOK, events, bursts, waited)
			}
			return healthy(body)
		}
	}
	for name, tc := range map[string]struct {
		ask   func(string) Answer
		line  string
		state State
		says  string
		paid  int
	}{
		"plain":                {healthy, linePlain, OK, "200 OK after", 4},
		"stream":               {healthy, lineStream, OK, "20 events", 4},
		"options":              {healthy, lineOptions, OK, "", 4},
		"tools":                {healthy, lineTools, OK, "", 4},
		"proves the key":       {healthy, lineKey, OK, "SOME_KEY", 4},
		"proves the name":      {healthy, lineExists, OK, "chat answered", 4},
		"proves the version":   {healthy, lineVersion, OK, "2024-10-21", 4},
		"buffering not":        {healthy, lineBuffering, OK, "12 bursts", 4},
		"streams refused":      {refuse(`"stream":true`, call.ClassStreamUnsupported), lineStream, NotOK, "stream_unsupported", 2},
		"then no options":      {refuse(`"stream":true`, call.ClassStreamUnsupported), lineOptions, Unknown, "fails already", 2},
		"then no tools":        {refuse(`"stream":true`, call.ClassStreamUnsupported), lineTools, Unknown, "fails already", 2},
		"options refused":      {refuse("stream_options", call.ClassStreamOptionRejected), lineOptions, NotOK, "stream_option_rejected", 4},
		"tools refused":        {refuse(`"tools"`, call.ClassStreamUnsupported), lineTools, NotOK, "do this", 4},
		"plain refused":        {refuse(`"max_tokens":16`, call.ClassPlainUnsupported), linePlain, NotOK, "plain_unsupported", 4},
		"version incompatible": {refuse(`"messages"`, call.ClassAPIVersionIncompatible), lineVersion, NotOK, "api_version_incompatible", 2},
		"held back":            {shaped(20, 1, 2*time.Second), lineBuffering, NotOK, "at once", 4},
		"too quick to tell":    {shaped(20, 1, 100*time.Millisecond), lineBuffering, Unknown, "too quick", 4},
		"lumps":                {shaped(40, 4, 2*time.Second), lineBuffering, Unknown, "lumps", 4},
		"too few to tell":      {shaped(2, 2, 2*time.Second), lineBuffering, Unknown, "too few", 4},
		"max_tokens refused":   {refuse(`"max_tokens"`, call.ClassParameterUnsupported), linePlain, OK, "200", 5},
	} {
		t.Run(name, func(t *testing.T) {
			s := script{keyless: seen(401, call.ClassAuthRejected, "key", ""), keyed: seen(400, call.ClassRequestRejected, "invalid", ""), ask: tc.ask}
			lines := listOf(t, &s, azureURL, Names{}, canary, true)
			find(t, lines, tc.line).wants(t, tc.state, tc.says)
			if calls, _, _ := Budget(); s.paid != tc.paid || s.paid > calls {
				t.Errorf("%d calls, want %d, at most %d", s.paid, tc.paid, calls)
			}
		})
	}
}

func TestBufferedClass(t *testing.T) {
	a := streamOf(call.ClassStreamBuffered, 64, 3, 5*time.Second)
	buffering(a).wants(t, NotOK, "64 events came in 3 bursts", "stream_buffered")
}

// TestProbeHolds: nothing is spent where it would be in vain.
func TestProbeHolds(t *testing.T) {
	denied := seen(401, call.ClassAuthRejected, "key", "")
	invalid := seen(400, call.ClassRequestRejected, "invalid", "")
	for name, tc := range map[string]struct {
		url  string
		s    script
		says string
	}{
		"key refused":   {azureURL, script{keyless: denied, keyed: denied}, "401"},
		"no deployment": {"HOST/openai/deployments", script{keyless: invalid, keyed: invalid}, "--deployment"},
		"no model":      {"HOST/v1", script{keyless: invalid, keyed: invalid}, "--model"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := listOf(t, &tc.s, tc.url, Names{}, canary, true)
			find(t, lines, linePlain).wants(t, Unknown, tc.says)
			if tc.s.paid != 0 {
				t.Errorf("%d calls", tc.s.paid)
			}
		})
	}
}

// TestBrokenPathAsksNothing: no request leaves, and no line claims anything.
func TestBrokenPathAsksNothing(t *testing.T) {
	e, err := Parse("https://nowhere.example/v1", Names{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(context.Context, Request) (Answer, error) {
		t.Error("a request left")
		return Answer{}, errors.New("none")
	}
	var lines []Line
	Run(t.Context(), Config{Endpoint: e, Path: pathTo(nil), Call: ask, Key: Key{"K", canary}, Probe: true}, func(l Line) { lines = append(lines, l) })
	for _, name := range []string{lineAnswers, lineExists, lineKey, linePlain, lineStream, lineTools} {
		find(t, lines, name).wants(t, Unknown, "the way to the service is broken")
	}
}

func TestClock(t *testing.T) {
	for name, tc := range map[string]struct {
		date  time.Time
		state State
	}{"right": {time.Now(), OK}, "wrong": {time.Now().Add(-time.Hour), NotOK}, "not told": {time.Time{}, Unknown}} {
		t.Run(name, func(t *testing.T) {
			a := seen(400, call.ClassRequestRejected, "invalid", "")
			a.Date = tc.date
			s := script{keyless: a, keyed: a}
			find(t, listOf(t, &s, azureURL, Names{}, canary, false), "clock").wants(t, tc.state)
		})
	}
}

// TestBodies: every dialect's question is JSON with a limit, and a plain one
// does not ask for a stream.
func TestBodies(t *testing.T) {
	for url, limit := range map[string]string{
		"https://api.openai.com/v1": `"max_tokens":7`, "https://x.openai.azure.com": `"max_tokens":7`, "https://api.anthropic.com": `"max_tokens":7`,
		"https://generativelanguage.googleapis.com": `"maxOutputTokens":7`, "http://localhost:11434": `"num_predict":7`,
	} {
		e, err := Parse(url, Names{Model: "m", Deployment: ""})
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []question{{tokens: 7}, {tokens: 7, stream: true, tools: true, options: true}} {
			q.limit = "max_tokens"
			b, err := e.body(q)
			if err != nil || !json.Valid(b) || !strings.Contains(string(b), limit) {
				t.Errorf("%s: %s %v", url, b, err)
			}
			if got := strings.Contains(string(b), `"stream":true`); got != (q.stream && e.Service != Gemini) {
				t.Errorf("%s: stream is %v in %s", url, got, b)
			}
			if got := strings.Contains(string(b), `"noop"`); got != q.tools {
				t.Errorf("%s: tools %v in %s", url, got, b)
			}
		}
		path, query := e.chat(true)
		if e.Service == Gemini && (!strings.HasSuffix(path, ":streamGenerateContent") || query != "alt=sse") {
			t.Errorf("Gemini streams at %s?%s", path, query)
		}
	}
}

func TestStatesInJSON(t *testing.T) {
	b, err := json.Marshal([]Line{{Name: "a", State: OK}, {Name: "b", State: NotOK, Fix: "f"}, {Name: "c"}})
	want := `[{"name":"a","state":"ok","reason":""},{"name":"b","state":"not_ok","reason":"","fix":"f"},{"name":"c","state":"unknown","reason":""}]`
	if err != nil || string(b) != want {
		t.Errorf("got %s %v", b, err)
	}
}
