package capture

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"llmtap/capture/observe"
	"llmtap/internal/call"
	"llmtap/internal/faultllm"
)

// pipeListener accepts connections that never leave memory, so that their
// time is the bubble's.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l *pipeListener) dial() net.Conn {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	return ours
}

// leaving tells when the client of a scenario goes: at a time, or a moment
// after it read something.
type leaving struct {
	at    time.Duration
	after string
	wait  time.Duration
}

var leavings = map[string]leaving{
	"ok-close-done": {after: "[DONE]"}, "ok-close-finish": {after: `"finish_reason":"stop"`}, "hdr-timeout": {at: 300 * time.Second},
	"label-abort": {after: `"role"`, wait: 100 * time.Millisecond}, "cl-cancel": {at: 7300 * time.Millisecond}, "cl-cancel-early": {at: 4 * time.Second},
	"cl-timeout": {at: 60 * time.Second}, "cl-choke": {after: "prompt_filter_results", wait: 20 * time.Millisecond},
	"cl-stop-fragile": {after: "content_filter_offsets", wait: 20 * time.Millisecond}, "cl-abort": {after: `"content":"`, wait: 200 * time.Millisecond},
}

// TestScenarios plays every fault of the fault service, in both modes and
// dialects, in virtual time, and demands the class that its table promises.
func TestScenarios(t *testing.T) {
	for _, sc := range faultllm.Scenarios() {
		if !sc.Chat() || sc.HTTP == "2" || sc.ID == "bench" || sc.ID == "switch-101" || sc.ID == "half-close" {
			continue // what a pipe cannot do, and what is no answer
		}
		for _, stream := range []bool{true, false} {
			for _, path := range scenarioPaths(sc) {
				mode := map[bool]string{true: "stream", false: "plain"}[stream]
				t.Run(sc.ID+"/"+mode+path, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						host := "res.openai.azure.com"
						if strings.HasPrefix(path, "/v1/") {
							host = "api.openai.com"
						}
						got := classified(t, playScenario(t, sc, host, path, string(sc.Body(stream))))
						if class := got.Diagnosis.Class.String(); class != sc.ClassOf(stream) {
							t.Errorf("%s (%s) by %s, the table says %s\nstream %+v\nerror %+v\nend %+v\ntags %v", class, got.Diagnosis.Reason, got.Diagnosis.Rule,
								sc.ClassOf(stream), got.Stream, got.Response.Error, got.End, got.Diagnosis.Tags)
						} else if class == sc.Class && sc.Reason != "" && got.Diagnosis.Reason != sc.Reason && sc.PlainClass == "" {
							t.Errorf("reason %q, the table says %q", got.Diagnosis.Reason, sc.Reason)
						}
					})
				})
			}
		}
	}
}

func scenarioPaths(sc faultllm.Scenario) []string {
	azure, openai := "/openai/deployments/"+sc.ID+"/chat/completions?api-version=2024-10-21", "/v1/chat/completions"
	switch {
	case sc.ID == "nf-doubled":
		return []string{"/openai/v1/openai/deployments/" + sc.ID + "/chat/completions?api-version=2024-10-21"}
	case sc.API == faultllm.APIAzure:
		return []string{azure}
	case sc.API == faultllm.APIOpenAI:
		return []string{openai}
	}
	return []string{azure, openai}
}

// playScenario makes one call, of idle-closed the second on its connection, and
// returns what the observer saw.
func playScenario(t *testing.T, sc faultllm.Scenario, host, path, body string) *tape {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := newPipeListener()
	served := make(chan error, 1)
	service := faultllm.New(faultllm.Config{AnyAddress: true})
	go func() { served <- service.Serve(ctx, l, nil) }()
	c := l.dial()
	tape := newTape(host)
	tape.start = time.Now()
	calls := 1
	if sc.ID == "idle-closed" {
		calls = 2
	}
	for range calls {
		tape.exchange(c, sc, path, body)
	}
	if sc.ID != "cl-timeout" { // closed already
		_ = c.Close()
	}
	cancel()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	return tape
}

// exchange sends a request and reads until the answer is over, the service
// closes or the client leaves.
func (t *tape) exchange(c net.Conn, sc faultllm.Scenario, path, body string) {
	seen := len(t.got)
	t.now = time.Now()
	begun := t.now
	sent := make(chan struct{})
	request := t.request(path, body)
	go func() {
		defer close(sent)
		_, _ = c.Write([]byte(request)) // the service may answer early
	}()
	t.push(observe.Request, request)
	t.read(c, sc, begun, seen)
	synctest.Wait()
	select {
	case <-sent:
	default:
		_ = c.Close()
		<-sent
	}
}

func (t *tape) request(path, body string) string {
	var b bytes.Buffer
	b.WriteString("POST " + path + " HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nContent-Type: application/json\r\nContent-Length: ")
	b.WriteString(strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	return b.String()
}

func (t *tape) read(c net.Conn, sc faultllm.Scenario, begun time.Time, seen int) {
	leave, leaves := leavings[sc.ID]
	if leave.at > 0 {
		_ = c.SetReadDeadline(begun.Add(leave.at))
	} else {
		_ = c.SetReadDeadline(begun.Add(20 * time.Minute))
	}
	buf := make([]byte, 64<<10)
	var all []byte
	for len(t.got) == seen {
		n, err := c.Read(buf)
		t.now = time.Now()
		if n > 0 {
			t.push(observe.Response, string(buf[:n]))
			if all = append(all, buf[:n]...); leaves && leave.at == 0 && bytes.Contains(all, []byte(leave.after)) {
				_ = c.SetReadDeadline(t.now.Add(leave.wait))
				leave.at = 1 // the deadline decides
			}
			all = all[max(0, len(all)-4096):]
		}
		if err == nil {
			continue
		}
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			t.ends(call.SideClient, call.EndClosed)
		} else {
			t.ends(call.SideUpstream, call.EndClosed)
		}
		return
	}
}
