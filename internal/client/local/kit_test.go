//go:build linux

package local_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"llmtap/internal/client/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit bounds every wait of a test.
const limit = 10 * time.Second

// booted is when the host of the fake trees started.
var booted = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// host is a fake proc file system beside the files that its processes use.
type host struct {
	t           testing.TB
	proc, files string
	table       map[string][]string
	inode       uint64
}

func newHost(t testing.TB) *host {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	h := &host{t: t, proc: filepath.Join(dir, "proc"), files: filepath.Join(dir, "host"), table: map[string][]string{}, inode: 4000}
	h.put(h.proc+"/stat", fmt.Sprintf("cpu 1 2 3\nbtime %d\nprocesses 9\n", booted.Unix()))
	h.link(h.proc+"/self/ns/mnt", "mnt:[1]")
	h.connection("tcp", "10.0.0.1:1", "10.0.0.2:2", 0, 0) // an orphan, as there always is one
	h.connection("tcp6", "[::1]:1", "[::1]:2", 0, 0)
	return h
}

// proto is one process of a fake host; zero fields get plain values.
type proto struct {
	pid     int
	comm    string
	start   uint64 // ticks since boot
	exe     string
	argv    []string
	environ []string
	cwd     string
	maps    string
	sockets []uint64
}

// run adds a process.
func (h *host) run(p proto) {
	h.t.Helper()
	dir := filepath.Join(h.proc, fmt.Sprint(p.pid))
	if p.comm == "" {
		p.comm = filepath.Base(p.exe)
	}
	h.put(dir+"/stat", fmt.Sprintf("%d (%s) S 1 1 1 0 -1 4194304 9 9 9 9 9 9 9 9 20 0 1 0 %d 9 9", p.pid, p.comm, p.start))
	h.put(dir+"/cmdline", strings.Join(p.argv, "\x00")+"\x00")
	h.put(dir+"/environ", strings.Join(p.environ, "\x00")+"\x00")
	h.put(dir+"/maps", p.maps)
	h.link(dir+"/exe", p.exe)
	h.link(dir+"/ns/mnt", "mnt:[1]")
	h.link(dir+"/root", "/")
	if p.cwd != "" {
		h.link(dir+"/cwd", p.cwd)
	}
	check(h.t, os.MkdirAll(dir+"/fd", 0o755))
	h.link(dir+"/fd/0", "/dev/null")
	for i, inode := range p.sockets {
		h.link(fmt.Sprintf("%s/fd/%d", dir, 3+i), fmt.Sprintf("socket:[%d]", inode))
	}
}

// ends removes a process.
func (h *host) ends(pid int) {
	h.t.Helper()
	check(h.t, os.RemoveAll(filepath.Join(h.proc, fmt.Sprint(pid))))
}

// connection lists a socket and returns its inode.
func (h *host) connection(table, local, remote string, uid int, inode uint64) uint64 {
	h.t.Helper()
	line := fmt.Sprintf("%4d: %s %s 01 00000000:00000000 00:00000000 00000000 %5d        0 %d 1 0000000000000000 20 4 30 10 -1",
		len(h.table[table]), address(local), address(remote), uid, inode)
	h.table[table] = append(h.table[table], line)
	h.write(table)
	return inode
}

// open lists a new connection of a client port to the agent's 4141.
func (h *host) open(port, uid int) uint64 {
	h.t.Helper()
	h.inode++
	return h.connection("tcp", fmt.Sprintf("127.0.0.1:%d", port), "127.0.0.1:4141", uid, h.inode)
}

// closes drops the last connection of a table.
func (h *host) closes(table string) {
	h.t.Helper()
	h.table[table] = h.table[table][:len(h.table[table])-1]
	h.write(table)
}

func (h *host) write(table string) {
	h.t.Helper()
	head := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	h.put(h.proc+"/net/"+table, head+strings.Join(h.table[table], "\n")+"\n")
}

// address writes an address as the kernel does.
func address(s string) string {
	a := netip.MustParseAddrPort(s)
	var b strings.Builder
	for ip := a.Addr().AsSlice(); len(ip) > 0; ip = ip[4:] {
		fmt.Fprintf(&b, "%08X", binary.NativeEndian.Uint32(ip))
	}
	return fmt.Sprintf("%s:%04X", b.String(), a.Port())
}

// venv makes a virtual environment below name with the given dist-info stems,
// installed before any process started, and returns its prefix.
func (h *host) venv(name string, stems ...string) string {
	h.t.Helper()
	prefix := filepath.Join(h.files, name)
	h.put(prefix+"/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11.7\n")
	h.put(prefix+"/bin/python", "")
	h.packages(prefix+"/lib/python3.11/site-packages", booted, stems...)
	return prefix
}

// packages installs distributions into a folder at a time.
func (h *host) packages(site string, at time.Time, stems ...string) {
	h.t.Helper()
	check(h.t, os.MkdirAll(site, 0o755))
	for _, s := range stems {
		dir := filepath.Join(site, s+".dist-info")
		check(h.t, os.MkdirAll(dir, 0o755))
		check(h.t, os.Chtimes(dir, at, at))
	}
}

func (h *host) put(path, text string) {
	h.t.Helper()
	check(h.t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(h.t, os.WriteFile(path, []byte(text), 0o644))
}

func (h *host) link(path, to string) {
	h.t.Helper()
	check(h.t, os.MkdirAll(filepath.Dir(path), 0o755))
	_ = os.Remove(path)
	check(h.t, os.Symlink(to, path))
}

// finder is a Finder on this host.
func (h *host) finder(edit ...func(*local.Config)) *local.Finder {
	h.t.Helper()
	c := local.Config{Proc: h.proc, Budget: limit}
	for _, e := range edit {
		e(&c)
	}
	f := local.New(c)
	h.t.Cleanup(func() { check(h.t, f.Close()) })
	return f
}

// find looks a client port up.
func find(t testing.TB, f *local.Finder, port int) (local.Info, error) {
	t.Helper()
	return lookup(t, f, fmt.Sprintf("127.0.0.1:%d", port), "127.0.0.1:4141")
}

func lookup(t testing.TB, f *local.Finder, client, server string) (local.Info, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return f.Lookup(ctx, netip.MustParseAddrPort(client), netip.MustParseAddrPort(server))
}

// found is find that must succeed.
func found(t testing.TB, f *local.Finder, port int) local.Info {
	t.Helper()
	i, err := find(t, f, port)
	check(t, err)
	return i
}

func wants(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// versions is the packages of a process as text.
func versions(i local.Info) string {
	var out []string
	for _, p := range i.Packages {
		out = append(out, p.Name+" "+p.Version)
	}
	return strings.Join(out, ", ")
}
