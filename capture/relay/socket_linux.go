package relay

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent returns how many bytes the peer has not acknowledged and still may.
func unsent(sock syscall.RawConn) (n int, err error) {
	cerr := sock.Control(func(fd uintptr) {
		if !closed(fd) { // else the kernel repeats the number of its last moment
			n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
		}
	})
	return n, errors.Join(err, cerr)
}

// closedByReset tells whether the socket is closed although we sent no FIN:
// only a reset, or its time-out, does that.
func closedByReset(sock syscall.RawConn) (is bool) {
	err := sock.Control(func(fd uintptr) { is = closed(fd) })
	return err == nil && is
}

func closed(fd uintptr) bool {
	info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	return err == nil && info.State == unix.BPF_TCP_CLOSE
}
