package redact

import "strings"

// maxValue bounds the part of a value that decides, and how far a closing quote
// or the @ behind a userinfo is looked for.
const maxValue = 1024

// labelled returns the secret that the separator or quote at s[i] announces by
// the name before it, or an empty range.
func labelled(s string, i int) (from, to int) {
	next := i + 1
	switch c := s[i]; {
	case c == ':' && strings.HasPrefix(s[i:], "://"):
		return i + 3, max(i+3, userinfoEnd(s, i+3))
	case c == ':':
		if at := passwordEnd(s, next); at > next {
			return next, at
		}
	case c == '%':
		if !hasFold(s[i:], "%3d") && !hasFold(s[i:], "%3a") {
			return 0, 0
		}
		next = i + 3
	case c == '=' && paramBefore(s, i):
		return next, extend(s, next, valueEnd(s, next))
	}
	kind := labelBefore(s, i)
	if kind == none || s[i] == '>' && kind < keyed || isQuote(s[i]) && kind < keyed {
		return 0, 0
	}
	from, to = value(s[:min(len(s), next+maxValue)], next, kind)
	v := s[from:to]
	if to == next+maxValue && kind == jar {
		to = lineEnd(s, from)
	} else if to == next+maxValue {
		to = valueEnd(s, from)
	}
	switch {
	case kind >= keyed && schemeLen(v) > 0 && schemeLen(v) == len(v):
		// Without credentials behind it the scheme is no secret.
		if end := extend(s, from, to); end > to {
			return from, end
		}
		return 0, 0
	case !credible(v, kind), isQuote(s[i]) && !credible(v, weak):
		return 0, 0
	}
	return from, extend(s, from, to)
}

// value returns the range of the value that begins behind a separator.
func value(s string, i int, kind strength) (from, to int) {
	i = skip(s, i, ":=>", 2)
	i = skip(s, i, " \t\r\n", 8)
	from = skip(s, i, "\"'`\\[({<", 3)
	if from > i && from > 0 && isQuote(s[from-1]) && kind >= keyed {
		if n := strings.IndexByte(s[from:], s[from-1]); n > 0 {
			quoted := strings.TrimRight(s[from:from+n], " \\")
			// A label inside the quotes announces what follows them.
			if quoted != "" && !strings.ContainsAny(quoted[len(quoted)-1:], ":=") {
				return from, from + len(quoted)
			}
		}
	}
	if kind == jar {
		return from, lineEnd(s, from)
	}
	return from, valueEnd(s, from)
}

// valueEnd returns the end of an unquoted value. What ends like a label is left
// to be read as one.
func valueEnd(s string, i int) int {
	j := i
	for j < len(s) && s[j] > ' ' && s[j] != 0x7f && strings.IndexByte("\"'`,;&<>(){}[]\\|", s[j]) < 0 {
		j++
	}
	if j == len(s) && j-i > maxLook {
		return j
	}
	for j > i && (s[j-1] == '.' || s[j-1] == ':' || s[j-1] == '=') {
		j--
	}
	return j
}

func lineEnd(s string, i int) int {
	if n := strings.IndexAny(s[i:], "\r\n\"'`"); n >= 0 {
		return i + n
	}
	return len(s)
}

// schemed returns the credentials behind the words Bearer and Basic.
func schemed(s string, i int) (from, to int) {
	bearer := hasFold(s[i:], "bearer")
	if !bearer && !hasFold(s[i:], "basic") {
		return 0, 0
	}
	word := i + len("basic")
	if bearer {
		word = i + len("bearer")
	}
	from = skip(s, word, " \t", 8)
	if from == word {
		return 0, 0
	}
	to = valueEnd(s, from)
	v := s[from:to]
	r := look(s, from, true)
	switch {
	case bearer && credible(v, weak):
	case bearer && (i == 0 || !isAlnum(s[i-1])) && credible(v, keyed):
	case !bearer && len(v) >= 8 && (r.digit || r.upper && r.lower && !titled(v)):
	default:
		return 0, 0
	}
	return from, extend(s, from, to)
}

// titled reports a capitalised word.
func titled(v string) bool { return strings.ToLower(v[1:]) == v[1:] }

// credible reports whether a value behind a label of that kind can be a secret:
// behind a strong one nearly everything, behind a weak one what looks like one.
func credible(v string, kind strength) bool {
	r := look(v, 0, true)
	r.cut = r.cut || strings.Contains(v[:min(len(v), maxLook)], "...")
	switch {
	case v == "":
		return false
	case r.cut && r.n >= 4:
		return true
	case kind == weak:
		return len(v) >= 12 && r.digit && (r.upper || r.lower)
	case kind == keyed:
		return !r.letters(v)
	}
	return !plainWord(v)
}

// extend moves the end of a secret over the credentials that follow, when what
// was taken for the secret ends with the name of their scheme.
func extend(s string, from, to int) int {
	for end := to; schemeLen(s[from:end]) > 0; {
		next := skip(s, end, " \t", 8)
		stop := valueEnd(s, next)
		if next == end || stop == next {
			break
		}
		v := s[next:stop]
		if !plainWord(v) {
			to = stop
		} else if schemeLen(v) < len(v) {
			break
		}
		end = stop
	}
	return to
}

// schemeLen returns how long the name of the scheme is that v ends with.
func schemeLen(v string) int {
	for _, scheme := range []string{"bearer", "basic", "token", "apikey", "digest", "negotiate", "aws4-hmac-sha256"} {
		if n := len(v) - len(scheme); n >= 0 && strings.EqualFold(v[n:], scheme) {
			return len(scheme)
		}
	}
	return 0
}

// skip moves over at most n of the given characters.
func skip(s string, i int, set string, n int) int {
	for ; n > 0 && i < len(s) && strings.IndexByte(set, s[i]) >= 0; n-- {
		i++
	}
	return i
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
