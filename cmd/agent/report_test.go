package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// sinceEver takes in every recorded call of the tests.
const sinceEver = "2026-01-01T00:00:00Z"

func TestReportIsOneFile(t *testing.T) {
	dir := recorded(t, all()...)
	file := filepath.Join(t.TempDir(), "report.html")
	r := llmtap(t, vars{}, "report", "--since", sinceEver, "-o", file, "--state-dir", dir)
	r.wants(t, exitOK)
	if r.stdout != file+"\n" || r.stderr != "" {
		t.Errorf("said %q and %q", r.stdout, r.stderr)
	}
	st, err := os.Stat(file)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v: for its owner alone", st, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, want := range []string{"<!doctype html>", "gateway_<wbr>error_<wbr>opaque", "llmtap " + version, "no agent was running", "jupyter-ai"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, secret := range []string{">ada<", "ada "} { // the user of the recorded calls
		if strings.Contains(page, secret) {
			t.Errorf("%q is in it", secret)
		}
	}
	out := llmtap(t, vars{}, "report", "--since", sinceEver, "-o", "-", "--state-dir", dir)
	out.wants(t, exitOK, "<!doctype html>")
	if n := strings.Count(out.stdout, "</html>"); n != 1 || out.stderr != "" {
		t.Errorf("%d pages on standard output; %q beside", n, out.stderr)
	}
}

// TestReportNeverOverwritesByItself: without a name it takes a free one.
func TestReportNeverOverwritesByItself(t *testing.T) {
	dir := recorded(t, plainOK())
	t.Chdir(t.TempDir())
	today := time.Now().Format(time.DateOnly)
	for _, want := range []string{"llmtap-report-" + today + ".html", "llmtap-report-" + today + "-2.html", "llmtap-report-" + today + "-3.html"} {
		r := llmtap(t, vars{}, "report", "--since", sinceEver, "--state-dir", dir)
		r.wants(t, exitOK)
		if r.stdout != want+"\n" {
			t.Errorf("wrote %q, want %q", r.stdout, want)
		}
		if _, err := os.Stat(want); err != nil {
			t.Error(err)
		}
	}
}

func TestReportOfNothingSaysSo(t *testing.T) {
	dir := recorded(t, plainOK())
	file := filepath.Join(t.TempDir(), "r.html")
	r := llmtap(t, vars{}, "report", "-o", file, "--state-dir", dir)
	r.wants(t, exitOK, "--since 7d", file)
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "No call was recorded.") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestReportBadInput(t *testing.T) {
	dir := recorded(t, plainOK())
	for name, tc := range map[string]struct {
		code int
		args []string
		want string
	}{
		"since":         {exitUsage, []string{"--since", "yesterday", "--state-dir", dir}, "--since"},
		"no directory":  {exitFailed, []string{"-o", filepath.Join(dir, "none", "r.html"), "--state-dir", dir}, "write report"},
		"a directory":   {exitFailed, []string{"-o", dir, "--state-dir", dir}, "write report"},
		"nothing there": {exitFailed, []string{"--state-dir", t.TempDir()}, "nothing was recorded"},
		"argument":      {exitUsage, []string{"x", "--state-dir", dir}, "unexpected argument"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			llmtap(t, vars{}, append([]string{"report"}, tc.args...)...).wants(t, tc.code, tc.want)
			if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
				t.Errorf("left %v (%v)", left, err)
			}
		})
	}
}

// TestReportThroughTheAgent is the report from the store, but for what only a
// running agent knows, and holds the verdict.
func TestReportThroughTheAgent(t *testing.T) {
	dir := shortDir(t)
	llmtap(t, vars{}, "demo", "--once", "--state-dir", dir).wants(t, exitOK)
	before := llmtap(t, vars{}, "report", "-o", "-", "--state-dir", dir)
	a, _ := agentOn(t, dir)
	after := llmtap(t, vars{}, "report", "-o", "-", "--state-dir", dir)
	if code := a.stop(t); code != exitOK {
		t.Errorf("exit status %d", code)
	}
	for name, r := range map[string]result{"store": before, "agent": after} {
		r.wants(t, exitOK, "Only streamed requests fail here; plain ones work.", "Confirmed: stream only failure", "stream-500-apim", "disable_streaming", "The working call")
		if unknown := strings.Contains(r.stdout, "no agent was running"); unknown != (name == "store") {
			t.Errorf("%s: tunnels not known: %v", name, unknown)
		}
	}
	if other := llmtap(t, vars{}, "report", "-o", "-", "--target", "elsewhere", "--state-dir", dir); strings.Contains(other.stdout, "Confirmed") || strings.Contains(other.stdout, "stream-500-apim") {
		t.Error("--target lets another target's verdict through")
	}
}

// TestReportTakesWhatHolds, and what was over only if that was lately.
func TestReportTakesWhatHolds(t *testing.T) {
	at := call.Target{Host: "llm.example.org", Deployment: "GPT4"}
	for name, tc := range map[string]struct {
		f    call.Finding
		q    call.Query
		want bool
	}{
		"open and old":      {call.Finding{State: "confirmed", Target: at}, call.Query{Since: noon}, true},
		"closed lately":     {call.Finding{State: "closed", Target: at, Updated: after(1)}, call.Query{Since: noon}, true},
		"closed before":     {call.Finding{State: "closed", Target: at, Updated: after(-1)}, call.Query{Since: noon}, false},
		"its target":        {call.Finding{State: "suspected", Target: at}, call.Query{Target: "gpt4"}, true},
		"its host":          {call.Finding{State: "suspected", Target: at}, call.Query{Target: "example"}, true},
		"another's verdict": {call.Finding{State: "suspected", Target: at}, call.Query{Target: "claude"}, false},
	} {
		if got := belongs(tc.f, tc.q); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
