package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/faultllm"
)

// child is the program that exec runs in tests: an LLM client that does what
// the environment tells every SDK to do.
func child(role string) int {
	call := callThroughEnvironment
	switch role {
	case "wait":
		return awaitSignal()
	case "direct":
		call = connectDirectly
	case "base-url":
		call = callBaseURL
	}
	if err := call(os.Args[1:]); err != nil {
		fmt.Println("client:", err)
		return 1
	}
	return 0
}

// awaitSignal says which signal came and ends with 5.
func awaitSignal() int {
	signals := make(chan os.Signal, 1) // sent by the runtime, received here once
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1)
	fmt.Println("ready")
	select {
	case s := <-signals:
		fmt.Println("got", s)
		return 5
	case <-time.After(20 * time.Second):
		return 99
	}
}

// callThroughEnvironment sends one call for each word: stream or plain. Go
// exempts loopback from its proxy variables, so the proxy is taken by hand.
func callThroughEnvironment(modes []string) error {
	proxy, err := url.Parse(os.Getenv("HTTPS_PROXY"))
	if err != nil || proxy.Host == "" {
		return fmt.Errorf("HTTPS_PROXY=%q: %w", os.Getenv("HTTPS_PROXY"), err)
	}
	roots := x509.NewCertPool()
	if pem, err := os.ReadFile(os.Getenv("SSL_CERT_FILE")); err == nil {
		roots.AppendCertsFromPEM(pem)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	for _, mode := range modes {
		body := `{"messages":[{"role":"user","content":"hi"}],"stream":` + fmt.Sprint(mode == "stream") + `}`
		u := os.Getenv("AZURE_OPENAI_ENDPOINT") + "/openai/deployments/stream-500-apim/chat/completions?api-version=2024-10-21"
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, u, strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("api-key", "sk-canary-0123456789")
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		fmt.Println(mode, resp.StatusCode, n > 0, err)
	}
	return nil
}

// connectDirectly holds a connection to the service until stdin ends.
func connectDirectly([]string) error {
	u, err := url.Parse(os.Getenv("AZURE_OPENAI_ENDPOINT"))
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", u.Host)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, conn.Close())
}

// callBaseURL sends one call for each word to the address in OPENAI_BASE_URL,
// as SDKs do: by the proxy of the environment, if that is for it.
func callBaseURL(modes []string) error {
	tr := &http.Transport{Proxy: http.ProxyFromEnvironment}
	for _, mode := range modes {
		body := `{"model":"stream-500-apim","messages":[{"role":"user","content":"hi"}],"stream":` + fmt.Sprint(mode == "stream") + `}`
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, os.Getenv("OPENAI_BASE_URL")+"/chat/completions", strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer sk-canary-0123456789")
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		fmt.Println(mode, resp.StatusCode, n > 0, err)
	}
	return nil
}

// throwAwayCA is the PEM text of a fresh authority.
func throwAwayCA(t *testing.T) string {
	t.Helper()
	cert, _, err := faultllm.SelfSigned("localhost")
	if err != nil {
		t.Fatal(err)
	}
	return string(chainPEM(cert))
}

// faultService serves faultllm over TLS on localhost; it returns its address
// as an endpoint and the file of its authority.
func faultService(t *testing.T) (endpoint, caPath string) {
	t.Helper()
	cert, _, err := faultllm.SelfSigned("localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = faultllm.New(faultllm.Config{}).Serve(ctx, l, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2", "http/1.1"}})
	}()
	t.Cleanup(func() { cancel(); <-done })
	caPath = shortDir(t) + "/upstream.pem"
	put(t, caPath, string(chainPEM(cert)), 0o600)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "https://localhost:" + port, caPath
}
