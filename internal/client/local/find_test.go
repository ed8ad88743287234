//go:build linux

package local_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/client/local"
)

func TestNamesAndKinds(t *testing.T) {
	for _, c := range []struct {
		name, exe, comm string
		argv            []string
		wantName, kind  string
	}{
		{"single-user server", "/opt/hub/bin/python3.11", "jupyterhub-sing", []string{"/opt/hub/bin/python", "/opt/hub/bin/jupyterhub-singleuser", "--port=1"}, "jupyterhub-singleuser", local.KindServer},
		{"single-user module", "/usr/bin/python3.11", "python", []string{"python3", "-m", "jupyterhub.singleuser"}, "jupyterhub.singleuser", local.KindServer},
		{"lab", "/usr/bin/python3.11", "jupyter-lab", []string{"/v/bin/python", "-X", "utf8", "-W", "ignore", "/v/bin/jupyter-lab"}, "jupyter-lab", local.KindServer},
		{"kernel", "/usr/bin/python3.11", "python", []string{"/v/bin/python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "k.json"}, "ipykernel_launcher", local.KindKernel},
		{"kernel, attached", "/usr/bin/python3.11", "python", []string{"python", "-mipykernel_launcher"}, "ipykernel_launcher", local.KindKernel},
		{"script", "/usr/bin/python3", "python3", []string{"python3", "/home/ada/secret-plan.py"}, "python", local.KindPython},
		{"script named like a server's argument", "/usr/bin/python3", "python3", []string{"python3", "chat.py", "jupyter-lab"}, "python", local.KindPython},
		{"code", "/usr/bin/python3.13t", "python3", []string{"python3", "-c", "jupyter-lab"}, "python", local.KindPython},
		{"pypy", "/opt/pypy/bin/pypy3.10", "pypy3", []string{"pypy3"}, "python", local.KindPython},
		{"module without a name", "/usr/bin/python3", "python3", []string{"python3", "-m"}, "python", local.KindPython},
		{"no python", "/usr/bin/pythonic", "pythonic", nil, "pythonic", local.KindOther},
		{"node", "/usr/bin/node", "node", []string{"node", "chat.mjs"}, "node", local.KindNode},
		{"curl", "/usr/bin/curl", "curl", []string{"curl", "http://user:pw@host"}, "curl", local.KindOther},
		{"replaced on disk", "/usr/bin/curl (deleted)", "curl", []string{"curl"}, "curl", local.KindOther},
		{"odd name", "/tmp/a b\nc\u00fc", "x", nil, "a_b_c_", local.KindOther},
		{"long name", "/tmp/" + strings.Repeat("x", 100), "x", nil, strings.Repeat("x", 32), local.KindOther},
		{"name with brackets", "/usr/bin/curl", "a) S 1 (b", nil, "curl", local.KindOther},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			h.run(proto{pid: 7, exe: c.exe, comm: c.comm, argv: c.argv, start: 99, sockets: []uint64{h.open(5000, 1000)}})
			i := found(t, h.finder(), 5000)
			if i.Name != c.wantName || i.Kind != c.kind || i.PID != 7 || i.UID != 1000 || i.Start != 99 {
				t.Errorf("got %+v, want %s, a %s", i, c.wantName, c.kind)
			}
		})
	}
}

