package capture

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"llmtap/internal/call"
)

// DialError says why no connection to a destination came about. Kind is the
// end.kind of the record and the first word of the reason phrase.
type DialError struct {
	Kind call.EndKind
	// Proxy is set when a corporate proxy refused.
	Proxy string
	// Status is what that proxy answered.
	Status int
	Host   string
	Err    error
}

// Error names the kind, the host and the cause.
func (e *DialError) Error() string {
	return fmt.Sprintf("%s: %s: %v", e.label(), e.Host, e.Err)
}

// Unwrap returns the transport's error.
func (e *DialError) Unwrap() error { return e.Err }

func (e *DialError) label() string {
	if e.Proxy != "" {
		return "upstream_proxy"
	}
	return e.Kind.String()
}

var errRefusedByPolicy = errors.New("private or reserved address; allow it with --allow-private HOST:PORT")

var errOwnListener = errors.New("the agent's own listener is never a destination")

// dialer opens every upstream connection of the agent: one resolution, every
// candidate checked after DNS, so that rebinding gains nothing.
type dialer struct {
	policy   atomic.Pointer[Policy] // swapped by a reload, read per connection
	proxy    *url.URL
	roots    *x509.CertPool // verify an https:// proxy; nil means the system's
	timeout  time.Duration
	resolver *net.Resolver

	// mu guards own, the agent's listeners.
	mu  sync.RWMutex
	own map[netip.AddrPort]bool
}

// setOwn names the agent's own listeners, which are refused even if allowed.
func (d *dialer) setOwn(addrs ...net.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.own == nil {
		d.own = map[netip.AddrPort]bool{}
	}
	for _, a := range addrs {
		if t, ok := a.(*net.TCPAddr); ok {
			d.own[netip.AddrPortFrom(t.AddrPort().Addr().Unmap(), t.AddrPort().Port())] = true
		}
	}
}

// dialed is an upstream connection and what happened on the way to it.
type dialed struct {
	net.Conn
	start, dns, connected time.Time
}

// dial connects to host:port; errors are *DialError.
func (d *dialer) dial(ctx context.Context, host string, port int) (*dialed, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	out := &dialed{start: time.Now()}
	if d.proxy != nil {
		return d.viaProxy(ctx, out, host, port)
	}
	c, err := d.direct(ctx, out, host, port, true)
	if err != nil {
		return nil, dialError(host, err)
	}
	out.Conn, out.connected = c, time.Now()
	return out, nil
}

// dialIP connects again to the address dialled before: a fallback must not meet
// another machine. Through a corporate proxy the name is all there is.
func (d *dialer) dialIP(ctx context.Context, host string, want int, peer string) (*dialed, error) {
	if d.proxy != nil {
		return d.dial(ctx, host, want)
	}
	ip, portText, err := net.SplitHostPort(peer)
	if err != nil {
		return nil, dialError(host, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, dialError(host, err)
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	nd := net.Dialer{KeepAlive: 30 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return d.check(host, address)
	}}
	c, err := nd.DialContext(ctx, "tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		return nil, dialError(host, err)
	}
	return &dialed{Conn: c}, nil
}

func (d *dialer) direct(ctx context.Context, out *dialed, host string, port int, check bool) (net.Conn, error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSDone: func(httptrace.DNSDoneInfo) { out.dns = time.Now() },
	})
	nd := net.Dialer{Resolver: d.resolver, KeepAlive: 30 * time.Second}
	if check {
		nd.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return d.check(host, address)
		}
	}
	return nd.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

// check is the dialled-address policy, run after resolution on each candidate.
func (d *dialer) check(host, address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errRefusedByPolicy
	}
	ip, port := ap.Addr().Unmap().WithZone(""), int(ap.Port())
	if d.isOwn(ip, ap.Port()) {
		return errOwnListener
	}
	if private(ip) && !d.policy.Load().allows(host, ip, port) {
		return errRefusedByPolicy
	}
	return nil
}

