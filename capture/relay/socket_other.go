//go:build !linux

package relay

import "syscall"

// unsent does not know here, so that a drain takes its whole limit; an error
// means that the socket is closed.
func unsent(sock syscall.RawConn) (int, error) {
	return 1, sock.Control(func(uintptr) {})
}

// closedByReset does not know here.
func closedByReset(syscall.RawConn) bool { return false }
