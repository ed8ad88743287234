package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"llmtap/internal/faultllm"
)

// service is the fault service behind TLS, and how to reach it.
func service(t *testing.T, h http.Handler) address {
	t.Helper()
	cert, roots, err := faultllm.SelfSigned(serverName, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS13}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	at := srv.Listener.Addr().String()
	return address{dial: at, host: byName(at), roots: roots}
}

func connectTo(t *testing.T, a address) *client {
	t.Helper()
	c, err := dialTarget(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func TestClientReadsStreamsEventByEvent(t *testing.T) {
	at := service(t, faultllm.New(faultllm.Config{}))
	c := connectTo(t, at)
	for range 3 { // the connection is kept
		sent := time.Now()
		r, err := c.do(streamRequest(at.host, 20, time.Millisecond), true)
		if err := r.check(err, 20); err != nil {
			t.Fatal(err)
		}
		if r.reads != 20 || len(r.delays) != 20 || r.first.Before(sent) {
			t.Errorf("%d reads, %d delays, first at %v, want 20, 20 and after %v", r.reads, len(r.delays), r.first, sent)
		}
		for i, d := range r.delays {
			if d < 0 || d > 10*time.Second {
				t.Errorf("delay %d is %v, want a small positive one", i, d)
			}
		}
	}
}

func TestClientReadsPlainAnswersAndFloods(t *testing.T) {
	at := service(t, faultllm.New(faultllm.Config{}))
	c := connectTo(t, at)
	r, err := c.do(request(at.host, "/v1/chat/completions", `{"model":"bench"}`), false)
	if err := r.check(err, 0); err != nil {
		t.Fatal(err)
	}
	r, err = c.do(streamRequest(at.host, 20_000, 0), false)
	if err := r.check(err, 20_000); err != nil {
		t.Fatal(err)
	}
	if r.delays != nil {
		t.Errorf("%d delays kept, want none", len(r.delays))
	}
}

func TestClientTellsBrokenAnswers(t *testing.T) {
	cases := map[string]http.HandlerFunc{
		"cut stream": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, "data: {\"t\": 1}\n\n")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
		"too few events": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, "data: {\"t\": 1}\n\n")
			_ = http.NewResponseController(w).Flush()
		},
		"error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) },
	}
	for name, h := range cases {
		t.Run(name, func(t *testing.T) {
			at := service(t, h)
			r, err := connectTo(t, at).do(streamRequest(at.host, 2, 0), false)
			if err := r.check(err, 2); err == nil {
				t.Errorf("no error for %+v", r)
			}
		})
	}
}

func TestClientNeedsItsTunnelAndACertificateThatFits(t *testing.T) {
	at := service(t, faultllm.New(faultllm.Config{}))
	wrong := at
	wrong.roots = service(t, http.NotFoundHandler()).roots
	if _, err := dialTarget(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v, want one about the certificate", err)
	}
	proxy := startRefusing(t)
	at.dial, at.connect = proxy, true
	if _, err := dialTarget(t.Context(), at); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("error %v, want the proxy's answer", err)
	}
}

// startRefusing is a proxy that allows nothing.
func startRefusing(t *testing.T) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

func TestInstantAnswersAreCounted(t *testing.T) {
	at := service(t, http.HandlerFunc(instant))
	broken, err := instantCalls(t.Context(), at, 200)
	if broken != 0 || err != nil {
		t.Errorf("%d broken, %v, want none", broken, err)
	}
	cut := service(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	if broken, err := instantCalls(t.Context(), cut, 50); broken != 50 || err != nil {
		t.Errorf("%d broken, %v, want 50", broken, err)
	}
}

// The yardsticks must work, or the comparison means nothing.
func TestBlindTunnelCarriesCalls(t *testing.T) {
	at := service(t, faultllm.New(faultllm.Config{}))
	r, w := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- blindTunnel(ctx, nil, nil, w) }()
	var line [64]byte
	n, err := r.Read(line[:])
	if err != nil {
		t.Fatal(err)
	}
	at.dial, at.connect = strings.TrimSpace(string(line[:n])), true
	c := connectTo(t, at)
	got, err := c.do(streamRequest(at.host, 5, 0), true)
	if err := got.check(err, 5); err != nil {
		t.Error(err)
	}
	c.close()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("tunnel ended with %v", err)
	}
}
