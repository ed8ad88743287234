package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/web"
)

var guardedPaths = []string{
	"/", "/style.css", "/api/v1/calls", "/api/v1/calls/a", "/api/v1/verdicts", "/api/v1/tunnels", "/api/v1/live", "/api/v1/info",
	"/api/v1/diff", "/nowhere", "/call/a", "/call/a/content", "/trace/0123456789abcdef0123456789abcdef", "/verdicts",
}

func TestNoTokenNoAnswer(t *testing.T) {
	for _, path := range guardedPaths {
		for name, change := range map[string]func(*http.Request){
			"none":             func(*http.Request) {},
			"wrong":            func(r *http.Request) { r.Header.Set("Authorization", "Bearer t0keN") },
			"prefix":           func(r *http.Request) { r.Header.Set("Authorization", "Bearer t0ke") },
			"empty":            func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") },
			"another scheme":   func(r *http.Request) { r.SetBasicAuth("x", token) },
			"in the query":     func(r *http.Request) { r.URL.RawQuery = "token=wrong" },
			"empty query":      func(r *http.Request) { r.URL.RawQuery = "token=" },
			"foreign cookie":   func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "llmtap", Value: token}) },
			"feed":             func(r *http.Request) { r.Header.Set("Accept", "text/event-stream") },
			"two in the query": func(r *http.Request) { r.URL.RawQuery = "token=wrong&token=" + token },
		} {
			r := bare(path, "127.0.0.1:1")
			change(r)
			w := serve(config(&shelf{calls: []call.Record{record("a")}}), r)
			if code, message := problem(t, w); w.Code != 401 || code != "unauthorized" || !strings.Contains(message, "run.json") {
				t.Errorf("%s, token %s: %d %s", path, name, w.Code, w.Body)
			}
			if len(w.Result().Cookies()) != 0 || w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s, token %s: headers %v", path, name, w.Header())
			}
		}
	}
}

func TestAnEmptyTokenOpensNothing(t *testing.T) {
	c := config(&shelf{})
	c.Token = ""
	for _, r := range []*http.Request{bare("/api/v1/calls", "127.0.0.1:1"), bare("/api/v1/calls?token=", "127.0.0.1:1"), request("/api/v1/calls")} {
		if strings.HasSuffix(r.Header.Get("Authorization"), token) {
			r.Header.Set("Authorization", "Bearer ")
		}
		if w := serve(c, r); w.Code != 401 {
			t.Errorf("%s: %d", r.URL, w.Code)
		}
	}
}

func TestTheTokenBecomesACookieOnce(t *testing.T) {
	c := config(&shelf{})
	w := serve(c, bare("/api/v1/calls?limit=3&token="+token+"&class=ok", "127.0.0.1:1"))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "./calls?class=ok&limit=3" {
		t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Path != "/" {
		t.Fatalf("cookies %v", cookies)
	}
	if strings.Contains(cookies[0].String(), token) {
		t.Errorf("the cookie shows the token: %s", cookies[0])
	}
	r := bare("/api/v1/calls", "127.0.0.1:1")
	r.AddCookie(cookies[0])
	if w := serve(c, r); w.Code != 200 {
		t.Errorf("with the cookie: %d", w.Code)
	}
	r.Header.Set("Authorization", "Bearer wrong")
	if w := serve(c, r); w.Code != 401 {
		t.Errorf("a wrong token beside the cookie: %d", w.Code)
	}
	r.Header.Del("Authorization")
	r.URL.RawQuery = "token=wrong"
	if w := serve(c, r); w.Code != 401 {
		t.Errorf("a wrong token in the query beside the cookie: %d", w.Code)
	}
	r.URL.RawQuery = ""
	c.Token = "next run's"
	r.Header.Del("Authorization")
	if w := serve(c, r); w.Code != 401 {
		t.Errorf("the cookie of an earlier run: %d", w.Code)
	}
	if w := serve(config(&shelf{}), bare("/?token="+token, "127.0.0.1:1")); w.Header().Get("Location") != "./" {
		t.Errorf("the page leads to %q", w.Header().Get("Location"))
	}
}

func TestTheCookieWorksInABrowser(t *testing.T) {
	server := httptest.NewServer(web.New(config(&shelf{calls: []call.Record{record("a")}})).Handler())
	defer server.Close()
	jar := map[string]string{}
	client := server.Client()
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		for _, c := range r.Response.Cookies() {
			jar[c.Name] = c.Value
			r.AddCookie(c)
		}
		if r.Header.Get("Referer") != "" && strings.Contains(r.Header.Get("Referer"), token) {
			t.Logf("this client sends a referrer; browsers obey Referrer-Policy")
		}
		return nil
	}
	res, err := client.Get(server.URL + "/?token=" + token)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Request.URL.RawQuery != "" || len(jar) != 1 {
		t.Errorf("%d at %s, cookies %v", res.StatusCode, res.Request.URL, jar)
	}
}

