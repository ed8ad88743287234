package serverlog_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
	"llmtap/internal/serverlog"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// chat is a message that was handled in a second and failed as the rule says.
func chat(f serverlog.Failure) serverlog.Event {
	return serverlog.Event{At: noon, Took: time.Second, Surface: "chat", Failure: f}
}

var (
	known   = serverlog.Failure{Class: "ValidationError", Text: "Must provide either the `api_version` or OPENAI_API_VERSION", Rule: "api-version"}
	unknown = serverlog.Failure{Class: "KeyError", Text: "KeyError: 'x'"}
	tried   = serverlog.Failure{Class: "APIConnectionError", Text: "Connection error.", Tried: true}
)

// seen is an attempt that began s seconds after noon and was over a second later.
func seen(s float64, change func(*call.Record)) call.Record {
	start := noon.Add(time.Duration(s * float64(time.Second)))
	r := call.Record{
		Identity: call.Identity{ID: fmt.Sprint("a", s), Start: start}, Timing: call.Timing{End: start.Add(time.Second)},
		Client: call.Client{Kind: call.ClientFramework, Name: "jupyter-ai", Surface: "chat", User: "ada"},
	}
	if change != nil {
		change(&r)
	}
	return r
}

func tunnel(since, last time.Duration, open int) []call.Tunnel {
	return []call.Tunnel{{Host: "x", Since: noon.Add(since), Last: noon.Add(last), Open: open}}
}

// TestWhatMakesARecord: a message makes one only if nothing of it left, or can
// have left unseen.
func TestWhatMakesARecord(t *testing.T) {
	direct := func(r *call.Record) { r.Client.Kind, r.Client.Name = call.ClientDirect, "curl" }
	kernel := func(r *call.Record) { r.Client.Process.Name = "ipykernel_launcher" }
	magic := func(r *call.Record) { r.Client.Surface = "magic" }
	bob := func(r *call.Record) { r.Client.User = "bob" }
	nobody := func(r *call.Record) { r.Client.User = "" }
	log3 := serverlog.Event{At: noon, Surface: "chat", Failure: unknown}
	one := func(r call.Record) []call.Record { return []call.Record{r} }
	for name, c := range map[string]struct {
		event serverlog.Event
		src   serverlog.Source
		sight serverlog.Sight
		left  []call.Record
		want  bool
	}{
		"known failure":                       {event: chat(known), want: true},
		"unknown failure":                     {event: chat(unknown), want: true},
		"no failure, no call":                 {event: chat(serverlog.Failure{}), want: true},
		"failed on its way, no call":          {event: chat(tried), want: true},
		"its call left":                       {event: chat(unknown), left: one(seen(-0.5, nil))},
		"known, and its call left":            {event: chat(known), left: one(seen(-0.5, nil))},
		"a call began just before":            {event: chat(unknown), left: one(seen(-2.9, nil))},
		"a call long before":                  {event: chat(unknown), left: one(seen(-3.1, nil)), want: true},
		"a call long after":                   {event: chat(unknown), left: one(seen(2.1, nil)), want: true},
		"a long call of another":              {event: chat(unknown), left: one(seen(-60, func(r *call.Record) { r.Timing.End = noon })), want: true},
		"a notebook's call":                   {event: chat(unknown), left: one(seen(-0.5, kernel)), want: true},
		"a magic's call":                      {event: chat(unknown), left: one(seen(-0.5, magic)), want: true},
		"a direct call beside a shared agent": {event: chat(unknown), left: one(seen(-0.5, direct)), want: true},
		"a direct call of what exec runs":     {event: chat(unknown), src: serverlog.Source{Alone: true}, left: one(seen(-0.5, direct))},
		"another user's call":                 {event: chat(unknown), src: serverlog.Source{User: "ada"}, left: one(seen(-0.5, bob)), want: true},
		"the same user's call":                {event: chat(unknown), src: serverlog.Source{User: "ada"}, left: one(seen(-0.5, nil))},
		"a call of who knows":                 {event: chat(unknown), src: serverlog.Source{User: "ada"}, left: one(seen(-0.5, nobody))},
		"3: a call that ended just before":    {event: log3, left: one(seen(-7.5, nil))},
		"3: a call that ended long before":    {event: log3, left: one(seen(-9, nil)), want: true},
		"an open tunnel":                      {event: chat(unknown), sight: serverlog.Sight{Tunnels: tunnel(-time.Hour, -time.Hour, 1)}},
		"a tunnel that was just used":         {event: chat(unknown), sight: serverlog.Sight{Tunnels: tunnel(-time.Hour, -time.Second, 0)}},
		"a tunnel of long ago":                {event: chat(unknown), sight: serverlog.Sight{Tunnels: tunnel(-time.Hour, -time.Minute, 0)}, want: true},
		"a tunnel of later":                   {event: chat(unknown), sight: serverlog.Sight{Tunnels: tunnel(time.Minute, time.Minute, 1)}, want: true},
		"known, beside a tunnel":              {event: chat(known), sight: serverlog.Sight{Tunnels: tunnel(-time.Hour, 0, 1)}, want: true},
		"unknown, and nothing is seen":        {event: chat(unknown), sight: serverlog.Sight{Blind: true}},
		"known, and nothing is seen":          {event: chat(known), sight: serverlog.Sight{Blind: true}, want: true},
	} {
		var l serverlog.Ledger
		for _, r := range c.left {
			l.Note(&r, false)
			l.Note(&r, true)
		}
		j := serverlog.Judge{Ledger: &l}
		if _, made, _ := j.Record(c.event, c.src, c.sight); made != c.want {
			t.Errorf("%s: made %v", name, made)
		}
	}
}

