//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
)

// hubServiceToken is the API token of the service llmtap.
const hubServiceToken = "fedcba9876543210fedcba9876543210-llmtap"

// guide is the Python of a section of docs/jupyterhub.md, what an admin pastes
// into jupyterhub_config.py, with other words for some: old, new, old, new.
func (s *hubSite) guide(section string, places ...string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "jupyterhub.md"))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "## "+section+"\n")
	before, rest, found := strings.Cut(rest, "```python\n")
	text, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		s.t.Fatalf("docs/jupyterhub.md, %s, has no Python", section)
	}
	indent := before[strings.LastIndexByte(before, '\n')+1:] // it may stand in a list
	text = strings.ReplaceAll("\n"+text, "\n"+indent, "\n")
	places = append(places, `"llmtap.py"`, `"`+s.snippet()+`"`)
	for i := 0; i+1 < len(places); i += 2 {
		if !strings.Contains(text, places[i]) {
			s.t.Fatalf("docs/jupyterhub.md, %s, has no %s", section, places[i])
		}
		text = strings.ReplaceAll(text, places[i], places[i+1])
	}
	return peerFile(s.t, filepath.Join(s.dir, "service.py"), text, 0o600)
}

// hubPage is the service's page as one user's browser sees it.
type hubPage struct {
	t    *testing.T
	c    *http.Client
	base string // with a slash at the end
}

func (p hubPage) get(path string) (int, string) {
	p.t.Helper()
	return hubGet(p.t, p.c, p.base+path)
}

// ids are those of the calls that the API lists.
func (p hubPage) ids() (ids []string) {
	p.t.Helper()
	var page struct{ Calls []call.Record }
	status, body := p.get("api/v1/calls?limit=1000")
	if err := json.Unmarshal([]byte(body), &page); status != http.StatusOK || err != nil {
		p.t.Fatalf("calls: %d %v %s", status, err, clip(body))
	}
	for _, r := range page.Calls {
		ids = append(ids, r.Identity.ID)
	}
	return ids
}

// TestJupyterHubService: in the hub, behind its login, users see their own calls
// and admins see all.
func TestJupyterHubService(t *testing.T) {
	t.Parallel()
	var service string
	s := newHubSiteWith(t, func(s *hubSite) []string {
		service = "127.0.0.1:" + peerPort(t)
		return []string{
			"LLMTAP_PROXY_AUTH=optional", "LLMTAP_CONTENT=redacted", "JUPYTERHUB_SERVICE_NAME=llmtap", "JUPYTERHUB_SERVICE_URL=http://" + service,
			"JUPYTERHUB_API_URL=http://" + s.hub + "/hub/api", "JUPYTERHUB_API_TOKEN=" + hubServiceToken,
		}
	})
	h := hubStart(t, s, s.guide("One host", "http://127.0.0.1:4144", "http://"+service, "THE TOKEN", hubServiceToken))
	for _, user := range []string{"alice", "bob"} {
		h.spawn(user)
	}
	own, traces := map[string][]string{}, map[string]string{}
	for _, user := range []string{"alice", "bob"} {
		h.ready(user)
		h.terminal(user, "", "stream", "plain")
		for _, r := range s.news(2) {
			own[user] = append(own[user], r.Identity.ID)
			traces[r.Identity.ID] = r.Identity.Span.Trace
		}
	}
	pages := map[string]hubPage{}
	for _, user := range []string{"alice", "bob", "admin"} {
		pages[user] = hubPage{t, h.browser(user), h.conf.BindURL + "/services/llmtap/"}
	}
	hubSeesOwn(t, pages, own, traces)
	hubFeedOfOwn(t, s, h, pages["bob"])
	hubVerdictsOfOwn(t, pages["bob"], own)
	hubLogins(t, h, pages)
	hubTokensOfPrograms(t, s, h, own)
	hubAudit(t, s, pages, own)
}

// hubSeesOwn: every way to a call leads to one's own.
func hubSeesOwn(t *testing.T, pages map[string]hubPage, own map[string][]string, traces map[string]string) {
	t.Helper()
	for user, page := range pages {
		status, text := page.get("")
		if status != http.StatusOK || !strings.Contains(text, "<html") {
			t.Errorf("%s: the page answers %d %s", user, status, clip(text))
		}
		want := slices.Concat(own["alice"], own["bob"])
		if user != "admin" {
			want = own[user]
		}
		if got := page.ids(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("%s sees the calls %v, want %v", user, got, want)
		}
		for owner, ids := range own {
			for _, id := range ids {
				mine := user == "admin" || user == owner
				for _, path := range []string{"api/v1/calls/" + id, "call/" + id, "call/" + id + "/content", "trace/" + traces[id], "api/v1/calls/" + id[:len(id)-1]} {
					if status, text := page.get(path); (status == http.StatusOK) != mine || !mine && status != http.StatusNotFound && status != http.StatusBadRequest {
						t.Errorf("%s, %s's %s: %d %s", user, owner, path, status, clip(text))
					}
				}
				if strings.Contains(text, id) != mine {
					t.Errorf("%s: the page names %s's call %s: %v, want %v", user, owner, id, !mine, mine)
				}
			}
		}
		status, text = page.get("api/v1/diff?a=" + own["alice"][0] + "&b=" + own["bob"][1])
		if (status == http.StatusOK) != (user == "admin") {
			t.Errorf("%s compares a call of alice with one of bob: %d %s", user, status, clip(text))
		}
		if status, text = page.get("metrics"); status != http.StatusNotFound {
			t.Errorf("%s: metrics: %d %s", user, status, clip(text))
		}
	}
}

