package web_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"llmtap/internal/call"
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
		"2026-01-02 12:00:00.000", "langchain 0.3", "x.openai.azure.com", "gpt-4o", "stream", "500", "error", "gateway_error_opaque",
		"1.5s", `href="api/v1/calls/a1"`, "streams fail, plain calls work", "1 calls in flight", "1 open verdicts", `lang="en"`,
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
	s := &shelf{calls: []call.Record{r}, findings: []call.Finding{{Verdict: evil, State: evil, Text: evil}}}
	body := serve(config(s), request("/")).Body.String()
	for _, bad := range []string{"<script", "<img", "\u202e", "\x00", `href="javascript`} {
		if strings.Contains(body, bad) {
			t.Errorf("%q came through:\n%s", bad, body)
		}
	}
	if !strings.Contains(body, "&lt;script&gt;") {
		t.Error("the text itself is not shown")
	}
}

func TestThePageHasNoScriptAndNoInlineStyle(t *testing.T) {
	b, err := os.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)<script|style=|\son\w+=|https?://`).FindString(string(b)); found != "" {
		t.Errorf("the page has %q", found)
	}
	w := serve(config(&shelf{}), request("/style.css"))
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || strings.Contains(w.Body.String(), "url(") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
