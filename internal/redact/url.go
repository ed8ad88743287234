package redact

import (
	"math"
	"net/url"
	"strings"
)

// URL returns the URL or request target u with userinfo and the values of
// secret parameters replaced by Mark. Order, encoding and everything else stay
// as they are, also where u is malformed; only control characters are escaped.
// Secrets with a known form are masked wherever they stand.
func URL(u string) string {
	u = params(userinfo(u))
	x := scanner{src: u, left: math.MaxInt, url: true}
	for x.at < len(u) {
		x.step()
	}
	return x.done()
}

// userinfo masks the userinfo of u and of URLs inside it.
func userinfo(u string) string {
	var out strings.Builder
	done := 0 // u[:done] is in out
	mask := func(from int) {
		if end := userinfoEnd(u, from); end > from {
			out.WriteString(u[done:from])
			out.WriteString(Mark)
			done = end
		}
	}
	switch before, _, ok := strings.Cut(u, "://"); {
	case strings.HasPrefix(u, "//"):
		mask(2)
	case !strings.HasPrefix(u, "/") && (!ok || strings.ContainsAny(before, "@?#")):
		mask(0) // authority form, or a proxy written without scheme
	}
	for at := done; ; {
		n := strings.Index(u[at:], "://")
		if n < 0 {
			break
		}
		at += n + len("://")
		mask(at)
		at = max(at, done)
	}
	if done == 0 {
		return u
	}
	out.WriteString(u[done:])
	return out.String()
}

// userinfoEnd returns where the @ behind a userinfo that begins at s[i] stands,
// or i when there is none.
func userinfoEnd(s string, i int) int {
	s = s[:min(len(s), i+maxValue)]
	host, end := i, i
	for end < len(s) && s[end] > ' ' && strings.IndexByte("/?#\"<>\\`", s[end]) < 0 {
		if s[end] == '@' {
			host = end
		}
		end++
	}
	if host > i || !badPort(s[i:end]) {
		return host
	}
	// The port is none, so this was no host: a password with / ? or # in it.
	for end < len(s) && s[end] > ' ' && strings.IndexByte("\"<>\\`", s[end]) < 0 {
		if s[end] == '@' {
			host = end
		}
		end++
	}
	return host
}

// badPort reports an authority whose port is no number.
func badPort(authority string) bool {
	colon := strings.LastIndexByte(authority, ':')
	if colon < 0 || strings.HasSuffix(authority, "]") {
		return false
	}
	port := authority[colon+1:]
	return strings.Trim(port, "0123456789") != ""
}

// passwordEnd returns where the @ of user:password@host stands when the
// password begins at s[i], or i. It is for what was written without scheme.
func passwordEnd(s string, i int) int {
	s = s[:min(len(s), i+maxValue)]
	end := i
	for end < len(s) && s[end] > ' ' && strings.IndexByte("/?#\"'<>\\`,;(){}", s[end]) < 0 {
		end++
	}
	at := strings.LastIndexByte(s[i:end], '@')
	if at < 1 || i < 2 || !isAlnum(s[i-2]) || i+at+1 == end {
		return i
	}
	return i + at
}

// params masks the values of secret parameters in query and fragment.
func params(u string) string {
	at := strings.IndexAny(u, "?#")
	if at < 0 {
		return u
	}
	var out strings.Builder
	done := 0
	for at < len(u) {
		at++ // over the separator
		name := at
		at += plainLen(u[at:], "=&;?#")
		if at == len(u) || u[at] != '=' {
			continue
		}
		value := at + 1
		if !secretParam(u[name:at]) {
			at = value + plainLen(u[value:], "&;?#")
			continue
		}
		at = value + plainLen(u[value:], "&#")
		if at > value {
			out.WriteString(u[done:value])
			out.WriteString(Mark)
			done = at
		}
	}
	if done == 0 {
		return u
	}
	out.WriteString(u[done:])
	return out.String()
}

// plainLen returns how far s goes without one of the characters of set.
func plainLen(s, set string) int {
	if n := strings.IndexAny(s, set); n >= 0 {
		return n
	}
	return len(s)
}

// paramBefore reports that the = at s[i] ends the name of a secret parameter.
func paramBefore(s string, i int) bool {
	w := nameStart(s, i)
	return w > 0 && w < i && (s[w-1] == '?' || s[w-1] == '&') && secretParam(s[w:i])
}

// secretParam reports whether the value of the parameter is a secret.
func secretParam(name string) bool {
	if strings.ContainsAny(name, "%+") {
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
	}
	name = strings.ToLower(strings.TrimSpace(name))
	switch name {
	case "key", "code", "auth", "jwt", "sas", "ticket", "assertion", "client_assertion":
		return true
	}
	for _, prefix := range []string{"x-amz-", "x-goog-sig", "x-goog-cred"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	kind := strengthOf(name)
	return kind >= keyed || kind == weak && !strings.HasSuffix(name, "key")
}
