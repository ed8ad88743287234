package capture_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"llmtap/capture"
	"llmtap/internal/call"
)

// onlyService trusts the service's own certificate and nobody else's.
func (r *rig) onlyService() *tls.Config {
	pool := x509.NewCertPool()
	cert, err := x509.ParseCertificate(r.service.Certificate[1])
	check(r.t, err)
	pool.AddCert(cert)
	return &tls.Config{RootCAs: pool, ServerName: host}
}

// TestDistrust: a client without our certificate fails once, is recorded as
// such, and its next connection to that host works untouched.
func TestDistrust(t *testing.T) {
	r := newRig(t)
	target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
	first := tls.Client(r.tunnel(target), r.onlyService())
	if err := first.Handshake(); err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Fatalf("the first handshake: %v", err)
	}
	_ = first.Close()
	rec := r.next()
	if rec.End.Side != call.SideClient || rec.End.Kind != call.EndTLS || rec.Target.Host != host || rec.Request.IsHTTP() || rec.End.Detail == "" {
		t.Errorf("record %+v %+v", rec.Target, rec.End)
	}
	second := tls.Client(r.tunnel(target), r.onlyService())
	check(t, second.Handshake())
	r.overTLS(second)
	if b := r.blind("distrust"); b.Count != 1 || b.Host != host || !strings.Contains(b.Remedy, "restarted") {
		t.Errorf("tunnel %+v", b)
	}
	r.none()
	s, _ := r.proxy.Stats()
	if s.Tunnels[[2]string{"blind", "distrust"}] != 1 || s.Tunnels[[2]string{"relay", ""}] != 0 || len(s.Handshakes) == 0 {
		t.Errorf("tunnels %v handshakes %v", s.Tunnels, s.Handshakes)
	}
}

// TestDistrustIsNotContagious: another program at the address of one that does
// not trust us, and the same program of another user, are looked into.
func TestDistrustIsNotContagious(t *testing.T) {
	r := newRig(t, func(c *capture.Config) { c.Auth = capture.AuthOptional })
	service := answers(response("200 OK", "application/json", answerBody))
	target := r.origin(r.secure("http/1.1"), service)
	login := func(user string) string {
		pair := user + ":" + capture.ProxyToken(r.cfg.Secret, user)
		return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	ann, bob := login("ann"), login("bob")
	_ = tls.Client(r.tunnel(target, ann), r.onlyService()).Handshake()
	if rec := r.next(); rec.End.Kind != call.EndTLS || rec.Client.User != "ann" {
		t.Fatalf("record %+v %+v", rec.End, rec.Client)
	}
	for _, c := range []struct {
		name, target, user string
		protos             []string
		view               call.View
	}{
		{"the same program", target, ann, nil, call.ViewOpaque},
		{"another program", target, ann, []string{"http/1.1"}, call.ViewFull},
		{"another user", target, bob, nil, call.ViewFull},
		{"another port", r.origin(r.secure(), service), ann, nil, call.ViewFull},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := tls.Client(r.tunnel(c.target, c.user), &tls.Config{RootCAs: r.trust, ServerName: host, NextProtos: c.protos})
			check(t, conn.Handshake())
			r.overTLS(conn)
			check(t, conn.Close())
			if c.view == call.ViewOpaque {
				eventually(t, "the row of the blind tunnel", func() bool { return r.blind("distrust").Count == 1 && r.blind("distrust").Open == 0 })
				r.none()
			} else if rec := r.next(); rec.Agent.View != c.view {
				t.Errorf("view %v, want %v", rec.Agent.View, c.view)
			}
		})
	}
}