// hubFeedOfOwn: the live feed tells a user nothing of another's call.
func hubFeedOfOwn(t *testing.T, s *hubSite, h *jupyterHub, page hubPage) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, page.base+"api/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := page.c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	h.terminal("alice", "", "plain")
	hers := s.news(1)[0].Identity.ID
	h.terminal("bob", "", "plain")
	his, text := s.news(1)[0].Identity.ID, ""
	for feed := bufio.NewScanner(resp.Body); !strings.Contains(text, his); text += feed.Text() + "\n" {
		if !feed.Scan() {
			t.Fatalf("the feed ended: %v\n%s", feed.Err(), text)
		}
	}
	if strings.Contains(text, hers) || strings.Contains(text, s.pseudonym("alice")) {
		t.Errorf("bob's feed tells of alice's call:\n%s", text)
	}
}

// hubVerdictsOfOwn: the verdict that both users' calls led to names one's own.
func hubVerdictsOfOwn(t *testing.T, page hubPage, own map[string][]string) {
	t.Helper()
	status, text := page.get("api/v1/verdicts")
	if status != http.StatusOK || !strings.Contains(text, "stream_only_failure") || !strings.Contains(text, own["bob"][0]) {
		t.Errorf("bob's verdicts: %d %s; want the one with his call %s", status, clip(text), own["bob"][0])
	}
	for _, id := range own["alice"] {
		if strings.Contains(text, id) {
			t.Errorf("bob's verdicts name alice's call %s", id)
		}
	}
}

// hubLogins: only who began a login with this browser ends it, and only once.
func hubLogins(t *testing.T, h *jupyterHub, pages map[string]hubPage) {
	t.Helper()
	callback := pages["alice"].base + "oauth_callback"
	refused := func(what, user, address string) {
		t.Helper()
		if status, text := hubGet(t, pages[user].c, address); status != http.StatusForbidden {
			t.Errorf("%s: %d %s, want 403", what, status, clip(text))
		}
	}
	refused("a made-up state", "alice", callback+"?code=x&state=eyJpZCI6IjEifQ.00")
	refused("no state", "alice", callback+"?code=x")
	// A login of alice's, stopped where the hub sends her browser back.
	c := h.browser("alice")
	var back string
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/services/llmtap/oauth_callback" {
			back = r.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	hubGet(t, c, pages["alice"].base)
	u, err := url.Parse(back)
	if err != nil || u.Query().Get("code") == "" || u.Query().Get("state") == "" {
		t.Fatalf("the hub sends alice back to %q", back)
	}
	refused("alice's login in bob's browser", "bob", back)
	c.CheckRedirect = nil
	if status, text := hubGet(t, c, back); status != http.StatusOK || !strings.Contains(text, "<html") {
		t.Errorf("alice's login: %d %s", status, clip(text))
	}
	if status, text := hubGet(t, c, back); status != http.StatusForbidden {
		t.Errorf("alice's login once more: %d %s, want 403", status, clip(text))
	}
	if status, _ := hubGet(t, peerDirect(), pages["alice"].base+"api/v1/calls"); status != http.StatusUnauthorized {
		t.Errorf("the API without a login: %d, want 401", status)
	}
	resp, err := peerDirect().Get(pages["alice"].base)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.Request.URL.Path != "/hub/login" {
		t.Errorf("the page without a login leads to %s, want the hub's login", resp.Request.URL)
	}
}

// hubTokensOfPrograms: a program of a user's sees what he sees if its token may, and
// no token is written anywhere.
func hubTokensOfPrograms(t *testing.T, s *hubSite, h *jupyterHub, own map[string][]string) {
	t.Helper()
	ask := func(token string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, h.conf.BindURL+"/services/llmtap/api/v1/calls", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "token "+token)
		return hubDo(t, peerDirect(), req)
	}
	good := h.userToken("alice")
	if status, body := ask(good); status != http.StatusOK || !strings.Contains(body, own["alice"][0]) || strings.Contains(body, own["bob"][0]) {
		t.Errorf("alice's token: %d %s; want her calls alone", status, clip(body))
	}
	narrow := h.userToken("alice", "access:servers!user=alice")
	if status, body := ask(narrow); status != http.StatusForbidden {
		t.Errorf("a token without the service's scope: %d %s, want 403", status, clip(body))
	}
	if status, body := ask("0123456789abcdef"); status != http.StatusUnauthorized {
		t.Errorf("a made-up token: %d %s, want 401", status, clip(body))
	}
	_, calls := s.get("/api/v1/calls?limit=1000")
	for _, secret := range []string{good, narrow, hubServiceToken, hubToken} {
		if strings.Contains(calls+s.peerProcess.err.String()+s.peerProcess.out.String(), secret) {
			t.Errorf("the token %s… is in a record or in the agent's log", secret[:4])
		}
	}
}

// hubAudit: who looks at the content of a call is written down.
func hubAudit(t *testing.T, s *hubSite, pages map[string]hubPage, own map[string][]string) {
	t.Helper()
	for _, user := range []string{"alice", "admin"} {
		if _, text := pages[user].get("call/" + own["alice"][1] + "/content"); !strings.Contains(text, "Tell me about owls.") {
			t.Errorf("%s does not see the content of alice's call: %s", user, clip(text))
			continue
		}
		found := false
		for line := range strings.Lines(s.peerProcess.err.String()) {
			found = found || strings.Contains(line, "audit") && strings.Contains(line, user) && strings.Contains(line, own["alice"][1])
		}
		if !found {
			t.Errorf("the log does not say that %s saw the content of %s", user, own["alice"][1])
		}
	}
}
