package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"llmtap/capture"
)

type envCmd struct {
	where  `embed:""`
	User   string `help:"Put this user and its token into the proxy's address (proxy.auth)." placeholder:"NAME"`
	Format string `help:"sh, fish, json, systemd, docker or jupyterhub." default:"sh" enum:"sh,fish,json,systemd,docker,jupyterhub"`
}

// Help shows examples.
func (envCmd) Help() string {
	return "Examples:\n  eval \"$(llmtap env)\" && python chat.py\n  llmtap env --format fish | source\n  llmtap env --format docker > llm.env && docker run --env-file llm.env …"
}

// Run prints the client environment of the running agent.
func (c *envCmd) Run(ctx context.Context, env environment) error {
	dir := c.dir(env)
	a, ok := findAgent(ctx, dir)
	if !ok {
		return noAgent(dir)
	}
	defer func() { _ = a.Close(ctx) }()
	if c.Format == "jupyterhub" {
		return c.jupyterhub(env, a.info, dir)
	}
	noProxy := or(env.getenv("NO_PROXY"), env.getenv("no_proxy"))
	proxy, err := withUser(a.info.Proxy, dir, c.User)
	if err != nil {
		return err
	}
	if err := c.sayPseudonym(env, dir); err != nil {
		return err
	}
	return writeEnv(env.stdout, c.Format, clientEnv(proxy, dir, clientHosts{noProxy: noProxy}))
}

// sayPseudonym tells, as a comment of the shell, how records name the user by
// default. Other formats are read by programs.
func (c *envCmd) sayPseudonym(env environment, dir string) error {
	if c.User == "" || (c.Format != "sh" && c.Format != "fish") {
		return nil
	}
	secret, err := installSecret(dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "# records name %s %s (identity.user: hash)\n", clean(c.User), namer(userHash, secret)(c.User))
	return err
}

// withUser adds a user and the token that proves it to the proxy's address.
func withUser(proxy, dir, user string) (string, error) {
	if user == "" {
		return proxy, nil
	}
	secret, err := installSecret(dir)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(proxy)
	if err != nil {
		return "", fmt.Errorf("env: %w", err)
	}
	u.User = url.UserPassword(user, capture.ProxyToken(secret, user))
	return u.String(), nil
}

// variable is one variable of a client's environment.
type variable struct{ name, value string }

// clientHosts is what the environment depends on beside the proxy's address.
type clientHosts struct {
	// plainHTTP: an endpoint is http://, so HTTP_PROXY is needed too.
	plainHTTP bool
	// noProxy is what the caller had set; proxied hosts are taken out of it,
	// direct ones put in.
	noProxy         string
	proxied, direct []string
	// noTrust leaves the trust variables out (--tunnel-only).
	noTrust bool
}

// clientEnv is the environment that sends a client's LLM calls through the
// agent: the variables of the table, filled in.
func clientEnv(proxy, stateDir string, h clientHosts) []variable {
	noProxy := withHosts(withoutHosts(or(h.noProxy, "localhost,127.0.0.1,::1"), h.proxied), h.direct)
	values := map[role]string{
		roleProxy: proxy, roleNoProxy: noProxy, roleSwitch: "1",
		roleReplaces: filepath.Join(stateDir, "ca", "bundle.crt"), roleAdds: filepath.Join(stateDir, "ca", "ca.crt"),
	}
	var out []variable
	for _, v := range clientVariables() {
		trust := v.role == roleReplaces || v.role == roleAdds
		if (v.plain && !h.plainHTTP) || (trust && h.noTrust) {
			continue
		}
		out = append(out, variable{v.name, values[v.role]})
	}
	return out
}

// withHosts adds hosts to a NO_PROXY list, unless they are there.
func withHosts(list string, hosts []string) string {
	entries := strings.Split(list, ",")
	for _, host := range hosts {
		if !slices.ContainsFunc(entries, func(e string) bool { return strings.TrimSpace(e) == host || strings.TrimSpace(e) == "*" }) {
			entries = append(entries, host)
		}
	}
	return strings.TrimLeft(strings.Join(entries, ","), ",")
}

