package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Names of the targets.
const (
	direct     = "direct"
	tunnel     = "tunnel"
	mitm       = "mitm"
	nginx      = "nginx"
	relayFull  = "llmtap"
	relayBlind = "llmtap --tunnel-only"
	relayBare  = "llmtap without telemetry"
)

// target is one way to the upstream, with its warm connections.
type target struct {
	name  string
	at    address
	proc  *process // nil for direct
	conns []*client
}

// warm returns n connections that have each done one call.
func (t *target) warm(ctx context.Context, n int) ([]*client, error) {
	req := request(t.at.host, "/v1/chat/completions", `{"model":"bench"}`)
	for len(t.conns) < n {
		c, err := dialTarget(ctx, t.at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		t.conns = append(t.conns, c)
		if r, err := c.do(req, false); err != nil || r.status != 200 {
			return nil, fmt.Errorf("bench: warm %s: status %d, %w", t.name, r.status, err)
		}
	}
	return t.conns[:n], nil
}

// pids are the processes whose CPU and memory the target costs.
func (t *target) pids() []int {
	if t.proc == nil {
		return nil
	}
	return t.proc.pids
}

func (t *target) hangUp() {
	for _, c := range t.conns {
		c.close()
	}
	t.conns = nil
}

// field is everything that runs during a benchmark.
type field struct {
	dir      string
	agent    string // binary
	upstream string // host:port by name
	service  *process
	targets  []*target
	roots    *x509.CertPool // the upstream's
}

// openField starts the upstream and all targets in a directory of its own.
func openField(ctx context.Context, agent string) (f *field, err error) {
	f = &field{agent: agent}
	if f.agent, err = filepath.Abs(agent); err != nil {
		return nil, fmt.Errorf("bench: find agent: %w", err)
	}
	if f.dir, err = os.MkdirTemp("", "llmtap-bench-"); err != nil {
		return nil, fmt.Errorf("bench: make directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	var at string
	if f.service, at, err = startRole(f.dir, "upstream"); err != nil {
		return nil, err
	}
	f.upstream = byName(at)
	if f.roots, err = readRoots(f.path("upstream.crt")); err != nil {
		return nil, err
	}
	f.targets = append(f.targets, &target{name: direct, at: address{dial: at, host: f.upstream, roots: f.roots}})
	for _, start := range []func(context.Context, *field) (*target, error){startTunnel, startMITM, startReverse, startFull, startBlind, startBare} {
		t, err := start(ctx, f)
		if err != nil {
			return nil, err
		}
		f.targets = append(f.targets, t)
	}
	return f, nil
}

// byName writes a loopback address with the name that certificates carry.
func byName(addr string) string {
	return serverName + addr[len("127.0.0.1"):]
}

func (f *field) path(name string) string { return filepath.Join(f.dir, name) }

func startTunnel(_ context.Context, f *field) (*target, error) {
	p, at, err := startRole(f.dir, "tunnel")
	return f.through(tunnel, p, at, err)
}

func startMITM(_ context.Context, f *field) (*target, error) {
	p, at, err := startRole(f.dir, "mitm")
	t, err := f.through(mitm, p, at, err)
	return f.signedBy(t, "mitm.crt", err)
}

func startReverse(ctx context.Context, f *field) (*target, error) {
	p, at, err := startNginx(ctx, f.dir, f.upstream)
	t, err := f.through(nginx, p, at, err)
	if err != nil {
		return nil, err
	}
	t.at.connect = false
	t.proc.pids = tree(t.proc.cmd.Process.Pid)
	return f.signedBy(t, "nginx.crt", nil)
}

func startFull(ctx context.Context, f *field) (*target, error) {
	return f.newAgent(ctx, relayFull, "full")
}

// newAgent starts a fresh `llmtap run` that looks into everything.
func (f *field) newAgent(ctx context.Context, name, dir string) (*target, error) {
	p, at, err := startAgent(ctx, f.path(dir), f.agent, f.upstream, "--upstream-ca", f.path("upstream.crt"))
	t, err := f.through(name, p, at, err)
	return f.signedBy(t, filepath.Join(dir, "state", "ca", "ca.crt"), err)
}

func startBlind(ctx context.Context, f *field) (*target, error) {
	p, at, err := startAgent(ctx, f.path("blind"), f.agent, f.upstream, "--tunnel-only")
	return f.through(relayBlind, p, at, err)
}

func startBare(_ context.Context, f *field) (*target, error) {
	p, at, err := startRole(f.dir, "bare", f.upstream)
	t, err := f.through(relayBare, p, at, err)
	return f.signedBy(t, "bare/ca/ca.crt", err)
}

func (f *field) through(name string, p *process, at string, err error) (*target, error) {
	if err != nil {
		return nil, err
	}
	return &target{name: name, proc: p, at: address{dial: at, host: f.upstream, connect: true, roots: f.roots}}, nil
}

func (f *field) signedBy(t *target, file string, err error) (*target, error) {
	if err != nil {
		return nil, err
	}
	t.at.roots, err = readRoots(f.path(file))
	return t, err
}

// pids are all processes of the field, this one included.
func (f *field) pids() []int {
	out := append([]int{os.Getpid()}, f.service.pids...)
	for _, t := range f.targets {
		out = append(out, t.pids()...)
	}
	return out
}

func (f *field) close() error {
	var errs []error
	for _, t := range f.targets {
		t.hangUp()
		if t.proc != nil {
			errs = append(errs, t.proc.stop())
		}
	}
	if f.service != nil {
		errs = append(errs, f.service.stop())
	}
	return errors.Join(append(errs, os.RemoveAll(f.dir))...)
}
