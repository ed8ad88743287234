package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/call"
)

// TestExecRecordsAClient: an unchanged client whose endpoint is a private
// address in a usual variable; nothing else is configured.
func TestExecRecordsAClient(t *testing.T) {
	service, upstreamCA := faultService(t)
	dir, sum := shortDir(t), filepath.Join(shortDir(t), "seen.json")
	r := llmtap(t, vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "client", "NO_PROXY": "localhost,corp.example"},
		"exec", "--state-dir", dir, "--upstream-ca", upstreamCA, "--summary", sum, "--", os.Args[0], "plain", "stream")
	r.wants(t, exitOK, "llmtap saw 2 LLM calls, 1 failure.", "gateway_error_opaque", "more: llmtap show --state-dir "+dir+" ID")
	if r.stdout != "plain 200 true <nil>\nstream 500 true <nil>\n" {
		t.Errorf("stdout belongs to the command: %q", r.stdout)
	}
	if n := columns(r.stderr); n > 100 {
		t.Errorf("%d columns:\n%s", n, r.stderr)
	}
	var m summary
	b, err := os.ReadFile(sum)
	if err != nil || json.Unmarshal(b, &m) != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if m.Calls != 2 || m.Failures != 1 || len(m.Records) != 2 || len(m.Remedies) == 0 || m.Tunnels == nil || m.Verdicts == nil {
		t.Errorf("summary: %s", b)
	}
	if st, err := os.Stat(sum); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("summary file: %v, %v", st.Mode(), err)
	}
	if strings.Contains(string(b)+r.stderr, "canary") {
		t.Error("the key is in the summary")
	}
	if got := ids(t, dir, "--outcome", "error"); len(strings.Fields(got)) != 1 {
		t.Errorf("kept failures: %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, runFile)); err == nil {
		t.Error("run.json was left behind")
	}
}

// TestExecTunnelOnly: nothing is decrypted, so the client needs no trust of
// ours, and the summary says that it could not look.
func TestExecTunnelOnly(t *testing.T) {
	service, upstreamCA := faultService(t)
	r := llmtap(t, vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "client", "SSL_CERT_FILE": upstreamCA},
		"exec", "--state-dir", shortDir(t), "--tunnel-only", "--", os.Args[0], "plain")
	r.wants(t, exitOK, "llmtap saw 0 LLM calls, 0 failures.", "plain 200")
	if strings.Contains(r.stderr, "No connection came through") {
		t.Errorf("a connection did come through: %s", r.stderr)
	}
}

// TestExecShowsTunnels: the service's certificate is unknown to llmtap, so the
// connection went through blind and is named with its reason.
func TestExecShowsTunnels(t *testing.T) {
	service, _ := faultService(t)
	r := llmtap(t, vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "client"},
		"exec", "--state-dir", shortDir(t), "--", os.Args[0], "plain")
	r.wants(t, 1, "not looked into: localhost:", "(upstream_tls)", "--upstream-ca FILE")
}

func TestExecExitStatus(t *testing.T) {
	dir := shortDir(t)
	for script, want := range map[string]int{
		"exit 0": 0, "exit 7": 7, "exit 255": 255, "kill -TERM $$": 128 + 15, "kill -KILL $$": 128 + 9, "kill -INT $$": 128 + 2,
	} {
		r := llmtap(t, vars{}, "exec", "--state-dir", dir, "--", "sh", "-c", script)
		r.wants(t, want, "llmtap saw 0 LLM calls", "No connection came through the proxy")
	}
}

func TestExecCommandNotFound(t *testing.T) {
	dir := shortDir(t)
	for _, name := range []string{"no-such-command", "/no/such/command", dir} {
		r := llmtap(t, vars{}, "exec", "--state-dir", filepath.Join(dir, "state"), "--", name)
		r.wants(t, exitUsage, name, "nothing was started")
	}
	if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
		t.Error("a state directory was made for nothing")
	}
}

func TestExecPassesStdinAndEnvironment(t *testing.T) {
	dir := shortDir(t)
	r := llmtapReading(t, vars{"MINE": "kept", "HTTPS_PROXY": "http://old:1"}, "one\ntwo\n", "exec", "--state-dir", dir, "--", "sh", "-c", `cat; echo "$MINE $HTTPS_PROXY $SSL_CERT_FILE"; echo err >&2`)
	r.wants(t, exitOK, "one\ntwo\nkept http://127.0.0.1:", filepath.Join(dir, "ca", "bundle.crt"), "err\n")
	if strings.Contains(r.stdout, "old:1") {
		t.Errorf("the old proxy is still there: %q", r.stdout)
	}
}