// TestTheConnectionDecides: both ends must be the connection's; the kernel
// lists the agent's own end and other clients too.
func TestTheConnectionDecides(t *testing.T) {
	h := newHost(t)
	h.run(proto{pid: 5, exe: "/usr/bin/llmtap", sockets: []uint64{h.connection("tcp", "127.0.0.1:4141", "127.0.0.1:5000", 0, 77)}})
	h.run(proto{pid: 6, exe: "/usr/bin/wget", sockets: []uint64{h.connection("tcp", "127.0.0.1:5000", "127.0.0.1:9999", 0, 78)}})
	h.run(proto{pid: 7, exe: "/usr/bin/curl", sockets: []uint64{h.open(5000, 1)}})
	h.run(proto{pid: 8, exe: "/usr/bin/java", sockets: []uint64{h.connection("tcp6", "[::ffff:127.0.0.1]:5001", "[::ffff:127.0.0.1]:4141", 2, 80)}})
	h.run(proto{pid: 9, exe: "/usr/bin/six", sockets: []uint64{h.connection("tcp6", "[::1]:5002", "[::1]:4141", 3, 81)}})
	h.run(proto{pid: 10, exe: "/usr/bin/own", sockets: []uint64{h.connection("tcp", "10.0.0.7:5003", "10.0.0.7:4141", 4, 82)}})
	f := h.finder()
	for client, want := range map[string]struct {
		server, name string
		uid          int
	}{
		"127.0.0.1:5000":          {"127.0.0.1:4141", "curl", 1},
		"[::ffff:127.0.0.1]:5000": {"[::ffff:127.0.0.1]:4141", "curl", 1}, // as a listener on all addresses names it
		"127.0.0.1:5001":          {"127.0.0.1:4141", "java", 2},
		"[::1]:5002":              {"[::1]:4141", "six", 3},
		"10.0.0.7:5003":           {"10.0.0.7:4141", "own", 4},
	} {
		i, err := lookup(t, f, client, want.server)
		if err != nil || i.Name != want.name || i.UID != want.uid {
			t.Errorf("%s: got %+v, %v, want %s of user %d", client, i, err, want.name, want.uid)
		}
	}
	for client, server := range map[string]string{"10.0.0.8:5000": "10.0.0.7:4141", "192.0.2.1:5000": "127.0.0.1:4141", "127.0.0.1:0": "127.0.0.1:4141"} {
		_, err := lookup(t, f, client, server)
		wants(t, err, local.ErrNotLocal)
	}
	if _, err := f.Start(netip.AddrPort{}, netip.AddrPort{}).Result(); err == nil {
		t.Error("no address is local")
	}
}

func TestWhyAProcessIsNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		make func(h *host)
		edit func(*local.Config)
		want error
	}{
		"never listed":      {make: func(*host) {}, want: local.ErrGone},
		"closed":            {make: func(h *host) { h.connection("tcp", "127.0.0.1:5000", "127.0.0.1:4141", 1000, 0) }, want: local.ErrGone},
		"nobody visible":    {make: func(h *host) { h.open(5000, 1000) }, want: local.ErrNotPermitted},
		"another's process": {make: func(h *host) { h.run(proto{pid: 7, exe: "/x", sockets: []uint64{1}}); h.open(5000, 1000) }, want: local.ErrNotPermitted},
		"no descriptors to see": {make: func(h *host) {
			h.run(proto{pid: 7, exe: "/x", sockets: []uint64{h.open(5000, 1000)}})
			check(h.t, os.RemoveAll(h.proc+"/7/fd"))
			h.put(h.proc+"/7/fd", "")
		}, want: local.ErrNotPermitted},
		"no tables": {make: func(h *host) { check(h.t, os.RemoveAll(h.proc+"/net")); h.put(h.proc+"/net/tcp/x", "") }, want: local.ErrNotPermitted},
		"no process ends well": {make: func(h *host) {
			h.run(proto{pid: 7, exe: "/x", sockets: []uint64{h.open(5000, 1000)}})
			check(h.t, os.Remove(h.proc+"/7/stat"))
		}, want: local.ErrGone},
		"too many processes": {make: func(h *host) {
			for pid := range 20 {
				h.run(proto{pid: 100 + pid, exe: "/x"})
			}
			h.open(5000, 1000)
		}, edit: func(c *local.Config) { c.Processes = 10 }, want: local.ErrBusy},
		"no time": {make: func(h *host) { h.run(proto{pid: 7, exe: "/x", sockets: []uint64{h.open(5000, 1000)}}) },
			edit: func(c *local.Config) { c.Budget = time.Nanosecond }, want: local.ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			c.make(h)
			f := h.finder(func(cfg *local.Config) {
				if c.edit != nil {
					c.edit(cfg)
				}
			})
			i, err := find(t, f, 5000)
			wants(t, err, c.want)
			if i.PID != 0 || i.Name != "" {
				t.Errorf("a process without knowing one: %+v", i)
			}
		})
	}
}

