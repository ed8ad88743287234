package web_test

import (
	"os"
	"path/filepath"
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
