package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// waiting is a real exec whose command waits for a signal.
func waiting(t *testing.T, dir string) *process {
	t.Helper()
	p := spawn(t, "exec", "--state-dir", dir, "--", "env", childRole+"=wait", os.Args[0])
	if line, err := p.out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v: %s", line, err, p.stderr.String())
	}
	return p
}

// TestThreeExecsAtOnce: the first owns the state directory, the second the one
// below it, the third shares that one's place without taking its run.json.
func TestThreeExecsAtOnce(t *testing.T) {
	dir := shortDir(t)
	own := filepath.Join(dir, "exec")
	first := waiting(t, dir)
	one, ok := readRunInfo(dir)
	if !ok {
		t.Fatal("the first exec cannot be asked")
	}
	llmtap(t, vars{}, "calls", "--state-dir", dir).wants(t, exitOK, "no calls recorded yet")
	second := waiting(t, dir)
	two, ok := readRunInfo(own)
	if !ok || two.Admin == one.Admin {
		t.Errorf("the second exec has no place of its own: %+v", two)
	}
	llmtap(t, vars{}, "exec", "--state-dir", dir, "--", "true").wants(t, exitOK, "saw 0 LLM calls")
	if got, ok := readRunInfo(own); !ok || got != two {
		t.Errorf("the third exec took the second's run.json: %+v", got)
	}
	if got, ok := readRunInfo(dir); !ok || got != one {
		t.Errorf("somebody took the first's run.json: %+v", got)
	}
	for _, p := range []*process{first, second} {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if _, code := p.end(t); code != 5 {
			t.Errorf("status %d: %s", code, p.stderr.String())
		}
	}
	for _, d := range []string{dir, own} {
		if _, err := os.Stat(filepath.Join(d, runFile)); err == nil {
			t.Errorf("run.json was left behind in %s", d)
		}
	}
}
