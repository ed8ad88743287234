package compare

import (
	"strings"

	"llmtap/internal/call"
)

// headers adds the request's header lines, how it authenticated and its HTTP
// version.
func (p *profile) headers(r *call.Record) {
	for _, h := range r.Request.Hints.Headers {
		name := strings.ToLower(h.Name)
		switch {
		case name == "" || perCall(name):
		case shownHeader(name):
			p.add(familyHeader, "header."+name, facetValue{plainValue, h.Value})
		default:
			p.add(familyHeader, "header."+name, facetValue{secretValue, h.Value})
		}
	}
	p.plain(familyHeader, "header.x-stainless-read-timeout", r.Request.Hints.ReadTimeout)
	p.whole[familyHeader] = len(r.Request.Hints.Headers) > 0 && r.Agent.View != call.ViewOpaque
	p.plain(familyProtocol, "http.version", r.Request.HTTP)
	p.plain(familyProtocol, "auth.scheme", r.Target.Auth.Scheme)
	p.secret(familyIdentity, "auth.credential", r.Target.Auth.Digest.String())
	if r.Target.Auth.Scheme == "none" {
		p.add(familyIdentity, "auth.credential", facetValue{known: notThere})
	}
}

// perCall reports whether a header is new with every call, or says again what
// the client's name and version say.
func perCall(name string) bool {
	switch name {
	case "content-length", "date", "age", "x-request-id", "request-id", "x-ms-client-request-id", "amz-sdk-invocation-id",
		"amz-sdk-request", "x-stainless-retry-count", "x-stainless-package-version", "x-stainless-lang", "x-goog-api-client",
		"user-agent", "traceparent", "host":
		return true
	}
	return false
}

// shownHeader reports whether a request header's value may be shown: it says
// how the client talks, never who it is.
func shownHeader(name string) bool {
	switch name {
	case "accept", "accept-encoding", "connection", "content-encoding", "content-type", "expect", "te", "transfer-encoding",
		"anthropic-version", "anthropic-beta", "openai-beta", "openai-version":
		return true
	}
	if !strings.HasPrefix(name, "x-stainless-") {
		return false
	}
	for _, part := range []string{"key", "token", "secret", "auth", "password", "cookie"} {
		if strings.Contains(name, part) {
			return false
		}
	}
	return true
}

// shownAnswer reports whether a response header's value may be shown; of the
// others (ids, counters) only the presence is compared.
func shownAnswer(name string) bool {
	switch name {
	case "server", "via", "x-ms-region", "x-accel-buffering", "x-cache", "cf-cache-status", "x-should-retry", "retry-after",
		"openai-version", "content-encoding", "transfer-encoding", "x-amzn-errortype":
		return true
	}
	return false
}
