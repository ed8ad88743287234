package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the driver's flags.
type options struct {
	agent  string
	rounds int
	quick  bool
	out    string
	only   string
}

// errMissed says that a figure misses its gate.
var errMissed = errors.New("a figure misses its gate")

// run is the driver, or, with the name of a role as first argument, one of its
// child processes. Exit status 1: a gate was missed (not with --quick).
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		if role, ok := roles()[args[0]]; ok {
			return exit(stderr, role(ctx, args[1:], stdin, stdout))
		}
	}
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.agent, "agent", "./bin/llmtap", "the llmtap binary to measure")
	fs.IntVar(&o.rounds, "rounds", 5, "how often each target is measured in each phase")
	fs.BoolVar(&o.quick, "quick", false, "a short smoke run: one small round, gates shown but not enforced")
	fs.StringVar(&o.out, "o", "", "write figures and samples as JSON to this file")
	fs.StringVar(&o.only, "only", "", "measure only phases whose name contains this")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	if o.quick {
		o.rounds = 1
	}
	err := drive(ctx, o, stdout)
	if o.quick && errors.Is(err, errMissed) {
		err = nil
	}
	return exit(stderr, err)
}

func exit(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintf(stderr, "bench: %v\n", err)
	return 1
}
