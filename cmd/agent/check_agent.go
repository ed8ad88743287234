package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"llmtap/capture/ca"
	"llmtap/internal/call"
	"llmtap/internal/check"
	"llmtap/internal/store"
)

// okLine, notOKLine and unknownLine make lines.
func okLine(name, format string, v ...any) check.Line {
	return check.Line{Name: name, State: check.OK, Reason: fmt.Sprintf(format, v...)}
}

func notOKLine(name, fix, format string, v ...any) check.Line {
	return check.Line{Name: name, State: check.NotOK, Reason: fmt.Sprintf(format, v...), Fix: fix}
}

func unknownLine(name, fix, format string, v ...any) check.Line {
	return check.Line{Name: name, Reason: fmt.Sprintf(format, v...), Fix: fix}
}

// agent checks the running agent of a state directory, or what is there
// without one.
func (c *checkCmd) agent(ctx context.Context, env environment, p *checkPrinter) {
	s, err := c.load(env)
	if err != nil {
		p.line(notOKLine("configuration", "Mend it, or see docs/configuration.md.", "%s", err.Error()))
	} else {
		p.line(okLine("configuration", "%s", or(labelled("valid:", c.Config), "valid: defaults, flags and LLMTAP_* variables")))
	}
	dir := c.dir(env)
	a, running := findAgent(ctx, dir)
	if running {
		defer func() { _ = a.Close(ctx) }()
		c.running(ctx, p, a)
	} else {
		p.line(notOKLine("agent", "Start one with llmtap run, or name its directory with --state-dir.", "none runs in %s", dir))
	}
	p.line(authorityLine(dir, s, time.Now()))
	p.line(keyFileLine(dir, s))
	p.line(storeLine(ctx, dir))
	if s.upstreamProxy == nil {
		p.line(okLine("upstream proxy", "none is configured"))
	} else {
		p.line(reachLine(ctx, "upstream proxy", s.upstreamProxy, "Is it running, and may this host reach it? (--upstream-proxy)"))
	}
	p.line(otlpLine(ctx, env))
	pid := os.Getpid()
	if running {
		pid = a.info.PID
	}
	p.line(fileLimitLine(pid))
}

// running asks the agent itself.
func (c *checkCmd) running(ctx context.Context, p *checkPrinter, a *adminClient) {
	p.line(okLine("agent", "pid %d answers on %s", a.info.PID, a.info.Admin))
	if err := readyz(ctx, a.info); err != nil {
		p.line(notOKLine("ready", "It is starting or draining; llmtap run says why in its log.", "%s", err.Error()))
	} else {
		p.line(okLine("ready", "/readyz answers 200"))
	}
	for _, l := range []struct{ name, address string }{{"proxy listener", a.info.Proxy}, {"base-URL listener", a.info.BaseURL}} {
		if u, err := url.Parse(l.address); l.address != "" && err == nil {
			p.line(reachLine(ctx, l.name, u, "Restart the agent."))
		}
	}
	p.line(degradedLine(ctx, a))
	p.line(clockLine(ctx, a, time.Now()))
	tunnels, err := a.tunnels(ctx)
	p.line(tunnelLine(tunnels, err))
	findings, err := a.Findings(ctx, false)
	for _, l := range verdictLines(findings, err) {
		p.line(l)
	}
}

// reachLine says whether the address of u takes connections.
func reachLine(ctx context.Context, name string, u *url.URL, fix string) check.Line {
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return notOKLine(name, fix, "%s takes no connections: %s", address, err.Error())
	}
	if err := conn.Close(); err != nil {
		return notOKLine(name, fix, "%s: %s", address, err.Error())
	}
	return okLine(name, "%s takes connections", address)
}

