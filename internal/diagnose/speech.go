package diagnose

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// sense is what a word of an error text can mean here; a word may have several.
type sense uint64

// The senses of the lexicon.
const (
	isStream   sense = 1 << iota // names a stream, in any language
	isKey                        // … by the name of the flag
	isPlain                      // says "not streamed"
	isNo                         // not, no: before what it denies
	isLateNo                     // … or after it
	isNone                       // no, without: in front of a thing
	isAble                       // supported, allowed, available …
	isState                      // … said of what is so
	isBarred                     // refuses by itself: disabled, forbidden
	isRefusal                    // refuses streams by itself
	isWeak                       // refuses only right behind the stream
	isDrop                       // remove, omit
	isUnfit                      // an unknown or invalid …
	isOnly                       // only, before its thing
	isLateOnly                   // … or behind it
	isMust                       // must be, requires
	isNeeded                     // required, mandatory
	isSet                        // set, enable, use
	isTrue
	isFalse
	isBool
	isOption // stream_options
	isPlan   // enterprise, premium
	isBroken // a stream that began, or another topic
	isCrowd  // how many streams
	isPassing
	isAccount
	isCombination
	isModel
	isParam  // a parameter's name
	isKnown  // … of one that many services know
	isCannot // is not able to
	isTrying // failed to, error while
	isRetry
	isIllegal
	isGot // received, found: a stream that did not come
	isAsk // please use, must enable
	isVersion
	isEnd // of a clause
	isComma
)

// token is a word with a sense. Places are in bytes and in runes.
type token struct {
	sense    sense
	from, to int16
	at, past int16
}

// maxTokens bounds the words looked at; errors hold fewer.
const maxTokens = 96

// speech is what an error text says in words that matter here.
type speech struct {
	text   string
	tokens []token
	// senses are those of all tokens.
	senses sense
}

// has reports whether any word has one of the senses.
func (s *speech) has(want sense) bool { return s.senses&want != 0 }

// listen finds the words of text, plainText made it, that have a sense.
func (s *speech) listen(text string) {
	if text == "" {
		return
	}
	var room [maxQuotes + 1]span
	away := strangers(room[:0], text)
	s.text, s.tokens = text, make([]token, 0, min(maxTokens, 8+len(text)/4))
	words := lexicon()
	at, start := 0, true // runes so far; whether a word may start here
	for i := 0; i < len(text) && len(s.tokens) < maxTokens; {
		if len(away) > 0 && i >= away[0].from {
			at += utf8.RuneCountInString(text[i:max(i, away[0].to)])
			i, start, away = max(i, away[0].to), true, away[1:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		word := wordRune(r)
		if word && (start || unspaced(r)) {
			if to, sense := meaning(words, text, i); to > i {
				n := utf8.RuneCountInString(text[i:to])
				addWord(s, token{sense, int16(i), int16(to), int16(at), int16(at + n)})
				last, _ := utf8.DecodeLastRuneInString(text[i:to])
				i, at, start = to, at+n, unspaced(last)
				continue
			}
		}
		if !word {
			addMark(s, r, i, at)
		}
		start = !word || unspaced(r)
		i, at = i+size, at+1
	}
}

// meaning returns the end and the sense of the word at text[i:], i if it has
// none.
func meaning(words dictionary, text string, i int) (int, sense) {
	if to, sense := words.longest(text, i); to > i {
		return to, sense
	}
	to := snake(text, i)
	if to == i {
		return i, 0
	}
	return to, snakeSense(text[i:to])
}

func addWord(s *speech, t token) {
	if t.sense == 0 {
		return // foreign words: read over
	}
	t.sense = senseInName(s, t)
	s.tokens = append(s.tokens, t)
	s.senses |= t.sense
}

// mark takes a character that is no part of a word.
func addMark(s *speech, r rune, i, at int) {
	var sense sense
	switch r {
	case ';', '!', '?', '\n', '。', '；', '！', '？', '।':
		sense = isEnd
	case '.':
		if i+1 == len(s.text) || s.text[i+1] == ' ' || s.text[i+1] == '"' || s.text[i+1] == '\n' {
			sense = isEnd
		}
	case ',', '，', '、', '،':
		sense = isComma
	}
	if sense != 0 {
		s.tokens = append(s.tokens, token{sense, int16(i), int16(i + 1), int16(at), int16(at + 1)})
	}
}

// senseInName takes the sense from a stream that is part of another name: a model
// called stream-1.
func senseInName(s *speech, t token) sense {
	if t.sense&(isStream|isRefusal) == 0 {
		return t.sense
	}
	before, after := s.text[:t.from], s.text[t.to:]
	joined := strings.HasPrefix(after, "-")
	digit := len(after) > 1 && after[1] >= '0' && after[1] <= '9'
	switch {
	case joined && digit, t.sense&(isKey|isRefusal) != 0 && strings.HasSuffix(before, "-"), strings.HasPrefix(after, "/") || strings.HasSuffix(before, "/") && !strings.HasSuffix(before, "body/"):
		return 0
	case joined && named(strings.TrimRight(before, " '\"`")):
		return 0
	case t.to-t.from <= 9 && before != "" && strings.ContainsAny(before[len(before)-1:], "'\"`") && named(strings.TrimRight(before, " '\"`")):
		return 0
	}
	return t.sense
}

// named reports whether s ends with a word for what has names.
func named(s string) bool {
	for _, w := range []string{
		"model", "deployment", "modell", "modele", "modelo", "modello", "engine", "agent", "group", "user", "tenant", "workspace", "project",
		"team", "role", "queue", "topic", "channel", "host", "container", "namespace", "bucket", "function", "tool", "service",
	} {
		if strings.HasSuffix(s, w) {
			return true
		}
	}
	return false
}

// snake returns the end of the snake_case name at text[i:], i if it is none.
func snake(text string, i int) int {
	to, joined := i, false
	for to < len(text) && wordByte(text[to]) {
		joined = joined || text[to] == '_'
		to++
	}
	if !joined {
		return i
	}
	return to
}

// snakeSense is the sense of a name that the lexicon does not hold.
func snakeSense(name string) sense {
	if name != "refused_stream" && strings.Contains(name, "stream") && refusesByCode(strings.ReplaceAll(name, "_", " ")) {
		return isRefusal
	}
	return isParam
}

func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return wordByte(byte(r))
	}
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}

