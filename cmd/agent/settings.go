package main

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"llmtap/capture"
	"llmtap/internal/serverlog/tail"
)

// flags are the options that run, exec and demo share. Precedence: flag, then
// LLMTAP_* variable, then file, then default; an empty one is "not given".
type flags struct {
	Config        string     `help:"YAML file with settings." type:"path" env:"LLMTAP_CONFIG" placeholder:"FILE"`
	Listen        string     `help:"Address of the forward proxy (127.0.0.1:4141)." env:"LLMTAP_LISTEN" placeholder:"ADDR"`
	AdminListen   string     `help:"Address of /metrics and the API (127.0.0.1:4142)." env:"LLMTAP_ADMIN_LISTEN" placeholder:"ADDR"`
	StateDir      string     `help:"Where the authority and the records live." env:"LLMTAP_STATE_DIR" placeholder:"DIR"`
	Intercept     []string   `help:"Look into this host as well (HOST or HOST:PORT)." env:"LLMTAP_INTERCEPT" placeholder:"HOST"`
	AllowPrivate  []string   `help:"Allow dialling this private or loopback destination." env:"LLMTAP_ALLOW_PRIVATE" placeholder:"HOST:PORT"`
	Route         []string   `help:"Base-URL route, for example openai=https://api.openai.com/v1." env:"LLMTAP_ROUTE" placeholder:"NAME=URL"`
	RouteListen   string     `help:"Address of the base-URL routes (127.0.0.1:4143)." env:"LLMTAP_ROUTE_LISTEN" placeholder:"ADDR"`
	UpstreamProxy string     `help:"Corporate proxy for every upstream connection." env:"LLMTAP_UPSTREAM_PROXY" placeholder:"URL"`
	UpstreamCA    string     `name:"upstream-ca" help:"PEM file of further roots for upstreams and an https:// upstream proxy." env:"LLMTAP_UPSTREAM_CA" type:"path" placeholder:"FILE"`
	Content       string     `help:"Keep bodies in the record: off (default) or redacted." env:"LLMTAP_CONTENT" placeholder:"off|redacted"`
	Trust         trustFlags `embed:""`
}

// trustFlags are the switches that decide what is decrypted and for whom.
type trustFlags struct {
	TunnelOnly toggle `help:"Tunnel everything, decrypt nothing; needs no authority." env:"LLMTAP_TUNNEL_ONLY"`
	Strict     toggle `help:"Refuse what cannot be looked into instead of tunnelling it." env:"LLMTAP_STRICT"`
	ProxyAuth  string `help:"Tokens in Proxy-Authorization: none (loopback only), optional or required." env:"LLMTAP_PROXY_AUTH" placeholder:"MODE"`
	LogLevel   string `help:"Log from this level: debug, info, warn or error." env:"LLMTAP_LOG_LEVEL" placeholder:"LEVEL"`
	// WatchLog names logs of Jupyter servers; {user} in a path names the user.
	WatchLog []string `help:"Read this log of a Jupyter server: it tells of calls that never left. * and {user} stand for names." env:"LLMTAP_WATCH_LOG" placeholder:"FILE"`
	Limits   limits   `embed:""`
}

// limits are the settings that belong in a file rather than on a command line;
// the variables are for containers.
type limits struct {
	Drain         string `hidden:"" help:"How long live calls may take to finish at the end." env:"LLMTAP_DRAIN"`
	StoreMaxAge   string `hidden:"" help:"How long records are kept." env:"LLMTAP_STORE_MAX_AGE"`
	StoreMaxBytes int64  `hidden:"" help:"How large the store may grow." env:"LLMTAP_STORE_MAX_BYTES"`
	// IdentityProcess is on or off; empty is not given.
	IdentityProcess string `hidden:"" help:"Look for the local process behind a connection: on or off." env:"LLMTAP_IDENTITY_PROCESS"`
	IdentityUser    string `hidden:"" help:"How records name the user of a proxy token: off, hash or name." env:"LLMTAP_IDENTITY_USER"`
}

// settings is the merged configuration of an agent, checked.
type settings struct {
	listen, adminListen, routeListen string
	stateDir                         string
	policy                           capture.Policy
	routes                           []capture.Route
	upstreamProxy                    *url.URL
	roots                            *x509.CertPool
	storeContent                     bool
	who                              identity
	keep                             retention
	run                              lifecycle
}

// identity is how the agent learns who calls.
type identity struct {
	auth capture.AuthMode
	// users is how records name the user of a proxy token; named does it.
	users string
	named func(user string) string
	// process: look for the local process behind a loopback connection.
	process bool
	// logs are patterns of server logs, which tell of calls that never left.
	logs []string
}

// retention bounds the store.
type retention struct {
	maxAge   time.Duration
	maxBytes int64
}

// lifecycle is how the agent starts, ends and talks.
type lifecycle struct {
	grace time.Duration
	level slog.Level
}

// load merges flags, file and defaults, and checks every value.
func (f flags) load(env environment) (settings, error) {
	file := fileConfig{}
	if f.Config != "" {
		var err error
		if file, err = readConfig(f.Config); err != nil {
			return settings{}, usageError{err}
		}
	}
	file.overlay(f)
	return file.settings(env)
}

