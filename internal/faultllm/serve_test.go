package faultllm_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/internal/faultllm"
)

func TestServeRefusesOtherAddresses(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Skipf("cannot listen on all addresses: %v", err)
	}
	err = faultllm.New(faultllm.Config{}).Serve(t.Context(), l, nil)
	if err == nil || !strings.Contains(err.Error(), "not a loopback address") {
		t.Errorf("Serve on %s: %v, want a refusal", l.Addr(), err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("listener is still open: %v", err)
	}
}

func TestServeTakesAnyAddressIfTold(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Skipf("cannot listen on all addresses: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := faultllm.New(faultllm.Config{AnyAddress: true}).Serve(ctx, l, nil); err != nil {
		t.Errorf("Serve: %v, want nil", err)
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	err = faultllm.New(faultllm.Config{}).Serve(t.Context(), l, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "faultllm: serve ") {
		t.Errorf("Serve: %v, want an error that names the address", err)
	}
}

func TestServeTakesAListenerInMemory(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := pipe{conns: make(chan net.Conn, 1), done: ctx}
	client, service := net.Pipe()
	p.conns <- service
	ended := make(chan error, 1)
	go func() { ended <- faultllm.New(faultllm.Config{}).Serve(ctx, p, nil) }()
	if err := client.SetDeadline(time.Now().Add(waitFor)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, request(target("cut-rst"), `{"stream":true}`)); err != nil {
		t.Fatal(err)
	}
	a := readResponse(t, bufio.NewReader(client))
	if a.status != 200 || ending(a.err) != "short" {
		t.Errorf("%d, ended by %v, want 200 cut short", a.status, a.err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v, want nil", err)
	}
}

func TestStopEndsWhatIsRunning(t *testing.T) {
	for _, way := range []string{plainHTTP, overTLS, overH2} {
		t.Run(way, func(t *testing.T) {
			s := start(t, way)
			r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/v1/chat/completions", strings.NewReader(`{"model":"stall-70","stream":true}`))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if st := s.Stats(); st.Conns != 1 || st.Live != 1 {
				t.Errorf("%d connections, %d requests, want one each", st.Conns, st.Live)
			}
			s.stop()
			if st := s.Stats(); st.Conns != 0 || st.Live != 0 || st.Cancels != 0 {
				t.Errorf("after the end %d connections, %d requests, %d cancels, want none", st.Conns, st.Live, st.Cancels)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err == nil {
				t.Error("the stream ended well, want it cut")
			}
		})
	}
}

func TestLeavingIsNoticed(t *testing.T) {
	for _, way := range []string{plainHTTP, overTLS, overH2} {
		t.Run(way, func(t *testing.T) {
			s := start(t, way)
			ctx, leave := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, "POST", s.url+"/v1/chat/completions", strings.NewReader(`{"model":"stall-70","stream":true}`))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.ReadFull(resp.Body, make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			leave()
			eventually(t, "the cancel in the statistics", func() bool { return s.Stats().Cancels == 1 })
			if c := s.Stats().Cancelled[0]; c.Scenario != "stall-70" || !c.At.Equal(fixedNow()) {
				t.Errorf("cancel %+v, want stall-70 at the clock's time", c)
			}
			eventually(t, "the end of the request", func() bool { return s.Stats().Live == 0 })
		})
	}
}

func TestALPN(t *testing.T) {
	for _, tc := range []struct {
		name          string
		server, offer []string
		want          string
	}{
		{"both offered", nil, []string{"h2", "http/1.1"}, "h2"},
		{"h1 offered", nil, []string{"http/1.1"}, "http/1.1"},
		{"nothing offered", nil, nil, ""},
		{"server without h2", []string{"http/1.1"}, []string{"h2", "http/1.1"}, "http/1.1"},
		{"server names both", []string{"h2", "http/1.1"}, []string{"h2", "http/1.1"}, "h2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cert, pool, err := faultllm.SelfSigned("localhost")
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			config := &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: tc.server}
			go func() { ended <- faultllm.New(faultllm.Config{}).Serve(ctx, l, config) }()
			c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: tc.offer})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.ConnectionState().NegotiatedProtocol; got != tc.want {
				t.Errorf("negotiated %q, want %q", got, tc.want)
			}
			_ = c.Close()
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Serve: %v, want nil", err)
			}
		})
	}
}

func TestResetOverHTTP2TakesTheConnection(t *testing.T) {
	s := start(t, overH2)
	before := s.Stats().Conns
	if a := s.post(t, "cut-h2", fast, `{"stream":true}`); ending(a.err) != "h2_rst" {
		t.Fatalf("cut-h2: %v, want a stream reset", a.err)
	}
	if a := s.post(t, "ok-plain", fast, `{}`); a.err != nil {
		t.Fatal(a.err)
	}
	if got := s.Stats().Conns; got != before+1 {
		t.Errorf("%d connections after a stream reset, want the one", got)
	}
	if a := s.post(t, "cut-rst", fast, `{"stream":true}`); ending(a.err) != "reset" {
		t.Errorf("cut-rst: %v, want a connection reset", a.err)
	}
	eventually(t, "the end of the connection", func() bool { return s.Stats().Conns == before })
}

