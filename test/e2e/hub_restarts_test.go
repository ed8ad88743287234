//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// hubRequired: tokens are required, and the admin chose names.
var hubRequired = []string{"LLMTAP_PROXY_AUTH=required", "LLMTAP_IDENTITY_USER=name"}

// TestJupyterHubRestarts: tokens are required, and agent and hub come and go
// while servers run.
func TestJupyterHubRestarts(t *testing.T) {
	t.Parallel()
	s := newHubSite(t, hubRequired...)
	h := hubStart(t, s, s.snippet())
	h.spawn("alice")
	h.ready("alice")
	hubRefusesStrangers(t, s, h)
	hubAgentRestarts(t, s, h)
	hubRestartsAlone(t, s, h)
	hubStartsWithout(t, s, h)
	hubStartsNone(t, s, h)
}

// works makes one plain call from a terminal and checks its record.
func (s *hubSite) works(h *jupyterHub, user, when string) {
	s.t.Helper()
	for _, a := range h.terminal(user, "", "plain") {
		if !strings.Contains(a.Text, "Owls hunt") {
			s.t.Errorf("%s, %s: %q, error %q; want an answer", user, when, a.Text, a.Error)
		}
	}
	for _, r := range s.news(1) {
		if r.Client.User != user || r.Diagnosis.Class != call.ClassOK {
			s.t.Errorf("%s, %s: a record of user %q, %v", user, when, r.Client.User, r.Diagnosis.Class)
		}
	}
}

// hubRefusesStrangers: 407 for another's name and for none.
func hubRefusesStrangers(t *testing.T, s *hubSite, h *jupyterHub) {
	t.Helper()
	s.works(h, "alice", "with her token")
	for _, proxy := range []string{`$(printf %s "$HTTPS_PROXY" | sed s/alice:/bob:/)`, "http://alice@" + s.listen, "http://" + s.listen} {
		for _, a := range h.terminal("alice", hubProxy(proxy), "plain") {
			if a.Text != "" || !strings.Contains(a.Error, "407") {
				t.Errorf("through %s: %q, error %q; want 407", proxy, a.Text, a.Error)
			}
		}
	}
	s.checkUnseen("after the refused calls")
}

// hubAgentRestarts: servers that run keep their tokens; while the agent is away
// their calls fail.
func hubAgentRestarts(t *testing.T, s *hubSite, h *jupyterHub) {
	t.Helper()
	s.end()
	for _, a := range h.terminal("alice", "", "plain") {
		if a.Text != "" || !strings.Contains(a.Error, "refused") && !strings.Contains(a.Error, "Connect") {
			t.Errorf("without the agent: %q, error %q; want no connection", a.Text, a.Error)
		}
	}
	s.start(hubRequired...)
	s.works(h, "alice", "after the agent's restart")
}

// hubRestartsAlone: a program in a server calls on and on while the hub and its
// proxy are away and come back.
func hubRestartsAlone(t *testing.T, s *hubSite, h *jupyterHub) {
	t.Helper()
	loop := "(while [ ! -e ~/stop ]; do " + h.paths.python + " " + h.program() + " plain; done >~/loop; touch ~/over) >/dev/null 2>&1 &"
	h.inside("terminal", "alice", "nohup sh -c '"+strings.ReplaceAll(loop, "~", "$HOME")+"'")
	h.end()
	away := len(recordsOf(t, s.peerAgent, s.seen))
	recordsOf(t, s.peerAgent, away+3)
	h.run()
	recordsOf(t, s.peerAgent, away+5)
	h.inside("terminal", "alice", "touch ~/stop")
	home := filepath.Join(s.dir, "home", "alice")
	peerUntil(t, 20*time.Second, func() string {
		if _, err := os.Stat(filepath.Join(home, "over")); err != nil {
			return err.Error()
		}
		return ""
	})
	b, err := os.ReadFile(filepath.Join(home, "loop"))
	if err != nil {
		t.Fatal(err)
	}
	made, worked := strings.Count(string(b), "\n"), strings.Count(string(b), "Owls hunt")
	if made != worked {
		t.Errorf("%d calls around the hub's restart, %d worked:\n%s", made, worked, b)
	}
	for _, r := range s.news(made) {
		if r.Client.User != "alice" {
			t.Errorf("a record around the hub's restart says %q", r.Client.User)
		}
	}
	t.Logf("%d calls around the hub's restart", made)
	h.ready("alice")
	s.works(h, "alice", "after the hub's restart")
}

// environment is what a server's programs are given: the number of variables
// that lead to the agent, and the admin's own one.
func (h *jupyterHub) environment(user string) (variables int, kept string) {
	h.t.Helper()
	out := h.inside("terminal", user, `env | grep -ciE '_proxy=|bundle|ssl_cert|extra_ca'; echo "$KEPT"`)
	count, kept, _ := strings.Cut(out, "\n")
	n, err := strconv.Atoi(count)
	if err != nil {
		h.t.Fatalf("the environment of %s: %s", user, out)
	}
	return n, strings.TrimSpace(kept)
}

// hubStartsWithout: without the agent servers start as without llmtap, the log
// says so, and the next start with it is as ever; and back again.
func hubStartsWithout(t *testing.T, s *hubSite, h *jupyterHub) {
	t.Helper()
	check := func(when string, tapped bool) {
		t.Helper()
		h.spawn("bob")
		h.ready("bob")
		n, kept := h.environment("bob")
		if tapped != (n > 4) || !tapped && n != 0 || kept != "by the admin" {
			t.Errorf("%s: %d variables of the agent, the admin's is %q", when, n, kept)
		}
	}
	s.end()
	check("without the agent", false)
	if log := h.log(); !strings.Contains(log, "llmtap is not ready") || !strings.Contains(log, "the server of bob starts without it") {
		t.Error("the hub's log does not say that bob's server starts without llmtap")
	}
	s.start(hubRequired...)
	h.stop("bob")
	check("with the agent again", true)
	s.works(h, "bob", "in a new server")
	s.end()
	h.stop("bob")
	check("without it again", false)
	h.stop("bob")
}

// hubStartsNone: as the admin chose, no server starts without the agent, and its
// user is told why.
func hubStartsNone(t *testing.T, s *hubSite, h *jupyterHub) {
	t.Helper()
	s.snippet("WITHOUT_LLMTAP", "refuse")
	h.restart()
	c := h.browser("bob")
	status, page := hubGet(t, c, h.conf.BindURL+"/hub/spawn")
	if status == http.StatusOK || !strings.Contains(page, "llmtap") || !strings.Contains(page, "not ready") {
		t.Errorf("spawn without the agent: %d, and the page does not say why:\n%s", status, page)
	}
	if log := h.log(); !strings.Contains(log, "the server of bob is not started") {
		t.Error("the hub's log does not say that bob's server is not started")
	}
	s.start(hubRequired...)
	peerUntil(t, 20*time.Second, func() string {
		if status, page := hubGet(t, c, h.conf.BindURL+"/hub/spawn"); status != http.StatusOK {
			return "spawn with the agent: " + strconv.Itoa(status) + " " + page
		}
		return ""
	})
	h.ready("bob")
	s.works(h, "bob", "in a server that had to wait")
	s.works(h, "alice", "in the server of before")
}