// authorityLine judges the certificate that clients must trust.
func authorityLine(dir string, s settings, now time.Time) check.Line {
	const name = "authority"
	info, _, err := ca.Inspect(filepath.Join(dir, "ca"))
	_, missing := os.Stat(filepath.Join(dir, "ca", "ca.crt"))
	switch {
	case err != nil && s.policy.TunnelOnly:
		return okLine(name, "none is needed: --tunnel-only")
	case errors.Is(missing, fs.ErrNotExist):
		return unknownLine(name, "It is made at the first llmtap run or llmtap exec.", "there is none in %s yet", dir)
	case err != nil:
		return notOKLine(name, "Mend the file's rights, or make a new one: llmtap ca rotate.", "%s", err.Error())
	case now.After(info.NotAfter):
		return notOKLine(name, "llmtap ca rotate, then restart agent and clients.", "expired on %s: connections are tunnelled unseen", info.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(info.NotBefore):
		return notOKLine(name, "Set this machine's clock.", "not valid before %s", info.NotBefore.UTC().Format(time.RFC3339))
	case info.ExpiresSoon:
		return notOKLine(name, "llmtap ca rotate, then restart agent and clients.", "expires on %s", info.NotAfter.UTC().Format(time.DateOnly))
	}
	return bundleLine(name, info)
}

// bundleLine looks into the file that replaces a client's roots.
func bundleLine(name string, info ca.Info) check.Line {
	own, err := os.ReadFile(info.CertPath)
	bundle, berr := os.ReadFile(info.BundlePath)
	switch err = errors.Join(err, berr); {
	case err != nil:
		return notOKLine(name, "Restart the agent: it writes the bundle anew.", "%s", err.Error())
	case !bytes.Contains(bundle, bytes.TrimSpace(own)):
		return notOKLine(name, "Restart the agent: it writes the bundle anew.", "%s does not hold the certificate in force", info.BundlePath)
	case bytes.Count(bundle, []byte("BEGIN CERTIFICATE")) < 2:
		return notOKLine(name, "Set SSL_CERT_FILE to the system's bundle when starting the agent.", "%s holds no system roots: clients that use it trust nothing else", info.BundlePath)
	}
	return okLine(name, "valid until %s, for %d names", info.NotAfter.UTC().Format(time.DateOnly), len(info.Names)+len(info.IPs))
}

// keyFileLine: whoever reads the key can pose as every intercepted host.
func keyFileLine(dir string, s settings) check.Line {
	const name = "authority's key"
	path := filepath.Join(dir, "ca", "ca.key")
	st, err := os.Stat(path)
	switch {
	case err != nil && s.policy.TunnelOnly:
		return okLine(name, "none is needed: --tunnel-only")
	case errors.Is(err, fs.ErrNotExist):
		return unknownLine(name, "", "there is none yet")
	case err != nil:
		return unknownLine(name, "Run this as the agent's user.", "%s", err.Error())
	case st.Mode().Perm()&0o077 != 0:
		return notOKLine(name, "chmod 600 "+path+", and llmtap ca rotate if others may have read it.", "others can read it (mode %#o)", st.Mode().Perm())
	}
	return okLine(name, "readable by its owner alone")
}

// storeLine reads the newest call and tries to write beside it.
func storeLine(ctx context.Context, dir string) check.Line {
	const name = "store"
	path := filepath.Join(dir, "calls.db")
	r, err := store.OpenReadOnly(ctx, path)
	if errors.Is(err, store.ErrNotFound) {
		return unknownLine(name, "", "nothing was recorded in %s yet", dir)
	}
	if err != nil {
		return notOKLine(name, "A damaged file is put aside at the next start.", "%s", err.Error())
	}
	_, err = r.Calls(ctx, call.Query{Limit: 1})
	if err = errors.Join(err, r.Close()); err != nil {
		return notOKLine(name, "A damaged file is put aside at the next start.", "%s", err.Error())
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return notOKLine(name, "Free space, or mend the directory's owner; run this as the agent's user.", "%s cannot be written: %s", dir, err.Error())
	}
	_, err = probe.Write(make([]byte, 4096))
	if err = errors.Join(err, probe.Close(), os.Remove(probe.Name())); err != nil {
		return notOKLine(name, "Free space in "+dir+".", "%s", err.Error())
	}
	return okLine(name, "readable, and its directory can be written")
}

// degradedLine asks the agent's own metric whether it can write its store.
func degradedLine(ctx context.Context, a *adminClient) check.Line {
	const name = "store of the agent"
	resp, err := a.request(ctx, "/metrics", nil)
	if err != nil {
		return unknownLine(name, "", "/metrics: %s", err.Error())
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	err = errors.Join(err, resp.Body.Close())
	switch {
	case err == nil && strings.Contains(string(text), "\nllmtap_store_degraded 1\n"):
		return notOKLine(name, "Free space in the state directory, or mend its owner: the agent goes on by itself.", "it cannot write: records are kept in memory only")
	case err == nil && strings.Contains(string(text), "\nllmtap_store_degraded 0\n"):
		return okLine(name, "it writes its records")
	}
	return unknownLine(name, "", "/metrics does not tell (%s)", resp.Status)
}

// otlpLine checks the collector that this environment names; the agent's own
// environment may name another.
func otlpLine(ctx context.Context, env environment) check.Line {
	const name = "OTLP endpoint"
	for _, v := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		text := env.getenv(v)
		if text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return notOKLine(name, "Write it as http://HOST:4318 or https://HOST.", "%s holds no address of that kind", v)
		}
		return reachLine(ctx, name, u, "Is the collector running there? ("+v+")")
	}
	return okLine(name, "none is set here: traces stay in the store")
}

