//go:build e2e

package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/call"
)

// peerStream is a stream in progress whose first events have arrived.
type peerStream struct {
	resp  *http.Response
	lines *bufio.Reader
}

// peerBegin opens a stream of that many events, 100 ms apart, and reads the first.
func peerBegin(t testing.TB, c *http.Client, up *peerService, chunks, read int) *peerStream {
	t.Helper()
	u := fmt.Sprintf("%s&interval=100ms&chunks=%d", peerDeployment(up.base(), "gpt-4o"), chunks)
	resp := peerOpen(t, c, peerCall{u, `{` + peerMessages + `,"stream":true}`, peerFramework(0)})
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("stream answered %s", resp.Status)
	}
	s := &peerStream{resp: resp, lines: bufio.NewReader(resp.Body)}
	for range 2 * read {
		if _, err := s.lines.ReadString('\n'); err != nil {
			t.Fatalf("begin of the stream: %v", err)
		}
	}
	return s
}

// rest reads to the end.
func (s *peerStream) rest() (string, error) {
	b, err := io.ReadAll(s.lines)
	return string(b), err
}

// peerIdle is a connection to the service through the agent with nothing in
// flight; with used, after one call.
func peerIdle(t testing.TB, a *peerAgent, up *peerService, used bool) net.Conn {
	t.Helper()
	raw, err := peerConnect(a.info.Proxy, up.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	tr, _ := a.client(false).Transport.(*http.Transport)
	conf := tr.TLSClientConfig.Clone()
	conf.ServerName = "localhost"
	c := tls.Client(raw, conf)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if !used {
		return c
	}
	if _, err := io.WriteString(c, "GET /scenarios HTTP/1.1\r\nHost: "+up.addr()+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSIGKILL: a call that was live when the agent was killed is an
// interrupted one after the restart; finished ones are what they were.
func TestSIGKILL(t *testing.T) {
	t.Parallel()
	up := peerUpstream(t)
	a := peerStart(t, peerSetup{up: up})
	peerSend(t, a.client(false), peerCall{peerDeployment(up.base(), "gpt-4o"), `{` + peerMessages + `}`, nil})
	finished := a.records(1)[0].Identity.ID
	s := peerBegin(t, a.client(false), up, 600, 12) // 1.2 s: several times what a batch waits
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	a.exit(t, 5*time.Second)
	if rest, err := s.rest(); err == nil {
		t.Errorf("the client got an orderly end of a killed stream: %q", rest[max(0, len(rest)-100):])
	}
	if _, err := os.Stat(filepath.Join(a.dir, "run.json")); err != nil {
		t.Errorf("run.json of the killed agent: %v (the next line of this test needs it there)", err)
	}
	t.Run("before the restart", func(t *testing.T) { peerInterrupted(t, a, finished) })
	b := peerStart(t, peerSetup{up: up, dir: a.dir})
	t.Run("after the restart", func(t *testing.T) { peerInterrupted(t, b, finished) })
	if !strings.Contains(b.peerProcess.err.String(), "a call was live when the agent was killed") {
		t.Errorf("the restart says nothing of the interrupted call:\n%s", b.peerProcess.err.String())
	}
	b.end()
	t.Run("after an orderly end", func(t *testing.T) { peerInterrupted(t, b, finished) })
}

func peerInterrupted(t *testing.T, a *peerAgent, finished string) {
	t.Helper()
	code, out, errs := a.llmtap("calls", "--json")
	list := peerStored(t, out)
	if code != 0 || len(list) != 2 || list[1].Identity.ID != finished {
		t.Fatalf("calls --json: exit %d, %d calls, want the interrupted one before %s\n%s%s", code, len(list), finished, out, errs)
	}
	r := list[0]
	if r.End.Side != call.SideAgent || r.Diagnosis.Class != call.ClassAgentInduced || r.Diagnosis.Reason != "crash" || r.Outcome() != call.OutcomeError {
		t.Errorf("end %+v, diagnosis %+v, want side agent, class agent_induced, reason crash", r.End, r.Diagnosis)
	}
	if r.Target.Model != "gpt-4o" || r.Request.Mode != call.ModeStream || r.Client.Name != "langchain" {
		t.Errorf("what was known of it: model %q mode %s client %q", r.Target.Model, r.Request.Mode, r.Client.Name)
	}
	if o := list[1]; o.Outcome() != call.OutcomeOK || o.Diagnosis.Class != call.ClassOK {
		t.Errorf("the finished call is now %s %s", o.Outcome(), o.Diagnosis.Class)
	}
	code, out, errs = a.llmtap("show", r.Identity.ID)
	if code != 0 || !strings.Contains(out, "crash") || !strings.Contains(out, "killed") {
		t.Errorf("show: exit %d\n%s%s", code, out, errs)
	}
}

// TestSIGTERM: idle connections end at once, a live stream in its own time,
// and nothing is left behind.
func TestSIGTERM(t *testing.T) {
	t.Parallel()
	up := peerUpstream(t)
	a := peerStart(t, peerSetup{up: up})
	idle := map[string]net.Conn{"fresh": peerIdle(t, a, up, false), "used": peerIdle(t, a, up, true)}
	h2 := a.client(true)
	peerSend(t, h2, peerCall{peerDeployment(up.base(), "gpt-4o"), `{` + peerMessages + `}`, nil})
	streams := []*peerStream{peerBegin(t, a.client(false), up, 30, 3), peerBegin(t, h2, up, 30, 3)}

	sent := time.Now()
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for name, c := range idle {
		if err := c.SetReadDeadline(sent.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("%s idle connection: %d bytes, %v after %s, want EOF within a second", name, n, err, time.Since(sent))
		}
	}
	peerUntil(t, 2*time.Second, func() string {
		if c, err := peerConnect(a.info.Proxy, up.addr()); err == nil {
			_ = c.Close()
			return "a draining agent takes new connections"
		}
		return ""
	})
	if status, _ := a.get("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz says %d while draining, want 503", status)
	}
	for i, s := range streams {
		if rest, err := s.rest(); err != nil || !strings.HasSuffix(rest, "data: [DONE]\n\n") {
			t.Errorf("live stream %d: %v, ends in %q", i, err, rest[max(0, len(rest)-100):])
		}
	}
	if code := a.exit(t, 3*time.Second); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
	if _, err := os.Stat(filepath.Join(a.dir, "run.json")); !os.IsNotExist(err) {
		t.Errorf("run.json is left: %v", err)
	}
	_, out, _ := a.llmtap("calls", "--json")
	list := peerStored(t, out)
	if len(list) != 3 {
		t.Errorf("%d calls kept, want 3", len(list))
	}
	for _, r := range list {
		if r.Outcome() != call.OutcomeOK {
			t.Errorf("call %s is %s (%s)", r.Identity.ID, r.Outcome(), r.Diagnosis.Class)
		}
	}
}

// TestGraceOver: what outlives the grace is cut, and recorded as our doing.
func TestGraceOver(t *testing.T) {
	t.Parallel()
	up := peerUpstream(t)
	file := filepath.Join(t.TempDir(), "llmtap.yaml")
	if err := os.WriteFile(file, []byte("drain: 500ms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := peerStart(t, peerSetup{up: up, args: []string{"--config", file}})
	streams := []*peerStream{peerBegin(t, a.client(false), up, 600, 3), peerBegin(t, a.client(true), up, 600, 3)}
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for i, s := range streams {
		if _, err := s.rest(); err == nil {
			t.Errorf("stream %d ended in order although it was cut", i)
		}
	}
	if code := a.exit(t, 5*time.Second); code != 0 {
		t.Errorf("exit %d, want 0", code)
	}
	_, out, _ := a.llmtap("calls", "--json")
	list := peerStored(t, out)
	for _, r := range list {
		if r.End.Side != call.SideAgent || r.Diagnosis.Class != call.ClassAgentInduced || r.Diagnosis.Reason != "shutdown" {
			t.Errorf("HTTP/%s: end %+v, diagnosis %+v, want agent, agent_induced, shutdown", r.Request.HTTP, r.End, r.Diagnosis)
		}
	}
	if len(list) != len(streams) {
		t.Errorf("%d calls kept, want %d", len(list), len(streams))
	}
}

// TestSecondSignal ends the agent now, whatever is live.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	up := peerUpstream(t)
	a := peerStart(t, peerSetup{up: up})
	peerBegin(t, a.client(false), up, 600, 3)
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	peerUntil(t, 3*time.Second, func() string {
		if !strings.Contains(a.peerProcess.err.String(), "draining") {
			return "the agent does not say that it drains"
		}
		return ""
	})
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	a.exit(t, 2*time.Second)
	if ws, ok := a.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGTERM {
		t.Errorf("ended by %v, want the second SIGTERM itself", a.cmd.ProcessState)
	}
}
