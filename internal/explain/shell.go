package explain

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quote makes s one word of a shell command, whatever is in it.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// secret makes one word of text before and the value of a variable that the
// user's shell holds.
func secret(before string, variables ...string) string {
	var b strings.Builder
	b.WriteString(`"` + before)
	for i, v := range variables {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString("$" + v)
	}
	return b.String() + `"`
}

// visibleJSON writes a JSON text so that every rune is visible: what is not is
// escaped, which means the same to whoever reads the JSON.
func visibleJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == utf8.RuneError, r >= ' ' && !unicode.IsGraphic(r):
			for _, u := range utf16Units(r) {
				fmt.Fprintf(&b, `\u%04x`, u)
			}
		case r < ' ': // blanks between values; inside a string JSON has escaped them
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func utf16Units(r rune) []rune {
	if r < 0x10000 {
		return []rune{r}
	}
	r -= 0x10000
	return []rune{0xd800 + r>>10, 0xdc00 + r&0x3ff}
}

// jsonString writes s as a JSON string of visible runes.
func jsonString(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // no string is refused by json.Marshal
	}
	return visibleJSON(string(b))
}

// urlPart escapes what may not stand in a path or query as it is. What is
// escaped already stays so.
func urlPart(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~%!$&'()*+,;=:@/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
