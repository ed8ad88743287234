package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
)

// policy forbids everything that the pages do not use: there is no script.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// harden sets the headers of every answer.
func harden(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func notAllowed(w http.ResponseWriter) {
	w.Header().Set("Allow", "GET, HEAD")
	fail(w, http.StatusMethodNotAllowed, "method_not_allowed", "nothing here can be changed: use GET")
}

// known refuses foreign hosts and methods before any route is chosen.
func (s *Server) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		harden(w.Header())
		switch {
		case !s.knownHost(r.Host):
			fail(w, http.StatusMisdirectedRequest, "unknown_host",
				"this listener answers to loopback names, IP addresses and its configured hosts only")
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			notAllowed(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// knownHost stops DNS rebinding: a page of another site reaches us only under
// its own name. An IP address cannot be rebound.
func (s *Server) knownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return s.hosts[host] || strings.HasSuffix(host, ".localhost")
}

// door lets in who knows the token. Its cookie carries a keyed digest instead
// of the token, under a name of its own per token: browsers send cookies to
// every port of a host, and two agents must not overwrite each other's.
type door struct {
	token        string
	cookie, pass string
}

func newDoor(token string) door {
	m := hmac.New(sha256.New, []byte(token))
	m.Write([]byte("llmtap admin cookie"))
	sum := hex.EncodeToString(m.Sum(nil))
	return door{token: token, cookie: "llmtap_" + sum[:8], pass: sum[8:]}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// knows says whether the request carries the token or the cookie.
func (d door) knows(r *http.Request) bool {
	if d.token == "" {
		return false
	}
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return same(strings.TrimSpace(token), d.token)
	}
	c, err := r.Cookie(d.cookie)
	return err == nil && same(c.Value, d.pass)
}

// guard answers 401 without token, and exchanges ?token= for the cookie.
func (d door) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case q.Has("token") && d.token != "" && same(q.Get("token"), d.token):
			d.admit(w, r)
		case !q.Has("token") && d.knows(r):
			next.ServeHTTP(w, as(r, Viewer{Name: "the run's token", All: true}))
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="llmtap"`)
			fail(w, http.StatusUnauthorized, "unauthorized",
				"send the run's token as `Authorization: Bearer TOKEN`, or open the page once with ?token=TOKEN; it is in run.json of the state directory")
		}
	})
}

// admit sets the cookie and sends the browser to the same page without the
// token, by a relative address so that a path prefix in front of us stays.
func (d door) admit(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: d.cookie, Value: d.pass, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // not Secure: the listener speaks plain HTTP
	q := r.URL.Query()
	q.Del("token")
	_, last := path.Split(r.URL.EscapedPath())
	to := "./" + last
	if rest := q.Encode(); rest != "" {
		to += "?" + rest
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// local lets loopback in without token; others need it.
func (d door) local(next http.Handler) http.Handler {
	guarded := d.guard(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fromLoopback(r) {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// fromLoopback is false when a proxy on this machine asks for somebody else.
func fromLoopback(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && a.Addr().Unmap().IsLoopback()
}