// TestACallThatStillRuns: it is known from its start on.
func TestACallThatStillRuns(t *testing.T) {
	var l serverlog.Ledger
	r := seen(-60, nil)
	l.Note(&r, false)
	j := serverlog.Judge{Ledger: &l}
	if _, made, _ := j.Record(serverlog.Event{At: noon, Failure: unknown}, serverlog.Source{}, serverlog.Sight{}); made {
		t.Error("a stream was running")
	}
}

// TestForgottenCallsAccuseNobody: when more calls came than are remembered,
// nobody can say that there was none.
func TestForgottenCallsAccuseNobody(t *testing.T) {
	var l serverlog.Ledger
	for i := range 5000 {
		r := seen(-2+float64(i)/5000, func(r *call.Record) { r.Client.Surface = "magic" })
		l.Note(&r, true)
	}
	j := serverlog.Judge{Ledger: &l}
	if _, made, _ := j.Record(chat(unknown), serverlog.Source{}, serverlog.Sight{}); made {
		t.Error("the chat's call may be among the forgotten")
	}
	later := chat(unknown)
	later.At = noon.Add(time.Minute)
	if _, made, _ := j.Record(later, serverlog.Source{}, serverlog.Sight{}); !made {
		t.Error("all of that minute is remembered")
	}
}

// TestForgedLinesAreFew: a log makes so many records a minute and no more.
func TestForgedLinesAreFew(t *testing.T) {
	j := serverlog.Judge{Ledger: &serverlog.Ledger{}}
	made, refused := 0, 0
	for i := range 600 { // two minutes of five lines a second
		e := chat(known)
		e.At = noon.Add(time.Duration(i) * time.Second / 5)
		_, m, r := j.Record(e, serverlog.Source{}, serverlog.Sight{})
		if m {
			made++
		}
		if r {
			refused++
		}
	}
	if made != 2*serverlog.MaxRate || refused != 600-made {
		t.Errorf("made %d, refused %d", made, refused)
	}
}

// TestRecordsSayWhatTheyAre: hearsay of a log, about a product, without a call.
func TestRecordsSayWhatTheyAre(t *testing.T) {
	j := serverlog.Judge{Ledger: &serverlog.Ledger{}}
	src := serverlog.Source{User: "ada", Client: call.Client{Version: "2.18.1", Framework: "langchain"}}
	r, _, _ := j.Record(chat(known), src, serverlog.Sight{})
	if r.Agent.Mode != call.CaptureLog || r.Agent.View == call.ViewFull || r.Request.IsHTTP() || r.Target.Host != "" || r.Response.Status != 0 {
		t.Errorf("it could be taken for a call: %+v", r)
	}
	c := r.Client
	if c.Kind != call.ClientFramework || c.Name != "jupyter-ai" || c.Version != "2.18.1" || c.Framework != "langchain" || c.Surface != "chat" ||
		c.User != "ada" || c.Rule != "log-api-version" {
		t.Errorf("client %+v", c)
	}
	if !r.Identity.Start.Equal(noon.Add(-time.Second)) || !r.Timing.End.Equal(noon) || r.Duration() != time.Second {
		t.Errorf("times %v, %v", r.Identity.Start, r.Timing.End)
	}
	if r.End.Reason != "ValidationError" || r.End.Detail != known.Text {
		t.Errorf("end %+v", r.End)
	}
	for _, f := range []serverlog.Failure{{}, tried} {
		r, _, _ := j.Record(chat(f), src, serverlog.Sight{})
		if r.End.Reason != serverlog.ReasonNoCallSeen || r.End.Detail != f.Text || r.Client.Rule != "log" {
			t.Errorf("%+v: end %+v, rule %s", f, r.End, r.Client.Rule)
		}
	}
}

