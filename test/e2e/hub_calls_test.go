//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// TestJupyterHub: users of a real hub call an LLM from their servers, and the
// records say who it was, whatever they try.
func TestJupyterHub(t *testing.T) {
	t.Parallel()
	s := newHubSite(t, "LLMTAP_PROXY_AUTH=optional")
	h := hubStart(t, s, s.snippet())
	users := []string{"alice", "bob", "carol"}
	for _, user := range users {
		h.spawn(user)
	}
	pids := map[string]int{}
	for _, user := range users {
		pids[user] = h.ready(user)
	}
	hubWhoCalls(t, s, h)
	hubForgery(t, s, h)
	hubClosed(t, s, h, pids["bob"])
	hubShortLived(t, s, h)
	hubOwnStore(t, s, h)
	hubNothingLeaks(t, s, users)
}

// hubWhoCalls: one streamed and one plain call each.
func hubWhoCalls(t *testing.T, s *hubSite, h *jupyterHub) {
	t.Helper()
	for _, user := range []string{"alice", "bob"} {
		from := map[string]func() []hubAnswer{
			"alice": func() []hubAnswer { return h.kernel("alice", "stream", "plain") },
			"bob":   func() []hubAnswer { return h.terminal("bob", "", "stream", "plain") },
		}[user]
		for _, a := range from() {
			if a.Mode == "stream" && !strings.Contains(a.Error, "500") || a.Mode == "plain" && !strings.Contains(a.Text, "Owls hunt") {
				t.Errorf("%s, %s: %q, error %q; want streams refused with 500 and plain calls answered", user, a.Mode, a.Text, a.Error)
			}
		}
		for i, r := range s.news(2) {
			mode, class := []call.Mode{call.ModeStream, call.ModePlain}[i], []call.Class{call.ClassGatewayErrorOpaque, call.ClassOK}[i]
			if r.Client.User != s.pseudonym(user) || r.Request.Mode != mode || r.Diagnosis.Class != class || r.Client.SDKVersion != "3.54.0" {
				t.Errorf("record of %s: user %q, %v, %v, SDK version %q; want %s, %v, %v, 3.54.0", user,
					r.Client.User, r.Request.Mode, r.Diagnosis.Class, r.Client.SDKVersion, s.pseudonym(user), mode, class)
			}
			t.Logf("%s: %s, %+v", user, r.Client.User, r.Client.Process)
		}
	}
	peerUntil(t, 10*time.Second, func() string {
		if _, body := s.get("/api/v1/verdicts"); !strings.Contains(body, `"stream_only_failure"`) || !strings.Contains(body, `"confirmed"`) {
			return "no confirmed stream_only_failure: " + clip(body)
		}
		return ""
	})
}

// hubProxy assigns another proxy to the programs behind it.
func hubProxy(expression string) string {
	return `p=` + expression + `; HTTPS_PROXY="$p" https_proxy="$p"`
}

// hubForgery: with another's name and one's own token, or with none, the call
// works as nobody's.
func hubForgery(t *testing.T, s *hubSite, h *jupyterHub) {
	t.Helper()
	for _, c := range []struct{ name, proxy string }{
		{"bob's name, alice's token", `$(printf %s "$HTTPS_PROXY" | sed s/alice:/bob:/)`},
		{"bob's name, no token", "http://bob@" + s.listen},
		{"no name", "http://" + s.listen},
	} {
		for _, a := range h.terminal("alice", hubProxy(c.proxy), "plain") {
			if !strings.Contains(a.Text, "Owls hunt") {
				t.Errorf("%s: %q, error %q; want an answer", c.name, a.Text, a.Error)
			}
		}
		for _, r := range s.news(1) {
			if r.Client.User != "unknown" {
				t.Errorf("%s: the record says %q, want unknown", c.name, r.Client.User)
			}
		}
	}
}

// hubClosed: a user can read neither the agent's state nor another's token.
func hubClosed(t *testing.T, s *hubSite, h *jupyterHub, pid int) {
	t.Helper()
	if len(h.conf.UIDs) == 0 {
		t.Log("NOT CHECKED: what users can read. Only root can give them ids of their own")
		if peerCI() {
			t.Error("CI must check it")
		}
		return
	}
	for _, path := range []string{
		filepath.Join(s.state(), "secret"), filepath.Join(s.state(), "calls.db"), filepath.Join(s.state(), "run.json"),
		filepath.Join(s.state(), "ca", "ca.key"), filepath.Join(s.dir, "llmtap.py"), fmt.Sprintf("/proc/%d/environ", pid), filepath.Join(s.dir, "home", "bob"),
	} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%v: it is not there for anybody", err)
		}
		if out := h.inside("terminal", "alice", "cat "+path+" | wc -c"); !strings.Contains(out, "Permission denied") || !strings.HasSuffix(out, "0\n") {
			t.Errorf("alice reads %s: %s", path, clip(out))
		}
	}
	if out := h.inside("terminal", "alice", "grep -c BEGIN "+filepath.Join(s.public(), "ca.crt")); out != "1\n" {
		t.Errorf("alice cannot read the certificate: %s", out)
	}
}

