package report

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"llmtap/internal/redact"
)

// tidy returns a deep copy of v in which every exported string is safe to show:
// secrets of a known form masked, characters without a look of their own made
// visible, and its length bounded. Slices are cut to maxList. What cannot be
// set from here (times, digests) is copied as it is and never shown as text.
func tidy[T any](v T) T {
	out := reflect.New(reflect.TypeFor[T]()).Elem()
	out.Set(reflect.ValueOf(&v).Elem())
	tidyValue(out)
	return out.Interface().(T)
}

func tidyValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(cut(visible(v.String()), maxText))
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				tidyValue(f)
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		n := min(v.Len(), maxList)
		own := reflect.MakeSlice(v.Type(), n, n)
		reflect.Copy(own, v)
		for i := range n {
			tidyValue(own.Index(i))
		}
		v.Set(own)
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		own := reflect.New(v.Type().Elem())
		own.Elem().Set(v.Elem())
		tidyValue(own.Elem())
		v.Set(own)
	}
}

// maxMasked is how many bytes of one string are looked at: more than are shown,
// so that no secret is cut in two before it is masked.
const maxMasked = 4*maxText + 1024

// visible masks secrets of a known form and writes what has no look of its own,
// or would turn or pile up the text around it, as its code point.
func visible(s string) string {
	if len(s) > maxMasked {
		s = s[:maxMasked]
	}
	s = redact.Known(strings.ToValidUTF8(s, "\ufffd"))
	if !strings.ContainsFunc(s, odd) {
		return s
	}
	var b strings.Builder
	piled, left := 0, maxText+1 // marks on one character; runes that can still be shown
	for _, r := range s {
		if left--; left < 0 {
			break
		}
		if unicode.In(r, unicode.Mn, unicode.Me) {
			piled++
		} else {
			piled = 0
		}
		if unseen(r) || piled > maxMarks {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// odd tells what may need another look from the rest, which is nearly all.
func odd(r rune) bool {
	if r < 0x7f {
		return r < ' '
	}
	return unseen(r) || unicode.In(r, unicode.Mn, unicode.Me)
}

// unseen are controls, format characters (direction marks, zero widths, tags),
// separators of lines and letters that are drawn as nothing.
func unseen(r rune) bool {
	switch r {
	case '\u2028', '\u2029', '\u115f', '\u1160', '\u2800', '\u3164', '\uffa0':
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) && r > 0xfe0f
}

// cut bounds s to n runes.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// lines is visible for a text of several lines that this program wrote, such as
// a command; it bounds the whole.
func lines(s string, n int) string {
	parts := strings.Split(s, "\n")
	for i := range parts {
		parts[i] = visible(parts[i])
	}
	return cut(strings.Join(parts, "\n"), n)
}