// TestRecordedFailuresAreExplained: what a real log of a version says becomes
// the class, with the cause and the remedy of that version.
func TestRecordedFailuresAreExplained(t *testing.T) {
	for name, want := range map[string]struct{ version, reason, cause, remedy string }{
		"2.12.0":                   {"2.12.0", "ValidationError", "httpx", `pip install "httpx<0.28"`},
		"2.13.0":                   {"2.13.0", "ValidationError", "no longer takes", "2.17 or later"},
		"2.14.0":                   {"2.14.0", "OpenAIError", "wrong name", "2.17 or later"},
		"2.14.0-bothkeys":          {"2.14.0", "TypeError", "wrong name", "2.17 or later"},
		"2.18.1":                   {"2.18.1", "ValidationError", "settings panel", "2.28.3 or later"},
		"2.19.0-disable-streaming": {"2.19.0", "TypeError", "langchain-core 0.2.29", "2.29 or later"},
		"3.2.0-cacheable-result":   {"3.2.0", "ImportError", "mcp", `pip install "litellm<1.100"`},
	} {
		log := part(recorded(t)[name], "log")
		events, _ := read(log, len(log))
		j := serverlog.Judge{Ledger: &serverlog.Ledger{}}
		r, made, _ := j.Record(events[0], serverlog.Source{Client: call.Client{Version: want.version}}, serverlog.Sight{})
		d := diagnose.Classify(r)
		r.Diagnosis = d
		if !made || d.Class != call.ClassFailedBeforeCall || d.Reason != want.reason || r.Outcome() != call.OutcomeError {
			t.Errorf("%s: %+v", name, d)
		}
		if !strings.Contains(d.Text, want.cause) || !strings.Contains(strings.Join(d.Remedy, "\n"), want.remedy) || !strings.Contains(d.Text, "jupyter-ai "+want.version) {
			t.Errorf("%s: says %q and advises %q", name, d.Text, d.Remedy)
		}
	}
}

// TestUnseenIsNotFailed: a message without a call and without a known failure
// may have left by another way; it is shown, and counts as nothing.
func TestUnseenIsNotFailed(t *testing.T) {
	j := serverlog.Judge{Ledger: &serverlog.Ledger{}}
	for _, f := range []serverlog.Failure{{}, tried} {
		r, _, _ := j.Record(chat(f), serverlog.Source{}, serverlog.Sight{})
		r.Diagnosis = diagnose.Classify(r)
		d := r.Diagnosis
		if d.Class != call.ClassFailedBeforeCall || d.Reason != serverlog.ReasonNoCallSeen || d.Severity != call.SeverityWarn || r.Outcome() != call.OutcomeUnknown {
			t.Errorf("%+v: %v", d, r.Outcome())
		}
		if strings.Contains(d.Text, "failed before") || !strings.Contains(d.Text, "no call") || !strings.Contains(d.Text, f.Text) || !strings.Contains(strings.Join(d.Remedy, " "), "llmtap tunnels") {
			t.Errorf("says %q and advises %q", d.Text, d.Remedy)
		}
	}
}

// TestLedgerIsSharedSafely: noted from many connections while it is asked.
func TestLedgerIsSharedSafely(t *testing.T) {
	var l serverlog.Ledger
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 1000 {
				r := seen(-100-float64(g*1000+i), nil)
				l.Note(&r, false)
				l.Note(&r, true)
			}
		})
	}
	j := serverlog.Judge{Ledger: &l}
	for range 20 {
		j.Record(chat(known), serverlog.Source{}, serverlog.Sight{})
	}
	wg.Wait()
}
