package relay_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"llmtap/capture/relay"
)

// failures counts Config.HandshakeFailed.
type failures struct {
	mu   sync.Mutex
	seen []string
}

func (f *failures) add(leg, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, leg+" "+reason)
}

func (f *failures) want(t *testing.T, want ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) != len(want) {
		t.Fatalf("failures %q, want %q", f.seen, want)
	}
	for i := range want {
		if f.seen[i] != want[i] {
			t.Errorf("failures %q, want %q", f.seen, want)
		}
	}
}

// prefixed gives back bytes that somebody had read already, as capture does.
type prefixed struct {
	net.Conn
	r io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) { return p.r.Read(b) }
func (p *prefixed) NetConn() net.Conn          { return p.Conn }

// A ClientHello sent in the CONNECT's own segment comes from a wrapped
// connection; its ends are still mirrored.
func TestOptimisticClientHello(t *testing.T) {
	for name, blind := range map[string]bool{"relayed": false, "blind": true} {
		t.Run(name, func(t *testing.T) {
			r, cfg := newTLSRig(t, func(raw *net.TCPConn, c *tls.Conn) {
				_, _ = io.CopyN(c, c, 4)
				_ = raw.SetLinger(0)
				_ = raw.Close()
			})
			if blind {
				cfg.ClientAuth = tls.RequestClientCert
			}
			r.edit = func(tn *relay.Tunnel) {
				head := make([]byte, 100)
				_, _ = io.ReadFull(tn.Client, head)
				tn.Client = &prefixed{tn.Client, io.MultiReader(bytes.NewReader(head), tn.Client)}
				_ = tn.Client.SetDeadline(time.Now().Add(-time.Second)) // net/http leaves one
			}
			raw, c := r.tls(true, r.client())
			defer raw.Close()
			_, err := c.Write([]byte("ping"))
			check(t, err)
			got, err := io.ReadAll(c)
			if string(got) != "ping" || class(err) != "connection reset by peer" {
				t.Errorf("got %q, %v", got, err)
			}
			if res := r.result(); (res.View == relay.Blinded) != blind {
				t.Errorf("result %+v", res)
			}
		})
	}
}

// The hello comes byte by byte.
func TestSlowClientHello(t *testing.T) {
	r, _ := newTLSRig(t, echo)
	raw := r.dial(true)
	defer raw.Close()
	c := tls.Client(&dripping{raw}, r.client())
	check(t, c.Handshake())
	_ = c.Close()
	if res := r.result(); res.View != relay.Relayed {
		t.Errorf("result %+v", res)
	}
}

type dripping struct{ net.Conn }

func (d *dripping) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := d.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestEncryptedClientHelloGoesBlind(t *testing.T) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	check(t, err)
	config := echConfig(key.PublicKey().Bytes(), "public.example")
	r, cfg := newTLSRig(t, echo)
	cfg.EncryptedClientHelloKeys = []tls.EncryptedClientHelloKey{{Config: config, PrivateKey: key.Bytes(), SendAsRetry: true}}
	client := r.client()
	client.EncryptedClientHelloConfigList = append(binary.BigEndian.AppendUint16(nil, uint16(len(config))), config...)
	raw, c := r.tls(true, client)
	if !c.ConnectionState().ECHAccepted {
		t.Error("the service did not get the encrypted hello")
	}
	_ = c.Close()
	_ = raw.Close()
	if res := r.result(); res.View != relay.Blinded || res.Reason != relay.ReasonECH {
		t.Errorf("result %+v", res)
	}
}

// echConfig builds one ECHConfig: DHKEM(X25519), HKDF-SHA256, AES-128-GCM.
func echConfig(key []byte, public string) []byte {
	body := []byte{7, 0x00, 0x20, 0, byte(len(key))}
	body = append(body, key...)
	body = append(body, 0, 4, 0, 1, 0, 1, 32, byte(len(public)))
	body = append(body, public...)
	body = append(body, 0, 0)
	return append([]byte{0xfe, 0x0d, 0, byte(len(body))}, body...)
}

func TestStrictRefusesWithAnAlert(t *testing.T) {
	r, cfg := newTLSRig(t, echo)
	var failed failures
	r.config.Strict, r.config.HandshakeFailed = true, failed.add
	cfg.Certificates = []tls.Certificate{r.service.leaf(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })}
	if got := ping(r, true, r.client()); got != "handshake: remote error: tls: internal error" {
		t.Error(got)
	}
	res := r.result()
	if res.View != relay.Refused || res.Reason != relay.ReasonUpstreamTLS || res.Detail == "" || res.Err == nil {
		t.Errorf("result %+v", res)
	}
	if n := r.accepted(); n != 1 {
		t.Errorf("%d connections at the origin, want 1", n)
	}
	failed.want(t, "upstream expired")
}

