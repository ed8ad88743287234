package main

import (
	"context"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// TestRunDrains: while a live call finishes, /readyz says 503, signals have
// their default meaning back, the call ends whole; then nothing is left.
func TestRunDrains(t *testing.T) {
	dir := shortDir(t)
	release, asked := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		close(asked)
		<-release
		_, _ = io.WriteString(w, "whole")
	}))
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	agent, info := agentOn(t, dir, "--route", "svc="+srv.URL, "--route-listen", "127.0.0.1:0", "--allow-private", addr)
	if info.BaseURL == "" || get(t, info.Admin+"/readyz") != http.StatusOK {
		t.Fatalf("not ready: %+v", info)
	}
	answer := make(chan string, 1)
	go func() { answer <- post(info.BaseURL + "/svc/v1/chat/completions") }()
	<-asked
	agent.cancel()
	<-agent.restored
	eventually(t, "503", func() bool { return get(t, info.Admin+"/readyz") == http.StatusServiceUnavailable })
	llmtap(t, vars{}, "check", "--ready", "--state-dir", dir).wants(t, exitFailed, "not ready", "503")
	if got := get(t, info.Admin+"/healthz"); got != http.StatusOK {
		t.Errorf("it is alive while it drains, yet /healthz says %d", got)
	}
	close(release)
	if got := <-answer; got != "200 whole" {
		t.Errorf("the live call ended as %q", got)
	}
	if code := agent.wait(t); code != exitOK {
		t.Errorf("exit status %d: %s", code, agent.stderr.String())
	}
	if _, err := os.Stat(filepath.Join(dir, runFile)); err == nil {
		t.Error("run.json was left behind")
	}
	llmtap(t, vars{}, "calls", "--state-dir", dir).wants(t, exitOK, " 200 ")
}

