package compare

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"llmtap/internal/call"
)

// FNV-1a, 64 bits: identities inside one window, never shown.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func mix(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return (h ^ 0xff) * fnvPrime // so that "ab","c" differs from "a","bc"
}

// hashOf returns 0 for the empty string: not known.
func hashOf(s string) uint64 {
	if s == "" {
		return 0
	}
	return mix(fnvOffset, s)
}

// signature is one way to fail: failures with equal hashes are alike.
type signature struct {
	hash   uint64
	class  call.Class
	status int
	// own: the error was written by the model service itself.
	own bool
	// param is what a parameter_unsupported names.
	param string
	// text names it in a sentence.
	text string
}

// explains reports whether one failure proves what it says.
func (s *signature) explains(mode call.Mode) bool {
	return mode == call.ModeStream && s.class == call.ClassStreamUnsupported ||
		mode == call.ModePlain && s.class == call.ClassPlainUnsupported
}

// midway: the call was accepted and broke later, which happens to any call.
func (s *signature) midway() bool { return s.status >= 200 && s.status < 300 }

// aboutRequest: the service found fault with what this caller sent.
func (s *signature) aboutRequest() bool {
	return s.class == call.ClassParameterUnsupported || s.class == call.ClassRequestRejected && s.own
}

// signatureHash follows the catalogue: class, status, shape, code and message
// of an error; inside a 200 class, status and reason.
func signatureHash(r *call.Record) uint64 {
	h := mix(fnvOffset, r.Diagnosis.Class.String())
	h = (h ^ uint64(r.Response.Status)) * fnvPrime
	if s := r.Response.Status; s == 0 || s >= 200 && s < 300 {
		return mix(h, r.Diagnosis.Reason)
	}
	e := &r.Response.Error
	h = mix(h, e.Shape.String())
	h = mix(h, e.Code)
	return mixMessage(h, e.Message)
}

// messageRunes is how much of a message tells failures apart.
const messageRunes = 200

// mixMessage adds a message without what differs from call to call: letters
// lower case, and every word with a digit, every URL and every quoted word
// replaced by one mark.
func mixMessage(h uint64, m string) uint64 {
	for n := 0; m != "" && n < messageRunes; {
		word := m[:wordEnd(m)]
		m = m[len(word):]
		n += utf8.RuneCountInString(word)
		if variable(word) {
			h = (h ^ '#') * fnvPrime
			continue
		}
		for i := range len(word) {
			c := word[i]
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			h = (h ^ uint64(c)) * fnvPrime
		}
	}
	return h
}

// wordEnd is the length of the first word of m, or of the blanks before it.
func wordEnd(m string) int {
	if m[0] == ' ' {
		return len(m) - len(strings.TrimLeft(m, " "))
	}
	if q := m[0]; q == '\'' || q == '"' || q == '`' {
		if i := strings.IndexByte(m[1:], q); i >= 0 && !strings.Contains(m[1:1+i], " ") {
			return i + 2
		}
	}
	if i := strings.IndexAny(m[1:], " '\"`,;()[]{}"); i >= 0 {
		return i + 1
	}
	return len(m)
}

// variable reports whether a word names one thing among many: an id, a number,
// an address, a name in quotes.
func variable(word string) bool {
	if strings.ContainsAny(word, "0123456789") || strings.Contains(word, "://") {
		return true
	}
	return len(word) > 1 && strings.IndexByte("'\"`", word[0]) >= 0 && word[len(word)-1] == word[0]
}

// textRunes bounds a message inside a sentence.
const textRunes = 120

func signatureText(r *call.Record) string {
	d := r.Diagnosis
	head := d.Class.String()
	if d.Reason != "" {
		head += " (" + strings.ReplaceAll(d.Reason, "_", " ") + ")"
	}
	if r.Response.Status != 0 {
		head = strconv.Itoa(r.Response.Status) + " " + head
	}
	if m := strings.Join(strings.Fields(r.Response.Error.Message), " "); m != "" {
		head += ", " + strconv.Quote(clipped(m, textRunes))
	}
	return head
}

// clipped cuts s to n runes.
func clipped(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// ownWords reports whether the model service wrote the error itself. What
// nobody can tell counts as its own, so that no gateway is blamed for it.
func ownWords(r *call.Record) bool {
	switch r.Diagnosis.Class {
	case call.ClassGatewayErrorOpaque, call.ClassNonAPIResponse:
		return false
	case call.ClassProviderError:
		return true
	}
	if slices.Contains(r.Diagnosis.Tags, "foreign_4xx") {
		return false
	}
	switch r.Response.Error.Shape {
	case call.ShapeAPIM, call.ShapeHTML, call.ShapeText, call.ShapeEmpty, call.ShapeOther:
		return azureMarked(r)
	case call.ShapeBare:
		return strings.HasPrefix(r.Target.API, "cohere")
	}
	return true
}

// azureMarked: headers that Azure's own front sets and a company gateway lacks.
func azureMarked(r *call.Record) bool {
	return r.Response.Header("x-ms-region") != "" || r.Response.Header("apim-request-id") != ""
}
