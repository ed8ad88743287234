package capture_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"llmtap/capture"
	"llmtap/internal/call"
)

// overTLS sends one plain call inside an open tunnel and reads its answer.
func (r *rig) overTLS(c net.Conn, lines ...string) {
	r.t.Helper()
	write(r.t, c, post(chatPath, plainBody, lines...))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	check(r.t, err)
	body, err := io.ReadAll(resp.Body)
	check(r.t, err)
	if resp.StatusCode != 200 || string(body) != answerBody {
		r.t.Fatalf("answer %d %q", resp.StatusCode, body)
	}
}

// TestConnectShapes plays the CONNECT of every client family.
func TestConnectShapes(t *testing.T) {
	for _, c := range []struct{ name, head, status string }{
		{"httpx", "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\nAccept: */*\r\n\r\n", "HTTP/1.1 200 "},
		{"aiohttp", "CONNECT %[1]s HTTP/1.1\r\nHost: llm.example\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\nUser-Agent: Python/3.11 aiohttp/3.14.5\r\n\r\n", "HTTP/1.1 200 "},
		{"urllib3", "CONNECT %[1]s HTTP/1.0\r\n\r\n", "HTTP/1.0 200 "},
		{"undici", "CONNECT %[1]s HTTP/1.1\r\nhost: llm.example\r\nconnection: close\r\nproxy-connection: keep-alive\r\n\r\n", "HTTP/1.1 200 "},
		{"go", "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\nUser-Agent: Go-http-client/1.1\r\n\r\n", "HTTP/1.1 200 "},
		{"curl", "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\nUser-Agent: curl/8.5.0\r\nProxy-Connection: Keep-Alive\r\n\r\n", "HTTP/1.1 200 "},
		{"userinfo", "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\nProxy-Authorization: Basic dTpw\r\n\r\n", "HTTP/1.1 200 "},
		{"another Host", "CONNECT %[1]s HTTP/1.1\r\nHost: elsewhere.example:1\r\n\r\n", "HTTP/1.1 200 "},
		{"upper case", "CONNECT LLM.Example:%[2]s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", "HTTP/1.1 200 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
			_, number, _ := net.SplitHostPort(target)
			raw := r.dial()
			write(t, raw, fmt.Sprintf(strings.ReplaceAll(c.head, "\r\n\r\n", "\r\n%[3]s\r\n"), target, number, ""))
			if head := readHead(t, raw); !strings.HasPrefix(head, c.status) {
				t.Fatalf("answer %q, want %q", head, c.status)
			}
			secure := tls.Client(raw, &tls.Config{RootCAs: r.trust, ServerName: host})
			check(t, secure.Handshake())
			r.overTLS(secure)
			rec := r.next()
			if rec.Target.Host != host || fmt.Sprint(rec.Target.Port) != number || rec.End.Kind != call.EndEOF || rec.Agent.View != call.ViewFull {
				t.Errorf("record %+v %+v", rec.Target, rec.End)
			}
		})
	}
}

// TestConnectIsRefused lists what cannot be a destination.
func TestConnectIsRefused(t *testing.T) {
	for _, c := range []struct{ name, head, want string }{
		{"no port", "CONNECT llm.example HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 "},
		{"port 0", "CONNECT llm.example:0 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 llmtap: CONNECT wants HOST:PORT"},
		{"port too large", "CONNECT llm.example:65536 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 llmtap: CONNECT wants HOST:PORT"},
		{"no host", "CONNECT :443 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 "},
		{"no target", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
		{"garbage", "\x00\x01\x02\r\n\r\n", "HTTP/1.1 400 "},
		{"giant head", "CONNECT llm.example:443 HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", "HTTP/1.1 431 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			raw := r.dial()
			write(t, raw, c.head)
			if head := readHead(t, raw); !strings.HasPrefix(head, c.want) {
				t.Errorf("answer %q, want %q", head, c.want)
			}
			r.none()
		})
	}
}

