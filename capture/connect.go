package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/elazarl/goproxy"

	"llmtap/capture/relay"
	"llmtap/internal/call"
	"llmtap/internal/redact"
)

var (
	errDraining = errors.New("the agent is shutting down")
	errTooMany  = errors.New("too many open tunnels")
	errAuth     = errors.New("proxy credentials missing or wrong")
)

// connects takes CONNECT requests from goproxy and owns their tunnels.
type connects struct{ *Proxy }

// connect is goproxy's CONNECT handler: it decides, then hands the connection
// to a goroutine of ours, so that the server can free what it holds.
func (p connects) connect(target string, ctx *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
	req := ctx.Req
	user, err := authenticate(p.cfg, req.Header.Get("Proxy-Authorization"))
	if err != nil {
		ctx.Resp = refusal(http.StatusProxyAuthRequired, "llmtap auth: "+err.Error())
		return reject(), target
	}
	host, portText, err := net.SplitHostPort(target)
	port, perr := strconv.Atoi(portText)
	if err != nil || perr != nil || port < 1 || port > 65535 || host == "" {
		ctx.Resp = refusal(http.StatusBadRequest, "llmtap: CONNECT wants HOST:PORT")
		return reject(), target
	}
	c := newConnection("https", Normalise(host), port, call.CaptureMITM)
	c.user, c.client, c.process = user, ipOf(req.RemoteAddr), searchOf(req.Context())
	if why := p.blindReason(c); p.dialer.policy.Load().Strict && why != "" {
		p.blind.open(c.host, c.port, why, "refused: --strict").done(relay.Result{})
		p.b.stats.tunnel("blind", why)
		ctx.Resp = refusal(http.StatusForbidden, "llmtap policy: "+host+" cannot be looked into ("+why+") and --strict is set")
		return reject(), target
	}
	t := &tunnel{p: p.Proxy, conn: c, relay: &relay.Tunnel{}}
	if err := p.tunnels.admit(t); err != nil {
		ctx.Resp = refusal(http.StatusServiceUnavailable, "llmtap: "+err.Error())
		return reject(), target
	}
	version := fmt.Sprintf("HTTP/%d.%d", req.ProtoMajor, req.ProtoMinor)
	return &goproxy.ConnectAction{
		Action: goproxy.ConnectHijack,
		Hijack: func(_ *http.Request, client net.Conn, _ *goproxy.ProxyCtx) { go p.tunnel(t, client, version) },
	}, target
}

// tunnel owns one hijacked CONNECT to its end.
func (p connects) tunnel(t *tunnel, client net.Conn, version string) {
	defer p.tunnels.release(t)
	if err := client.SetDeadline(time.Time{}); err != nil {
		_ = client.Close()
		return
	}
	up, err := p.dialer.dial(p.base(), t.conn.host, t.conn.port)
	if err != nil {
		p.cannotDial(t, client, version, err)
		return
	}
	c := t.conn
	c.peer = up.RemoteAddr().String()
	c.timing = call.Timing{Dial: up.start, DNS: up.dns, Connect: up.connected}
	if _, err := client.Write([]byte(version + " 200 Connection established\r\n\r\n")); err != nil {
		_, _ = client.Close(), up.Close()
		return
	}
	t.relay.Client, t.relay.Upstream = client, up.Conn
	p.run(t)
}

// run relays a tunnel in the way policy and experience say.
func (p connects) run(t *tunnel) {
	c, rt := t.conn, t.relay
	rt.Host, rt.Port, rt.Peer = c.host, c.port, c.user+"@"+c.client
	rt.Redial = func(ctx context.Context) (net.Conn, error) {
		again, err := p.dialer.dialIP(ctx, c.host, c.port, c.peer)
		if err != nil {
			return nil, err
		}
		return again.Conn, nil
	}
	rt.Start = t.start
	rt.Busy = t.busy
	rt.Distrusted = func(reason string) { p.distrusted(t, reason) }
	reason := p.blindReason(c)
	if reason != "" {
		open := p.blind.open(c.host, c.port, reason, "")
		p.b.stats.tunnel("blind", reason)
		open.done(p.relay.Blind(p.base(), rt))
		return
	}
	// Counted and recorded when its view is known, not when it is over: it may live for days.
	var unseen blindOpen
	rt.Blinded = func(reason string, err error) {
		detail := ""
		if err != nil {
			detail = redact.Text(err.Error(), 300)
		}
		unseen = p.blind.open(c.host, c.port, reason, detail)
		p.b.stats.tunnel("blind", reason)
		if reason == relay.ReasonUpstreamTLS {
			p.unseen(t, call.SideUpstream, call.EndTLS, detail)
		}
	}
	res := p.relay.Serve(p.base(), rt)
	switch res.View {
	case relay.Relayed:
		return
	case relay.Blinded:
	case relay.Refused:
		rt.Blinded(res.Reason, res.Err)
	default:
		return // no tunnel came about; the handshake counters tell why
	}
	unseen.done(res)
}

