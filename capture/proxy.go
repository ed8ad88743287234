package capture

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elazarl/goproxy"

	"llmtap/capture/relay"
	"llmtap/internal/call"
)

// Proxy is the data path: a forward proxy, and base-URL routes beside it. Make
// one with New, give it listeners with Serve and ServeRoutes, end it with
// Shutdown.
type Proxy struct {
	cfg     Config
	b       *builder
	dialer  *dialer
	relay   *relay.Relay
	outside *transport
	blind   *blindTable
	log     *slog.Logger
	tunnels registry

	// base is the context of all tunnels, stop ends it.
	base func() context.Context
	stop context.CancelCauseFunc

	draining atomic.Bool

	servers servers
}

// servers are the HTTP servers of all listeners. Safe for concurrent use.
type servers struct {
	mu     sync.Mutex
	list   []*http.Server
	closed bool
}

// add takes a server; after close it is ended before it begins.
func (s *servers) add(h *http.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, h)
	if s.closed {
		_ = h.Close() // it has no listener yet: nothing can fail
	}
}

// close ends what is added from now on.
func (s *servers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// each calls f for every server at the same time, so that a busy one does not
// keep another one's listener open, and joins the errors.
func (s *servers) each(f func(*http.Server) error) error {
	s.mu.Lock()
	list := s.list
	s.mu.Unlock()
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, h := range list {
		wg.Go(func() { errs[i] = f(h) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// New builds a Proxy. It listens to nothing yet.
func New(cfg Config) (*Proxy, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Authority == nil && !cfg.Policy.TunnelOnly {
		return nil, errors.New("capture: build proxy: no authority to decrypt with, and not --tunnel-only")
	}
	b := &builder{hooks: cfg.Hooks, hash: call.NewHasher(cfg.Secret), live: newLiveCalls(), stats: newStats(), now: time.Now}
	if cfg.StoreContent {
		b.content = cfg.Limits.Content
	}
	base, stop := context.WithCancelCause(context.Background())
	p := &Proxy{
		base: func() context.Context { return base }, stop: stop,
		cfg: cfg, b: b, log: cfg.Logger, blind: newBlindTable(),
		dialer:  &dialer{proxy: cfg.UpstreamProxy, roots: cfg.Roots, timeout: cfg.Limits.Dial, resolver: cfg.Resolver},
		tunnels: newRegistry(cfg.Limits),
	}
	p.dialer.policy.Store(&cfg.Policy)
	p.relay = relay.New(relay.Config{
		Leaf: p.leaf, Roots: cfg.Roots, Strict: cfg.Policy.Strict,
		Limits: relay.Limits{Handshake: cfg.Limits.Dial, Idle: cfg.Limits.Idle}, HandshakeFailed: b.stats.handshake,
	})
	p.outside = newTransport(p)
	return p, nil
}

func (p *Proxy) leaf(ctx context.Context, name string) (*tls.Certificate, error) {
	if p.cfg.Authority == nil {
		return nil, errors.New("capture: mint leaf: decrypting is switched off")
	}
	return p.cfg.Authority.Leaf(ctx, name)
}

// Serve runs the forward proxy on l until Shutdown. It owns l.
func (p *Proxy) Serve(l net.Listener) error {
	g := goproxy.NewProxyHttpServer()
	g.KeepAcceptEncoding = true
	g.ConnectDial, g.ConnectDialWithReq = nil, nil
	g.Logger = quiet{p.log}
	g.NonproxyHandler = http.HandlerFunc(nonProxy)
	g.Tr = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("capture: goproxy's own transport must never dial")
	}}
	g.OnRequest().HandleConnect(goproxy.FuncHttpsHandler(connects{p}.connect))
	g.OnRequest().DoFunc(p.outside.request)
	return p.serve(l, p.outside.handler(g))
}

// quiet sends goproxy's warnings to the log as data, never as a format.
type quiet struct{ log *slog.Logger }

// Printf logs one warning of goproxy.
func (q quiet) Printf(format string, v ...any) {
	q.log.Debug("goproxy says", "text", fmt.Sprintf(format, v...))
}

func (p *Proxy) serve(l net.Listener, h http.Handler) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s := &http.Server{
		Handler: h, Protocols: protocols, ConnState: p.outside.upstreams.state, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 120 * time.Second,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return p.base() }, ConnContext: p.accepted,
	}
	p.servers.add(s)
	p.dialer.setOwn(l.Addr())
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("capture: serve %s: %w", l.Addr(), err)
	}
	return nil
}

// Refuse names further listeners of the agent (the admin page) that must never
// be a destination, even if the operator allowed their address.
func (p *Proxy) Refuse(addrs ...net.Addr) { p.dialer.setOwn(addrs...) }

// SetPolicy changes which hosts are intercepted and which private ones may be
// dialled, for connections from now on; open tunnels keep what they were
// admitted with. Strict and TunnelOnly need a new Proxy and stay as they are.
func (p *Proxy) SetPolicy(n Policy) {
	n.Strict, n.TunnelOnly = p.cfg.Policy.Strict, p.cfg.Policy.TunnelOnly
	p.dialer.policy.Store(&n)
}

// Live returns the attempts in flight, newest first.
func (p *Proxy) Live() []call.Record { return p.b.live.list() }

// Tunnels returns the connections that were not looked into, newest first.
func (p *Proxy) Tunnels() []call.Tunnel { return p.blind.list() }

// Stats returns the counters of capture and of the relay.
func (p *Proxy) Stats() (Snapshot, relay.Stats) { return p.b.stats.Snapshot(), p.relay.Stats() }

// Drain stops accepting: listeners close, idle tunnels end at once, busy ones
// after their exchange. It returns when nothing is open or ctx is done; then
// Close cuts the rest.
func (p *Proxy) Drain(ctx context.Context) error {
	p.draining.Store(true)
	p.servers.close()
	p.tunnels.close()
	p.tunnels.each((*tunnel).drain)
	errs := []error{p.servers.each(func(s *http.Server) error { return s.Shutdown(ctx) })}
	idle := make(chan struct{})
	go func() { // ends with the last tunnel: Close ends them all
		p.tunnels.wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
		errs = append(errs, ctx.Err())
	}
	return errors.Join(errs...)
}

// Close ends what is still open, as ended by the agent, and waits for it. Safe
// to call twice, and without Drain.
func (p *Proxy) Close() error {
	p.draining.Store(true)
	p.stop(errDraining)
	p.servers.close()
	err := p.servers.each((*http.Server).Close)
	p.tunnels.close()
	p.tunnels.each(func(t *tunnel) { t.relay.Shutdown() })
	p.tunnels.wait()
	p.outside.close()
	return err
}

// newConnection describes a client connection for the exchanges on it.
func newConnection(scheme, host string, port int, mode call.CaptureMode) *connection {
	var id [6]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return &connection{id: hex.EncodeToString(id[:]), scheme: scheme, host: host, port: port, mode: mode}
}
