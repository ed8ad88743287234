package relay_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"llmtap/capture/ca"
	"llmtap/capture/relay"
)

// defect is a way of an upstream that keeps us from looking into it.
type defect struct {
	name   string
	edit   func(r *rig, cfg *tls.Config)
	reason string
}

func defects(t *testing.T) []defect {
	cert := func(edit func(*x509.Certificate)) func(*rig, *tls.Config) {
		return func(r *rig, cfg *tls.Config) { cfg.Certificates = []tls.Certificate{r.service.leaf(t, edit)} }
	}
	ask := func(mode tls.ClientAuthType, version uint16) func(*rig, *tls.Config) {
		return func(r *rig, cfg *tls.Config) {
			cfg.ClientAuth, cfg.ClientCAs, cfg.MaxVersion = mode, pool(r.service), version
		}
	}
	return []defect{
		{"expired", cert(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), relay.ReasonUpstreamTLS},
		{"not yet valid", cert(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		}), relay.ReasonUpstreamTLS},
		{"wrong host", cert(func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }), relay.ReasonUpstreamTLS},
		{"no names", cert(func(c *x509.Certificate) { c.DNSNames = nil }), relay.ReasonUpstreamTLS},
		{"untrusted", func(_ *rig, cfg *tls.Config) {
			cfg.Certificates = []tls.Certificate{newAuthority(t, "stranger").leaf(t, nil)}
		}, relay.ReasonUpstreamTLS},
		{"TLS 1.0 only", func(_ *rig, cfg *tls.Config) {
			cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
		}, relay.ReasonUpstreamTLS},
		{"client certificate required, TLS 1.2", ask(tls.RequireAndVerifyClientCert, tls.VersionTLS12), relay.ReasonClientCertificate},
		{"client certificate required, TLS 1.3", ask(tls.RequireAndVerifyClientCert, tls.VersionTLS13), relay.ReasonClientCertificate},
		{"client certificate optional", ask(tls.VerifyClientCertIfGiven, tls.VersionTLS13), relay.ReasonClientCertificate},
	}
}

// Every defect of upstream times every client: what the client gets is what it
// gets without us, its own error included, and nothing was decrypted.
func TestBlindFallbackEqualsDirect(t *testing.T) {
	clients := map[string]func(*rig, *tls.Config){
		"default":   func(*rig, *tls.Config) {},
		"no verify": func(_ *rig, c *tls.Config) { c.InsecureSkipVerify = true },
		"own certificate": func(r *rig, c *tls.Config) {
			c.Certificates = []tls.Certificate{r.service.leaf(t, nil)}
		},
		"TLS 1.2": func(_ *rig, c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
		"TLS 1.0": func(_ *rig, c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 },
	}
	for _, d := range defects(t) {
		for name, edit := range clients {
			t.Run(d.name+", "+name, func(t *testing.T) {
				r, cfg := newTLSRig(t, echo)
				told := make(chan string, 1)
				r.edit = func(tn *relay.Tunnel) {
					tn.Start = func(relay.Session) relay.Tap { t.Error("decrypted"); return relay.Tap{} }
					tn.Blinded = func(reason string, err error) { told <- fmt.Sprint(reason, ": ", err) }
				}
				d.edit(r, cfg)
				client := r.client()
				edit(r, client)
				direct, relayed := ping(r, false, client), ping(r, true, client)
				if direct != relayed {
					t.Errorf("relayed: %s\n direct: %s", relayed, direct)
				}
				want, connections := d.reason, 3 // direct, ours, the redial
				if name == "TLS 1.0" {
					want, connections = relay.ReasonOldTLS, 2 // nothing was sent upstream
				}
				res := r.result()
				if res.View != relay.Blinded || res.Reason != want {
					t.Errorf("view %v, reason %q (%s), want %q", res.View, res.Reason, res.Detail, want)
				}
				if got := receive(t, told); got != fmt.Sprint(want, ": ", res.Err) {
					t.Errorf("Blinded heard %q", got)
				}
				if n := r.accepted(); n != connections {
					t.Errorf("%d connections at the origin, want %d", n, connections)
				}
			})
		}
	}
}

// ping is what a client sees of one exchange: error, or whose certificate,
// which version, which answer.
func ping(r *rig, relayed bool, cfg *tls.Config) string {
	raw := r.dial(relayed)
	defer raw.Close()
	c := tls.Client(raw, cfg)
	if err := c.Handshake(); err != nil {
		return "handshake: " + class(err)
	}
	if _, err := c.Write([]byte("ping")); err != nil {
		return "write: " + class(err)
	}
	var got [4]byte
	if _, err := io.ReadFull(c, got[:]); err != nil {
		return "read: " + class(err)
	}
	state := c.ConnectionState()
	_ = c.Close()
	return fmt.Sprintf("%s from %s by %s over %s", got, state.PeerCertificates[0].SerialNumber, state.PeerCertificates[0].Issuer, tls.VersionName(state.Version))
}

func TestUpstreamOfTLS12IsRelayed(t *testing.T) {
	r, cfg := newTLSRig(t, echo)
	cfg.MaxVersion = tls.VersionTLS12
	var session relay.Session
	r.edit = func(tn *relay.Tunnel) {
		tn.Start = func(s relay.Session) relay.Tap { session = s; return relay.Tap{} }
	}
	ping(r, true, r.client())
	if res := r.result(); res.View != relay.Relayed {
		t.Errorf("result %+v", res)
	}
	if session.UpstreamTLS != tls.VersionTLS12 || session.ClientTLS != tls.VersionTLS13 {
		t.Errorf("versions %x upstream, %x client", session.UpstreamTLS, session.ClientTLS)
	}
	if session.UpstreamStart.IsZero() || session.UpstreamDone.Before(session.UpstreamStart) || session.ClientDone.Before(session.UpstreamDone) {
		t.Errorf("times %+v", session)
	}
}

// A client whose ciphers Go's server does not speak works as it does directly.
func TestOddCiphersGoBlind(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	r, cfg := newTLSRig(t, echo)
	old := r.service.leaf(t, nil)
	tmpl, err := x509.ParseCertificate(old.Certificate[0])
	check(t, err)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, r.service.cert, key.Public(), r.service.key)
	check(t, err)
	cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	cfg.CipherSuites = []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	client := r.client()
	client.MaxVersion, client.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	if direct, relayed := ping(r, false, client), ping(r, true, client); direct != relayed || direct[:4] != "ping" {
		t.Errorf("relayed: %s\n direct: %s", relayed, direct)
	}
	if res := r.result(); res.View != relay.Blinded || res.Reason != relay.ReasonOldTLS {
		t.Errorf("result %+v", res)
	}
}

