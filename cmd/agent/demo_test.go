package main

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"llmtap/internal/call"
)

// told replaces what differs from run to run: times, ids, durations.
func told(text string) string {
	for _, r := range []struct{ pattern, by string }{
		{`\d\d:\d\d:\d\d [0-9a-f]{9}`, "HH:MM:SS ididididi"},
		{` +\d+(\.\d)? (µs|ms|s) `, "  LATENCY "},
		{`[0-9a-f]{8}-[0-9a-f-]{27}`, "UUID"},
		{`20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?`, "TIME"},
		{`(failing|working) +([0-9a-f]{9} ?)+`, "$1 IDS"},
		{`localhost:\d+`, "localhost:PORT"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.by)
	}
	return text
}

func TestDemoTellsTheStory(t *testing.T) {
	r := llmtap(t, vars{}, "demo", "--once")
	r.wants(t, exitOK)
	story, _, _ := strings.Cut(r.stdout, "\n  → ") // the advice belongs to package diagnose
	golden(t, "golden/demo.txt", told(story))
	flat := strings.Join(strings.Fields(r.stdout), " ") // lines break where ids and times leave room
	for _, want := range []string{
		"CONFIRMED stream_only_failure", "plain ones work", "written by a gateway, not by the model service",
		`c.AiExtension.model_parameters = {"azure-chat-openai:stream-500-apim": {"disable_streaming": True}}`,
		"azure/o_series/stream-500-apim", "Ask the owner of localhost",
		`"stream":true}'`, `"stream":false}'`, `-H "api-key: $AZURE_OPENAI_API_KEY"`,
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is missing in\n%s", want, r.stdout)
		}
	}
	words, _, _ := strings.Cut(r.stdout, "  # as the client sent it") // an address in a command has the length it has
	if n := columns(words); n > 100 {
		t.Errorf("%d columns:\n%s", n, r.stdout)
	}
	if r.stderr != "" {
		t.Errorf("stderr: %s", r.stderr)
	}
}

// TestDemoRecords: what it saw is in the store, as the story needs it.
func TestDemoRecords(t *testing.T) {
	dir := shortDir(t)
	llmtap(t, vars{}, "demo", "--once", "--state-dir", dir).wants(t, exitOK)
	r := llmtap(t, vars{}, "calls", "--state-dir", dir)
	r.wants(t, exitOK, "jupyter-ai", "curl", "stream", "plain", "gateway_error_opaque")
	if n := strings.Count(r.stdout, "\n"); n != 7 {
		t.Errorf("%d lines, want a head and six calls:\n%s", n, r.stdout)
	}
}

// TestDemoStaysUp: without --once it says where to look, until it is stopped.
func TestDemoStaysUp(t *testing.T) {
	dir := shortDir(t)
	d := start(t, vars{}, "demo", "--state-dir", dir)
	eventually(t, "addresses", func() bool { return strings.Contains(d.stdout.String(), "Jaeger") })
	info, ok := readRunInfo(dir)
	if !ok {
		t.Fatal("no run.json")
	}
	for _, want := range []string{info.Admin + "/metrics", info.Admin + "/api/v1/calls", "--state-dir " + dir} {
		if !strings.Contains(d.stdout.String(), want) {
			t.Errorf("%q is missing in\n%s", want, d.stdout.String())
		}
	}
	if got := get(t, info.Admin+"/metrics"); got != http.StatusOK {
		t.Errorf("metrics: %d", got)
	}
	llmtap(t, vars{}, "calls", "--outcome", "error", "--state-dir", dir).wants(t, exitOK, "gateway_error_opaque")
	if code := d.stop(t); code != exitOK {
		t.Errorf("exit status %d: %s", code, d.stderr.String())
	}
}

// TestStoryIsChecked: exit 0 is earned; each lack of the story is an error that
// says what was seen.
func TestStoryIsChecked(t *testing.T) {
	good := func() []call.Record {
		var out []call.Record
		for i := range storyAttempts {
			r := issue1208()
			r.Identity.Attempt = i + 1
			out = append(out, r)
		}
		for range storyPlain {
			out = append(out, plainOK())
		}
		return out
	}
	if err := (&story{}).check(good()); err != nil {
		t.Errorf("the story as it should be: %v", err)
	}
	for name, harm := range map[string]func([]call.Record) []call.Record{
		"nothing":               func([]call.Record) []call.Record { return nil },
		"an attempt is missing": func(l []call.Record) []call.Record { return l[1:] },
		"attempts not joined":   func(l []call.Record) []call.Record { l[2].Identity.Attempt = 1; return l },
		"one attempt too many":  func(l []call.Record) []call.Record { return append(l, l[0]) },
		"a stream worked":       func(l []call.Record) []call.Record { l[0].Response.Status = 200; return l },
		"a plain call failed":   func(l []call.Record) []call.Record { l[4].Response.Status = 500; return l },
		"a plain call was cut":  func(l []call.Record) []call.Record { l[4].End.Terminal = false; return l },
		"mode not seen":         func(l []call.Record) []call.Record { l[5].Request.Mode = call.ModeUnknown; return l },
	} {
		err := (&story{}).check(harm(good()))
		if err == nil || !strings.Contains(err.Error(), "the story needs 3 failed stream attempts") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStoryFailsWithoutAService: the demo's exit status is the truth.
func TestDemoOnATakenPort(t *testing.T) {
	_, info := agentOn(t, shortDir(t))
	taken := strings.TrimPrefix(info.Proxy, "http://")
	llmtap(t, vars{}, "demo", "--once", "--listen", taken).wants(t, exitUsage, taken+" is in use", "--listen")
}

func TestStoryStopsTellingIntoAClosedPipe(t *testing.T) {
	s := &story{env: environmentOf(nil, nil, &broken{10}, nil), seen: &memory{}}
	s.say("more than ten bytes")
	s.say("and more")
	if s.err == nil {
		t.Error("nobody noticed the closed pipe")
	}
	if err := s.tell(); err == nil {
		t.Error("a story that nobody could read has no good end")
	}
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	m := &memory{}
	changed, n := m.wait()
	if n != 0 {
		t.Errorf("%d before anything", n)
	}
	for i := range maxMemory + 3 {
		r := plainOK()
		r.Request.Bytes = int64(i)
		m.add(r)
	}
	<-changed
	list := m.list()
	if len(list) != maxMemory || list[0].Request.Bytes != 3 || list[maxMemory-1].Request.Bytes != maxMemory+2 {
		t.Errorf("%d records, from %d to %d", len(list), list[0].Request.Bytes, list[len(list)-1].Request.Bytes)
	}
	if got := m.total(); got.calls != maxMemory+3 || got.failures != 0 {
		t.Errorf("counts %+v", got)
	}
	var b bytes.Buffer
	list[0] = call.Record{}
	if err := printCalls(&b, palette{}, m.list()[:1]); err != nil || !strings.Contains(b.String(), "curl") {
		t.Errorf("the list is not the caller's own: %s", b.String())
	}
}
