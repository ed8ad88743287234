package relay

import (
	"net"
	"syscall"
)

// patient reads from a connection and says before it waits. Where that cannot
// be known it says so before every Read. The zero value says nothing.
type patient struct {
	dry  bool // the reader wants what crypto/tls holds, and no more
	idle func()
	raw  syscall.RawConn // nil: whether a Read will wait is not known
	try  func(fd uintptr) (done bool)
	got  *attempt
}

// attempt is one Read; try works on it.
type attempt struct {
	p      []byte
	n      int
	err    error
	waited bool
}

// newPatient looks below nothing: a connection that wraps another one may hold
// bytes that the one below does not have.
func newPatient(c net.Conn, idle func()) patient {
	in := patient{idle: idle}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return in
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return in
	}
	a := new(attempt)
	in.raw, in.got = raw, a
	in.try = func(fd uintptr) bool { return a.read(fd, idle) }
	return in
}

func (in *patient) read(c net.Conn, p []byte) (int, error) {
	if in.raw == nil {
		if in.idle != nil {
			in.idle()
		}
		return c.Read(p)
	}
	return in.got.run(in, c, p)
}