// TestManyDescriptors: ten thousand are within bounds by default, and a bound
// is a bound.
func TestManyDescriptors(t *testing.T) {
	h := newHost(t)
	var many []uint64
	for n := range uint64(10_000) {
		many = append(many, 1_000_000+n)
	}
	h.run(proto{pid: 7, exe: "/usr/bin/wide", sockets: append(many, h.open(5000, 1000))})
	if i := found(t, h.finder(), 5000); i.Name != "wide" {
		t.Errorf("got %+v", i)
	}
	_, err := find(t, h.finder(func(c *local.Config) { c.Descriptors = 500 }), 5000)
	wants(t, err, local.ErrBusy)
}

// TestParentBeforeHeir: children inherit sockets; the one that made the
// connection has the lower number.
func TestParentBeforeHeir(t *testing.T) {
	h := newHost(t)
	inode := h.open(5000, os.Getuid())
	h.run(proto{pid: 1010, exe: "/usr/bin/child", sockets: []uint64{inode}})
	h.run(proto{pid: 900, exe: "/usr/bin/parent", sockets: []uint64{inode}})
	if i := found(t, h.finder(), 5000); i.PID != 900 {
		t.Errorf("got %+v, want the parent", i)
	}
}

// TestNumberUsedAgain: what was found of a process is never said of another
// one with its number, nor of another program in the same process.
func TestNumberUsedAgain(t *testing.T) {
	h := newHost(t)
	f := h.finder()
	h.run(proto{pid: 7, exe: "/usr/bin/curl", start: 10, sockets: []uint64{h.open(5000, 1)}})
	if i := found(t, f, 5000); i.Name != "curl" || i.Start != 10 {
		t.Fatalf("got %+v", i)
	}
	h.ends(7)
	_, err := find(t, f, 5000)
	wants(t, err, local.ErrNotPermitted) // still listed
	h.closes("tcp")
	_, err = find(t, f, 5000)
	wants(t, err, local.ErrGone)
	h.run(proto{pid: 7, exe: "/usr/bin/curl", comm: "other", start: 20, environ: []string{"JUPYTERHUB_USER=bob"}, sockets: []uint64{h.open(5001, 2)}})
	if i := found(t, f, 5001); i.Start != 20 || i.HubUser != "bob" || i.UID != 2 {
		t.Errorf("got the first process's %+v", i)
	}
	h.link(h.proc+"/7/exe", "/usr/bin/wget")
	if i := found(t, f, 5001); i.Name != "wget" {
		t.Errorf("got %+v, want the new program", i)
	}
}

// TestEnvironmentIsAClaim: only the two named keys, only plain values, and
// never instead of the uid.
func TestEnvironmentIsAClaim(t *testing.T) {
	for name, c := range map[string]struct {
		environ      []string
		user, server string
	}{
		"named keys":     {[]string{"A=1", "JUPYTERHUB_USER=ada", "JUPYTERHUB_SERVER_NAME=gpu", "JUPYTERHUB_API_TOKEN=canary"}, "ada", "gpu"},
		"none":           {[]string{"HOME=/root"}, "", ""},
		"similar keys":   {[]string{"XJUPYTERHUB_USER=eve", "JUPYTERHUB_USERS=eve", "jupyterhub_user=eve", "JUPYTERHUB_USER"}, "", ""},
		"in a value":     {[]string{"A=\nJUPYTERHUB_USER=eve", "JUPYTERHUB_USER=ada"}, "ada", ""},
		"first counts":   {[]string{"JUPYTERHUB_USER=ada", "JUPYTERHUB_USER=eve"}, "ada", ""},
		"control":        {[]string{"JUPYTERHUB_USER=ada\x1b[31m"}, "", ""},
		"not UTF-8":      {[]string{"JUPYTERHUB_USER=\xff\xfe"}, "", ""},
		"too long":       {[]string{"JUPYTERHUB_USER=" + strings.Repeat("a", 65)}, "", ""},
		"cut by the cap": {[]string{"PAD=" + strings.Repeat("x", 256<<10-len("PAD=")-1-len("JUPYTERHUB_USER=a")), "JUPYTERHUB_USER=ada"}, "", ""},
		"beyond the cap": {[]string{"PAD=" + strings.Repeat("x", 300<<10), "JUPYTERHUB_USER=ada"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.run(proto{pid: 7, exe: "/usr/bin/curl", environ: c.environ, sockets: []uint64{h.open(5000, 1003)}})
			i := found(t, h.finder(), 5000)
			if i.HubUser != c.user || i.HubServer != c.server || i.UID != 1003 {
				t.Errorf("got user %q, server %q, uid %d, want %q, %q, 1003", i.HubUser, i.HubServer, i.UID, c.user, c.server)
			}
			if strings.Contains(fmt.Sprintf("%+v", i), "canary") {
				t.Error("a secret of the environment was kept")
			}
		})
	}
}

