package capture_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"llmtap/capture"
	"llmtap/internal/call"
)

// TestPrivateDestinations: each range, as a literal and as a DNS answer, is
// refused on CONNECT and on the second path, before a byte leaves the machine.
func TestPrivateDestinations(t *testing.T) {
	r := newRig(t, func(c *capture.Config) {
		c.Policy.Intercept = append(c.Policy.Intercept, capture.HostPort{Host: "evil.example"})
	})
	client := r.client()
	for _, c := range []struct{ name, ip string }{
		{"loopback", "127.0.0.1"}, {"loopback, other", "127.8.9.10"}, {"unspecified", "0.0.0.0"}, {"this network", "0.1.2.3"},
		{"RFC 1918 10", "10.1.2.3"}, {"RFC 1918 172", "172.31.255.254"}, {"RFC 1918 192", "192.168.0.1"},
		{"metadata", "169.254.169.254"}, {"CGNAT metadata", "100.100.100.200"}, {"multicast", "224.0.0.1"}, {"broadcast", "255.255.255.255"},
		{"IETF", "192.0.0.192"}, {"benchmark", "198.19.0.1"}, {"class E", "240.0.0.1"}, {"documentation", "203.0.113.7"},
		{"IPv6 loopback", "::1"}, {"IPv6 unspecified", "::"}, {"ULA metadata", "fd00:ec2::254"}, {"IPv6 link-local", "fe80::1"},
		{"IPv6 site-local", "fec0::1"}, {"IPv6 multicast", "ff02::1"}, {"IPv6 documentation", "2001:db8::1"}, {"discard", "100::1"},
		{"mapped", "::ffff:169.254.169.254"}, {"compatible", "::127.0.0.1"}, {"NAT64", "64:ff9b::10.0.0.1"},
		{"6to4", "2002:7f00:1::"}, {"Teredo", "2001:0:1234::80ff:fffe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			literal := net.JoinHostPort(c.ip, "443")
			if _, head := r.connect(literal); !strings.HasPrefix(head, "HTTP/1.1 403 llmtap policy: ") {
				t.Errorf("CONNECT %s: %q", literal, head)
			}
			r.names.set("evil.example", c.ip)
			_, head := r.connect("evil.example:443")
			if !strings.HasPrefix(head, "HTTP/1.1 403 llmtap policy: evil.example") {
				t.Errorf("CONNECT to a name with that address: %q", head)
			}
			rec := r.next()
			if rec.End.Side != call.SideAgent || rec.End.Kind != call.EndPolicy || rec.Target.Host != "evil.example" || rec.Response.Origin != "agent" {
				t.Errorf("record %+v %+v", rec.Target, rec.End)
			}
			resp, err := client.Get("http://" + net.JoinHostPort(c.ip, "80") + "/")
			check(t, err)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden || resp.Header.Get("Llmtap-Error") != "policy" {
				t.Errorf("plain: %d %v", resp.StatusCode, resp.Header)
			}
		})
	}
}

// TestFailedCandidatesFallThrough: a public or allowed address behind a private
// one is still reached; rebinding gains nothing, because there is one resolution.
func TestFailedCandidatesFallThrough(t *testing.T) {
	r := newRig(t, func(c *capture.Config) { c.Policy.AllowPrivate = []capture.HostPort{{Host: "127.0.0.1"}} })
	target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
	r.names.set(host, "169.254.169.254", "127.0.0.1")
	r.overTLS(r.tls(target))
	if rec := r.next(); !strings.HasPrefix(rec.Agent.PeerAddress, "127.0.0.1:") {
		t.Errorf("peer %s", rec.Agent.PeerAddress)
	}
	if n := r.names.queries(host); n != 1 {
		t.Errorf("%d resolutions, want 1", n)
	}
}

