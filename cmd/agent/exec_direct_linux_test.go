package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseSocket(t *testing.T) {
	line := func(remote, state, inode string) string {
		return "   1: 0100007F:B64D " + remote + " " + state + " 00000000:00000000 00:00000000 00000000  1000        0 " + inode + " 2 0000000076e65ed3 100 0 0 10 0"
	}
	for name, tc := range map[string]struct{ line, want string }{
		"established": {line("04030201:01BB", "01", "77"), "1.2.3.4:443 77"},
		"being made":  {line("04030201:01BB", "02", "77"), "1.2.3.4:443 77"},
		"half closed": {line("04030201:01BB", "08", "77"), "1.2.3.4:443 77"},
		"ipv6":        {line("B80D0120000000000000000001000000:01BB", "01", "5"), "[2001:db8::1]:443 5"},
		"mapped":      {line("0000000000000000FFFF000004030201:01BB", "01", "5"), "1.2.3.4:443 5"},
		"listening":   {line("00000000:0000", "0A", "77"), ""},
		"time wait":   {line("04030201:01BB", "06", "0"), ""},
		"no inode":    {line("04030201:01BB", "01", "0"), ""},
		"heading":     {"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", ""},
		"no address":  {line("zz:01BB", "01", "7"), ""},
		"odd address": {line("0403:01BB", "01", "7"), ""},
		"eight bytes": {line("0403020104030201:01BB", "01", "7"), ""},
		"no port":     {line("04030201", "01", "7"), ""},
		"empty":       {"", ""},
		"cut":         {"   1: 0100007F:B64D 04030201:01BB 01", ""},
	} {
		got := ""
		if remote, inode, ok := parseSocket(tc.line); ok {
			got = remote.String() + " " + inode
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// TestOpenConnections: our own end of a connection is found, the service's
// end, a listener and unwanted ports are not.
func TestOpenConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	conn, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	want := netip.MustParseAddrPort(l.Addr().String())
	only := func(a netip.AddrPort) bool { return a.Port() == want.Port() }
	var eyes lookout
	for look := range maxTries {
		got := eyes.connections(os.Getpid(), only)
		if len(got) != 1 || got[0].remote != want || got[0].pid != os.Getpid() || !strings.HasPrefix(filepath.Base(os.Args[0]), got[0].process) {
			t.Errorf("look %d: got %+v", look, got)
		}
	}
	if got := eyes.fresh(os.Getpid()); len(got) != 0 {
		t.Errorf("known sockets cost another look: %+v", got)
	}
	second, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Close() }()
	if got := eyes.connections(os.Getpid(), only); len(got) != 1 {
		t.Errorf("a new one beside a known one: got %+v", got)
	}
	if got := new(lookout).connections(os.Getpid(), func(netip.AddrPort) bool { return false }); got != nil {
		t.Errorf("nothing was wanted, got %+v", got)
	}
	if got := new(lookout).connections(1<<30, func(netip.AddrPort) bool { return true }); got != nil {
		t.Errorf("no such process, got %+v", got)
	}
}