// TestAnotherUsersProcess asks as a user who may not look at us.
func TestAnotherUsersProcess(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	client, server := accept(t, "127.0.0.1:0", self(t))
	copied := filepath.Join(t.TempDir(), "asks")
	b, err := os.ReadFile("/proc/self/exe")
	check(t, err)
	check(t, os.WriteFile(copied, b, 0o755))
	for dir := filepath.Dir(copied); dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		check(t, os.Chmod(dir, 0o755))
	}
	cmd := exec.Command(copied, "-test.run=^TestAsks$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = []string{"ASK_CLIENT=" + client.String(), "ASK_SERVER=" + server.String()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "reason: not_permitted") {
		t.Errorf("got %v:\n%s", err, out)
	}
}

// TestAsks is the other user of TestAnotherUsersProcess.
func TestAsks(t *testing.T) {
	client := os.Getenv("ASK_CLIENT")
	if client == "" {
		t.Skip("run by TestAnotherUsersProcess")
	}
	i, err := lookup(t, real(t), client, os.Getenv("ASK_SERVER"))
	t.Logf("reason: %s %+v", local.Reason(err), i)
}

// stuck makes the worker hang where no budget reaches it; free lets it go on.
func (h *host) stuck() (free func()) {
	h.t.Helper()
	fifo := h.proc + "/net/tcp"
	check(h.t, os.Remove(fifo))
	check(h.t, syscall.Mkfifo(fifo, 0o600))
	return func() {
		w, err := os.OpenFile(fifo, os.O_RDWR, 0)
		check(h.t, err)
		check(h.t, os.Rename(fifo, fifo+".old"))
		check(h.t, w.Close())
	}
}

// TestQueueIsBounded: those that find no place are told at once, the others
// are answered by one search.
func TestQueueIsBounded(t *testing.T) {
	h := newHost(t)
	h.run(proto{pid: 7, exe: "/usr/bin/six", sockets: []uint64{h.connection("tcp6", "[::1]:5000", "[::1]:4141", 1, 80)}})
	free := h.stuck()
	f := h.finder(func(c *local.Config) { c.Queue = 4 })
	client, server := netip.MustParseAddrPort("[::1]:5000"), netip.MustParseAddrPort("[::1]:4141")
	var waiting []*local.Search
	refused := 0
	for range 100 {
		s := f.Start(client, server)
		if _, err := s.Result(); local.Reason(err) == "busy" {
			refused++
		} else {
			wants(t, err, local.ErrPending)
			waiting = append(waiting, s)
		}
	}
	if len(waiting) < 4 || len(waiting) > 9 || refused != 100-len(waiting) {
		t.Errorf("%d wait and %d were refused, want 4 in the queue and those under way", len(waiting), refused)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Lookup(ctx, client, server); err == nil {
		t.Error("a lookup without a context's blessing succeeded")
	}
	free()
	for _, s := range waiting {
		eventually(t, func() bool { _, err := s.Result(); return local.Reason(err) != "pending" })
		if i, err := s.Result(); err != nil || i.PID != 7 {
			t.Errorf("got %+v, %v", i, err)
		}
	}
}

// eventually polls until ok holds.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatal("it never came true")
}