// badCert is a certificate for the service with one defect.
func badCert(t *testing.T, edit func(*x509.Certificate)) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "odd"}, DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	edit(tmpl)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	check(t, err)
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestBlindFallback: what cannot be decrypted faithfully reaches the client as
// if nobody stood between: same certificate, same error; the reason is shown.
func TestBlindFallback(t *testing.T) {
	good := func(*x509.Certificate) {}
	for _, c := range []struct {
		name, reason string
		cert         func(*x509.Certificate)
		known        bool // the agent's roots hold the certificate
		service      func(*tls.Config)
		client       func(*tls.Config)
		failure      string // of a verifying client; empty: it works
	}{
		{"expired", "upstream_tls", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, true, nil, nil, "expired"},
		{"another name", "upstream_tls", func(c *x509.Certificate) { c.DNSNames = []string{"wrong.example"} }, true, nil, nil, "not llm.example"},
		{"unknown to us, known to the client", "upstream_tls", good, false, nil, nil, ""},
		{"unverified by the client", "upstream_tls", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, true, nil, func(c *tls.Config) { c.InsecureSkipVerify = true }, ""},
		{"client certificate required, none there", "client_certificate", good, true, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, nil, "certificate required"},
		{"client certificate required and given", "client_certificate", good, true, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, func(c *tls.Config) { c.Certificates = []tls.Certificate{{}} }, ""},
		{"another name in SNI", "sni", good, true, nil, func(c *tls.Config) { c.ServerName, c.InsecureSkipVerify = "other.example", true }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			cert, pool := badCert(t, c.cert)
			service, client := &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: pool, ServerName: host}
			if c.known {
				r.cfg.Roots = pool
			}
			if c.service != nil {
				c.service(service)
			}
			if c.client != nil {
				if c.client(client); len(client.Certificates) > 0 {
					client.Certificates[0] = r.service
				}
			}
			target := r.origin(service, answers(response("200 OK", "application/json", answerBody)))
			conn := tls.Client(r.tunnel(target), client)
			err := conn.Handshake()
			if err == nil && c.failure != "" { // TLS 1.3 tells about client certificates at the first read
				_, err = conn.Read(make([]byte, 1))
			}
			if c.failure == "" {
				check(t, err)
				if string(conn.ConnectionState().PeerCertificates[0].Raw) != string(cert.Certificate[0]) {
					t.Error("the client met another certificate than the service's")
				}
				r.overTLS(conn)
			} else if err == nil || !strings.Contains(err.Error(), c.failure) {
				t.Errorf("the client's error is %v, want …%s…", err, c.failure)
			}
			_ = conn.Close()
			eventually(t, "the row of the blind tunnel", func() bool { return r.blind(c.reason).Count == 1 && r.blind(c.reason).Open == 0 })
			if c.reason != "upstream_tls" {
				r.none()
				return
			}
			if rec := r.next(); rec.End.Side != call.SideUpstream || rec.End.Kind != call.EndTLS || rec.End.Detail == "" || rec.Agent.View != call.ViewOpaque {
				t.Errorf("record %+v %+v", rec.End, rec.Agent)
			}
			if b := r.blind(c.reason); b.Detail == "" {
				t.Errorf("no detail in %+v", b)
			}
		})
	}
}

// TestStrict refuses what cannot be looked into.
func TestStrict(t *testing.T) {
	strict := func(c *capture.Config) { c.Policy.Strict = true }
	t.Run("not listed", func(t *testing.T) {
		r := newRig(t, strict)
		r.names.set("elsewhere.example", "127.0.0.1")
		if _, head := r.connect("elsewhere.example:443"); !strings.HasPrefix(head, "HTTP/1.1 403 llmtap policy: elsewhere.example cannot be looked into (not_listed)") {
			t.Errorf("answer %q", head)
		}
	})
	t.Run("outside the authority", func(t *testing.T) {
		r := newRig(t, strict, func(c *capture.Config) {
			c.Policy.Intercept = append(c.Policy.Intercept, capture.HostPort{Host: "elsewhere.example"})
		})
		if _, head := r.connect("elsewhere.example:443"); !strings.Contains(head, "(name_constraint)") {
			t.Errorf("answer %q", head)
		}
	})
	t.Run("service's certificate", func(t *testing.T) {
		r := newRig(t, strict, func(c *capture.Config) { c.Roots = x509.NewCertPool() })
		target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
		conn := tls.Client(r.tunnel(target), &tls.Config{InsecureSkipVerify: true, ServerName: host})
		if err := conn.Handshake(); err == nil {
			t.Error("the handshake succeeded")
		}
		if rec := r.next(); rec.End.Kind != call.EndTLS || rec.End.Side != call.SideUpstream {
			t.Errorf("end %+v", rec.End)
		}
	})
	t.Run("client that distrusts us", func(t *testing.T) {
		r := newRig(t, strict)
		target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
		for range 2 { // it fails alone, each time
			if err := tls.Client(r.tunnel(target), r.onlyService()).Handshake(); err == nil || !strings.Contains(err.Error(), "unknown authority") {
				t.Errorf("the handshake: %v", err)
			}
			if rec := r.next(); rec.End.Kind != call.EndTLS || rec.End.Side != call.SideClient {
				t.Errorf("end %+v", rec.End)
			}
		}
		r.overTLS(r.tls(target))
		if rec := r.next(); rec.Agent.View != call.ViewFull {
			t.Errorf("view %v", rec.Agent.View)
		}
	})
	t.Run("listed", func(t *testing.T) {
		r := newRig(t, strict)
		target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
		r.overTLS(r.tls(target))
		if rec := r.next(); rec.Agent.View != call.ViewFull {
			t.Errorf("view %v", rec.Agent.View)
		}
	})
}