// unspaced reports whether r belongs to a script whose words may begin
// anywhere, because it has no spaces or joins articles to them.
func unspaced(r rune) bool { return r >= 0x590 && (r < 0x1e00 || r >= 0x2000) }

// entry is one word or phrase of the lexicon; a blank in it also stands for a
// hyphen.
type entry struct {
	text   string
	prefix bool // any ending will do
	sense  sense
}

// dictionary finds entries by their first two bytes; the longest come first.
type dictionary map[[2]byte][]entry

// lexicon is built when a text first asks for it: most agents never do.
var lexicon = sync.OnceValue(func() dictionary {
	d := dictionary{}
	for _, row := range vocabulary {
		for w := range strings.SplitSeq(row.words, "|") {
			w, prefix := strings.CutSuffix(w, "*")
			key := [2]byte{w[0], w[1]}
			if i := slices.IndexFunc(d[key], func(e entry) bool { return e.text == w && e.prefix == prefix }); i >= 0 {
				d[key][i].sense |= row.sense
				continue
			}
			d[key] = append(d[key], entry{w, prefix, row.sense})
		}
	}
	for _, list := range d {
		slices.SortStableFunc(list, func(a, b entry) int { return len(b.text) - len(a.text) })
	}
	return d
})

// longest returns the end and the sense of the longest entry at text[i:].
func (d dictionary) longest(text string, i int) (to int, s sense) {
	if i+1 >= len(text) {
		return 0, 0
	}
	for _, e := range d[[2]byte{text[i], text[i+1]}] {
		to, ok := e.match(text, i)
		if ok {
			return to, e.sense
		}
	}
	return 0, 0
}

func (e *entry) match(text string, i int) (to int, ok bool) {
	if len(text)-i < len(e.text) {
		return 0, false
	}
	for j := 2; j < len(e.text); j++ {
		if c := text[i+j]; c != e.text[j] && (e.text[j] != ' ' || c != '-') {
			return 0, false
		}
	}
	to = i + len(e.text)
	if r, _ := utf8.DecodeLastRuneInString(e.text); unspaced(r) {
		return to, true
	}
	for to < len(text) {
		r, size := utf8.DecodeRuneInString(text[to:])
		if !wordRune(r) || unspaced(r) {
			break
		}
		if !e.prefix {
			return 0, false
		}
		to += size
	}
	return to, true
}
