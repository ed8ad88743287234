package otlp

import (
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"

	"llmtap/internal/call"
)

// maxText bounds one attribute value; contents have their own limit.
const maxText = 2048

// attrs collects attributes. Its methods leave out what is not known: an
// attribute is absent, never empty and never an invented 0.
type attrs []attribute.KeyValue

func (a *attrs) str(k attribute.Key, v string) {
	if v != "" {
		*a = append(*a, k.String(fit(v, maxText)))
	}
}

// known writes v unless it is one of the enums' unknown.
func (a *attrs) known(k attribute.Key, v string) {
	if v != "unknown" {
		a.str(k, v)
	}
}

func (a *attrs) strs(k attribute.Key, v []string) {
	if len(v) == 0 {
		return
	}
	v = v[:min(len(v), 64)]
	out := make([]string, len(v))
	for i, s := range v {
		out[i] = fit(s, 256)
	}
	*a = append(*a, k.StringSlice(out))
}

func (a *attrs) num(k attribute.Key, v int64) { *a = append(*a, k.Int64(v)) }

// positive writes v if it is more than zero.
func (a *attrs) positive(k attribute.Key, v int64) {
	if v > 0 {
		a.num(k, v)
	}
}

func (a *attrs) amount(k attribute.Key, v call.Amount) {
	if v.Known {
		a.num(k, v.N)
	}
}

func (a *attrs) float(k attribute.Key, v float64) { *a = append(*a, k.Float64(v)) }

// instant writes t in seconds since start, if it happened.
func (a *attrs) instant(k attribute.Key, start, t time.Time) {
	if !t.IsZero() {
		a.float(k, max(0, t.Sub(start).Seconds()))
	}
}

func (a *attrs) flag(k attribute.Key, v bool) { *a = append(*a, k.Bool(v)) }

// yes writes true or nothing.
func (a *attrs) yes(k attribute.Key, v bool) {
	if v {
		a.flag(k, true)
	}
}

// fit makes v valid UTF-8 (one bad byte would lose the whole batch) of at most
// limit bytes.
func fit(v string, limit int) string {
	if len(v) > limit {
		v = v[:limit]
		for len(v) > 0 && !utf8.RuneStart(v[len(v)-1]) {
			v = v[:len(v)-1]
		}
		if r, n := utf8.DecodeLastRuneInString(v); r == utf8.RuneError && n == 1 {
			v = v[:len(v)-1]
		}
	}
	return strings.ToValidUTF8(v, "\uFFFD")
}
