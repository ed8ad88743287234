//go:build linux

package capture_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmtap/capture"
	"llmtap/internal/call"
	"llmtap/internal/client/local"
)

// asking makes the rig look for the processes of its clients.
func asking(t *testing.T, f *local.Finder, begun chan<- *local.Search) func(*capture.Config) {
	t.Helper()
	return func(c *capture.Config) {
		c.Hooks.Process = func(client, server netip.AddrPort) *local.Search {
			s := f.Start(client, server)
			begun <- s
			return s
		}
	}
}

func finder(t *testing.T) *local.Finder {
	t.Helper()
	f := local.New(local.Config{Budget: limit})
	t.Cleanup(func() { check(t, f.Close()) })
	return f
}

// over waits until the next search has begun and has its answer.
func over(t *testing.T, begun <-chan *local.Search) {
	t.Helper()
	var s *local.Search
	select {
	case s = <-begun:
	case <-time.After(limit):
		t.Fatal("no search began")
	}
	eventually(t, "the search is over", func() bool { _, err := s.Result(); return local.Reason(err) != "pending" })
}

// TestRecordNamesTheProcess: on every way, begun once per connection, however
// many calls it carries.
func TestRecordNamesTheProcess(t *testing.T) {
	begun := make(chan *local.Search, 16)
	r := newRig(t, asking(t, finder(t), begun))
	r.route("svc", "https://"+first(r.faults("http/1.1")))
	secure := first(r.faults("http/1.1"))
	clear := first(r.faults())
	r.start()
	for _, way := range []struct{ name, url string }{
		{"relay", "https://" + secure}, {"plain", "http://" + clear}, {"base-URL", "http://" + r.routes + "/svc"},
	} {
		t.Run(way.name, func(t *testing.T) {
			c := r.clientOf(way.name)
			for n := range 3 {
				resp, err := c.Post(way.url+chatPath, "application/json", strings.NewReader(plainBody))
				check(t, err)
				_, err = io.Copy(io.Discard, resp.Body)
				check(t, errors.Join(err, resp.Body.Close()))
				got := r.next().Client.Process
				if n == 0 {
					over(t, begun)
					continue // its record may have come before the answer
				}
				if want := filepath.Base(os.Args[0]); got.PID != os.Getpid() || !strings.HasPrefix(want, got.Name) || got.Name == "" || got.Reason != "" {
					t.Errorf("call %d: process %+v, want %d %s", n, got, os.Getpid(), want)
				}
			}
			if len(begun) != 0 {
				t.Errorf("%d searches beyond the connection's own", len(begun))
			}
		})
	}
}

func first(addr string, _ any) string { return addr }

// TestRecordSaysWhyNot: a search that is not over, or found nothing, is no
// reason to wait and none to guess.
func TestRecordSaysWhyNot(t *testing.T) {
	gone := finder(t)
	check(t, gone.Close())
	for name, c := range map[string]struct {
		hook func(client, server netip.AddrPort) *local.Search
		want call.Process
	}{
		"nobody asks":   {nil, call.Process{}},
		"no search":     {func(_, _ netip.AddrPort) *local.Search { return nil }, call.Process{}},
		"not over":      {func(_, _ netip.AddrPort) *local.Search { return new(local.Search) }, call.Process{Reason: "pending"}},
		"refused":       {gone.Start, call.Process{Reason: "busy"}},
		"far away":      {func(_, s netip.AddrPort) *local.Search { return gone.Start(netip.MustParseAddrPort("192.0.2.1:1"), s) }, call.Process{}},
		"never reached": {gone.Start, call.Process{Reason: "busy"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(cfg *capture.Config) { cfg.Hooks.Process = c.hook })
			target := net.JoinHostPort(host, "1") // nothing listens there
			if name != "never reached" {
				target, _ = r.faults("http/1.1")
			}
			resp, err := r.client().Post("https://"+target+chatPath, "application/json", strings.NewReader(plainBody))
			if err == nil {
				check(t, resp.Body.Close())
			}
			if got := r.next().Client.Process; got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// jupyter is a client that speaks through the proxy as LangChain's SDK would,
// on one connection for as many calls as it is told.
const jupyter = `
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
s = socket.create_connection((host, int(port)))
answers = s.makefile("rb")
for line in sys.stdin:
    s.sendall(bytes.fromhex(line.strip()))
    head = list(iter(answers.readline, b"\r\n"))
    answers.read(sum(int(h.split(b":")[1]) for h in head if h.lower().startswith(b"content-length:")))
    print(head[0].decode().strip(), flush=True)
`

// TestVersionComesFromTheProcess: a Python in a virtual environment with
// LangChain, whose version its requests do not show.
func TestVersionComesFromTheProcess(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "venv")
	made := exec.Command("python3", "-m", "venv", "--without-pip", prefix)
	made.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if out, err := made.CombinedOutput(); err != nil {
		t.Skipf("no python3 with venv: %v %s", err, out)
	}
	sites, err := filepath.Glob(prefix + "/lib/python3*/site-packages")
	check(t, err)
	check(t, os.Mkdir(filepath.Join(sites[0], "langchain_openai-0.3.35.dist-info"), 0o755))

	begun := make(chan *local.Search, 16)
	r := newRig(t, asking(t, finder(t), begun))
	clear := first(r.faults())
	r.start()
	cmd := exec.Command(prefix+"/bin/python", "-c", jupyter, r.addr)
	cmd.Env = []string{"LANG=C"}
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	lines := bufio.NewReader(out)
	send := func(agent string) call.Record {
		t.Helper()
		_, err := fmt.Fprintf(in, "%x\n", strings.Replace(post("http://"+clear+chatPath, plainBody, "User-Agent: "+agent), "Host: "+host, "Host: "+clear, 1))
		check(t, err)
		if line, err := lines.ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\n" {
			t.Fatalf("python got %q, %v", line, err)
		}
		return r.next()
	}
	send("langchain-partner-python-azure-openai") // begins the search
	over(t, begun)
	for agent, want := range map[string][2]string{
		"langchain-partner-python-azure-openai": {"langchain", "0.3.35"},
		"langchain-anthropic/1.7.7":             {"langchain", "1.7.7"},
		"curl/8.1.0":                            {"curl", "8.1.0"},
	} {
		c := send(agent).Client
		if c.Name != want[0] || c.Version != want[1] {
			t.Errorf("%s: got %s %s, want %s %s", agent, c.Name, c.Version, want[0], want[1])
		}
		if c.Process != (call.Process{PID: cmd.Process.Pid, Name: "python"}) {
			t.Errorf("%s: process %+v, want python %d", agent, c.Process, cmd.Process.Pid)
		}
	}
}