// hubShortLived: programs that are over as soon as they have their answer are
// the user's too, and the process is theirs or none.
func hubShortLived(t *testing.T, s *hubSite, h *jupyterHub) {
	t.Helper()
	const n = 20
	out := h.inside("terminal", "alice", fmt.Sprintf(`seq %d | xargs -P 8 -I{} curl -s -o /dev/null -w '%%{http_code} ' --json '{"messages":[]}' `+
		`'https://contoso.openai.azure.com/openai/deployments/stream-500-apim/chat/completions?api-version=2024-10-21'`, n))
	if strings.Count(out, "200 ") != n {
		t.Errorf("curl says %s; want %d times 200", out, n)
	}
	processes := map[string]int{}
	for _, r := range s.news(n) {
		if r.Client.User != s.pseudonym("alice") {
			t.Errorf("a record says %q, want %q", r.Client.User, s.pseudonym("alice"))
		}
		processes[r.Client.Process.Name+r.Client.Process.Reason]++
		if name := r.Client.Process.Name; name != "" && name != "curl" {
			t.Errorf("a record says process %q, want curl or none", name)
		}
	}
	t.Logf("processes of short-lived programs: %v", processes)
}

// hubOwnStore: a program with its own certificate store does not accept the
// agent's leaf. Its second connection is let through unseen, which is said; the
// other users' calls are seen as before.
func hubOwnStore(t *testing.T, s *hubSite, h *jupyterHub) {
	t.Helper()
	b, err := os.ReadFile(s.up.id.file)
	if err != nil {
		t.Fatal(err)
	}
	store := peerFile(t, filepath.Join(s.dir, "own-store.pem"), string(b), 0o644)
	own := "SSL_CERT_FILE=" + store + " REQUESTS_CA_BUNDLE=" + store + " CALL_RETRIES=2"
	for _, a := range h.terminal("carol", own, "plain", "plain") {
		if !strings.Contains(a.Text, "Owls hunt") {
			t.Errorf("a call with a store of one's own: %q, error %q; want an answer", a.Text, a.Error)
		}
	}
	for _, r := range s.news(1) {
		if r.Client.User != s.pseudonym("carol") || r.Diagnosis.Class != call.ClassTLSUntrusted || r.End.Side != call.SideClient {
			t.Errorf("record: user %q, class %v, end %v; want carol's %q, tls_untrusted, client", r.Client.User, r.Diagnosis.Class, r.End.Side, s.pseudonym("carol"))
		}
	}
	if _, body := s.get("/api/v1/tunnels"); !strings.Contains(body, `"reason":"distrust"`) {
		t.Errorf("tunnels: %s; want the reason distrust", body)
	}
	h.terminal("bob", "", "plain")
	for _, r := range s.news(1) {
		if r.Client.User != s.pseudonym("bob") || r.Diagnosis.Class != call.ClassOK {
			t.Errorf("bob's call after that: user %q, class %v", r.Client.User, r.Diagnosis.Class)
		}
	}
	s.checkUnseen("after the calls with another store")
}

// hubNothingLeaks: what goes upstream carries no token, the metrics name nobody,
// and the spans name users by their pseudonyms.
func hubNothingLeaks(t *testing.T, s *hubSite, users []string) {
	t.Helper()
	heads := s.up.heads.String()
	if n := strings.Count(heads, "POST "); n < 5 {
		t.Errorf("the service saw %d calls", n)
	}
	var tokens, names []string
	for _, user := range users {
		_, token, _ := strings.Cut(strings.TrimSuffix(s.proxyOf(user), "@"+s.listen), user+":")
		if len(token) < 16 {
			t.Fatalf("the token of %s is %q", user, token)
		}
		tokens, names = append(tokens, token), append(names, s.pseudonym(user))
	}
	peerUntil(t, 10*time.Second, func() string {
		if spans := s.spans.String(); !strings.Contains(spans, "llmtap.jupyterhub.user") || !strings.Contains(spans, names[0]) || !strings.Contains(spans, names[1]) {
			return "the spans do not name the users by their pseudonyms"
		}
		return ""
	})
	status, metrics := s.get("/metrics")
	if status != http.StatusOK || !strings.Contains(metrics, "llmtap_") {
		t.Errorf("/metrics: %d", status)
	}
	_, calls := s.get("/api/v1/calls?limit=1000")
	for _, place := range []struct {
		name, text string
		words      []string
	}{
		{"upstream", heads, append(slices.Clone(tokens), "Proxy-Authorization")},
		{"metrics", metrics, slices.Concat(tokens, names, users)},
		{"spans", s.spans.String(), append(slices.Clone(tokens), users...)},
		{"records", calls, append(slices.Clone(tokens), users...)},
		{"log", s.peerProcess.err.String(), tokens},
	} {
		for _, word := range place.words {
			if strings.Contains(place.text, word) {
				t.Errorf("%s: %q is in it", place.name, word)
			}
		}
	}
}
