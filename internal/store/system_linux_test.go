package store_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// tiny mounts a file system of one megabyte.
func tiny(t *testing.T, options string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"+options); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("this test must run here and needs to mount a tmpfs: %v", err)
		}
		t.Skipf("NOT TESTED: a full disk. Mounting a tmpfs needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until nothing fits any more and returns what gives the space back.
func fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func bulky(id string, n int) call.Record {
	r := record(id, n)
	r.Response.Error.Message = strings.Repeat("x", 5000)
	return r
}

func TestFullDisk(t *testing.T) {
	c := config(tiny(t, ""))
	s := open(t, c)
	keep(t, s, bulky("before", 0))
	ids(t, s, call.Query{})
	empty := fill(t, filepath.Dir(c.Path))
	n := 0
	eventually(t, "degraded", func() bool {
		n++
		keep(t, s, bulky(fmt.Sprintf("during%04d", n), n))
		ids(t, s, call.Query{Limit: 1})
		return s.Degraded()
	})
	if got := ids(t, s, call.Query{Limit: 10_000}); len(got) != n+1 || got[n] != "before" {
		t.Errorf("%d calls can be read, want %d", len(got), n+1)
	}
	empty()
	eventually(t, "recovered", func() bool { return !s.Degraded() })
	shut(t, s)
	s = open(t, c)
	if got := ids(t, s, call.Query{Limit: 10_000}); len(got) != n+1 {
		t.Errorf("%d calls after a restart, want %d", len(got), n+1)
	}
	if len(s.Dropped()) != 0 {
		t.Errorf("dropped: %v", s.Dropped())
	}
	shut(t, s)
}

func TestDiskFullAtStart(t *testing.T) {
	c := config(tiny(t, ""))
	empty := fill(t, filepath.Dir(c.Path))
	s := open(t, c)
	if !s.Degraded() {
		t.Error("not degraded")
	}
	keep(t, s, record("a", 0))
	if got := ids(t, s, call.Query{}); len(got) != 1 {
		t.Errorf("memory has %v", got)
	}
	empty()
	eventually(t, "recovered", func() bool { return !s.Degraded() })
	shut(t, s)
	s = open(t, c)
	if got := ids(t, s, call.Query{}); len(got) != 1 {
		t.Errorf("the file has %v", got)
	}
	shut(t, s)
}

// TestNoInodeLeft: not even an empty file can be made.
func TestNoInodeLeft(t *testing.T) {
	c := config(tiny(t, ",nr_inodes=6"))
	var fillers []string
	for i := 0; ; i++ {
		name := filepath.Join(filepath.Dir(c.Path), fmt.Sprint("filler", i))
		if os.WriteFile(name, nil, 0o600) != nil {
			break
		}
		fillers = append(fillers, name)
	}
	s := open(t, c)
	keep(t, s, record("a", 0))
	if got := ids(t, s, call.Query{}); len(got) != 1 || !s.Degraded() {
		t.Errorf("memory has %v, degraded %v", got, s.Degraded())
	}
	for _, name := range fillers {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "recovered", func() bool { return !s.Degraded() })
	if got := ids(t, s, call.Query{}); len(got) != 1 {
		t.Errorf("the file has %v", got)
	}
	shut(t, s)
}

func TestDiskFullAfterAKill(t *testing.T) {
	c := config(tiny(t, ""))
	kill(t, c.Path, "20")
	empty := fill(t, filepath.Dir(c.Path))
	s := open(t, c)
	keep(t, s, record("new", 100))
	if got := ids(t, s, call.Query{}); len(got) == 0 || got[0] != "new" {
		t.Errorf("memory has %v", got)
	}
	empty()
	eventually(t, "recovered", func() bool { return !s.Degraded() })
	if list := s.Interrupted(); len(list) != 1 || list[0].Identity.ID != "live" {
		t.Errorf("interrupted: %v", list)
	}
	if r, err := s.Call(t.Context(), "live"); err != nil || r.End.Reason != "crash" {
		t.Errorf("stored: %+v, %v", r.End, err)
	}
	if got := ids(t, s, call.Query{}); len(got) != 23 {
		t.Errorf("%d calls, want 21 from before, the interrupted and the new one", len(got))
	}
	shut(t, s)
}

// TestAnothersDirectory opens as a user who may not: as nobody when the test
// runs as root.
func TestAnothersDirectory(t *testing.T) {
	c := config(t.TempDir())
	message := ""
	if os.Geteuid() != 0 {
		if err := os.Chmod(filepath.Dir(c.Path), 0o500); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), c)
		message = fmt.Sprint(err)
	} else {
		message = asNobody(t, c.Path)
	}
	if !strings.Contains(message, "permission denied") || !strings.Contains(message, "correct its owner") || !strings.Contains(message, c.Path) {
		t.Errorf("got %s", message)
	}
}

// asNobody runs the test's child with that file, as a user without rights.
func asNobody(t *testing.T, path string) (output string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "child")
	if err := errors.Join(os.WriteFile(exe, binary, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Dir, cmd.Env = dir, []string{childFile + "=" + path}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("nobody could open the file")
	}
	return string(out)
}
