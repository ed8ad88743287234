package relay_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"llmtap/capture/relay"
)

// A client without our authority fails once; after that it is left alone.
func TestDistrustingClientFailsOnce(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(v), func(t *testing.T) {
			r, _ := newTLSRig(t, echo)
			var failed failures
			told := make(chan string, 4)
			r.config.HandshakeFailed = failed.add
			r.edit = func(tn *relay.Tunnel) { tn.Distrusted = func(why string) { told <- why } }
			client := r.client()
			client.RootCAs, client.MaxVersion = pool(r.service), v
			if got := ping(r, true, client); got[:10] != "handshake:" {
				t.Fatalf("the client accepted our leaf: %s", got)
			}
			if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonDistrust {
				t.Errorf("result %+v", res)
			}
			if why := receive(t, told); why != "bad_certificate" || len(told) != 0 {
				t.Errorf("told %q and %d more", why, len(told))
			}
			failed.want(t, "client bad_certificate")
			for range 2 {
				before := r.accepted()
				wantBlind(t, r, client)
				if n := r.accepted() - before; n != 1 {
					t.Errorf("%d connections to the service, want 1: it had heard nothing of us", n)
				}
			}
			if len(told) != 0 {
				t.Errorf("told %q of a tunnel that was blind", <-told)
			}
			failed.want(t, "client bad_certificate")
		})
	}
}

// OpenSSL (Python, curl) sends its alert in cleartext although TLS 1.3 is
// encrypted by then.
func TestAlertInCleartextIsDistrust(t *testing.T) {
	tests := []struct {
		name, record, told, failure, blind string // blind: why the same client's next tunnel is
	}{
		{"unknown_ca", "\x15\x03\x03\x00\x02\x02\x30", "unknown_ca", "client unknown_ca", relay.ReasonDistrust},
		{"after a change_cipher_spec", "\x14\x03\x03\x00\x01\x01\x15\x03\x03\x00\x02\x02\x2a", "bad_certificate", "client bad_certificate", relay.ReasonDistrust},
		{"of another kind", "\x15\x03\x03\x00\x02\x02\x50", "internal_error", "client other", ""},
		{"of no known kind", "\x15\x03\x03\x00\x02\x02\xf0", "other", "client other", ""},
		{"no alert", "\x17\x03\x03\x00\x02\x02\x30", "", "client protocol", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := newTLSRig(t, echo)
			var failed failures
			told := make(chan string, 1)
			r.config.HandshakeFailed = failed.add
			r.edit = func(tn *relay.Tunnel) { tn.Distrusted = func(why string) { told <- why } }
			c := tls.Client(&answering{r.dial(true), tt.record}, r.client())
			if c.Handshake() == nil {
				t.Error("it should have stopped")
			}
			r.result()
			if tt.told == "" {
				if len(told) != 0 {
					t.Errorf("told %q", <-told)
				}
			} else if why := receive(t, told); why != tt.told {
				t.Errorf("told %q, want %q", why, tt.told)
			}
			failed.want(t, tt.failure)
			if res := visit(r, r.client()); res.Reason != tt.blind {
				t.Errorf("the next tunnel: %+v, want reason %q", res, tt.blind)
			}
		})
	}
}

// answering sends raw bytes when the server's part has come, then leaves.
type answering struct {
	net.Conn
	record string
}

func (a *answering) Read(p []byte) (int, error) {
	if _, err := a.Conn.Read(p); err != nil {
		return 0, err
	}
	_, _ = io.WriteString(a.Conn, a.record)
	_, _ = io.Copy(io.Discard, a.Conn)
	return 0, io.EOF
}

// insist leaves again and again, as a client does that distrusts us and tries
// again, until that is understood.
func insist(t *testing.T, r *rig, hangUp func()) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		hangUp()
		if r.result().View == relay.Blinded {
			return
		}
		if time.Now().After(end) {
			t.Fatal("a client that always hangs up is still shown our leaf")
		}
	}
}

// Leaving without a word counts when it happens twice in a row, and of a client
// that has used a tunnel, not in one burst.
func TestHangingUpTwiceIsDistrust(t *testing.T) {
	ways := map[string]func(*testing.T, *rig){
		"in the handshake": func(t *testing.T, r *rig) {
			raw := r.dial(true)
			c := tls.Client(&curious{raw}, r.client())
			if c.Handshake() == nil {
				t.Error("it should have hung up")
			}
		},
		"after the handshake": func(_ *testing.T, r *rig) { // Node looks at the certificate then
			raw, _ := r.tls(true, r.client())
			_ = raw.Close()
		},
	}
	for name, hangUp := range ways {
		t.Run(name, func(t *testing.T) {
			r, _ := newTLSRig(t, echo)
			hangUp(t, r)
			r.result()
			if res := visit(r, r.client()); res.View != relay.Relayed { // used: it trusts us after all
				t.Errorf("blind after one hang-up: %+v", res)
			}
			for i := range 2 {
				hangUp(t, r)
				if res := r.result(); res.View == relay.Blinded {
					t.Errorf("hang-up %d since it trusted us is blind", i+1)
				}
			}
			insist(t, r, func() { hangUp(t, r) })
			wantBlind(t, r, r.client())
			other := r.client()
			other.NextProtos = []string{"http/1.1"}
			if res := visit(r, other); res.View != relay.Relayed {
				t.Errorf("a client of another kind: %+v", res)
			}
		})
	}
}

// curious closes as soon as something of the server has come.
type curious struct{ net.Conn }