// TestClose: twice, without a search, with one that hangs; then nobody is
// answered with more than busy.
func TestClose(t *testing.T) {
	h := newHost(t)
	f := local.New(local.Config{Proc: h.proc})
	check(t, f.Close())
	check(t, f.Close())
	_, err := find(t, f, 5000)
	wants(t, err, local.ErrBusy)

	free := h.stuck()
	f = local.New(local.Config{Proc: h.proc, Budget: 10 * time.Millisecond})
	s := f.Start(netip.MustParseAddrPort("127.0.0.1:5000"), netip.MustParseAddrPort("127.0.0.1:4141"))
	if err := f.Close(); err == nil {
		// The worker may have seen the end before the search.
		if _, err := s.Result(); local.Reason(err) != "busy" {
			t.Errorf("closed without an error while a search hung: %v", err)
		}
		return
	}
	free()
	check(t, f.Close())
}

// TestManyAtOnce: concurrent lookups, one search answers many; for the race
// detector too.
func TestManyAtOnce(t *testing.T) {
	h := newHost(t)
	const n = 50
	for i := range n {
		h.run(proto{pid: 100 + i, exe: fmt.Sprintf("/usr/bin/p%d", i), start: uint64(i), sockets: []uint64{h.open(5000+i, i)}})
	}
	f := h.finder()
	errs := make(chan error, n)
	for i := range n {
		go func() {
			got, err := find(t, f, 5000+i)
			if err == nil && (got.PID != 100+i || got.UID != i) {
				err = fmt.Errorf("port %d: got %+v", 5000+i, got)
			}
			errs <- err
		}()
	}
	for range n {
		check(t, <-errs)
	}
}

func FuzzSocketTable(f *testing.F) {
	f.Add([]byte("  sl  local_address\n   0: 0100007F:1388 0100007F:102D 01 0:0 0:0 0 1000 0 42 1 0"))
	f.Add([]byte("0: " + address("127.0.0.1:5000") + " " + address("127.0.0.1:4141") + " 01 a b c 7 e 9"))
	f.Add([]byte(": : :\n\x00"))
	c, s := netip.MustParseAddrPort("127.0.0.1:5000"), netip.MustParseAddrPort("127.0.0.1:4141")
	f.Fuzz(func(t *testing.T, text []byte) {
		if inode, _, ok := local.ScanTable(text, c, s); ok && inode == 0 {
			t.Error("a socket that nobody holds was found")
		}
	})
}

func FuzzStat(f *testing.F) {
	f.Add([]byte("7 (python) S 1 1 1 0 -1 4194304 9 9 9 9 9 9 9 9 20 0 1 0 99 9 9"))
	f.Add([]byte("7 (a) S 1 (b) S 1 1 1 0 -1 4194304 9 9 9 9 9 9 9 9 20 0 1 0 99 9 9"))
	f.Add([]byte(")("))
	f.Fuzz(func(t *testing.T, b []byte) {
		if comm, start, err := local.ParseStat(b); err != nil && (comm != "" || start != 0) {
			t.Errorf("%q, %d beside %v", comm, start, err)
		}
	})
}

func FuzzDiagAnswer(f *testing.F) {
	f.Add([]byte{}, uint16(4141))
	f.Add(append(make([]byte, 4), 2, 0), uint16(4141))
	whole := make([]byte, 16+72)
	whole[4], whole[16+6], whole[16+7], whole[16+64], whole[16+68] = 20, 0x10, 0x2d, 7, 9
	f.Add(whole, uint16(4141))
	f.Fuzz(func(t *testing.T, b []byte, server uint16) {
		inode, _, ok, err := local.DiagAnswer(b, server)
		if ok && (inode == 0 || err != nil) {
			t.Errorf("found inode %d beside %v", inode, err)
		}
	})
}