// TestOptimisticClientHello sends the ClientHello in the CONNECT's own segment.
func TestOptimisticClientHello(t *testing.T) {
	r := newRig(t)
	target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
	raw := &optimistic{TCPConn: r.dial(), head: "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n"}
	secure := tls.Client(raw, &tls.Config{RootCAs: r.trust, ServerName: host})
	check(t, secure.Handshake())
	if !strings.HasPrefix(raw.answer, "HTTP/1.1 200 ") {
		t.Errorf("answer %q", raw.answer)
	}
	r.overTLS(secure)
	if rec := r.next(); rec.Agent.View != call.ViewFull || rec.Response.Status != 200 {
		t.Errorf("record %+v", rec.Agent)
	}
}

// optimistic puts a CONNECT before the first bytes written and takes its answer
// from before the first bytes read.
type optimistic struct {
	*net.TCPConn
	head, answer string
}

func (o *optimistic) Write(p []byte) (int, error) {
	if o.head == "" {
		return o.TCPConn.Write(p)
	}
	n, err := o.TCPConn.Write(append([]byte(o.head), p...))
	n -= len(o.head)
	o.head = ""
	return n, err
}

func (o *optimistic) Read(p []byte) (int, error) {
	one := make([]byte, 1)
	for !strings.HasSuffix(o.answer, "\r\n\r\n") {
		if _, err := o.TCPConn.Read(one); err != nil {
			return 0, err
		}
		o.answer += string(one)
	}
	return o.TCPConn.Read(p)
}

// TestSegmentedClientHello delivers the ClientHello a byte at a time.
func TestSegmentedClientHello(t *testing.T) {
	r := newRig(t)
	target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
	raw := r.tunnel(target)
	check(t, raw.SetNoDelay(true))
	secure := tls.Client(bytewise{raw}, &tls.Config{RootCAs: r.trust, ServerName: host})
	check(t, secure.Handshake())
	r.overTLS(secure)
	r.next()
}

type bytewise struct{ net.Conn }

func (b bytewise) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := b.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// TestCleartextInConnect is tunnelled untouched and counted.
func TestCleartextInConnect(t *testing.T) {
	r := newRig(t)
	target := r.origin(nil, answers(response("200 OK", "application/json", answerBody)))
	raw := r.tunnel(target)
	r.overTLS(raw)
	check(t, raw.Close())
	eventually(t, "a not_tls tunnel", func() bool { return r.blind("not_tls").Count == 1 && r.blind("not_tls").Open == 0 })
	if b := r.blind("not_tls"); b.Host != host || b.Up == 0 || b.Down == 0 || b.Remedy == "" {
		t.Errorf("tunnel %+v", b)
	}
	r.none()
}

// blind returns the row of the table of unseen connections for reason.
func (r *rig) blind(reason string) call.Tunnel {
	for _, b := range r.proxy.Tunnels() {
		if b.Reason == reason {
			return b
		}
	}
	return call.Tunnel{}
}

// TestUnknownHostsAreTunnelled looks at the certificate that the client meets.
func TestUnknownHostsAreTunnelled(t *testing.T) {
	r := newRig(t, func(c *capture.Config) { c.Policy.Intercept = nil })
	target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
	c := r.tls(target)
	if got := c.ConnectionState().PeerCertificates[0].Raw; string(got) != string(r.service.Certificate[0]) {
		t.Error("the client met another certificate than the service's")
	}
	r.overTLS(c)
	if b := r.blind("not_listed"); b.Count != 1 || b.Open != 1 {
		t.Errorf("while open: %+v", b)
	}
	check(t, c.Close())
	eventually(t, "the tunnel's end", func() bool { return r.blind("not_listed").Open == 0 })
	s, _ := r.proxy.Stats()
	if s.Tunnels[[2]string{"blind", "not_listed"}] != 1 || len(s.Tunnels) != 1 {
		t.Errorf("tunnels %v", s.Tunnels)
	}
	r.none()
}

