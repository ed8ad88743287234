package capture

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"hash"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"llmtap/capture/wire"
	"llmtap/internal/call"
	"llmtap/internal/client/local"
)

// Authority mints the certificates that clients see. *ca.Authority is one.
type Authority interface {
	// Leaf returns a certificate for the CONNECT name; an error keeps the
	// connection blind.
	Leaf(ctx context.Context, name string) (*tls.Certificate, error)
	// Permits reports whether the authority's constraints cover name.
	Permits(name string) bool
}

// Hooks are where sealed and begun attempts go. They are called on the data
// path: they must not block. Nil members are not called.
type Hooks struct {
	// Emit takes a sealed record, which is lent until it returns.
	Emit func(*call.Record)
	// Started takes the record of an attempt whose request is complete, lent too.
	Started func(*call.Record)
	// Process begins to look for the local process behind a connection that was
	// just accepted; client and server are its two ends. A nil Search is one
	// that found nothing and says nothing.
	Process func(client, server netip.AddrPort) *local.Search
	// User returns how records name the user of a proxy token; nil keeps the
	// name. Two users must not get one name: limits are counted by it.
	User func(name string) string
}

// AuthMode tells who may use the proxy.
type AuthMode string

// Values of AuthMode.
const (
	AuthNone     AuthMode = "none"
	AuthOptional AuthMode = "optional"
	AuthRequired AuthMode = "required"
)

// Route sends http://listener/NAME/… to Upstream without any certificate work.
type Route struct {
	Name     string
	Upstream *url.URL
}

// Config is what a Proxy needs; zero fields have the stated defaults.
type Config struct {
	Policy Policy
	// Authority is nil with Policy.TunnelOnly.
	Authority Authority
	// Roots verify upstreams and an https:// UpstreamProxy; nil means the system's.
	Roots *x509.CertPool
	Auth  AuthMode
	// Secret keys proxy tokens and all digests of secrets and bodies.
	Secret        []byte
	UpstreamProxy *url.URL
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
	Routes   []Route
	// StoreContent keeps a redacted, capped copy of bodies in the record.
	StoreContent bool
	Hooks        Hooks
	Logger       *slog.Logger
	Limits       Limits
}

// Limits bound time and number; zero fields mean the defaults in brackets.
type Limits struct {
	Dial     time.Duration // [10 s] TCP connect and, apart, each handshake
	Idle     time.Duration // [1 h] tunnels without an open exchange
	Tunnels  int           // [4096, or what 80 % of the open-file limit allows] tunnels in all
	PerUser  int           // [256] tunnels of one user or address
	Content  int64         // [256 KiB] stored per direction
	Exchange int           // [1024] outstanding exchanges per h1 tunnel
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if l.Dial == 0 {
		l.Dial = 10 * time.Second
	}
	if l.Idle == 0 {
		l.Idle = time.Hour
	}
	if l.Content == 0 {
		l.Content = 256 << 10
	}
	def(&l.Tunnels, min(4096, fileTunnels()))
	def(&l.PerUser, 256)
	def(&l.Exchange, 1024)
	return l
}

// builder is what every exchange shares: configuration, digests, counters and
// the registry of live calls. It is read-only but for its atomics.
type builder struct {
	hooks   Hooks
	hash    call.Hasher
	content int64 // stored bytes per direction, 0 = content off
	live    *liveCalls
	stats   *Stats
	now     func() time.Time
	seq     atomic.Uint64
	spare   spare
}

// spare is memory of calls that are over, for the next ones.
type spare struct {
	requests  sync.Pool // of *wire.Request
	responses sync.Pool // of *wire.Response
	exchanges sync.Pool // of *exchange
}

// request returns a scanner of a request body.
func (s *spare) request(m wire.Match, core hash.Hash) *wire.Request {
	if r, ok := s.requests.Get().(*wire.Request); ok {
		r.Reset(m, core)
		return r
	}
	return wire.NewRequest(m, core)
}

// response returns a decoder of a response body.
func (s *spare) response(m wire.Match, mode call.Mode, h wire.ResponseHead) *wire.Response {
	if r, ok := s.responses.Get().(*wire.Response); ok {
		r.Reset(m, mode, h)
		return r
	}
	return wire.NewResponse(m, mode, h)
}

// newID returns an attempt id that sorts by start time.
func (b *builder) newID(at time.Time) string {
	var raw [10]byte
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		raw[i] = byte(ms >> (40 - 8*i))
	}
	if _, err := rand.Read(raw[6:]); err != nil {
		n := b.seq.Add(1)
		raw[6], raw[7], raw[8], raw[9] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	}
	return hex.EncodeToString(raw[:])
}

// connection is what the exchanges of one client connection have in common.
// It is complete before the first exchange opens, but for cost and ends.
type connection struct {
	id      string
	scheme  string
	host    string
	port    int
	mode    call.CaptureMode
	client  string // peer IP
	user    string
	process *local.Search
	peer    string // upstream IP:port
	timing  call.Timing
	cost    cost
	ends
}

// ends is what a connection shows at its end.
type ends struct {
	firstEnd atomic.Pointer[firstEnd]
	// upgraded is the exchange whose answer was a 101: it goes on as another
	// protocol, to the end of the connection.
	upgraded atomic.Pointer[exchange]
}

// firstEnd is who ended a connection first, and how.
type firstEnd struct {
	side call.Side
	kind call.EndKind
	why  string
	at   time.Time
}

// NonProxy is the answer to a request that names no proxy target: constant
// text, never a page.
func nonProxy(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "llmtap: this is a forward proxy; set HTTPS_PROXY to this address (see: llmtap env)", http.StatusNotFound)
}
