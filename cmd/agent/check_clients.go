package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"llmtap/internal/check"
)

// trialProgram is a program of this machine that can ask for a URL; it prints
// the status code, or ends with an error.
type trialProgram struct {
	name string
	args []string
	// ignores says why the program may leave the proxy's variables unread.
	ignores string
}

func trialPrograms() []trialProgram {
	return []trialProgram{
		{"python3", []string{"-c", "import sys,urllib.request as r\nprint(r.urlopen(sys.argv[1],timeout=20).status)"}, "Was its environment cleared?"},
		{"node", []string{"-e", "fetch(process.argv[1],{signal:AbortSignal.timeout(20000)}).then(r=>console.log(r.status),e=>{console.error(String(e.cause&&(e.cause.code||e.cause.message)||e.message));process.exit(1)})"},
			"Node before 22.21 knows no proxy variables: use a newer one, or a base-URL route (--route)."},
		{"curl", []string{"-sS", "-o", os.DevNull, "-w", "%{http_code}", "--max-time", "20"}, "Does a .curlrc name another proxy?"},
	}
}

// trial is one program with its environment on a bench.
type trial struct {
	trialProgram
	path  string
	env   []string
	bench *trialBench
}

// clients proves the installation with the programs of this machine.
func (c *checkCmd) clients(ctx context.Context, env environment, p *checkPrinter) {
	dir := c.dir(env)
	s, err := c.load(env)
	if err != nil {
		p.line(notOKLine("configuration", "Mend it, or see docs/configuration.md.", "%s", err.Error()))
	}
	authority := authorityLine(dir, s, time.Now())
	p.line(authority)
	if authority.State == check.OK {
		c.tryAll(ctx, env, p, dir)
	} else {
		for _, program := range trialPrograms() {
			p.line(unknownLine(program.name, "", "not tried: the authority is not in order"))
		}
	}
	p.line(loopLine(dir, s))
	p.line(fileLimitLine(os.Getpid()))
}

func (c *checkCmd) tryAll(ctx context.Context, env environment, p *checkPrinter, dir string) {
	b, err := newTrialBench(dir)
	if err != nil {
		p.line(notOKLine("test service", "Run this as the agent's user.", "%s", err.Error()))
		return
	}
	vars := trialEnvironment(env, clientEnv(b.address, dir, clientHosts{noProxy: or(env.getenv("NO_PROXY"), env.getenv("no_proxy"))}))
	for _, program := range trialPrograms() {
		path := lookPath(env.getenv("PATH"), program.name)
		if path == "" {
			p.line(unknownLine(program.name, "", "not found in PATH"))
			continue
		}
		t := trial{program, path, vars, b}
		for _, l := range []check.Line{t.trusts(ctx), t.refuses(ctx), t.stays(ctx)} {
			p.line(l)
		}
	}
	if err := b.close(); err != nil {
		p.line(notOKLine("test service", "Try again.", "%s", err.Error()))
	}
}

// trialEnvironment puts variables over those of the process.
func trialEnvironment(env environment, vars []variable) []string {
	set := func(name string) bool {
		return slices.ContainsFunc(vars, func(v variable) bool { return v.name == name })
	}
	var out []string
	for _, v := range env.environ() {
		if name, _, _ := strings.Cut(v, "="); !set(name) {
			out = append(out, v)
		}
	}
	for _, v := range vars {
		out = append(out, v.name+"="+v.value)
	}
	return out
}

// lookPath finds a program in the caller's PATH, not in that of this process.
func lookPath(list, name string) string {
	for _, dir := range filepath.SplitList(list) {
		path := filepath.Join(dir, name)
		if st, err := os.Stat(path); err == nil && !st.IsDir() && st.Mode()&0o111 != 0 && filepath.IsAbs(path) {
			return path
		}
	}
	return ""
}

// ask runs the program on a URL: the code it printed, or its last words.
func (t trial) ask(ctx context.Context, url string) (code, complaint string) {
	ctx, cancel := context.WithTimeout(ctx, perTrial)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.path, append(slices.Clone(t.args), url)...)
	cmd.Env, cmd.WaitDelay = t.env, time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	complaint = lastWords(errs.String())
	if err == nil {
		return strings.TrimSpace(out.String()), complaint
	}
	var missing *exec.Error
	if complaint == "" || errors.As(err, &missing) {
		complaint = err.Error()
	}
	return "", complaint
}

// lastWords is the line of an error output that says why: the last one, unless
// curl adds where to read more.
func lastWords(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "curl: ") {
			return line
		}
	}
	return lines[len(lines)-1]
}

// trusts: a call to a listed name comes back through the proxy.
func (t trial) trusts(ctx context.Context) check.Line {
	name := t.name + " goes through, trusts"
	before := t.bench.hits.of(t.bench.permitted)
	code, complaint := t.ask(ctx, "https://"+t.bench.permitted+"/")
	switch {
	case code == "204":
		return okLine(name, "%s", t.path)
	case t.bench.hits.of(t.bench.permitted) == before:
		return notOKLine(name, t.ignores, "it did not go through the proxy: %s", complaint)
	}
	return notOKLine(name, "It trusts a store of its own: see the table of docs/clients.md for its variable.", "it went through the proxy, and the call failed: %s", or(complaint, code))
}

// refuses: what the authority's key signs for another name is worth nothing.
func (t trial) refuses(ctx context.Context) check.Line {
	name := t.name + " refuses other names"
	before := t.bench.hits.of(t.bench.foreign + refusedHit)
	code, complaint := t.ask(ctx, "https://"+t.bench.foreign+"/")
	t.bench.hits.settled(t.bench.foreign)
	switch {
	case code != "":
		return notOKLine(name, "It ignores name constraints or does not verify at all: whoever had the key could pose as any host to it.", "it took a certificate for %s (%s)", t.bench.foreign, code)
	case t.bench.hits.of(t.bench.foreign+refusedHit) == before:
		return unknownLine(name, "", "no certificate was refused; it ended before: %s", complaint)
	}
	return okLine(name, "%s", complaint)
}

// stays: hosts of NO_PROXY are reached without the proxy.
func (t trial) stays(ctx context.Context) check.Line {
	name := t.name + " honours NO_PROXY"
	before := t.bench.hits.of(directHit)
	_, complaint := t.ask(ctx, "https://"+t.bench.direct.Addr().String()+"/") // it fails there: nothing answers
	if t.bench.hits.of(directHit) > before {
		return okLine(name, "it went to 127.0.0.1 directly")
	}
	return notOKLine(name, "Local services (Ollama) would be called through the proxy: set no_proxy in both cases.", "it did not go to 127.0.0.1 directly: %s", complaint)
}

// loopLine: an agent whose corporate proxy is itself.
func loopLine(dir string, s settings) check.Line {
	const name = "proxy loop"
	if s.upstreamProxy == nil {
		return okLine(name, "none: no upstream proxy is configured, and the agent ignores HTTPS_PROXY")
	}
	if info, found := readRunInfo(dir); found && s.upstreamProxy.Host == runAddress(info.Proxy) {
		return notOKLine(name, "Give the corporate proxy's address, or none.", "--upstream-proxy is the agent itself")
	}
	return okLine(name, "none: %s is not the agent", s.upstreamProxy.Host)
}