func TestWhatIsNotOursGoesBlind(t *testing.T) {
	tests := []struct {
		name        string
		config      func(*relay.Config)
		client      func(*tls.Config)
		reason      string
		connections int
	}{
		{"other SNI", nil, func(c *tls.Config) { c.ServerName = "other.example" }, relay.ReasonSNI, 1},
		{"no SNI", nil, func(c *tls.Config) { c.ServerName, c.InsecureSkipVerify = "", true }, relay.ReasonSNI, 1},
		{"outside the constraints", func(c *relay.Config) {
			c.Leaf = func(context.Context, string) (*tls.Certificate, error) {
				return nil, fmt.Errorf("mint: %w", ca.ErrNotPermitted)
			}
		}, nil, relay.ReasonNameConstraint, 2},
		{"authority broken", func(c *relay.Config) {
			c.Leaf = func(context.Context, string) (*tls.Certificate, error) { return nil, errors.New("no entropy") }
		}, nil, relay.ReasonLeaf, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, cfg := newTLSRig(t, echo)
			cfg.Certificates = []tls.Certificate{r.service.leaf(t, func(c *x509.Certificate) { c.DNSNames = []string{host, "other.example"} })}
			client := r.client()
			client.RootCAs = pool(r.service) // our leaf would be refused
			if tt.config != nil {
				tt.config(&r.config)
			}
			if tt.client != nil {
				tt.client(client)
			}
			if got := ping(r, true, client); got[:4] != "ping" {
				t.Error(got)
			}
			if res := r.result(); res.View != relay.Blinded || res.Reason != tt.reason || res.Up == 0 || res.Down == 0 {
				t.Errorf("result %+v, want %s", res, tt.reason)
			}
			if n := r.accepted(); n != tt.connections {
				t.Errorf("%d connections at the origin, want %d", n, tt.connections)
			}
		})
	}
}

// SNI may differ in case and by a trailing dot.
func TestSNIIsComparedAsAName(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	client := r.client()
	client.ServerName = "LLM.example"
	if got := ping(r, true, client); got[:4] != "ping" {
		t.Error(got)
	}
	if res := r.result(); res.View != relay.Relayed {
		t.Errorf("result %+v", res)
	}
}

func TestAddressLiteralIsRelayedWithoutSNI(t *testing.T) {
	r, cfg := newTLSRig(t, echo)
	asIP := func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)} }
	cfg.Certificates = []tls.Certificate{r.service.leaf(t, asIP)}
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if hello.ServerName != "" {
			t.Errorf("SNI %q sent for a literal", hello.ServerName)
		}
		return nil, nil
	}
	ours := r.agent.leaf(t, asIP)
	r.config.Leaf = func(_ context.Context, name string) (*tls.Certificate, error) {
		if name != "127.0.0.1" {
			t.Errorf("leaf for %q", name)
		}
		return &ours, nil
	}
	r.edit = func(tn *relay.Tunnel) { tn.Host = "127.0.0.1" }
	client := r.client()
	client.ServerName = "127.0.0.1"
	if got := ping(r, true, client); got[:4] != "ping" {
		t.Error(got)
	}
	if res := r.result(); res.View != relay.Relayed {
		t.Errorf("result %+v", res)
	}
}

func TestNotTLSGoesBlind(t *testing.T) {
	for name, hello := range map[string]string{
		"cleartext":          "GET / HTTP/1.0\r\n\r\n",
		"garbage in TLS":     "\x16\x03\x01\x00\x05hello",
		"an endless message": "\x16\x03\x01\x40\x00\x01\xff\xff\xff" + string(make([]byte, 300<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *net.TCPConn) {
				defer c.Close()
				got := make([]byte, len(hello))
				_, _ = io.ReadFull(c, got)
				_, _ = c.Write([]byte(digest(got)))
			})
			raw := r.dial(true)
			_, err := io.WriteString(raw, hello)
			check(t, err)
			got, err := io.ReadAll(raw)
			if string(got) != digest([]byte(hello)) || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
			_ = raw.Close()
			if res := r.result(); res.View != relay.Blinded || res.Reason != relay.ReasonNotTLS || res.Up != int64(len(hello)) {
				t.Errorf("result %+v", res)
			}
			if n := r.accepted(); n != 1 {
				t.Errorf("%d connections at the origin, want 1", n)
			}
		})
	}
}