// TestNameConstraint: an intercepted host that the authority may not sign for
// stays blind.
func TestNameConstraint(t *testing.T) {
	r := newRig(t, func(c *capture.Config) {
		c.Policy.Intercept = append(c.Policy.Intercept, capture.HostPort{Host: "new.example"})
		c.Policy.AllowPrivate = append(c.Policy.AllowPrivate, capture.HostPort{Host: "new.example"})
	})
	r.names.set("new.example", "127.0.0.1")
	target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
	_, number, _ := net.SplitHostPort(target)
	conn := tls.Client(r.tunnel("new.example:"+number), r.onlyService())
	check(t, conn.Handshake())
	r.overTLS(conn)
	if b := r.blind("name_constraint"); b.Host != "new.example" || !strings.Contains(b.Remedy, "ca rotate") {
		t.Errorf("tunnel %+v", b)
	}
}

// TestTunnelOnly decrypts nothing, needs no authority, and still records the
// second path.
func TestTunnelOnly(t *testing.T) {
	r := newRig(t, func(c *capture.Config) { c.Policy.TunnelOnly, c.Authority = true, nil })
	target := r.origin(r.secure(), answers(response("200 OK", "application/json", answerBody)))
	conn := tls.Client(r.tunnel(target), r.onlyService())
	check(t, conn.Handshake())
	r.overTLS(conn)
	r.none()
	if b := r.blind("tunnel_only"); b.Count != 1 {
		t.Errorf("tunnel %+v", b)
	}
	plain := r.origin(nil, answers(response("200 OK", "application/json", answerBody)))
	resp, err := r.client().Post("http://"+plain+chatPath, "application/json", strings.NewReader(plainBody))
	check(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	check(t, resp.Body.Close())
	if rec := r.next(); rec.Agent.Mode != call.CapturePlain || rec.Response.Status != 200 {
		t.Errorf("record %+v", rec.Agent)
	}
}

// TestNoAuthority is an error at the start, not a tunnel-only agent.
func TestNoAuthority(t *testing.T) {
	if p, err := capture.New(capture.Config{}); err == nil || p != nil {
		t.Errorf("New without an authority: %v, %v", p, err)
	}
}

// TestBlindTableIsBounded: the oldest rows go first.
func TestBlindTableIsBounded(t *testing.T) {
	r := newRig(t, func(c *capture.Config) { c.Policy.AllowPrivate = []capture.HostPort{{Host: "127.0.0.1"}} })
	target := r.origin(nil, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	_, number, _ := net.SplitHostPort(target)
	const rows = 512
	for i := range rows + 8 {
		name := fmt.Sprintf("h%d.example", i)
		r.names.set(name, "127.0.0.1")
		c := r.tunnel(name + ":" + number)
		check(t, c.Close())
	}
	eventually(t, "all tunnels counted", func() bool {
		s, _ := r.proxy.Stats()
		return s.Tunnels[[2]string{"blind", "not_listed"}] == rows+8
	})
	list := r.proxy.Tunnels()
	if len(list) != rows {
		t.Errorf("%d rows, want %d", len(list), rows)
	}
	for i := 1; i < len(list); i++ {
		if list[i].Last.After(list[i-1].Last) {
			t.Fatalf("row %d is newer than the one before it", i)
		}
	}
}
