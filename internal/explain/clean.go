package explain

import (
	"strings"
	"unicode"
)

// Clean makes text that a client or a service wrote safe to print: no control
// character, escape sequence or direction mark reaches the terminal, and it
// stays on its line.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t':
			return ' '
		case r == unicode.ReplacementChar, unicode.IsControl(r):
			return '?'
		case invisible(r):
			return -1
		}
		return r
	}, s)
}

// invisible runes have no width of their own and may turn text around.
func invisible(r rune) bool { return unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' }

// maxText bounds one value of a record inside a sentence, in runes.
const maxText = 300

// clip is Clean, cut to a length that fits a sentence.
func clip(s string) string { return cut(s, maxText) }

// cut is Clean, cut to n runes. It looks no further than that.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return Clean(s[:i]) + "…"
		}
	}
	return Clean(s)
}

// list joins the first max names of a list and counts the others.
func list(names []string, max int) string {
	if len(names) == 0 {
		return ""
	}
	shown := make([]string, 0, max)
	for _, n := range names[:min(len(names), max)] {
		shown = append(shown, clip(n))
	}
	text := strings.Join(shown, ", ")
	if more := len(names) - len(shown); more > 0 {
		text += ", and " + number(more) + " more"
	}
	return text
}
