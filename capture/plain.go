package capture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/elazarl/goproxy"

	"llmtap/internal/call"
)

// transport is the second path: absolute-form http:// requests and base-URL
// routes go through net/http, with a tap on both bodies that feeds the same
// exchange as the relay does.
type transport struct {
	p         *Proxy
	upstreams *upstreams

	// mu guards closed; open counts the requests being served.
	mu     sync.Mutex
	closed bool
	open   sync.WaitGroup
}

// enter counts a request in, unless the transport is closed; whoever entered
// calls open.Done.
func (t *transport) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.open.Add(1)
	return true
}

func newTransport(p *Proxy) *transport {
	t := &transport{p: p}
	t.upstreams = newUpstreams(t)
	return t
}

func (t *transport) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, dialError(addr, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, dialError(addr, err)
	}
	c, err := t.p.dialer.dial(ctx, Normalise(host), port)
	if err != nil {
		return nil, err
	}
	return c.Conn, nil
}

// close waits for the requests being served, whose contexts have ended.
func (t *transport) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.open.Wait()
	t.upstreams.close()
}

type tapKey struct{}

// handler guards goproxy: it hands CONNECT a hijacker that loses no byte, and
// everything else a writer that flushes as bytes arrive and ends as upstream did.
func (t *transport) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			next.ServeHTTP(hijackWriter{w}, r)
			return
		}
		t.serve(w, r, call.CapturePlain, next)
	})
}

// serve runs one request of the second path and mirrors a broken answer.
func (t *transport) serve(w http.ResponseWriter, r *http.Request, mode call.CaptureMode, next http.Handler) {
	tap := &bodyTap{
		t: t, mode: mode, out: &flushing{ResponseWriter: w}, asked: make(chan struct{}),
		from: caller{client: ipOf(r.RemoteAddr), process: searchOf(r.Context())},
	}
	user, err := authenticate(t.p.cfg, r.Header.Get("Proxy-Authorization"))
	switch {
	case mode == call.CapturePlain && err != nil:
		w.Header().Set("Proxy-Authenticate", `Basic realm="llmtap"`)
		http.Error(w, "llmtap auth: "+err.Error(), http.StatusProxyAuthRequired)
		return
	case t.p.draining.Load(), !t.enter():
		w.Header().Set("Connection", "close")
		http.Error(w, "llmtap: "+errDraining.Error(), http.StatusServiceUnavailable)
		return
	}
	defer t.open.Done()
	defer context.AfterFunc(r.Context(), tap.out.hangUp)()
	defer tap.out.hangUp()
	// Else the server swallows what is left of the request when an answer begins.
	_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/1 always can
	tap.from.user, tap.from.cause = user, func() error { return context.Cause(r.Context()) }
	inner := r.WithContext(context.WithValue(r.Context(), tapKey{}, tap))
	if r.Body != nil && r.Body != http.NoBody {
		// ReverseProxy closes the request when the answer is over, which may be
		// before it was sent on. The server closes it after us.
		inner.Body = io.NopCloser(r.Body)
	}
	next.ServeHTTP(tap.out, inner)
	if tap.finish() {
		panic(http.ErrAbortHandler) // the only way to tell the client that the answer is broken
	}
}

// request is goproxy's first OnRequest hook on the forward path.
func (t *transport) request(r *http.Request, ctx *goproxy.ProxyCtx) (*http.Request, *http.Response) {
	strip(r)
	ctx.RoundTripper = goproxy.RoundTripperFunc(func(req *http.Request, _ *goproxy.ProxyCtx) (*http.Response, error) {
		return t.RoundTrip(req)
	})
	return r, nil
}

// RoundTrip sends one request upstream and taps both bodies. A failure before
// the head is answered with our own 502, marked as such.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	tap, ok := req.Context().Value(tapKey{}).(*bodyTap)
	if !ok {
		return nil, errors.New("capture: round trip: no tap in context")
	}
	begun := time.Now()
	tap.begin(req)
	sending := &progress{bodyTap: tap, since: begun}
	out := req.Clone(httptrace.WithClientTrace(req.Context(), sending.trace()))
	out.GetBody, out.Close = nil, false
	out.Body = requestBody(tap, req)
	resp, err := t.upstreams.of(req).RoundTrip(out)
	if err != nil {
		return tap.failed(req, err)
	}
	tap.response(resp)
	return resp, nil
}

// strip removes the hop-by-hop lines, and keeps net/http from inventing others.
func strip(req *http.Request) {
	h := req.Header
	upgrade := ""
	if tokenIn(h["Connection"], "upgrade") {
		upgrade = h.Get("Upgrade")
	}
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(textproto.TrimString(name))
		}
	}
	trailers := tokenIn(h["Te"], "trailers")
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Transfer-Encoding", "Upgrade"} {
		h.Del(name)
	}
	if trailers {
		h.Set("Te", "trailers")
	}
	if upgrade != "" {
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", upgrade)
	}
	if _, there := h["User-Agent"]; !there {
		h["User-Agent"] = []string{""}
	}
	req.RequestURI = ""
}

func tokenIn(lines []string, token string) bool {
	for _, l := range lines {
		for v := range strings.SplitSeq(l, ",") {
			if strings.EqualFold(textproto.TrimString(v), token) {
				return true
			}
		}
	}
	return false
}

// flushing is a ResponseWriter that lets every byte go at once and invents no
// header.
type flushing struct {
	http.ResponseWriter
	// writing to wrote is the last write of the final head or of the body; the
	// handler's goroutine's own.
	writing, wrote time.Time
	// mute drops what the proxy library says to a client that has left.
	mute bool

	// mu guards upgraded, the connection after Hijack.
	mu       sync.Mutex
	upgraded net.Conn
	over     bool
}

// hangUp closes an upgraded connection: goproxy leaves it open when the service
// ends, and nobody else knows it when the agent stops.
func (f *flushing) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	if f.upgraded != nil {
		_ = f.upgraded.Close()
	}
}

// WriteHeader sends the head at once, without a Content-Type or Date that the
// service did not send.
func (f *flushing) WriteHeader(status int) {
	if f.mute {
		return
	}
	begun, h := time.Now(), f.Header()
	if status >= 200 || status == http.StatusSwitchingProtocols {
		for _, name := range []string{"Content-Type", "Date"} {
			if _, there := h[name]; !there {
				h[name] = nil
			}
		}
	}
	f.ResponseWriter.WriteHeader(status)
	if status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified {
		f.Flush()
	}
	if status >= 200 {
		f.writing, f.wrote = begun, time.Now()
	}
}

// Write forwards p and flushes it.
func (f *flushing) Write(p []byte) (int, error) {
	if f.mute {
		return len(p), nil
	}
	f.writing = time.Now()
	n, err := f.ResponseWriter.Write(p)
	if err != nil {
		return n, fmt.Errorf("capture: write answer: %w", err)
	}
	f.Flush()
	f.wrote = time.Now()
	return n, nil
}

// Flush sends what is buffered.
func (f *flushing) Flush() { _ = http.NewResponseController(f.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the server's own writer.
func (f *flushing) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// Hijack hands out the connection for an upgrade.
func (f *flushing) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(f.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("capture: hijack upgrade: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.upgraded = c; f.over {
		return nil, nil, errors.Join(errDraining, c.Close())
	}
	return c, rw, nil
}
