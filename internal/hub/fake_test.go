package hub_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"llmtap/internal/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	prefix  = "/services/llmtap/"
	secret  = "the-service-token"
	mayOpen = "access:services!service=llmtap"
)

// fakeHub is the part of a JupyterHub that a login needs. Codes are good once.
type fakeHub struct {
	*httptest.Server

	mu     sync.Mutex
	models map[string]map[string]any // by token
	codes  map[string]string         // code to token
	asked  int                       // for users
	status int                       // instead of an answer; 0 is none
}

// newHub returns a hub that knows the tokens TOKEN-NAME of some users.
func newHub(t *testing.T) *fakeHub {
	h := &fakeHub{codes: map[string]string{}, models: map[string]map[string]any{
		"token-ada":     {"kind": "user", "name": "ada", "admin": false, "scopes": []string{mayOpen, "read:users:name!user=ada"}},
		"token-bob":     {"kind": "user", "name": "bob", "admin": false, "scopes": []string{"access:services"}},
		"token-root":    {"kind": "user", "name": "root", "admin": true, "scopes": []string{mayOpen}},
		"token-deputy":  {"kind": "user", "name": "deputy", "scopes": []string{mayOpen, "admin:users"}},
		"token-guest":   {"kind": "user", "name": "guest", "scopes": []string{"access:services!service=other", "read:users"}},
		"token-service": {"kind": "service", "name": "ada", "admin": false, "scopes": []string{mayOpen}},
		"token-odd":     {"kind": "group", "name": "ada", "scopes": []string{mayOpen}},
		"token-nobody":  {"kind": "user", "name": "", "scopes": []string{mayOpen}},
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hub/api/oauth2/token", h.token)
	mux.HandleFunc("GET /hub/api/user", h.user)
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

func (h *fakeHub) token(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	want := url.Values{"client_id": {"service-llmtap"}, "client_secret": {secret}, "grant_type": {"authorization_code"}, "redirect_uri": {prefix + "oauth_callback"}}
	for name := range want {
		if r.FormValue(name) != want.Get(name) || r.URL.RawQuery != "" {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
	}
	token := h.codes[r.FormValue("code")]
	delete(h.codes, r.FormValue("code"))
	switch {
	case h.status != 0:
		w.WriteHeader(h.status)
	case token == "":
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
	}
}

func (h *fakeHub) user(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "token ")
	model := h.models[token]
	switch {
	case h.status == http.StatusFound:
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	case h.status != 0:
		w.WriteHeader(h.status)
	case model == nil:
		http.Error(w, `{"status":403}`, http.StatusForbidden)
	default:
		_ = json.NewEncoder(w).Encode(model)
	}
}

// set changes the hub under its lock.
func (h *fakeHub) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *fakeHub) questions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

// site is a service behind a gate, and the clock that both go by.
type site struct {
	t    *testing.T
	hub  *fakeHub
	gate *hub.Gate
	log  *strings.Builder
	now  time.Time
}

func newSite(t *testing.T) *site {
	s := &site{t: t, hub: newHub(t), log: &strings.Builder{}, now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	c, ok, err := hub.FromEnv(environment{
		"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:4144", "JUPYTERHUB_SERVICE_NAME": "llmtap", "JUPYTERHUB_API_TOKEN": secret,
		"JUPYTERHUB_API_URL": s.hub.URL + "/hub/api/",
	}.get)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	s.gate = hub.New(c, hub.Deps{
		Now: func() time.Time { return s.now }, Log: slog.New(slog.NewTextHandler(s.log, nil)),
		Refuse: func(w http.ResponseWriter, _ *http.Request, status int, text string) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		},
	})
	t.Cleanup(func() {
		if err := s.gate.Close(); err != nil {
			t.Error(err)
		}
		for _, word := range []string{secret, "token-ada", "token-bob", "code-"} {
			if strings.Contains(s.log.String(), word) {
				t.Errorf("the log has %q: %s", word, s.log)
			}
		}
	})
	return s
}

// browser keeps cookies as browsers do.
type browser struct {
	s       *site
	cookies map[string]string
}

func (s *site) browser() *browser { return &browser{s, map[string]string{}} }

// get asks for a path of the site.
func (b *browser) get(path string, header ...string) *httptest.ResponseRecorder {
	b.s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://hub.example"+path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	if r.URL.Path == prefix+"oauth_callback" {
		b.s.gate.Callback(w, r)
	} else if u, ok := b.s.gate.Identify(w, r); ok {
		_, _ = fmt.Fprintf(w, "%s %v", u.Name, u.Admin)
	}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != prefix {
			b.s.t.Errorf("cookie %v", c)
		}
	}
	return w
}

// begin asks for a page and returns the state that goes to the hub.
func (b *browser) begin(path string) (state string) {
	b.s.t.Helper()
	w := b.get(path)
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusFound || to.Path != "/hub/api/oauth2/authorize" || to.Host != "" {
		b.s.t.Fatalf("%d to %q (%v)", w.Code, to, err)
	}
	for name, want := range map[string]string{"client_id": "service-llmtap", "redirect_uri": prefix + "oauth_callback", "response_type": "code"} {
		if got := to.Query().Get(name); got != want {
			b.s.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	return to.Query().Get("state")
}

// grant is the hub's yes to a login: a code that is good once.
func (s *site) grant(user string) (code string) {
	code = fmt.Sprintf("code-%s-%d", user, s.now.UnixNano())
	s.hub.set(func() { s.hub.codes[code] = "token-" + user })
	return code
}

func callback(code, state string) string {
	return prefix + "oauth_callback?" + url.Values{"code": {code}, "state": {state}}.Encode()
}

// login goes the whole way.
func (b *browser) login(user string) *httptest.ResponseRecorder {
	b.s.t.Helper()
	return b.get(callback(b.s.grant(user), b.begin(prefix)))
}

// shows fails unless a page is answered to that user.
func (b *browser) shows(path, want string) {
	b.s.t.Helper()
	if w := b.get(path); w.Code != http.StatusOK || w.Body.String() != want {
		b.s.t.Errorf("%s: %d %s, want %s", path, w.Code, w.Body, want)
	}
}

type environment map[string]string

func (e environment) get(name string) string { return e[name] }
