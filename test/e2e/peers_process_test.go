//go:build e2e

package e2e

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// peerText is the output of a process, read while it still writes.
type peerText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *peerText) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *peerText) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// peerProcess is a program that runs beside the test. The environment of this
// process is never inherited: its certificate and proxy variables would decide
// what the test shows.
type peerProcess struct {
	cmd      *exec.Cmd
	out, err peerText
	// done is closed when the process is over; state is valid then.
	done chan struct{}
}

func peerRun(t testing.TB, env []string, name string, args ...string) *peerProcess {
	t.Helper()
	return peerRunAs(t, env, false, name, args...)
}

// peerRunAs runs a program, as the user without rights if nobody is set.
func peerRunAs(t testing.TB, env []string, nobody bool, name string, args ...string) *peerProcess {
	t.Helper()
	p := &peerProcess{cmd: exec.Command(name, args...), done: make(chan struct{})}
	if nobody {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: peerNobody, Gid: peerNobody}}
	}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the exit code is in ProcessState
	}()
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			text := p.err.String()
			t.Logf("%s %s said:\n%s", filepath.Base(name), args[0], text[max(0, len(text)-6000):])
		}
	})
	return p
}

// end stops the process, first politely.
func (p *peerProcess) end() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// exit waits for the end of the process and returns its exit code.
func (p *peerProcess) exit(t testing.TB, within time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		t.Fatalf("%s still runs after %s", p.cmd.Path, within)
		return -1
	}
}

// quit sends a signal and returns the exit code.
func (p *peerProcess) quit(t testing.TB, sig syscall.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	return p.exit(t, 10*time.Second)
}

// peerUntil is the one waiting loop: it asks until the answer is empty, and
// fails with the last answer when time is up.
func peerUntil(t testing.TB, within time.Duration, missing func() string) {
	t.Helper()
	deadline, tick := time.After(within), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		why := missing()
		if why == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s: %s", within, why)
		}
	}
}

// peerPort is a loopback port that was free a moment ago, for programs that
// cannot pick one themselves.
func peerPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}
