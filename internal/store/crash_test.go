package store_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// killed is a file whose agent was killed while it wrote.
func killed(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "calls.db")
	kill(t, path, "")
	return path
}

// kill runs a process that records into path and kills it; with pause it waits
// for that after so many calls.
func kill(t *testing.T, path, pause string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+path, childPause+"="+pause)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	wait, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer wait.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Errorf("the child said %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
}

func TestKilledInTheMiddleOfACall(t *testing.T) {
	c := config("")
	c.Path = killed(t)
	s := open(t, c)
	list := s.Interrupted()
	if len(list) != 1 || list[0].Identity.ID != "live" {
		t.Fatalf("interrupted: %v", list)
	}
	stored, err := s.Call(t.Context(), "live")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]call.Record{"returned": list[0], "stored": stored} {
		d := r.Diagnosis
		if r.End.Side != call.SideAgent || r.End.Reason != "crash" || d.Class != call.ClassAgentInduced || d.Reason != "crash" ||
			d.Severity != call.SeverityError || d.Fault != call.FaultAgent || r.Outcome() != call.OutcomeError || len(d.Remedy) == 0 {
			t.Errorf("%s: end %+v, diagnosis %+v", name, r.End, d)
		}
		if r.Target.Model != "gpt-4o" {
			t.Errorf("%s: what was known at the start is lost: %+v", name, r.Target)
		}
	}
	if got := ids(t, s, call.Query{Limit: 10_000}); len(got) < 500 {
		t.Errorf("%d of more than 500 finished calls survived", len(got))
	}
	if got := ids(t, s, call.Query{Class: "agent_induced"}); len(got) != 1 {
		t.Errorf("found by its class: %v", got)
	}
	shut(t, s)
	if again := open(t, c); len(again.Interrupted()) != 0 {
		t.Error("the same call was interrupted twice")
	}
}

func TestReadOnlyAfterAKill(t *testing.T) {
	path := killed(t)
	r, err := store.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := r.Call(t.Context(), "live")
	if err != nil || got.End.Reason != "crash" {
		t.Errorf("no agent runs, so the call was interrupted: %+v, %v", got.End, err)
	}
	if list := ids(t, r, call.Query{Class: "agent_induced", Outcome: call.OutcomeError}); len(list) != 1 {
		t.Errorf("it is found by what became of it: %v", list)
	}
	if list := ids(t, r, call.Query{Limit: 10_000}); len(list) < 500 {
		t.Errorf("%d calls", len(list))
	}
}
