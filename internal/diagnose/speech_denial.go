package diagnose

import "strings"

// How far stream and refusal may stand apart, in characters.
const (
	reachAfter  = 80
	reachBefore = 40
	reachValue  = 60 // from the flag to the value it must have
	reachWeak   = 15
	reachStated = 30 // … where "is" or "are" stands before it
	reachNo     = 30 // from "not" to what it denies
	reachLateNo = 30
)

// denial is a refusal: one word, or a "not" and what it denies.
type denial struct {
	first, last int // tokens
	plan        bool
}

// maxDenials bounds the refusals looked at.
const maxDenials = 16

// findDenials finds the refusals in the order of their words.
func findDenials(s *speech, out []denial) []denial {
	for i := range s.tokens {
		if len(out) == maxDenials {
			break
		}
		switch t := s.tokens[i].sense; {
		case t&isBarred != 0 && bounds(s, i):
		case t&isBarred != 0:
			out = append(out, denial{first: i, last: i})
		case t&(isNo|isLateNo|isCannot) != 0 && deniedAfter(s, i) > 0:
			out = append(out, denial{first: i, last: deniedAfter(s, i)})
		case t&isAble != 0 && noAfter(s, i) > 0:
			out = append(out, denial{first: i, last: noAfter(s, i)})
		case t&isOnly != 0 && s.next(i, isPlan, 20) == i+1:
			out = append(out, denial{first: i, last: i + 1})
		case t&isOnly != 0 && s.next(i, isAble, 8) == i+1 || t&isState != 0 && s.next(i, isOnly, 2) == i+1 || t&(isMust|isAble) != 0 && s.next(i, isPlan, reachNo) > 0:
			out = append(out, denial{first: i, last: i + 1, plan: true})
		}
	}
	return out
}

// bounds reports whether the refusal at i is one of a value, "must not be empty",
// or taken back: "deprecated but".
func bounds(s *speech, i int) bool {
	rest := s.text[s.tokens[i].to:]
	if strings.HasSuffix(s.word(i), "not be") {
		return hasAnyPrefix(rest, " empty", " negative", " greater", " less", " larger", " longer", " more", " higher", " lower", " blank", " modified")
	}
	return strings.HasPrefix(rest, " but ")
}

// deniedAfter returns what the "not" at i denies.
func deniedAfter(s *speech, i int) int {
	j := s.next(i, isAble|isBroken|isBarred, reachNo)
	for j > 1 && s.word(j) == "request" && s.tokens[j-1].sense&isStream != 0 { // a "streaming request" is a thing
		k := s.next(j, isAble|isBroken|isBarred, reachNo)
		if k == 0 || s.distance(i, k) > reachNo {
			return 0
		}
		j = k
	}
	if j == 0 || s.tokens[j].sense&isAble == 0 {
		return 0
	}
	if s.tokens[i].sense&isNone != 0 && english(s.word(j)) && s.next(j, isStream, 2) == 0 || hasAnyPrefix(s.text[s.tokens[j].to:], " to be ", " to exceed ", " more than ") {
		return 0 // "no models are available" denies models, "no provider that supports streams" does not
	}
	return j
}

func english(word string) bool {
	for _, p := range []string{"support", "allow", "avail", "enable", "implemented", "offer"} {
		if strings.HasPrefix(word, p) {
			return true
		}
	}
	return false
}

// noAfter returns the "not" that stands behind what it denies, as in German,
// French and Japanese.
func noAfter(s *speech, i int) int {
	j := s.next(i, isLateNo|isComma|isBroken, reachLateNo)
	if j == 0 || s.tokens[j].sense&isLateNo == 0 {
		return 0
	}
	return j
}

