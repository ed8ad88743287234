//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/call"
)

// execArgs is `llmtap exec` on a new state directory, up to the command.
func execArgs(t *testing.T, n *internet, summary string) []string {
	t.Helper()
	bin, err := peerBinary()
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		bin, "exec", "--state-dir", t.TempDir(), "--upstream-proxy", n.proxy, "--upstream-ca", n.id.file,
		"--intercept", "llm.test", "--summary", summary, "--",
	}
}

// TestExec runs clients under `llmtap exec`, their code and environment
// unchanged: stdin, stdout and exit status are theirs, the summary tells the calls.
func TestExec(t *testing.T) {
	id := newIdentity(t)
	list := []task{
		{Name: "works", Kind: "azure", Scenario: "gpt4"},
		{Name: "fails", Kind: "azure", Scenario: "stream-500-apim", Stream: true},
	}
	stdin, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"openai-python-new", "openai-node", "openai-go", "curl-h1"} {
		t.Run(name, func(t *testing.T) {
			p, n := find(t, name), newInternet(t, id)
			summary := filepath.Join(t.TempDir(), "seen.json")
			argv, input := p.argv, string(stdin)
			if argv == nil { // both calls in one curl
				argv, input = []string{"curl", "-sS", "-d", "@-", "-H", "Content-Type: application/json", list[0].endpoint(), list[1].endpoint()}, list[1].body(t)
			}
			end := start(t, plainEnv(t), input, append(execArgs(t, n, summary), argv...)...)
			if end.code != 0 {
				t.Fatalf("exit %d: %s", end.code, end.err)
			}
			if !strings.Contains(end.out, "Owls ") || !strings.Contains(strings.ToLower(end.out), "internal server error") {
				t.Errorf("the command's own output: %s", clip(end.out))
			}
			if !strings.Contains(end.err, "llmtap saw 2 LLM calls, 1 failure.") {
				t.Errorf("llmtap said: %s", end.err)
			}
			checkSummary(t, summary, p)
		})
	}
}

func checkSummary(t *testing.T, file string, p program) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Calls    int           `json:"calls"`
		Failures int           `json:"failures"`
		Records  []call.Record `json:"records"`
	}
	if err := json.Unmarshal(b, &seen); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if seen.Calls != 2 || seen.Failures != 1 || len(seen.Records) != 2 {
		t.Fatalf("summary: %d calls, %d failures, %d records; want 2, 1, 2", seen.Calls, seen.Failures, len(seen.Records))
	}
	for i, want := range []string{"ok", "gateway_error_opaque"} {
		if r := &seen.Records[i]; r.Client.Name != p.client || r.Diagnosis.Class.String() != want {
			t.Errorf("record %d: client %s, class %v; want %s, %s", i, r.Client.Name, r.Diagnosis.Class, p.client, want)
		}
	}
}

// TestExecStatus: the exit status is the command's, as a shell would see it.
func TestExecStatus(t *testing.T) {
	n := newInternet(t, newIdentity(t))
	for _, c := range []struct {
		name string
		argv []string
		want int
	}{
		{"own status", []string{find(t, "openai-python-new").argv[0], "-c", "raise SystemExit(7)"}, 7},
		{"node's status", []string{find(t, "openai-node").argv[0], "-e", "process.exit(9)"}, 9},
		{"uncaught", []string{find(t, "openai-python-new").argv[0], "-c", "1/0"}, 1},
		{"killed", []string{"sh", "-c", "kill -9 $$"}, 128 + 9},
		{"no such command", []string{"no-such-command-here"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			end := start(t, plainEnv(t), "", append(execArgs(t, n, filepath.Join(t.TempDir(), "seen.json")), c.argv...)...)
			if end.code != c.want {
				t.Errorf("exit %d, want %d: %s", end.code, c.want, end.err)
			}
		})
	}
}

// TestExecSignals: a signal to exec reaches the command, which decides.
func TestExecSignals(t *testing.T) {
	python := find(t, "openai-python-new").argv[0]
	n := newInternet(t, newIdentity(t))
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			argv := append(execArgs(t, n, filepath.Join(t.TempDir(), "seen.json")), python, filepath.Join("clients", "signals.py"))
			p := peerRun(t, plainEnv(t), argv[0], argv[1:]...)
			peerUntil(t, 20*time.Second, func() string {
				if strings.Contains(p.out.String(), "ready") {
					return ""
				}
				return "the command does not run yet: " + p.err.String()
			})
			if err := p.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			name := map[syscall.Signal]string{syscall.SIGTERM: "SIGTERM", syscall.SIGINT: "SIGINT"}[sig]
			if code := p.exit(t, 20*time.Second); code != 42 || !strings.Contains(p.out.String(), "got "+name) {
				t.Errorf("exit %d, output %q; want 42 and the signal's name", code, p.out.String())
			}
			if !strings.Contains(p.err.String(), "llmtap saw 0 LLM calls") {
				t.Errorf("no summary after the signal: %s", p.err.String())
			}
		})
	}
}
