package redact

import (
	"fmt"
	"log/slog"
	"net/url"
)

// maxAttr bounds a logged value, in runes; a stack trace fits.
const maxAttr = 16 << 10

// Attr is a ReplaceAttr function for log/slog handlers. Strings, errors and
// everything that is logged by its text go through Text, URLs through URL; an
// attribute named like a credential, or in a group named like one, loses its
// value. Numbers, booleans, times and the level stay as they are, unless the
// name is that of a credential.
func Attr(groups []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindBool {
		return a
	}
	if secretAttr(a.Key) {
		return slog.String(a.Key, Mark)
	}
	for _, g := range groups {
		if strengthOf(g) >= keyed {
			return slog.String(a.Key, Mark)
		}
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, weakly(a.Key, a.Value.String()))
	case slog.KindAny:
		return anyAttr(a)
	}
	return a
}

// anyAttr redacts a value that is not of one of slog's own kinds.
func anyAttr(a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case nil, slog.Level, *slog.Source:
		return a
	case *url.URL:
		if v == nil {
			return a
		}
		return slog.String(a.Key, URL(v.String()))
	case url.URL:
		return slog.String(a.Key, URL(v.String()))
	case []byte:
		return slog.String(a.Key, weakly(a.Key, string(v)))
	case []string:
		out := make([]string, len(v))
		for i, s := range v {
			out[i] = weakly(a.Key, s)
		}
		return slog.Any(a.Key, out)
	default:
		// fmt survives nil receivers and panics of Error and String.
		return slog.String(a.Key, weakly(a.Key, fmt.Sprintf("%+v", v)))
	}
}

// weakly redacts a value whose name may be that of a secret: "key" is the name
// of many harmless things.
func weakly(name, v string) string {
	if strengthOf(name) == weak && credible(v, weak) {
		return Mark
	}
	return Text(v, maxAttr)
}

// secretAttr reports a name whose value is not worth the risk.
func secretAttr(name string) bool {
	kind := strengthOf(name)
	return kind >= keyed || kind == weak && len(name) >= 5 && hasFold(name[len(name)-5:], "token")
}
