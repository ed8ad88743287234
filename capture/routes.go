package capture

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"llmtap/internal/call"
)

// ParseRoute reads NAME=URL.
func ParseRoute(s string) (Route, error) {
	name, raw, ok := strings.Cut(s, "=")
	if !ok || name == "" || strings.ContainsAny(name, "/?# ") {
		return Route{}, fmt.Errorf("capture: parse route %q: want NAME=URL, for example openai=https://api.openai.com/v1", s)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return Route{}, fmt.Errorf("capture: parse route %q: want an http:// or https:// URL after the =", name)
	}
	return Route{Name: name, Upstream: u}, nil
}

// ServeRoutes runs the base-URL listener on l until Shutdown: requests to
// /NAME/… go to the route's upstream, no certificate needed. It owns l.
func (p *Proxy) ServeRoutes(l net.Listener) error {
	routes := map[string]http.Handler{}
	for _, r := range p.cfg.Routes {
		routes[r.Name] = &httputil.ReverseProxy{
			Rewrite:       func(pr *httputil.ProxyRequest) { rewrite(pr, r) },
			Transport:     p.outside,
			FlushInterval: -1,
			ErrorLog:      slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
			ErrorHandler:  broken,
		}
	}
	// No ServeMux: it would redirect paths with // or .. instead of relaying them.
	return p.serve(l, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		name, _, slash := strings.Cut(strings.TrimPrefix(req.URL.EscapedPath(), "/"), "/")
		route, ok := routes[name]
		if !ok || !slash {
			http.Error(w, "llmtap: no such route; known: "+routeNames(p.cfg.Routes), http.StatusNotFound)
			return
		}
		p.outside.serve(w, req, call.CaptureReverse, route)
	}))
}

// broken answers for an upgrade that did not come about; a client that left
// needs no answer, and all other failures were answered by the transport.
func broken(w http.ResponseWriter, r *http.Request, _ error) {
	if r.Context().Err() == nil {
		w.WriteHeader(http.StatusBadGateway)
	}
}

// rewrite points a request at the route's upstream and adds nothing to it.
func rewrite(pr *httputil.ProxyRequest, r Route) {
	out := pr.Out
	rest := strings.TrimPrefix(pr.In.URL.EscapedPath(), "/"+r.Name)
	escaped := strings.TrimSuffix(r.Upstream.EscapedPath(), "/") + rest
	out.URL.Scheme, out.URL.Host = r.Upstream.Scheme, r.Upstream.Host
	if path, err := url.PathUnescape(escaped); err == nil {
		out.URL.Path, out.URL.RawPath = path, escaped
	}
	out.URL.RawQuery = pr.In.URL.RawQuery
	out.Host = r.Upstream.Host
	if _, there := pr.In.Header["User-Agent"]; !there {
		out.Header["User-Agent"] = []string{""}
	}
}

func routeNames(routes []Route) string {
	names := make([]string, len(routes))
	for i, r := range routes {
		names[i] = "/" + r.Name + "/"
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " ")
}
