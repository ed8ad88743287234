package diagnose

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"llmtap/internal/call"
)

// maxText bounds, in runes, how much of an error message is read.
const maxText = 400

// texts are an error's words, made ready for matching: lower case, plain
// quotes, contractions written out.
type texts struct {
	// all is the whole message, said without what stands in quotes or repeats
	// the prompt: other people's words decide nothing.
	all, said string
	// code is code and type as separate words: StreamNotAllowed reads "stream
	// not allowed".
	code string
	// topic: the words may be about streams at all; judging them is dear.
	topic bool
	// plainOnly and streamOnly: the words ask for a plain call, for a stream.
	plainOnly, streamOnly bool
	// param is the last segment of the parameter's path.
	param string
	// nested: the parameter's path goes into a list or an object.
	nested bool
}

func textsOf(e call.Error) texts {
	t := texts{all: plainText(e.Message), code: kind(e.Code) + "; " + kind(e.Type)}
	t.said = echo.ReplaceAllString(unquoted(t.all), " ")
	if t.topic = mayBeAboutStreams(t.said); t.topic {
		t.plainOnly, t.streamOnly = wantsPlain(t.said), plainRefusals().MatchString(t.said)
	}
	path := strings.ToLower(strings.Trim(e.Param, " '\"`"))
	t.nested = strings.ContainsAny(path, "[")
	t.param = path
	if i := strings.LastIndexAny(path, "./#"); i >= 0 {
		t.param = path[i+1:]
	}
	return t
}

var (
	blanks = regexp.MustCompile(`[ \t]+`)
	links  = regexp.MustCompile(`https?://\S+`)
	// foreign are streams of another kind.
	foreign = regexp.MustCompile(`\bflux (rss|audio|vid[ée]o)\b|\bevent[- ]streams?\b|\b(audio|video|image|media|live|screen)[- ]?stream(s|ing)?\b|` +
		`\b(input|data|byte|file|log|tcp|memory|kinesis|redis)[- ]?streams?\b`)
	nonStream = regexp.MustCompile(`\bnon[- ]?stream(ing|ed|s)?\b|\bnicht-?(streaming|gestreamt\w*)\b|\bunstreamed\b|` +
		`\bsans (streaming|flux)\b|\bsin (streaming|transmisi[oó]n)\b|\bohne streaming\b|` +
		`非(流式|串流|ストリーミング|ストリーム)|비스트리밍`)
	// echo is where an error begins to repeat what the user wrote.
	echo = regexp.MustCompile(`\b(prompt|query|question|user message|message content|user (said|asked|wrote)|you (said|asked|wrote)|` +
		`messages?\[\d+\][\w.]*)\b['"]?\s*[:=].*`)
)

// plainText lowers, shortens and evens out a message.
func plainText(s string) string {
	if r := []rune(s); len(r) > maxText {
		s = string(r[:maxText])
	}
	s = strings.NewReplacer("’", "'", "‘", "'", "“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`).Replace(strings.ToLower(s))
	s = strings.NewReplacer("can't", "cannot", "won't", "will not", "n't ", " not ").Replace(s)
	s = links.ReplaceAllString(s, " ")
	if !mayBeAboutStreams(s) {
		return s
	}
	s = foreign.ReplaceAllString(s, " ")
	return blanks.ReplaceAllString(nonStream.ReplaceAllString(s, " nonstream "), " ")
}

// streamHints are pieces of all Latin words for a stream. Other scripts are
// looked at without one.
var streamHints = []string{
	"stream", "flux", "diffusion", "transmis", "flujo", "fluss", "sse", "sent event", "sent-event", "strøm", "ström", "strumie", "akış",
	"suorat", "truyền", "phát",
}

func mayBeAboutStreams(said string) bool {
	for _, hint := range streamHints {
		if strings.Contains(said, hint) {
			return true
		}
	}
	const greek = 0x0370 // where scripts begin that are not Latin
	return strings.IndexFunc(said, func(r rune) bool { return r >= greek && unicode.IsLetter(r) }) >= 0
}

// kind is a code or type in words, without the word that says it is an error.
func kind(id string) string {
	w := words(id)
	return strings.TrimSuffix(strings.TrimSuffix(w, " error"), " exception")
}

// words splits an identifier: snake_case, kebab-case and CamelCase alike.
func words(id string) string {
	var b strings.Builder
	var last rune
	for _, c := range id {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			c = ' '
		case unicode.IsUpper(c) && unicode.IsLower(last):
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(c))
		last = c
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// wrapper stands before a quoted error that was passed on: its words count.
var wrapper = regexp.MustCompile(`\b(message|msg|detail|details|error|reason|description|title)['"]?\s*[:=]\s*$`)

// unquoted blanks the quoted parts of s that are more than a name. An error
// that is quoted as a whole, or as somebody's message, keeps its words.
func unquoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		end, next := quoteEnd(s, i)
		if end < 0 {
			b.WriteByte(s[i])
			i++
			continue
		}
		_, open := utf8.DecodeRuneInString(s[i:])
		whole := strings.TrimSpace(s[:i]) == "" && strings.TrimSpace(s[next:]) == ""
		if whole || isName(s[i+open:end]) || wrapper.MatchString(s[:i]) {
			b.WriteString(s[i:next])
		} else {
			b.WriteString(`""`)
		}
		i = next
	}
	return b.String()
}

// quotes are opening marks and what closes them.
var quotes = map[string]string{`"`: `"`, "'": "'", "`": "`", "「": "」", "『": "』"}

// quoteEnd returns where the quote that opens at i closes, and what follows
// it; -1 if none opens there. An apostrophe inside a word is no quote.
func quoteEnd(s string, i int) (end, next int) {
	_, n := utf8.DecodeRuneInString(s[i:])
	open := s[i : i+n]
	closing, ok := quotes[open]
	if !ok || open == "'" && latinEnd(s[:i]) {
		return -1, 0
	}
	for from := i + n; from < len(s); {
		j := strings.Index(s[from:], closing)
		if j < 0 {
			return -1, 0
		}
		end, next = from+j, from+j+len(closing)
		if open != "'" || !latinStart(s[next:]) {
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
