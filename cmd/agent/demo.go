package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"

	"llmtap/capture"
	"llmtap/internal/call"
	"llmtap/internal/faultllm"
)

type demoCmd struct {
	flags `embed:""`
	Once  bool `help:"End after the story; exit 0 only if it saw what the story needs."`
}

// Help shows examples.
func (demoCmd) Help() string {
	return "Examples:\n  llmtap demo\n  llmtap demo --once\n  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 llmtap demo"
}

// Run plays the story of jupyter-ai#1208 with a real service, real TLS and the
// real proxy on loopback.
func (c *demoCmd) Run(ctx context.Context, env environment) (err error) {
	dir := c.StateDir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "llmtap-demo-"); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	svc, err := startService(ctx)
	if err != nil {
		return err
	}
	defer svc.stop()
	s, err := c.settings(env, svc, dir)
	if err != nil {
		return err
	}
	seen := &memory{}
	a, err := startAgent(context.WithoutCancel(ctx), s, parts{log: logger(env, s.run.level), getenv: env.getenv, watch: watcher{record: seen.add, finding: seen.find}})
	if err != nil {
		return err
	}
	st := &story{env: env, proxy: a.info.Proxy, base: "https://" + svc.addr, seen: seen}
	failure := st.play(ctx, a)
	if failure == nil && !c.Once {
		st.where(a, dir)
		<-ctx.Done()
	}
	stopSoon(ctx, a, env)
	return failure
}

func (c *demoCmd) settings(env environment, svc *service, dir string) (settings, error) {
	f := c.flags
	f.Listen, f.AdminListen, f.RouteListen = or(f.Listen, "127.0.0.1:0"), or(f.AdminListen, "127.0.0.1:0"), or(f.RouteListen, "127.0.0.1:0")
	f.StateDir, f.Trust.LogLevel = dir, or(f.Trust.LogLevel, "warn")
	s, err := f.load(env)
	if err != nil {
		return s, err
	}
	if s.policy.TunnelOnly {
		return s, usagef("demo: --tunnel-only decrypts nothing, so there would be nothing to show")
	}
	s.roots = svc.config.RootCAs
	hp, err := capture.ParseHostPort(svc.addr)
	if err != nil {
		return s, err
	}
	s.policy.Intercept = append(s.policy.Intercept, hp)
	s.policy.AllowPrivate = append(s.policy.AllowPrivate, hp)
	return s, nil
}

// service is the embedded fault service behind TLS: the company's gateway of
// the story, which refuses streams with an opaque 500.
type service struct {
	addr   string
	config *tls.Config // for clients that call it directly
	stop   func()
}

func startService(ctx context.Context) (*service, error) {
	cert, roots, err := faultllm.SelfSigned("localhost", "127.0.0.1")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = faultllm.New(faultllm.Config{}).Serve(ctx, l, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}})
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return &service{
		addr: "localhost:" + port, config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		stop: func() { cancel(); <-done },
	}, nil
}

// where tells what to look at next.
func (s *story) where(a *agent, dir string) {
	page := a.info.Admin + "/?token=" + url.QueryEscape(a.info.Token)
	s.say("\nIt stays up until Ctrl-C. Look at:\n")
	s.say("  calls       " + page + "\n")
	s.say("  metrics     " + a.info.Admin + "/metrics\n")
	s.say("  API         curl -H 'Authorization: Bearer " + a.info.Token + "' " + a.info.Admin + "/api/v1/calls\n")
	s.say("  commands    llmtap calls --state-dir " + dir + "\n")
	s.say("  Prometheus  scrape_configs: [{job_name: llmtap, static_configs: [{targets: ['" + a.listeners.admin.Addr().String() + "']}]}]\n")
	s.say("  Jaeger      OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 llmtap demo\n")
}

// check says what of the story is missing.
func (s *story) check(records []call.Record) error {
	var streams, plain, attempts int
	for i := range records {
		r := &records[i]
		switch {
		case r.Request.Mode == call.ModeStream && r.Response.Status == http.StatusInternalServerError:
			streams++
			attempts = max(attempts, r.Identity.Attempt)
		case r.Request.Mode == call.ModePlain && r.Response.Status == http.StatusOK && r.End.Terminal:
			plain++
		}
	}
	if streams != storyAttempts || attempts != storyAttempts || plain != storyPlain {
		return fmt.Errorf("demo: the story needs %d failed stream attempts of one logical call and %d plain successes; seen: %d (attempt %d) and %d",
			storyAttempts, storyPlain, streams, attempts, plain)
	}
	return nil
}