func post(url string) string {
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"messages":[]}`))
	if err != nil {
		return err.Error()
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return resp.Status[:4] + string(b)
}

// TestRunEndsLiveCallsAfterTheGrace: the agent does not wait for ever, and the
// call it cut says whose doing that was.
func TestRunEndsLiveCallsAfterTheGrace(t *testing.T) {
	dir := shortDir(t)
	asked, left := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		close(asked)
		<-r.Context().Done()
		close(left)
	}))
	defer srv.Close()
	conf := filepath.Join(dir, "llmtap.yaml")
	put(t, conf, "drain: 50ms\n", 0o600)
	addr := strings.TrimPrefix(srv.URL, "http://")
	agent, info := agentOn(t, dir, "--config", conf, "--route", "svc="+srv.URL, "--route-listen", "127.0.0.1:0", "--allow-private", addr)
	answer := make(chan string, 1)
	go func() { answer <- post(info.BaseURL + "/svc/v1/chat/completions") }()
	<-asked
	if code := agent.stop(t); code != exitOK {
		t.Errorf("exit status %d: %s", code, agent.stderr.String())
	}
	<-answer
	<-left
	r := llmtap(t, vars{}, "calls", "--json", "--state-dir", dir)
	if !strings.Contains(r.stdout, `"side":"agent"`) {
		t.Errorf("the cut is not the agent's: %s", r.stdout)
	}
}

func TestTunnelsOfARunningAgent(t *testing.T) {
	dir := shortDir(t)
	agentOn(t, dir)
	llmtap(t, vars{}, "tunnels", "--state-dir", dir).wants(t, exitOK, "every connection so far was looked into")
	r := llmtap(t, vars{}, "tunnels", "--json", "--state-dir", dir)
	r.wants(t, exitOK)
	if r.stdout != "" {
		t.Errorf("json of no tunnels: %q", r.stdout)
	}
	llmtap(t, vars{}, "tunnels", "--state-dir", recorded(t)).wants(t, exitFailed, "only a running one knows its tunnels", "llmtap run")
}

func TestTunnelsTable(t *testing.T) {
	evil := "\x1b[2Jhost\u202e"
	list := []call.Tunnel{
		{Host: "pypi.org", Port: 443, Reason: "not_listed", Since: noon, Count: 3, Up: 1000, Down: 2000000, Remedy: "Add --intercept pypi.org if it serves a model."},
		{Host: strings.Repeat("very-long-name.", 20) + "example", Port: 65535, Reason: "client_certificate", Detail: "the service asked for a client certificate", Since: noon, Count: 1 << 40, Up: 1 << 60},
		{Host: "2001:db8::1", Port: 8443, Reason: "upstream_tls", Since: noon, Count: 1},
		{Host: evil, Port: 1, Reason: evil, Detail: evil, Remedy: evil, Since: noon},
	}
	var b buffer
	if err := printTunnels(&b, palette{}, list); err != nil {
		t.Fatal(err)
	}
	golden(t, "golden/tunnels.txt", b.String())
	unescaped(t, b.String())
	if n := columns(b.String()); n > 100 {
		t.Errorf("%d columns", n)
	}
}

func TestAuthorityCommands(t *testing.T) {
	dir := shortDir(t)
	for _, sub := range []string{"show", "export"} {
		llmtap(t, vars{}, "ca", sub, "--state-dir", dir).wants(t, exitFailed, "no authority there yet")
	}
	agent, _ := agentOn(t, dir, "--intercept", "llm.example.org", "--intercept", "10.1.2.3")
	agent.stop(t)
	shown := llmtap(t, vars{}, "ca", "show", "--state-dir", dir)
	shown.wants(t, exitOK, "llm.example.org", "10.1.2.3", "api.openai.com", "bundle.crt", "and nothing else")
	pemText := llmtap(t, vars{}, "ca", "export", "--state-dir", dir)
	pemText.wants(t, exitOK)
	block, rest := pem.Decode([]byte(pemText.stdout))
	if block == nil || block.Type != "CERTIFICATE" || len(rest) != 0 {
		t.Errorf("export: %q", pemText.stdout)
	}
	if file, err := os.ReadFile(filepath.Join(dir, "ca", "ca.crt")); err != nil || string(file) != pemText.stdout {
		t.Errorf("export is not ca.crt (%v)", err)
	}
	rotated := llmtap(t, vars{}, "ca", "rotate", "--state-dir", dir)
	rotated.wants(t, exitOK, "new authority", "after a restart", filepath.Join(dir, "ca", "bundle.crt"))
	now := llmtap(t, vars{}, "ca", "show", "--state-dir", dir)
	if field(now.stdout, "sha-256") == field(shown.stdout, "sha-256") || field(now.stdout, "sha-256") != field(rotated.stdout, "sha-256") {
		t.Errorf("fingerprints: before %s, now %s, told %s", field(shown.stdout, "sha-256"), field(now.stdout, "sha-256"), field(rotated.stdout, "sha-256"))
	}
	if strings.Contains(now.stdout, "llm.example.org") {
		t.Error("rotate narrows to the hosts named now")
	}
	llmtap(t, vars{}, "ca", "rotate", "--state-dir", dir, "--intercept", "https://x/").wants(t, exitUsage, "--intercept")
}

func TestVersion(t *testing.T) {
	r := llmtap(t, vars{}, "version")
	r.wants(t, exitOK, "llmtap "+version+" ", "go1.")
	if strings.Count(r.stdout, "\n") != 1 {
		t.Errorf("not one line: %q", r.stdout)
	}
}

func TestFaultScenariosAreListed(t *testing.T) {
	llmtap(t, vars{}, "faultllm", "--list").wants(t, exitOK, "stream-500-apim ", "gateway_error_opaque")
}

func TestFaultService(t *testing.T) {
	caOut := filepath.Join(shortDir(t), "ca.crt")
	for _, tls := range []bool{false, true} {
		args := []string{"faultllm", "--listen", "127.0.0.1:0"}
		want := "fault service on http://127.0.0.1:"
		if tls {
			args, want = append(args, "--tls", "--ca-out", caOut), "fault service on https://127.0.0.1:"
		}
		r := start(t, vars{}, args...)
		eventually(t, want, func() bool { return strings.Contains(r.stdout.String(), want) })
		if code := r.stop(t); code != exitOK {
			t.Errorf("exit status %d: %s", code, r.stderr.String())
		}
	}
	if b, err := os.ReadFile(caOut); err != nil || !strings.HasPrefix(string(b), "-----BEGIN CERTIFICATE-----") {
		t.Errorf("authority: %q, %v", b, err)
	}
}

// TestCompletionScripts: the shells accept them, and bash completes by them.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := llmtap(t, vars{}, "completion", shell)
		r.wants(t, exitOK, "llmtap", "calls", "faultllm")
		path := filepath.Join(shortDir(t), "completion")
		put(t, path, r.stdout, 0o600)
		if bin, err := exec.LookPath(shell); err == nil {
			if out, err := exec.CommandContext(t.Context(), bin, "-n", path).CombinedOutput(); err != nil {
				t.Errorf("%s refuses its script: %v\n%s", shell, err, out)
			}
		}
	}
}

func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	script := llmtap(t, vars{}, "completion", "bash").stdout
	for line, want := range map[string]string{
		"ca":                 "calls ca",
		"tun":                "tunnels",
		"ca |":               "show export rotate",
		"ca r":               "rotate",
		"run --inter":        "--intercept",
		"calls --out":        "--outcome",
		"calls --json --fol": "--follow",
		"env --state":        "--state-dir",
		"nonsense x":         "",
	} {
		words := strings.Fields("llmtap " + line)
		if last := len(words) - 1; words[last] == "|" {
			words[last] = ""
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = shQuote(w)
		}
		test := script + "\nCOMP_WORDS=(" + strings.Join(quoted, " ") + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_llmtap 2>/dev/null\necho \"${COMPREPLY[*]}\""
		out, err := exec.CommandContext(t.Context(), bash, "-c", test).Output()
		got := strings.Fields(string(out))
		for w := range strings.FieldsSeq(want) {
			if !strings.Contains(" "+strings.Join(got, " ")+" ", " "+w+" ") {
				t.Errorf("%q: got %q, want %s among them (%v)", line, got, w, err)
			}
		}
		if want == "" && len(got) > 0 {
			t.Errorf("%q: got %q, want nothing", line, got)
		}
	}
}

// TestHelp: every command explains itself; every flag's sentence ends.
func TestHelp(t *testing.T) {
	whole := llmtap(t, vars{}, "--help")
	whole.wants(t, exitOK, "Examples:", "llmtap demo --once")
	if r := llmtap(t, vars{}); r.stdout != whole.stdout || r.code != exitOK {
		t.Errorf("without arguments: %d %q", r.code, r.stdout)
	}
	for _, args := range []string{"run", "exec", "demo", "env", "calls", "show", "diff", "tunnels", "ca", "ca show", "ca export", "ca rotate", "check", "faultllm", "version", "completion"} {
		r := llmtap(t, vars{}, append(strings.Fields(args), "--help")...)
		r.wants(t, exitOK, "Usage: llmtap "+args)
		if n := columns(r.stdout); n > 100 {
			t.Errorf("%s: %d columns", args, n)
		}
		sentence := ""
		flush := func() {
			if sentence != "" && !strings.HasSuffix(sentence, ".") {
				t.Errorf("%s: a flag's help does not end: %q", args, sentence)
			}
			sentence = ""
		}
		_, flagText, _ := strings.Cut(r.stdout, "Flags:\n")
		flagText, _, _ = strings.Cut(flagText, "Commands:")
		for line := range strings.Lines(flagText) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "-") || line == "" {
				flush()
			}
			if line != "" {
				sentence = strings.TrimSpace(sentence + " " + line)
			}
		}
		flush()
	}
}
