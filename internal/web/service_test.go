package web_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/web"
)

const prefix = "/services/llmtap/"

// viewers of a hub by the name that a test request shows.
var viewers = map[string]web.Viewer{
	"ada":   {Name: "ada", User: "u-ada", Hub: true},
	"bob":   {Name: "bob", User: "u-bob", Hub: true},
	"carl":  {Name: "carl", User: "u-carl", Hub: true},
	"off":   {Name: "off", Hub: true}, // records name nobody
	"admin": {Name: "admin", User: "u-admin", All: true, Hub: true},
}

// service is the pages in a hub whose login is a header.
func service(c web.Config) http.Handler {
	return web.New(c).Service(web.Service{
		Prefix: prefix, CallbackPath: prefix + "oauth_callback",
		Who: func(w http.ResponseWriter, r *http.Request) (web.Viewer, bool) {
			v, ok := viewers[r.Header.Get("X-Test-User")]
			if !ok {
				web.Refuse(prefix)(w, r, http.StatusUnauthorized, "Log in.")
			}
			return v, ok
		},
		Callback: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) },
		Logout: func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "gone", MaxAge: -1})
		},
	})
}

// visit is a GET by a user through the hub's proxy.
func visit(user, path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://hub.example"+path, nil)
	r.Header.Set("X-Test-User", user)
	return r
}

func open(c web.Config, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	service(c).ServeHTTP(w, r)
	return w
}

// owned is a call of a user.
func owned(id, user string) call.Record {
	r := streamedAndFailed(id)
	r.Client.User, r.Request.URL, r.Request.Hints.Headers = user, "https://x.openai.azure.com/p", nil
	r.Identity.Logical, r.Identity.Span.Trace = "logical-"+id, strings.Repeat("a", 31)+id[len(id)-1:]
	return r
}

// crowd has calls of two users and of nobody, and a verdict over all of them.
func crowd() *shelf {
	f := call.Finding{ID: "f1", Verdict: "stream_only_failure", State: "confirmed", Text: "only streams fail"}
	f.Target = call.Target{Host: "x.openai.azure.com", Model: "gpt-4o", Auth: call.Auth{Scheme: "bearer-canary"}}
	f.Evidence = call.Evidence{Failing: []string{"ada-1", "bob-1", "none-1"}, Working: []string{"bob-2"}}
	elsewhere := call.Finding{ID: "f2", Verdict: "hop_deadline", State: "suspected", Text: "cut at 60 s at bob's own host"}
	elsewhere.Target.Host = "bob.example"
	elsewhere.Evidence.Failing = []string{"bob-2"}
	s := &shelf{findings: []call.Finding{f, elsewhere}, calls: []call.Record{owned("ada-1", "u-ada"), owned("bob-1", "u-bob"), owned("bob-2", "u-bob"), owned("none-1", ""), owned("odd-1", "unknown")}}
	return s
}

