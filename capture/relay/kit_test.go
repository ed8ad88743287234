package relay_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"llmtap/capture/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is the CONNECT name of every test tunnel that names no other.
const host = "llm.example"

// limit bounds every wait of a test.
const limit = 10 * time.Second

// authority signs test certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	check(t, err)
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	return &authority{cert, key}
}

// leaf signs a certificate for host; edit may change it first.
func (a *authority) leaf(t testing.TB, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if edit != nil {
		edit(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, key.Public(), a.key)
	check(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func pool(of ...*authority) *x509.CertPool {
	p := x509.NewCertPool()
	for _, a := range of {
		p.AddCert(a.cert)
	}
	return p
}

// rig is an origin, a relay before it, and both authorities: service signs the
// origin's certificate, agent the relay's. Clients by default trust both.
type rig struct {
	t              testing.TB
	service, agent *authority
	relay          *relay.Relay
	config         relay.Config
	origin, front  net.Listener
	edit           func(*relay.Tunnel)
	blind          bool
	serve          func(*net.TCPConn)
	results        chan relay.Result
	wg             sync.WaitGroup
	once           sync.Once

	// mu guards conns, the connections the origin accepted.
	mu    sync.Mutex
	conns []net.Conn
}

// newRig starts an origin that runs serve on each raw connection.
func newRig(t testing.TB, serve func(*net.TCPConn)) *rig {
	t.Helper()
	r := &rig{t: t, service: newAuthority(t, "service"), agent: newAuthority(t, "agent"), results: make(chan relay.Result, 64)}
	r.origin, r.front = listen(t), listen(t)
	cert := r.agent.leaf(t, nil)
	r.config = relay.Config{
		Roots: pool(r.service),
		Leaf:  func(context.Context, string) (*tls.Certificate, error) { return &cert, nil },
	}
	r.serve = serve
	t.Cleanup(r.close)
	return r
}

// start runs relay and listeners; the first dial does it, so that a test may
// change config, edit and serve before.
func (r *rig) start() {
	r.once.Do(func() {
		r.relay = relay.New(r.config)
		r.accept(r.front, r.tunnel)
		r.accept(r.origin, func(c *net.TCPConn) {
			r.mu.Lock()
			r.conns = append(r.conns, c)
			r.mu.Unlock()
			r.serve(c)
		})
	})
}

func (r *rig) accept(l net.Listener, serve func(*net.TCPConn)) {
	r.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() { serve(c.(*net.TCPConn)) })
		}
	})
}

func (r *rig) close() {
	_, _ = r.origin.Close(), r.front.Close()
	r.mu.Lock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// tunnel does what capture does: dial, then Serve.
func (r *rig) tunnel(client *net.TCPConn) {
	up, err := net.Dial("tcp", r.origin.Addr().String())
	if err != nil {
		_ = client.Close()
		return
	}
	t := &relay.Tunnel{
		Client: client, Upstream: up, Host: host, Port: 443, Peer: "ann@127.0.0.1",
		Redial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", r.origin.Addr().String())
		},
	}
	if r.edit != nil {
		r.edit(t)
	}
	if r.blind {
		r.results <- r.relay.Blind(context.Background(), t)
		return
	}
	r.results <- r.relay.Serve(context.Background(), t)
}

// dial opens a raw connection to the origin, through the relay or not.
func (r *rig) dial(relayed bool) *net.TCPConn {
	r.t.Helper()
	r.start()
	addr := r.origin.Addr()
	if relayed {
		addr = r.front.Addr()
	}
	c, err := net.Dial("tcp", addr.String())
	check(r.t, err)
	check(r.t, c.SetDeadline(time.Now().Add(limit)))
	r.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// client is the TLS configuration of a client that trusts both authorities.
func (r *rig) client() *tls.Config {
	return &tls.Config{RootCAs: pool(r.service, r.agent), ServerName: host, DynamicRecordSizingDisabled: true}
}

// tls connects and shakes hands.
func (r *rig) tls(relayed bool, cfg *tls.Config) (*net.TCPConn, *tls.Conn) {
	r.t.Helper()
	raw := r.dial(relayed)
	c := tls.Client(raw, cfg)
	check(r.t, c.Handshake())
	return raw, c
}

// result waits for the end of the next tunnel.
func (r *rig) result() relay.Result {
	r.t.Helper()
	return receive(r.t, r.results)
}

func (r *rig) accepted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns)
}

// stalled tells whether a byte counter has begun and stands still since the
// last question.
func (r *rig) stalled(counter func(relay.Stats) int64) func() bool {
	last := int64(-1)
	return func() bool {
		now := counter(r.relay.Stats())
		still := now > 0 && now == last
		last = now
		return still
	}
}

// origin wraps a TLS handler for newRig; the certificate comes with the first
// connection, since the rig's authority does not exist before.
type origin struct {
	cfg   *tls.Config
	serve func(raw *net.TCPConn, c *tls.Conn)
}

func (o *origin) handle(raw *net.TCPConn) {
	c := tls.Server(raw, o.cfg)
	if c.Handshake() != nil {
		_ = raw.Close()
		return
	}
	o.serve(raw, c)
}

// newTLSRig is newRig with an origin that has shaken hands already.
func newTLSRig(t testing.TB, serve func(raw *net.TCPConn, c *tls.Conn)) (*rig, *tls.Config) {
	t.Helper()
	o := &origin{cfg: &tls.Config{DynamicRecordSizingDisabled: true}, serve: serve}
	r := newRig(t, o.handle)
	o.cfg.Certificates = []tls.Certificate{r.service.leaf(t, nil)}
	return r, o.cfg
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	return l
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func receive[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(limit):
		t.Fatal("nothing came in time")
		panic("unreachable")
	}
}

// eventually polls until ok, for what has no signal.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

var now = regexp.MustCompile(`current time \S+`)

// within runs a measurement until it is within a bound: a busy machine delays
// some, a rule that is broken delays all.
func within(t *testing.T, bound time.Duration, measure func() time.Duration) {
	t.Helper()
	best := time.Duration(1<<63 - 1)
	for range 10 {
		if best = min(best, measure()); best <= bound {
			return
		}
	}
	t.Errorf("took %v at best, want %v", best, bound)
}

// class is the kind and text of an error without addresses and times.
func class(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op + ": " + op.Err.Error()
	}
	if err == nil {
		return ""
	}
	return now.ReplaceAllString(err.Error(), "now")
}
