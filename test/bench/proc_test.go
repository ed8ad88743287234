package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestParseStatSkipsTheName(t *testing.T) {
	s, err := parseStat([]byte("42 (a b) c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 9 9 20 0 1 0 5\n"))
	if err != nil || s.parent != 7 || s.cpu != 2*time.Second {
		t.Errorf("%+v, %v, want parent 7 and 2s", s, err)
	}
	for _, bad := range []string{"", "42 (x", "42 (x) S 7", "42 (x) S y 1 1 0 0 0 0 0 0 0 1 1 0"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestParseBusyLeavesIdleOut(t *testing.T) {
	got := parseBusy([]byte("cpu  100 10 20 5000 300 5 6 7 99 98\ncpu0 1 1 1 1\n"))
	if want := (100 + 10 + 20 + 5 + 6 + 7) * tick; got != want {
		t.Errorf("busy %v, want %v", got, want)
	}
}

func TestParseRSS(t *testing.T) {
	if got := parseRSS("VmPeak: 1 kB\nVmRSS:\t  2048 kB\nRssAnon: 9 kB\n"); got != 2<<20 {
		t.Errorf("%d, want 2 MiB", got)
	}
	if got := parseRSS("Name: x\n"); got != 0 {
		t.Errorf("%d without a line, want 0", got)
	}
}

func TestOwnProcessCostsSomething(t *testing.T) {
	me := []int{os.Getpid()}
	if rssOf(me) < 1<<20 || busy() == 0 {
		t.Errorf("RSS %d, busy %v, want more", rssOf(me), busy())
	}
	for before := ownCPU(); ownCPU()-before < 3*tick; {
	}
	if cpuOf(me) < 3*tick {
		t.Errorf("CPU %v, want at least %v", cpuOf(me), 3*tick)
	}
}

func TestTreeFindsChildren(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "read x")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(tree(os.Getpid()), cmd.Process.Pid) {
		t.Error("the child is not in the tree")
	}
	_ = in.Close()
	_ = cmd.Wait()
}
