package hub_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/internal/hub"
)

// TestWhoIsNotLoggedIn: a browser is sent to the hub, a program is told.
func TestWhoIsNotLoggedIn(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.begin(prefix)
	b.begin(prefix + "call/a")
	for _, header := range [][]string{nil, {"Accept", "text/event-stream"}, {"Cookie", "llmtap=x"}} {
		if w := b.get(prefix+"api/v1/live", header...); w.Code != http.StatusUnauthorized || w.Header().Get("Location") != "" {
			t.Errorf("%v: %d %s", header, w.Code, w.Body)
		}
	}
}

func TestTokensOfPrograms(t *testing.T) {
	for name, tc := range map[string]struct {
		header string
		status int
		shows  string
	}{
		"a user":           {"token token-ada", 200, "ada false"},
		"as bearer":        {"Bearer token-ada", 200, "ada false"},
		"an admin":         {"TOKEN token-root", 200, "root true"},
		"a service":        {"token token-service", 200, "service ada false"},
		"unknown":          {"token nonsense", 401, "does not know this token"},
		"none":             {"token ", 401, "does not know this token"},
		"another scheme":   {"Basic YWRhOng=", 401, "does not know this token"},
		"the service's":    {"token " + secret, 401, "does not know this token"},
		"of another scope": {"token token-guest", 403, mayOpen},
	} {
		s := newSite(t)
		b := s.browser()
		w := b.get(prefix+"api/v1/calls", "Authorization", tc.header)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.shows) || len(b.cookies) != 0 {
			t.Errorf("%s: %d %s, cookies %v", name, w.Code, w.Body, b.cookies)
		}
		if tc.status == 200 {
			asked := s.hub.questions()
			b.get(prefix, "Authorization", tc.header)
			if s.hub.questions() != asked {
				t.Errorf("%s: the hub is asked for each request", name)
			}
		}
	}
}

// TestATokenIsNoCookie: what opens one door is not tried at the other.
func TestATokenIsNoCookie(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.login("ada")
	for name, value := range b.cookies {
		if w := s.browser().get(prefix, "Authorization", "token "+value); w.Code != http.StatusUnauthorized {
			t.Errorf("the cookie as a token: %d %s", w.Code, w.Body)
		}
		thief := s.browser()
		thief.cookies[name] = "token-ada"
		if w := thief.get(prefix + "api/v1/calls"); w.Code != http.StatusUnauthorized {
			t.Errorf("the token as a cookie: %d %s", w.Code, w.Body)
		}
		if w := b.get(prefix, "Authorization", "token nonsense"); w.Code != http.StatusUnauthorized {
			t.Errorf("a wrong token beside the cookie: %d %s", w.Code, w.Body)
		}
	}
}

// TestTheHubsWordGetsOld: who may not any more loses it, at the latest then.
func TestTheHubsWordGetsOld(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(h *fakeHub)
		status int
	}{
		"logged out":     {func(h *fakeHub) { delete(h.models, "token-root") }, http.StatusFound},
		"may not":        {func(h *fakeHub) { h.models["token-root"]["scopes"] = []string{} }, http.StatusForbidden},
		"no admin":       {func(h *fakeHub) { h.models["token-root"]["admin"] = false }, http.StatusOK},
		"nothing is new": {func(*fakeHub) {}, http.StatusOK},
	} {
		s := newSite(t)
		b := s.browser()
		b.login("root")
		s.hub.set(func() { tc.change(s.hub) })
		s.now = s.now.Add(5*time.Minute - time.Second)
		b.shows(prefix, "root true")
		s.now = s.now.Add(time.Second)
		w := b.get(prefix)
		if w.Code != tc.status || name == "no admin" && w.Body.String() != "root false" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if tc.status == http.StatusFound {
			s.hub.set(func() {
				s.hub.models["token-root"] = map[string]any{"kind": "user", "name": "root", "scopes": []string{mayOpen}}
			})
			b.begin(prefix) // a session that ended does not come back
		}
	}
}

func TestSessionsExpire(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.login("ada")
	for range 47 {
		s.now = s.now.Add(10 * time.Minute)
		b.shows(prefix, "ada false")
	}
	s.now = s.now.Add(10 * time.Minute)
	b.begin(prefix)
}

func TestLogout(t *testing.T) {
	s := newSite(t)
	b, other := s.browser(), s.browser()
	b.login("ada")
	s.now = s.now.Add(time.Second)
	other.login("ada")
	had := map[string]string{}
	r := httptest.NewRequest(http.MethodPost, "http://hub.example"+prefix+"logout", nil)
	for name, value := range b.cookies {
		had[name] = value
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	s.gate.Logout(w, r)
	if got := w.Result().Cookies(); len(got) != 1 || got[0].MaxAge >= 0 || had[got[0].Name] == "" {
		t.Errorf("cookies %v", got)
	}
	b.cookies = had // as one who kept it would
	b.begin(prefix)
	other.shows(prefix, "ada false")
	s.gate.Logout(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "http://hub.example/", nil))
}

