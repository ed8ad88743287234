//go:build unix

package capture

import "syscall"

// fileTunnels is how many tunnels fit into 80 % of the process's open-file
// limit, two sockets each: beyond it new ones get 503 instead of an error in
// the middle of somebody's call.
func fileTunnels() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil || l.Cur > 1<<30 {
		return 1 << 30
	}
	return max(1, int(l.Cur)*4/5/2)
}
