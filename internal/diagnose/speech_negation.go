package diagnose

import (
	"slices"
	"strings"
)

// negatesStream reports whether a text begins by saying of streaming itself
// that it is not something, whatever that is: "streaming is not wired up here".
// That is a refusal where the request is to blame, unless it tells of a stream
// that began.
func negatesStream(s *speech) bool {
	w := slices.IndexFunc(s.tokens, func(t token) bool { return t.sense&isStream != 0 })
	if w < 0 || began(s, w) || crowded(s) || !opens(s, w) {
		return false
	}
	n := s.next(w, isNo|isLateNo|isCannot, reachBefore)
	if n == 0 || s.between(w, n)&(isBroken|isGot|isParam|isState|isComma) != 0 || !predicate(s.gap(w, n), s.word(n)) {
		return false
	}
	return s.next(n, isBroken|isGot|isBool|isNeeded|isOption|isOnly|isParam|isTrue, reachBefore) == 0 && !runs(s.text[s.tokens[n].to:])
}

// opens reports whether the stream at w is what the text begins with: but for
// an article, or the name of the one who says so.
func opens(s *speech, w int) bool {
	whole := s.text[:s.tokens[w].from]
	if s.between(-1, w)&isBroken != 0 || s.tokens[w].sense&isKey != 0 && whole != "" && !strings.ContainsAny(whole[len(whole)-1:], "'\"`") {
		return false
	}
	before := strings.TrimRight(whole, " '\"`")
	if i := strings.LastIndexAny(before, ":;"); i >= 0 {
		before = strings.TrimLeft(before[i+1:], " ")
	}
	return strings.Count(before, " ") < 2 && len(before) <= reachWeak
}

// predicate reports whether gap and word join a subject and its "not": at most
// two nouns, then a verb that makes a statement about now.
func predicate(gap, no string) bool {
	words := strings.Fields(strings.Trim(gap, "'\"`"))
	if strings.ContainsAny(gap, ":;,(") || len(words) > 3 {
		return false
	}
	if no != "not" && no != "never" {
		return len(words) <= 2 && (no == "cannot" || strings.Contains(no, "t") && strings.Contains(no, "'"))
	}
	if len(words) == 0 {
		return false
	}
	switch words[len(words)-1] {
	case "is", "are", "has", "have", "can", "will", "may", "must", "does", "do", "should":
		return true
	}
	return false
}

// runs reports whether what is denied is no ability: a stream that did not
// come to its end, that is not needed or not to blame.
func runs(s string) bool {
	for _, w := range []string{
		" complete", " finish", " start", " begin", " respond", " arriv", " connect", " establish", " open", " read", " receiv", " valid", " reach",
		" match", " change", " help", " recommend", " requir", " need", " necess", " mandator", " affect", " involv", " bill", " charg", " count", " log", " cach",
		" the ", " at fault", " to blame", " an answer", " found",
	} {
		if i := strings.Index(s, w); i >= 0 && i <= 12 {
			return true
		}
	}
	return false
}
