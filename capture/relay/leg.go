package relay

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// recordAlert and recordHandshake are TLS content types.
const (
	recordAlert     = 0x15
	recordHandshake = 0x16
)

// maxHello bounds what is kept for a replay: more than any ClientHello.
const maxHello = 128 << 10

var errHelloTooLong = errors.New("relay: read ClientHello: too long")

// keepAlive is how often a silent peer is probed by TCP.
const keepAlive = 30 * time.Second

// leg is one raw connection of a tunnel. While it holds, it keeps what it read
// and drops the alert that crypto/tls would send, so that nothing has happened
// yet on the wire when the tunnel has to go blind. It always notes the raw
// EOF, which tells a bare FIN from a close_notify.
type leg struct {
	net.Conn
	// tls is set once the leg's TLS is up; nil copies raw bytes.
	tls   *tls.Conn
	shake *handshake // client leg during the handshake

	held    []byte // what was read while holding
	off     int    // how much of held was given out
	holding bool
	strict  bool  // alerts are sent even while holding
	failed  error // raw read error while holding
	eof     bool  // the reader has seen the raw EOF
	in      patient

	finSent  atomic.Bool // our FIN is out
	writeErr atomic.Bool // a raw write failed: the peer is gone
}

func newLeg(c net.Conn) *leg {
	_ = c.SetDeadline(time.Time{}) // net/http leaves its own on a hijacked conn
	if k, ok := find[interface {
		SetKeepAliveConfig(net.KeepAliveConfig) error
	}](c); ok {
		_ = k.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: keepAlive, Interval: keepAlive})
	}
	return &leg{Conn: c}
}

// stream is what the copy loops read and write: plaintext or raw bytes.
func (l *leg) stream() io.ReadWriter {
	if l.tls != nil {
		return l.tls
	}
	return l
}

// rest reads what crypto/tls has already taken from the connection and not
// given out, which may be nothing.
func rest(l *leg, p []byte) (int, error) {
	l.in.dry = true
	n, err := l.tls.Read(p)
	l.in.dry = false
	if err == error(errDry{}) {
		err = nil
	}
	return n, err
}

// errDry is what a dry leg answers. To crypto/tls it is a timeout, the only kind
// of error after which a connection can be read again.
type errDry struct{}

func (errDry) Error() string   { return "relay: read: nothing is held" }
func (errDry) Timeout() bool   { return true }
func (errDry) Temporary() bool { return true }

// Read gives out held bytes first, then the connection's.
func (l *leg) Read(p []byte) (int, error) {
	if l.in.dry {
		return 0, errDry{}
	}
	if l.off < len(l.held) {
		n := copy(p, l.held[l.off:])
		l.off += n
		if l.off == len(l.held) && !l.holding {
			l.held, l.off = nil, 0
		}
		return n, nil
	}
	if l.holding {
		n, err := l.fill(p)
		l.off += n
		return n, err
	}
	n, err := l.in.read(l.Conn, p)
	if err == io.EOF {
		l.eof = true
	}
	if l.shake != nil {
		l.shake.saw(p[:n])
	}
	return n, err
}

// fill reads from the connection and keeps a copy.
func (l *leg) fill(p []byte) (int, error) {
	if len(l.held) >= maxHello {
		return 0, errHelloTooLong
	}
	n, err := l.Conn.Read(p[:min(len(p), maxHello-len(l.held))])
	l.held = append(l.held, p[:n]...)
	if err != nil {
		l.failed = err
	}
	return n, err
}

// peek returns the first byte without giving it out.
func (l *leg) peek() (byte, error) {
	var p [1024]byte
	for len(l.held) == 0 {
		if _, err := l.fill(p[:]); err != nil && len(l.held) == 0 {
			return 0, err
		}
	}
	return l.held[0], nil
}

// rewind stops holding and gives everything out again.
func (l *leg) rewind() {
	l.holding, l.off, l.tls, l.shake = false, 0, nil, nil
	_ = l.SetDeadline(time.Time{})
}

// Write sends p. While holding, an alert is dropped and anything else is our
// first byte to the client: from then on there is no way back.
func (l *leg) Write(p []byte) (int, error) {
	if l.holding && len(p) > 0 {
		if p[0] != recordAlert {
			l.commit()
		} else if !l.strict {
			return len(p), nil
		}
	}
	n, err := l.Conn.Write(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		l.writeErr.Store(true)
	}
	return n, err
}

// commit ends holding for good: what comes is crypto/tls's.
func (l *leg) commit() {
	l.holding = false
	if l.off == len(l.held) {
		l.held, l.off = nil, 0
	}
}

// tookAll tells of a peer that ended its side in order whether it has received
// all that we sent. One that closes a connection with something unread resets it.
func (l *leg) tookAll() bool {
	sock := socket(l.Conn)
	if sock == nil || !l.eof || l.wasReset() {
		return false
	}
	n, err := unsent(sock)
	return err == nil && n == 0
}

// find returns the outermost connection of c's chain that is a T.
func find[T any](c net.Conn) (T, bool) {
	for c != nil {
		if t, ok := c.(T); ok {
			return t, true
		}
		w, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = w.NetConn()
	}
	var none T
	return none, false
}

// socket returns the socket below c, nil if there is none.
func socket(c net.Conn) syscall.RawConn {
	sc, ok := find[syscall.Conn](c)
	if !ok {
		return nil
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return rc
}
