package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"llmtap/capture"
	"llmtap/capture/ca"
	"llmtap/internal/faultllm"
)

// trialBench is what clients are tried on: a proxy with the installation's
// authority, behind which every name ends in this process.
//
//	client ─► capture.Proxy ─► ends ─► TLS: a service, or a stolen leaf
//	   └────────────────────────────► direct (NO_PROXY)
type trialBench struct {
	// permitted is a name that the authority may vouch for, foreign one that it
	// may not; neither exists.
	permitted, foreign string
	proxy              *capture.Proxy
	address            string
	ends               *trialEnds
	direct             net.Listener
	served             chan error
	accepted           sync.WaitGroup
	hits               *trialHits
	dir                string
}

// trialHits counts connections by where they came out.
type trialHits struct {
	mu      sync.Mutex
	changed sync.Cond
	n       map[string]int
}

func newTrialHits() *trialHits {
	h := &trialHits{n: map[string]int{}}
	h.changed.L = &h.mu
	return h
}

func (h *trialHits) add(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n[name]++
	h.changed.Broadcast()
}

// settled waits until every connection to a name is over: a program may end
// before this side has seen why. Each is over after perTrial at the latest.
func (h *trialHits) settled(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.n[name] != h.n[name+overHit] {
		h.changed.Wait()
	}
}

func (h *trialHits) of(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n[name]
}

// Ways that a connection came out beside the names.
const (
	directHit  = "direct"
	refusedHit = ", refused"
	overHit    = ", over"
)

// newTrialBench works on a copy of the authority, so that nothing of the
// installation is written.
func newTrialBench(stateDir string) (_ *trialBench, err error) {
	b := &trialBench{served: make(chan error, 1), foreign: "llmtap-check.invalid", hits: newTrialHits()}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	authority, err := b.copyAuthority(stateDir)
	if err != nil {
		return nil, err
	}
	service, roots, err := faultllm.SelfSigned(b.permitted)
	if err != nil {
		return nil, err
	}
	stolen, err := stolenLeaf(filepath.Join(b.dir, "ca"), b.foreign)
	if err != nil {
		return nil, err
	}
	if b.ends, err = startEnds(map[string]tls.Certificate{b.permitted: service, b.foreign: stolen}, b.hits); err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("check: make secret: %w", err)
	}
	b.proxy, err = capture.New(capture.Config{
		Policy:    capture.Policy{Intercept: []capture.HostPort{{Host: b.permitted}}},
		Authority: authority, Roots: roots, Secret: secret, Auth: capture.AuthNone, UpstreamProxy: b.ends.url(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return b, b.listen()
}

func (b *trialBench) listen() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("check: listen: %w", err)
	}
	b.address = "http://" + l.Addr().String()
	go func() { b.served <- b.proxy.Serve(l) }()
	if b.direct, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("check: listen: %w", err)
	}
	b.accepted.Go(func() {
		for {
			c, err := b.direct.Accept()
			if err != nil {
				return
			}
			b.hits.add(directHit)
			_ = c.Close()
		}
	})
	return nil
}

// copyAuthority opens a copy of the state directory's authority.
func (b *trialBench) copyAuthority(stateDir string) (_ *ca.Authority, err error) {
	info, _, err := ca.Inspect(filepath.Join(stateDir, "ca"))
	if err != nil {
		return nil, err
	}
	if len(info.Names) == 0 {
		return nil, errors.New("the authority vouches for no name")
	}
	b.permitted = "llmtap-check." + info.Names[0]
	if b.dir, err = os.MkdirTemp("", "llmtap-check-"); err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	if err := os.Mkdir(filepath.Join(b.dir, "ca"), 0o700); err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	for _, name := range []string{"ca.crt", "ca.key"} {
		text, err := os.ReadFile(filepath.Join(stateDir, "ca", name))
		if err != nil {
			return nil, fmt.Errorf("check: %w; run it as the agent's user", err)
		}
		if err := os.WriteFile(filepath.Join(b.dir, "ca", name), text, 0o600); err != nil {
			return nil, fmt.Errorf("check: %w", err)
		}
	}
	return ca.Open(ca.Config{Dir: filepath.Join(b.dir, "ca"), Names: info.Names, IPs: info.IPs, Widen: true})
}

// close ends everything and removes the copy. Safe on a bench half made.
func (b *trialBench) close() error {
	var errs []error
	if b.proxy != nil {
		errs = append(errs, b.proxy.Close())
		if b.address != "" {
			errs = append(errs, <-b.served)
		}
	}
	if b.direct != nil {
		errs = append(errs, b.direct.Close())
		b.accepted.Wait()
	}
	if b.ends != nil {
		errs = append(errs, b.ends.close())
	}
	if b.dir != "" {
		errs = append(errs, os.RemoveAll(b.dir))
	}
	return errors.Join(errs...)
}

// stolenLeaf signs for a name with the authority's key as a thief of the key
// would: without asking the authority.
func stolenLeaf(dir, host string) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("check: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("check: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, pair.Leaf, key.Public(), pair.PrivateKey)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("check: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, pair.Certificate[0]}, PrivateKey: key}, nil
}

// trialEnds is a proxy whose every tunnel ends in itself, as the host that was
// asked for.
type trialEnds struct {
	l     net.Listener
	certs map[string]tls.Certificate
	hits  *trialHits
	work  sync.WaitGroup
}

func startEnds(certs map[string]tls.Certificate, hits *trialHits) (*trialEnds, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("check: listen: %w", err)
	}
	e := &trialEnds{l: l, certs: certs, hits: hits}
	e.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			e.work.Go(func() { e.serve(c) })
		}
	})
	return e, nil
}

func (e *trialEnds) url() *url.URL { return &url.URL{Scheme: "http", Host: e.l.Addr().String()} }

func (e *trialEnds) close() error {
	err := e.l.Close()
	e.work.Wait()
	return err
}

// perTrial bounds one try of one program.
const perTrial = 30 * time.Second

// serve answers one CONNECT, then one request inside it, with 204.
func (e *trialEnds) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(perTrial))
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || req.Method != http.MethodConnect {
		return
	}
	host, _, _ := net.SplitHostPort(req.Host)
	cert, known := e.certs[host]
	if !known {
		_, _ = io.WriteString(c, "HTTP/1.1 502 unknown name\r\n\r\n")
		return
	}
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	inside := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}})
	ctx, cancel := context.WithTimeout(context.Background(), perTrial)
	defer cancel()
	e.hits.add(host)
	defer e.hits.add(host + overHit)
	if inside.HandshakeContext(ctx) != nil {
		e.hits.add(host + refusedHit)
		return
	}
	if _, err := http.ReadRequest(bufio.NewReader(inside)); err == nil {
		_, _ = io.WriteString(inside, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	}
	_ = inside.Close()
}
