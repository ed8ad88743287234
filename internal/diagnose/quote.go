package diagnose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// span is a part of a text, in bytes.
type span struct{ from, to int }

// maxQuotes bounds the quoted parts that are told apart.
const maxQuotes = 12

// strangers appends the parts of s that are somebody else's words: quoted parts
// that are more than a name, and the end where an error repeats the prompt. An
// error that is quoted as a whole, or as somebody's message, keeps its words.
func strangers(out []span, s string) []span {
	end := echoed(s)
	out = quoted(out, s, 0, end)
	if end < len(s) {
		out = append(out, span{end, len(s)})
	}
	return out
}

func quoted(out []span, s string, i, end int) []span {
	for i < end && len(out) < maxQuotes {
		j := strings.IndexAny(s[i:end], "\"'`「『")
		if j < 0 {
			break
		}
		i += j
		closing, next := quoteEnd(s[:end], i)
		if closing < 0 {
			i++
			continue
		}
		_, open := utf8.DecodeRuneInString(s[i:])
		whole := strings.TrimSpace(s[:i]) == "" && strings.TrimSpace(s[next:]) == ""
		switch {
		case isName(s[i+open:closing]) && !mentioned(s[:i]):
		case whole, reports(s[:i], wrappers):
			out = quoted(out, s, i+open, closing)
		default:
			out = append(out, span{i, next})
		}
		i = next
	}
	return out
}

// mentioned reports whether s ends with words that say that what follows is
// mentioned, not meant.
func mentioned(s string) bool {
	s = strings.TrimRight(s, " ")
	return strings.HasSuffix(s, " phrase") || strings.HasSuffix(s, " word") || strings.HasSuffix(s, " words") || strings.HasSuffix(s, " term")
}

// wrappers stand before an error that was passed on: its words count; echoes
// before what the user wrote.
var (
	wrappers = []string{
		"message", "msg", "detail", "details", "error", "reason", "description", "title", "exception", "said", "fehler", "erreur", "errore",
		"mensaje", "mensagem", "messaggio", "meldung", "ошибка", "错误", "エラー", "error_message", "errormessage", "faultstring",
	}
	echoes = []string{
		"prompt", "query", "question", "user message", "message content", "user said", "user asked", "user wrote", "you said",
		"you asked", "you wrote", "user input", "your message", "last message", "your input", "user prompt", "eingabe", "frage", "pregunta",
		"提示词", "プロンプト", "质问", "질문", "вопрос",
	}
)

// echoed returns where s begins to repeat what the user wrote.
func echoed(s string) int {
	if i := strings.Index(s, "messages["); i >= 0 {
		s = s[:i]
	}
	for i := 0; i < len(s); i++ {
		j := strings.IndexAny(s[i:], ":=：")
		if j < 0 {
			return len(s)
		}
		i += j
		if reports(s[:i+1], echoes) {
			return i
		}
	}
	return len(s)
}

// reports reports whether s ends with one of words, a colon or an equals sign.
func reports(s string, words []string) bool {
	s = strings.TrimRight(s, " ")
	before := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(s, ":"), "="), "：")
	if len(before) == len(s) {
		return false
	}
	before = strings.TrimRight(before, " '\"`")
	for _, w := range words {
		if rest, ok := strings.CutSuffix(before, w); ok && !latinEnd(rest) {
			return true
		}
	}
	return false
}

// closingOf returns what closes an opening mark, empty if it is none.
func closingOf(open rune) string {
	switch open {
	case '"', '\'', '`':
		return string(open)
	case '「':
		return "」"
	case '『':
		return "』"
	}
	return ""
}

// quoteEnd returns where the quote that opens at i closes, and what follows
// it; -1 if none opens there. An apostrophe inside a word is no quote.
func quoteEnd(s string, i int) (end, next int) {
	open, n := utf8.DecodeRuneInString(s[i:])
	closing := closingOf(open)
	if closing == "" || open == '\'' && latinEnd(s[:i]) {
		return -1, 0
	}
	for from := i + n; from < len(s); {
		j := strings.Index(s[from:], closing)
		if j < 0 {
			return -1, 0
		}
		end, next = from+j, from+j+len(closing)
		if open != '\'' || !latinStart(s[next:]) {
			return end, next
		}
		from = next
	}
	return -1, 0
}

func latinEnd(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return unicode.Is(unicode.Latin, r)
}

func latinStart(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.Is(unicode.Latin, r)
}

// isName reports whether a quoted part is a name or value rather than a
// sentence: at most two words, and short where words are not spaced.
func isName(s string) bool {
	n := utf8.RuneCountInString(s)
	return strings.Count(strings.TrimSpace(s), " ") < 2 && n <= 40 && (n == len(s) || n <= 8)
}
