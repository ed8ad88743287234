//go:build unix

package relay

import (
	"io"
	"net"
	"os"
	"syscall"
)

// read tries once and reports false when it has to be called again as soon as
// there is something.
func (a *attempt) read(fd uintptr, idle func()) bool {
	for {
		if a.n, a.err = syscall.Read(int(fd), a.p); a.err != syscall.EINTR {
			break
		}
	}
	if a.err != syscall.EAGAIN {
		return true
	}
	if !a.waited {
		a.waited = true
		idle()
	}
	return false
}

// run is net.TCPConn.Read, with the same results.
func (a *attempt) run(in *patient, c net.Conn, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	*a = attempt{p: p}
	err := in.raw.Read(in.try)
	n, rerr := a.n, a.err
	a.p = nil
	switch {
	case err != nil: // closed, or the deadline is over
		return 0, err
	case rerr != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("read", rerr)}
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
