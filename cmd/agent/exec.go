package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

type execCmd struct {
	flags   `embed:""`
	BaseURL bool     `name:"base-url" help:"For programs that heed no proxy: put base-URL routes into the endpoint variables."`
	Summary string   `help:"Write what was seen as JSON to this file as well." placeholder:"FILE" type:"path"`
	Command []string `arg:"" passthrough:"" help:"The command and its arguments, after --."`
}

// Help shows examples.
func (execCmd) Help() string {
	return `Starts an agent on free ports, runs the command with the environment that sends its LLM calls through it, and
prints what it saw. The command's exit status, signals and terminal are its own.

A program that heeds no proxy (Node before 22.21, bare aiohttp) is named at the end if it was seen to call a model host
directly. --base-url reaches it: OPENAI_BASE_URL, AZURE_OPENAI_ENDPOINT, ANTHROPIC_BASE_URL and the like then lead to
http://127.0.0.1:PORT/ROUTE/… and from there to the service. It may change the call: LangChain's ChatOpenAI asks for no
token usage of streams (stream_options) once its address is not the default. Which client needs what: docs/clients.md

Examples:
  llmtap exec -- python chat.py
  AZURE_OPENAI_ENDPOINT=https://llm.example.org llmtap exec -- jupyter lab
  llmtap exec --base-url -- node chat.mjs
  llmtap exec --summary seen.json -- curl https://api.openai.com/v1/models`
}

// Run is the whole life of one command.
func (c *execCmd) Run(ctx context.Context, env environment) error {
	path, argv, err := c.command()
	if err != nil {
		return err
	}
	p, err := c.plan(env)
	if err != nil {
		return err
	}
	p.set.stateDir = besideAgent(ctx, p.set.stateDir)
	seen := &memory{}
	a, err := startAgent(context.WithoutCancel(ctx), p.set, parts{
		log: logger(env, max(p.set.run.level, slog.LevelWarn)), getenv: env.getenv, watch: watcher{record: seen.add, finding: seen.find}, shared: true, output: true,
	})
	if err != nil {
		return err
	}
	vars := p.clientEnv(env, a)
	watch := c.watchDirect(env, p.named, vars)
	status, runErr := supervise(path, argv, env.outputs(a.listeners.logs), supervised{vars, watch.start})
	direct, tunnels := watch.end(), a.proxy.Tunnels()
	stopSoon(ctx, a, env)
	if runErr != nil {
		return runErr
	}
	m := newSummary(seen, tunnels)
	m.Direct, m.Routes = direct, p.routed
	if err := c.report(env, m, a.sinks.kept); err != nil {
		return err
	}
	if status != 0 {
		return exitError(status)
	}
	return nil
}

// command is the program's path and its arguments.
func (c *execCmd) command() (path string, argv []string, err error) {
	argv = c.Command
	if len(argv) > 0 && argv[0] == "--" {
		argv = argv[1:]
	}
	if len(argv) == 0 {
		return "", nil, usagef("exec: no command; example: llmtap exec -- python chat.py")
	}
	if path, err = exec.LookPath(argv[0]); err != nil {
		return "", nil, usagef("%w; nothing was started", err)
	}
	return path, argv, nil
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

// execPlan is what the environment and the flags make of the agent.
type execPlan struct {
	set settings
	// named are the endpoints that the environment names, found those and what
	// --base-url fills in.
	named, found []endpoint
	// routed are the endpoints that get a base-URL route.
	routed []reroute
}

// plan puts the agent on free ports and opens what the endpoints need, with
// --base-url routes to them.
func (c *execCmd) plan(env environment) (p execPlan, err error) {
	f := c.flags
	f.Listen, f.AdminListen, f.RouteListen = or(f.Listen, "127.0.0.1:0"), or(f.AdminListen, "127.0.0.1:0"), or(f.RouteListen, "127.0.0.1:0")
	p.named = endpoints(env.getenv)
	p.found = p.named
	if c.BaseURL {
		p.found = append(slices.Clone(p.named), filled(env.getenv)...)
	}
	for _, e := range p.found {
		if !e.standard { // those are known hosts; and --base-url must not change the authority
			f.Intercept = append(f.Intercept, e.address())
		}
		if e.private() {
			f.AllowPrivate = append(f.AllowPrivate, e.address())
		}
	}
	if p.set, err = f.load(env); err != nil || !c.BaseURL {
		return p, err
	}
	p.routed = reroutes(p.found, p.set.routes)
	for _, r := range p.routed {
		f.Route = append(f.Route, r.flag())
	}
	p.set, err = f.load(env) // again: what holds for routes must hold for ours
	return p, err
}

// clientEnv is the command's environment beside what it had.
func (p execPlan) clientEnv(env environment, a *agent) []variable {
	h := clientHosts{noProxy: or(env.getenv("NO_PROXY"), env.getenv("no_proxy")), noTrust: p.set.policy.TunnelOnly}
	for _, e := range p.found {
		if len(p.routed) > 0 && e.route != "" {
			continue // the client has the route's address
		}
		h.proxied = append(h.proxied, e.host)
		h.plainHTTP = h.plainHTTP || e.plain
	}
	for _, private := range p.set.policy.AllowPrivate {
		h.proxied = append(h.proxied, private.Host)
	}
	if u, err := url.Parse(a.info.BaseURL); err == nil && len(p.routed) > 0 {
		h.direct = []string{u.Hostname()}
	}
	vars := clientEnv(a.info.Proxy, p.set.stateDir, h)
	for _, r := range p.routed {
		vars = append(vars, r.variable(a.info.BaseURL))
	}
	return vars
}

// supervised is what a command gets beside our own environment.
type supervised struct {
	vars []variable
	// started hears of its process, once.
	started func(pid int)
}

// supervise runs the command and returns its exit status as a shell would see it.
func supervise(path string, argv []string, env environment, with supervised) (int, error) {
	cmd := exec.Command(path, argv[1:]...)
	cmd.Args[0] = argv[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.stdin, env.stdout, env.stderr
	cmd.Env = env.environ()
	for _, v := range with.vars {
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
	with.started(cmd.Process.Pid)
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
