package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
)

// Numbers of linux/sock_diag.h and linux/inet_diag.h.
const (
	diagByFamily  = 20
	diagRequest   = 56 // bytes of a request
	diagMessage   = 72 // bytes of an answer
	diagNoCookie  = 0xffffffff
	netlinkHeader = 16
)

// diagTimeout bounds the wait for an answer, which the kernel gives at once.
const diagTimeout = 100 * time.Millisecond

// diag asks the kernel for single sockets: a few microseconds, where printing
// all of them into the tables of /proc takes it milliseconds. Not safe for
// concurrent use.
type diag struct {
	fd  int
	seq uint32
}

// openDiag fails where the kernel or a sandbox has no such sockets.
func openDiag() (*diag, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_INET_DIAG)
	if err != nil {
		return nil, fmt.Errorf("local: open socket diagnosis: %w", err)
	}
	wait := syscall.NsecToTimeval(diagTimeout.Nanoseconds())
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &wait); err != nil {
		return nil, errors.Join(fmt.Errorf("local: open socket diagnosis: %w", err), syscall.Close(fd))
	}
	return &diag{fd: fd}, nil
}

func (d *diag) close() {
	if d != nil {
		_ = syscall.Close(d.fd)
	}
}

// socket returns the client's end of a connection; false if the kernel knows
// none that a process has open.
func (d *diag) socket(client, server netip.AddrPort) (socket, bool, error) {
	d.seq++
	to := &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}
	if err := syscall.Sendto(d.fd, diagQuestion(d.seq, client, server), 0, to); err != nil {
		return socket{}, false, fmt.Errorf("local: ask for socket: %w", err)
	}
	var b [4096]byte
	for range 4 { // an answer that came too late for an earlier question
		n, _, err := syscall.Recvfrom(d.fd, b[:], 0)
		if err != nil {
			return socket{}, false, fmt.Errorf("local: ask for socket: %w", err)
		}
		if n >= netlinkHeader && binary.NativeEndian.Uint32(b[8:]) == d.seq {
			return diagAnswer(b[:n], server.Port())
		}
	}
	return socket{}, false, errors.New("local: ask for socket: no answer to it")
}

// diagQuestion asks for one connection by its four numbers. An IPv4 connection
// is found whatever kind of socket it was made with.
func diagQuestion(seq uint32, client, server netip.AddrPort) []byte {
	b := make([]byte, netlinkHeader+diagRequest)
	native := binary.NativeEndian
	native.PutUint32(b[0:], uint32(len(b)))
	native.PutUint16(b[4:], diagByFamily)
	native.PutUint16(b[6:], syscall.NLM_F_REQUEST)
	native.PutUint32(b[8:], seq)
	r := b[netlinkHeader:]
	c, s := client.Addr().Unmap(), server.Addr().Unmap()
	r[0], r[1] = syscall.AF_INET6, syscall.IPPROTO_TCP
	if c.Is4() && s.Is4() {
		r[0] = syscall.AF_INET
	}
	native.PutUint32(r[4:], ^uint32(0)) // any state
	binary.BigEndian.PutUint16(r[8:], client.Port())
	binary.BigEndian.PutUint16(r[10:], server.Port())
	copy(r[12:28], c.AsSlice())
	copy(r[28:44], s.AsSlice())
	native.PutUint32(r[48:], diagNoCookie)
	native.PutUint32(r[52:], diagNoCookie)
	return b
}

// diagAnswer reads owner and inode. Where there is no such connection the
// kernel offers the listener of that port, whose other end is nobody.
func diagAnswer(b []byte, server uint16) (socket, bool, error) {
	kind := binary.NativeEndian.Uint16(b[4:])
	r := b[netlinkHeader:]
	switch {
	case kind == syscall.NLMSG_ERROR && len(r) >= 4:
		errno := syscall.Errno(-int32(binary.NativeEndian.Uint32(r)))
		if errno == syscall.ENOENT {
			return socket{}, false, nil
		}
		return socket{}, false, fmt.Errorf("local: ask for socket: %w", errno)
	case kind != diagByFamily || len(r) < diagMessage:
		return socket{}, false, errors.New("local: ask for socket: an answer of another kind")
	}
	s := socket{uid: int(binary.NativeEndian.Uint32(r[64:])), inode: uint64(binary.NativeEndian.Uint32(r[68:]))}
	return s, s.inode != 0 && binary.BigEndian.Uint16(r[6:]) == server, nil
}
