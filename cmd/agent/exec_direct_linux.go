package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Bounds of one look: processes of the command, threads and descriptors of a
// process, sockets of all, bytes of a socket table.
const (
	maxProcesses   = 256
	maxThreads     = 256
	maxDescriptors = 2048
	maxSockets     = 8192
	maxTable       = 4 << 20
)

// maxTries is how many looks a socket gets to be found connected. Those that
// never are (of other kinds, listening ones) must not cost more: to read the
// tables makes the kernel walk all sockets of the machine.
const maxTries = 3

// lookout looks for connections; it remembers the sockets that it knows.
type lookout struct {
	tries map[string]int // by the text that descriptors have for a socket
}

// connections are the wanted connections of a process and of those that it
// started, as far as this user may see them, each in a few looks. A process
// that left its parents (a daemon) is no longer among them.
func (l *lookout) connections(pid int, wanted func(netip.AddrPort) bool) []connection {
	fresh := l.fresh(pid)
	if len(fresh) == 0 {
		return nil
	}
	sockets := map[string]netip.AddrPort{}
	for _, table := range []string{"tcp", "tcp6"} {
		readSockets(fmt.Sprintf("/proc/%d/net/%s", pid, table), wanted, sockets)
	}
	var out []connection
	for _, h := range fresh {
		if remote, ok := sockets[h.socket]; ok {
			out = append(out, connection{pid: h.pid, process: program(fmt.Sprintf("/proc/%d", h.pid)), remote: remote})
		}
	}
	return out
}

// held is a socket that a process has open.
type held struct {
	pid    int
	socket string
}

// fresh are the sockets that have tries left.
func (l *lookout) fresh(pid int) []held {
	var out []held
	tries := map[string]int{}
	for _, p := range descendants(pid) {
		dir := fmt.Sprintf("/proc/%d/fd", p)
		for _, fd := range names(dir, maxDescriptors) {
			link, err := os.Readlink(filepath.Join(dir, fd))
			if err != nil || !strings.HasPrefix(link, "socket:[") || len(tries) == maxSockets {
				continue
			}
			n := l.tries[link]
			tries[link] = min(n+1, maxTries)
			if n < maxTries {
				out = append(out, held{p, link})
			}
		}
	}
	l.tries = tries // closed ones are forgotten
	return out
}

// descendants are a process and those below it, the oldest first.
func descendants(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		tasks := fmt.Sprintf("/proc/%d/task", all[i])
		for _, t := range names(tasks, maxThreads) {
			b, err := os.ReadFile(filepath.Join(tasks, t, "children"))
			if err != nil {
				continue
			}
			for f := range strings.FieldsSeq(string(b)) {
				if child, err := strconv.Atoi(f); err == nil && len(all) < maxProcesses {
					all = append(all, child)
				}
			}
		}
	}
	return all
}

// names lists at most limit entries of a directory.
func names(dir string, limit int) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer func() { _ = d.Close() }()
	list, _ := d.Readdirnames(limit)
	return list
}

// program is the base name of what a process runs.
func program(dir string) string {
	if exe, err := os.Readlink(filepath.Join(dir, "exe")); err == nil {
		return filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
	}
	comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
	return strings.TrimSpace(string(comm))
}

// readSockets adds the wanted connections of a socket table, by the text that
// descriptors have for them.
func readSockets(table string, wanted func(netip.AddrPort) bool, into map[string]netip.AddrPort) {
	f, err := os.Open(table)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(io.LimitReader(f, maxTable)); lines.Scan(); {
		if remote, inode, ok := parseSocket(lines.Text()); ok && wanted(remote) {
			into["socket:["+inode+"]"] = remote
		}
	}
}

// parseSocket reads a line of a socket table: the remote end of a connection
// that is being made or open on our side, and its inode.
func parseSocket(line string) (remote netip.AddrPort, inode string, ok bool) {
	const at, state, node = 2, 3, 9
	f := strings.Fields(line)
	if len(f) <= node || f[node] == "0" {
		return remote, "", false
	}
	switch f[state] {
	case "01", "02", "04", "05", "08": // established, syn sent, fin wait, close wait
	default:
		return remote, "", false
	}
	address, port, _ := strings.Cut(f[at], ":")
	b, err := hex.DecodeString(address)
	n, perr := strconv.ParseUint(port, 16, 16)
	if err != nil || perr != nil || len(b)%4 != 0 {
		return remote, "", false
	}
	for i := 0; i < len(b); i += 4 { // words in this machine's order
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	ip, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), f[node], ok
}