// TestEachSeesTheirOwn asks for everything on behalf of everybody: what names
// another's call is nowhere, however it is asked for.
func TestEachSeesTheirOwn(t *testing.T) {
	all := []string{"ada-1", "bob-1", "bob-2", "none-1", "odd-1"}
	paths := []string{"", "verdicts", "verdicts?all=1", "?user=u-bob", "?target=azure", "api/v1/calls", "api/v1/calls?limit=1000", "api/v1/live", "api/v1/verdicts", "api/v1/verdicts?all=1", "api/v1/tunnels", "api/v1/info"}
	for _, id := range all {
		paths = append(paths, "call/"+id, "call/"+id+"/content", "api/v1/calls/"+id, "trace/"+strings.Repeat("a", 31)+id[len(id)-1:], "api/v1/calls?logical=logical-"+id)
		for _, other := range all {
			paths = append(paths, "api/v1/diff?a="+id+"&b="+other)
		}
	}
	for user, own := range map[string][]string{"ada": {"ada-1"}, "bob": {"bob-1", "bob-2"}, "carl": nil, "off": nil, "admin": all} {
		seen := map[string]bool{}
		for _, path := range paths {
			c := config(crowd())
			c.Log = slog.New(slog.DiscardHandler)
			c.Live = func() []call.Record { return crowd().calls }
			c.Tunnels = func() []call.Tunnel { return []call.Tunnel{{Host: "bob-1.example"}} }
			w := open(c, visit(user, prefix+path))
			for _, id := range all {
				if !strings.Contains(w.Body.String(), id) || strings.Contains(path, id) && w.Code >= 400 {
					continue
				}
				if seen[id] = true; !slices.Contains(own, id) {
					t.Errorf("%s sees %s at %s: %d %s", user, id, path, w.Code, w.Body)
				}
			}
			if user != "admin" && strings.Contains(w.Body.String(), "bearer-canary") {
				t.Errorf("%s sees the key of another at %s", user, path)
			}
		}
		if len(seen) != len(own) {
			t.Errorf("%s sees %v, want %v", user, seen, own)
		}
	}
}

// TestOthersAreNotFound: another's call answers as one that never was.
func TestOthersAreNotFound(t *testing.T) {
	for _, path := range []string{"call/%s", "call/%s/content", "api/v1/calls/%s", "api/v1/diff?a=%s&b=ada-1", "api/v1/diff?a=ada-1&b=%s"} {
		others := open(config(crowd()), visit("ada", prefix+fmt.Sprintf(path, "bob-1")))
		missing := open(config(crowd()), visit("ada", prefix+fmt.Sprintf(path, "nil-1")))
		if others.Code != 404 || strings.ReplaceAll(others.Body.String(), "bob-1", "nil-1") != missing.Body.String() {
			t.Errorf("%s: %d %s, of none %d %s", path, others.Code, others.Body, missing.Code, missing.Body)
		}
	}
	c := config(crowd())
	c.Calls = vague{crowd()}
	if w := open(c, visit("ada", prefix+"api/v1/calls/a")); w.Code != 404 || strings.Contains(w.Body.String(), "bob") {
		t.Errorf("a start of several ids: %d %s", w.Code, w.Body)
	}
	if w := open(c, visit("admin", prefix+"api/v1/calls/a")); w.Code != 409 {
		t.Errorf("for an admin: %d %s", w.Code, w.Body)
	}
}

// vague finds several calls.
type vague struct{ *shelf }

func (vague) Call(context.Context, string) (call.Record, error) {
	return call.Record{}, fmt.Errorf("%w: bob-1 and bob-2 start with it", call.ErrAmbiguous)
}

// TestTheStoreIsAskedForOne: the store need not hand out what is not shown.
func TestTheStoreIsAskedForOne(t *testing.T) {
	for user, want := range map[string]string{"ada": "u-ada", "admin": ""} {
		s := crowd()
		open(config(s), visit(user, prefix+"api/v1/calls"))
		if s.asked.User != want || s.asked.Limit != 100 {
			t.Errorf("%s: asked for %+v", user, s.asked)
		}
	}
}

// TestVerdictsOfServicesOneCalls: known by own evidence, or by a call to the host.
func TestVerdictsOfServicesOneCalls(t *testing.T) {
	for user, want := range map[string]string{"ada": "f1", "bob": "f1 f2", "carl": "f1", "off": "", "admin": "f1 f2"} {
		s := crowd()
		if user == "carl" { // called the service, and is no evidence
			s.calls = append(s.calls, owned("carl-9", "u-carl"))
		}
		var got struct{ Verdicts []call.Finding }
		decode(t, open(config(s), visit(user, prefix+"api/v1/verdicts")), &got)
		var ids []string
		for _, f := range got.Verdicts {
			ids = append(ids, f.ID)
		}
		if strings.Join(ids, " ") != want {
			t.Errorf("%s sees %v, want %s", user, ids, want)
		}
	}
}