// TestExecKeepsTheCommandsOwnFlags: what follows the dashes is not ours.
func TestExecKeepsTheCommandsOwnFlags(t *testing.T) {
	r := llmtap(t, vars{}, "exec", "--state-dir", shortDir(t), "--", "sh", "-c", `printf '<%s>' "$@"`, "sh", "--listen", "x y", "", "--", "-h")
	r.wants(t, exitOK, "<--listen><x y><><--><-h>")
}

// TestExecBesideAnAgent: own ports, own store, the agent's run.json untouched.
func TestExecBesideAnAgent(t *testing.T) {
	service, upstreamCA := faultService(t)
	dir := shortDir(t)
	_, agent := agentOn(t, dir)
	v := vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "client"}
	args := []string{"exec", "--state-dir", dir, "--upstream-ca", upstreamCA, "--", os.Args[0], "stream"}
	own := filepath.Join(dir, "exec")
	llmtap(t, v, args...).wants(t, exitOK, "saw 1 LLM call, 1 failure", "stream 500", "llmtap show --state-dir "+own+" ID")
	if info, ok := readRunInfo(dir); !ok || info != agent {
		t.Errorf("the agent's run.json changed: %+v", info)
	}
	if got := ids(t, own); len(strings.Fields(got)) != 1 {
		t.Errorf("kept beside the agent: %q", got)
	}
	if got := ids(t, dir); got != "" {
		t.Errorf("the agent has calls that it did not see: %q", got)
	}
	release := holdStore(t, own)
	defer release()
	r := llmtap(t, v, args...)
	r.wants(t, exitOK, "saw 1 LLM call", "shown, not kept")
	if strings.Contains(r.stderr, "more: ") {
		t.Errorf("it names a command that cannot find the call: %s", r.stderr)
	}
}

// holdStore is a third agent that has the store open.
func holdStore(t *testing.T, dir string) func() {
	t.Helper()
	st, _, err := openStore(t.Context(), settings{stateDir: dir}, parts{})
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := st.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}

func TestExecSummaryThatCannotBeWritten(t *testing.T) {
	llmtap(t, vars{}, "exec", "--state-dir", shortDir(t), "--summary", "/no/such/dir/seen.json", "--", "true").wants(t, exitFailed, "/no/such/dir/seen.json")
}

// process is a real llmtap.
type process struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	stderr buffer
}

func spawn(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	p := &process{cmd: exec.CommandContext(ctx, os.Args[0], args...)}
	p.cmd.WaitDelay = time.Second
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + shortDir(t), childRole + "=llmtap"}
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// end reads the rest of stdout and returns the exit status.
func (p *process) end(t *testing.T) (string, int) {
	t.Helper()
	rest, err := io.ReadAll(p.out)
	if err != nil {
		t.Fatal(err)
	}
	err = p.cmd.Wait()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		t.Fatal(err)
	}
	return string(rest), p.cmd.ProcessState.ExitCode()
}

// TestExecForwardsSignals: the command gets them, decides, and its status is
// the status.
func TestExecForwardsSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1} {
		t.Run(sig.String(), func(t *testing.T) {
			p := spawn(t, "exec", "--", "env", childRole+"=wait", os.Args[0])
			if line, err := p.out.ReadString('\n'); err != nil || line != "ready\n" {
				t.Fatalf("%q, %v: %s", line, err, p.stderr.String())
			}
			if err := p.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			out, code := p.end(t)
			if out != "got "+sig.String()+"\n" || code != 5 {
				t.Errorf("out %q, status %d: %s", out, code, p.stderr.String())
			}
			if !strings.Contains(p.stderr.String(), "llmtap saw 0 LLM calls") {
				t.Errorf("no summary after the signal: %s", p.stderr.String())
			}
		})
	}
}

// TestExecOfAKilledCommand: 128+n, as a shell says it, by a real process.
func TestExecOfAKilledCommand(t *testing.T) {
	p := spawn(t, "exec", "--", "sh", "-c", "kill -KILL $$")
	if _, code := p.end(t); code != 128+9 {
		t.Errorf("status %d", code)
	}
}