// withoutHosts removes hosts from a NO_PROXY list, and the entries that would
// cover them: a domain above, a port of the host, a network around an address.
func withoutHosts(list string, hosts []string) string {
	var keep []string
	for entry := range strings.SplitSeq(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry != "" && !slices.ContainsFunc(hosts, func(h string) bool { return exempts(entry, h) }) {
			keep = append(keep, entry)
		}
	}
	return strings.Join(keep, ",")
}

// exempts reports whether one entry of NO_PROXY keeps host from the proxy.
func exempts(entry, host string) bool {
	entry, host = strings.ToLower(entry), strings.ToLower(host)
	if entry == "*" {
		return true
	}
	if h, _, err := net.SplitHostPort(entry); err == nil {
		entry = h
	}
	entry = strings.Trim(entry, "[]")
	if ip, err := netip.ParseAddr(host); err == nil {
		network, err := netip.ParsePrefix(entry)
		return entry == host || (err == nil && network.Contains(ip))
	}
	return strings.HasSuffix("."+host, "."+strings.TrimLeft(entry, "*."))
}

func writeEnv(w io.Writer, format string, vars []variable) error {
	if format == "json" {
		m := map[string]string{}
		for _, v := range vars {
			m[v.name] = v.value
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(m)
	}
	s := &sheet{w: w}
	for _, v := range vars {
		switch format {
		case "fish":
			s.print(fmt.Sprintf("set -gx %s %s\n", v.name, fishQuote(v.value)))
		case "systemd":
			s.print(fmt.Sprintf("Environment=\"%s=%s\"\n", v.name, strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(v.value)))
		case "docker":
			s.print(v.name + "=" + v.value + "\n")
		default:
			s.print("export " + v.name + "=" + shQuote(v.value) + "\n")
		}
	}
	return s.err
}

func shQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

// endpoint is a service that the environment names.
type endpoint struct {
	variable string
	host     string
	port     string
	plain    bool
	// route is the base-URL route that can take its calls; empty if none can.
	route string
	// url is the value as a URL.
	url *url.URL
	// standard: the environment does not name it, clients know it.
	standard bool
}

// address is HOST:PORT.
func (e endpoint) address() string { return net.JoinHostPort(e.host, e.port) }

// endpoints reads the table from an environment. Values that are no URL are
// not endpoints (OLLAMA_HOST may be a bare HOST:PORT).
func endpoints(getenv func(string) string) []endpoint {
	var out []endpoint
	for _, v := range endpointVariables() {
		if e, ok := v.endpoint(getenv(v.name)); ok {
			out = append(out, e)
		}
	}
	return out
}

// endpoint reads a value of the variable.
func (v endpointVariable) endpoint(value string) (endpoint, bool) {
	value = strings.TrimSpace(value)
	bare := v.name == ollamaHost && value != "" && !strings.Contains(value, "://")
	if bare {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return endpoint{}, false
	}
	e := endpoint{variable: v.name, host: u.Hostname(), port: u.Port(), plain: u.Scheme == "http", route: v.route, url: u}
	if ip, err := netip.ParseAddr(e.host); v.name == ollamaHost && (e.host == "" || err == nil && ip.IsUnspecified()) {
		e.host = "127.0.0.1" // the server's form: it listens on all addresses
	}
	if e.port == "" {
		e.port = map[bool]string{true: "80", false: "443"}[e.plain]
		if bare {
			e.port = "11434"
		}
	}
	if _, err := capture.ParseHostPort(e.address()); err != nil || e.host == "" {
		return endpoint{}, false
	}
	return e, true
}

// private reports whether the endpoint's name leads to a private or loopback
// address: then the operator named it, and it may be dialled.
func (e endpoint) private() bool {
	if e.standard {
		return loopback(e.host) // no answer about a public name opens anything
	}
	addrs, err := net.LookupHost(e.host)
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if ip := net.ParseIP(a); ip != nil && (ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()) {
			return true
		}
	}
	return false
}