func (d *dialer) isOwn(ip netip.Addr, port uint16) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.own[netip.AddrPortFrom(ip, port)] {
		return true
	}
	// A wildcard listener through any address of this machine, or a listener of
	// ours through the wildcard address.
	for own := range d.own {
		if own.Port() == port && (ip.IsUnspecified() || own.Addr().IsUnspecified() && ofThisMachine(ip)) {
			return true
		}
	}
	return false
}

// ofThisMachine reports whether ip is one of the machine's own addresses; if
// they cannot be listed, it is taken for one.
func ofThisMachine(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	return err != nil || slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(net.IP(ip.AsSlice()))
	})
}

// viaProxy opens a CONNECT tunnel through the operator's corporate proxy. Only
// the proxy's own address can be checked: the name policy came first.
func (d *dialer) viaProxy(ctx context.Context, out *dialed, host string, port int) (*dialed, error) {
	pport, _ := strconv.Atoi(d.proxy.Port())
	if pport == 0 {
		pport = map[string]int{"https": 443}[d.proxy.Scheme]
		if pport == 0 {
			pport = 80
		}
	}
	c, err := d.direct(ctx, out, Normalise(d.proxy.Hostname()), pport, false)
	if err != nil {
		return nil, dialError(d.proxy.Hostname(), err)
	}
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok && d.isOwn(a.AddrPort().Addr().Unmap(), a.AddrPort().Port()) {
		return nil, &DialError{Kind: call.EndPolicy, Host: d.proxy.Host, Err: errors.Join(errOwnListener, c.Close())}
	}
	if d.proxy.Scheme == "https" {
		tc := tls.Client(c, &tls.Config{ServerName: d.proxy.Hostname(), RootCAs: d.roots, MinVersion: tls.VersionTLS12})
		if err := tc.HandshakeContext(ctx); err != nil {
			return nil, &DialError{Kind: call.EndTLS, Host: d.proxy.Host, Err: errors.Join(err, c.Close())}
		}
		c = tc
	}
	if err := d.connectThrough(ctx, c, net.JoinHostPort(host, strconv.Itoa(port))); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	out.Conn, out.connected = c, time.Now()
	return out, nil
}

func (d *dialer) connectThrough(ctx context.Context, c net.Conn, target string) error {
	if dl, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(dl); err != nil {
			return dialError(d.proxy.Host, err)
		}
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{"User-Agent": {""}}}
	if u := d.proxy.User; u != nil {
		pw, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+pw)))
	}
	if err := req.Write(c); err != nil {
		return dialError(d.proxy.Host, err)
	}
	// One byte at a time: the tunnel's first bytes must stay in the socket.
	resp, err := http.ReadResponse(bufio.NewReaderSize(oneByte{c}, 16), req)
	if err != nil {
		return dialError(d.proxy.Host, err)
	}
	if resp.StatusCode != http.StatusOK {
		return &DialError{Kind: call.EndPolicy, Proxy: d.proxy.Host, Status: resp.StatusCode, Host: target, Err: fmt.Errorf("the upstream proxy answered %s", resp.Status)}
	}
	return c.SetDeadline(time.Time{})
}

type oneByte struct{ c net.Conn }

// Read returns at most one byte.
func (o oneByte) Read(p []byte) (int, error) { return o.c.Read(p[:1]) }

// dialError sorts a dial failure into its end.kind.
func dialError(host string, err error) *DialError {
	if own, ok := errors.AsType[*DialError](err); ok {
		return own
	}
	e := &DialError{Kind: call.EndRefused, Host: host, Err: err}
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, errRefusedByPolicy), errors.Is(err, errOwnListener):
		e.Kind = call.EndPolicy
	case errors.As(err, &dns):
		e.Kind = call.EndDNS
		if dns.IsTimeout {
			e.Kind = call.EndTimeout
		}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.Kind = call.EndTimeout
	}
	return e
}
