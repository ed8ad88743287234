package main

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"

	"llmtap/internal/hub"
	"llmtap/internal/web"
)

// hubService reads what a hub tells the service that it started, or an admin
// the one that systemd runs; nil if the process is none.
func hubService(env environment) (*hub.Config, error) {
	c, ok, err := hub.FromEnv(env.getenv)
	if err != nil {
		return nil, usageError{err}
	}
	if !ok {
		return nil, nil //nolint:nilnil // none is no error
	}
	return &c, nil
}

// hubPages shows the users of a hub their calls. The zero one is off.
type hubPages struct {
	c *hub.Config
	// listener is where the hub's proxy asks; nil if the admin listener is.
	listener net.Listener
	server   *http.Server
	gate     *hub.Gate
}

func (s *hubPages) on() bool { return s.c != nil }

// listen opens where the hub's proxy will ask, unless that is one of the
// addresses that are listened on already.
func (s *hubPages) listen(c *hub.Config, there ...string) (err error) {
	s.c = c
	if c == nil || slices.Contains(there, c.Listen) {
		return nil
	}
	if s.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return usagef("JUPYTERHUB_SERVICE_URL: %w", err)
	}
	return nil
}

// start begins to answer, and returns the handler of the admin listener, which
// has the service beside its own where they share an address.
func (s *hubPages) start(a *agent, pages *web.Server) http.Handler {
	c := s.c
	s.gate = hub.New(*c, hub.Deps{Refuse: web.Refuse(c.Prefix), Log: a.parts.log})
	callback := c.Callback
	if u, err := url.Parse(callback); err == nil {
		callback = u.Path
	}
	named := a.s.who.named
	handler := pages.Service(web.Service{
		Prefix: c.Prefix, Callback: s.gate.Callback, CallbackPath: callback, Logout: s.gate.Logout,
		Who: func(w http.ResponseWriter, r *http.Request) (web.Viewer, bool) {
			u, ok := s.gate.Identify(w, r)
			return viewerOf(u, named), ok
		},
	})
	where := a.listeners.admin
	if s.listener != nil {
		where = s.listener
	}
	a.parts.log.Info("pages for the users of the hub", "service", c.Name, "prefix", c.Prefix, "listen", where.Addr().String())
	if s.listener != nil {
		s.server = serveHTTP(a, "service listener", s.listener, handler)
		return pages.Handler()
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler())
	mux.Handle(c.Prefix, handler)
	return mux
}

// close ends what was started; it is safe to call twice, and on a service that
// is off.
func (s *hubPages) close() error {
	var errs []error
	switch {
	case s.server != nil:
		errs = append(errs, s.server.Close())
	case s.listener != nil:
		_ = s.listener.Close() // nobody was served
	}
	if s.gate != nil {
		errs = append(errs, s.gate.Close())
	}
	return errors.Join(errs...)
}

// viewerOf is what a user of the hub may see. A record without a user's token
// is nobody's, also where some user has the name that such records show.
func viewerOf(u hub.User, named func(string) string) web.Viewer {
	v := web.Viewer{Name: u.Name, User: named(u.Name), All: u.Admin, Hub: true}
	if v.User == nobody {
		v.User = ""
	}
	return v
}

// nobody is how records name who showed no token.
const nobody = "unknown"
