package redact

import "strings"

// minKnown is the shortest secret that Known masks: a name may well begin like
// a key, but then it is short.
const minKnown = 20

// Known returns s with secrets of a known form replaced by Mark. It is for
// names, ids and paths, which must stay exact otherwise: somebody who mixes up
// two settings sends a key as the model, and it must not become a label. A
// secret without a known form stays. Clean strings are returned as they are.
func Known(s string) string {
	var out strings.Builder
	done := 0 // s[:done] is in out
	for i := 0; i < len(s); i++ {
		if i > 0 && (isAlnum(s[i-1]) || s[i-1] == '-' || s[i-1] == '_') {
			continue // inside a word: task-… is no sk-…
		}
		if end := tokenEnd(s, i); end-i >= minKnown {
			out.WriteString(s[done:i])
			out.WriteString(Mark)
			done, i = end, end-1
		}
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}
