package compare

import (
	"slices"
	"strconv"
	"strings"

	"llmtap/internal/call"
)

// family groups the properties of a call. The order is the canonical priority:
// the smaller and the cheaper to change, the earlier.
type family uint8

const (
	familyStream family = iota
	familyStreamOptions
	familyQuery
	familyAddress
	familyBody
	familyHeader
	familyProtocol
	familyClient
	familyIdentity
	familyNetwork
	familyContent
	familyAnswer // from here on consequences
	familyAnswerBody
	familyAnswerHeader
	familyTiming
	familyCount
)

// facet is one property of a call under the path that a Change names.
type facet struct {
	path   string
	family family
	value  facetValue
}

// profile is what can be compared of one call.
type profile struct {
	facets []facet // sorted by path, each once
	// whole families were read completely: what is missing there is absent.
	whole [familyCount]bool
}

func profileOf(r *call.Record) profile {
	p := profile{facets: make([]facet, 0, 64)}
	p.address(r)
	p.body(r)
	p.headers(r)
	p.client(r)
	p.answer(r)
	slices.SortStableFunc(p.facets, func(a, b facet) int { return strings.Compare(a.path, b.path) })
	p.facets = slices.CompactFunc(p.facets, func(a, b facet) bool { return a.path == b.path })
	return p
}

// at returns the value of a path; what is missing is absent only where the
// family was read completely.
func (p *profile) at(path string, f family) facetValue {
	i, ok := slices.BinarySearchFunc(p.facets, path, func(x facet, path string) int { return strings.Compare(x.path, path) })
	switch {
	case ok:
		return p.facets[i].value
	case p.whole[f]:
		return facetValue{known: notThere}
	}
	return facetValue{}
}

func (p *profile) add(f family, path string, v facetValue) {
	if v.known != notKnown {
		p.facets = append(p.facets, facet{path, f, v})
	}
}

// plain adds a value that may be shown; an empty one is not known.
func (p *profile) plain(f family, path, text string) {
	if text != "" && text != Unknown {
		p.add(f, path, facetValue{plainValue, text})
	}
}

// secret adds a value that is compared and never shown; an empty one is not
// known.
func (p *profile) secret(f family, path, text string) {
	if text != "" && text != Unknown {
		p.add(f, path, facetValue{secretValue, text})
	}
}

func (p *profile) address(r *call.Record) {
	t := &r.Target
	p.plain(familyAddress, "url.scheme", t.Scheme)
	p.plain(familyAddress, "url.host", t.Host)
	if t.Port > 0 {
		p.plain(familyAddress, "url.port", strconv.Itoa(t.Port))
	}
	if !r.Request.IsHTTP() {
		return
	}
	p.plain(familyAddress, "request.method", r.Request.Method)
	p.plain(familyAddress, "url.path", pathShape(r))
	p.plain(familyAddress, "target.api", t.API)
	p.plain(familyAddress, "target.deployment", t.Deployment)
	if modelInPath(r) {
		p.plain(familyAddress, "target.model", t.Model)
	}
	p.query(r)
}

// pathShape is the path with deployment and model taken out: they are
// properties of their own.
func pathShape(r *call.Record) string {
	path := r.Request.Path
	for _, x := range []struct{ name, mark string }{{r.Target.Deployment, "{deployment}"}, {r.Target.Model, "{model}"}} {
		if x.name == "" {
			continue
		}
		if i := strings.LastIndex(path, "/"+x.name); i >= 0 {
			rest := path[i+1+len(x.name):]
			if rest == "" || rest[0] == '/' || rest[0] == ':' {
				path = path[:i+1] + x.mark + rest
			}
		}
	}
	return path
}

// modelInPath tells a model that the path names from one that the body names.
func modelInPath(r *call.Record) bool {
	return r.Target.Deployment == "" && strings.Contains(pathShape(r), "{model}")
}

// query takes the parameters apart. Records without a URL know the API version
// at most.
func (p *profile) query(r *call.Record) {
	_, query, _ := strings.Cut(r.Request.URL, "?")
	query, _, _ = strings.Cut(query, "#")
	for kv := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(kv, "=")
		switch {
		case name == "":
		case strings.EqualFold(name, "api-version"), name == "alt", name == "beta", name == "stream":
			p.add(familyQuery, "query."+strings.ToLower(name), facetValue{plainValue, value})
		case value == "REDACTED":
			p.add(familyQuery, "query."+name, facetValue{known: someValue})
		default:
			p.add(familyQuery, "query."+name, facetValue{secretValue, value})
		}
	}
	p.plain(familyQuery, "query.api-version", r.Target.APIVersion)
	p.whole[familyQuery] = r.Request.URL != "" && r.Agent.View != call.ViewOpaque
}

// client adds who called, from where, and on what connection.
func (p *profile) client(r *call.Record) {
	c := &r.Client
	p.plain(familyClient, "client.name", c.Name)
	p.plain(familyClient, "client.version", c.Version)
	p.plain(familyClient, "client.sdk", c.SDK)
	p.plain(familyClient, "client.sdk_version", c.SDKVersion)
	p.plain(familyClient, "client.surface", c.Surface)
	p.plain(familyClient, "client.framework", c.Framework)
	if c.Framework == "" && c.Kind == call.ClientDirect {
		p.add(familyClient, "client.framework", facetValue{known: notThere})
	}
	p.plain(familyClient, "client.user_agent", c.UserAgent)
	p.secret(familyIdentity, "client.user", c.User)
	p.secret(familyIdentity, "client.address", c.Address)
	p.plain(familyIdentity, "client.process", c.Process.Name)

	p.plain(familyNetwork, "network.peer", r.Agent.PeerAddress)
	p.plain(familyNetwork, "network.way", r.Agent.Mode.String())
	switch {
	case r.Request.Hints.ReusedConn:
		p.plain(familyNetwork, "network.connection_reused", "true")
	case !r.Timing.Dial.IsZero():
		p.plain(familyNetwork, "network.connection_reused", "false")
	}
}
