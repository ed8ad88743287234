package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// span is a piece of a sentence; Code stood between backticks.
type span struct {
	Text string
	Code bool
}

// prose takes a sentence apart at its backticks. An odd one is text.
func prose(s string) []span {
	parts := strings.Split(s, "`")
	if len(parts)%2 == 0 {
		return []span{{Text: s}}
	}
	var out []span
	for i, p := range parts {
		if p != "" {
			out = append(out, span{p, i%2 == 1})
		}
	}
	return out
}

// aside takes the first brackets after a word, with all that is in them, out of
// a sentence.
func aside(s string) (sentence, inside string) {
	from, depth := strings.Index(s, " (")+1, 0
	if from == 0 {
		return s, ""
	}
	for i := from; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return strings.TrimRight(s[:from], " ") + s[i+1:], s[from+1 : i]
			}
		}
	}
	return s, ""
}

// number groups digits by three, with a narrow space that does not break.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && n > 9999; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// count is "1 call", "2 calls".
func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return number(n) + " " + what + "es"
	}
	return number(n) + " " + what + "s"
}

// more says how many rows are not shown; empty for none.
func more(n int, what string) string {
	if n <= 0 {
		return ""
	}
	return "and " + strings.Replace(count(n, what), " ", " more ", 1)
}

// percent rounds down, so that one failure in a thousand calls is not 100 %.
func percent(part, whole int) string {
	switch n := part * 100 / whole; {
	case n == 0 && part > 0:
		return "<\u202f1\u202f%"
	default:
		return strconv.Itoa(n) + "\u202f%"
	}
}

// lasting writes a duration with three digits that matter.
func lasting(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + lasting(-d)
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < time.Second:
		return digits(float64(d)/float64(time.Millisecond)) + " ms"
	case d < 2*time.Minute:
		return digits(d.Seconds()) + " s"
	}
	return d.Round(time.Second).String()
}

func digits(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// moment is an instant as the owner of a service finds it in a log.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// clock is an instant on an axis that spans d.
func clock(t time.Time, d time.Duration) string {
	layout := "Jan 2, 15:04"
	switch {
	case d < 2*time.Minute:
		layout = "15:04:05.000"
	case d < 18*time.Hour:
		layout = "15:04:05"
	}
	return t.UTC().Format(layout)
}

// shortID is enough of an id to find the call: ids are sorted by time, so that
// their ends differ most.
func shortID(id string) string {
	n := utf8.RuneCountInString(id)
	for i := range id {
		if n--; n < 9 {
			return id[i:]
		}
	}
	return id
}

func listed(ids []string, max int) string {
	var out []string
	for _, id := range ids[:min(len(ids), max)] {
		out = append(out, shortID(id))
	}
	text := strings.Join(out, ", ")
	if n := len(ids) - max; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// joined joins the words that are not empty.
func joined(sep string, words ...string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, sep)
}
