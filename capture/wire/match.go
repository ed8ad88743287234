package wire

import (
	"cmp"
	"strings"

	"llmtap/internal/call"
)

// Line is what of a request head says where it goes.
type Line struct {
	Method string
	// Host is the CONNECT name or URL host without port.
	Host string
	Port int
	// Path is the escaped path: model ids may hold an escaped slash.
	Path string
	// Query is the raw query without the question mark.
	Query string
	// Upgrade is the header's value.
	Upgrade string
	// Anthropic tells that the header anthropic-version is there.
	Anthropic bool
}

// Match is what a request line tells of an LLM call. API and Format are empty
// for dialects without a decoder; the rest is filled where the table knows it.
type Match struct {
	API       string
	Provider  string
	Operation string
	Format    string
	// Deployment is Azure's, from the path; Model any model the path names.
	Deployment string
	Model      string
	APIVersion string
	// RoutePrefix is the path before the recognised part: gateways add one.
	RoutePrefix string
	// PathMode is set if the path decides between plain and streamed.
	PathMode call.Mode
	Proof

	matched
}

// Proof is what a match rests on beside the path.
type Proof struct {
	// Confirm names a top-level body key without which it is no LLM call.
	Confirm string
	// Aside: the endpoint is known to ask no model, whatever the body looks like.
	Aside bool
	// Rule is "fingerprint" if the body told what the path did not; else empty.
	Rule string
}

// matched is what of a match only this package uses.
type matched struct {
	decoder   string // the dialect, with or without a decoder
	host      string // the provider that the host name tells, if it does
	asks      string // where the body of a path that tells nothing has its prompt
	anthropic bool   // the header anthropic-version came
}

// Recognize finds the row of the table for a request. llm is true for
// everything that looks like an LLM call; a Match with Confirm set comes with
// false, since its path alone proves nothing.
func Recognize(l Line) (m Match, llm bool) {
	l.Host = strings.TrimSuffix(strings.ToLower(l.Host), ".")
	path := cleanPath(l.Path)
	for i := range table {
		r := &table[i]
		if !r.method(&l) {
			continue
		}
		for _, p := range r.suffixes {
			if found, ok := p.match(path); ok {
				return r.build(&l, found), r.confirm == "" && r.needs&aside == 0
			}
		}
	}
	return unnamed(&l), false
}

// unnamed is the match of a path that tells nothing.
func unnamed(l *Line) Match {
	return Match{
		APIVersion: queryValue(l.Query, "api-version", true),
		matched:    matched{host: hostOf(l.Host, l.Port).provider, anthropic: l.Anthropic},
	}
}

// cleanPath joins repeated slashes and drops one at the end.
func cleanPath(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}

// method reports whether a row takes the request's method, query and upgrade.
func (r *row) method(l *Line) bool {
	socket := strings.EqualFold(l.Upgrade, "websocket")
	switch {
	case r.needs&upgrade != 0:
		return socket
	case socket:
		return false
	case r.needs&get != 0:
		return l.Method == "GET" && queryValue(l.Query, "stream", false) == "true" && r.versioned(l)
	}
	return l.Method == "POST" && r.versioned(l)
}

func (r *row) versioned(l *Line) bool {
	return r.needs&version == 0 || queryValue(l.Query, "api-version", true) != ""
}

// build fills the match of a row.
func (r *row) build(l *Line, f captures) Match {
	h := hostOf(l.Host, l.Port)
	if h.foundry && r.needs&v1 != 0 {
		h.provider = azureOpenAI
	}
	m := unnamed(l)
	m.host = h.provider
	m.Confirm, m.PathMode, m.Aside = r.confirm, r.mode, r.needs&aside != 0
	m.Model, m.RoutePrefix = unescape(f.model), f.prefix
	m.take(r)
	if r.needs&upgrade != 0 { // nothing else names the model
		m.Deployment = queryValue(l.Query, "deployment", false)
		m.Model = queryValue(l.Query, "model", false)
	}
	if f.deployment != "" {
		m.Deployment = unescape(f.deployment)
	}
	m.Model = cmp.Or(m.Deployment, m.Model)
	if r.needs&get != 0 {
		m.PathMode = call.ModeStream
	}
	if h.foundry && r.decoder == "anthropic" {
		m.Provider = "anthropic"
	}
	return m
}

// take makes the match a call of a row's kind.
func (m *Match) take(r *row) {
	m.API, m.Provider, m.Operation, m.decoder = r.api, r.provider, r.operation, r.decoder
	if m.host != "" && r.needs&fixed == 0 {
		m.Provider = m.host
	}
	if r.azure != "" && m.host == azureOpenAI {
		m.API = r.azure
	}
	if r.inference != "" && m.host == azureInference {
		m.API = r.inference
	}
	m.Format = cmp.Or(r.format, r.decoder)
	if formatOf(r.decoder) == &unread && r.decoder != undecoded {
		m.API, m.Format = "", ""
	}
}

// untold makes the match one of no known kind.
func (m *Match) untold() {
	m.API, m.Provider, m.Operation, m.Format, m.Rule, m.decoder = "", m.host, "", "", "", ""
	m.PathMode = call.ModeUnknown
}

// suffix is a compiled path suffix, last segment first. In a segment, {model}
// and {deployment} capture, {} takes anything, and a colon may follow a
// capture: "{model}:generateContent".
type suffix []string

// captures are the texts a suffix took from a path, still escaped.
type captures struct{ prefix, model, deployment string }

func compileSuffix(p string) suffix {
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return parts
}

// match compares segments from the end of the path.
func (s suffix) match(path string) (c captures, ok bool) {
	for _, want := range s {
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			return captures{}, false
		}
		if !c.segment(want, path[i+1:]) {
			return captures{}, false
		}
		path = path[:i]
	}
	c.prefix = path
	return c, true
}

// segment compares one segment, taking what the pattern captures.
func (c *captures) segment(want, have string) bool {
	if !strings.HasPrefix(want, "{") {
		return want == have
	}
	name, after, _ := strings.Cut(want[1:], "}")
	text, ok := strings.CutSuffix(have, after)
	if !ok || text == "" || after != "" && strings.ContainsRune(text, ':') {
		return false
	}
	switch name {
	case "model":
		c.model = text
	case "deployment":
		c.deployment = text
	}
	return true
}

// queryValue returns the first value of a query key, unescaped.
func queryValue(query, key string, fold bool) string {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		if name = unescape(name); name == key || fold && strings.EqualFold(name, key) {
			return unescape(strings.ReplaceAll(value, "+", " "))
		}
	}
	return ""
}

// unescape decodes percent signs; malformed ones stay. The result is valid
// UTF-8, at most maxShort bytes long.
func unescape(s string) string {
	if !strings.ContainsRune(s, '%') {
		return keepString([]byte(s), maxShort)
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && hex(s[i+1]) >= 0 && hex(s[i+2]) >= 0 {
			out = append(out, byte(hex(s[i+1])<<4|hex(s[i+2])))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return keepString(out, maxShort)
}