// TestTheFeedOfOneUser: others' events are not in it, and leave no gap.
func TestTheFeedOfOneUser(t *testing.T) {
	hub := web.NewHub()
	s := crowd()
	c := config(s)
	c.Hub = hub
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Test-User", "ada")
		service(c).ServeHTTP(w, r)
	}))
	t.Cleanup(func() { _ = hub.Close(context.Background()); server.Close() })
	f := follow(t, server.URL+strings.TrimSuffix(prefix, "/"), "")
	ctx := t.Context()
	for _, r := range []call.Record{s.calls[1], s.calls[0], s.calls[2], s.calls[3]} {
		_ = hub.Started(ctx, r)
		_ = hub.Record(ctx, r)
	}
	_ = hub.Finding(ctx, s.findings[1])
	_ = hub.Finding(ctx, s.findings[0])
	var got []string
	for range 3 {
		e := f.next()
		got = append(got, e["event"])
		for _, id := range []string{"bob-", "none-", "canary"} {
			if strings.Contains(e["data"], id) {
				t.Errorf("%s is in %v", id, e)
			}
		}
	}
	if want := "started record finding"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestWhoIsNotLetIn(t *testing.T) {
	w := open(config(crowd()), visit("nobody", prefix+"api/v1/calls"))
	if code, _ := problem(t, w); w.Code != 401 || code != "unauthorized" {
		t.Errorf("a program: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"", "call/ada-1", "call/ada-1/content", "verdicts", "style.css"} {
		w := open(config(crowd()), visit("nobody", prefix+path))
		if w.Code != 401 || !strings.Contains(w.Body.String(), "Log in.") || strings.Contains(w.Body.String(), "ada") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		up := strings.Repeat("../", strings.Count(path, "/"))
		if !strings.Contains(w.Body.String(), `href="`+up+`style.css"`) {
			t.Errorf("%s: a page without its style: %s", path, w.Body)
		}
	}
	r := visit("nobody", prefix)
	r.Header.Set("Authorization", "Bearer "+token) // of the run: for the admin listener
	if w := open(config(crowd()), r); w.Code != 401 {
		t.Errorf("the run's token: %d", w.Code)
	}
	if w := open(config(crowd()), visit("nobody", prefix+"?token="+token)); w.Code != 401 || len(w.Result().Cookies()) != 0 {
		t.Errorf("the run's token in the address: %d", w.Code)
	}
	for status, code := range map[int]string{403: "forbidden", 503: "hub_unavailable"} {
		w := httptest.NewRecorder()
		web.Refuse(prefix)(w, visit("", prefix+"api/v1/calls"), status, "why")
		if got, _ := problem(t, w); got != code || w.Code != status {
			t.Errorf("%d: %d %s", status, w.Code, w.Body)
		}
	}
}

// TestPathsOfTheService: what is its own, and nothing else of the listener.
func TestPathsOfTheService(t *testing.T) {
	for path, status := range map[string]int{
		prefix: 200, "/services/llmtap": 307, prefix + "style.css": 200, prefix + "oauth_callback?code=x": 418, prefix + "oauth_callback/x": 404,
		prefix + "metrics": 404, prefix + "healthz": 404, prefix + "readyz": 404, "/": 404, "/metrics": 404, "/api/v1/calls": 404,
		"/services/llmtapx/": 404, prefix + "services/llmtap/": 404, prefix + "call/": 404,
	} {
		w := open(config(crowd()), visit("admin", path))
		if w.Code != status {
			t.Errorf("%s: %d, want %d", path, w.Code, status)
		}
		if status == 307 && w.Header().Get("Location") != prefix {
			t.Errorf("%s leads to %q", path, w.Header().Get("Location"))
		}
		if h := w.Header(); h.Get("X-Frame-Options") != "DENY" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE"} {
		r := visit("admin", prefix+"api/v1/calls")
		r.Method = method
		if w := open(config(crowd()), r); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

// TestLogoutIsOurs: another site cannot log a user out, and a link cannot.
func TestLogoutIsOurs(t *testing.T) {
	for name, tc := range map[string]struct {
		method, site, origin string
		status               int
		gone                 bool
	}{
		"ours":          {"POST", "same-origin", "https://hub.example", 200, true},
		"older browser": {"POST", "", "https://hub.example", 200, true},
		"another site":  {"POST", "cross-site", "https://evil.example", 403, false},
		"a sibling":     {"POST", "same-site", "https://ada.hub.example", 403, false},
		"a link":        {"GET", "same-origin", "", 404, false},
	} {
		r := visit("ada", prefix+"logout")
		r.Method = tc.method
		r.Header.Set("Sec-Fetch-Site", tc.site)
		r.Header.Set("Origin", tc.origin)
		w := open(config(crowd()), r)
		if w.Code != tc.status || (len(w.Result().Cookies()) == 1) != tc.gone {
			t.Errorf("%s: %d, cookies %v", name, w.Code, w.Result().Cookies())
		}
		if tc.gone && !strings.Contains(w.Body.String(), "You are logged out") {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

// TestContentIsAudited: who looks at what was said leaves a line, once a look.
func TestContentIsAudited(t *testing.T) {
	for user, want := range map[string]int{"ada": 200, "bob": 404, "admin": 200} {
		var log bytes.Buffer
		c := config(crowd())
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		page := open(c, visit(user, prefix+"call/ada-1"))
		if want == 200 && !strings.Contains(page.Body.String(), `href="ada-1/content"`) || strings.Contains(page.Body.String(), "prompt-canary") || log.Len() > 0 {
			t.Errorf("%s, the call: %s, log %s", user, page.Body, &log)
		}
		w := open(c, visit(user, prefix+"call/ada-1/content"))
		if w.Code != want || strings.Contains(w.Body.String(), "prompt-canary") != (want == 200) {
			t.Errorf("%s: %d %s", user, w.Code, w.Body)
		}
		line := `level=WARN msg="audit: content shown" viewer=` + user + " call=ada-1 user=u-ada"
		if got := strings.Count(log.String(), line); got != map[int]int{200: 1}[want] || strings.Contains(log.String(), "canary") {
			t.Errorf("%s: log %s", user, &log)
		}
	}
	s := crowd()
	s.calls[0].Content = call.Content{}
	if w := open(config(s), visit("ada", prefix+"call/ada-1/content")); w.Code != 404 {
		t.Errorf("content that was not kept: %d", w.Code)
	}
	if w := open(config(s), visit("ada", prefix+"call/ada-1")); strings.Contains(w.Body.String(), "/content") {
		t.Error("a link to what was not kept")
	}
}

func TestThePageSaysWhoLooks(t *testing.T) {
	for user, want := range map[string][]string{
		"ada": {">ada<", "Log out", "1 call<"}, "admin": {"admin, who sees the calls of all", "u-bob", "5 calls<", "<th scope=\"col\">User"}, "off": {"identity.user: off", "0 calls"},
	} {
		w := open(config(crowd()), visit(user, prefix))
		for _, text := range want {
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s: %q is not on the page:\n%s", user, text, w.Body)
			}
		}
	}
	if w := serve(config(crowd()), request("/")); strings.Contains(w.Body.String(), "Log out") || !strings.Contains(w.Body.String(), "5 calls") {
		t.Errorf("with the run's token: %s", w.Body)
	}
}

// TestASlowStoreIsNoFault: the page says so, and lets nothing through.
func TestASlowStoreIsNoFault(t *testing.T) {
	s := crowd()
	s.err = context.DeadlineExceeded
	for _, path := range []string{"call/ada-1", "verdicts", "trace/" + strings.Repeat("a", 32)} {
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		w := open(config(s), visit("ada", prefix+path).WithContext(ctx))
		cancel()
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
