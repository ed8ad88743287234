package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manager is a service manager's socket.
func manager(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// heard is the next message within d; empty when none came.
func heard(t *testing.T, conn *net.UnixConn, d time.Duration) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 256)
	n, err := conn.Read(b)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return string(b[:n])
}

// TestServiceManagerIsTold: READY when run.json is there, not before; STOPPING
// when the drain begins; nothing else.
func TestServiceManagerIsTold(t *testing.T) {
	dir := shortDir(t)
	for name, path := range map[string]string{"file": filepath.Join(dir, "notify"), "abstract": "@llmtap-test-" + filepath.Base(dir)} {
		t.Run(name, func(t *testing.T) {
			conn, state := manager(t, path), filepath.Join(dir, name+"-state")
			r := start(t, vars{"NOTIFY_SOCKET": path}, "run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--state-dir", state)
			if got := heard(t, conn, 20*time.Second); got != "READY=1" {
				t.Fatalf("told %q first; stderr: %s", got, r.stderr.String())
			}
			info, ok := readRunInfo(state)
			if !ok || get(t, info.Admin+"/readyz") != 200 {
				t.Errorf("READY=1 although nobody can use it: %+v", info)
			}
			if code := r.stop(t); code != exitOK {
				t.Errorf("exit status %d: %s", code, r.stderr.String())
			}
			if got := heard(t, conn, 20*time.Second); got != "STOPPING=1" {
				t.Errorf("told %q at the end", got)
			}
			if got := heard(t, conn, time.Millisecond); got != "" {
				t.Errorf("told %q as well", got)
			}
		})
	}
}

// TestNoStartIsNotReady: a manager must not take a failed start for a service.
func TestNoStartIsNotReady(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "notify")
	conn := manager(t, path)
	llmtap(t, vars{"NOTIFY_SOCKET": path}, "run", "--listen", "nowhere", "--state-dir", filepath.Join(dir, "state")).wants(t, exitUsage, "nowhere")
	if got := heard(t, conn, time.Millisecond); got != "" {
		t.Errorf("told %q", got)
	}
}

// TestServiceManagerIsGone: the agent works all the same, and says so.
func TestServiceManagerIsGone(t *testing.T) {
	dir := shortDir(t)
	state := filepath.Join(dir, "state")
	r := start(t, vars{"NOTIFY_SOCKET": filepath.Join(dir, "gone")}, "run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--state-dir", state)
	eventually(t, "the warning", func() bool { return strings.Contains(r.stderr.String(), "service manager was not told") })
	if info, ok := readRunInfo(state); !ok || get(t, info.Admin+"/readyz") != 200 {
		t.Errorf("not ready: %+v", info)
	}
	if code := r.stop(t); code != exitOK {
		t.Errorf("exit status %d: %s", code, r.stderr.String())
	}
}