// settings checks the merged values and turns them into their types.
func (c fileConfig) settings(env environment) (settings, error) {
	s := settings{
		listen: or(c.Address.Listen, "127.0.0.1:4141"), adminListen: or(c.Address.AdminListen, "127.0.0.1:4142"),
		routeListen: or(c.Address.RouteListen, "127.0.0.1:4143"), stateDir: c.State,
		policy: capture.Policy{TunnelOnly: c.Switch.TunnelOnly, Strict: c.Switch.Strict},
		who:    identity{auth: capture.AuthMode(or(c.Proxy.Auth, "none"))}, keep: retention{14 * 24 * time.Hour, 256 << 20},
		run: lifecycle{grace: 30 * time.Second},
	}
	s.stateDir = absolute(or(s.stateDir, defaultStateDir(env)))
	for _, check := range []func(*settings) error{c.hosts, c.upstreams, c.limits, c.security, c.logs} {
		if err := check(&s); err != nil {
			return settings{}, usageError{err}
		}
	}
	return s, nil
}

func or(v, def string) string {
	if v == "" {
		return def
	}
	return v
}

func (c fileConfig) hosts(s *settings) error {
	s.policy.Intercept = capture.KnownHosts()
	for _, h := range c.Hosts.Intercept {
		hp, err := capture.ParseHostPort(h)
		if err != nil {
			return fmt.Errorf("--intercept: %w", err)
		}
		s.policy.Intercept = append(s.policy.Intercept, hp)
	}
	for _, h := range c.Hosts.AllowPrivate {
		hp, err := capture.ParseHostPort(h)
		if err != nil {
			return fmt.Errorf("--allow-private: %w", err)
		}
		if hp.Port == 0 {
			return fmt.Errorf("--allow-private %q: name the port too (HOST:PORT)", h)
		}
		s.policy.AllowPrivate = append(s.policy.AllowPrivate, hp)
	}
	for _, addr := range []string{s.listen, s.adminListen, s.routeListen} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("listen address %q: want ADDR:PORT, for example 127.0.0.1:4141", addr)
		}
	}
	return nil
}

func (c fileConfig) upstreams(s *settings) error {
	for _, text := range c.routeList() {
		r, err := capture.ParseRoute(text)
		if err != nil {
			return fmt.Errorf("--route: %w", err)
		}
		s.routes = append(s.routes, r)
	}
	if c.Hosts.UpstreamProxy != "" {
		u, err := url.Parse(c.Hosts.UpstreamProxy)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("--upstream-proxy: want http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD and @ before HOST where it asks for them")
		}
		s.upstreamProxy = u
	}
	if c.Hosts.UpstreamCA == "" {
		return nil
	}
	pem, err := os.ReadFile(c.Hosts.UpstreamCA)
	if err != nil {
		return fmt.Errorf("--upstream-ca: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("--upstream-ca %s: no certificate in PEM form found in it", c.Hosts.UpstreamCA)
	}
	s.roots = roots
	return nil
}

func (c fileConfig) limits(s *settings) error {
	for _, d := range []struct {
		name, text string
		into       *time.Duration
	}{{"store.max_age", c.Store.MaxAge, &s.keep.maxAge}, {"drain", c.Drain, &s.run.grace}} {
		if d.text == "" {
			continue
		}
		v, err := time.ParseDuration(d.text)
		if err != nil || v <= 0 {
			return fmt.Errorf("%s %q: want a duration such as 30s or 336h", d.name, d.text)
		}
		*d.into = v
	}
	if c.Store.MaxBytes < 0 {
		return fmt.Errorf("store.max_bytes %d: want a number of bytes", c.Store.MaxBytes)
	}
	if c.Store.MaxBytes > 0 {
		s.keep.maxBytes = c.Store.MaxBytes
	}
	if err := s.run.level.UnmarshalText([]byte(or(c.Log.Level, "info"))); err != nil {
		return fmt.Errorf("log.level %q: want debug, info, warn or error", c.Log.Level)
	}
	return nil
}

func (c fileConfig) security(s *settings) error {
	switch c.Switch.Content {
	case "", "off":
	case "redacted":
		s.storeContent = true
	default:
		return fmt.Errorf("--content %q: want off or redacted", c.Switch.Content)
	}
	switch s.who.auth {
	case capture.AuthNone, capture.AuthOptional, capture.AuthRequired:
	default:
		return fmt.Errorf("proxy.auth %q: want none, optional or required", s.who.auth)
	}
	switch c.Identity.Process {
	case "", "on":
		s.who.process = true
	case "off":
	default:
		return fmt.Errorf("identity.process %q: want on or off", c.Identity.Process)
	}
	switch s.who.users = or(c.Identity.User, userHash); s.who.users {
	case userOff, userHash, userName:
	default:
		return fmt.Errorf("identity.user %q: want off, hash or name", c.Identity.User)
	}
	if host, _, _ := net.SplitHostPort(s.listen); s.who.auth != capture.AuthRequired && !loopback(host) {
		return fmt.Errorf("--listen %s: an address beyond loopback needs proxy.auth: required, else anybody can use the proxy", s.listen)
	}
	if host, _, _ := net.SplitHostPort(s.routeListen); len(s.routes) > 0 && !loopback(host) {
		return fmt.Errorf("--route-listen %s: base-URL routes ask nobody for a token: loopback only", s.routeListen)
	}
	return nil
}

func (c fileConfig) logs(s *settings) error {
	for _, text := range c.WatchLogs {
		if err := tail.Check(text); err != nil {
			return fmt.Errorf("--watch-log %q: want a file, in which * ? [] and one {user} may stand for names", text)
		}
		s.who.logs = append(s.who.logs, absolute(text))
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// absolute keeps a path good for clients that start elsewhere.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// defaultStateDir follows the contract: LLMTAP_STATE_DIR came as the flag's
// variable already; then systemd's, then XDG's, then the home directory.
func defaultStateDir(env environment) string {
	if d, _, _ := strings.Cut(env.getenv("STATE_DIRECTORY"), ":"); d != "" { // systemd joins several by colons
		return d
	}
	if d := env.getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "llmtap")
	}
	return filepath.Join(env.getenv("HOME"), ".local", "state", "llmtap")
}