// TestAllowedPorts: --allow-private HOST:PORT opens that port only.
func TestAllowedPorts(t *testing.T) {
	r := newRig(t)
	target := r.origin(nil, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	hp, err := capture.ParseHostPort(target)
	check(t, err)
	r.cfg.Policy.AllowPrivate = []capture.HostPort{hp}
	r.tunnel(target)
	other := r.origin(nil, func(net.Conn) {})
	if _, head := r.connect(other); !strings.HasPrefix(head, "HTTP/1.1 403 llmtap policy: ") {
		t.Errorf("another port: %q", head)
	}
}

// TestOwnListenersAreRefused even if their address is allowed, in every form.
func TestOwnListenersAreRefused(t *testing.T) {
	admin, err := net.Listen("tcp", "0.0.0.0:0")
	check(t, err)
	defer admin.Close()
	r := newRig(t, func(c *capture.Config) {
		c.Policy.AllowPrivate = []capture.HostPort{{Host: "localhost.example"}, {Host: "127.0.0.1"}, {Host: "0.0.0.0"}, {Host: "127.0.0.2"}, {Host: "::1"}}
		for _, a := range interfaces() {
			c.Policy.AllowPrivate = append(c.Policy.AllowPrivate, capture.HostPort{Host: a})
		}
	})
	r.names.set("localhost.example", "127.0.0.1")
	r.start()
	r.proxy.Refuse(admin.Addr())
	_, own, err := net.SplitHostPort(r.addr)
	check(t, err)
	_, routes, err := net.SplitHostPort(r.routes)
	check(t, err)
	targets := []string{
		"127.0.0.1:" + own, "0.0.0.0:" + own, "[::ffff:127.0.0.1]:" + own, "localhost.example:" + own, "LOCALHOST.example.:" + own,
		"127.0.0.1:" + routes, "127.0.0.1:" + port(admin), "127.0.0.2:" + port(admin), "0.0.0.0:" + port(admin),
	}
	for _, a := range interfaces() {
		targets = append(targets, net.JoinHostPort(a, port(admin)))
	}
	for _, target := range targets {
		t.Run(target, func(t *testing.T) {
			if _, head := r.connect(target); !strings.HasPrefix(head, "HTTP/1.1 403 llmtap policy: ") || !strings.Contains(head, "own listener") {
				t.Errorf("answer %q", head)
			}
		})
	}
}

// interfaces lists the machine's IPv4 addresses beside loopback.
func interfaces() (out []string) {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			out = append(out, n.IP.String())
		}
	}
	return out
}

// TestConnectErrors: the reason phrase names the cause, the record too.
func TestConnectErrors(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	gone := port(closed)
	check(t, closed.Close())
	for _, c := range []struct {
		name, target, want string
		side               call.Side
		kind               call.EndKind
	}{
		{"refused", host + ":" + gone, "HTTP/1.1 502 llmtap refused: llm.example: ", call.SideUpstream, call.EndRefused},
		{"dns", "no." + host + ":443", "HTTP/1.1 502 llmtap dns: no.llm.example: ", call.SideUpstream, call.EndDNS},
		{"timeout", "slow.example:443", "HTTP/1.1 502 llmtap timeout: slow.example: ", call.SideUpstream, call.EndTimeout},
		{"policy", "inside." + host + ":443", "HTTP/1.1 403 llmtap policy: inside.llm.example: ", call.SideAgent, call.EndPolicy},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(cfg *capture.Config) {
				cfg.Limits.Dial = 200 * time.Millisecond
				cfg.Policy.Intercept = append(cfg.Policy.Intercept, capture.HostPort{Host: "slow.example"})
			})
			r.names.set("inside."+host, "10.0.0.1")
			raw, head := r.connect(c.target)
			line, _, _ := strings.Cut(head, "\r\n")
			if !strings.HasPrefix(line, c.want) || len(line) > len("HTTP/1.1 502 ")+120 {
				t.Errorf("answer %q, want %q…", line, c.want)
			}
			if rest, err := io.ReadAll(raw); err != nil || len(rest) != 0 {
				t.Errorf("after the answer: %q %v", rest, err)
			}
			rec := r.next()
			if rec.End.Side != c.side || rec.End.Kind != c.kind || rec.End.Detail == "" || rec.Agent.View != call.ViewOpaque || rec.Request.IsHTTP() || rec.Outcome() != call.OutcomeError {
				t.Errorf("record %+v %+v", rec.End, rec.Agent)
			}
		})
	}
}

