package redact

import "strings"

// maxLook bounds how far a decision looks ahead; what was decided to be a
// secret is masked to its end, however far that is.
const maxLook = 256

// maxPlain is the longest run of letters and digits that can be no secret.
const maxPlain = 40

// form is a kind of secret known by its first characters.
type form struct {
	prefix string
	// min is how many characters must follow.
	min int
	// mixed: a digit, or both cases, must be among them. Without it the prefix
	// alone is proof enough.
	mixed bool
	// base64: + / = are part of it.
	base64 bool
}

// tokenEnd returns the end of the secret that begins at s[i] by its form, or i.
// It asks for no word boundary: keys stand behind escapes and other words.
func tokenEnd(s string, i int) int {
	switch s[i] {
	case 's':
		return skEnd(s, i)
	case 'e':
		return formEnd(s, i, []form{{prefix: "eyJ", min: 8}})
	case 'A':
		return formEnd(s, i, []form{
			{prefix: "AIza", min: 16}, {prefix: "AKIA", min: 12}, {prefix: "ASIA", min: 12, mixed: true},
			{prefix: "ABSK", min: 20, base64: true},
		})
	case 'g':
		return formEnd(s, i, []form{
			{prefix: "ghp_", min: 16}, {prefix: "gho_", min: 16}, {prefix: "ghu_", min: 16}, {prefix: "ghs_", min: 16},
			{prefix: "ghr_", min: 16}, {prefix: "github_pat_", min: 16}, {prefix: "gsk_", min: 16, mixed: true},
			{prefix: "glpat-", min: 16},
		})
	case 'x':
		return formEnd(s, i, []form{
			{prefix: "xoxa-", min: 8}, {prefix: "xoxb-", min: 8}, {prefix: "xoxe", min: 8, mixed: true},
			{prefix: "xoxp-", min: 8}, {prefix: "xoxr-", min: 8}, {prefix: "xoxs-", min: 8},
			{prefix: "xapp-", min: 16, mixed: true}, {prefix: "xai-", min: 16, mixed: true},
		})
	case 'h':
		return formEnd(s, i, []form{{prefix: "hf_", min: 16, mixed: true}})
	case 'n':
		return formEnd(s, i, []form{{prefix: "nvapi-", min: 16, mixed: true}})
	case 'p':
		return formEnd(s, i, []form{{prefix: "pplx-", min: 16, mixed: true}, {prefix: "pk-lf-", min: 16, mixed: true}})
	case 'd':
		return formEnd(s, i, []form{{prefix: "dapi", min: 32, mixed: true}})
	case 'l':
		return formEnd(s, i, []form{{prefix: "lsv2_", min: 16, mixed: true}})
	case 'r':
		return formEnd(s, i, []form{{prefix: "r8_", min: 16, mixed: true}})
	case 't':
		return formEnd(s, i, []form{{prefix: "tgp_v1_", min: 16, mixed: true}})
	case 'y':
		return formEnd(s, i, []form{{prefix: "ya29.", min: 16}})
	}
	return i
}

// formEnd returns the end of the secret of one of the forms, or i.
func formEnd(s string, i int, forms []form) int {
	for _, f := range forms {
		if !strings.HasPrefix(s[i:], f.prefix) {
			continue
		}
		r := look(s, i+len(f.prefix), f.base64)
		if r.n >= f.min && (!f.mixed || r.digit || r.upper && r.lower) {
			return runEnd(s, i, f.base64)
		}
	}
	return i
}

// skEnd is for the commonest form, which ends many English words (task-, disk-).
// At a word boundary little is enough, since services echo keys in part
// (sk-ab***yz) and gateways use short ones (sk-1234).
func skEnd(s string, i int) int {
	if !strings.HasPrefix(s[i:], "sk-") {
		return i
	}
	r := look(s, i+3, false)
	bounded := i == 0 || !isAlnum(s[i-1]) && s[i-1] != '-' && s[i-1] != '_'
	switch {
	case bounded && r.n >= 4 && (r.digit || r.cut || r.n >= 24), r.n >= 16 && r.digit:
		return runEnd(s, i, false)
	}
	return i
}

// opaqueEnd returns the end of the run of letters and digits that begins at
// s[i], if only a secret looks like that: too long and too mixed for a name or
// an id, or long and behind a label. Otherwise it returns i.
func opaqueEnd(s string, i int) int {
	if i > 0 && isAlnum(s[i-1]) {
		return i
	}
	end, seen := i, run{}
	for end < len(s) && isAlnum(s[end]) && end-i <= maxLook {
		seen.note(s[end])
		end++
	}
	n := end - i
	switch {
	case n > maxLook, n >= maxPlain && seen.digit && seen.upper && seen.lower:
		return runEnd(s, i, true)
	case n >= 20 && seen.digit && (seen.upper || seen.lower) && labelBefore(s, i) != none:
		return runEnd(s, i, true)
	}
	return i
}

// run is what the first characters of a possible secret are.
type run struct {
	n                   int
	digit, upper, lower bool
	cut                 bool // echoed in part: has * or … or ..
}

func (r *run) note(c byte) {
	switch {
	case c >= '0' && c <= '9':
		r.digit = true
	case c >= 'a' && c <= 'z':
		r.lower = true
	case c >= 'A' && c <= 'Z':
		r.upper = true
	case c == '*':
		r.cut = true
	}
}

// letters reports a short run of nothing but letters, which is a word.
func (r run) letters(v string) bool {
	if len(v) >= 16 {
		return false
	}
	for i := range len(v) {
		if c := v[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// look describes the run that begins at s[i], as far as maxLook.
func look(s string, i int, base64 bool) run {
	var r run
	for j := i; j < len(s) && r.n < maxLook; {
		n := secretWidth(s, j, base64)
		if n == 0 {
			break
		}
		r.note(s[j])
		r.cut = r.cut || n == 3 || s[j] == '.' && j > i && s[j-1] == '.'
		r.n++
		j += n
	}
	return r
}

// runEnd returns where the run that begins at s[i] ends, without the full
// stops of the sentence around it.
func runEnd(s string, i int, base64 bool) int {
	j := i
	for j < len(s) {
		n := secretWidth(s, j, base64)
		if n == 0 {
			break
		}
		j += n
	}
	for j > i && s[j-1] == '.' {
		j--
	}
	return extend(s, i, j)
}

// secretWidth returns how many bytes of s at i belong to a secret's run: one
// for its characters, three for the ellipsis of an echoed key, zero at its end.
func secretWidth(s string, i int, base64 bool) int {
	switch c := s[i]; {
	case isAlnum(c), c == '-', c == '_', c == '.', c == '*':
		return 1
	case base64 && (c == '+' || c == '/' || c == '='):
		return 1
	case c == 0xe2 && strings.HasPrefix(s[i:], "…"):
		return 3
	}
	return 0
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
