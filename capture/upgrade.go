package capture

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"llmtap/capture/observe"
	"llmtap/internal/call"
)

// upgraded reports whether another protocol followed the exchange's heads.
func upgraded(x *exchange) bool {
	return x.respEnd != nil && x.respEnd.Kind == observe.EndOpaque && x.rec.Response.Status == http.StatusSwitchingProtocols
}

// hangUp seals an upgraded exchange at the end of its connection. moved are the
// bytes that were forwarded in each direction since the connection began.
func hangUp(x *exchange, moved [2]int64, at time.Time) {
	before := x.respEnd.Moved
	x.rec.Request.Bytes += moved[observe.Request] - before[observe.Request]
	x.rec.Response.Body.Bytes += moved[observe.Response] - before[observe.Response]
	x.rec.Response.Body.Framing = call.FramingOther
	x.rec.Timing.End = at
	x.seal(at)
}

// hungUp says who ended another protocol. Its own good-bye is not read: an
// orderly end of either side is taken for one.
func hungUp(end *call.End, first *firstEnd) {
	end.Side, end.Kind, end.Terminal = call.SideUpstream, call.EndEOF, true
	switch {
	case first == nil:
	case first.side == call.SideUpstream && first.kind == call.EndClosed:
	case first.side == call.SideAgent:
		end.Side, end.Kind, end.Reason, end.Terminal = first.side, first.kind, first.why, false
	default:
		end.Side, end.Kind, end.Terminal = first.side, first.kind, first.kind == call.EndClosed
	}
}

// upgrade ends what net/http showed of an exchange and counts what follows.
func (t *bodyTap) upgrade(resp *http.Response) {
	if both, ok := resp.Body.(io.ReadWriteCloser); ok {
		t.socket = &socket{ReadWriteCloser: both, tap: t}
		resp.Body = t.socket
	}
	t.locked(func() { t.endResponse(observe.End{Kind: observe.EndOpaque, Reason: "upgrade"}) })
}

// hungUp seals an upgraded exchange after its handler returned.
func (t *bodyTap) hungUp() {
	if x := t.x; x != nil && t.socket != nil && upgraded(x) {
		t.conn.firstEnd.CompareAndSwap(nil, t.left())
		hangUp(x, [2]int64{t.socket.moved[observe.Request].Load(), t.socket.moved[observe.Response].Load()}, time.Now())
	}
}

// socket is the service's side of an upgraded connection of the second path. It
// counts what passes and learns who ended it first.
type socket struct {
	io.ReadWriteCloser
	tap   *bodyTap
	moved [2]atomic.Int64
}

// Read hands out what the service sent.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.ReadWriteCloser.Read(p)
	s.moved[observe.Response].Add(int64(n))
	switch {
	case err == nil:
	case errors.Is(err, net.ErrClosed):
		s.left()
	case errors.Is(err, syscall.ECONNRESET):
		s.ended(&firstEnd{side: call.SideUpstream, kind: call.EndReset})
	default:
		s.ended(&firstEnd{side: call.SideUpstream, kind: call.EndClosed})
	}
	return n, err
}

// Write sends what the client said.
func (s *socket) Write(p []byte) (int, error) {
	n, err := s.ReadWriteCloser.Write(p)
	s.moved[observe.Request].Add(int64(n))
	return n, err
}

// CloseWrite passes on that the client has said all.
func (s *socket) CloseWrite() error {
	s.left()
	if half, ok := s.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close ends the service's side, which nobody does before one of the two left.
func (s *socket) Close() error {
	s.left()
	return s.ReadWriteCloser.Close()
}

func (s *socket) left() { s.ended(s.tap.left()) }

func (s *socket) ended(e *firstEnd) { s.tap.conn.firstEnd.CompareAndSwap(nil, e) }
