package web_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/web"
)

func TestThePageShowsCallsAndVerdicts(t *testing.T) {
	s := &shelf{
		calls:    []call.Record{record("a1"), {Identity: call.Identity{ID: "z0", Start: noon}}},
		findings: []call.Finding{{Verdict: "stream_only_failure", State: "confirmed", Text: "streams fail, plain calls work"}},
	}
	c := config(s)
	c.Live = func() []call.Record { return []call.Record{record("l")} }
	w := serve(c, request("/"))
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	for _, want := range []string{
		`datetime="2026-01-02T12:00:00.000Z"`, "langchain 0.3", "x.openai.azure.com", "gpt-4o", "stream", "500", "error", "gateway_error_opaque",
		"1.5 s", `href="call/a1"`, "streams fail, plain calls work", "2 calls, 1 in flight", "<title>1 open verdict –", `lang="en"`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q is not on the page:\n%s", want, w.Body)
		}
	}
	noCanary(t, "the page", w.Body.String())
	serve(c, request("/?outcome=error&limit=5"))
	if s.asked.Outcome != call.OutcomeError || s.asked.Limit != 5 {
		t.Errorf("the page asked for %+v", s.asked)
	}
	s.err = errDisk
	if w := serve(c, request("/")); w.Code != 200 || !strings.Contains(w.Body.String(), "disk on fire") {
		t.Errorf("a broken store: %d %s", w.Code, w.Body)
	}
}

func TestCapturedTextIsInert(t *testing.T) {
	evil := "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202egpj.exe\x00{{.Token}}"
	r := record("javascript:alert(1)//" + evil)
	r.Client.Name, r.Client.Version, r.Target.Host, r.Target.Model = evil, evil, evil, evil
	f := call.Finding{
		ID: evil, Verdict: evil, State: evil, Text: evil, Evidence: call.Evidence{Failing: []string{r.Identity.ID}},
		Difference: []call.Change{{Path: evil, Failing: evil, Working: evil}}, Conclusion: call.Conclusion{Remedy: []string{evil}, ConfoundedBy: []string{evil}},
	}
	f.Target.Host = evil
	hostile := &r
	hostile.Client.User, hostile.Client.Surface, hostile.Client.SDK = evil, evil, evil
	hostile.Request.URL, hostile.Request.Path, hostile.Request.Keys = evil, evil, []string{evil}
	hostile.Request.Params = []call.Param{{Name: evil, Value: evil}}
	hostile.Response.Error = call.Error{Code: evil, Type: evil, Param: evil, Message: evil}
	hostile.Response.Headers = []call.Header{{Name: evil, Value: evil}}
	hostile.Response.Model, hostile.Response.FinishReasons = evil, []string{evil}
	hostile.Diagnosis.Text, hostile.Diagnosis.Remedy, hostile.End.Detail = evil, []string{evil}, evil
	hostile.Content = call.Content{Request: evil, Response: evil}
	hostile.Identity.Logical, hostile.Identity.Span.Trace = evil, strings.Repeat("a", 32)
	s := &shelf{calls: []call.Record{r, r}, findings: []call.Finding{f}}
	c := config(s)
	c.Log = slog.New(slog.DiscardHandler)
	for _, path := range []string{"/", "/verdicts", "/call/", "/call//content", "/trace/" + strings.Repeat("a", 32)} {
		path = strings.Replace(path, "/call/", "/call/"+url.PathEscape(r.Identity.ID), 1)
		w := serve(c, request(path))
		body := w.Body.String()
		for _, bad := range []string{"<script", "<img", "\u202e", "\x00", `href="javascript`} {
			if strings.Contains(body, bad) {
				t.Errorf("%s: %q came through:\n%s", path, bad, body)
			}
		}
		if w.Code != 200 || !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s: %d, the text itself is not shown: %s", path, w.Code, body)
		}
	}
}

func TestThePageHasNoScriptAndNoInlineStyle(t *testing.T) {
	files, err := filepath.Glob("page/*.html")
	if err != nil || len(files) < 6 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`(?i)<script|style=|\son\w+=|https?://`).FindString(string(b)); found != "" {
			t.Errorf("%s has %q", f, found)
		}
	}
	w := serve(config(&shelf{}), request("/style.css"))
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || strings.Contains(w.Body.String(), "url(") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// holds fails unless a page has each text.
func holds(t *testing.T, c web.Config, path string, status int, texts ...string) {
	t.Helper()
	w := serve(c, request(path))
	if w.Code != status || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%s: %d %v", path, w.Code, w.Header())
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %q is not there:\n%s", path, text, w.Body)
		}
	}
}

