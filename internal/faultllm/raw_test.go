package faultllm_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// target is the path of a scenario.
func target(id string) string {
	return "/openai/deployments/" + id + "/chat/completions?api-version=1&" + fast
}

func TestMalformedMessages(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		id    string
		has   []string
		lacks []string
	}{
		{"frame-chunk", []string{"\r\nTransfer-Encoding: chunked\r\n", "\r\nzz\r\n"}, []string{"\r\n0\r\n", "Content-Length"}},
		{"frame-status", []string{"\r\nTransfer-Encoding: chunked\r\n", "\r\nHTTP/1.1 502 Bad Gateway\r\n"}, []string{"\r\n0\r\n"}},
		{"frame-cl-te", []string{"\r\nContent-Length: ", "\r\nTransfer-Encoding: chunked\r\n", "\r\n0\r\n\r\n"}, nil},
		{"frame-lengths", []string{"\r\nContent-Length: "}, []string{"chunked"}},
		{"frame-head", []string{"owl owl owl\r\n\r\n"}, []string{"HTTP/"}},
		{"head-cut", []string{"HTTP/1.1 200 OK\r\nContent-Type: text/ev"}, []string{"\r\n\r\n"}},
		{"until-close", []string{"\r\nConnection: close\r\n", "data: [DONE]\n\n"}, []string{"Content-Length", "Transfer-Encoding"}},
		{"inc-close", []string{"\r\nConnection: close\r\n", "data: {"}, []string{"Content-Length", "Transfer-Encoding", "[DONE]"}},
		{"unclean-done", []string{"chunked", "data: [DONE]\n\n\r\n"}, []string{"\r\n0\r\n"}},
		{"cut-chunk", []string{"chunked", "data: {"}, []string{"\r\n0\r\n"}},
		{"inc-eof", []string{"chunked", "data: {", "\r\n0\r\n\r\n"}, []string{"[DONE]"}},
		{"interim-103", []string{"HTTP/1.1 103 Early Hints\r\n", "Link: </owl.css>; rel=preload", "HTTP/1.1 200 OK\r\n"}, nil},
		{"trailers", []string{"\r\nTrailer: X-Answer-Tokens, X-Answer-Status\r\n", "\r\n0\r\nX-Answer-Status: complete\r\nX-Answer-Tokens: 10\r\n\r\n"}, nil},
		{"label-empty", []string{"HTTP/1.1 200 OK\r\n"}, []string{"Content-Type"}},
		{"status-204", []string{"HTTP/1.1 204 No Content\r\n"}, []string{"Content-Type", "Content-Length", "chunked"}},
	} {
		t.Run(tc.id, func(t *testing.T) {
			got, err := s.raw(t, target(tc.id), string(scenario(t, tc.id).Body(true)))
			if err != nil {
				t.Errorf("ended by %v, want FIN", err)
			}
			for _, part := range tc.has {
				if !strings.Contains(got, part) {
					t.Errorf("lacks %q:\n%s", part, got)
				}
			}
			for _, part := range tc.lacks {
				if strings.Contains(got, part) {
					t.Errorf("has %q:\n%s", part, got)
				}
			}
		})
	}
}

func TestFloodOfInterimAnswers(t *testing.T) {
	s := start(t, plainHTTP)
	got, _ := s.raw(t, target("flood-1xx"), `{}`)
	if n := strings.Count(got, "HTTP/1.1 103 Early Hints\r\n"); n != 32 {
		t.Errorf("%d interim answers, want 32", n)
	}
}

func TestChunkPerEvent(t *testing.T) {
	s := start(t, plainHTTP)
	got, _ := s.raw(t, target("ok-openai"), `{"stream":true}`)
	_, body, _ := strings.Cut(got, "\r\n\r\n")
	lines := strings.Split(body, "\r\n")
	if len(lines) != 2*(1+1+10+1+1)+3 {
		t.Fatalf("%d lines, want a size and a line for filter, role, ten words, finish, [DONE]:\n%s", len(lines), body)
	}
	for i := 1; i < len(lines)-3; i += 2 {
		if !strings.HasPrefix(lines[i], "data: ") || !strings.HasSuffix(lines[i], "\n\n") {
			t.Errorf("chunk %q, want exactly one event", lines[i])
		}
	}
}

