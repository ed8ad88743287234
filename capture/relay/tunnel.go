package relay

import (
	"context"
	"net"
	"sync"
	"time"
)

// Tunnel is one CONNECT: its two connections, which the relay owns from Serve
// or Blind on, and what to tell whom. Fill the fields before Serve; use a
// Tunnel once and do not copy it.
//
// A connection that wraps another one shows it by `NetConn() net.Conn`, else
// its peer can be sent neither a half-close nor a reset.
type Tunnel struct {
	Client, Upstream net.Conn
	// Host is the normalised CONNECT name: the SNI sent upstream. Port belongs to
	// it in what is learned about the service.
	Host string
	Port int
	// Peer names the client as well as is known before TLS: address and user. A
	// client that distrusts our leaf is remembered for an hour by Peer, the shape
	// of its ClientHello, Host and Port, and tunnelled blind meanwhile; clients of
	// another kind at the same Peer are not. It is not looked into earlier even
	// if it trusts us by then, since that does not show before our leaf is sent.
	Peer string
	// Redial connects to the same address again for the blind fallback. Nil
	// means that a tunnel whose upstream handshake failed is closed.
	Redial func(ctx context.Context) (net.Conn, error)
	// Start is called when both handshakes are done, before the first byte is
	// copied. Nil means that nobody watches.
	Start func(s Session) Tap
	// Blinded is called when the handshake came to nothing and raw bytes will be
	// copied instead, before the first of them. May be nil.
	Blinded func(reason string, err error)
	// Distrusted is called at most once, from Serve: the client rejected our
	// leaf (reason is the alert: unknown_ca, bad_certificate …) or left after
	// it was shown (hangup). May be nil.
	Distrusted func(reason string)
	// Busy says that an exchange is open: such a tunnel may be silent for ever.
	// It is called now and then from a timer. Nil means never busy.
	Busy func() bool

	shutdown shutdown
}

// shutdown is what Shutdown and Serve share.
type shutdown struct {
	// mu guards stopped and cancel.
	mu      sync.Mutex
	stopped bool
	cancel  context.CancelFunc
}

// Shutdown ends the tunnel now: close_notify and FIN on both legs. It returns
// at once, may be called at any time, twice, and from a Tap.
func (t *Tunnel) Shutdown() {
	t.shutdown.mu.Lock()
	defer t.shutdown.mu.Unlock()
	t.shutdown.stopped = true
	if t.shutdown.cancel != nil {
		t.shutdown.cancel()
	}
}

// bind derives the context that Shutdown cancels.
func (t *Tunnel) bind(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	t.shutdown.mu.Lock()
	defer t.shutdown.mu.Unlock()
	t.shutdown.cancel = cancel
	if t.shutdown.stopped {
		cancel()
	}
	return ctx, cancel
}

// Session is what the two handshakes agreed on.
type Session struct {
	// ALPN is the protocol of both legs, empty for none.
	ALPN string
	// ClientTLS and UpstreamTLS are the versions, as in crypto/tls.
	ClientTLS, UpstreamTLS uint16
	// UpstreamStart to UpstreamDone is the upstream handshake; ClientDone is
	// when the client's was complete.
	UpstreamStart, UpstreamDone, ClientDone time.Time
	// Resumed tells that the upstream session was resumed.
	Resumed bool
}

// View is what became of a tunnel.
type View uint8

// Values of View.
const (
	ViewUnknown View = iota
	Relayed          // both legs decrypted, plaintext copied
	Blinded          // raw bytes copied
	Refused          // Strict: an alert instead of a blind tunnel
	Failed           // it ended in the handshake
)

// Reasons of a Result that is not Relayed.
const (
	ReasonUpstreamTLS       = "upstream_tls"       // upstream's handshake or certificate failed
	ReasonClientCertificate = "client_certificate" // upstream asked for one
	ReasonDistrust          = "distrust"           // the client rejected our leaf
	ReasonSNI               = "sni"                // SNI is not the CONNECT name
	ReasonECH               = "ech"                // the same, with an encrypted ClientHello
	ReasonOldTLS            = "old_tls"            // the client and our TLS have nothing in common
	ReasonNotTLS            = "not_tls"            // no ClientHello
	ReasonNameConstraint    = "name_constraint"    // the authority must not sign that name
	ReasonLeaf              = "leaf"               // the authority could not sign
	ReasonClientGone        = "client_gone"        // Failed: left, or silent, before our leaf was sent
	ReasonHandshake         = "handshake"          // Failed: the client's handshake broke after that
	ReasonRedial            = "redial"             // Failed: no second connection for the fallback
	ReasonStopped           = "stopped"            // Failed: Shutdown during the handshake
)

// Result is what Serve and Blind report when a tunnel is over.
type Result struct {
	View View
	// Reason is one of the reasons above; empty for Relayed and for Blind.
	Reason string
	// Err is the error behind Reason, Detail its text.
	Err    error
	Detail string
	// Up and Down count the bytes forwarded: plaintext if Relayed.
	Up, Down int64
	// LagMax is the largest time between a Read and the end of its Write.
	LagMax time.Duration
	// BlockedUp and BlockedDown add up the writes of a direction that took more
	// than a millisecond: the receiver did not take the bytes.
	BlockedUp, BlockedDown time.Duration
	// First is the direction that ended first and End how; zero if no byte
	// could be copied.
	First Direction
	End   Ending
}

func (r *Result) blame(v View, reason string, err error) {
	r.View, r.Reason, r.Err = v, reason, err
	if err != nil {
		r.Detail = err.Error()
	}
}
