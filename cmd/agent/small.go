package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"llmtap/internal/call"
	"llmtap/internal/faultllm"
)

type versionCmd struct{}

// version is the release; the revision comes from the build.
const version = "0.1.0"

// Run prints version, revision and Go version.
func (versionCmd) Run(env environment) error {
	_, err := fmt.Fprintf(env.stdout, "llmtap %s %s %s %s/%s\n", version, revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func revision() string {
	if bi, ok := debug.ReadBuildInfo(); ok {
		for _, s := range bi.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return s.Value[:12]
			}
		}
	}
	return "unknown"
}

type tunnelsCmd struct {
	where `embed:""`
	JSON  bool `name:"json" help:"One JSON object a line."`
}

// Run lists what the running agent did not look into.
func (c *tunnelsCmd) Run(ctx context.Context, env environment) error {
	src, err := c.open(ctx, env)
	if err != nil {
		return err
	}
	agent, ok := src.(*adminClient)
	if !ok {
		return errors.Join(fmt.Errorf("no agent runs in %s, and only a running one knows its tunnels; start one with: llmtap run", c.dir(env)), src.Close(ctx))
	}
	list, err := agent.tunnels(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(env.stdout)
		for _, t := range list {
			if err := enc.Encode(t); err != nil {
				return err
			}
		}
		return nil
	}
	return printTunnels(env.stdout, colours(env), list)
}

// printTunnels writes a table of at most 100 columns, with the reason in words
// and the remedy below each row.
func printTunnels(w io.Writer, p palette, list []call.Tunnel) error {
	s := &sheet{w: w, p: p}
	if len(list) == 0 {
		s.print("every connection so far was looked into\n")
		return s.err
	}
	row := func(host, reason, count, bytes, since string) string {
		return fit(host, 45, false) + " " + fit(reason, 20, false) + " " + fit(count, 6, true) + " " + fit(bytes, 13, true) + " " + since
	}
	s.print(p.paint(ansiBold, row("HOST", "REASON", "COUNT", "BYTES", "SINCE")) + "\n")
	for _, t := range list {
		s.print(row(net.JoinHostPort(t.Host, fmt.Sprint(t.Port)), t.Reason, fmt.Sprint(t.Count), fmt.Sprint(t.Up+t.Down),
			t.Since.Local().Format("15:04:05")) + "\n")
		s.advice(t.Detail, t.Remedy)
	}
	return s.err
}

type faultCmd struct {
	Listen string `help:"Address to serve on; loopback only." default:"127.0.0.1:4199" placeholder:"ADDR"`
	TLS    bool   `name:"tls" help:"Serve TLS with a throw-away certificate for localhost; its CA goes to --ca-out."`
	CAOut  string `name:"ca-out" help:"Where to write the throw-away CA (default: printed path in the temp directory)." placeholder:"FILE"`
	List   bool   `help:"List the scenarios and end."`
}

// Help shows examples.
func (faultCmd) Help() string {
	return "The scenario is the Azure deployment name or the body's model:\n  curl http://127.0.0.1:4199/v1/chat/completions \\\n    -d '{\"model\":\"stream-500-apim\",\"stream\":true,\"messages\":[]}'"
}

// Run serves the fault service until a signal, or lists its scenarios.
func (c *faultCmd) Run(ctx context.Context, env environment) error {
	if c.List {
		for _, s := range faultllm.Scenarios() {
			if _, err := fmt.Fprintf(env.stdout, "%-18s %-26s %s\n", s.ID, s.Class, s.Does); err != nil {
				return err
			}
		}
		return nil
	}
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !loopback(host) {
		return usagef("--listen %s: the fault service is a test service: loopback only, for example 127.0.0.1:4199", c.Listen)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return usageError{occupied("listen", c.Listen, err)}
	}
	scheme, conf := "http", (*tls.Config)(nil)
	if c.TLS {
		scheme = "https"
		cert, _, err := faultllm.SelfSigned("localhost", "127.0.0.1")
		if err != nil {
			return err
		}
		conf = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}}
		path := or(c.CAOut, filepath.Join(os.TempDir(), "llmtap-faultllm-ca.crt"))
		if err := writeAtomic(path, chainPEM(cert), 0o644); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(env.stdout, "trust this CA: %s\n", path); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(env.stdout, "fault service on %s://%s (scenarios: /scenarios)\n", scheme, l.Addr()); err != nil {
		return err
	}
	return faultllm.New(faultllm.Config{Logger: logger(env, slog.LevelInfo)}).Serve(ctx, l, conf)
}
