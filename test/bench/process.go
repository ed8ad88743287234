package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a child of the driver.
type process struct {
	cmd  *exec.Cmd
	pids []int // with its children
	dir  string
}

// spawn starts a program with an environment of nothing but the named
// variables: whatever the machine exports must not reach it.
func spawn(dir string, out io.Writer, name string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, filepath.Base(name)+".log"))
	if err != nil {
		return nil, fmt.Errorf("bench: start %s: %w", name, err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	cmd.Stdout, cmd.Stderr = out, log
	if out == nil {
		cmd.Stdout = log
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true, // an interrupt is the driver's to pass on
		Pdeathsig: syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: start %s: %w", name, err)
	}
	return &process{cmd: cmd, pids: []int{cmd.Process.Pid}, dir: dir}, nil
}

// stop ends the child and waits for it.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		return errors.Join(errors.New("bench: stop child: it did not end"), <-done)
	}
}

// startRole runs this program as one of its roles and returns what it prints
// first: its address.
func startRole(dir, role string, args ...string) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("bench: find own binary: %w", err)
	}
	sub := filepath.Join(dir, role)
	if err := os.MkdirAll(sub, 0o700); err != nil {
		return nil, "", fmt.Errorf("bench: make directory: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, "", fmt.Errorf("bench: make pipe: %w", err)
	}
	defer func() { _ = r.Close() }()
	p, err := spawn(sub, w, self, append([]string{role, dir}, args...)...)
	_ = w.Close()
	if err != nil {
		return nil, "", err
	}
	_ = r.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("bench: start role %s: %w", role, err), p.stop())
	}
	return p, strings.TrimSpace(line), nil
}

// startAgent runs `llmtap run` on free ports and returns its proxy address.
func startAgent(ctx context.Context, dir, binary, upstream string, extra ...string) (*process, string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("bench: make directory: %w", err)
	}
	args := append([]string{
		"run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--state-dir", filepath.Join(dir, "state"),
		"--intercept", serverName, "--allow-private", upstream,
	}, extra...)
	p, err := spawn(dir, nil, binary, args...)
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var info struct{ Proxy string }
	ready := func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "state", "run.json"))
		return err == nil && json.Unmarshal(b, &info) == nil
	}
	if err := until(ctx, ready); err != nil {
		return nil, "", errors.Join(fmt.Errorf("bench: start %s: no run.json: %w", binary, err), p.stop())
	}
	u, err := url.Parse(info.Proxy)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("bench: read run.json: %w", err), p.stop())
	}
	return p, u.Host, nil
}

// until polls a condition until it holds or ctx is done.
func until(ctx context.Context, ok func() bool) error {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
	return nil
}