// isAbout reports whether a denial is about the thing at w.
func isAbout(s *speech, w int, d denial) bool {
	switch {
	case d.first > w:
		between := s.between(w, d.first)
		switch {
		case s.distance(w, d.first) > reachAfter, between&isBroken != 0, between&isEnd != 0 && !resumed(s, w, d.first), s.states(w, d.first):
			return false
		case between&isParam != 0 && between&isCombination == 0 && s.tokens[w].sense&isKey == 0 && !compound(s, w):
			return false // what comes with streams is refused
		case d.plan:
			other := s.next(d.last, isStream|isPlain, reachBefore)
			return other == 0 || s.tokens[other].sense&isKey != 0
		case hasAny(s.text[s.tokens[d.last].to:min(len(s.text), int(s.tokens[d.last].to)+9)], " read", " writ", " seek"):
			return false // a stream of a program's library
		}
		return s.gap(w, d.first) == " is an " || !hasOwnNoun(s, d)
	case d.last < w && s.word(d.last) == "unsupported" && strings.HasSuffix(s.gap(d.last, w), " in ") && strings.Count(s.gap(d.last, w), " ") == 3 && !hasAny(s.gap(d.last, w), "mode", "operation", "feature"):
		return false // "unsupported unicode in the stream"
	case d.last < w:
		between := s.between(d.last, w)
		return (!d.plan || s.tokens[d.first].sense&isMust != 0) && s.distance(d.last, w) <= reachBefore && between&(isEnd|isBroken|isComma) == 0 && !deniesParameter(s, d.first)
	}
	return true // the stream stands inside
}

// hasOwnNoun reports whether a denial belongs to a noun of its own: "an
// unsupported event".
func hasOwnNoun(s *speech, d denial) bool {
	before := s.text[:s.tokens[d.first].from]
	switch s.word(d.first) {
	case "unsupported", "disabled", "restricted", "forbidden", "prohibited", "disallowed", "deprecated", "missing":
	default:
		return false
	}
	if hasAny(s.text[s.tokens[d.last].to:min(len(s.text), int(s.tokens[d.last].to)+9)], " content", " event", " media", " type", " format", " char", " data") {
		return true
	}
	if d.first != d.last || s.next(d.last, isStream|isPlain, reachWeak) > 0 {
		return false
	}
	return strings.HasSuffix(before, " an ") || strings.HasSuffix(before, " a ") || strings.HasSuffix(before, " any ")
}

// deniesParameter reports whether a parameter's name is the subject of the denial
// at i, unless it is one that is refused in combination with streams.
func deniesParameter(s *speech, i int) bool {
	if i == 0 {
		return false
	}
	t := s.tokens[i-1]
	if t.sense&isBroken != 0 && s.word(i-1) != "api key" && s.distance(i-1, i) <= 12 {
		return true // images, files, roles
	}
	return t.sense&isParam != 0 && t.sense&isCombination == 0 && s.distance(i-1, i) <= 18
}

// began reports whether the stream at w is one that began, or that somebody
// tried: what follows is about its end.
func began(s *speech, w int) bool {
	if w+1 < len(s.tokens) && s.tokens[w+1].sense&isBroken != 0 && s.distance(w, w+1) <= 8 && !causal(s.word(w+1)) {
		return true
	}
	before, after := s.text[:s.tokens[w].from], s.text[s.tokens[w].to:]
	if strings.HasSuffix(before, " about ") || inside(before) && (strings.HasPrefix(after, " request") || strings.HasPrefix(after, " call")) {
		return true
	}
	if w == 0 {
		return false
	}
	gap := s.gap(w-1, w)
	switch last := s.tokens[w-1].sense; {
	case last&isBroken != 0:
		switch gap {
		case " ", " zum ", " to the ", " of the ", " to ", " du ", " de ", " al ", " from ", " from the ":
			return true
		}
	case last&isCannot != 0 && hasAny(gap, " read", " writ", " pars", " open", " continu", " cancel", " resum"):
		return true
	case last&isTrying != 0:
		return len(strings.Trim(gap, " ")) <= 5 && !strings.ContainsAny(gap, "'`\"")
	}
	return false
}

// inside reports whether s ends with words that put what follows inside
// something: the thing before them is meant.
func inside(s string) bool {
	for _, w := range []string{" in your ", " in a ", " in the ", " in ", " of your ", " of a ", " of the "} {
		if strings.HasSuffix(s, w) {
			return true
		}
	}
	return false
}

// refused reports whether something of a sense is refused.
func (s *speech) refused(what sense) bool {
	var room [maxDenials]denial
	all := findDenials(s, room[:0])
	for w := range s.tokens {
		if s.tokens[w].sense&what == 0 || began(s, w) {
			continue
		}
		for _, d := range all {
			if isAbout(s, w, d) {
				return true
			}
		}
	}
	return false
}