// corporate is an upstream proxy, over TLS if secure, that answers CONNECT with
// status and, if that is 200, connects to wherever to says.
func (r *rig) corporate(secure *tls.Config, status, to string, heads chan<- string) string {
	_, number, _ := net.SplitHostPort(r.origin(secure, func(c net.Conn) {
		br := bufio.NewReader(c)
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		heads <- req.Method + " " + req.RequestURI + " " + req.Header.Get("Proxy-Authorization")
		_, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\n\r\n")
		if !strings.HasPrefix(status, "200") {
			return
		}
		up, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer up.Close()
		done := make(chan struct{})
		go func() { _, _ = io.Copy(up, br); _ = up.(*net.TCPConn).CloseWrite(); close(done) }()
		_, _ = io.Copy(c, up)
		_ = c.Close()
		<-done
	}))
	return "127.0.0.1:" + number
}

// TestCorporateProxy: every dial goes through it, with its credentials; the
// blind fallback too; its refusal is told apart from the service's.
func TestCorporateProxy(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:p:w"))
	for _, c := range []struct {
		name, status string
		distrust     bool // our roots do not know the service: blind fallback
		want         string
	}{
		{"intercepted", "200 Connection established", false, "HTTP/1.1 200"},
		{"blind fallback", "200 OK", true, "HTTP/1.1 200"},
		{"refused", "407 Proxy Authentication Required", false, "HTTP/1.1 407 llmtap upstream_proxy: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			heads := make(chan string, 8)
			r := newRig(t)
			target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
			_, number, _ := net.SplitHostPort(target)
			r.cfg.UpstreamProxy = &url.URL{Scheme: "http", User: url.UserPassword("me", "p:w"), Host: r.corporate(nil, c.status, "127.0.0.1:"+number, heads)}
			r.cfg.Policy.AllowPrivate = nil // only the proxy's address counts, and that is the operator's
			if c.distrust {
				r.cfg.Roots = nil
			}
			if !strings.HasPrefix(c.status, "200") {
				_, head := r.connect(target)
				if !strings.HasPrefix(head, c.want) || strings.Contains(head, "p:w") {
					t.Errorf("answer %q", head)
				}
				if rec := r.next(); rec.End.Side != call.SideUpstream || rec.End.Kind != call.EndPolicy {
					t.Errorf("end %+v", rec.End)
				}
				return
			}
			r.overTLS(r.tls(target))
			if got, want := <-heads, "CONNECT "+target+" "+basic; got != want {
				t.Errorf("the proxy got %q, want %q", got, want)
			}
			rec := r.next()
			if blind := rec.Agent.View == call.ViewOpaque; blind != c.distrust {
				t.Errorf("record %+v", rec.Agent)
			}
			if c.distrust {
				if got := <-heads; !strings.HasPrefix(got, "CONNECT "+target) {
					t.Errorf("the second dial: %q", got)
				}
			}
		})
	}
}

// TestCorporateProxyOverTLS: its certificate is verified with the roots that
// the operator gave, and with none but the system's if he gave none.
func TestCorporateProxyOverTLS(t *testing.T) {
	for _, c := range []struct {
		name  string
		roots bool
		want  string // the answer to CONNECT
	}{
		{"the operator's roots", true, "HTTP/1.1 200 "},
		{"the system's roots", false, "HTTP/1.1 502 llmtap tls: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			heads := make(chan string, 8)
			r := newRig(t)
			target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
			_, number, _ := net.SplitHostPort(target)
			r.cfg.UpstreamProxy = &url.URL{Scheme: "https", Host: r.corporate(r.secure("http/1.1"), "200 OK", "127.0.0.1:"+number, heads)}
			if !c.roots {
				r.cfg.Roots = nil
			}
			raw, head := r.connect(target)
			if !strings.HasPrefix(head, c.want) {
				t.Fatalf("answer %q, want %q", head, c.want)
			}
			if !c.roots {
				if rec := r.next(); rec.End.Side != call.SideUpstream || rec.End.Kind != call.EndTLS || len(heads) != 0 {
					t.Errorf("end %+v; the proxy got %d requests", rec.End, len(heads))
				}
				return
			}
			s := tls.Client(raw, &tls.Config{RootCAs: r.trust, ServerName: host})
			check(t, s.Handshake())
			r.overTLS(s)
			if rec := r.next(); rec.Agent.View != call.ViewFull || rec.Response.Status != 200 {
				t.Errorf("view %v, status %d", rec.Agent.View, rec.Response.Status)
			}
		})
	}
}