func TestGiantHead(t *testing.T) {
	s := start(t, plainHTTP)
	for query, size := range map[string]int{"": 48 << 10, "&bytes=300000": 300000, "&bytes=5": 5} {
		got, _ := s.raw(t, target("giant-head")+query, `{}`)
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		if n := strings.Count(head, "o"); n < size || n > size+200 {
			t.Errorf("%q: %d bytes of padding, want %d", query, n, size)
		}
		if !strings.Contains(body, "chat.completion") {
			t.Errorf("%q: no answer after it", query)
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	s := start(t, plainHTTP)
	a := s.send(t, "HEAD", "/openai/deployments/head/chat/completions", "")
	if a.status != 200 || a.body != "" || a.header.Get("Content-Length") == "" {
		t.Errorf("%d, %d bytes, length %q, want the head of the plain answer", a.status, len(a.body), a.header.Get("Content-Length"))
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	for _, way := range []string{plainHTTP, overTLS} {
		t.Run(way, func(t *testing.T) {
			s := start(t, way)
			c := s.dial(t)
			in := bufio.NewReader(c)
			ask := request(target("idle-closed"), `{}`)
			if _, err := io.WriteString(c, ask); err != nil {
				t.Fatal(err)
			}
			if a := readResponse(t, in); a.status != 200 || a.err != nil {
				t.Fatalf("fresh connection: %d, %v, want healthy", a.status, a.err)
			}
			if _, err := io.WriteString(c, ask); err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(in); len(b) != 0 || err != nil {
				t.Errorf("reused connection: %q, %v, want FIN without a byte", b, err)
			}
		})
	}
}

func TestPipelinedCallsAreAnsweredInOrder(t *testing.T) {
	s := start(t, plainHTTP)
	c := s.dial(t)
	ask := request(target("e500-apim"), `{}`) + request(target("ok-plain"), `{}`) + request(target("auth-401"), `{}`)
	if _, err := io.WriteString(c, ask); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	for _, want := range []int{500, 200, 401} {
		if a := readResponse(t, in); a.status != want || a.err != nil {
			t.Errorf("status %d, %v, want %d", a.status, a.err, want)
		}
	}
}

func TestHalfCloseIsWaitedFor(t *testing.T) {
	for _, way := range []string{plainHTTP, overTLS} {
		t.Run(way, func(t *testing.T) {
			s := start(t, way)
			c := s.dial(t)
			if _, err := io.WriteString(c, request("/openai/deployments/half-close/chat/completions?interval=0&scale=4", `{"stream":true}`)); err != nil {
				t.Fatal(err)
			}
			if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(c)
			if err != nil || !strings.HasSuffix(string(b), doneLine) {
				t.Errorf("%q, %v, want the answer after our FIN", b, err)
			}
			if st := s.Stats(); st.Cancels != 0 {
				t.Errorf("%d cancels, want none", st.Cancels)
			}
		})
	}
}

func TestHalfCloseWithNonsense(t *testing.T) {
	s := start(t, plainHTTP)
	got, _ := s.raw(t, target("half-close"), "owl")
	if !strings.HasPrefix(got, "HTTP/1.1 400 Bad Request\r\n") {
		t.Errorf("%q, want 400", got)
	}
}

func TestUpgradeEchoes(t *testing.T) {
	s := start(t, overTLS)
	c := s.dial(t)
	if _, err := io.WriteString(c, "GET "+target("switch-101")+" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: owl/1\r\n\r\nhoot"); err != nil {
		t.Fatal(err)
	}
	const want = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: owl/1\r\nConnection: Upgrade\r\n\r\nhoot, hoot"
	if _, err := io.WriteString(c, ", hoot"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Errorf("%q, %v, want %q", b, err, want)
	}
}

// TestEarlyAnswerNeedsNoBody sends only the head of a request.
func TestEarlyAnswerNeedsNoBody(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		id, expect string
		status     int
	}{
		{"early-413", "", 413},
		{"expect-417", "Expect: 100-continue\r\n", 417},
	} {
		t.Run(tc.id, func(t *testing.T) {
			c := s.dial(t)
			if _, err := io.WriteString(c, "POST "+target(tc.id)+" HTTP/1.1\r\nHost: x\r\n"+tc.expect+"Content-Length: 1000000\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if a := readResponse(t, bufio.NewReader(c)); a.status != tc.status {
				t.Errorf("status %d, %v, want %d", a.status, a.err, tc.status)
			}
		})
	}
}

func TestExpectIsContinued(t *testing.T) {
	s := start(t, plainHTTP)
	c := s.dial(t)
	if _, err := io.WriteString(c, "POST "+target("expect")+" HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	line, err := in.ReadString('\n')
	if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v, want 100 Continue before the body", line, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "{}"); err != nil {
		t.Fatal(err)
	}
	if a := readResponse(t, in); a.status != 200 {
		t.Errorf("status %d, %v, want 200 after the body", a.status, a.err)
	}
}

// TestResetArrivesAfterTheEvents reads what was sent before the RST.
func TestResetArrivesAfterTheEvents(t *testing.T) {
	for _, way := range []string{plainHTTP, overTLS} {
		for _, tc := range []struct {
			id     string
			events int
		}{{"cut-rst", 6}, {"cut-zero", 0}, {"unclean-finish", 13}} {
			t.Run(way+"/"+tc.id, func(t *testing.T) {
				t.Parallel()
				s := start(t, way)
				got, err := s.raw(t, target(tc.id), `{"stream":true}`)
				if ending(err) != "reset" {
					t.Errorf("ended by %v, want a reset", err)
				}
				if n := len(events(got)); n != tc.events {
					t.Errorf("%d events before it, want %d", n, tc.events)
				}
			})
		}
	}
}

func TestStopClosesHijackedConnections(t *testing.T) {
	s := start(t, plainHTTP)
	c := s.dial(t)
	if _, err := io.WriteString(c, "GET "+target("switch-101")+" HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: owl/1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Errorf("ended by %v, want FIN", err)
	}
}

// pipe is a listener in memory, whose address is no TCP one.
type pipe struct {
	conns chan net.Conn
	done  context.Context
}

func (p pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done.Done():
		return nil, net.ErrClosed
	}
}

func (p pipe) Close() error   { return nil }
func (p pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// waitFor is the longest a test waits for a signal.
const waitFor = 20 * time.Second
