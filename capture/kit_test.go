package capture_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"llmtap/capture"
	"llmtap/capture/ca"
	"llmtap/internal/call"
	"llmtap/internal/faultllm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is the service's name; the rig's resolver sends it to loopback.
const host = "llm.example"

// limit bounds every wait of a test.
const limit = 30 * time.Second

// rig is a proxy on real sockets, with an authority of its own, a resolver that
// knows the test's names, and the records it sealed.
type rig struct {
	t       testing.TB
	cfg     capture.Config
	proxy   *capture.Proxy
	addr    string // of the forward proxy
	routes  string // of the base-URL listener
	trust   *x509.CertPool
	records chan call.Record
	names   *names

	service tls.Certificate
	wg      sync.WaitGroup
	once    sync.Once
}

// newRig prepares a proxy that intercepts host and may dial it on loopback;
// edit may change the configuration. The first use starts it.
func newRig(t testing.TB, edit ...func(*capture.Config)) *rig {
	t.Helper()
	r := &rig{t: t, records: make(chan call.Record, 1<<14), names: newNames()}
	r.names.set(host, "127.0.0.1")
	cert, pool, err := faultllm.SelfSigned(host, "127.0.0.1")
	check(t, err)
	r.service, r.trust = cert, pool.Clone()
	dir := t.TempDir()
	roots := filepath.Join(dir, "roots.pem")
	check(t, os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[1]}), 0o600))
	authority, err := ca.Open(ca.Config{
		Dir: filepath.Join(dir, "ca"), Names: []string{host, "other.example"},
		IPs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, SystemRoots: roots,
	})
	check(t, err)
	if !r.trust.AppendCertsFromPEM(authority.CertPEM()) {
		t.Fatal("the authority's certificate is no PEM")
	}
	r.cfg = capture.Config{
		Authority: authority, Roots: pool, Secret: []byte("install secret"), Resolver: r.names.resolver(),
		Policy: capture.Policy{
			Intercept:    []capture.HostPort{{Host: host}},
			AllowPrivate: []capture.HostPort{{Host: host}},
		},
		Hooks: capture.Hooks{Emit: func(c *call.Record) { r.records <- *c }},
	}
	for _, f := range edit {
		f(&r.cfg)
	}
	t.Cleanup(r.stop)
	return r
}

func (r *rig) start() {
	r.t.Helper()
	r.once.Do(func() {
		var err error
		r.proxy, err = capture.New(r.cfg)
		check(r.t, err)
		r.addr = r.listen(r.proxy.Serve)
		r.routes = r.listen(r.proxy.ServeRoutes)
	})
}

func (r *rig) listen(serve func(net.Listener) error) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(r.t, err)
	r.wg.Go(func() {
		if err := serve(l); err != nil {
			r.t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}

func (r *rig) stop() {
	if r.proxy != nil {
		_ = r.proxy.Close()
	}
	r.wg.Wait()
	r.names.close()
}

// next returns the next record.
func (r *rig) next() call.Record {
	r.t.Helper()
	select {
	case c := <-r.records:
		return c
	case <-time.After(limit):
		r.t.Fatal("no record came")
	}
	return call.Record{}
}

// none fails if a record is waiting.
func (r *rig) none() {
	r.t.Helper()
	select {
	case c := <-r.records:
		r.t.Fatalf("a record that should not be: %+v", c)
	default:
	}
}

// faults runs a fault service over TLS (with the given ALPN) or, without any
// protocol, in cleartext, and returns its host:port.
func (r *rig) faults(protos ...string) (string, *faultllm.Service) {
	r.t.Helper()
	svc := faultllm.New(faultllm.Config{Interval: -1, Chunks: 5})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(r.t, err)
	var cfg *tls.Config
	if len(protos) > 0 {
		cfg = &tls.Config{Certificates: []tls.Certificate{r.service}, NextProtos: protos, MinVersion: tls.VersionTLS12}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := svc.Serve(ctx, l, cfg); err != nil {
			r.t.Errorf("fault service: %v", err)
		}
	})
	r.t.Cleanup(func() { cancel(); wg.Wait() })
	return net.JoinHostPort(host, port(l)), svc
}

// origin runs serve on every connection, over TLS if secure, and returns its
// host:port. Connections close when serve returns.
func (r *rig) origin(secure *tls.Config, serve func(net.Conn)) string {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(r.t, err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			if secure != nil {
				c = tls.Server(c, secure)
			}
			wg.Go(func() { defer c.Close(); serve(c) })
		}
	})
	r.t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return net.JoinHostPort(host, port(l))
}

// secure is the service's TLS configuration.
func (r *rig) secure(protos ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{r.service}, NextProtos: protos, MinVersion: tls.VersionTLS12}
}

