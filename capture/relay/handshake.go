package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"llmtap/capture/ca"
)

// handshake brings both legs of a tunnel up. The upstream handshake runs
// inside the client's, after its ClientHello and before our first byte, so
// that the client is offered exactly what upstream chose.
type handshake struct {
	r                *Relay
	t                *Tunnel
	client, upstream *leg
	session          Session
	hello            time.Time // when the ClientHello was complete
	who              subject   // its sender and the service
	touched          bool      // bytes of ours went upstream
	obstacle         string    // why the tunnel goes blind
	err              error     // the error behind obstacle
	tail             [7]byte   // the last bytes the client sent in the handshake
}

func (r *Relay) newHandshake(t *Tunnel) *handshake {
	h := &handshake{r: r, t: t, client: newLeg(t.Client), upstream: newLeg(t.Upstream)}
	h.client.shake, h.client.strict = h, r.cfg.Strict
	return h
}

// close ends whatever is still open.
func (h *handshake) close() {
	_ = h.client.Close()
	_ = h.upstream.Close()
}

// extend gives the client another Limits.Handshake.
func (h *handshake) extend() {
	_ = h.client.SetDeadline(time.Now().Add(h.r.cfg.Limits.Handshake))
}

// apart is run in a goroutine of its own: a handshake needs more stack than the
// copying that follows (5 KiB a tunnel), and what has grown stays so for long.
func apart(ctx context.Context, h *handshake) (res Result) {
	var wg sync.WaitGroup
	wg.Go(func() { res = h.run(ctx) })
	wg.Wait()
	return res
}

// run does both handshakes and says how the tunnel goes on.
func (h *handshake) run(ctx context.Context) Result {
	h.client.holding = true
	h.extend()
	err := h.firstByte(ctx)
	if err == nil && h.obstacle == "" {
		h.client.tls = tls.Server(h.client, h.r.server)
		err = h.client.tls.HandshakeContext(ctx)
	}
	if err != nil || h.obstacle != "" {
		return h.judge(ctx, err)
	}
	_ = h.client.SetDeadline(time.Time{})
	h.client.shake = nil
	h.session.ClientDone = time.Now()
	h.session.ClientTLS = h.client.tls.ConnectionState().Version
	own := h.session.ClientDone.Sub(h.hello) - h.session.UpstreamDone.Sub(h.session.UpstreamStart)
	h.r.stats.handshake.Observe(own)
	return Result{View: Relayed}
}

// firstByte waits for the client; what is not TLS is never shown to crypto/tls.
func (h *handshake) firstByte(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = h.client.Close() })()
	b, err := h.client.peek()
	if err == nil && b != recordHandshake {
		h.block(ReasonNotTLS, nil)
	}
	return err
}

// saw keeps the end of what the client sent.
func (h *handshake) saw(p []byte) {
	p = p[max(0, len(p)-len(h.tail)):]
	copy(h.tail[:], h.tail[len(p):])
	copy(h.tail[len(h.tail)-len(p):], p)
}

func (h *handshake) block(reason string, err error) {
	if h.obstacle == "" {
		h.obstacle, h.err = reason, err
	}
}

// errObstacle makes crypto/tls stop; its alert is dropped by the leg.
var errObstacle = errors.New("relay: intercept: not possible")

// answer is GetConfigForClient of the one server configuration that all
// tunnels share; the leg says which tunnel asks.
func answer(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	l, ok := hello.Conn.(*leg)
	if !ok || l.shake == nil {
		return nil, errObstacle
	}
	return l.shake.answer(hello)
}

func (h *handshake) answer(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	h.hello = time.Now()
	h.who = subject{fingerprintOf(h.t.Peer, hello), h.t.Host, h.t.Port}
	if reason := h.unfit(hello); reason != "" {
		h.block(reason, nil)
		return nil, errObstacle
	}
	if err := h.dial(hello); err != nil {
		return nil, errObstacle
	}
	leaf, err := h.r.cfg.Leaf(hello.Context(), h.t.Host)
	if err != nil {
		reason := ReasonLeaf
		if errors.Is(err, ca.ErrNotPermitted) {
			reason = ReasonNameConstraint
		}
		h.block(reason, err)
		return nil, errObstacle
	}
	h.extend()
	cfg := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{*leaf},
		// One record in is one record out.
		DynamicRecordSizingDisabled: true,
	}
	if h.session.ALPN != "" {
		cfg.NextProtos = []string{h.session.ALPN}
	}
	return cfg, nil
}

// extensionECH is the number of encrypted_client_hello.
const extensionECH = 0xfe0d

// unfit says why a ClientHello is not ours to answer.
func (h *handshake) unfit(hello *tls.ClientHelloInfo) string {
	if !slices.Contains(hello.SupportedVersions, tls.VersionTLS12) && !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
		return ReasonOldTLS
	}
	want := h.t.Host
	if net.ParseIP(want) != nil {
		want = "" // a literal is never sent as SNI
	}
	if strings.EqualFold(strings.TrimSuffix(hello.ServerName, "."), want) {
		return trustOf(h).known()
	}
	if slices.Contains(hello.Extensions, extensionECH) {
		return ReasonECH
	}
	return ReasonSNI
}

// judge turns a handshake that came to nothing into a result.
func (h *handshake) judge(ctx context.Context, err error) Result {
	var res Result
	switch {
	case ctx.Err() != nil:
		res.blame(Failed, ReasonStopped, context.Cause(ctx))
	case h.obstacle != "":
		res.blame(h.fallback(), h.obstacle, h.err)
	case h.client.holding && h.client.failed != nil:
		h.r.cfg.HandshakeFailed("client", failureOf(err))
		res.blame(Failed, ReasonClientGone, err)
	case h.client.holding && h.hello.IsZero():
		res.blame(h.fallback(), ReasonNotTLS, err)
	case h.client.holding:
		res.blame(h.fallback(), ReasonOldTLS, err)
	default:
		reason, err := trustOf(h).rejected(err, h)
		res.blame(Failed, reason, err)
	}
	return res
}

func (h *handshake) fallback() View {
	if h.r.cfg.Strict {
		return Refused
	}
	return Blinded
}