// TestCorporateProxyIsNotOurselves: a proxy that is one of our own listeners
// would be a loop.
func TestCorporateProxyIsNotOurselves(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	r := newRig(t, func(c *capture.Config) { c.UpstreamProxy = &url.URL{Scheme: "http", Host: l.Addr().String()} })
	r.start()
	r.wg.Go(func() { _ = r.proxy.Serve(l) })
	r.proxy.Refuse(l.Addr())
	if _, head := r.connect(host + ":443"); !strings.HasPrefix(head, "HTTP/1.1 403 llmtap policy: ") {
		t.Errorf("answer %q", head)
	}
}

// TestProxyAuth plays every mode with every kind of credential, on both faces.
func TestProxyAuth(t *testing.T) {
	token := func(user, secret string) string {
		return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+capture.ProxyToken([]byte(secret), user)))
	}
	for _, c := range []struct {
		name, line string
		mode       capture.AuthMode
		status     int
		user       string
	}{
		{"none, nothing sent", "", capture.AuthNone, 200, ""},
		{"none, sent", token("ada", "install secret"), capture.AuthNone, 200, ""},
		{"zero mode", "", "", 200, ""},
		{"optional, nothing sent", "", capture.AuthOptional, 200, "unknown"},
		{"optional, right", token("ada", "install secret"), capture.AuthOptional, 200, "ada"},
		{"optional, of another secret", token("ada", "another secret"), capture.AuthOptional, 200, "unknown"},
		{"optional, somebody else's", strings.Replace(token("ada", "install secret"), "YWRh", "Ym9i", 1), capture.AuthOptional, 200, "unknown"},
		{"optional, no base64", "Proxy-Authorization: Basic ???", capture.AuthOptional, 200, "unknown"},
		{"required, nothing sent", "", capture.AuthRequired, 407, ""},
		{"required, right", token("ada", "install secret"), capture.AuthRequired, 200, "ada"},
		{"required, somebody else's", strings.Replace(token("ada", "install secret"), "YWRh", "Ym9i", 1), capture.AuthRequired, 407, ""},
		{"required, no base64", "Proxy-Authorization: Basic ???", capture.AuthRequired, 407, ""},
		{"required, no colon", "Proxy-Authorization: Basic YWRh", capture.AuthRequired, 407, ""},
		{"required, bearer", "Proxy-Authorization: Bearer YWRhOng=", capture.AuthRequired, 407, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(cfg *capture.Config) { cfg.Auth = c.mode })
			var lines []string
			if c.line != "" {
				lines = []string{c.line}
			}
			target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
			_, head := r.connect(target, lines...)
			if !strings.HasPrefix(head, fmt.Sprintf("HTTP/1.1 %d ", c.status)) {
				t.Fatalf("CONNECT: %q", head)
			}
			if c.status == 407 && !strings.Contains(head, "Proxy-Authenticate: Basic realm=") {
				t.Errorf("no challenge in %q", head)
			}
			got := make(chan http.Header, 1)
			plain := r.origin(nil, func(s net.Conn) {
				if req, _, err := readRequest(bufio.NewReader(s)); err == nil {
					got <- req.Header
					_, _ = io.WriteString(s, response("200 OK", "application/json", answerBody))
				}
			})
			raw := r.dial()
			write(t, raw, post("http://"+plain+chatPath, plainBody, lines...))
			resp, err := http.ReadResponse(bufio.NewReader(raw), nil)
			check(t, err)
			if resp.StatusCode != c.status {
				t.Fatalf("plain: %d", resp.StatusCode)
			}
			if c.status != 200 {
				r.none()
				return
			}
			if h := <-got; h.Get("Proxy-Authorization") != "" {
				t.Errorf("the token went on to the service: %v", h)
			}
			if rec := r.next(); rec.Client.User != c.user {
				t.Errorf("user %q, want %q", rec.Client.User, c.user)
			}
		})
	}
}
