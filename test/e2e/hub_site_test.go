//go:build e2e

package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/faultllm"
)

// hubInternet is the fault service behind a CONNECT proxy that leads every name
// to it. It keeps the heads of all it was asked, the CONNECT requests too.
type hubInternet struct {
	proxy string // http://127.0.0.1:PORT
	id    identity
	heads peerBox
}

func newHubInternet(t *testing.T) *hubInternet {
	t.Helper()
	n := &hubInternet{id: newIdentity(t)}
	llm := faultllm.New(faultllm.Config{Interval: time.Millisecond, Chunks: 6})
	service := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.saw(r)
		llm.ServeHTTP(w, r)
	}))
	service.TLS = &tls.Config{Certificates: []tls.Certificate{n.id.cert}}
	service.StartTLS()
	t.Cleanup(service.Close)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.saw(r)
		hubTunnel(w, service.Listener.Addr().String())
	}))
	t.Cleanup(front.Close)
	n.proxy = front.URL
	return n
}

func (n *hubInternet) saw(r *http.Request) {
	n.heads.mu.Lock()
	defer n.heads.mu.Unlock()
	fmt.Fprintln(&n.heads.b, r.Method, r.RequestURI, r.Header)
}

// hubTunnel answers a CONNECT and copies both ways.
func hubTunnel(w http.ResponseWriter, to string) {
	there, err := net.Dial("tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = there.Close() }()
	here, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = here.Close() }()
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(there, in); _ = there.(*net.TCPConn).CloseWrite() }()
	_, _ = io.Copy(here, there)
	_ = here.Close()
	<-done
}

// hubSite is one host with an agent and what it needs to come again at the same
// address; a hub may stand beside it.
type hubSite struct {
	t      *testing.T
	dir    string // other users may enter it
	listen string // the proxy's address
	admin  string
	hub    string // where the hub's own API listens, behind its proxy
	config string // what `llmtap env --format jupyterhub` printed
	up     *hubInternet
	spans  *peerBox
	sink   string // where the spans go
	seen   int    // records that news has returned
	*peerAgent
}

// newHubSite starts the agent with these settings (LLMTAP_...).
func newHubSite(t *testing.T, env ...string) *hubSite {
	t.Helper()
	return newHubSiteWith(t, func(*hubSite) []string { return env })
}

// newHubSiteWith starts the agent with settings that depend on the site.
func newHubSiteWith(t *testing.T, settings func(*hubSite) []string) *hubSite {
	t.Helper()
	hubPrograms(t)
	address := func() string { return "127.0.0.1:" + peerPort(t) }
	s := &hubSite{t: t, dir: hubDir(t), listen: address(), admin: address(), hub: address(), up: newHubInternet(t), spans: &peerBox{}}
	receiver := httptest.NewServer(s.spans)
	t.Cleanup(receiver.Close)
	s.sink = receiver.URL
	if err := os.Mkdir(s.public(), 0o755); err != nil {
		t.Fatal(err)
	}
	s.start(settings(s)...)
	return s
}

func (s *hubSite) state() string  { return filepath.Join(s.dir, "state") }
func (s *hubSite) public() string { return filepath.Join(s.dir, "public") }

// start runs the agent as the unit of deploy/systemd does: the certificate and
// the bundle are put where everybody may read them.
func (s *hubSite) start(env ...string) {
	s.t.Helper()
	s.peerAgent = peerStart(s.t, peerSetup{dir: s.state(), args: []string{
		"--listen", s.listen, "--admin-listen", s.admin, "--upstream-proxy", s.up.proxy, "--upstream-ca", s.up.id.file,
	}, env: append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + s.sink, "OTEL_BSP_SCHEDULE_DELAY=200"}, env...)})
	for _, name := range []string{"ca.crt", "bundle.crt"} {
		b, err := os.ReadFile(filepath.Join(s.state(), "ca", name))
		if err != nil {
			s.t.Fatal(err)
		}
		peerFile(s.t, filepath.Join(s.public(), name), string(b), 0o644)
	}
}

// snippet is what the agent prints for the hub, with names set as an admin sets
// them in its first lines. Every user can read the public directory.
func (s *hubSite) snippet(set ...string) string {
	s.t.Helper()
	if s.config == "" {
		code, out, errs := s.llmtap("env", "--format", "jupyterhub")
		if code != 0 {
			s.t.Fatalf("llmtap env --format jupyterhub: exit %d: %s", code, errs)
		}
		s.config = out
	}
	text := s.config
	set = append([]string{"PUBLIC", s.public()}, set...)
	for i := 0; i+1 < len(set); i += 2 {
		line := regexp.MustCompile(`(?m)^` + set[i] + ` = "[^"]*"`)
		if !line.MatchString(text) {
			s.t.Fatalf("the snippet has no line %q", set[i]+" = …")
		}
		text = line.ReplaceAllLiteralString(text, set[i]+` = "`+set[i+1]+`"`)
	}
	return peerFile(s.t, filepath.Join(s.dir, "llmtap.py"), text, 0o600)
}

// pseudonym is how records name the user, as the admin finds out.
func (s *hubSite) pseudonym(user string) string {
	s.t.Helper()
	_, out, errs := s.llmtap("env", "--user", user)
	_, rest, ok := strings.Cut(out, "# records name "+user+" ")
	if !ok {
		s.t.Fatalf("llmtap env --user %s: %s%s", user, out, errs)
	}
	name, _, _ := strings.Cut(rest, " ")
	return name
}

// proxyOf is the proxy's address for a user, with his token.
func (s *hubSite) proxyOf(user string) string {
	s.t.Helper()
	code, out, errs := s.llmtap("env", "--user", user, "--format", "docker")
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(line, "HTTPS_PROXY="); ok {
			return strings.TrimSpace(v)
		}
	}
	s.t.Fatalf("llmtap env --user %s: exit %d: %s%s", user, code, out, errs)
	return ""
}

// news waits for n more records and returns them, oldest first.
func (s *hubSite) news(n int) []call.Record {
	s.t.Helper()
	list := recordsOf(s.t, s.peerAgent, s.seen+n)[s.seen:]
	s.seen += len(list)
	if len(list) != n {
		s.t.Errorf("%d new records, want %d", len(list), n)
	}
	return list
}

// checkUnseen: no more records than news has returned.
func (s *hubSite) checkUnseen(when string) {
	s.t.Helper()
	for _, r := range recordsOf(s.t, s.peerAgent, s.seen)[s.seen:] {
		s.t.Errorf("%s: an unexpected record: %s %s, user %q, %v", when, r.Target.Host, r.Request.Path, r.Client.User, r.Diagnosis.Class)
	}
}