func TestNoSecondConnectionResetsTheClient(t *testing.T) {
	for name, redial := range map[string]func(context.Context) (net.Conn, error){
		"none":   nil,
		"failed": func(context.Context) (net.Conn, error) { return nil, errors.New("refused") },
	} {
		t.Run(name, func(t *testing.T) {
			r, cfg := newTLSRig(t, echo)
			cfg.Certificates = []tls.Certificate{newAuthority(t, "stranger").leaf(t, nil)}
			r.edit = func(tn *relay.Tunnel) { tn.Redial = redial }
			if got := ping(r, true, r.client()); got != "handshake: connection reset by peer" {
				t.Error(got)
			}
			if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonRedial {
				t.Errorf("result %+v", res)
			}
		})
	}
}

func TestHandshakeLimits(t *testing.T) {
	t.Run("silent client", func(t *testing.T) {
		r, _ := newTLSRig(t, echo)
		var failed failures
		r.config.HandshakeFailed, r.config.Limits.Handshake = failed.add, 30*time.Millisecond
		raw := r.dial(true)
		if _, err := raw.Read(make([]byte, 1)); err == nil {
			t.Error("a silent client is kept")
		}
		if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonClientGone {
			t.Errorf("result %+v", res)
		}
		failed.want(t, "client timeout")
	})
	t.Run("silent upstream", func(t *testing.T) {
		silent := make(chan struct{})
		r := newRig(t, func(c *net.TCPConn) { <-silent; _ = c.Close() })
		var failed failures
		r.config.HandshakeFailed, r.config.Limits.Handshake = failed.add, 30*time.Millisecond
		raw := r.dial(true)
		go func() {
			_ = tls.Client(raw, r.client()).Handshake()
			_ = raw.Close() // the service may end with a FIN before it got the hello
		}()
		eventually(t, "the fallback", func() bool { return r.accepted() == 2 })
		close(silent)
		if res := r.result(); res.View != relay.Blinded || res.Reason != relay.ReasonUpstreamTLS {
			t.Errorf("result %+v", res)
		}
		failed.want(t, "upstream timeout")
	})
	t.Run("client silent after our hello", func(t *testing.T) {
		r, _ := newTLSRig(t, echo)
		var failed failures
		r.config.HandshakeFailed, r.config.Limits.Handshake = failed.add, 300*time.Millisecond
		raw := r.dial(true)
		gone := make(chan struct{})
		c := tls.Client(&mute{Conn: raw, until: gone}, r.client())
		done := make(chan error, 1)
		go func() { done <- c.Handshake() }()
		if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonHandshake {
			t.Errorf("result %+v", res)
		}
		close(gone)
		<-done
		failed.want(t, "client timeout")
		if res := visit(r, r.client()); res.View != relay.Relayed {
			t.Errorf("a slow client is no distrusting one: %+v", res)
		}
	})
}

// mute lets one Write pass, the ClientHello, and holds the others.
type mute struct {
	net.Conn
	until <-chan struct{}
	wrote bool
}

func (m *mute) Write(p []byte) (int, error) {
	if m.wrote {
		<-m.until
	}
	m.wrote = true
	return m.Conn.Write(p)
}

func TestClientThatLeavesBeforeItsHello(t *testing.T) {
	r := newRig(t, func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c); _ = c.Close() })
	raw := r.dial(true)
	_, err := raw.Write([]byte{0x16, 3, 1})
	check(t, err)
	check(t, raw.Close())
	if res := r.result(); res.View != relay.Failed || res.Reason != relay.ReasonClientGone || res.Up != 0 {
		t.Errorf("result %+v", res)
	}
}

// Both legs resume; one client keeps one ticket per host as it would directly.
func TestSessionsAreResumed(t *testing.T) {
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(v), func(t *testing.T) {
			r, cfg := newTLSRig(t, echo)
			cfg.MaxVersion = v
			sessions := make(chan relay.Session, 2)
			r.edit = func(tn *relay.Tunnel) {
				tn.Start = func(s relay.Session) relay.Tap { sessions <- s; return relay.Tap{} }
			}
			client := r.client()
			client.MinVersion, client.MaxVersion, client.ClientSessionCache = v, v, tls.NewLRUClientSessionCache(4)
			for i := range 3 {
				raw, c := r.tls(true, client)
				_, err := c.Write([]byte("ping"))
				check(t, err)
				_, err = io.ReadFull(c, make([]byte, 4)) // takes the tickets, too
				check(t, err)
				if got, want := c.ConnectionState().DidResume, i > 0; got != want {
					t.Errorf("connection %d: client resumed %v", i, got)
				}
				if got, want := receive(t, sessions).Resumed, i > 0; got != want {
					t.Errorf("connection %d: upstream resumed %v", i, got)
				}
				_, _ = c.Close(), raw.Close()
				r.result()
			}
		})
	}
}
