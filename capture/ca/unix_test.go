//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package ca_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"llmtap/capture/ca"
)

// The modes are part of the contract, whatever the umask of the service says.
func TestModesDoNotDependOnUmask(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o077} {
		cfg, _ := config(t)
		old := syscall.Umask(mask)
		_, err := ca.Open(cfg)
		syscall.Umask(old)
		if err != nil {
			t.Fatalf("umask %04o: %v", mask, err)
		}
		for file, want := range map[string]os.FileMode{"ca.key": 0o600, "ca.crt": 0o644, "bundle.crt": 0o644, "": 0o700} {
			info, err := os.Stat(filepath.Join(cfg.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("umask %04o: mode of %q = %04o, want %04o", mask, file, got, want)
			}
		}
	}
}

// A second process waits until the first one has written everything.
func TestOpenWaitsForAnotherProcess(t *testing.T) {
	cfg, _ := config(t)
	want := mustOpen(t, cfg).Info().Fingerprint
	held, err := os.Open(cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err = syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	type result struct {
		a   *ca.Authority
		err error
	}
	done := make(chan result, 1) // one result, so that the goroutine always ends
	go func() {
		a, err := ca.Open(cfg)
		done <- result{a, err}
	}()
	select {
	case r := <-done:
		t.Errorf("Open did not wait: %v", r.err)
	default:
	}
	if err = held.Close(); err != nil {
		t.Fatal(err)
	}
	r := <-done
	if r.err != nil || r.a.Info().Fingerprint != want {
		t.Errorf("Open after the wait: %v", r.err)
	}
}

// A key in a mounted secret is a link; what counts is the file behind it.
func TestLinkedKeyIsJudgedByItsTarget(t *testing.T) {
	for mode, want := range map[os.FileMode]error{0o600: nil, 0o640: ca.ErrUnsafeKey} {
		cfg, _ := config(t)
		mustOpen(t, cfg)
		key, target := filepath.Join(cfg.Dir, "ca.key"), filepath.Join(t.TempDir(), "key")
		if err := os.Rename(key, target); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(target, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, key); err != nil {
			t.Fatal(err)
		}
		if err := openError(t, cfg); !errors.Is(err, want) {
			t.Errorf("target of mode %04o: Open = %v, want %v", mode, err, want)
		}
	}
}
