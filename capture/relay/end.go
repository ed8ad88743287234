package relay

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// readEnd names what the source leg showed.
func (l *link) readEnd(err error) EndKind {
	var broken tls.RecordHeaderError
	switch {
	case l.s.stopped(err):
		return Stopped
	case errors.Is(err, net.ErrClosed):
		return EndUnknown // the other direction closed it
	case err == io.EOF && l.src.tls != nil && !l.src.eof:
		return CloseNotify
	case l.src.eof && l.src.wasReset():
		return RST
	case err == io.EOF:
		return FIN
	case errors.Is(err, io.ErrUnexpectedEOF):
		return FINInside
	case errors.As(err, &broken):
		return BrokenRecord
	}
	return RST
}

func (l *link) writeEnd(err error) EndKind {
	if l.s.stopped(err) {
		return Stopped
	}
	return WriteFailed
}

// announce tells the tap, before the end is shown to anybody. The direction that
// ends second waits until the tap knows whose end came first.
func (l *link) announce(kind EndKind, err error) {
	l.s.ending.order.Lock()
	defer l.s.ending.order.Unlock()
	e := Ending{Kind: kind, At: time.Now(), First: l.s.first.CompareAndSwap(false, true)}
	switch kind {
	case CloseNotify, FIN, Stopped:
	default:
		e.Err = err
	}
	if e.First {
		l.s.ending.set(l.d, e)
	}
	if l.s.tap.Ended != nil {
		l.s.tap.Ended(l.d, e)
	}
	if e.First {
		l.s.watch.halfOpen()
	}
}

func (f *firstEnd) set(d Direction, e Ending) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.d, f.end = d, e
}

// mirror shows the end of the source on the destination, in kind.
func (l *link) mirror(kind EndKind, err error) {
	limit := l.s.r.cfg.Limits.Drain
	switch kind {
	case CloseNotify:
		_ = l.dst.tls.CloseWrite()
		if l.src.awaitFIN() {
			l.dst.fin()
		} else {
			l.dst.reset(limit)
		}
	case FIN:
		l.dst.fin()
	case FINInside:
		// A record that will never be complete, whatever the version.
		_, _ = l.dst.Write([]byte{0x17, 3, 3, 0x01, 0x00})
		l.dst.fin()
	case BrokenRecord:
		if broken, ok := errors.AsType[tls.RecordHeaderError](err); ok {
			_, _ = l.dst.Write(broken.RecordHeader[:])
		}
		l.dst.reset(limit)
	case WriteFailed:
		l.awaitOther()
		l.src.reset(0)
	case Stopped:
		l.stop()
	default:
		l.dst.reset(limit)
	}
}

// stop ends the destination of an interrupted direction.
func (l *link) stop() {
	if l.s.halt.Load() == haltReset {
		l.dst.reset(0)
		return
	}
	if l.dst.tls != nil {
		_ = l.dst.tls.CloseWrite()
	}
	l.dst.fin()
}

// awaitOther lets the other direction hand over what the dead leg still holds,
// as long as it moves: an answer that came before the reset is not lost.
func (l *link) awaitOther() {
	tick := time.NewTicker(l.s.r.cfg.Limits.Drain)
	defer tick.Stop()
	for last := l.s.last.Load(); ; {
		select {
		case <-l.s.other(l.d).done:
			return
		case <-tick.C:
			now := l.s.last.Load()
			if now == last {
				return
			}
			last = now
		}
	}
}

// awaitFIN reads what follows a close_notify; true means a FIN, or that the
// agent itself ends the tunnel.
func (l *leg) awaitFIN() bool {
	var junk [64]byte
	for {
		_, err := l.Read(junk[:])
		if err != nil {
			return err == io.EOF && !l.wasReset() || errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
}

// fin half-closes the connection; one that cannot is closed.
func (l *leg) fin() {
	l.finSent.Store(true)
	if c, ok := find[interface{ CloseWrite() error }](l.Conn); ok {
		_ = c.CloseWrite()
		return
	}
	_ = l.Close()
}

// reset closes the connection with a RST, after the peer has taken what was
// sent to it: a RST overtakes unsent bytes.
func (l *leg) reset(limit time.Duration) {
	if sock := socket(l.Conn); sock != nil && limit > 0 {
		drain(sock, limit)
	}
	if c, ok := find[interface{ SetLinger(int) error }](l.Conn); ok {
		_ = c.SetLinger(0)
	}
	_ = l.Close()
}

// drainCap bounds a drain that makes progress, in multiples of its limit.
const drainCap = 10

// drain waits until the send queue is empty, has not shrunk for limit, or
// drainCap times that is over.
func drain(sock syscall.RawConn, limit time.Duration) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	start := time.Now()
	progress, last := start, -1
	for {
		n, err := unsent(sock)
		if err != nil || n == 0 {
			return
		}
		now := time.Now()
		if n < last {
			progress = now
		}
		last = n
		if now.Sub(progress) >= limit || now.Sub(start) >= drainCap*limit {
			return
		}
		<-tick.C
	}
}

// wasReset tells a reset that looked like an EOF: the kernel reports it once,
// and the goroutine that wrote to the leg may have taken the report.
func (l *leg) wasReset() bool {
	if l.writeErr.Load() {
		return true
	}
	sock := socket(l.Conn)
	return sock != nil && !l.finSent.Load() && closedByReset(sock)
}