// blindReason says why a connection is not to be decrypted, empty if it is.
func (p connects) blindReason(c *connection) string {
	switch {
	case p.dialer.policy.Load().TunnelOnly:
		return "tunnel_only"
	case !p.dialer.policy.Load().Intercepts(c.host, c.port):
		return "not_listed"
	case !p.cfg.Authority.Permits(c.host):
		return "name_constraint"
	}
	if reason, blind := p.relay.ShouldBlind(c.host, c.port); blind {
		return reason
	}
	return ""
}

// distrusted records a client that did not accept our certificate: no request
// was sent, and its next connection to that service is tunnelled untouched.
func (p connects) distrusted(t *tunnel, reason string) {
	p.unseen(t, call.SideClient, call.EndTLS, reason)
}

// cannotDial answers a CONNECT whose destination could not be reached: the
// reason phrase is the only text that clients show.
func (p connects) cannotDial(t *tunnel, client net.Conn, version string, err error) {
	defer func() { _ = client.Close() }()
	var de *DialError
	if !errors.As(err, &de) {
		de = dialError(t.conn.host, err)
	}
	status, side := http.StatusBadGateway, call.SideUpstream
	if de.Kind == call.EndPolicy && de.Proxy == "" {
		status, side = http.StatusForbidden, call.SideAgent
	}
	if de.Status >= http.StatusBadRequest {
		status = de.Status // the corporate proxy's own answer
	}
	phrase := reasonPhrase("llmtap " + de.Error())
	_ = client.SetWriteDeadline(time.Now().Add(p.cfg.Limits.Dial))
	_, _ = fmt.Fprintf(client, "%s %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", version, status, phrase)
	if p.dialer.policy.Load().Intercepts(t.conn.host, t.conn.port) {
		p.unseen(t, side, de.Kind, de.Error())
	}
}

// unseen emits the record of a call that never became a request we could read.
func (p connects) unseen(t *tunnel, side call.Side, kind call.EndKind, detail string) {
	if p.b.hooks.Emit == nil {
		return
	}
	now, c := p.b.now(), t.conn
	r := call.Record{
		Identity: call.Identity{ID: p.b.newID(now), Start: now},
		Target:   call.Target{Scheme: "https", Host: c.host, Port: c.port},
		Client:   call.Client{Address: c.client, User: c.user},
		Timing:   c.timing,
		End:      call.End{Side: side, Kind: kind, Detail: redact.Text(detail, 300)},
		Agent:    call.Agent{View: call.ViewOpaque, Capture: call.CaptureOff, Mode: c.mode, Conn: c.id, PeerAddress: c.peer},
	}
	if !c.timing.Dial.IsZero() {
		r.Identity.Start = c.timing.Dial
	}
	if kind != call.EndTLS {
		r.Response.Origin = "agent"
	}
	r.Timing.End = now
	c.process.Complete(&r.Client)
	p.b.hooks.Emit(&r)
}

// reasonPhrase makes text fit a status line: one ASCII line of at most 120
// characters without secrets.
func reasonPhrase(s string) string {
	s = redact.Text(s, 120)
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// refusal is an answer of our own to a CONNECT.
func refusal(status int, phrase string) *http.Response {
	r := &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d %s", status, reasonPhrase(phrase)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, ContentLength: 0, Close: true,
	}
	if status == http.StatusProxyAuthRequired {
		r.Header.Set("Proxy-Authenticate", `Basic realm="llmtap"`)
	}
	return r
}

func reject() *goproxy.ConnectAction {
	return &goproxy.ConnectAction{Action: goproxy.ConnectReject}
}

func ipOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}

// replayConn gives back the bytes that the HTTP server had already read.
type replayConn struct {
	*net.TCPConn
	r *bufio.Reader
}

// NetConn shows the connection itself, for half-close and reset.
func (c *replayConn) NetConn() net.Conn { return c.TCPConn }

// Read serves what was buffered first, then the connection itself.
func (c *replayConn) Read(p []byte) (int, error) {
	if c.r != nil {
		if n := c.r.Buffered(); n > 0 {
			return c.r.Read(p[:min(n, len(p))])
		}
		c.r = nil
	}
	return c.TCPConn.Read(p)
}

// hijackWriter keeps goproxy from dropping the server's buffered bytes: a
// ClientHello may travel in the CONNECT's own segment.
type hijackWriter struct{ http.ResponseWriter }

// Hijack returns a connection that replays the buffered bytes first.
func (w hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("capture: hijack CONNECT: %w", err)
	}
	if rw.Reader.Buffered() == 0 {
		return c, rw, nil
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil, nil, errors.Join(errors.New("capture: hijack CONNECT: not a TCP connection"), c.Close())
	}
	return &replayConn{TCPConn: tcp, r: rw.Reader}, rw, nil
}
