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
	noProxy := or(env.getenv("NO_PROXY"), env.getenv("no_proxy"))
	proxy, err := withUser(a.info.Proxy, dir, c.User)
	if err != nil {
		return err
	}
	return writeEnv(env.stdout, c.Format, clientEnv(proxy, dir, clientHosts{noProxy: noProxy}))
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
	// noProxy is what the caller had set; proxied hosts are taken out of it.
	noProxy string
	proxied []string
	// noTrust leaves the trust variables out (--tunnel-only).
	noTrust bool
}

// clientEnv is the environment that sends a client's LLM calls through the
// agent. No single trust variable covers all clients: those that replace the
// trust store get the bundle, the one that adds to it gets our CA alone.
// HTTP_PROXY stays unset unless needed, else local services are caught too.
func clientEnv(proxy, stateDir string, h clientHosts) []variable {
	bundle, ca := filepath.Join(stateDir, "ca", "bundle.crt"), filepath.Join(stateDir, "ca", "ca.crt")
	noProxy := withoutHosts(or(h.noProxy, "localhost,127.0.0.1,::1"), h.proxied)
	out := []variable{{"HTTPS_PROXY", proxy}, {"https_proxy", proxy}, {"NO_PROXY", noProxy}, {"no_proxy", noProxy}, {"NODE_USE_ENV_PROXY", "1"}}
	if h.plainHTTP {
		out = append(out, variable{"HTTP_PROXY", proxy}, variable{"http_proxy", proxy})
	}
	if h.noTrust {
		return out
	}
	for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"} {
		out = append(out, variable{name, bundle})
	}
	return append(out, variable{"NODE_EXTRA_CA_CERTS", ca})
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
	if format == "jupyterhub" {
		s.print("# in jupyterhub_config.py; takes effect when a server starts\nc.Spawner.environment.update({\n")
	}
	for _, v := range vars {
		switch format {
		case "fish":
			s.print(fmt.Sprintf("set -gx %s %s\n", v.name, fishQuote(v.value)))
		case "systemd":
			s.print(fmt.Sprintf("Environment=\"%s=%s\"\n", v.name, strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(v.value)))
		case "docker":
			s.print(v.name + "=" + v.value + "\n")
		case "jupyterhub":
			s.print(fmt.Sprintf("    %s: %s,\n", pyQuote(v.name), pyQuote(v.value)))
		default:
			s.print("export " + v.name + "=" + shQuote(v.value) + "\n")
		}
	}
	if format == "jupyterhub" {
		s.print("})\n")
	}
	return s.err
}

func shQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

func pyQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// endpointVariables lists the variables in which SDKs and frameworks keep the
// address of their service. One table: exec reads the hosts from it.
func endpointVariables() []string {
	return []string{
		"AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL", "AZURE_INFERENCE_ENDPOINT", "AZURE_API_BASE",
		"OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_ENDPOINT",
		"ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE", "ANTHROPIC_BEDROCK_BASE_URL", "ANTHROPIC_VERTEX_BASE_URL",
		"GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL", "GEMINI_API_BASE",
		"AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL", "OLLAMA_HOST", "OLLAMA_API_BASE",
		"MISTRAL_BASE_URL", "MISTRAL_API_BASE", "CO_API_URL", "COHERE_API_BASE", "GROQ_BASE_URL", "DEEPSEEK_API_BASE",
		"XAI_API_BASE", "OPENROUTER_API_BASE", "TOGETHER_BASE_URL", "HF_INFERENCE_ENDPOINT", "LITELLM_PROXY_API_BASE",
	}
}

// endpoint is a service that the environment names.
type endpoint struct {
	variable string
	host     string
	port     string
	plain    bool
}

// endpoints reads the table from an environment. Values that are no URL are
// not endpoints (OLLAMA_HOST may be a bare HOST:PORT).
func endpoints(getenv func(string) string) []endpoint {
	var out []endpoint
	for _, name := range endpointVariables() {
		v := strings.TrimSpace(getenv(name))
		if v == "" {
			continue
		}
		if !strings.Contains(v, "://") && name == "OLLAMA_HOST" {
			v = "http://" + v
		}
		u, err := url.Parse(v)
		if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
			continue
		}
		e := endpoint{variable: name, host: u.Hostname(), port: u.Port(), plain: u.Scheme == "http"}
		if e.port == "" {
			e.port = map[bool]string{true: "80", false: "443"}[e.plain]
			if name == "OLLAMA_HOST" {
				e.port = "11434"
			}
		}
		out = append(out, e)
	}
	return out
}

// private reports whether the endpoint's name leads to a private or loopback
// address: then the operator named it, and it may be dialled.
func (e endpoint) private() bool {
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
