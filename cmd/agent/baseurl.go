package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"llmtap/capture"
)

// reroute is a variable that exec --base-url points at a base-URL route.
type reroute struct {
	Variable string `json:"variable"`
	Route    string `json:"route"`
	// Upstream is scheme and host of the service, without path and user.
	Upstream string `json:"upstream"`
	from     *url.URL
}

// filled are the endpoints of variables that are not set, but that clients
// read before they go to the public service. Where another variable of the same
// service is set, or a client is about that would misunderstand one, it is left.
func filled(getenv func(string) string) []endpoint {
	set := map[string]bool{}
	for _, v := range endpointVariables() {
		set[v.route] = set[v.route] || getenv(v.name) != ""
	}
	var out []endpoint
	for _, v := range endpointVariables() {
		if !v.fill || set[v.route] || slices.ContainsFunc(v.unless, func(name string) bool { return getenv(name) != "" }) {
			continue
		}
		if e, ok := v.endpoint(v.service); ok {
			e.standard = true
			out = append(out, e)
		}
	}
	return out
}

// reroutes gives each endpoint that can have one a route. Endpoints of one
// service share it; names that the operator's own routes have are not taken.
func reroutes(found []endpoint, own []capture.Route) []reroute {
	taken := map[string]string{}
	for _, r := range own {
		taken[r.Name] = "" // whatever it leads to, it stays the operator's
	}
	var out []reroute
	for _, e := range found {
		if e.route == "" {
			continue
		}
		r := reroute{Variable: e.variable, Route: e.route, Upstream: e.origin(), from: e.url}
		for n := 2; ; n++ {
			at, there := taken[r.Route]
			if !there || at == r.Upstream {
				break
			}
			r.Route = fmt.Sprintf("%s-%d", e.route, n)
		}
		taken[r.Route] = r.Upstream
		out = append(out, r)
	}
	return out
}

// origin is scheme and host. The standard port stays out of it, as it does out
// of the Host that the client would have sent.
func (e endpoint) origin() string {
	standard := map[bool]string{true: "80", false: "443"}[e.plain]
	return e.url.Scheme + "://" + strings.TrimSuffix(e.address(), ":"+standard)
}

// flag is the route as --route takes it.
func (r reroute) flag() string { return r.Route + "=" + r.Upstream }

// variable is the client's variable with the route in front: user, path and
// query of the old address stay.
func (r reroute) variable(base string) variable {
	user := ""
	if r.from.User != nil {
		user = r.from.User.String() + "@"
	}
	value := "http://" + user + strings.TrimPrefix(base, "http://") + "/" + r.Route + r.from.EscapedPath()
	if r.from.RawQuery != "" {
		value += "?" + r.from.RawQuery
	}
	return variable{r.Variable, value}
}
