package relay

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"
)

// Config is what a Relay needs. It is read once, by New.
type Config struct {
	// Leaf returns the certificate shown to the client for the CONNECT name. An
	// error turns the tunnel blind: ReasonNameConstraint if it is
	// ca.ErrNotPermitted, else ReasonLeaf. It is called concurrently.
	Leaf func(ctx context.Context, name string) (*tls.Certificate, error)
	// Roots verify upstream; nil means the system's.
	Roots  *x509.CertPool
	Limits Limits
	// Strict refuses with an alert what would otherwise be tunnelled blind. A
	// client that is known to distrust our leaf is shown it again instead: it
	// fails alone, by its own alert.
	Strict bool
	// HandshakeFailed counts TLS failures by leg (client, upstream) and reason
	// (unknown_ca, bad_certificate, expired, name_mismatch, protocol, timeout,
	// closed, other). It must not block; nil means not wanted.
	HandshakeFailed func(leg, reason string)
}

// Limits bound a tunnel in time and memory. A zero field means its default.
type Limits struct {
	// Handshake bounds each of: waiting for the ClientHello, the upstream
	// handshake, the rest of the client handshake. Default 10 s.
	Handshake time.Duration
	// Idle ends a tunnel silent both ways, unless Tunnel.Busy says that it is
	// in use. Default 1 h.
	Idle time.Duration
	// HalfOpen resets a tunnel whose one direction has ended and whose other
	// one stays silent. Default 10 min.
	HalfOpen time.Duration
	// Drain is how long a reset waits for the send queue while that does not
	// shrink; ten times that in all. Default 100 ms.
	Drain time.Duration
}

func (l Limits) withDefaults() Limits {
	fill := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	fill(&l.Handshake, 10*time.Second)
	fill(&l.Idle, time.Hour)
	fill(&l.HalfOpen, 10*time.Minute)
	fill(&l.Drain, 100*time.Millisecond)
	return l
}

// largestRecord is the most plaintext that a TLS record holds (RFC 8446 §5.1).
const largestRecord = 16 << 10

// upstreamSessions bounds the TLS sessions kept for resumption upstream.
const upstreamSessions = 512

// Relay splices tunnels. It is safe for concurrent use and starts nothing by
// itself: whoever calls Serve or Blind waits for that tunnel.
type Relay struct {
	cfg      Config
	server   *tls.Config // shared, so that clients resume across tunnels
	sessions tls.ClientSessionCache
	buffers  sync.Pool
	learned  *memory
	stats    *counters
}

// New returns a Relay. Config.Leaf must be set unless only Blind is called.
func New(cfg Config) *Relay {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.HandshakeFailed == nil {
		cfg.HandshakeFailed = func(string, string) {}
	}
	r := &Relay{
		cfg:      cfg,
		sessions: tls.NewLRUClientSessionCache(upstreamSessions),
		learned:  newMemory(),
		stats:    &counters{},
	}
	r.buffers.New = func() any {
		b := make([]byte, largestRecord)
		return &b
	}
	r.server = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: answer}
	return r
}

// Serve runs one intercepted tunnel to its end and closes both connections.
// The CONNECT was already answered, and t.Client replays whatever the server
// had buffered. It returns when nothing of the tunnel runs any more; the end
// of ctx is a Shutdown.
func (r *Relay) Serve(ctx context.Context, t *Tunnel) Result {
	ctx, cancel := t.bind(ctx)
	defer cancel()
	h := r.newHandshake(t)
	defer h.close()
	res := apart(ctx, h)
	switch res.View {
	case Relayed:
		return r.relayed(ctx, h, res)
	case Blinded:
		return r.fallBack(ctx, h, res)
	}
	return res
}

// relayed copies the plaintext of a tunnel whose two handshakes are done.
func (r *Relay) relayed(ctx context.Context, h *handshake, res Result) Result {
	s := newSplice(r, h.t, h.client, h.upstream)
	s.view = Relayed
	if h.t.Start != nil {
		s.tap = h.t.Start(h.session)
	}
	w := trustOf(h)
	s.tap = w.noting(s.tap)
	res = s.run(ctx, res)
	w.learn(h.session.ClientDone, res)
	return res
}

// Blind copies raw bytes both ways until the end and closes both connections:
// the tunnel of a host that is not intercepted. Endings, counters and the idle
// limit are those of Serve.
func (r *Relay) Blind(ctx context.Context, t *Tunnel) Result {
	ctx, cancel := t.bind(ctx)
	defer cancel()
	return r.blind(ctx, t, newLeg(t.Client), newLeg(t.Upstream), Result{View: Blinded})
}

func (r *Relay) blind(ctx context.Context, t *Tunnel, client, upstream *leg, res Result) Result {
	s := newSplice(r, t, client, upstream)
	s.view = Blinded
	return s.run(ctx, res)
}

// ShouldBlind tells whether that service is known not to work for any client
// when it is looked into (it asks for client certificates), and why: ask before
// Serve. What one client does is known only after its ClientHello, in Serve.
func (r *Relay) ShouldBlind(host string, port int) (reason string, ok bool) {
	reason = r.learned.lookup(subject{host: host, port: port})
	return reason, reason != ""
}

// Stats returns a snapshot of the counters.
func (r *Relay) Stats() Stats { return r.stats.snapshot() }
