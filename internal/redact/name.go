package redact

import "strings"

// strength is how surely a name announces a secret.
type strength uint8

const (
	none   strength = iota
	weak            // key, token: often something else
	keyed           // api key: generated, so never a plain word
	strong          // password: anything
	jar             // cookie: the whole line
)

// maxLabel bounds the name that is looked for before a value.
const maxLabel = 64

// ending is the end of a name in small letters, without punctuation.
type ending struct {
	text string
	kind strength
}

// endings is searched in order; the longer of two that fit stands first.
var endings = []ending{
	{"apikey", keyed}, {"accesskey", keyed}, {"accesskeyid", keyed}, {"secretkey", keyed}, {"subscriptionkey", keyed},
	{"privatekey", keyed}, {"authkey", keyed}, {"accountkey", keyed}, {"masterkey", keyed}, {"sharedkey", keyed},
	{"accesstoken", keyed}, {"authtoken", keyed}, {"apitoken", keyed}, {"idtoken", keyed}, {"refreshtoken", keyed},
	{"sessiontoken", keyed}, {"securitytoken", keyed}, {"bearertoken", keyed}, {"bearer", keyed},
	{"authorization", strong}, {"credential", strong}, {"credentials", strong}, {"secret", strong}, {"password", strong},
	{"passwd", strong}, {"passphrase", strong}, {"pwd", strong}, {"cookie", jar},
	{"key", weak}, {"token", weak}, {"signature", weak}, {"sig", weak}, {"auth", weak}, {"jwt", weak}, {"sas", weak},
}

// strengthOf judges a name; case and punctuation do not matter.
func strengthOf(name string) strength {
	var buf [24]byte
	n := len(buf)
	for i := len(name) - 1; i >= 0 && n > 0; i-- {
		if isAlnum(name[i]) {
			n--
			buf[n] = name[i] | 0x20
		}
	}
	if n == len(buf) {
		return none
	}
	// Few letters end a name of a secret: a cheap look saves most searches.
	switch buf[len(buf)-1] {
	case 'y', 'd', 'n', 'r', 't', 'l', 's', 'e', 'g', 'h':
	default:
		return none
	}
	for _, e := range endings {
		if len(e.text) <= len(buf)-n && string(buf[len(buf)-len(e.text):]) == e.text {
			return e.kind
		}
	}
	return none
}

// labelBefore judges the name that ends before s[i], over spaces, quotes and
// words like "provided".
func labelBefore(s string, i int) strength {
	i = back(s, i)
	for range 3 {
		w := nameStart(s, i)
		if !filler(s[w:i]) {
			break
		}
		i = back(s, w)
	}
	w := nameStart(s, i)
	if w == i {
		return none
	}
	if w > 0 && s[w-1] == ' ' {
		w = nameStart(s, w-1) // "api key", "access token"
	}
	return strengthOf(s[w:i])
}

// back moves over what may stand between a name and its separator.
func back(s string, i int) int {
	for n := 0; n < 8 && i > 0 && strings.IndexByte(" \t\r\n\"'`\\()[]", s[i-1]) >= 0; n++ {
		i--
	}
	return i
}

// nameStart returns where the name that ends before s[i] begins.
func nameStart(s string, i int) int {
	for n := 0; n < maxLabel && i > 0 && (isAlnum(s[i-1]) || strings.IndexByte("-_.", s[i-1]) >= 0); n++ {
		i--
	}
	return i
}

// filler reports a word that may stand between a label and its separator.
func filler(w string) bool {
	if len(w) < 2 || len(w) > 9 {
		return false
	}
	switch strings.ToLower(w) {
	case "is", "was", "provided", "given", "supplied", "used", "passed", "received", "sent", "value", "header",
		"parameter":
		return true
	}
	return false
}

// plainWord reports a value that says something about a secret instead of
// being one.
func plainWord(v string) bool {
	if len(v) > 16 {
		return false
	}
	switch strings.ToLower(v) {
	case "a", "an", "and", "are", "authentication", "cannot", "empty", "expired", "failed", "false", "for", "from",
		"has", "header", "in", "incorrect", "invalid", "is", "missing", "must", "no", "none", "not", "null", "of", "or",
		"please", "provided", "required", "scheme", "set", "the", "to", "token", "true", "undefined", "unknown", "was",
		"wrong", "you", "your":
		return true
	}
	return false
}
