package relay_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"strings"
	"testing"

	"llmtap/capture/relay"
)

// visit is one ping and what became of its tunnel.
func visit(r *rig, client *tls.Config) relay.Result {
	r.t.Helper()
	ping(r, true, client)
	return r.result()
}

// wantBlind fails unless the client reaches the service itself.
func wantBlind(t *testing.T, r *rig, client *tls.Config) {
	t.Helper()
	if got := ping(r, true, client); !strings.Contains(got, "by CN=service") {
		t.Errorf("the client met %s", got)
	}
	if res := r.result(); res.View != relay.Blinded || res.Reason != relay.ReasonDistrust || res.Err != nil {
		t.Errorf("result %+v", res)
	}
}

// untrusting is a client that was never told about our authority.
func (r *rig) untrusting() *tls.Config {
	c := r.client()
	c.RootCAs = pool(r.service)
	return c
}

// editing lets a test change each tunnel before it is served.
func (r *rig) editing() chan<- func(*relay.Tunnel) {
	edits := make(chan func(*relay.Tunnel), 1)
	r.edit = func(tn *relay.Tunnel) { (<-edits)(tn) }
	return edits
}

// A client that distrusts us blinds its own kind alone: other programs at its
// address, other users and other services are looked into.
func TestDistrustIsOneClients(t *testing.T) {
	const other = "other.example"
	tests := []struct {
		name   string
		client func(*tls.Config)
		tunnel func(*relay.Tunnel)
		view   relay.View
	}{
		{"the same", nil, nil, relay.Blinded},
		{"the same without verification", func(c *tls.Config) { c.InsecureSkipVerify = true }, nil, relay.Blinded},
		{"other protocols", func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} }, nil, relay.Relayed},
		{"other versions", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, nil, relay.Relayed},
		{"other ciphers", func(c *tls.Config) { c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256} }, nil, relay.Relayed},
		{"other curves", func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP256} }, nil, relay.Relayed},
		{"another user", nil, func(tn *relay.Tunnel) { tn.Peer = "bob@127.0.0.1" }, relay.Relayed},
		{"another address", nil, func(tn *relay.Tunnel) { tn.Peer = "ann@127.0.0.2" }, relay.Relayed},
		{"another port", nil, func(tn *relay.Tunnel) { tn.Port = 8443 }, relay.Relayed},
		{"another host", func(c *tls.Config) { c.ServerName = other }, func(tn *relay.Tunnel) { tn.Host = other }, relay.Relayed},
	}
	r, cfg := newTLSRig(t, echo)
	both := func(c *x509.Certificate) { c.DNSNames = []string{host, other} }
	cfg.Certificates = []tls.Certificate{r.service.leaf(t, both)}
	shown := r.agent.leaf(t, both)
	r.config.Leaf = func(context.Context, string) (*tls.Certificate, error) { return &shown, nil }
	edits := r.editing()
	edits <- func(*relay.Tunnel) {}
	if res := visit(r, r.untrusting()); res.View != relay.Failed || res.Reason != relay.ReasonDistrust {
		t.Fatalf("the first tunnel: %+v", res)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			client := r.client() // trusts us, unlike the first one
			if tt.client != nil {
				tt.client(client)
			}
			if tt.tunnel == nil {
				tt.tunnel = func(*relay.Tunnel) {}
			}
			edits <- tt.tunnel
			if res := visit(r, client); res.View != tt.view || res.Up == 0 {
				t.Errorf("result %+v, want view %d", res, tt.view)
			}
			edits <- func(*relay.Tunnel) {}
			wantBlind(t, r, r.untrusting())
		})
	}
}

// A tunnel of the same program that works is no proof that all its runs trust
// us: distrust ends with its hour alone.
func TestTunnelInUseDoesNotClearDistrust(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	_, open := r.tls(true, r.client())
	if res := visit(r, r.untrusting()); res.Reason != relay.ReasonDistrust {
		t.Fatalf("result %+v", res)
	}
	if _, err := open.Write([]byte("hoo")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(open, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	wantBlind(t, r, r.untrusting())
	_ = open.Close()
	if res := r.result(); res.View != relay.Relayed || res.Up != 3 {
		t.Errorf("the tunnel that was open: %+v", res)
	}
}

// The tickets that a client gets through a blind tunnel come back in its
// ClientHello: it is the same client for all that.
func TestResumingClientStaysBlind(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(v), func(t *testing.T) {
			r, _ := newTLSRig(t, echo)
			client := r.untrusting()
			client.MinVersion, client.MaxVersion, client.ClientSessionCache = v, v, tls.NewLRUClientSessionCache(4)
			if res := visit(r, client); res.View != relay.Failed {
				t.Fatalf("result %+v", res)
			}
			for i := range 3 {
				_, c := r.tls(true, client)
				if _, err := c.Write([]byte("ping")); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(c, make([]byte, 4)); err != nil { // takes the tickets, too
					t.Fatal(err)
				}
				if got, want := c.ConnectionState().DidResume, i > 0; got != want {
					t.Errorf("tunnel %d: resumed %v", i, got)
				}
				_ = c.Close()
				if res := r.result(); res.View != relay.Blinded {
					t.Errorf("tunnel %d: %+v", i, res)
				}
			}
		})
	}
}

// Strict never looks away: it shows its leaf to a client that distrusts it each
// time, and refuses nobody for that.
func TestStrictShowsItsLeafAgain(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	told := make(chan string, 4)
	r.config.Strict = true
	r.edit = func(tn *relay.Tunnel) { tn.Distrusted = func(why string) { told <- why } }
	for i := range 3 {
		if got := ping(r, true, r.untrusting()); !strings.Contains(got, "signed by unknown authority") {
			t.Errorf("try %d: %s", i+1, got)
		}
		if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonDistrust {
			t.Errorf("try %d: %+v", i+1, res)
		}
		if why := receive(t, told); why != "bad_certificate" {
			t.Errorf("try %d: told %q", i+1, why)
		}
	}
	if res := visit(r, r.client()); res.View != relay.Relayed {
		t.Errorf("a client of the same kind that trusts us: %+v", res)
	}
}
