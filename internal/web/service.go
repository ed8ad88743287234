package web

import (
	"net/http"
	"net/url"
	"strings"
)

// Service is the way to the pages through a JupyterHub.
type Service struct {
	// Prefix is the path of the pages in the hub, with both slashes.
	Prefix string
	// Who returns on whose behalf a request asks; when ok is false it has
	// answered the request itself.
	Who func(w http.ResponseWriter, r *http.Request) (v Viewer, ok bool)
	// Callback takes the browser that comes back from the hub's login, at this
	// path; Logout ends the browser's session and leaves the answer to us.
	Callback     http.HandlerFunc
	CallbackPath string
	Logout       http.HandlerFunc
}

// Service returns the handler of the pages and the API in a hub. It has no
// health, no metrics and no token of the run. The hub's proxy hands on the name
// that the browser used, so any Host is taken: what is shown hangs on a cookie
// that another name does not get.
func (s *Server) Service(v Service) http.Handler {
	base := strings.TrimSuffix(v.Prefix, "/")
	inner := http.NewServeMux()
	s.routes(inner.HandleFunc)
	behind := http.StripPrefix(base, inner)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+v.CallbackPath, v.Callback)
	mux.Handle("POST "+v.Prefix+"logout", logout(v))
	mux.HandleFunc(v.Prefix, func(w http.ResponseWriter, r *http.Request) {
		if who, ok := v.Who(w, r); ok {
			behind.ServeHTTP(w, as(r, who))
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		harden(w.Header())
		if r.Method != http.MethodGet && r.Method != http.MethodHead && r.URL.Path != v.Prefix+"logout" {
			notAllowed(w)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// logout is the one thing that changes something, so it must come from a page
// of ours.
func logout(v Service) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.Logout(w, r)
		render(w, http.StatusOK, "notice", notice{head: head{Title: "Logged out"}, Text: "You are logged out of llmtap. At the hub you still are logged in."})
	}))
}

// Refuse answers a request of the service that is not let in: a program in
// JSON, a browser with a page.
func Refuse(prefix string) func(w http.ResponseWriter, r *http.Request, status int, text string) {
	return func(w http.ResponseWriter, r *http.Request, status int, text string) {
		if strings.HasPrefix(r.URL.Path, prefix+"api/") {
			code := map[int]string{http.StatusUnauthorized: "unauthorized", http.StatusForbidden: "forbidden"}[status]
			if code == "" {
				code = "hub_unavailable"
			}
			fail(w, status, code, text)
			return
		}
		render(w, status, "notice", notice{head: head{Title: http.StatusText(status), Base: upTo(prefix, r.URL)}, Text: text})
	}
}

// upTo is the relative way from a page to the prefix.
func upTo(prefix string, u *url.URL) string {
	return strings.Repeat("../", strings.Count(strings.TrimPrefix(u.Path, prefix), "/"))
}
