package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"llmtap/internal/check"
)

type checkCmd struct {
	flags   `embed:""`
	URL     string     `arg:"" optional:"" help:"Endpoint to check: a base URL or the full address of a call. Without it: the running agent."`
	Ready   bool       `help:"Only ask /readyz of the running agent (container health check)."`
	Clients bool       `help:"Prove with this machine's python3, node and curl that the installation's environment and authority work."`
	Probe   bool       `help:"Allow a few short calls that spend tokens."`
	JSON    bool       `name:"json" help:"One JSON object a line."`
	Names   checkNames `embed:""`
}

// checkNames are what the URL does not say.
type checkNames struct {
	Deployment string `help:"Azure deployment." placeholder:"NAME"`
	Model      string `help:"Model." placeholder:"NAME"`
	APIVersion string `name:"api-version" help:"Azure api-version." placeholder:"DATE"`
	KeyEnv     string `name:"key-env" help:"Variable that holds the key (default: the provider's own, for example OPENAI_API_KEY)." placeholder:"NAME"`
}

// Help shows examples.
func (checkCmd) Help() string {
	return `Exit status 1 if anything is not ok.
Examples:
  llmtap check
  llmtap check https://contoso.openai.azure.com --deployment chat --api-version 2024-10-21
  llmtap check https://api.openai.com/v1 --model gpt-4o-mini --probe
  llmtap check --clients`
}

// Run goes through one of the lists.
func (c *checkCmd) Run(ctx context.Context, env environment) error {
	switch {
	case c.URL != "" && (c.Ready || c.Clients), c.Ready && c.Clients:
		return usagef("a URL, --ready and --clients are three different checks: give one")
	case c.Ready:
		return c.ready(ctx, env)
	case c.URL != "":
		return c.endpoint(ctx, env)
	}
	p := c.printer(env)
	if c.Clients {
		c.clients(ctx, env, p)
	} else {
		c.agent(ctx, env, p)
	}
	return p.end()
}

// dir is the state directory of the agent that is asked.
func (c *checkCmd) dir(env environment) string { return where{StateDir: c.StateDir}.dir(env) }

func (c *checkCmd) ready(ctx context.Context, env environment) error {
	info, ok := readRunInfo(c.dir(env))
	if !ok {
		return noAgent(c.dir(env))
	}
	if err := readyz(ctx, info); err != nil {
		return err
	}
	_, err := fmt.Fprintln(env.stdout, "ready")
	return err
}

// readyz asks an agent whether it is ready.
func readyz(ctx context.Context, info runInfo) error {
	a := newAdminClient(info, 5*time.Second)
	defer a.http.CloseIdleConnections()
	resp, err := a.request(ctx, "/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask %s/readyz: %w", info.Admin, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s/readyz answered %s", info.Admin, resp.Status)
	}
	return nil
}

// endpoint checks the way to a service and what it answers.
func (c *checkCmd) endpoint(ctx context.Context, env environment) error {
	e, err := check.Parse(c.URL, check.Names{Deployment: c.Names.Deployment, Model: c.Names.Model, APIVersion: c.Names.APIVersion})
	if err != nil {
		return usageError{err}
	}
	s, err := c.load(env)
	if err != nil {
		return err
	}
	key, err := c.key(env, e)
	if err != nil {
		return err
	}
	path := check.Path{
		Lookup: net.DefaultResolver.LookupHost, Dial: (&net.Dialer{}).DialContext, Roots: s.roots, Now: time.Now,
		Proxy: environmentProxy(env.getenv, e.URL),
	}
	if s.upstreamProxy != nil {
		path.Proxy = check.Proxy{URL: s.upstreamProxy, From: "--upstream-proxy"}
	}
	if info, found := readRunInfo(c.dir(env)); found {
		path.Own = []string{runAddress(info.Proxy), runAddress(info.Admin)}
		if u := path.Proxy.URL; u != nil && u.Host == runAddress(info.Proxy) {
			path.Proxy = check.Proxy{From: path.Proxy.From + " leads to the running llmtap: checked without it"}
		}
	}
	p := c.printer(env, key.Value)
	if c.Probe {
		calls, in, out := check.Budget()
		p.note(env, fmt.Sprintf("--probe: at most %d calls, about %d tokens in and %d out", calls, in, out))
	}
	check.Run(ctx, check.Config{Endpoint: e, Path: path, Key: key, Probe: c.Probe, Call: observedCall(s, e.URL, path.Proxy.URL)}, p.line)
	return p.end()
}

// key reads the key from the variable that was named, or from the provider's.
func (c *checkCmd) key(env environment, e check.Endpoint) (check.Key, error) {
	names := e.KeyVariables()
	if c.Names.KeyEnv != "" {
		names = []string{c.Names.KeyEnv}
		if env.getenv(c.Names.KeyEnv) == "" {
			return check.Key{}, usagef("--key-env %s: that variable is not set, or is empty", c.Names.KeyEnv)
		}
	}
	for _, name := range names {
		v := env.getenv(name)
		if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return check.Key{}, usagef("the key in %s has a blank, a line break or a character beyond ASCII in it", name)
		}
		if v != "" {
			return check.Key{From: name, Value: v}, nil
		}
	}
	return check.Key{}, nil
}

// environmentProxy is the proxy that clients with this environment take to u,
// and the variable that says so.
func environmentProxy(getenv func(string) string, u *url.URL) check.Proxy {
	names := []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}
	if u.Scheme == "http" {
		names = []string{"http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"}
	}
	for _, no := range []string{"NO_PROXY", "no_proxy"} {
		for entry := range strings.SplitSeq(getenv(no), ",") {
			if entry = strings.TrimSpace(entry); entry != "" && exempts(entry, u.Hostname()) {
				return check.Proxy{From: no + " names " + entry}
			}
		}
	}
	for _, name := range names {
		text := getenv(name)
		if text == "" {
			continue
		}
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		if p, err := url.Parse(text); err == nil && p.Host != "" && (p.Scheme == "http" || p.Scheme == "https") {
			return check.Proxy{URL: p, From: name}
		}
		return check.Proxy{From: name + " holds no http:// address and is left out"}
	}
	return check.Proxy{}
}

// runAddress is HOST:PORT of an address in run.json.
func runAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
