package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type runCmd struct {
	flags `embed:""`
}

// Help shows examples.
func (runCmd) Help() string {
	return `Examples:
  llmtap run
  llmtap run --config /etc/llmtap.yaml
  llmtap run --intercept llm.example.org --upstream-ca corp-ca.pem
  llmtap run --route azure=https://contoso.openai.azure.com`
}

// Run is the long-lived agent: until a signal, then drained. A second signal
// ends it at once.
func (c *runCmd) Run(ctx context.Context, env environment) error {
	s, err := c.load(env)
	if err != nil {
		return err
	}
	log := logger(env, s.run.level)
	service, err := hubService(env)
	if err != nil {
		return err
	}
	a, err := startAgent(context.WithoutCancel(ctx), s, parts{log: log, getenv: env.getenv, service: service})
	if err != nil {
		return err
	}
	settle()
	log.Info("llmtap is ready", "proxy", a.info.Proxy, "admin", a.info.Admin, "base_url", a.info.BaseURL, "state", s.stateDir,
		"next", "point clients here: eval \"$(llmtap env)\"")
	notify(env, log, serviceReady)
	failed := c.wait(ctx, env, a, log)
	env.restore() // a second signal now has its default meaning
	log.Info("draining", "grace", s.run.grace.String())
	notify(env, log, serviceStopping)
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.run.grace+15*time.Second)
	defer cancel()
	if err := a.stop(stopCtx, s.run.grace); err != nil {
		log.Warn("stopped with errors", "error", err)
	}
	if failed != nil {
		return fmt.Errorf("run: %w", failed)
	}
	return nil
}

// wait returns at a signal, or with the error of a listener. SIGHUP reads the
// settings again; only the hosts take effect without a restart.
func (c *runCmd) wait(ctx context.Context, env environment, a *agent, log *slog.Logger) error {
	hup := make(chan os.Signal, 1) // sent by the runtime, received below
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	look := time.NewTicker(burstWait)
	defer look.Stop()
	var calm burst
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			if _, rs := a.proxy.Stats(); calm.over(rs.Handshake.Count()) {
				giveBack()
			}
		case err := <-a.failed:
			return err
		case <-hup:
			s, err := c.load(env)
			reloaded(a, s, err)
			if err != nil {
				log.Error("the settings were not reloaded, the old ones stay", "error", err)
				continue
			}
			log.Info("settings reloaded: intercepted and allowed hosts; all else needs a restart")
		}
	}
}
