package local

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Lengths of the two addresses, with ports, in a line of the socket tables.
const (
	pair4 = len("0100007F:1F90 0100007F:1F91")
	pair6 = len("00000000000000000000000001000000:1F90 00000000000000000000000001000000:1F91")
)

// socket is the client's end of a connection as the kernel lists it.
type socket struct {
	inode uint64
	uid   int
}

// onThisHost reports whether a client with this address is a process here:
// loopback, or a connection to one of our own addresses, which has it on both
// ends.
func onThisHost(client, server netip.AddrPort) bool {
	c, s := client.Addr().Unmap(), server.Addr().Unmap()
	return client.Port() != 0 && (c.IsLoopback() || c.IsValid() && c == s)
}

// tableKeys are the texts by which the client's end of a connection can stand
// in tcp and tcp6; an IPv4 connection of an IPv6 socket stands in the latter.
func tableKeys(client, server netip.AddrPort) []string {
	c, s := client.Addr().Unmap(), server.Addr().Unmap()
	key := func(c, s []byte) string {
		return hexAddress(c, client.Port()) + " " + hexAddress(s, server.Port())
	}
	c16, s16 := c.As16(), s.As16()
	if !c.Is4() || !s.Is4() {
		return []string{key(c16[:], s16[:])}
	}
	c4, s4 := c.As4(), s.As4()
	return []string{key(c4[:], s4[:]), key(c16[:], s16[:])}
}

// hexAddress writes an address as the kernel does: 32-bit words in the order of
// this machine.
func hexAddress(ip []byte, port uint16) string {
	var b []byte
	for ; len(ip) >= 4; ip = ip[4:] {
		b = fmt.Appendf(b, "%08X", binary.NativeEndian.Uint32(ip))
	}
	return string(fmt.Appendf(b, ":%04X", port))
}

// errBudget ends a search at its bounds.
var errBudget = fmt.Errorf("local: search: %w", ErrBusy)

// pairs are the connections that a reading of the tables looks for.
type pairs struct {
	open  map[string][]int // their texts in the tables, to their places
	found map[int]socket
	want  int
}

func newPairs(keys [][]string) *pairs {
	p := &pairs{open: make(map[string][]int, 2*len(keys)), found: make(map[int]socket, len(keys)), want: len(keys)}
	for i, k := range keys {
		for _, text := range k {
			p.open[text] = append(p.open[text], i)
		}
	}
	return p
}

// readTables looks for the connections in both tables until end: the kernel
// walks all its sockets for each, so that the second is left out if the first
// had all.
func (p *pairs) readTables(proc string, end time.Time) error {
	for _, name := range []string{"tcp", "tcp6"} {
		if len(p.found) == p.want {
			break
		}
		f, err := os.Open(filepath.Join(proc, "net", name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return fmt.Errorf("local: open socket table: %w", err)
		}
		if err := errors.Join(p.scan(f, end), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (p *pairs) scan(r io.Reader, end time.Time) error {
	lines := bufio.NewScanner(r)
	for n := 0; len(p.found) < p.want && lines.Scan(); n++ {
		if n%64 == 63 && time.Now().After(end) {
			return errBudget
		}
		_, line, ok := bytes.Cut(lines.Bytes(), []byte(": "))
		if !ok {
			continue // the heading
		}
		for _, width := range []int{pair4, pair6} {
			if len(line) <= width || line[width] != ' ' {
				continue
			}
			places := p.open[string(line[:width])]
			if len(places) == 0 {
				continue
			}
			if s, ok := parseSocket(line[width:]); ok {
				for _, i := range places {
					p.found[i] = s
				}
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("local: read socket table: %w", err)
	}
	return nil
}

// parseSocket reads owner and inode from what follows the addresses. A socket
// that nobody has open any more has inode 0.
func parseSocket(rest []byte) (socket, bool) {
	f := bytes.Fields(rest)
	if len(f) < 7 {
		return socket{}, false
	}
	uid, uerr := strconv.Atoi(string(f[4]))
	inode, ierr := strconv.ParseUint(string(f[6]), 10, 64)
	return socket{inode: inode, uid: uid}, uerr == nil && ierr == nil && inode != 0
}