// TestOtherServers runs the handler in a server of somebody else.
func TestOtherServers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		start func(*httptest.Server)
	}{{"plain", (*httptest.Server).Start}, {"tls", (*httptest.Server).StartTLS}} {
		t.Run(tc.name, func(t *testing.T) {
			srv := httptest.NewUnstartedServer(faultllm.New(faultllm.Config{Interval: -1}))
			tc.start(srv)
			defer srv.Close()
			for id, want := range map[string]string{"cut-rst": "reset", "cut-chunk": "short", "ok-openai": "eof", "idle-closed": "eof", "frame-chunk": "malformed"} {
				resp, err := srv.Client().Post(srv.URL+"/v1/chat/completions", "application/json", strings.NewReader(string(scenario(t, id).Body(true))))
				if err != nil {
					t.Fatal(err)
				}
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if got := ending(err); got != want {
					t.Errorf("%s ended by %s, want %s", id, got, want)
				}
			}
		})
	}
}

func TestStatsAreServed(t *testing.T) {
	s := start(t, plainHTTP)
	s.post(t, "nostream500", fast, `{"stream":true}`)
	s.post(t, "stream-500-azure", fast, `{}`)
	s.post(t, "gpt-4o", fast, `{}`)
	a := s.send(t, "GET", "/stats", "")
	var st faultllm.Stats
	if err := json.Unmarshal([]byte(a.body), &st); err != nil {
		t.Fatal(err)
	}
	if st.Hits["stream-500-azure"] != 2 || st.Hits["healthy"] != 1 || len(st.Hits) != 2 {
		t.Errorf("hits %v, want two of stream-500-azure by both its names and one healthy", st.Hits)
	}
	if st.Live != 1 || st.Conns == 0 {
		t.Errorf("%d requests and %d connections, want the one that asks", st.Live, st.Conns)
	}
}

func TestStatsAreACopy(t *testing.T) {
	s := start(t, plainHTTP)
	s.post(t, "ok-plain", fast, `{}`)
	s.Stats().Hits["ok-plain"] = 99
	if got := s.Stats().Hits["ok-plain"]; got != 1 {
		t.Errorf("%d hits, want 1", got)
	}
}

func TestSelfSigned(t *testing.T) {
	cert, pool, err := faultllm.SelfSigned("owl.example", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, good := range map[string]bool{"owl.example": true, "127.0.0.1": true, "localhost": false, "sub.owl.example": false} {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name})
		if (err == nil) != good {
			t.Errorf("verify for %s: %v, want good: %v", name, err, good)
		}
	}
	ca, err := x509.ParseCertificate(cert.Certificate[1])
	if err != nil {
		t.Fatal(err)
	}
	if !ca.IsCA || leaf.IsCA {
		t.Errorf("authority is one: %v, leaf is one: %v", ca.IsCA, leaf.IsCA)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: x509.NewCertPool()}); err == nil {
		t.Error("the leaf verifies without its authority")
	}
}

// TestManyAtOnce mixes good, failing and breaking calls over shared connections:
// no call may see another's fault, but for resets, which take an h2 connection.
func TestManyAtOnce(t *testing.T) {
	calls := map[string]want{
		"ok-openai":       {status: 200, has: []string{doneLine}},
		"ok-azure":        {status: 200, has: []string{`"usage":{`, doneLine}},
		"stream-500-apim": {status: 500, has: []string{"activityId"}},
		"refuse-400":      {status: 400, has: []string{"unsupported_value"}},
		"cut-chunk":       {status: 200, lacks: []string{"[DONE]"}},
		"enc-zstd":        {status: 200, has: []string{"\x28\xb5\x2f\xfd"}},
		"interim-103":     {status: 200, has: []string{doneLine}},
	}
	for _, way := range []string{plainHTTP, overTLS, overH2} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := start(t, way)
			var wg sync.WaitGroup
			for id, w := range calls {
				for range 5 {
					wg.Go(func() { s.post(t, id, "interval=1ms", `{"stream":true}`).shows(t, w) })
				}
			}
			wg.Wait()
			eventually(t, "the end of all requests", func() bool { return s.Stats().Live == 0 })
			for id := range calls {
				if got := s.Stats().Hits[id]; got != 5 {
					t.Errorf("%s: %d hits, want 5", id, got)
				}
			}
		})
	}
}

// TestOwnFaultsAreNoCancels plays what the service breaks itself.
func TestOwnFaultsAreNoCancels(t *testing.T) {
	for _, way := range []string{plainHTTP, overTLS, overH2} {
		t.Run(way, func(t *testing.T) {
			s := start(t, way)
			for _, id := range []string{"cut-rst", "cut-zero", "cut-chunk", "unclean-finish", "unclean-done", "head-reset", "head-close", "body-short", "frame-chunk"} {
				s.post(t, id, fast, string(scenario(t, id).Body(true)))
				s.post(t, id, fast, string(scenario(t, id).Body(false)))
			}
			s.stop()
			if st := s.Stats(); st.Cancels != 0 {
				t.Errorf("%d cancels, want none: %+v", st.Cancels, st.Cancelled)
			}
		})
	}
}
