//go:build linux

package local_test

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/client/local"
)

// accept listens on addr and returns the ends of the next connection, as the
// server's socket names them, from a client that dial opens.
func accept(t testing.TB, addr string, dial func(addr string)) (client, server netip.AddrPort) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skipf("cannot listen on %s: %v", addr, err)
	}
	t.Cleanup(func() { _ = l.Close() })
	dial(l.Addr().String())
	c, err := l.Accept()
	check(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c.RemoteAddr().(*net.TCPAddr).AddrPort(), c.LocalAddr().(*net.TCPAddr).AddrPort()
}

// self dials from this process.
func self(t testing.TB) func(string) {
	return func(addr string) {
		c, err := net.Dial("tcp", addr)
		check(t, err)
		t.Cleanup(func() { _ = c.Close() })
	}
}

func real(t testing.TB, proc ...string) *local.Finder {
	t.Helper()
	c := local.Config{Budget: limit}
	if len(proc) > 0 {
		c.Proc = proc[0]
	}
	f := local.New(c)
	t.Cleanup(func() { check(t, f.Close()) })
	return f
}

// TestFindsItself: the kernel's own tables, over IPv4, IPv6 and an IPv6 socket
// that speaks IPv4.
func TestFindsItself(t *testing.T) {
	t.Run("asked", func(t *testing.T) { findsItself(t, real(t)) })
	t.Run("by the tables", func(t *testing.T) { findsItself(t, real(t, "/proc/")) })
}

func findsItself(t *testing.T, f *local.Finder) {
	t.Helper()
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			client, server := accept(t, addr, self(t))
			i, err := f.Lookup(t.Context(), client, server)
			check(t, err)
			if i.PID != os.Getpid() || i.UID != os.Getuid() || i.Kind != local.KindOther || i.Start == 0 {
				t.Errorf("got %+v, want pid %d and uid %d", i, os.Getpid(), os.Getuid())
			}
			if want := filepath.Base(os.Args[0]); i.Name != want[:min(len(want), 32)] {
				t.Errorf("name %q, want %q", i.Name, want)
			}
		})
	}
	t.Run("never connected", func(t *testing.T) {
		_, listener := accept(t, "127.0.0.1:0", self(t))
		// The kernel offers the listener of a port that no connection has.
		_, err := f.Lookup(t.Context(), listener, netip.AddrPortFrom(listener.Addr(), 1))
		wants(t, err, local.ErrGone)
	})
	t.Run("closed", func(t *testing.T) {
		client, server := accept(t, "127.0.0.1:0", func(addr string) {
			c, err := net.Dial("tcp", addr)
			check(t, err)
			check(t, c.Close())
		})
		_, err := f.Lookup(t.Context(), client, server)
		wants(t, err, local.ErrGone)
	})
}

// python is a client in Python that opens a connection and waits for its end.
const python = `
import socket, sys
family = socket.AF_INET6 if len(sys.argv) > 2 else socket.AF_INET
s = socket.socket(family)
host, port = sys.argv[1].rsplit(":", 1)
s.connect((("::ffff:" if len(sys.argv) > 2 else "") + host, int(port)))
print("connected", flush=True)
s.recv(1)
`

// TestFindsAPythonAndItsPackages runs a real interpreter in a virtual
// environment: its executable is the base's, its packages are not.
func TestFindsAPythonAndItsPackages(t *testing.T) {
	base, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Skipf("no python3: %v", err)
	}
	prefix := filepath.Join(t.TempDir(), "venv")
	interpreter := strings.TrimSpace(string(base))
	made := exec.Command(interpreter, "-m", "venv", "--without-pip", prefix)
	made.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir()}
	if out, err := made.CombinedOutput(); err != nil {
		t.Skipf("no venv: %v %s", err, out)
	}
	sites, err := filepath.Glob(prefix + "/lib/python3*/site-packages")
	if err != nil || len(sites) != 1 {
		t.Fatalf("site-packages: %v %v", sites, err)
	}
	for _, stem := range []string{"jupyter_ai-2.31.7", "langchain_openai-0.3.35", "left_pad-1.0"} {
		check(t, os.Mkdir(filepath.Join(sites[0], stem+".dist-info"), 0o755))
	}
	script := filepath.Join(prefix, "bin", "jupyter-lab")
	check(t, os.WriteFile(script, []byte(python), 0o600))
	asked, read := real(t), real(t, "/proc/")
	for name, args := range map[string][]string{"IPv4": nil, "IPv4 in an IPv6 socket": {"mapped"}} {
		t.Run(name, func(t *testing.T) {
			var pid int
			client, server := accept(t, "127.0.0.1:0", func(addr string) {
				cmd := exec.Command(prefix+"/bin/python", append([]string{"-X", "utf8", script, addr}, args...)...)
				cmd.Env = []string{"JUPYTERHUB_USER=ada", "JUPYTERHUB_API_TOKEN=canary"}
				out, err := cmd.StdoutPipe()
				check(t, err)
				check(t, cmd.Start())
				t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
				pid = cmd.Process.Pid
				if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
					t.Fatalf("python said %q, %v", line, err)
				}
			})
			i, err := asked.Lookup(t.Context(), client, server)
			check(t, err)
			if j, err := read.Lookup(t.Context(), client, server); err != nil || !reflect.DeepEqual(i, j) {
				t.Errorf("the kernel says %+v, its tables %+v, %v", i, j, err)
			}
			if i.PID != pid || i.Name != "jupyter-lab" || i.Kind != local.KindServer || i.HubUser != "ada" {
				t.Errorf("got %+v, want pid %d, a jupyter-lab of ada", i, pid)
			}
			if got, want := versions(i), "jupyter-ai 2.31.7, langchain-openai 0.3.35"; got != want {
				t.Errorf("packages %q, want %q", got, want)
			}
			if text := fmt.Sprintf("%+v", i); strings.Contains(text, "canary") {
				t.Errorf("a secret of the environment: %s", text)
			}
		})
	}
}

// BenchmarkLookup measures one search among the processes of this machine:
// for a process that called before, and for one that is new.
func BenchmarkLookup(b *testing.B) {
	client, server := accept(b, "127.0.0.1:0", self(b))
	b.Run("known", func(b *testing.B) {
		s := local.NewSearcher(local.Config{Budget: limit})
		defer s.Close()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Search(client, server); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s := local.NewSearcher(local.Config{Budget: limit})
			if _, err := s.Search(client, server); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
	})
	b.Run("by the tables", func(b *testing.B) {
		s := local.NewSearcher(local.Config{Proc: "/proc/", Budget: limit})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Search(client, server); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// usage is the CPU time that this process has used.
func usage(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	check(t, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// TestSearchingRests: after a search the worker rests four times as long as it
// worked, so that a flood of connections costs at most a fifth of a core.
func TestSearchingRests(t *testing.T) {
	client, server := accept(t, "127.0.0.1:0", self(t))
	f := real(t)
	began, cpu := time.Now(), usage(t)
	for time.Since(began) < 300*time.Millisecond {
		if _, err := f.Lookup(t.Context(), client, server); err != nil {
			t.Fatal(err)
		}
	}
	if share := float64(usage(t)-cpu) / float64(time.Since(began)); share > 0.5 {
		t.Errorf("searching took %.0f %% of a core", 100*share)
	}
}