func port(l net.Listener) string { return fmt.Sprint(l.Addr().(*net.TCPAddr).Port) }

// dial opens a raw connection to the proxy.
func (r *rig) dial() *net.TCPConn {
	r.t.Helper()
	r.start()
	c, err := net.Dial("tcp", r.addr)
	check(r.t, err)
	check(r.t, c.SetDeadline(time.Now().Add(limit)))
	r.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// connect sends a CONNECT with the given header lines and returns the
// connection and the answer's head.
func (r *rig) connect(target string, lines ...string) (*net.TCPConn, string) {
	r.t.Helper()
	c := r.dial()
	head := "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n"
	for _, l := range lines {
		head += l + "\r\n"
	}
	write(r.t, c, head+"\r\n")
	return c, readHead(r.t, c)
}

// tunnel opens an accepted tunnel.
func (r *rig) tunnel(target string, lines ...string) *net.TCPConn {
	r.t.Helper()
	c, head := r.connect(target, lines...)
	if !strings.HasPrefix(head, "HTTP/1.1 200 ") {
		r.t.Fatalf("CONNECT %s: %q", target, head)
	}
	return c
}

// tls opens a tunnel and shakes hands in it as a client that trusts everybody
// the rig knows.
func (r *rig) tls(target string, protos ...string) *tls.Conn {
	r.t.Helper()
	c := tls.Client(r.tunnel(target), &tls.Config{RootCAs: r.trust, ServerName: host, NextProtos: protos})
	check(r.t, c.Handshake())
	return c
}

// client is an HTTP client that goes through the proxy.
func (r *rig) client() *http.Client {
	r.t.Helper()
	r.start()
	u := &url.URL{Scheme: "http", Host: r.addr}
	tr := &http.Transport{
		Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: r.trust}, ForceAttemptHTTP2: true, DisableCompression: true,
	}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: limit}
}

// readHead reads up to the blank line, a byte at a time: what follows stays.
func readHead(t testing.TB, c net.Conn) string {
	t.Helper()
	var b []byte
	one := make([]byte, 1)
	for !strings.HasSuffix(string(b), "\r\n\r\n") {
		if _, err := c.Read(one); err != nil {
			if errors.Is(err, io.EOF) && len(b) > 0 {
				return string(b)
			}
			t.Fatalf("read head after %q: %v", b, err)
		}
		b = append(b, one[0])
	}
	return string(b)
}

// readRequest reads one whole request, so that a service can answer it.
func readRequest(br *bufio.Reader) (*http.Request, []byte, error) {
	req, err := http.ReadRequest(br)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(req.Body)
	return req, body, err
}

// answers serves one fixed answer per request until the client leaves.
func answers(answer string) func(net.Conn) {
	return func(c net.Conn) {
		br := bufio.NewReader(c)
		for {
			if _, _, err := readRequest(br); err != nil {
				return
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	}
}

// post is a chat request as bytes.
func post(target, body string, lines ...string) string {
	s := "POST " + target + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/json\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n"
	for _, l := range lines {
		s += l + "\r\n"
	}
	return s + "\r\n" + body
}

const (
	chatPath   = "/v1/chat/completions"
	streamBody = `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"stream":true}`
	plainBody  = `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`
	event      = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"owl "},"finish_reason":null}]}` + "\n\n"
	lastEvent  = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	doneEvent  = "data: [DONE]\n\n"
	answerBody = `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"owl"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}`
)

// response is an answer of known length.
func response(status, mediaType, body string, lines ...string) string {
	s := "HTTP/1.1 " + status + "\r\n"
	if mediaType != "" {
		s += "Content-Type: " + mediaType + "\r\n"
	}
	for _, l := range lines {
		s += l + "\r\n"
	}
	return s + "Content-Length: " + fmt.Sprint(len(body)) + "\r\n\r\n" + body
}

func chunk(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

const sseHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

func write(t testing.TB, c io.Writer, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually polls ok until it holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatalf("never came true: %s", what)
}

func lost(c call.Record, what string) bool { return slices.Contains(c.Agent.Lost, what) }

// route adds a base-URL route before the rig starts.
func (r *rig) route(name, to string) {
	r.t.Helper()
	route, err := capture.ParseRoute(name + "=" + to)
	check(r.t, err)
	r.cfg.Routes = append(r.cfg.Routes, route)
}

// clientOf is the client for one of the ways of way.
func (r *rig) clientOf(path string) *http.Client {
	r.t.Helper()
	if path != "base-URL" {
		return r.client()
	}
	tr := &http.Transport{DisableCompression: true}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: limit}
}

// dialTo dials addr whatever was asked for.
func dialTo(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
}

// lastWords is the innermost text of an error, without addresses.
func lastWords(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err.Error()
}

func gzipped(s string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}
