package faultllm_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"llmtap/internal/faultllm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Ways to reach the service.
const (
	plainHTTP = "http1"
	overTLS   = "tls1"
	overH2    = "h2"
)

// fast plays every scenario in no time.
const fast = "interval=0&scale=0.001"

// quick is the query that plays a scenario in no time; the bomb is a small one.
func quick(id string) string {
	if id == "bomb" {
		return fast + "&bytes=1048576"
	}
	return fast
}

func fixedNow() time.Time { return time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC) }

// server is a running service and a client for it.
type server struct {
	*faultllm.Service
	way    string
	addr   string
	url    string
	client *http.Client
	trust  *tls.Config
	stop   func()
}

// start runs a service until the test ends.
func start(t *testing.T, way string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Service: faultllm.New(faultllm.Config{Now: fixedNow}), way: way, addr: l.Addr().String()}
	s.url = "http://" + s.addr
	var serverTLS *tls.Config
	protocols := new(http.Protocols)
	protocols.SetHTTP1(way != overH2)
	protocols.SetHTTP2(way == overH2)
	if way != plainHTTP {
		cert, pool, err := faultllm.SelfSigned()
		if err != nil {
			t.Fatal(err)
		}
		serverTLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.trust = &tls.Config{RootCAs: pool, ServerName: "localhost"}
		s.url = "https://" + s.addr
	}
	transport := &http.Transport{TLSClientConfig: s.trust, Protocols: protocols, DisableCompression: true, MaxResponseHeaderBytes: 1 << 20}
	s.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l, serverTLS) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v, want nil", err)
		}
		transport.CloseIdleConnections()
	}
	t.Cleanup(s.stop)
	return s
}

// dial opens a raw connection that speaks HTTP/1.1.
func (s *server) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if s.trust != nil {
		c = tls.Client(c, s.trust)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// got is an answer as a client sees it.
type got struct {
	status  int
	proto   string
	header  http.Header
	trailer http.Header
	body    string
	err     error // of the call or of reading the body
}

// post makes a call on the Azure route.
func (s *server) post(t *testing.T, id, query, body string) got {
	t.Helper()
	return s.send(t, http.MethodPost, "/openai/deployments/"+id+"/chat/completions?api-version=2024-10-21&"+query, body)
}

func (s *server) send(t *testing.T, method, target, body string) got {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer dummy-key-of-the-tests-0042")
	resp, err := s.client.Do(r)
	if err != nil {
		return got{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return got{status: resp.StatusCode, proto: resp.Proto, header: resp.Header, trailer: resp.Trailer, body: string(b), err: err}
}

// ending names how an answer ended.
func ending(err error) string {
	switch {
	case err == nil:
		return "eof"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "short"
	case errors.Is(err, io.EOF):
		return "closed"
	case strings.Contains(err.Error(), "stream error"):
		return "h2_rst"
	case strings.Contains(err.Error(), "malformed"), strings.Contains(err.Error(), "invalid"), strings.Contains(err.Error(), "multiple"):
		return "malformed"
	}
	return err.Error()
}

// raw sends a request and returns every byte of the answer and how it ended.
func (s *server) raw(t *testing.T, target, body string) (string, error) {
	t.Helper()
	c := s.dial(t)
	if _, err := io.WriteString(c, request(target, body, "Connection: close")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	_, err := io.Copy(&b, c)
	return b.String(), err
}

// request is a POST in HTTP/1.1.
func request(target, body string, headers ...string) string {
	var b strings.Builder
	b.WriteString("POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("Content-Length: ")
	b.WriteString(strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	return b.String()
}

// readResponse reads one answer from a raw connection.
func readResponse(t *testing.T, in *bufio.Reader) got {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return got{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return got{status: resp.StatusCode, header: resp.Header, body: string(b), err: err}
}

// events returns the data payloads of a stream.
func events(body string) []string {
	var out []string
	for line := range strings.SplitSeq(body, "\n") {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			out = append(out, data)
		}
	}
	return out
}

// eventually polls until ok or the deadline.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
		<-tick.C
	}
}

// scenario finds a row by its id.
func scenario(t *testing.T, id string) faultllm.Scenario {
	t.Helper()
	for _, s := range faultllm.Scenarios() {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("no scenario %q", id)
	return faultllm.Scenario{}
}
