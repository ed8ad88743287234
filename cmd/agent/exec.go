package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type execCmd struct {
	flags   `embed:""`
	Summary string   `help:"Write what was seen as JSON to this file as well." placeholder:"FILE" type:"path"`
	Command []string `arg:"" passthrough:"" help:"The command and its arguments, after --."`
}

// Help shows examples.
func (execCmd) Help() string {
	return `Starts an agent on free ports, runs the command with the environment that sends its LLM calls through it, and
prints what it saw. The command's exit status, signals and terminal are its own.

Examples:
  llmtap exec -- python chat.py
  AZURE_OPENAI_ENDPOINT=https://llm.example.org llmtap exec -- jupyter lab
  llmtap exec --summary seen.json -- curl https://api.openai.com/v1/models`
}

// Run is the whole life of one command.
func (c *execCmd) Run(ctx context.Context, env environment) error {
	argv := c.Command
	if len(argv) > 0 && argv[0] == "--" {
		argv = argv[1:]
	}
	if len(argv) == 0 {
		return usagef("exec: no command; example: llmtap exec -- python chat.py")
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return usagef("%w; nothing was started", err)
	}
	found := endpoints(env.getenv)
	s, err := c.settings(env, found)
	if err != nil {
		return err
	}
	s.stateDir = besideAgent(ctx, s.stateDir)
	seen := &memory{}
	a, err := startAgent(context.WithoutCancel(ctx), s, parts{
		log: logger(env, max(s.run.level, slog.LevelWarn)), getenv: env.getenv, watch: watcher{record: seen.add, finding: seen.find}, shared: true, output: true,
	})
	if err != nil {
		return err
	}
	status, runErr := supervise(path, argv, env.outputs(a.listeners.logs), clientEnv(a.info.Proxy, s.stateDir, hostsOf(env, s, found)))
	tunnels := a.proxy.Tunnels()
	stopSoon(ctx, a, env)
	if runErr != nil {
		return runErr
	}
	if err := c.report(env, newSummary(seen, tunnels), a.sinks.kept); err != nil {
		return err
	}
	if status != 0 {
		return exitError(status)
	}
	return nil
}

// besideAgent keeps off the state of a running agent: a wider authority in its
// directory would not be the one that it signs with.
func besideAgent(ctx context.Context, dir string) string {
	a, runs := findAgent(ctx, dir)
	if !runs {
		return dir
	}
	_ = a.Close(ctx)
	return filepath.Join(dir, "exec")
}

// stopSoon ends an agent whose clients are gone.
func stopSoon(ctx context.Context, a *agent, env environment) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := a.stop(ctx, 2*time.Second); err != nil {
		_, _ = fmt.Fprintf(env.stderr, "llmtap: %v\n", err)
	}
}

// settings puts the agent on free ports and opens what the environment's
// endpoints need.
func (c *execCmd) settings(env environment, found []endpoint) (settings, error) {
	f := c.flags
	f.Listen, f.AdminListen, f.RouteListen = or(f.Listen, "127.0.0.1:0"), or(f.AdminListen, "127.0.0.1:0"), or(f.RouteListen, "127.0.0.1:0")
	for _, e := range found {
		hp := e.host + ":" + e.port
		if strings.Contains(e.host, ":") {
			hp = "[" + e.host + "]:" + e.port
		}
		f.Intercept = append(f.Intercept, hp)
		if e.private() {
			f.AllowPrivate = append(f.AllowPrivate, hp)
		}
	}
	return f.load(env)
}

func hostsOf(env environment, s settings, found []endpoint) clientHosts {
	h := clientHosts{noProxy: or(env.getenv("NO_PROXY"), env.getenv("no_proxy")), noTrust: s.policy.TunnelOnly}
	for _, e := range found {
		h.proxied = append(h.proxied, e.host)
		h.plainHTTP = h.plainHTTP || e.plain
	}
	for _, p := range s.policy.AllowPrivate {
		h.proxied = append(h.proxied, p.Host)
	}
	return h
}

// supervise runs the command and returns its exit status as a shell would see it.
func supervise(path string, argv []string, env environment, vars []variable) (int, error) {
	cmd := exec.Command(path, argv[1:]...)
	cmd.Args[0] = argv[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.stdin, env.stdout, env.stderr
	cmd.Env = env.environ()
	for _, v := range vars {
		cmd.Env = append(cmd.Env, v.name+"="+v.value)
	}
	cmd.WaitDelay = outputDelay
	broken := make(chan os.Signal, 1) // never received: while it is registered, a closed output is an error and not our end
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	signals := make(chan os.Signal, 8) // sent by the runtime, received below
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("exec %s: %w", path, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tty := isTerminal(env.stdin)
	for {
		select {
		case s := <-signals:
			// From a terminal the whole foreground group got these already.
			if !tty || (s != syscall.SIGINT && s != syscall.SIGQUIT) {
				_ = cmd.Process.Signal(s)
			}
		case err := <-done:
			return exitStatus(cmd.ProcessState, err)
		}
	}
}

// exitStatus reads how the command ended. What became of its output is no
// matter of its status.
func exitStatus(state *os.ProcessState, err error) (int, error) {
	if state == nil {
		return 0, fmt.Errorf("exec: wait: %w", err)
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return state.ExitCode(), nil
}

// report says what was seen, on stderr: stdout belongs to the command.
func (c *execCmd) report(env environment, m summary, kept string) error {
	if c.Summary != "" {
		if err := m.write(c.Summary); err != nil {
			return err
		}
	}
	p := palette{on: isTerminal(env.stderr) && env.getenv("NO_COLOR") == "" && env.getenv("TERM") != "dumb"}
	if err := m.print(env.stderr, p, moreHint(env, kept)); err != nil || !c.unread(env) {
		return err
	}
	sh := &sheet{w: env.stderr, p: p}
	sh.advice(unreadText)
	return sh.err
}
