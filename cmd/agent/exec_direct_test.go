package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestExecNoticesADirectCall: a child of the command, called like a runtime,
// holds a connection to the service past the proxy.
func TestExecNoticesADirectCall(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	service, _ := faultService(t)
	for _, tc := range []struct{ program, kind, why, remedy string }{
		{"node", "node", "Node before 22.21", "llmtap exec --base-url -- CMD"},
		{"python3.11", "python", "aiohttp", "llmtap exec --base-url -- CMD"},
		{"chat", "other", "addresses of this machine", "llmtap exec --base-url -- CMD"},
	} {
		t.Run(tc.program, func(t *testing.T) {
			dir := shortDir(t)
			exe, sum := filepath.Join(dir, tc.program), filepath.Join(dir, "seen.json")
			if err := os.Link(os.Args[0], exe); err != nil {
				t.Skip("no hard link:", err)
			}
			stdin, hold := io.Pipe()
			defer func() { _ = hold.Close() }()
			var stdout, stderr buffer
			ended := make(chan int, 1)
			go func() {
				v := vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "direct"}
				ended <- run(t.Context(), func() {}, []string{"exec", "--state-dir", filepath.Join(dir, "state"), "--summary", sum, "--", "sh", "-c", exe + "; true"},
					environmentOf(v, stdin, &stdout, &stderr))
			}()
			eventually(t, "a line while it happens", func() bool {
				return strings.Contains(stderr.String(), "connects to an address of localhost past llmtap")
			})
			_ = hold.Close()
			if code := <-ended; code != exitOK {
				t.Fatalf("status %d: %s", code, stderr.String())
			}
			text := strings.Join(strings.Fields(stderr.String()), " ")
			for _, want := range []string{"llmtap saw 0 LLM calls", tc.program + " (pid ", ", an address of localhost, past llmtap", tc.why, tc.remedy} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing: %s", want, stderr.String())
				}
			}
			if strings.Contains(text, "failed before it called") || strings.Contains(text, "more: ") || strings.Count(text, "past llmtap; such") != 1 {
				t.Errorf("it contradicts or repeats itself: %s", stderr.String())
			}
			b, err := os.ReadFile(sum)
			var m summary
			if err != nil || json.Unmarshal(b, &m) != nil || len(m.Direct) != 1 {
				t.Fatalf("%v: %s", err, b)
			}
			d := m.Direct[0]
			if d.Process != tc.program || d.Runtime != tc.kind || d.Host != "localhost" || d.PID == 0 || d.Since.IsZero() || d.Text == "" || d.Remedy == "" {
				t.Errorf("got %+v", d)
			}
		})
	}
}

// TestExecNoticesNothingOfProxiedCalls: who heeds the proxy is not accused.
func TestExecNoticesNothingOfProxiedCalls(t *testing.T) {
	service, upstreamCA := faultService(t)
	sum := filepath.Join(shortDir(t), "seen.json")
	r := llmtap(t, vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "client"},
		"exec", "--state-dir", shortDir(t), "--upstream-ca", upstreamCA, "--summary", sum, "--", os.Args[0], "plain", "plain", "plain")
	r.wants(t, exitOK, "saw 3 LLM calls")
	b, err := os.ReadFile(sum)
	if err != nil || !strings.Contains(string(b), `"direct": []`) || strings.Contains(r.stderr, "past llmtap") {
		t.Errorf("%v: %s\n%s", err, b, r.stderr)
	}
}

// asked is a resolver that knows one name and counts.
type asked struct {
	names []string
	ips   []netip.Addr
}

func (a *asked) bookFor(found []endpoint) *hostBook {
	turn := make(chan struct{}, 1) // one at a time
	return newHostBook(found, func(_ context.Context, _, host string) ([]netip.Addr, error) {
		turn <- struct{}{}
		defer func() { <-turn }()
		a.names = append(a.names, host)
		if host != "api.anthropic.com" {
			return nil, errors.New("no such name")
		}
		return a.ips, nil
	})
}

// TestHostBookAsksLittle: names of public services are looked up only for a
// public address on a port of theirs, and not again for a while.
func TestHostBookAsksLittle(t *testing.T) {
	a := &asked{ips: []netip.Addr{netip.MustParseAddr("160.79.104.10"), netip.MustParseAddr("::ffff:160.79.104.11")}}
	found := endpoints(func(n string) string {
		return map[string]string{"OPENAI_BASE_URL": "http://10.0.0.7:8000/v1", "AZURE_OPENAI_ENDPOINT": "https://x.example.org"}[n]
	})
	b := a.bookFor(found)
	now := noon
	look := func(addr string) (string, bool) { return b.host(netip.MustParseAddrPort(addr), now) }
	for _, local := range []string{"127.0.0.1:443", "10.1.1.1:443", "[fe80::1]:443", "[fd00::1]:443"} {
		if h, ok := look(local); ok || strings.Join(a.names, " ") != "x.example.org" {
			t.Fatalf("%s: %q, asked %v", local, h, a.names)
		}
	}
	if h, ok := look("10.0.0.7:8000"); !ok || h != "10.0.0.7" {
		t.Errorf("the address in the variable: %q", h)
	}
	if h, ok := look("127.0.0.1:11434"); !ok || h != "127.0.0.1" {
		t.Errorf("Ollama here: %q", h)
	}
	if h, ok := look("160.79.104.11:443"); !ok || h != "api.anthropic.com" {
		t.Errorf("got %q", h)
	}
	first := len(a.names)
	if first < 5 || first > 16 || !strings.Contains(strings.Join(a.names, " "), "x.example.org") {
		t.Errorf("asked %v", a.names)
	}
	for range 10 {
		if _, ok := look("1.1.1.1:443"); ok {
			t.Error("a foreign address is known")
		}
	}
	if len(a.names) != first {
		t.Errorf("asked again: %d, then %d", first, len(a.names))
	}
	now = now.Add(askAgain)
	look("1.1.1.1:443")
	if len(a.names) != 2*first {
		t.Errorf("asked %d, later %d", first, len(a.names))
	}
	for port, want := range map[uint16]bool{443: true, 8000: true, 11434: true, 5432: false, 22: false} {
		if got := b.wanted(netip.AddrPortFrom(a.ips[0], port)); got != want {
			t.Errorf("port %d wanted: %v", port, got)
		}
	}
}

