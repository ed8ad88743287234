package diagnose

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"llmtap/internal/call"
)

// maxText bounds, in runes, how much of an error message is read.
const maxText = 400

// texts are an error's words, made ready for matching.
type texts struct {
	// all is the message in lower case, evened out; see plainText.
	all string
	// code is code and type as separate words: StreamNotAllowed reads "stream
	// not allowed".
	code string
	// said is what the message means, less what stands in quotes or repeats
	// the prompt: other people's words decide nothing.
	said speech
	// param is the last segment of the parameter's path.
	param string
	// nested: the parameter's path goes into a list or an object.
	nested bool
}

func (t *texts) read(e call.Error) {
	t.all = plainText(e.Message)
	t.code = codeText(e)
	t.said.listen(t.all)
	path := strings.ToLower(strings.Trim(e.Param, " '\"`"))
	t.nested = strings.Contains(path, "[")
	t.param = path
	if i := strings.LastIndexAny(path, "./#"); i >= 0 {
		t.param = path[i+1:]
	}
}

// codeText joins code and type in words, without the word that says it is an
// error.
func codeText(e call.Error) string {
	if e.Code == "" && e.Type == "" {
		return ""
	}
	var b strings.Builder
	b.Grow(len(e.Code) + len(e.Type) + 24)
	words(&b, e.Code)
	if e.Type != "" && e.Type != e.Code {
		b.WriteString("; ")
		words(&b, e.Type)
	}
	return b.String()
}

// words splits an identifier: snake_case, kebab-case and CamelCase alike.
func words(b *strings.Builder, id string) {
	for _, end := range []string{"_error", "Error", "Exception"} {
		id = strings.TrimSuffix(id, end)
	}
	var last rune
	blank := true // no second one, and none at the start
	for _, c := range id {
		letter := unicode.IsLetter(c) || unicode.IsDigit(c)
		if !blank && (!letter || unicode.IsUpper(c) && unicode.IsLower(last)) {
			b.WriteByte(' ')
			blank = true
		}
		if letter {
			b.WriteRune(unicode.ToLower(c))
			blank = false
		}
		last = c
	}
}

// plainText lowers, shortens and evens out a message: one kind of quotes, no
// accents, no links.
func plainText(s string) string {
	var b strings.Builder
	b.Grow(min(len(s), maxText*utf8.UTFMax) + 8)
	n := 0
	for i := 0; i < len(s) && n < maxText; n++ {
		if s[i] == 'h' && (strings.HasPrefix(s[i:], "https://") || strings.HasPrefix(s[i:], "http://")) {
			i += linkLen(s[i:])
			b.WriteByte(' ')
			continue
		}
		if c := s[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			b.WriteByte(c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		fold(&b, r)
	}
	return b.String()
}

func linkLen(s string) int {
	if i := strings.IndexAny(s, " \t\n\"'<>)"); i >= 0 {
		return i
	}
	return len(s)
}

// fold writes a rune without its accent.
func fold(b *strings.Builder, r rune) {
	switch {
	case r >= 0x300 && r <= 0x36f: // an accent of its own
	case r >= 0xff01 && r <= 0xff5e: // wide forms
		b.WriteRune(unicode.ToLower(r - 0xfee0))
	case r < 0x250 || r >= 0x1e00 && r < 0x1f00 || r >= 0x2010 && r <= 0x201f || r >= 0x386 && r <= 0x3ce || r == 'ё' || r == 'Ё' || r == 0xa0:
		if s, ok := folded[unicode.ToLower(r)]; ok {
			b.WriteString(s)
			return
		}
		b.WriteRune(unicode.ToLower(r))
	default:
		b.WriteRune(unicode.ToLower(r))
	}
}

// folded are the letters that lose an accent and the marks that have a twin.
var folded = foldTable(map[string]string{
	"a": "àáâãäåāăąảạấầẩẫậắằẳẵặ", "c": "çćĉċč", "d": "ďđ", "e": "èéêëēĕėęěẻẽẹếềểễệ", "g": "ĝğġģ", "h": "ĥħ",
	"i": "ìíîïĩīĭįıỉị", "k": "ķ", "l": "ĺļľŀł", "n": "ñńņň", "o": "òóôõöøōŏőơỏọốồổỗộớờởỡợ", "r": "ŕŗř", "s": "śŝşšș",
	"t": "ţťŧț", "u": "ùúûüũūŭůűųưủụứừửữự", "w": "ŵ", "y": "ýÿŷỳỷỹỵ", "z": "źżž", "ss": "ß", "ae": "æ", "oe": "œ",
	"α": "ά", "ε": "έ", "η": "ή", "ι": "ίϊΐ", "ο": "ό", "υ": "ύϋΰ", "ω": "ώ", "е": "ё",
	"'": "‘’", `"`: "“”„«»", "-": "‐‑‒–—", " ": "\u00a0",
})

func foldTable(rows map[string]string) map[rune]string {
	out := map[rune]string{}
	for to, from := range rows {
		for _, r := range from {
			out[r] = to
		}
	}
	return out
}
