package faultllm

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// settle is how long bytes already written get to leave before a reset.
const settle = 20 * time.Millisecond

// abort ends the answer where it is: over HTTP/1.1 the connection closes without
// the last chunk, over HTTP/2 the stream is reset.
func abort() { panic(http.ErrAbortHandler) }

// reset breaks the connection with a TCP RST, under TLS too. With an HTTP/2
// connection all its streams are lost.
func (x *exchange) reset() {
	x.sleep(settle)
	x.resets.Store(true)
	if raw := x.raw(); raw != nil {
		if tcp, ok := raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // then Close sends RST
		}
		_ = raw.Close()
	}
	abort()
}

// raw returns the connection under TLS, nil if there is no way to it.
func (x *exchange) raw() net.Conn {
	if l := linkOf(x.r); l != nil {
		return l.raw
	}
	c, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return nil
	}
	return under(c)
}

// wire is a hijacked connection: what is written is sent as it is.
type wire struct {
	net.Conn
	in  io.Reader // what the client sends, from the first byte net/http has not used
	end func() bool
}

// hijack takes the connection from net/http; nothing of the answer is sent yet.
// Without hijacking (HTTP/2) the answer is aborted. The caller closes the wire.
func (x *exchange) hijack() *wire {
	c, rw, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		abort()
	}
	_ = c.SetDeadline(time.Time{}) // net/http may have left one behind
	end := context.AfterFunc(x.r.Context(), func() { _ = c.Close() })
	// net/http's reader would take an EOF for the client's leaving.
	ahead, _ := rw.Reader.Peek(rw.Reader.Buffered())
	return &wire{Conn: c, in: io.MultiReader(bytes.NewReader(ahead), c), end: end}
}

// say writes s at once.
func (w *wire) say(s string) { _, _ = io.WriteString(w.Conn, s) }

// Close ends the connection in order.
func (w *wire) Close() error {
	w.end()
	return w.Conn.Close()
}

// head is a response head for a wire; lines end in CRLF each.
func head(x *exchange, status, mediaType string, lines ...string) string {
	s := "HTTP/1.1 " + status + "\r\nDate: " + x.svc.cfg.Now().UTC().Format(http.TimeFormat) +
		"\r\nContent-Type: " + mediaType + "\r\nConnection: close\r\n"
	for _, l := range lines {
		s += l + "\r\n"
	}
	return s + "\r\n"
}
