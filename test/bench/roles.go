package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/elazarl/goproxy"

	"llmtap/capture"
	"llmtap/capture/ca"
	"llmtap/internal/faultllm"
)

// role is a child process: it prints its address and serves until ctx ends.
type role func(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error

func roles() map[string]role {
	return map[string]role{
		"upstream": upstream, "tunnel": blindTunnel, "mitm": stockMITM, "bare": bareRelay,
		"collector": collector, "telemetry": telemetry, "allocations": allocations,
	}
}

const instantPlain = `{"id":"chatcmpl-bench","object":"chat.completion","created":1736000000,"model":"gpt-4o","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"Owls."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`

// upstream is the LLM service: the fault service, and under /instant/ answers
// that are sent before the request body is read.
func upstream(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	cert, _, err := faultllm.SelfSigned(serverName, "127.0.0.1")
	if err != nil {
		return err
	}
	if err := writeCert(args[0], "upstream", cert); err != nil {
		return err
	}
	svc := faultllm.New(faultllm.Config{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/instant/") {
			instant(w, r)
			return
		}
		svc.ServeHTTP(w, r)
	})
	return serveUntil(ctx, stdout, &http.Server{Handler: h, TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
	}})
}

// instant answers at once, as a stream or plain by the path; net/http reads
// the request body afterwards.
func instant(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/instant/plain/") {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, instantPlain)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	flush := http.NewResponseController(w)
	for _, delta := range []string{`{"role":"assistant","content":""},"finish_reason":null`, `{"content":"Owls."},"finish_reason":null`, `{},"finish_reason":"stop"`} {
		_, _ = io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","created":1736000000,"model":"gpt-4o","t": 1,"choices":[{"index":0,"delta":`+delta+"}]}\n\n")
		_ = flush.Flush()
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

// serveUntil serves TLS, or plain without a TLS configuration, until ctx ends.
func serveUntil(ctx context.Context, stdout io.Writer, s *http.Server) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("bench: listen: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = s.Close() })()
	s.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if _, err := fmt.Fprintln(stdout, l.Addr()); err != nil {
		return fmt.Errorf("bench: print address: %w", err)
	}
	if s.TLSConfig != nil {
		err = s.ServeTLS(l, "", "")
	} else {
		err = s.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("bench: serve: %w", err)
}

func newGoproxy() *goproxy.ProxyHttpServer {
	p := goproxy.NewProxyHttpServer()
	p.ConnectDial, p.ConnectDialWithReq = nil, nil
	p.Tr.Proxy = nil
	return p
}

// blindTunnel is goproxy copying bytes: the least that a proxy can do.
func blindTunnel(ctx context.Context, _ []string, _ io.Reader, stdout io.Writer) error {
	p := newGoproxy()
	p.OnRequest().HandleConnect(goproxy.FuncHttpsHandler(func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return &goproxy.ConnectAction{Action: goproxy.ConnectAccept}, host
	}))
	return serveUntil(ctx, stdout, &http.Server{Handler: p})
}

// stockMITM is goproxy decrypting in its own way: a yardstick, and banned
// everywhere else in this module.
func stockMITM(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	signer, err := signingCA(args[0], "mitm")
	if err != nil {
		return err
	}
	roots, err := readRoots(filepath.Join(args[0], "upstream.crt"))
	if err != nil {
		return err
	}
	p := newGoproxy()
	p.Tr.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	action := &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: goproxy.TLSConfigFromCA(&signer)}
	p.CertStore = &oneCert{}
	p.OnRequest().HandleConnect(goproxy.FuncHttpsHandler(func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return action, host
	}))
	return serveUntil(ctx, stdout, &http.Server{Handler: p})
}

// bareRelay is llmtap's data path without any telemetry behind it.
func bareRelay(ctx context.Context, args []string, _ io.Reader, stdout io.Writer) error {
	dir, target := args[0], args[1]
	roots, err := readRoots(filepath.Join(dir, "upstream.crt"))
	if err != nil {
		return err
	}
	authority, err := ca.Open(ca.Config{Dir: filepath.Join(dir, "bare", "ca"), Names: []string{serverName}})
	if err != nil {
		return err
	}
	hp, err := capture.ParseHostPort(target)
	if err != nil {
		return err
	}
	p, err := capture.New(capture.Config{
		Policy: capture.Policy{Intercept: []capture.HostPort{{Host: serverName}}, AllowPrivate: []capture.HostPort{hp}},
		Roots:  roots, Authority: authority, Secret: []byte("bench"),
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("bench: listen: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = p.Close() })()
	if _, err := fmt.Fprintln(stdout, l.Addr()); err != nil {
		return fmt.Errorf("bench: print address: %w", err)
	}
	return p.Serve(l)
}

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bench: read roots: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("bench: read roots: no certificate in %s", path)
	}
	return roots, nil
}