// clockLine compares this machine's clock with what was recorded under it.
func clockLine(ctx context.Context, a *adminClient, now time.Time) check.Line {
	const name = "clock"
	newest, err := a.Calls(ctx, call.Query{Limit: 1})
	if err != nil {
		return unknownLine(name, "", "%s", err.Error())
	}
	if len(newest) > 0 && newest[0].Identity.Start.After(now.Add(time.Minute)) {
		return notOKLine(name, "Set this machine's clock (NTP).", "the newest call lies in the future (%s)", newest[0].Identity.Start.UTC().Format(time.RFC3339))
	}
	return okLine(name, "no recorded call lies in the future")
}

// tunnelLine sums up what was not looked into. Hosts that nobody listed are
// not meant to be.
func tunnelLine(list []call.Tunnel, err error) check.Line {
	const name = "tunnels"
	if err != nil {
		return unknownLine(name, "", "%s", err.Error())
	}
	var blind []string
	for _, t := range list {
		if t.Reason != "not_listed" {
			blind = append(blind, fmt.Sprintf("%s (%s)", t.Host, t.Reason))
		}
	}
	slices.Sort(blind)
	if blind = slices.Compact(blind); len(blind) > 0 {
		return unknownLine(name, "See llmtap tunnels for the reasons.", "%d not looked into, though listed: %s", len(blind), strings.Join(blind[:min(len(blind), 5)], ", "))
	}
	return okLine(name, "every listed host was looked into; %d others were passed on unseen", len(list))
}

// verdictLines: what is confirmed is broken; what is suspected may be.
func verdictLines(list []call.Finding, err error) []check.Line {
	const name = "verdicts"
	if err != nil {
		return []check.Line{unknownLine(name, "", "%s", err.Error())}
	}
	if len(list) == 0 {
		return []check.Line{okLine(name, "none is open")}
	}
	slices.SortStableFunc(list, func(a, b call.Finding) int { return cmp.Compare(a.State, b.State) })
	var out []check.Line
	for _, f := range list[:min(len(list), 10)] {
		l := check.Line{Name: name, Reason: f.State + " " + f.Verdict + ": " + f.Text}
		if f.State == "confirmed" {
			l.State = check.NotOK
		}
		if len(f.Remedy) > 0 {
			l.Fix = f.Remedy[0]
		}
		out = append(out, l)
	}
	return out
}
