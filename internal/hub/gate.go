package hub

import (
	"context"
	"crypto/hmac"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Deps is what a Gate needs of the program around it.
type Deps struct {
	// Refuse answers a request that is not let in, with a text for its user.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, text string)
	// Log takes what an admin should know; slog.Default if nil.
	Log *slog.Logger
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Gate lets users in. It is safe for concurrent use.
type Gate struct {
	c    Config
	deps Deps
	hub  client
	// key signs the states of this process: a restart voids logins under way.
	key  []byte
	open sessions
}

// New returns a Gate; Close it.
func New(c Config, d Deps) *Gate {
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Gate{c: c, deps: d, hub: newClient(c), key: []byte(random()), open: sessions{all: map[string]session{}}}
}

// Close ends the connections to the hub. It is safe to call twice.
func (g *Gate) Close() error {
	g.hub.http.CloseIdleConnections()
	return nil
}

// Identify returns who asks. When ok is false it has answered: sent a browser
// to log in, or refused.
func (g *Gate) Identify(w http.ResponseWriter, r *http.Request) (u User, ok bool) {
	u, err := g.who(r)
	switch {
	case err == nil:
		return u, true
	case errors.Is(err, errForbidden):
		g.deps.Refuse(w, r, http.StatusForbidden, "The hub does not let you use this service: it asks for the scope access:services!service="+g.c.Name+".")
	case !errors.Is(err, errRefused):
		g.unreachable(w, r, err)
	case r.Header.Get("Authorization") != "":
		g.deps.Refuse(w, r, http.StatusUnauthorized, "The hub does not know this token.")
	case r.Method != http.MethodGet || strings.HasPrefix(r.URL.Path, g.c.Prefix+"api/"):
		g.deps.Refuse(w, r, http.StatusUnauthorized, "Log in at "+g.c.Prefix+" first, or send a token of the hub as `Authorization: token TOKEN`.")
	default:
		g.login(w, r)
	}
	return User{}, false
}

func (g *Gate) unreachable(w http.ResponseWriter, r *http.Request, err error) {
	g.deps.Log.Warn("the hub could not say who asks", "error", err.Error())
	w.Header().Set("Retry-After", "10")
	g.deps.Refuse(w, r, http.StatusServiceUnavailable, "The hub does not answer, so it is not known who you are. Try again soon.")
}

// who finds the session of a request, and asks the hub where its word is old.
func (g *Gate) who(r *http.Request) (User, error) {
	now := g.deps.Now()
	if token, ok := shownToken(r); ok {
		one, known := g.open.find(byToken+token, now)
		if !known {
			one = session{token: token, until: now.Add(life)}
		}
		return g.fresh(r.Context(), byToken+token, one, now)
	}
	cookie, err := r.Cookie(g.cookie())
	if err != nil {
		return User{}, errRefused
	}
	one, known := g.open.find(byCookie+cookie.Value, now)
	if !known {
		return User{}, errRefused
	}
	return g.fresh(r.Context(), byCookie+cookie.Value, one, now)
}

// fresh returns the session's user, by the hub's word of at most recheck ago.
func (g *Gate) fresh(ctx context.Context, secret string, one session, now time.Time) (User, error) {
	if !one.asked.IsZero() && now.Sub(one.asked) < recheck {
		return one.user, nil
	}
	user, err := g.hub.whose(ctx, one.token)
	if err != nil {
		if errors.Is(err, errRefused) || errors.Is(err, errForbidden) {
			g.open.end(secret)
		}
		return User{}, err
	}
	one.user, one.asked = user, now
	g.open.renew(secret, one, now)
	return user, nil
}

// shownToken is the API token of a program; ok is false if it shows none.
func shownToken(r *http.Request) (token string, ok bool) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", false
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "token") && !strings.EqualFold(scheme, "bearer") {
		return "", true // nobody's
	}
	return strings.TrimSpace(token), true
}

// login sends a browser to the hub.
func (g *Gate) login(w http.ResponseWriter, r *http.Request) {
	s := state{ID: random()[:16], Until: g.deps.Now().Add(loginTime).Unix(), Next: r.URL.RequestURI()}
	sealed := s.sealed(g.key)
	g.setCookie(w, r, g.cookie()+"-"+s.ID, sealed, loginTime)
	q := url.Values{"client_id": {g.c.ClientID}, "redirect_uri": {g.c.Callback}, "response_type": {"code"}, "state": {sealed}}
	w.Header().Set("Location", g.c.Authorize+"?"+q.Encode())
	w.WriteHeader(http.StatusFound)
}

// Callback is where the hub sends a browser back to: it checks that this
// browser began the login, trades the code for a token, and lets the user in.
func (g *Gate) Callback(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s, ok := openState(g.key, q.Get("state"), g.deps.Now())
	if ok {
		began, err := r.Cookie(g.cookie() + "-" + s.ID)
		ok = err == nil && hmac.Equal([]byte(began.Value), []byte(q.Get("state")))
	}
	if !ok {
		g.deps.Refuse(w, r, http.StatusForbidden, "This login was not begun in this browser, or took too long. Open "+g.c.Prefix+" to begin again.")
		return
	}
	g.setCookie(w, r, g.cookie()+"-"+s.ID, "", -time.Second) // it is good for once
	if q.Get("code") == "" {
		g.deps.Refuse(w, r, http.StatusForbidden, "The hub did not let you in. Open "+g.c.Prefix+" to try again.")
		return
	}
	now, user, token, err := g.deps.Now(), User{}, "", error(nil)
	if token, err = g.hub.exchange(r.Context(), q.Get("code")); err == nil {
		user, err = g.hub.whose(r.Context(), token)
	}
	switch {
	case errors.Is(err, errForbidden):
		g.deps.Refuse(w, r, http.StatusForbidden, "The hub does not let you use this service: it asks for the scope access:services!service="+g.c.Name+".")
	case errors.Is(err, errRefused):
		g.deps.Refuse(w, r, http.StatusForbidden, "The hub does not take this login. Open "+g.c.Prefix+" to begin again.")
	case err != nil:
		g.unreachable(w, r, err)
	default:
		secret := random()
		g.open.put(byCookie+secret, session{user: user, token: token, until: now.Add(life), asked: now}, now)
		g.setCookie(w, r, g.cookie(), secret, life)
		w.Header().Set("Location", s.Next)
		w.WriteHeader(http.StatusFound)
	}
}

// Logout ends the browser's session here; at the hub it stays logged in. The
// caller answers, and has checked that the request is not another site's.
func (g *Gate) Logout(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(g.cookie()); err == nil {
		g.open.end("cookie " + c.Value)
	}
	g.setCookie(w, r, g.cookie(), "", -time.Second)
}

// cookie names the session's cookie: services of one host may be several.
func (g *Gate) cookie() string { return "llmtap-" + digest(g.c.Prefix)[:8] }

func (g *Gate) setCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where the browser came by HTTPS: hubs on loopback do not
		Name: name, Value: value, Path: g.c.Prefix, MaxAge: int(age / time.Second), HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.EqualFold(strings.TrimSpace(proto), "https"),
	})
}
