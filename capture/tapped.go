package capture

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/net/http2"

	"llmtap/capture/observe"
)

// tappedBody hands out exactly what the transport read, and decodes it at the
// next Read or Close, never before it was forwarded.
type tappedBody struct {
	io.ReadCloser
	tap        *bodyTap
	pending    []byte
	at         time.Time // when pending, or the head, was read
	begun      bool      // the head was written
	untilClose bool
}

// Read forwards (n, err) of the transport's body unchanged.
func (b *tappedBody) Read(p []byte) (int, error) {
	b.forwarded()
	b.observe()
	n, err := b.ReadCloser.Read(p)
	b.pending, b.at = p[:n], time.Now()
	if err != nil {
		// Observed before it is written: what that will cost is not known.
		b.tap.conn.cost.note(observe.Response, b.at, b.at, b.at)
		b.observe()
		b.ended(err)
	}
	return n, err
}

// Close ends the observation if the handler stopped before the end.
func (b *tappedBody) Close() error {
	b.forwarded()
	b.observe()
	return b.ReadCloser.Close()
}

// forwarded learns what the write of the head or of pending has cost.
func (b *tappedBody) forwarded() {
	t, out := b.tap, b.tap.out
	switch {
	case out.wrote.Before(b.at): // not written: the client is gone
	case len(b.pending) > 0:
		t.conn.cost.note(observe.Response, b.at, out.writing, out.wrote)
	case !b.begun:
		b.begun = true
		t.locked(func() {
			if t.x != nil {
				t.x.own.headers = ours(b.at, out.writing, out.wrote)
			}
		})
	}
}

func (b *tappedBody) observe() {
	if len(b.pending) == 0 {
		return
	}
	p := b.pending
	b.pending = nil
	b.tap.locked(func() {
		if b.tap.x != nil {
			b.tap.x.Body(observe.Response, p, b.at)
		}
	})
}

func (b *tappedBody) ended(err error) {
	t := b.tap
	e := observe.End{Kind: observe.EndComplete}
	var h2 http2.StreamError
	switch {
	case errors.Is(err, io.EOF):
		if b.untilClose {
			e.Kind = observe.EndUntilEOF
		}
	case errors.Is(err, context.Canceled), errors.Is(err, errDraining), errors.Is(err, net.ErrClosed):
		t.conn.firstEnd.CompareAndSwap(nil, t.left())
		e.Kind = observe.EndShort
	case errors.As(err, &h2):
		e.Kind, e.Code = observe.EndH2RST, uint32(h2.Code)
	case errors.Is(err, syscall.ECONNRESET):
		e.Kind = observe.EndReset
	default:
		e.Kind = observe.EndShort
	}
	t.locked(func() {
		t.abort = t.abort || e.Kind != observe.EndComplete && e.Kind != observe.EndUntilEOF
		t.endResponse(e)
	})
}

// requestBody taps the request. The Read that delivers the last byte of a
// known length also says EOF: else the transport of golang/go#40747 cuts the
// stream of a service that answers at once.
func requestBody(t *bodyTap, req *http.Request) io.ReadCloser {
	if req.Body == nil || req.Body == http.NoBody {
		return http.NoBody
	}
	return &tappedRequest{ReadCloser: req.Body, tap: t, left: req.ContentLength}
}

type tappedRequest struct {
	io.ReadCloser
	tap  *bodyTap
	left int64     // -1 unknown
	over bool      // EOF was said
	read time.Time // when the last piece was
}

// Close ends a request that the transport gave up.
func (b *tappedRequest) Close() error {
	b.tap.locked(func() { b.tap.endRequest(observe.EndClosed) })
	return b.ReadCloser.Close()
}

// Read hands out the client's bytes and shows a copy to the exchange.
func (b *tappedRequest) Read(p []byte) (int, error) {
	if b.over {
		return 0, io.EOF
	}
	var sent time.Duration // what the transport did with the last piece
	if !b.read.IsZero() {
		sent = time.Since(b.read)
	}
	n, err := b.ReadCloser.Read(p)
	b.read = time.Now()
	if b.left > 0 {
		if b.left -= int64(n); b.left == 0 && err == nil {
			err, b.over = io.EOF, true
		}
	}
	b.tap.locked(func() {
		if b.tap.x == nil {
			return
		}
		if sent <= blockedWrite {
			b.tap.x.own.request += sent
		}
		if n > 0 {
			b.tap.x.Body(observe.Request, p[:n], b.read)
		}
		switch {
		case errors.Is(err, io.EOF):
			b.tap.endRequest(observe.EndComplete)
		case err != nil:
			b.tap.endRequest(observe.EndShort)
		}
	})
	return n, err
}
