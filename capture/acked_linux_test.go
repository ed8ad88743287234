package capture_test

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// awaitAcked polls until the peer's kernel has everything that was sent.
func awaitAcked(c *net.TCPConn) {
	rc, err := c.SyscallConn()
	if err != nil {
		return
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		left := 0
		if rc.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }) != nil || left == 0 {
			return
		}
	}
}
