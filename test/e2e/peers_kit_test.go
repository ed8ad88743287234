//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/internal/faultllm"
)

// peerCI: on CI a program that is missing is a failure, not a skip.
func peerCI() bool { return os.Getenv("CI") == "true" }

// peerUnable ends a test that this machine cannot run.
func peerUnable(t testing.TB, why string) {
	t.Helper()
	if peerCI() {
		t.Fatalf("CI must run this: %s", why)
	}
	t.Skipf("NOT RUN: %s", why)
}

func peerRoot() (string, error) { return filepath.Abs(filepath.Join("..", "..")) }

func peerCache() (string, error) {
	if d := os.Getenv("LLMTAP_E2E_CACHE"); d != "" {
		return filepath.Abs(d)
	}
	root, err := peerRoot()
	return filepath.Join(root, ".cache", "e2e"), err
}

// peerProgram is a program that setup-peers.sh installed.
func peerProgram(t testing.TB, name string) string {
	t.Helper()
	cache, err := peerCache()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "bin", name)
	if _, err := os.Stat(path); err != nil {
		peerUnable(t, name+" is not installed; run test/e2e/setup-peers.sh")
	}
	return path
}

// peerBinary is the command under test, built once.
var peerBinary = sync.OnceValues(func() (string, error) {
	root, err := peerRoot()
	if err != nil {
		return "", err
	}
	cache, err := peerCache()
	if err != nil {
		return "", err
	}
	out := filepath.Join(cache, "peers", "llmtap")
	build := exec.Command("go", "build", "-o", out, "./cmd/agent")
	build.Dir = root
	if text, err := build.CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(text)))
	}
	return out, nil
})

// peerService is the fault service in this process, as https://localhost:PORT.
type peerService struct {
	port  string
	roots *x509.CertPool
	// caFile is its authority for --upstream-ca.
	caFile string
	// plain is the same service without TLS, as HOST:PORT.
	plain string
}

func (s *peerService) addr() string { return "localhost:" + s.port }
func (s *peerService) base() string { return "https://" + s.addr() }

// peerUpstream is the fault service itself.
func peerUpstream(t testing.TB) *peerService {
	t.Helper()
	svc := faultllm.New(faultllm.Config{})
	return peerUpstreamOf(t, func(done <-chan struct{}, l net.Listener, conf *tls.Config) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { <-done; cancel() }()
		_ = svc.Serve(ctx, l, conf)
	})
}

// peerUpstreamOf runs serve twice, with TLS and without, until the test is
// over; serve returns when done is closed and nothing of it runs.
func peerUpstreamOf(t testing.TB, serve func(done <-chan struct{}, l net.Listener, conf *tls.Config)) *peerService {
	t.Helper()
	cert, roots, err := faultllm.SelfSigned("localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	s := &peerService{roots: roots, caFile: filepath.Join(t.TempDir(), "upstream-ca.pem")}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[1]})
	if err := os.WriteFile(s.caFile, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(conf *tls.Config) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			serve(done, l, conf)
		}()
		t.Cleanup(func() { close(done); <-over })
		return l.Addr().String()
	}
	secure := start(&tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}})
	_, s.port, _ = net.SplitHostPort(secure)
	s.plain = start(nil)
	return s
}

// peerInfo is run.json.
type peerInfo struct {
	PID     int    `json:"pid"`
	Proxy   string `json:"proxy"`
	Admin   string `json:"admin"`
	BaseURL string `json:"base_url"`
	Token   string `json:"token"`
}

// peerAgent is a running `llmtap run`.
type peerAgent struct {
	*peerProcess
	t    testing.TB
	dir  string
	info peerInfo
}

// peerSetup is how an agent is started.
type peerSetup struct {
	dir  string // state directory; a new one when empty
	args []string
	env  []string
	up   *peerService // intercepted and trusted; may be nil
}

func (s peerSetup) command(t testing.TB) (bin string, args []string) {
	t.Helper()
	bin, err := peerBinary()
	if err != nil {
		t.Fatalf("build llmtap: %v", err)
	}
	args = []string{"run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--state-dir", s.dir}
	if s.up != nil {
		_, plain, _ := net.SplitHostPort(s.up.plain)
		args = append(args, "--intercept", s.up.addr(), "--allow-private", s.up.addr(), "--upstream-ca", s.up.caFile,
			"--intercept", "127.0.0.1:"+plain, "--allow-private", s.up.plain)
	}
	return bin, append(args, s.args...)
}

// peerStart starts an agent and returns when it is ready.
func peerStart(t testing.TB, s peerSetup) *peerAgent {
	t.Helper()
	if s.dir == "" {
		s.dir = t.TempDir()
	}
	bin, args := s.command(t)
	a := &peerAgent{peerProcess: peerRun(t, s.env, bin, args...), t: t, dir: s.dir}
	peerUntil(t, 20*time.Second, func() string {
		select {
		case <-a.done:
			t.Fatalf("the agent ended: %s\n%s", a.cmd.ProcessState, a.peerProcess.err.String())
		default:
		}
		b, err := os.ReadFile(filepath.Join(s.dir, "run.json"))
		if err != nil || json.Unmarshal(b, &a.info) != nil || a.info.PID != a.cmd.Process.Pid {
			return "no run.json of this agent yet"
		}
		return ""
	})
	if status, body := a.get("/readyz"); status != http.StatusOK {
		t.Fatalf("run.json is there, yet /readyz says %d %s", status, body)
	}
	return a
}

// peerDirect is for the test's own requests: no proxy, whatever the environment says.
func peerDirect() *http.Client {
	return &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}, Timeout: 10 * time.Second}
}

// get asks the admin listener with the run's token.
func (a *peerAgent) get(path string, header ...string) (int, string) {
	a.t.Helper()
	req, err := http.NewRequest(http.MethodGet, a.info.Admin+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.info.Token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := peerDirect().Do(req)
	if err != nil {
		a.t.Fatalf("GET %s: %v", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatalf("GET %s: %v", path, err)
	}
	return resp.StatusCode, string(b)
}

// llmtap runs a command of the tool on this agent's state.
func (a *peerAgent) llmtap(args ...string) (code int, stdout, stderr string) {
	a.t.Helper()
	bin, err := peerBinary()
	if err != nil {
		a.t.Fatal(err)
	}
	p := peerRun(a.t, nil, bin, append(args, "--state-dir", a.dir)...)
	code = p.exit(a.t, 20*time.Second)
	return code, p.out.String(), p.err.String()
}

// client sends through the agent and trusts its authority alone.
func (a *peerAgent) client(h2 bool) *http.Client {
	a.t.Helper()
	b, err := os.ReadFile(filepath.Join(a.dir, "ca", "ca.crt"))
	if err != nil {
		a.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b) {
		a.t.Fatal("ca.crt holds no certificate")
	}
	proxy, err := url.Parse(a.info.Proxy)
	if err != nil {
		a.t.Fatal(err)
	}
	tr := &http.Transport{
		Proxy: http.ProxyURL(proxy), ForceAttemptHTTP2: h2, DisableCompression: true,
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	a.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 90 * time.Second}
}

// metric returns the value of the one series with this exact name and labels,
// and whether it is there.
func peerMetric(body, series string) (string, bool) {
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			return value, true
		}
	}
	return "", false
}