func TestTheCallPageExplains(t *testing.T) {
	failed := streamedAndFailed("f1")
	failed.Target.API = "openai.chat"
	failed.Identity.Logical, failed.Identity.Attempt, failed.Request.URL = "l1", 2, "https://x.openai.azure.com/p"
	failed.Diagnosis.Text, failed.Diagnosis.Remedy = "A gateway wrote this 500.", []string{"Admin: Set `disable_streaming` for all.", "User: Ask for `one."}
	failed.Response.Error = call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error"}
	failed.Usage.Input = call.Some(9)
	first := streamedAndFailed("f0")
	s := &shelf{calls: []call.Record{failed, first, plainAndFine("w1")}}
	holds(t, config(s), "/call/f1", 200, "<h1>A gateway wrote this 500.</h1>", "<b>Admin</b> Set <code>disable_streaming</code> for all.", "Ask for `one.",
		"<title>Call f1 – llmtap</title>", "<h2>Asked</h2>", "https://x.openai.azure.com/p", "stream flag true", "apim shape, code 500, Internal server error",
		"9 in", "<h2>All attempts of this call</h2>", `href="../call/f0"`, `href="../style.css"`, "<h2>Evidence</h2>", "<h2>Similar calls</h2>", "curl -sS",
		"The same, ", `href="../api/v1/calls/f1"`, `href="f1/content"`)
	s.findings = []call.Finding{{ID: "v1", Verdict: "stream_only_failure", State: "confirmed", Text: "Only streams fail.", Evidence: call.Evidence{Failing: []string{"f1"}, Working: []string{"w1"}}}}
	holds(t, config(s), "/call/f1", 200, "Only streams fail.", `failing <a class="id" href="../call/f1"`, `working <a class="id" href="../call/w1"`)
	holds(t, config(s), "/call/nope", 404, "No call that you may see has this id", `href="../style.css"`)
	never := call.Record{Identity: call.Identity{ID: "n", Start: noon}, Diagnosis: call.Diagnosis{Class: call.ClassFailedBeforeCall}, Agent: call.Agent{Mode: call.CaptureLog}}
	holds(t, config(&shelf{calls: []call.Record{never}}), "/call/n", 200, "no call was seen")
	holds(t, config(&shelf{calls: []call.Record{{Identity: call.Identity{ID: "e"}}}}), "/call/e", 200, "no answer came back")
}

func TestTracesLeadToTheirCalls(t *testing.T) {
	id := strings.Repeat("0a", 16)
	one, two, other := record("a1"), record("a2"), record("b1")
	one.Identity.Span.Trace, two.Identity.Span.Trace = id, id
	s := &shelf{calls: []call.Record{other, two, one}}
	holds(t, config(s), "/trace/"+id, 200, "2 attempts of one message", `href="../call/a1"`, `href="../call/a2"`)
	s.calls = s.calls[:2]
	if w := serve(config(s), request("/trace/"+id)); w.Code != http.StatusFound || w.Header().Get("Location") != "../call/a2" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, odd := range []string{"nothing", strings.ToUpper(id), id + "0", strings.Repeat("b", 32), "%2e%2e"} {
		holds(t, config(s), "/trace/"+odd, 404, "No call that you may see")
	}
}

func TestTheVerdictsPage(t *testing.T) {
	f := call.Finding{
		ID: "v1", Verdict: "stream_only_failure", State: "confirmed", Text: "Only streams fail.", Since: noon, Target: call.Target{Host: "x.openai.azure.com", Model: "gpt-4o"},
		Difference: []call.Change{{Path: "body.stream", Failing: "true"}}, Evidence: call.Evidence{Failing: []string{"f1"}},
		Conclusion: call.Conclusion{Remedy: []string{"User: Turn it off."}, ConfoundedBy: []string{"client.version"}},
	}
	s := &shelf{findings: []call.Finding{f}}
	holds(t, config(s), "/verdicts", 200, `id="v1"`, "gpt-4o at x.openai.azure.com", "body.stream: true fails, absent works", "also differ in client.version", "Turn it off.",
		`href="call/f1"`, "2026-01-02 12:00:00", `href="verdicts?all=1"`)
	if s.all {
		t.Error("closed ones were asked for")
	}
	holds(t, config(s), "/verdicts?all=1", 200, `href="verdicts"`)
	if !s.all {
		t.Error("closed ones were not asked for")
	}
	holds(t, config(&shelf{}), "/verdicts", 200, "No verdict is open.")
	if w := serve(config(s), request("/verdicts?every=1")); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown parameter: %d", w.Code)
	}
}

// TestTheFilterKeepsWhatWasChosen: the form's own address is a good query.
func TestTheFilterKeepsWhatWasChosen(t *testing.T) {
	s := &shelf{}
	holds(t, config(s), "/?target=gpt&outcome=error&since=24h&limit=500", 200, `value="gpt"`, `value="error" selected`, `value="24h" selected`, `value="500" selected`, "No call is like that.")
	holds(t, config(s), "/?target=&outcome=&since=&limit=100", 200, `value="100" selected`, "No call was recorded yet.")
	holds(t, config(s), "/?since=90m&limit=7", 200, `value="90m" selected`, `value="7" selected`)
}
