package capture

import (
	"slices"
	"strings"

	"llmtap/capture/observe"
	"llmtap/internal/call"
	"llmtap/internal/redact"
)

// maxHeaders bounds the header lines kept while an exchange lives.
const maxHeaders = 96

// headers is a copy of one request head for fingerprints. Credentials are left
// out: they are digested while the head is at hand and never copied.
type headers struct {
	list []line
}

// line is one of them, its name in lower case.
type line struct {
	call.Header
	shown bool // the record may have it
}

// credential reports whether a header's value must never be copied; allowed is
// what redact.Allowed says of its name.
func credential(lower string, allowed bool) bool {
	switch lower {
	case "authorization", "proxy-authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "set-cookie",
		"x-amz-security-token", "ocp-apim-subscription-key", "sec-websocket-protocol", "authentication-info":
		return true
	}
	return !allowed && // counts of tokens are none
		(strings.Contains(lower, "token") || strings.Contains(lower, "secret") || strings.Contains(lower, "password"))
}

// copy takes over the lines of a head, their texts in one allocation.
func (h *headers) copy(fields []observe.Field) {
	size, n := 0, min(len(fields), maxHeaders)
	for _, f := range fields[:n] {
		size += len(f.Name) + len(f.Value)
	}
	var all strings.Builder
	all.Grow(size) // enough, so that what is sliced on the way stays in place
	h.list = slices.Grow(h.list[:0], n)
	for _, f := range fields[:n] {
		from := all.Len()
		for _, c := range f.Name {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			all.WriteByte(c)
		}
		l := line{Header: call.Header{Name: all.String()[from:]}}
		allowed := redact.Allowed(l.Name)
		if !credential(l.Name, allowed) {
			from = all.Len()
			all.Write(f.Value)
			l.Value, l.shown = all.String()[from:], allowed
		}
		h.list = append(h.list, l)
	}
}

// reuse keeps the memory of h, not what it held.
func (h *headers) reuse() headers {
	clear(h.list)
	return headers{list: h.list[:0]}
}

// get returns the first value of the header, name in any case.
func (h headers) get(name string) string {
	for _, x := range h.list {
		if strings.EqualFold(x.Name, name) {
			return x.Value
		}
	}
	return ""
}

// has reports whether the header is there.
func (h headers) has(name string) bool {
	for _, x := range h.list {
		if strings.EqualFold(x.Name, name) {
			return true
		}
	}
	return false
}

// allowed returns the allow-listed headers, redacted, for the record.
func (h headers) allowed() []call.Header {
	n := 0
	for _, x := range h.list {
		if x.shown {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	out := make([]call.Header, 0, n)
	for _, x := range h.list {
		if x.shown {
			out = append(out, call.Header{Name: x.Name, Value: redact.Text(x.Value, 256)})
		}
	}
	return out
}

// authOf digests the credential of a request; the raw value is not kept.
func authOf(hash call.Hasher, fields []observe.Field, query string) call.Auth {
	var auth call.Auth
	for _, f := range fields {
		switch {
		case foldEq(f.Name, "api-key"), foldEq(f.Name, "x-api-key"), foldEq(f.Name, "x-goog-api-key"):
			return call.Auth{Scheme: "api_key", Digest: hash.Secret(string(f.Value))}
		case foldEq(f.Name, "authorization"):
			scheme, rest, _ := strings.Cut(string(f.Value), " ")
			switch {
			case strings.EqualFold(scheme, "bearer"):
				auth = call.Auth{Scheme: "bearer", Digest: hash.Secret(rest)}
			case strings.HasPrefix(scheme, "AWS4-"):
				key, _, _ := strings.Cut(rest, "/")
				auth = call.Auth{Scheme: "sigv4", Digest: hash.Secret(strings.TrimPrefix(key, "Credential="))}
			default:
				auth = call.Auth{Scheme: "other", Digest: hash.Secret(rest)}
			}
		}
	}
	if auth.Scheme != "" {
		return auth
	}
	for kv := range strings.SplitSeq(query, "&") {
		if k, v, ok := strings.Cut(kv, "="); ok && (k == "key" || k == "api_key" || k == "api-key" || k == "access_token") {
			return call.Auth{Scheme: "api_key", Digest: hash.Secret(v)}
		}
	}
	return call.Auth{Scheme: "none"}
}

// foldEq compares an ASCII header name with a lower-case one.
func foldEq(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// traceparent reads a W3C trace context header; anything malformed is none.
func traceparent(v string) call.SpanContext {
	if len(v) < 55 || v[2] != '-' || v[35] != '-' || v[52] != '-' || v[:2] == "ff" || (v[:2] == "00" && len(v) != 55) {
		return call.SpanContext{}
	}
	trace, span, flags := v[3:35], v[36:52], v[53:55]
	if !hexLower(trace) || !hexLower(span) || !hexLower(flags) || strings.Trim(trace, "0") == "" || strings.Trim(span, "0") == "" {
		return call.SpanContext{}
	}
	return call.SpanContext{Trace: trace, Span: span, Sampled: strings.IndexByte("13579bdf", flags[1]) >= 0}
}

func hexLower(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
