package diagnose

import "strings"

// How far stream and refusal may stand apart, in characters.
const (
	reachAfter  = 80
	reachBefore = 40
	reachWeak   = 15
	reachNo     = 24 // from "not" to what it denies
	reachLateNo = 30
)

// denial is a refusal: one word, or a "not" and what it denies.
type denial struct {
	first, last int // tokens
	plan        bool
}

// maxDenials bounds the refusals looked at.
const maxDenials = 16

// denials finds the refusals in the order of their words.
func (s *speech) denials(out []denial) []denial {
	for i := range s.tokens {
		if len(out) == maxDenials {
			break
		}
		switch t := s.tokens[i].sense; {
		case t&isBarred != 0:
			out = append(out, denial{first: i, last: i})
		case t&(isNo|isLateNo|isCannot) != 0 && s.deniedAfter(i) > 0:
			out = append(out, denial{first: i, last: s.deniedAfter(i)})
		case t&isAble != 0 && s.noAfter(i) > 0:
			out = append(out, denial{first: i, last: s.noAfter(i)})
		case t&isOnly != 0 && s.next(i, isAble, 2) == i+1 || t&(isMust|isAble) != 0 && s.next(i, isPlan, reachNo) > 0:
			out = append(out, denial{first: i, last: i + 1, plan: true})
		}
	}
	return out
}

// next returns the first token after i with a sense, within reach and in the
// same clause; 0 if there is none.
func (s *speech) next(i int, want sense, reach int16) int {
	for j := i + 1; j < len(s.tokens); j++ {
		t := s.tokens[j]
		if t.at-s.tokens[i].past > reach || t.sense&isEnd != 0 {
			return 0
		}
		if t.sense&want != 0 {
			return j
		}
	}
	return 0
}

