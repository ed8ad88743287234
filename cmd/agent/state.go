package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// runInfo is <state-dir>/run.json: where a running agent can be reached.
type runInfo struct {
	PID     int    `json:"pid"`
	Proxy   string `json:"proxy"`
	Admin   string `json:"admin"`
	BaseURL string `json:"base_url,omitempty"`
	Token   string `json:"token"`
}

const runFile = "run.json"

// openStateDir makes the directory ours alone and says what to do if it cannot.
func openStateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("state directory %s: %w; choose another with --state-dir DIR", dir, err)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("state directory %s cannot be written: %w; mend its owner or choose another with --state-dir DIR", dir, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()), os.Chmod(dir, 0o700)) //nolint:gosec // a directory
}

// installSecret keys all digests and proxy tokens of this installation.
func installSecret(dir string) ([]byte, error) {
	path := filepath.Join(dir, "secret")
	b, err := os.ReadFile(path)
	switch {
	case err == nil && len(b) == 32:
		return b, nil
	case err == nil:
		return nil, fmt.Errorf("%s is damaged (%d bytes, want 32): delete it; digests of earlier calls will not match later ones", path, len(b))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read install secret: %w", err)
	}
	b = make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("make install secret: %w", err)
	}
	return b, writeAtomic(path, b, 0o600)
}

// writeAtomic puts a whole file in place or leaves the old one.
func writeAtomic(path string, b []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, werr := tmp.Write(b)
	if err := errors.Join(werr, tmp.Chmod(mode), tmp.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(tmp.Name()))
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (i runInfo) write(dir string) error {
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", runFile, err)
	}
	return writeAtomic(filepath.Join(dir, runFile), append(b, '\n'), 0o600)
}

// readRunInfo reads what the last agent of a state directory published; ok is
// false when no process has its pid. A pid may have gone to another process
// since: findAgent asks.
func readRunInfo(dir string) (runInfo, bool) {
	var i runInfo
	b, err := os.ReadFile(filepath.Join(dir, runFile))
	if err != nil || json.Unmarshal(b, &i) != nil || i.PID <= 0 {
		return runInfo{}, false
	}
	if err := syscall.Kill(i.PID, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return runInfo{}, false
	}
	return i, true
}