// TestRunByARealProcess: SIGTERM drains and ends it with 0.
func TestRunByARealProcess(t *testing.T) {
	dir := shortDir(t)
	p := spawn(t, "run", "--state-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	eventually(t, "run.json", func() bool { _, ok := readRunInfo(dir); return ok })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, code := p.end(t); code != exitOK {
		t.Errorf("status %d: %s", code, p.stderr.String())
	}
	if _, err := os.Stat(filepath.Join(dir, runFile)); err == nil {
		t.Error("run.json was left behind")
	}
}

// TestKilledAgentLeavesAReadableStore: after SIGKILL the commands work, and
// the next agent starts.
func TestKilledAgent(t *testing.T) {
	dir := shortDir(t)
	p := spawn(t, "run", "--state-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	eventually(t, "run.json", func() bool { _, ok := readRunInfo(dir); return ok })
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end(t)
	llmtap(t, vars{}, "calls", "--state-dir", dir).wants(t, exitOK, "no calls recorded yet")
	llmtap(t, vars{}, "check", "--ready", "--state-dir", dir).wants(t, exitFailed, "no agent runs in")
	agentOn(t, dir)
	llmtap(t, vars{}, "check", "--ready", "--state-dir", dir).wants(t, exitOK, "ready")
}

func TestSummaryTexts(t *testing.T) {
	many := &memory{}
	for range maxMemory + 5 {
		r := issue1208()
		r.Identity.Attempt = 1
		many.add(r)
	}
	one := &memory{}
	one.add(plainOK())
	mixed := &memory{}
	for _, r := range append(all(), hostile()) {
		mixed.add(r)
	}
	concluded := &memory{}
	for _, r := range []call.Record{plainOK(), issue1208()} {
		concluded.add(r)
	}
	concluded.find(call.Finding{
		Verdict: "stream_only_failure", State: "confirmed", Target: issue1208().Target, Text: "Only streamed requests fail here; plain ones work.",
		Since: noon, Conclusion: call.Conclusion{Remedy: append([]string{"Turn streaming off."}, issue1208().Diagnosis.Remedy...)},
		Evidence:   call.Evidence{Failing: []string{issue1208().Identity.ID}, Working: []string{plainOK().Identity.ID}},
		Difference: []call.Change{{Path: "body.stream", Failing: "true", Working: "absent"}},
	})
	listed := func(hosts ...string) (out []call.Tunnel) {
		for _, h := range hosts {
			out = append(out, call.Tunnel{Host: h, Port: 443, Reason: "not_listed"})
		}
		return out
	}
	for name, m := range map[string]summary{
		"none":      newSummary(&memory{}, nil),
		"unlisted":  newSummary(&memory{}, listed("a.example", "a.example", "b.example", "c.example", "d.example", "e.example", "f.example")),
		"distrust":  newSummary(&memory{}, []call.Tunnel{{Host: "api.openai.com", Port: 443, Reason: "distrust", Remedy: "Give the client SSL_CERT_FILE."}}),
		"one":       newSummary(one, listed("pypi.org")),
		"mixed":     newSummary(mixed, nil),
		"very-many": newSummary(many, nil),
		"verdict":   newSummary(concluded, nil),
	} {
		var b buffer
		if err := m.print(&b, palette{}, "llmtap show ID"); err != nil {
			t.Fatal(err)
		}
		golden(t, "golden/summary-"+name+".txt", b.String())
		if n := columns(b.String()); n > 100 {
			t.Errorf("%s: %d columns", name, n)
		}
		unescaped(t, b.String())
	}
	if m := newSummary(many, nil); m.Calls != maxMemory+5 || len(m.Records) != maxMemory {
		t.Errorf("%d calls, %d records: the count must not forget", m.Calls, len(m.Records))
	}
}

func TestMoreHint(t *testing.T) {
	for name, tc := range map[string]struct {
		v    vars
		dir  string
		want string
	}{
		"default":  {vars{"HOME": "/h"}, "/h/.local/state/llmtap", "llmtap show ID"},
		"variable": {vars{"HOME": "/h", "LLMTAP_STATE_DIR": "/s"}, "/s", "llmtap show ID"},
		"flag":     {vars{"HOME": "/h"}, "/s", "llmtap show --state-dir /s ID"},
		"odd path": {vars{"HOME": "/h"}, "/my state", "llmtap show --state-dir '/my state' ID"},
		"not kept": {vars{"HOME": "/h"}, "", ""},
	} {
		if got := moreHint(environmentOf(tc.v, nil, nil, nil), tc.dir); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
