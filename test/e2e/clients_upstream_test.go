//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/faultllm"
)

// identity is the certificate that the fault service shows for every name.
type identity struct {
	cert tls.Certificate
	// file holds its authority in PEM form: the internet's roots of these tests.
	file string
}

// newIdentity is valid for the names that the clients call.
func newIdentity(t *testing.T) identity {
	t.Helper()
	cert, _, err := faultllm.SelfSigned("api.openai.com", "contoso.openai.azure.com", "llm.test", "other.test",
		"api.anthropic.com", "ollama.com", "bedrock-runtime.us-east-1.amazonaws.com", "api.cohere.com", "api.mistral.ai",
		"generativelanguage.googleapis.com", "aiplatform.googleapis.com")
	if err != nil {
		t.Fatal(err)
	}
	id := identity{cert: cert, file: filepath.Join(t.TempDir(), "internet-roots.pem")}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[1]})
	if err := os.WriteFile(id.file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	return id
}

// internet is a fault service behind a CONNECT proxy that leads every name to
// it. Each leg of a comparison has its own, so that scenarios which count their
// calls answer both legs alike.
type internet struct {
	proxy string // http://127.0.0.1:PORT
	id    identity
	to    string

	wg sync.WaitGroup
	// mu guards the fields below.
	mu      sync.Mutex
	open    map[net.Conn]bool
	targets []string
}

// newInternet starts one; it ends with the test.
func newInternet(t *testing.T, id identity) *internet {
	t.Helper()
	return newInternetOf(t, id, faultllm.New(faultllm.Config{Interval: time.Millisecond, Chunks: 6}).Serve)
}

// newInternetOf starts one with another service; serve returns once ctx is done
// and nothing of it runs.
func newInternetOf(t *testing.T, id identity, serve func(ctx context.Context, l net.Listener, conf *tls.Config) error) *internet {
	t.Helper()
	n := &internet{id: id, open: map[net.Conn]bool{}}
	service, front := listen(t), listen(t)
	n.to, n.proxy = service.Addr().String(), "http://"+front.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	n.wg.Go(func() {
		_ = serve(ctx, service, &tls.Config{Certificates: []tls.Certificate{id.cert}, NextProtos: []string{"h2", "http/1.1"}})
	})
	n.wg.Go(func() {
		for {
			c, err := front.Accept()
			if err != nil {
				return
			}
			n.wg.Go(func() { n.serve(c) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = front.Close()
		n.mu.Lock()
		for c := range n.open {
			_ = c.Close()
		}
		n.mu.Unlock()
		n.wg.Wait()
	})
	return n
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// asked returns the targets of the CONNECT requests so far.
func (n *internet) asked() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.targets)
}

func (n *internet) keep(c net.Conn, target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[c] = true
	if target != "" {
		n.targets = append(n.targets, target)
	}
}

func (n *internet) drop(c net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, c)
	_ = c.Close()
}

// serve answers one CONNECT and copies both ways.
func (n *internet) serve(client net.Conn) {
	n.keep(client, "")
	defer n.drop(client)
	in := bufio.NewReader(client)
	req, err := http.ReadRequest(in)
	if err != nil || req.Method != http.MethodConnect {
		return
	}
	up, err := net.Dial("tcp", n.to)
	if err != nil {
		return
	}
	n.keep(up, req.RequestURI)
	defer n.drop(up)
	if _, err := io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		pass(up, in, client)
	}()
	pass(client, up, up)
	<-done
}

// pass copies from in to out and hands on how from ended: a FIN as a FIN, a
// reset as a reset.
func pass(out net.Conn, in io.Reader, from net.Conn) {
	_, err := io.Copy(out, in)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		_ = out.(*net.TCPConn).SetLinger(0)
		_ = from.(*net.TCPConn).SetLinger(0)
		_, _ = out.Close(), from.Close()
		return
	}
	_ = out.(*net.TCPConn).CloseWrite()
}
