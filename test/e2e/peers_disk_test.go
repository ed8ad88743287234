//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// peerTinyDisk is a file system of its own that is soon full.
func peerTinyDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		peerUnable(t, "only root can mount a tmpfs")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
		peerUnable(t, fmt.Sprintf("mount tmpfs: %v", err))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// peerFill takes all space that is left; removing the file gives it back.
func peerFill(t *testing.T, dir string) (filler string) {
	t.Helper()
	filler = filepath.Join(dir, "filler")
	f, err := os.OpenFile(filler, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); len(block) > 0; {
		_, err := f.Write(block)
		if errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return filler
}

// TestStoreOnFullDisk: the disk fills up under a running agent. It stays up,
// relays and shows calls, says that it is degraded, and keeps everything once
// there is room again.
func TestStoreOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := peerTinyDisk(t, "4m")
	up := peerUpstream(t)
	a := peerStart(t, peerSetup{dir: dir, up: up})
	c := a.client(false)
	calls := 0
	send := func(n int) {
		t.Helper()
		for range n {
			calls++
			if status, body := peerSend(t, c, peerCall{peerDeployment(up.base(), "gpt-4o"), `{` + peerMessages + `}`, nil}); status != http.StatusOK {
				t.Fatalf("call %d answers %d %s", calls, status, body)
			}
		}
	}
	degraded := func(want string) {
		t.Helper()
		peerUntil(t, 40*time.Second, func() string {
			_, body := a.get("/metrics")
			if got, _ := peerMetric(body, "llmtap_store_degraded"); got != want {
				return fmt.Sprintf("llmtap_store_degraded %q, want %s", got, want)
			}
			return ""
		})
	}
	send(2)
	a.records(2)
	degraded("0")

	filler := peerFill(t, dir)
	send(30)
	degraded("1")
	send(5)
	a.records(calls)
	if status, _ := a.get("/readyz"); status != http.StatusOK {
		t.Errorf("/readyz %d: a full disk is no reason to send traffic elsewhere", status)
	}
	if said := a.peerProcess.err.String(); !strings.Contains(said, "disk") || !strings.Contains(said, "calls.db") {
		t.Errorf("the log does not tell of the full disk:\n%s", said)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	degraded("0")
	send(1)
	a.records(calls)
	if code := a.quit(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
	if _, out, errs := a.llmtap("calls", "--json"); len(peerStored(t, out)) != calls {
		t.Errorf("%d calls are kept, want %d: %s", len(peerStored(t, out)), calls, errs)
	}
}

// TestStartOnFullDisk: with no room for anything the start ends with a
// sentence, and leaves what was there as it was.
func TestStartOnFullDisk(t *testing.T) {
	t.Parallel()
	dir := peerTinyDisk(t, "4m")
	peerStart(t, peerSetup{dir: dir}).end()
	filler := peerFill(t, dir)
	code, _, stderr := peerRefused(t, peerSetup{dir: dir}, false)
	if code == 0 || !strings.Contains(stderr, "no space left on device") || !strings.Contains(stderr, dir) {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	a := peerStart(t, peerSetup{dir: dir})
	if code := a.quit(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d after the disk has room again", code)
	}
}