// TestAddressLiterals are intercepted only by that literal.
func TestAddressLiterals(t *testing.T) {
	for _, c := range []struct {
		name   string
		listed bool
	}{{"listed", true}, {"not listed", false}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(cfg *capture.Config) {
				cfg.Policy.AllowPrivate = []capture.HostPort{{Host: "127.0.0.1"}}
				if c.listed {
					cfg.Policy.Intercept = append(cfg.Policy.Intercept, capture.HostPort{Host: "127.0.0.1"})
				}
			})
			target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
			_, number, _ := net.SplitHostPort(target)
			secure := tls.Client(r.tunnel("127.0.0.1:"+number), &tls.Config{RootCAs: r.trust, ServerName: "127.0.0.1"})
			check(t, secure.Handshake())
			own := string(secure.ConnectionState().PeerCertificates[0].Raw) == string(r.service.Certificate[0])
			if own == c.listed {
				t.Errorf("service's own certificate: %v, intercepted: %v", own, c.listed)
			}
			r.overTLS(secure)
			if c.listed && r.next().Target.Host != "127.0.0.1" {
				t.Error("the record names another host")
			}
		})
	}
}

// TestIPv6Literal reaches a service on ::1 through brackets.
func TestIPv6Literal(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	defer l.Close()
	r := newRig(t, func(c *capture.Config) { c.Policy.AllowPrivate = []capture.HostPort{{Host: "::1"}} })
	echoed := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			_ = c.Close()
		}
		echoed <- err
	}()
	raw := r.tunnel("[::1]:" + port(l))
	write(t, raw, "ping")
	check(t, raw.CloseWrite())
	got, err := io.ReadAll(raw)
	check(t, err)
	if string(got) != "ping" {
		t.Errorf("echo %q", got)
	}
	check(t, <-echoed)
}

// TestInnerHostNeverRoutes: what is inside the tunnel cannot move the bytes; it
// is recorded as an oddity of the call.
func TestInnerHostNeverRoutes(t *testing.T) {
	for _, c := range []struct{ name, request string }{
		{"Host", strings.Replace(post(chatPath, plainBody), "Host: llm.example", "Host: 127.0.0.1:4142", 1)},
		{"absolute target", strings.Replace(post("http://127.0.0.1:4142/metrics", plainBody), "Host: llm.example", "Host: 127.0.0.1:4142", 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			got := make(chan string, 1)
			target := r.origin(r.secure(), func(s net.Conn) {
				br := bufio.NewReader(s)
				req, _, err := readRequest(br)
				if err == nil {
					got <- req.Host
					_, _ = io.WriteString(s, response("200 OK", "application/json", answerBody))
				}
				_, _ = br.ReadByte()
			})
			s := r.tls(target)
			write(t, s, c.request)
			if h := <-got; h != "127.0.0.1:4142" {
				t.Errorf("the service got Host %q", h)
			}
			rec := r.next()
			if rec.Target.Host != host || !rec.Request.Hints.HostMismatch {
				t.Errorf("target %q, mismatch %v", rec.Target.Host, rec.Request.Hints.HostMismatch)
			}
		})
	}
}

// TestTunnelLimits: 503 beyond the bounds, and room again after an end.
func TestTunnelLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		lim  capture.Limits
	}{{"in all", capture.Limits{Tunnels: 1}}, {"of one user", capture.Limits{PerUser: 1}}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(cfg *capture.Config) { cfg.Limits = c.lim })
			target := r.origin(nil, func(s net.Conn) { _, _ = io.Copy(io.Discard, s) })
			first := r.tunnel(target)
			if _, head := r.connect(target); !strings.HasPrefix(head, "HTTP/1.1 503 llmtap: too many open tunnels") {
				t.Errorf("answer %q", head)
			}
			check(t, first.Close())
			eventually(t, "room for another tunnel", func() bool {
				_, head := r.connect(target)
				return strings.HasPrefix(head, "HTTP/1.1 200")
			})
		})
	}
}

// TestSilentClientIsGivenUp: a tunnel in which no ClientHello comes ends.
func TestSilentClientIsGivenUp(t *testing.T) {
	r := newRig(t, func(c *capture.Config) { c.Limits.Dial = 80 * time.Millisecond })
	target := r.origin(r.secure(), func(s net.Conn) { _, _ = io.Copy(io.Discard, s) })
	raw := r.tunnel(target)
	if n, err := raw.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes from a silent tunnel", n)
	}
	check(t, r.proxy.Close()) // waits for the tunnel
	s, _ := r.proxy.Stats()
	for k := range s.Tunnels {
		if k[0] == "blind" {
			t.Errorf("a failed handshake counts as a blind tunnel: %v", s.Tunnels)
		}
	}
}
