package capture

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"llmtap/capture/observe"
	"llmtap/internal/call"
	"llmtap/internal/client/local"
	"llmtap/internal/redact"
)

// bodyTap watches one request of the second path. The transport reads the
// request in its own goroutine while the handler copies the answer: mu makes
// the exchange's owner unique.
type bodyTap struct {
	t    *transport
	mode call.CaptureMode
	out  *flushing
	from caller

	mu      sync.Mutex
	x       *exchange
	conn    *connection
	reqOver bool
	asked   chan struct{} // closed with reqOver
	over    bool
	abort   bool
	socket  *socket // of an upgraded connection
}

// caller is the peer of a request, the user it authenticated as, the search for
// its process, and why the request's context ended.
type caller struct {
	client, user string
	process      *local.Search
	cause        func() error
}

// begin opens the exchange with the request as it goes upstream.
func (t *bodyTap) begin(req *http.Request) {
	port, _ := strconv.Atoi(req.URL.Port())
	if port == 0 {
		port = map[string]int{"https": 443}[req.URL.Scheme]
		if port == 0 {
			port = 80
		}
	}
	t.conn = newConnection(req.URL.Scheme, Normalise(req.URL.Hostname()), port, t.mode)
	t.conn.client, t.conn.user, t.conn.process = t.from.client, t.from.user, t.from.process
	h := observe.Head{
		Direction: observe.Request, Method: req.Method, Target: req.URL.RequestURI(), Authority: req.Host,
		Proto: strings.TrimPrefix(req.Proto, "HTTP/"), Fields: fieldsOf(req.Header), Length: req.ContentLength,
	}
	t.locked(func() {
		t.x = t.t.p.b.open(t.conn, false)
		t.x.Head(&h, time.Now())
		if req.Body == nil || req.Body == http.NoBody {
			t.endRequest(observe.EndComplete)
		}
	})
}

// locked runs f as the exchange's owner; a panic in the observation costs that
// observation only.
func (t *bodyTap) locked(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer func() {
		if recover() != nil {
			t.t.p.b.stats.stop("panic")
			if t.x != nil {
				t.x.abandon()
			}
			t.askedAll()
			t.over, t.x = true, nil
		}
	}()
	if t.x != nil || !t.over {
		f()
	}
}

// askedAll notes that the request is over.
func (t *bodyTap) askedAll() {
	if !t.reqOver {
		t.reqOver = true
		close(t.asked)
	}
}

func (t *bodyTap) endRequest(k observe.EndKind) {
	if !t.reqOver && t.x != nil {
		t.askedAll()
		t.x.End(observe.Request, observe.End{Kind: k}, time.Now())
	}
}

func (t *bodyTap) endResponse(e observe.End) {
	if !t.over && t.x != nil {
		t.over = true
		t.x.End(observe.Response, e, time.Now())
	}
}

func fieldsOf(h http.Header) []observe.Field {
	out := make([]observe.Field, 0, len(h))
	for name, lines := range h {
		for _, v := range lines {
			out = append(out, observe.Field{Name: []byte(name), Value: []byte(v)})
		}
	}
	return out
}

// response takes the head and wraps the body.
func (t *bodyTap) response(resp *http.Response) {
	h := observe.Head{
		Direction: observe.Response, Status: resp.StatusCode, Proto: strings.TrimPrefix(strings.TrimSuffix(resp.Proto, ".0"), "HTTP/"),
		Fields: fieldsOf(resp.Header), Length: resp.ContentLength, Transfer: transferName(resp),
	}
	read := time.Now()
	t.locked(func() { t.x.Head(&h, read) })
	if resp.StatusCode == http.StatusSwitchingProtocols {
		t.upgrade(resp)
		return
	}
	resp.Body = &tappedBody{ReadCloser: resp.Body, tap: t, at: read, untilClose: h.Transfer == "close"}
}

func transferName(r *http.Response) string {
	switch {
	case r.ProtoMajor == 2:
		return "h2"
	case len(r.TransferEncoding) > 0:
		return "chunked"
	case r.ContentLength >= 0:
		return "length"
	}
	return "close"
}

// failed turns an error before the head into the record's end and our own 502.
func (t *bodyTap) failed(req *http.Request, err error) (*http.Response, error) {
	if req.Context().Err() != nil {
		t.out.mute = true
		t.conn.firstEnd.CompareAndSwap(nil, t.left())
		t.locked(func() { t.abort = true; t.endResponse(observe.End{Kind: observe.EndClosed}) })
		return nil, err
	}
	kind, side := transportKind(err), call.SideUpstream
	if kind == call.EndPolicy {
		var de *DialError
		if errors.As(err, &de) && de.Proxy == "" {
			side = call.SideAgent
		}
	}
	text := redact.Text(err.Error(), 300)
	status := http.StatusBadGateway
	if side == call.SideAgent {
		status = http.StatusForbidden
	}
	t.locked(func() {
		t.conn.firstEnd.Store(&firstEnd{side: side, kind: kind})
		r := &t.x.rec
		r.Response.Status, r.Response.Origin, r.End.Detail = status, "agent", text
		t.endResponse(observe.End{Kind: observe.EndClosed})
	})
	body, merr := json.Marshal(map[string]any{"error": map[string]any{
		"message": "llmtap: " + text, "type": "llmtap_upstream_error", "param": nil, "code": kind.String(),
	}})
	if merr != nil {
		return nil, merr
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
		Header:  http.Header{"Content-Type": {"application/json"}, "Llmtap-Error": {kind.String()}, "Content-Length": {strconv.Itoa(len(body))}},
		Body:    io.NopCloser(strings.NewReader(string(body))),
		Request: req,
	}, nil
}

// closedIdle is all that net/http tells of a connection that the service closed
// while a request was sent on it again.
const closedIdle = "http: server closed idle connection"

// transportKind sorts an error of net/http before the response head.
func transportKind(err error) call.EndKind {
	var de *DialError
	var timeout net.Error
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &de):
		return de.Kind
	case errors.As(err, &cert), errors.As(err, &record), strings.Contains(err.Error(), "tls: "):
		return call.EndTLS
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return call.EndReset
	case errors.As(err, &timeout) && timeout.Timeout():
		return call.EndTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err.Error() == closedIdle:
		return call.EndClosed
	}
	return call.EndReset
}

// left says who gave up an answer that the service had not ended: the client,
// unless the agent is stopping.
func (t *bodyTap) left() *firstEnd {
	if errors.Is(t.from.cause(), errDraining) {
		return &firstEnd{side: call.SideAgent, kind: call.EndClosed, why: "shutdown"}
	}
	return &firstEnd{side: call.SideClient, kind: call.EndClosed}
}

// asking reports whether a request is being observed and not over.
func (t *bodyTap) asking() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.x != nil && !t.reqOver
}

// lateRequest is how long an answered request is still read: as long as
// net/http's transport waits before it gives the connection up.
const lateRequest = 50 * time.Millisecond

// finish closes the exchange after the handler returned and reports whether
// the connection to the client must be aborted.
//
// An answer may be over before its request was read: the request gets a moment,
// then what is left of it is not observed.
func (t *bodyTap) finish() (abort bool) {
	if t.asking() {
		late := time.NewTimer(lateRequest)
		defer late.Stop()
		select {
		case <-t.asked:
		case <-late.C:
		}
	}
	t.locked(func() {
		if !t.over && t.x != nil {
			t.conn.firstEnd.CompareAndSwap(nil, t.left())
			t.endResponse(observe.End{Kind: observe.EndShort})
			t.abort = true
		}
		t.endRequest(observe.EndClosed)
		t.hungUp()
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.abort
}
