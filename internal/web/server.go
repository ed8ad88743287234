package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"llmtap/internal/call"
)

// Calls is where records are kept. Errors that wrap call.ErrNotFound or
// call.ErrAmbiguous become 404 and 409.
type Calls interface {
	// Calls returns finished records, newest first.
	Calls(ctx context.Context, q call.Query) ([]call.Record, error)
	// Call returns the record with this id or unique prefix.
	Call(ctx context.Context, id string) (call.Record, error)
	// Findings returns the open findings, newest first, with all the closed too.
	Findings(ctx context.Context, all bool) ([]call.Finding, error)
}

// Info is what a client may want to know about the agent: its version and the
// addresses of its listeners as URLs, empty when it has none.
type Info struct {
	Version string `json:"version"`
	Proxy   string `json:"proxy,omitempty"`
	Admin   string `json:"admin,omitempty"`
	BaseURL string `json:"base_url,omitempty"`
}

// Config is what the pages show. Every source may be nil: its lists are empty
// then, Ready says yes, and without Metrics there is no /metrics.
type Config struct {
	// Token opens what shows calls; with an empty one nothing does.
	Token string
	// Hosts are names, without port, that requests may name beside loopback
	// names, IP addresses and the host of Info.Admin.
	Hosts []string

	Calls   Calls
	Live    func() []call.Record // calls in flight
	Tunnels func() []call.Tunnel
	Ready   func() error // why the agent is not ready; nil when it is
	Metrics http.Handler
	Info    Info
	Hub     *Hub
	// Log takes the audit: who was shown the content of whose call.
	Log *slog.Logger
	// Now is the clock that ?since=10m counts back from; time.Now.
	Now func() time.Time
}

// Server answers on the admin listener.
type Server struct {
	cfg   Config
	door  door
	hosts map[string]bool
}

// New returns a Server for c.
func New(c Config) *Server {
	if c.Calls == nil {
		c.Calls = nothing{}
	}
	if c.Live == nil {
		c.Live = func() []call.Record { return nil }
	}
	if c.Tunnels == nil {
		c.Tunnels = func() []call.Tunnel { return nil }
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	if c.Metrics == nil {
		c.Metrics = http.HandlerFunc(missing)
	}
	if c.Hub == nil {
		c.Hub = NewHub()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{cfg: c, door: newDoor(c.Token), hosts: map[string]bool{"localhost": true}}
	for _, h := range c.Hosts {
		s.hosts[strings.ToLower(h)] = true
	}
	if u, err := url.Parse(c.Info.Admin); err == nil && u.Hostname() != "" {
		s.hosts[strings.ToLower(u.Hostname())] = true
	}
	return s
}

// Handler returns the whole listener. It may be called several times.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	open := func(pattern string, h http.Handler) { mux.Handle(pattern, s.door.local(h)) }
	open("/metrics", s.cfg.Metrics)
	open("/healthz", http.HandlerFunc(alive))
	open("/readyz", http.HandlerFunc(s.ready))
	s.routes(func(pattern string, h func(http.ResponseWriter, *http.Request)) {
		mux.Handle(pattern, s.door.guard(http.HandlerFunc(h)))
	})
	return s.known(mux)
}

// routes adds what shows calls, for viewers that a door let in.
func (s *Server) routes(add func(pattern string, h func(http.ResponseWriter, *http.Request))) {
	d := desk{s.cfg}
	p, a := pages{d}, api{d}
	add("/{$}", p.index)
	add("/call/{id}", p.callPage)
	add("/call/{id}/content", p.contentPage)
	add("/trace/{id}", p.tracePage)
	add("/verdicts", p.verdictsPage)
	add("/style.css", style)
	add("/api/v1/calls", a.calls)
	add("/api/v1/calls/{id}", a.call)
	add("/api/v1/verdicts", a.verdicts)
	add("/api/v1/tunnels", a.tunnels)
	add("/api/v1/live", a.live)
	add("/api/v1/info", a.info)
	add("/api/v1/diff", a.diff)
	add("/", missing)
}

// nothing is a place that keeps no calls.
type nothing struct{}

func (nothing) Calls(context.Context, call.Query) ([]call.Record, error) { return nil, nil }

func (nothing) Call(context.Context, string) (call.Record, error) {
	return call.Record{}, call.ErrNotFound
}

func (nothing) Findings(context.Context, bool) ([]call.Finding, error) { return nil, nil }