func (c *curious) Read(p []byte) (int, error) {
	if _, err := c.Conn.Read(p); err != nil {
		return 0, err
	}
	_ = c.Close()
	return 0, io.EOF
}

// attentive takes the leaf, ends its side in order and says nothing, as Node
// does: it answers no certificate that it does not accept.
type attentive struct{ *net.TCPConn }

func (c *attentive) Read(p []byte) (int, error) {
	if _, err := c.TCPConn.Read(p); err != nil {
		return 0, err
	}
	_ = c.CloseWrite()
	_, _ = io.Copy(io.Discard, c.TCPConn)
	return 0, io.EOF
}

// A client that took our leaf and left in order without answering it does not
// accept it: no second failure is needed, unless it has used our tunnels.
func TestLeavingTheLeafUnansweredIsDistrust(t *testing.T) {
	for _, tt := range []struct {
		name  string
		used  bool // before, a tunnel of ours
		leave func(*net.TCPConn) net.Conn
		blind bool
	}{
		{"took it", false, func(c *net.TCPConn) net.Conn { return &attentive{c} }, true},
		{"left some of it unread", false, func(c *net.TCPConn) net.Conn { return &curious{c} }, false},
		{"took it, and trusted us before", true, func(c *net.TCPConn) net.Conn { return &attentive{c} }, false},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(tt.name+"/"+tls.VersionName(version), func(t *testing.T) {
				r, _ := newTLSRig(t, echo)
				told := make(chan string, 4)
				r.edit = func(tn *relay.Tunnel) { tn.Distrusted = func(why string) { told <- why } }
				cfg := r.client()
				cfg.MaxVersion = version
				if tt.used {
					visit(r, cfg)
				}
				if tls.Client(tt.leave(r.dial(true)), cfg).Handshake() == nil {
					t.Error("it should have hung up")
				}
				if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonDistrust {
					t.Errorf("result %+v", res)
				}
				if !tt.used {
					if why := receive(t, told); why != "hangup" {
						t.Errorf("told %q", why)
					}
				} else if len(told) != 0 {
					t.Errorf("told %q of a client that trusts us", <-told)
				}
				if res := visit(r, cfg); (res.View == relay.Blinded) != tt.blind {
					t.Errorf("the next tunnel: %+v, want blind %v", res, tt.blind)
				}
			})
		}
	}
}

func TestHangingUpIsTold(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	var failed failures
	told := make(chan string, 1)
	r.config.HandshakeFailed = failed.add
	r.edit = func(tn *relay.Tunnel) { tn.Distrusted = func(why string) { told <- why } }
	if tls.Client(&curious{r.dial(true)}, r.client()).Handshake() == nil {
		t.Error("it should have hung up")
	}
	if why := receive(t, told); why != "hangup" {
		t.Errorf("told %q", why)
	}
	r.result()
	failed.want(t, "client closed")
}

// A client that uses our tunnels and drops some of them in the handshake, as
// Node's pool does, has not lost its trust; if it goes on, it counts.
func TestHangUpOfATrustingClientIsNotTold(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	told := make(chan string, 4)
	r.edit = func(tn *relay.Tunnel) { tn.Distrusted = func(why string) { told <- why } }
	hangUp := func() {
		t.Helper()
		if tls.Client(&curious{r.dial(true)}, r.client()).Handshake() == nil {
			t.Error("it should have hung up")
		}
	}
	ping(r, true, r.client())
	r.result()
	hangUp()
	r.result()
	if len(told) != 0 {
		t.Errorf("told %q of a client that trusts us", <-told)
	}
	insist(t, r, hangUp)
	if why := receive(t, told); why != "hangup" {
		t.Errorf("told %q", why)
	}
	wantBlind(t, r, r.client())
}

// The first byte is trust, however long its tunnel lasts.
func TestTunnelInUseIsTrust(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	told := make(chan string, 4)
	r.edit = func(tn *relay.Tunnel) { tn.Distrusted = func(why string) { told <- why } }
	_, open := r.tls(true, r.client())
	if _, err := open.Write([]byte("hoo")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(open, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if tls.Client(&curious{r.dial(true)}, r.client()).Handshake() == nil {
		t.Error("it should have hung up")
	}
	r.result()
	if len(told) != 0 {
		t.Errorf("told %q of a client that trusts us", <-told)
	}
	_ = open.Close()
	r.result()
}

// A service that leaves first says nothing about the client.
func TestServiceThatLeavesIsNoDistrust(t *testing.T) {
	r, _ := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) { _, _ = c.Close(), raw.Close() })
	for range 3 {
		raw, c := r.tls(true, r.client())
		_, _ = io.ReadAll(c)
		_ = raw.Close()
		if res := r.result(); res.View != relay.Relayed {
			t.Errorf("result %+v", res)
		}
	}
}

func TestClientCertificateIsLearnedForAllClients(t *testing.T) {
	r, cfg := newTLSRig(t, echo)
	cfg.ClientAuth = tls.RequestClientCert
	ping(r, true, r.client())
	r.result()
	for _, tt := range []struct {
		name, host string
		port       int
		want       string
	}{
		{"that service", host, 443, relay.ReasonClientCertificate},
		{"another port", host, 8443, ""},
		{"another host", "other.example", 443, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := r.relay.ShouldBlind(tt.host, tt.port); got != tt.want || ok != (tt.want != "") {
				t.Errorf("ShouldBlind(%s, %d) = %q, %v; want %q", tt.host, tt.port, got, ok, tt.want)
			}
		})
	}
}