// TestSessionsAreBounded: new ones push out the oldest.
func TestSessionsAreBounded(t *testing.T) {
	s := newSite(t)
	first, second := s.browser(), s.browser()
	first.login("ada")
	s.now = s.now.Add(time.Millisecond)
	second.login("bob")
	s.now = s.now.Add(time.Millisecond)
	s.hub.set(func() {
		for i := range 4095 {
			s.hub.models[fmt.Sprintf("n%d", i)] = map[string]any{"kind": "user", "name": "n", "scopes": []string{mayOpen}}
		}
	})
	program := s.browser()
	for i := range 4095 {
		if w := program.get(prefix, "Authorization", fmt.Sprintf("token n%d", i)); w.Code != http.StatusOK {
			t.Fatalf("%d: %d", i, w.Code)
		}
	}
	second.shows(prefix, "bob false")
	first.begin(prefix)
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	s := newSite(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			b := s.browser()
			for range 5 {
				if w := b.get(prefix, "Authorization", fmt.Sprintf("token token-%s", []string{"ada", "bob"}[i%2])); w.Code != http.StatusOK {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			}
		})
	}
	wg.Wait()
}

func TestFromEnv(t *testing.T) {
	full := environment{
		"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:4142", "JUPYTERHUB_SERVICE_PREFIX": "/hubs/one/services/tap/", "JUPYTERHUB_SERVICE_NAME": "tap",
		"JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hubs/one/hub/api", "JUPYTERHUB_API_TOKEN": "t", "JUPYTERHUB_CLIENT_ID": "service-tap",
		"JUPYTERHUB_OAUTH_CALLBACK_URL": "/hubs/one/services/tap/oauth_callback", "JUPYTERHUB_HOST": "https://hub.example",
	}
	without := func(names ...string) environment {
		e := maps.Clone(full)
		for _, name := range names {
			delete(e, name)
		}
		return e
	}
	with := func(name, value string) environment {
		e := without()
		e[name] = value
		return e
	}
	want := hub.Config{
		Name: "tap", Listen: "127.0.0.1:4142", Prefix: "/hubs/one/services/tap/", API: "http://127.0.0.1:8081/hubs/one/hub/api", Token: "t",
		ClientID: "service-tap", Callback: "/hubs/one/services/tap/oauth_callback", Authorize: "https://hub.example/hubs/one/hub/api/oauth2/authorize",
	}
	plain := hub.Config{
		Name: "llmtap", Listen: "[::1]:80", Prefix: "/services/llmtap/", API: "http://127.0.0.1:8081/hub/api", Token: "t",
		ClientID: "service-llmtap", Callback: "/services/llmtap/oauth_callback", Authorize: "/hub/api/oauth2/authorize",
	}
	for name, tc := range map[string]struct {
		env  environment
		want hub.Config
	}{
		"all":              {full, want},
		"no name":          {without("JUPYTERHUB_SERVICE_NAME"), want},
		"a prefix alone":   {without("JUPYTERHUB_SERVICE_NAME", "JUPYTERHUB_CLIENT_ID"), want},
		"no slash":         {with("JUPYTERHUB_SERVICE_PREFIX", "/hubs/one/services/tap"), want},
		"slash at the end": {with("JUPYTERHUB_API_URL", "http://127.0.0.1:8081/hubs/one/hub/api/"), want},
		"base":             {environment{"JUPYTERHUB_SERVICE_URL": "http://[::1]", "JUPYTERHUB_API_TOKEN": "t", "JUPYTERHUB_BASE_URL": "/"}, plain},
		"the least":        {environment{"JUPYTERHUB_SERVICE_URL": "http://[::1]", "JUPYTERHUB_API_TOKEN": "t"}, plain},
	} {
		got, ok, err := hub.FromEnv(tc.env.get)
		if err != nil || !ok || got != tc.want {
			t.Errorf("%s: %v %v\n got %+v\nwant %+v", name, ok, err, got, tc.want)
		}
	}
	for name, env := range map[string]environment{
		"nothing": {}, "a service without pages": without("JUPYTERHUB_SERVICE_URL"), "a user's server": with("JUPYTERHUB_USER", "ada"),
	} {
		if _, ok, err := hub.FromEnv(env.get); ok || err != nil {
			t.Errorf("%s: %v %v", name, ok, err)
		}
	}
	for says, env := range map[string]environment{
		"JUPYTERHUB_API_TOKEN is not":    without("JUPYTERHUB_API_TOKEN"),
		"want http://HOST:PORT, for":     with("JUPYTERHUB_SERVICE_URL", "https://127.0.0.1:4142"),
		`"tcp:1"`:                        with("JUPYTERHUB_SERVICE_URL", "tcp:1"),
		"want http://HOST:PORT/hub/api":  with("JUPYTERHUB_API_URL", "8081"),
		`JUPYTERHUB_API_URL "ftp://hub"`: with("JUPYTERHUB_API_URL", "ftp://hub"),
	} {
		if _, ok, err := hub.FromEnv(env.get); ok || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v %v", says, ok, err)
		}
	}
}
