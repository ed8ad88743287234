package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"

	"llmtap/internal/redact"
)

// Exit codes of the contract.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// environment is what a command sees of the process it runs in.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	environ        func() []string
	// restore gives signals their default meaning back, so that a second one
	// ends the process at once.
	restore context.CancelFunc
}

// usageError is a mistake of the operator: exit 2, no stack of causes.
type usageError struct{ err error }

// Error returns the text of the mistake.
func (e usageError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, v ...any) error { return usageError{fmt.Errorf(format, v...)} }

// exitError carries an exit status without a message (llmtap exec).
type exitError int

// Error is never shown.
func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

type cli struct {
	Run        runCmd        `cmd:"" help:"Run the agent: proxy, base-URL routes and admin listener, until SIGTERM."`
	Exec       execCmd       `cmd:"" help:"Run a command with its LLM calls recorded, then say what was seen."`
	Demo       demoCmd       `cmd:"" help:"Play the story of jupyter-ai#1208 on loopback: streams fail, plain calls work."`
	Env        envCmd        `cmd:"" help:"Print the environment that sends a client's calls through the running agent."`
	Records    recordCmds    `embed:""`
	CA         caCmd         `cmd:"" name:"ca" help:"Show, export or rotate the certificate authority."`
	Check      checkCmd      `cmd:"" help:"Check an endpoint, the running agent, or this machine's clients: ok, not ok or unknown, and why."`
	Faultllm   faultCmd      `cmd:"" help:"Run an LLM service with faults on demand, on loopback."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Completion completionCmd `cmd:"" help:"Print a shell completion script."`
}

// recordCmds read what was recorded.
type recordCmds struct {
	Calls    callsCmd    `cmd:"" help:"List recorded calls, newest first."`
	Show     showCmd     `cmd:"" help:"Show one call in full."`
	Diff     diffCmd     `cmd:"" help:"Show what differs between two calls, smallest explaining difference first."`
	Verdicts verdictsCmd `cmd:"" help:"List verdicts: what only the comparison of calls shows, with evidence and remedy."`
	Report   reportCmd   `cmd:"" help:"Write one self-contained HTML file to attach to an issue."`
	Tunnels  tunnelsCmd  `cmd:"" help:"List connections that were not looked into, and why."`
}

const description = `See what your LLM calls really do: who called, stream or plain, what came back, and why it failed.

Examples:
  llmtap demo --once
  llmtap exec -- python chat.py
  llmtap run --intercept llm.example.org
  llmtap calls --since 1h --outcome error`

// run is the whole program but for the process's own globals.
func run(ctx context.Context, restore context.CancelFunc, args []string, env environment) (code int) {
	env.restore = restore
	var c cli
	exited := false
	parser, err := kong.New(&c, kong.Name("llmtap"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(env.stdout, env.stderr), kong.Exit(func(int) { exited = true }), kong.Resolvers(variables(env)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}))
	if err != nil {
		return fail(env, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if exited {
		return exitOK
	}
	if err != nil {
		_, _ = fmt.Fprintf(env.stderr, "llmtap: %s\n  see: %s --help\n", cleanLines(err.Error()), commandOf(err))
		return exitUsage
	}
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(env, &c)
	if err := k.Run(); err != nil {
		return fail(env, err)
	}
	return exitOK
}

// variables reads the variables that flags name from the environment given.
func variables(env environment) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
		for _, name := range f.Tag.Envs {
			if v := env.getenv(name); v != "" {
				return v, nil
			}
		}
		return nil, nil
	})
}

// commandOf names the command whose help explains a parse error.
func commandOf(err error) string {
	var pe *kong.ParseError
	if errors.As(err, &pe) && pe.Context != nil {
		if n := pe.Context.Selected(); n != nil {
			return "llmtap " + n.Name
		}
	}
	return "llmtap"
}

func fail(env environment, err error) int {
	var status exitError
	switch {
	case errors.As(err, &status):
		return int(status)
	}
	_, _ = fmt.Fprintf(env.stderr, "llmtap: %s\n", cleanLines(redact.Text(err.Error(), 2000)))
	if _, usage := errors.AsType[usageError](err); usage {
		return exitUsage
	}
	return exitFailed
}

// logger writes text to a terminal and JSON elsewhere, redacted either way.
func logger(env environment, level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: redact.Attr}
	if isTerminal(env.stderr) {
		return slog.New(slog.NewTextHandler(env.stderr, opts))
	}
	return slog.New(slog.NewJSONHandler(env.stderr, opts))
}

// isTerminal tells a terminal from a file or pipe, and from the null device,
// which is a character device too: behind it nobody presses Ctrl-C.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	if err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(st, null)
}
