package check

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Proxy is the proxy on the way to the service; no URL is none.
type Proxy struct {
	URL *url.URL
	// From is the variable or flag that names it, or that keeps the host away
	// from one.
	From string
}

// Path looks at the way to a service: names, connections, certificates. It
// sends no request beyond CONNECT.
type Path struct {
	Lookup func(ctx context.Context, host string) ([]string, error)
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	// Roots verify the service; nil means the system's.
	Roots *x509.CertPool
	Proxy Proxy
	// Own are the addresses (HOST:PORT) of the agent's forward proxy and admin
	// listener: a service there would be a loop.
	Own []string
	Now func() time.Time
}

// Names of the lines of a path.
const (
	lineDNS   = "DNS"
	lineTCP   = "TCP"
	lineProxy = "proxy"
	lineTLS   = "TLS"
	lineChain = "certificate chain"
	lineName  = "certificate name"
	lineDates = "certificate dates"
)

func join(host, port string) string { return net.JoinHostPort(host, port) }

// check emits the lines and reports whether a request can get through.
func (p Path) check(ctx context.Context, e Endpoint, emit func(Line)) bool {
	if p.owns(e.Address()) {
		emit(notOK(lineProxy, "Give the address of the service, or of a base-URL route.", "%s is the agent's own listener: a loop", e.Address()))
		return false
	}
	found := p.dns(ctx, e)
	emit(found)
	if found.State == NotOK {
		return false
	}
	conn, line := p.connect(ctx, e)
	emit(line)
	if conn == nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	line = p.proxied(conn, e)
	emit(line)
	if line.State == NotOK {
		return false
	}
	switch {
	case e.URL.Scheme == "http":
		emit(ok(lineTLS, "none: the URL is http"))
		return true
	case p.Proxy.URL != nil && p.Proxy.URL.Scheme == "https":
		emit(unknown(lineTLS, "behind a proxy that is reached by TLS itself: the calls below verify it"))
		return true
	}
	lines := p.secure(ctx, conn, e.URL.Hostname())
	for _, l := range lines {
		emit(l)
	}
	return !slices.ContainsFunc(lines, func(l Line) bool { return l.State == NotOK })
}

func (p Path) owns(address string) bool { return slices.Contains(p.Own, address) }

func (p Path) dns(ctx context.Context, e Endpoint) Line {
	host := e.URL.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return ok(lineDNS, "%s is an address", host)
	}
	if p.Proxy.URL != nil {
		return unknown(lineDNS, "the proxy looks %s up", host)
	}
	addrs, err := p.Lookup(ctx, host)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return notOK(lineDNS, "Check the spelling; a private endpoint resolves only inside its network.", "nobody knows the name %s", host)
	case err != nil:
		return notOK(lineDNS, "Check this machine's resolver; behind a proxy set HTTPS_PROXY.", "%s was not looked up: %s", host, cause(err))
	case len(addrs) == 0:
		return notOK(lineDNS, "Check the spelling.", "%s has no address", host)
	}
	return ok(lineDNS, "%s is at %s", host, strings.Join(addrs[:min(len(addrs), 3)], ", "))
}

func (p Path) connect(ctx context.Context, e Endpoint) (net.Conn, Line) {
	address, what := e.Address(), "service"
	if p.Proxy.URL != nil {
		address, what = proxyAddress(p.Proxy.URL), "proxy ("+p.Proxy.From+")"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	start := p.Now()
	conn, err := p.Dial(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, notOK(lineTCP, "Is the "+what+" running there, and is the port right?", "%s refuses connections", address)
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return nil, notOK(lineTCP, "A firewall probably drops the packets: ask for "+address+" to be opened, or set HTTPS_PROXY.", "%s did not answer within 10 s", address)
	case err != nil:
		return nil, notOK(lineTCP, "Check the route to "+address+".", "%s: %s", address, cause(err))
	}
	return conn, ok(lineTCP, "connected to %s in %s", address, p.Now().Sub(start).Round(100*time.Microsecond))
}

func proxyAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return join(u.Hostname(), port)
}