// deniedAfter returns what the "not" at i denies.
func (s *speech) deniedAfter(i int) int {
	j := s.next(i, isAble|isBroken|isBarred, reachNo)
	if j == 0 || s.tokens[j].sense&isAble == 0 {
		return 0
	}
	if s.tokens[i].sense&isNone != 0 && english(s.word(j)) || strings.HasPrefix(s.text[s.tokens[j].to:], " to be ") {
		return 0 // "no models are available" denies models
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
func (s *speech) noAfter(i int) int {
	j := s.next(i, isLateNo|isComma|isBroken, reachLateNo)
	if j == 0 || s.tokens[j].sense&isLateNo == 0 {
		return 0
	}
	return j
}

// word is the text of token i.
func (s *speech) word(i int) string { return s.text[s.tokens[i].from:s.tokens[i].to] }

// gap is the text between two tokens.
func (s *speech) gap(i, j int) string { return s.text[s.tokens[i].to:s.tokens[j].from] }

// distance is the number of characters between two tokens.
func (s *speech) distance(i, j int) int16 { return s.tokens[j].at - s.tokens[i].past }

// between joins the senses of the tokens between two.
func (s *speech) between(i, j int) (all sense) {
	for k := i + 1; k < j; k++ {
		all |= s.tokens[k].sense
	}
	return all
}

// states reports whether between two tokens something is said to be so: "is
// supported", with no "not" before it.
func (s *speech) states(i, j int) bool {
	for k := i + 1; k < j; k++ {
		if s.tokens[k].sense&isState != 0 && s.tokens[k-1].sense&(isNo|isLateNo|isOnly) == 0 {
			return true
		}
	}
	return false
}

// refuses reports whether a denial is about the thing at w.
func (s *speech) refuses(w int, d denial) bool {
	switch {
	case d.first > w:
		between := s.between(w, d.first)
		switch {
		case s.distance(w, d.first) > reachAfter, between&(isEnd|isBroken|isTrying) != 0, s.states(w, d.first):
			return false
		case between&isParam != 0 && between&isCombination == 0 && s.tokens[w].sense&isKey == 0:
			return false // what comes with streams is refused
		case d.plan:
			return s.next(d.last, isStream|isPlain, reachBefore) == 0
		}
		return !s.attribute(d)
	case d.last < w:
		between := s.between(d.last, w)
		return !d.plan && s.distance(d.last, w) <= reachBefore && between&(isEnd|isBroken|isComma) == 0 && !s.parameterIs(d.first)
	}
	return true // the stream stands inside
}

// attribute reports whether a denial belongs to a noun of its own: "an
// unsupported event".
func (s *speech) attribute(d denial) bool {
	before := s.text[:s.tokens[d.first].from]
	if d.first != d.last || s.next(d.last, isStream|isPlain, reachWeak) > 0 {
		return false
	}
	return strings.HasSuffix(before, " an ") || strings.HasSuffix(before, " a ") || strings.HasSuffix(before, " any ")
}

// parameterIs reports whether a parameter's name is the subject of the denial
// at i, unless it is one that is refused in combination with streams.
func (s *speech) parameterIs(i int) bool {
	if i == 0 {
		return false
	}
	t := s.tokens[i-1]
	return t.sense&isParam != 0 && t.sense&isCombination == 0 && s.distance(i-1, i) <= 18
}

// began reports whether the stream at w is one that began, or that somebody
// tried: what follows is about its end.
func (s *speech) began(w int) bool {
	if w+1 < len(s.tokens) && s.tokens[w+1].sense&isBroken != 0 && s.distance(w, w+1) <= 8 {
		return true
	}
	return w > 0 && s.tokens[w-1].sense&isTrying != 0 && len(strings.Trim(s.gap(w-1, w), " ")) <= 5 && !strings.ContainsAny(s.gap(w-1, w), "'`\"")
}

// refusesStream reports whether a sentence says that there are no streams.
func (s *speech) refusesStream() bool {
	if s.crowded() || s.has(isBool) && s.asksBoolean() {
		return false
	}
	if s.has(isRefusal) || s.wantsPlain() {
		return true
	}
	return s.has(isStream) && (s.refused(isStream) || s.refusedDirectly())
}

// refused reports whether something of a sense is refused.
func (s *speech) refused(what sense) bool {
	var room [maxDenials]denial
	all := s.denials(room[:0])
	for w := range s.tokens {
		if s.tokens[w].sense&what == 0 || s.began(w) {
			continue
		}
		for _, d := range all {
			if s.refuses(w, d) {
				return true
			}
		}
	}
	return false
}

// crowded: the number of streams is limited, or both modes are meant.
func (s *speech) crowded() bool {
	if !s.has(isCrowd) {
		return false
	}
	for i := range s.tokens {
		if s.tokens[i].sense&isCrowd == 0 {
			continue
		}
		if s.next(i, isStream, 20) > 0 || strings.HasSuffix(s.word(i), "modes") || strings.HasSuffix(s.word(i), "non streaming") || strings.HasSuffix(s.word(i), "non-streaming") {
			return true
		}
	}
	return false
}

// refusedDirectly looks for refusals that are no pair of stream and denial.
func (s *speech) refusedDirectly() bool {
	for w, t := range s.tokens {
		if t.sense&isStream == 0 || s.began(w) {
			continue
		}
		if t.sense&isKey != 0 && s.flagRefused(w) || s.weaklyRefused(w) || s.without(w) || s.cannot(w) {
			return true
		}
	}
	return false
}

// flagRefused: the flag must be false, or must go.
func (s *speech) flagRefused(w int) bool {
	if f := s.sameLine(w, isFalse, reachBefore); f > 0 && !s.pair(f) {
		return true
	}
	if w > 0 && s.tokens[w-1].sense&isFalse != 0 && s.distance(w-1, w) <= 20 && !s.pair(w-1) {
		return true
	}
	if s.next(w, isUnfit, 4) > 0 {
		return true
	}
	if v := s.next(w, isTrue, 4); v > 0 && s.next(v, isIllegal|isWeak, reachLateNo) > 0 {
		return true
	}
	if d := s.next(w, isDrop, reachBefore); d > 0 {
		for _, thing := range []string{" it", " this", " the key", " the field", " the parameter", " the option"} {
			if strings.HasPrefix(s.text[s.tokens[d].to:], thing) || strings.HasSuffix(s.word(d), " it") {
				return true
			}
		}
	}
	after := strings.TrimLeft(s.text[s.tokens[w].to:], "'\"` ")
	if strings.HasPrefix(after, "was unexpected") || strings.HasPrefix(after, "is unexpected") {
		return true
	}
	if w == 0 {
		return false
	}
	before, gap := s.tokens[w-1].sense, strings.Trim(s.gap(w-1, w), " '\"`:([")
	switch {
	case before&isDrop != 0:
		return gap == "" || gap == "the" || gap == "den parameter" || gap == "le parametre" || gap == "el parametro" || gap == "参数" || gap == "the field" || gap == "the key"
	case before&isUnfit != 0:
		return gap == "" || gap == "supplied" || gap == "supplied:" || gap == "in body" || gap == "in request"
	}
	return false
}

// sameLine is next over the ends of sentences, for a value is often named in
// the next one.
func (s *speech) sameLine(i int, want sense, reach int16) int {
	for j := i + 1; j < len(s.tokens); j++ {
		t := s.tokens[j]
		if t.at-s.tokens[i].past > reach || t.sense&isEnd != 0 && s.word(j) != "." {
			return 0
		}
		if t.sense&want != 0 {
			return j
		}
	}
	return 0
}

// pair reports whether the value at i is one of both: "true or false".
func (s *speech) pair(i int) bool {
	const both = isTrue | isFalse
	other := func(j int) bool {
		return j >= 0 && j < len(s.tokens) && s.tokens[j].sense&both != 0 && s.tokens[j].sense&both != s.tokens[i].sense&both
	}
	for _, j := range []int{i - 1, i + 1, i - 2, i + 2} {
		if other(j) && max(s.distance(min(i, j), max(i, j)), 0) <= 8 && s.between(min(i, j), max(i, j))&isEnd == 0 {
			return true
		}
	}
	return false
}

// weaklyRefused: a word right after the stream that refuses it only there, and
// names no other cause.
func (s *speech) weaklyRefused(w int) bool {
	n := s.next(w, isWeak, reachWeak)
	return n > 0 && !s.has(isBroken) && s.between(w, n)&isComma == 0
}

// without: there is no streaming. "No stream was found" is another matter.
func (s *speech) without(w int) bool {
	if w == 0 || s.tokens[w-1].sense&isNone == 0 || s.distance(w-1, w) > 4 {
		return false
	}
	after := s.next(w, isGot|isAble, reachWeak)
	if s.tokens[w].sense&isKey != 0 && s.tokens[w-1].sense&isLateNo == 0 {
		return after > 0 && s.tokens[after].sense&isAble != 0
	}
	return after == 0 || s.tokens[after].sense&isGot == 0
}

// cannot: the service cannot stream. That one answer could not be streamed is
// another matter.
func (s *speech) cannot(w int) bool {
	if w == 0 || s.tokens[w-1].sense&isCannot == 0 && !(w > 1 && s.tokens[w-2].sense&isCannot != 0 && s.tokens[w-1].sense&isAble != 0) || s.has(isBroken) {
		return false
	}
	from := w - 1
	if s.tokens[from].sense&isCannot == 0 {
		from = w - 2
	}
	for _, word := range strings.Fields(s.gap(from, w)) {
		switch strings.Trim(word, "'\"`") {
		case "be", "use", "do", "the", "used", "for", "with", "via", "as", "a", "return", "usar", "utiliser", "el", "le", "o", "lo", "del", "en", "essere", "ser", "etre":
		default:
			return false
		}
	}
	after := s.next(w, isGot, 6)
	return after == 0
}

// wantsPlain reports whether the words ask for a plain call.
func (s *speech) wantsPlain() bool {
	if !s.has(isPlain) {
		return false
	}
	for i, t := range s.tokens {
		switch {
		case t.sense&isOnly != 0:
			if p := s.next(i, isPlain|isStream|isTrue|isFalse, 25); p > 0 && s.tokens[p].sense&isPlain != 0 {
				return true
			}
		case t.sense&isMust != 0 && t.sense&isAsk == 0 || t.sense&isAsk != 0 && t.sense&isPlain == 0:
			if p := s.next(i, isPlain|isFalse|isStream, 18); p > 0 && s.tokens[p].sense&isPlain != 0 {
				return true
			}
		case t.sense&isPlain != 0:
			if p := s.next(i, isOnly|isLateOnly|isNeeded|isStream, 25); p > 0 && s.tokens[p].sense&isStream == 0 {
				return true
			}
		}
	}
	return false
}

// wantsStream reports whether the words say that only streams are answered.
func (s *speech) wantsStream() bool {
	if !s.has(isStream|isPlain) || s.has(isOption) {
		return false
	}
	for i, t := range s.tokens {
		switch {
		case t.sense&isOnly != 0 && s.onlyStream(i), t.sense&(isMust|isAsk) != 0 && s.mustStream(i), t.sense&isStream != 0 && s.neededStream(i):
			return true
		}
	}
	return s.has(isPlain) && s.refused(isPlain)
}

func (s *speech) onlyStream(i int) bool {
	w := s.next(i, isStream|isPlain|isComma|isBroken|isCrowd|isFalse, reachLateNo)
	if w == 0 || s.tokens[w].sense&isStream == 0 {
		return false
	}
	return s.next(w, isFalse, reachWeak) == 0
}

func (s *speech) mustStream(i int) bool {
	w := s.next(i, isStream|isPlain|isBroken, 16)
	if w == 0 {
		return s.tokens[i].sense&isMust != 0 && s.falseForPlain(i)
	}
	if s.tokens[w].sense&isStream == 0 {
		return false
	}
	gap := s.gap(i, w)
	return !strings.Contains(gap, "authenti") && s.next(w, isFalse|isBool, reachNo) == 0
}

// falseForPlain: something must be false in plain calls.
func (s *speech) falseForPlain(i int) bool {
	f := s.next(i, isFalse, reachBefore)
	return f > 0 && s.next(f, isPlain, reachLateNo) > 0
}

// neededStream: the stream at w is required, or the only thing, or must be true.
func (s *speech) neededStream(w int) bool {
	if s.next(w, isFalse, 20) > 0 {
		return false
	}
	if n := s.next(w, isNeeded|isTrue, 20); n > 0 {
		switch gap := s.gap(w, n); {
		case s.tokens[n].sense&isTrue != 0:
			return s.has(isMust|isSet|isAsk|isNeeded) && !s.pair(n) && s.between(w, n)&(isNo|isLateNo) == 0
		case s.tokens[n].sense&isNeeded != 0 && !strings.Contains(gap, "parameter") && !strings.Contains(gap, "field") && !strings.Contains(gap, "key"):
			return true
		}
	}
	if v := s.before(w, isTrue, 20); v >= 0 && s.has(isMust|isSet) && !s.pair(v) {
		return true
	}
	o := s.next(w, isOnly|isLateOnly, 8)
	switch {
	case o == 0:
		return false
	case s.tokens[o].sense&isLateOnly != 0:
		return true
	}
	return s.distance(w, o) <= 1 && s.next(o, isAble, 2) == 0
}

// before returns the last token before i with a sense, within reach and in the
// same clause; -1 if there is none.
func (s *speech) before(i int, want sense, reach int16) int {
	for j := i - 1; j >= 0; j-- {
		t := s.tokens[j]
		if s.tokens[i].at-t.past > reach || t.sense&isEnd != 0 {
			return -1
		}
		if t.sense&want != 0 {
			return j
		}
	}
	return -1
}

// asksBoolean reports whether the words ask for true or false as the flag.
func (s *speech) asksBoolean() bool {
	for w, t := range s.tokens {
		if t.sense&isStream == 0 {
			continue
		}
		if s.sameLine(w, isBool, reachAfter) > 0 || s.before(w, isBool, reachBefore) >= 0 {
			return true
		}
		if v := s.sameLine(w, isTrue|isFalse, 60); v > 0 && s.pair(v) {
			return true
		}
	}
	return false
}

// refusesParameters reports whether parameters as such are refused: "does not
// support parameters: …", "these parameters are not available".
func (s *speech) refusesParameters() bool {
	const name = "parameter"
	for from := 0; ; {
		i := strings.Index(s.text[from:], name)
		if i < 0 {
			return false
		}
		i += from
		var room [maxDenials]denial
		for _, d := range s.denials(room[:0]) {
			a, b := int(s.tokens[d.first].from), int(s.tokens[d.last].to)
			if !d.plan && (a > i && a-i <= 40 || b <= i && i-b <= 8) {
				return true
			}
		}
		from = i + len(name)
	}
}

// refusesVersion reports whether something is refused for the api-version.
func (s *speech) refusesVersion() bool {
	if !s.has(isVersion) {
		return false
	}
	if s.refused(isVersion) {
		return true
	}
	for i, t := range s.tokens {
		if t.sense&isVersion != 0 && (s.before(i, isOnly|isMust|isNeeded|isState, reachBefore) >= 0 || s.next(i, isNeeded|isMust, reachBefore) > 0) {
			return true
		}
	}
	return false
}