func TestWhoNeedsNoToken(t *testing.T) {
	for name, tc := range map[string]struct {
		from   string
		header string
		want   int
	}{
		"loopback":                {"127.0.0.1:1", "", 200},
		"another loopback":        {"127.8.8.8:1", "", 200},
		"loopback, IPv6":          {"[::1]:1", "", 200},
		"loopback, mapped":        {"[::ffff:127.0.0.1]:1", "", 200},
		"elsewhere":               {"10.0.0.7:1", "", 401},
		"no address":              {"@", "", 401},
		"a proxy on loopback":     {"127.0.0.1:1", "X-Forwarded-For", 401},
		"a standard proxy":        {"127.0.0.1:1", "Forwarded", 401},
		"a proxy of another kind": {"127.0.0.1:1", "X-Real-IP", 401},
	} {
		for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
			r := bare(path, tc.from)
			if tc.header != "" {
				r.Header.Set(tc.header, "10.0.0.7")
			}
			if w := serve(config(&shelf{}), r); w.Code != tc.want {
				t.Errorf("%s, %s: %d, want %d", name, path, w.Code, tc.want)
			}
			r.Header.Set("Authorization", "bearer "+token)
			if w := serve(config(&shelf{}), r); w.Code != 200 {
				t.Errorf("%s, %s with the token: %d", name, path, w.Code)
			}
		}
	}
}

func TestForeignHostsAreMisdirected(t *testing.T) {
	c := config(&shelf{})
	c.Hosts = []string{"Llmtap.Internal"}
	for host, want := range map[string]int{
		"127.0.0.1:4142": 200, "127.0.0.1": 200, "[::1]:4142": 200, "[::1]": 200, "10.1.2.3:4142": 200, "localhost:4142": 200,
		"LOCALHOST": 200, "a.localhost:1": 200, "admin.example:4142": 200, "ADMIN.example": 200, "llmtap.internal:80": 200,
		"evil.example:4142": 421, "evil.example": 421, "": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421,
		"evillocalhost": 421, "admin.example.evil": 421,
	} {
		for _, path := range []string{"/api/v1/calls", "/healthz", "/metrics", "/", "/nowhere"} {
			r := request(path)
			r.Host = host
			w := serve(c, r)
			if got := w.Code; (got == 421) != (want == 421) {
				t.Errorf("host %q, %s: %d, want %d", host, path, got, want)
			}
			if w.Code == 421 {
				if code, _ := problem(t, w); code != "unknown_host" {
					t.Errorf("host %q: code %s", host, code)
				}
			}
		}
	}
}

func TestNothingCanBeChanged(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "ODD"} {
		for _, path := range append([]string{"/healthz", "/metrics"}, guardedPaths...) {
			r := request(path)
			r.Method = method
			w := serve(config(&shelf{}), r)
			if code, _ := problem(t, w); w.Code != 405 || code != "method_not_allowed" || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d %v", method, path, w.Code, w.Header())
			}
		}
	}
	r := request("/api/v1/calls")
	r.Method = http.MethodHead
	if w := serve(config(&shelf{}), r); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestEveryAnswerIsHardened(t *testing.T) {
	foreign := request("/")
	foreign.Host = "evil.example"
	posted := request("/")
	posted.Method = "POST"
	requests := []*http.Request{foreign, posted, bare("/", "127.0.0.1:1"), bare("/?token="+token, "127.0.0.1:1"), request("/metrics"), request("/healthz"), request("/readyz"), request("/api/v1/calls?limit=x")}
	for _, path := range guardedPaths {
		requests = append(requests, request(path))
	}
	for _, r := range requests {
		h := serve(config(&shelf{}), r).Header()
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", r.URL, csp)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", r.URL, name, got)
			}
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: other sites may read it", r.URL)
		}
	}
}