// proxied asks the proxy for a tunnel on conn.
func (p Path) proxied(conn net.Conn, e Endpoint) Line {
	u := p.Proxy.URL
	switch {
	case u == nil && p.Proxy.From != "":
		return ok(lineProxy, "none for this host (%s)", p.Proxy.From)
	case u == nil:
		return ok(lineProxy, "none is set")
	case u.Scheme == "https":
		return unknown(lineProxy, "%s (%s) is reached by TLS: the calls below show whether it opens a tunnel", proxyAddress(u), p.Proxy.From)
	case e.URL.Scheme == "http":
		return ok(lineProxy, "%s (%s) takes plain requests", proxyAddress(u), p.Proxy.From)
	}
	_ = conn.SetDeadline(p.Now().Add(15 * time.Second))
	defer func() { _ = conn.SetDeadline(time.Time{}) }()
	auth := ""
	if u.User != nil {
		password, _ := u.User.Password()
		auth = "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)) + "\r\n"
	}
	_, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", e.Address(), e.Address(), auth)
	status := ""
	if err == nil {
		status, err = head(conn)
	}
	where := proxyAddress(u) + " (" + p.Proxy.From + ")"
	_, code, _ := strings.Cut(status, " ")
	switch {
	case err != nil:
		return notOK(lineProxy, "Is it an HTTP proxy?", "%s gave no answer to CONNECT: %s", where, cause(err))
	case strings.HasPrefix(code, "200"):
		return ok(lineProxy, "%s opened a tunnel", where)
	case strings.HasPrefix(code, "407"):
		return notOK(lineProxy, "Put USER:PASSWORD@ before its host.", "%s wants a user and password (407)", where)
	}
	return notOK(lineProxy, "Ask its administrator to allow "+e.Address()+", or name the host in NO_PROXY if it is reached directly.", "%s refused the tunnel: %.120s", where, code)
}

// head reads the head of an answer to CONNECT byte by byte, so that nothing of
// the tunnel is lost, and returns its status line.
func head(conn net.Conn) (string, error) {
	r := bufio.NewReaderSize(one{conn}, 16)
	text := strings.Builder{}
	for text.Len() < 16<<10 {
		b, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		text.WriteByte(b)
		if strings.HasSuffix(text.String(), "\r\n\r\n") || strings.HasSuffix(text.String(), "\n\n") {
			line, _, _ := strings.Cut(text.String(), "\n")
			return strings.TrimSpace(line), nil
		}
	}
	return "", errors.New("its head is too long")
}

// one reads at most one byte at a time.
type one struct{ net.Conn }

// Read reads one byte.
func (o one) Read(p []byte) (int, error) { return o.Conn.Read(p[:min(len(p), 1)]) }

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// cause is the innermost text of a network error.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// secure shakes hands and judges the certificate by hand, so that chain, name
// and dates each have their own line.
func (p Path) secure(ctx context.Context, raw net.Conn, host string) []Line {
	conn := tls.Client(raw, &tls.Config{
		ServerName: host, NextProtos: []string{"h2", "http/1.1"},
		InsecureSkipVerify: true, //nolint:gosec // verified below, and nothing is sent on it
	})
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		if record, is := errors.AsType[tls.RecordHeaderError](err); is {
			return []Line{notOK(lineTLS, "Is the URL's scheme http, or the port wrong?", "the port does not speak TLS (%s)", record.Msg)}
		}
		return []Line{notOK(lineTLS, "Something on the way may break TLS: compare from another network.", "the handshake failed: %s", cause(err))}
	}
	st := conn.ConnectionState()
	return append([]Line{ok(lineTLS, "%s, %s", tls.VersionName(st.Version), orNone(st.NegotiatedProtocol))}, p.certificate(st.PeerCertificates, host)...)
}

func orNone(protocol string) string {
	if protocol == "" {
		return "no ALPN"
	}
	return protocol
}
