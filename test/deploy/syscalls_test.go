//go:build e2e

package deploy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestUnitAllowsWhatTheAgentAsks: no system call of a start, a readiness check
// and an end is outside the unit's filter.
func TestUnitAllowsWhatTheAgentAsks(t *testing.T) {
	need(t, "strace", "systemd-analyze")
	if os.Geteuid() != 0 {
		t.Skip("not tested: running the agent as another user needs root")
	}
	dir, err := os.MkdirTemp("", "llmtap-unit-") //nolint:usetesting // nobody must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	shell(t, nil, "install", "-m", "0755", agentBinary(t), dir)
	shell(t, nil, "chown", "nobody", dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	bin, state, log := filepath.Join(dir, "llmtap"), filepath.Join(dir, "state"), filepath.Join(t.TempDir(), "strace")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "strace", "-u", "nobody", "-f", "-qq", "-o", log, bin, "run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "STATE_DIRECTORY=" + state}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := awaitReady(t, state)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // strace and agent
	_ = cmd.Wait()                                      // strace ends by its signal
	if !ready {
		t.Fatal("the agent does not get ready")
	}
	allowed := filter(t)
	seen := 0
	for _, m := range regexp.MustCompile(`(?m)^\d+\s+(\w+)\(`).FindAllStringSubmatch(read(t, log), -1) {
		seen++
		if !allowed[m[1]] {
			t.Errorf("the unit forbids %s", m[1])
		}
	}
	if seen < 100 {
		t.Errorf("only %d system calls were seen", seen)
	}
}

// filter is what the unit's SystemCallFilter lines leave.
func filter(t *testing.T) map[string]bool {
	t.Helper()
	allowed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.+)$`).FindAllStringSubmatch(read(t, root+"/systemd/llmtap.service"), -1) {
		for set := range strings.FieldsSeq(m[2]) {
			for name := range calls(t, set) {
				allowed[name] = m[1] == ""
			}
		}
	}
	for name := range calls(t, "@default") { // systemd always allows these
		allowed[name] = true
	}
	return allowed
}

// calls are the system calls of one of systemd's sets, and of those in it.
func calls(t *testing.T, set string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for line := range strings.Lines(shell(t, nil, "systemd-analyze", "syscall-filter", set)) {
		name := strings.TrimSpace(line)
		switch {
		case name == "" || name == set || strings.HasPrefix(name, "#"):
		case strings.HasPrefix(name, "@"):
			for inner := range calls(t, name) {
				out[inner] = true
			}
		default:
			out[name] = true
		}
	}
	return out
}