// TestHostBookBoundsAnswers: a name with very many addresses fills nothing.
func TestHostBookBoundsAnswers(t *testing.T) {
	a := &asked{}
	for i := range 1000 {
		a.ips = append(a.ips, netip.AddrFrom4([4]byte{9, 9, byte(i >> 8), byte(i)}))
	}
	b := a.bookFor(nil)
	b.ask(b.public)
	if len(b.known) > maxAddresses+4 {
		t.Errorf("%d addresses kept", len(b.known))
	}
}

// TestDirectIsBounded: very many processes fill neither summary nor terminal.
func TestDirectIsBounded(t *testing.T) {
	var notice buffer
	w := &directWatch{notice: &notice, judge: func(c connection, host string) directCall {
		return (&execCmd{}).judgeDirect(c, host, "")
	}}
	if got := w.end(); got == nil || len(got) != 0 {
		t.Errorf("never started: %v", got)
	}
	for i := range 100 {
		for range 3 {
			w.note(connection{pid: i, process: "no\x1b[31mde", remote: netip.MustParseAddrPort("1.2.3.4:443")}, "llm.example", noon)
		}
	}
	m := summary{Direct: w.end()}
	if len(m.Direct) != maxDirect || m.Direct[maxDirect-1].PID != maxDirect-1 || strings.Count(notice.String(), "\n") != 1 {
		t.Errorf("%d kept, said: %s", len(m.Direct), notice.String())
	}
	var out buffer
	if err := m.print(&out, palette{}, ""); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "past llmtap"); n != maxAdvice || strings.Count(out.String(), "→") != 1 || columns(out.String()) > 100 {
		t.Errorf("%d said:\n%s", n, out.String())
	}
	unescaped(t, out.String()+notice.String())
}

func TestJudgeDirect(t *testing.T) {
	for name, tc := range map[string]struct {
		program, addr, host, noProxy string
		baseURL                      bool
		want                         string
	}{
		"node":          {"node", "1.2.3.4:443", "api.openai.com", "localhost", false, "node: Node before 22.21 | llmtap exec --base-url -- CMD"},
		"python":        {"python3", "1.2.3.4:443", "api.openai.com", "", false, "python: a bare aiohttp | llmtap exec --base-url -- CMD"},
		"other":         {"java", "1.2.3.4:443", "api.openai.com", "", false, "other: this program does not heed | llmtap exec --base-url -- CMD"},
		"exempt":        {"node", "1.2.3.4:443", "api.openai.com", "corp.example,.openai.com", false, "node: NO_PROXY exempts it | Take it out of NO_PROXY"},
		"exempt, here":  {"python3", "127.0.0.1:11434", "127.0.0.1", "localhost,127.0.0.1", false, "python: NO_PROXY exempts it | llmtap exec --base-url -- CMD"},
		"with base URL": {"node", "1.2.3.4:443", "api.openai.com", "", true, "node: Node before 22.21 | llmtap run --route NAME=URL"},
	} {
		c := &execCmd{BaseURL: tc.baseURL}
		d := c.judgeDirect(connection{pid: 7, process: tc.program, remote: netip.MustParseAddrPort(tc.addr)}, tc.host, tc.noProxy)
		kind, rest, _ := strings.Cut(tc.want, ": ")
		why, remedy, _ := strings.Cut(rest, " | ")
		if d.Runtime != kind || !strings.Contains(d.Text, ": "+why) || !strings.Contains(d.Remedy, remedy) {
			t.Errorf("%s: got %+v", name, d)
		}
		start := fmt.Sprintf("%s (pid 7) connected to %s, an address of %s, past", tc.program, tc.addr, tc.host)
		if strings.HasPrefix(tc.addr, tc.host) {
			start = fmt.Sprintf("%s (pid 7) connected to %s past", tc.program, tc.addr)
		}
		if !strings.HasPrefix(d.Text, start) {
			t.Errorf("%s: %q", name, d.Text)
		}
	}
}

func TestRuntimeOf(t *testing.T) {
	for program, want := range map[string]string{
		"node": "node", "nodejs": "node", "electron": "node", "python3.11": "python", "Python": "python", "pypy3": "python",
		"bun": "", "node_exporter": "", "java": "", "": "",
	} {
		if got := runtimeOf(program); got != want {
			t.Errorf("%q: got %q, want %q", program, got, want)
		}
	}
}
