//go:build e2e

package e2e

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// peerRefusal is a start that must not happen.
type peerRefusal struct {
	name string
	// args come after those of a good start; prepare may return more.
	args    []string
	env     []string
	prepare func(t *testing.T, dir string) []string
	// says are the parts of the sentence that a user needs.
	says []string
	// user runs it without root's rights.
	user bool
}

func peerFile(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// peerYAML makes a row whose mistake is in the file.
func peerYAML(name, text string, says ...string) peerRefusal {
	return peerRefusal{name: name, says: says, prepare: func(t *testing.T, _ string) []string {
		return []string{"--config", peerFile(t, filepath.Join(t.TempDir(), "llmtap.yaml"), text, 0o600)}
	}}
}

// peerOldCA makes a row about the authority of an earlier, good start.
func peerOldCA(name string, spoil func(t *testing.T, ca string), says ...string) peerRefusal {
	return peerRefusal{name: name, says: says, prepare: func(t *testing.T, dir string) []string {
		peerStart(t, peerSetup{dir: dir}).end()
		spoil(t, filepath.Join(dir, "ca"))
		return nil
	}}
}

func peerSpoil(file, text string) func(t *testing.T, ca string) {
	return func(t *testing.T, ca string) {
		t.Helper()
		peerFile(t, filepath.Join(ca, file), text, 0o600)
	}
}

func peerRefusals() []peerRefusal {
	taken := func(flag string) func(t *testing.T, _ string) []string {
		return func(t *testing.T, _ string) []string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return []string{flag, l.Addr().String()}
		}
	}
	half := "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEI"
	return []peerRefusal{
		{name: "proxy port taken", prepare: taken("--listen"), says: []string{"in use", "--listen", "127.0.0.1:0"}},
		{name: "admin port taken", prepare: taken("--admin-listen"), says: []string{"in use", "--admin-listen"}},
		{name: "route port taken", prepare: taken("--route-listen"), args: []string{"--route", "a=https://api.openai.com/v1"}, says: []string{"in use", "--route-listen"}},
		{name: "no port", args: []string{"--listen", "127.0.0.1"}, says: []string{`"127.0.0.1"`, "ADDR:PORT"}},
		{name: "listen to the world without auth", args: []string{"--listen", "0.0.0.0:0"}, says: []string{"proxy.auth"}},
		{name: "unknown flag", args: []string{"--interept", "x"}, says: []string{"--interept", "--intercept"}},
		{name: "no http proxy", args: []string{"--upstream-proxy", "socks5://127.0.0.1:1"}, says: []string{"--upstream-proxy", "http://HOST:PORT"}},
		{name: "bad proxy URL", args: []string{"--upstream-proxy", "http://user:topsecret@[::1"}, says: []string{"--upstream-proxy", "http://HOST:PORT"}},
		{name: "bad route", args: []string{"--route", "azure=contoso.openai.azure.com"}, says: []string{"azure", "https://"}},
		{name: "route without name", args: []string{"--route", "https://api.openai.com"}, says: []string{"NAME=URL"}},
		{name: "host that is a URL", args: []string{"--intercept", "https://llm.example.org/v1"}, says: []string{"--intercept", "HOST"}},
		{name: "private without port", args: []string{"--allow-private", "10.0.0.1"}, says: []string{"--allow-private", "HOST:PORT"}},
		{name: "no such upstream CA", args: []string{"--upstream-ca", "/nowhere/ca.pem"}, says: []string{"--upstream-ca", "/nowhere/ca.pem"}},
		{name: "content", args: []string{"--content", "all"}, says: []string{"off", "redacted"}},
		{name: "no such file", args: []string{"--config", "/nowhere/llmtap.yaml"}, says: []string{"--config", "/nowhere/llmtap.yaml"}},
		{name: "variable", env: []string{"LLMTAP_PROXY_AUTH=sometimes"}, says: []string{"proxy.auth", "optional"}},
		{name: "OTLP protocol", env: []string{"OTEL_EXPORTER_OTLP_PROTOCOL=smoke", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}, says: []string{"OTEL_EXPORTER_OTLP", "smoke", "grpc"}},
		peerYAML("unknown key", "store:\n  max_age: 1h\nintercpt:\n- x\n", ":3:", `"intercpt"`, `"intercept"`),
		peerYAML("unknown nested key", "store:\n  max_agee: 1h\n", ":2:", `"max_agee"`, `"max_age"`),
		peerYAML("wrong type", "store:\n  max_bytes: [1]\n", "llmtap.yaml:2", "want a number"),
		peerYAML("not YAML", "listen: [\n", "llmtap.yaml"),
		peerYAML("bad duration", "drain: soon\n", "drain", "soon", "30s"),
		peerYAML("bad level", "log:\n  level: loud\n", "log.level", "loud", "debug"),
		peerOldCA("CA key for all to read", func(t *testing.T, ca string) {
			if err := os.Chmod(filepath.Join(ca, "ca.key"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "ca.key", "0644", "chmod 600", "llmtap ca rotate"),
		peerOldCA("half a CA key", peerSpoil("ca.key", half), "ca.key", "llmtap ca rotate"),
		peerOldCA("empty CA key", peerSpoil("ca.key", ""), "ca.key", "llmtap ca rotate"),
		peerOldCA("damaged CA certificate", peerSpoil("ca.crt", "garbage"), "ca.crt", "llmtap ca rotate"),
		{name: "state directory is a file", prepare: func(t *testing.T, dir string) []string {
			return []string{"--state-dir", peerFile(t, filepath.Join(dir, "state"), "", 0o600)}
		}, says: []string{"state", "--state-dir"}},
		{name: "half a secret", prepare: func(t *testing.T, dir string) []string {
			peerFile(t, filepath.Join(dir, "secret"), "half", 0o600)
			return nil
		}, says: []string{"secret", "damaged", "delete"}},
		{name: "no store of ours", prepare: func(t *testing.T, dir string) []string {
			if err := os.Mkdir(filepath.Join(dir, "calls.db"), 0o700); err != nil {
				t.Fatal(err)
			}
			return nil
		}, says: []string{"calls.db"}},
		{name: "state directory of another agent", prepare: func(t *testing.T, dir string) []string {
			peerStart(t, peerSetup{dir: dir})
			return nil
		}, says: []string{"calls.db", "another llmtap"}},
		{name: "unreadable state directory", user: true, prepare: func(t *testing.T, dir string) []string {
			shut := filepath.Join(dir, "shut")
			if err := os.Mkdir(shut, 0o000); err != nil {
				t.Fatal(err)
			}
			return []string{"--state-dir", shut}
		}, says: []string{"shut", "permission denied", "--state-dir"}},
		{name: "unreadable CA key", user: true, prepare: func(t *testing.T, dir string) []string {
			peerStart(t, peerSetup{dir: dir}).end()
			peerGive(t, dir)
			for name, owner := range map[string]int{"ca.key": 0} {
				if err := os.Chown(filepath.Join(dir, "ca", name), owner, owner); err != nil {
					t.Fatal(err)
				}
			}
			return nil
		}, says: []string{"ca.key", "permission denied"}},
	}
}

// peerNobody is a user without rights.
const peerNobody = 65534

// peerGive hands a directory and all in it to the user without rights.
func peerGive(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, peerNobody, peerNobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBadStart: a mistake ends the start with exit 2 and one sentence that
// says what to change; nothing is left running or lying about.
func TestBadStart(t *testing.T) {
	t.Parallel()
	for _, c := range peerRefusals() {
		t.Run(c.name, func(t *testing.T) {
			if c.user && os.Geteuid() != 0 {
				peerUnable(t, "only root can become somebody else")
			}
			dir, err := os.MkdirTemp("", "llmtap-e2e-start-") // t.TempDir is closed to other users
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			args, env := c.args, append([]string(nil), c.env...)
			if c.prepare != nil {
				args = append(args, c.prepare(t, dir)...)
			}
			_, before := os.Stat(filepath.Join(dir, "run.json"))
			code, stdout, stderr := peerRefused(t, peerSetup{dir: dir, args: args, env: env}, c.user)
			if code != 2 || stdout != "" {
				t.Errorf("exit %d, stdout %q, want 2 and none", code, stdout)
			}
			last := stderr[strings.LastIndexByte(strings.TrimSpace(stderr), '\n')+1:]
			for _, part := range c.says {
				if !strings.Contains(stderr, part) {
					t.Errorf("the message does not say %q:\n%s", part, stderr)
				}
			}
			if strings.Contains(stderr, "goroutine ") || strings.Contains(stderr, "topsecret") || len(last) > 600 {
				t.Errorf("not a sentence for a user:\n%s", stderr)
			}
			if _, after := os.Stat(filepath.Join(dir, "run.json")); (before == nil) != (after == nil) {
				t.Errorf("run.json: before %v, after %v", before, after)
			}
			t.Log(strings.TrimSpace(last))
		})
	}
}

// peerRefused runs a start that is expected to end at once.
func peerRefused(t *testing.T, s peerSetup, user bool) (code int, stdout, stderr string) {
	t.Helper()
	bin, args := s.command(t)
	if user {
		b, err := os.ReadFile(bin)
		if err != nil {
			t.Fatal(err)
		}
		bin = peerFile(t, filepath.Join(s.dir, "llmtap"), string(b), 0o755)
		if err := os.Chmod(s.dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p := peerRunAs(t, s.env, user, bin, args...)
	code = p.exit(t, 10*time.Second)
	return code, p.out.String(), p.err.String()
}

// TestTunnelOnlyNeedsNoCA: with a key that must not be used, --tunnel-only
// still relays, decrypts nothing and is ready.
func TestTunnelOnlyNeedsNoCA(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	peerStart(t, peerSetup{dir: dir}).end()
	key := filepath.Join(dir, "ca", "ca.key")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	peerFile(t, key, "damaged", 0o644)
	up := peerUpstream(t)
	a := peerStart(t, peerSetup{dir: dir, up: up, args: []string{"--tunnel-only"}})
	proxy, err := url.Parse(a.info.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: up.roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(tr.CloseIdleConnections)
	status, body := peerSend(t, &http.Client{Transport: tr, Timeout: 20 * time.Second}, peerCall{peerDeployment(up.base(), "gpt-4o"), `{` + peerMessages + `}`, nil})
	if status != http.StatusOK {
		t.Errorf("a call through the tunnel answers %d %s", status, body)
	}
	_, metrics := a.get("/metrics")
	for series, want := range map[string]string{`llmtap_ca_loaded`: "0", `llmtap_tunnels_total{reason="tunnel_only",view="blind"}`: "1"} {
		if got, _ := peerMetric(metrics, series); got != want {
			t.Errorf("%s %q, want %s", series, got, want)
		}
	}
	tr.CloseIdleConnections() // nobody can see whether a blind tunnel is idle: it would last as long as the grace
	if code, out, _ := a.llmtap("tunnels"); code != 0 || !strings.Contains(out, "tunnel_only") {
		t.Errorf("tunnels: exit %d\n%s", code, out)
	}
	if code := a.quit(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}
