package diagnose

import "strings"

// refusesStream reports whether a sentence says that there are no streams.
func refusesStream(s *speech) bool {
	if crowded(s) || limited(s.text) || s.has(isBool) && asksBoolean(s) {
		return false
	}
	if s.has(isRefusal) || wantsPlain(s) {
		return true
	}
	return s.has(isStream) && (s.refused(isStream) || refusedDirectly(s))
}

// crowded: the number of streams is limited, or both modes are meant.
func crowded(s *speech) bool {
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

// limited reports a bound on something: streams with less of it are answered.
func limited(s string) bool {
	_, rest, ok := strings.Cut(s, "limited to ")
	return ok && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// refusedDirectly looks for refusals that are no pair of stream and denial.
func refusedDirectly(s *speech) bool {
	for w, t := range s.tokens {
		if t.sense&isStream == 0 || began(s, w) {
			continue
		}
		if t.sense&isKey != 0 && flagRefused(s, w) || weaklyRefused(s, w) || withoutStream(s, w) || cannotStream(s, w) || bareNo(s, w) || turnedOff(s, w) || withStreams(s, w) || sold(s, w) || othersTurn(s, w) {
			return true
		}
	}
	return false
}

// flagRefused: the flag must be false, or must go.
func flagRefused(s *speech, w int) bool {
	if valueRefused(s, w) || s.next(w, isUnfit, 8) > 0 {
		return true
	}
	if m := s.next(w, isMust, 4); m == w+1 && hasAnyPrefix(s.text[s.tokens[m].to:], " equal", " one of", " null", " absent", " empty", " undefined") {
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

// valueRefused: the flag at w must be false, or must not be true.
func valueRefused(s *speech, w int) bool {
	if f := s.sameLine(w, isFalse, reachValue); f > 0 && !s.pair(f) {
		return true
	}
	if w > 0 && s.tokens[w-1].sense&isFalse != 0 && s.distance(w-1, w) <= 20 && !s.pair(w-1) {
		return true
	}
	v := s.next(w, isTrue, reachLateNo)
	if v == 0 {
		return false
	}
	near := s.distance(w, v) <= 4 && (s.before(w, isIllegal, 14) >= 0 || s.next(v, isIllegal|isWeak, reachLateNo) > 0)
	return near || s.between(w, v)&(isNo|isLateNo|isCannot) != 0
}

// weaklyRefused: a word right after the stream that refuses it only there, and
// names no other cause.
func weaklyRefused(s *speech, w int) bool {
	n := s.next(w, isWeak, reachStated)
	if n == 0 {
		return false
	}
	stated := copula(s.text[:s.tokens[n].from])
	if s.distance(w, n) > reachWeak && !stated || stated && s.word(n) == "missing" && s.between(w, n)&isAble == 0 { // it did not come
		return false
	}
	return !s.has(isBroken) && s.between(w, n)&isComma == 0 && !hasAny(s.gap(w, n), "session", "connection", "client", " id ")
}

// turnedOff: "turn streaming off".
func turnedOff(s *speech, w int) bool {
	before := strings.TrimSuffix(s.text[:s.tokens[w].from], "the ")
	n := s.next(w, isWeak, 1)
	return n > 0 && s.word(n) == "off" && (strings.HasSuffix(before, "turn ") || strings.HasSuffix(before, "switch "))
}

// withStreams: something that streams are combined with is not to be had.
func withStreams(s *speech, w int) bool {
	n := s.before(w, isWeak, reachWeak)
	if n < 0 || s.before(n, isCombination, reachNo) < 0 {
		return false
	}
	switch strings.TrimSpace(s.gap(n, w)) {
	case "while", "when", "with", "in", "during":
		return true
	}
	return false
}

// othersTurn: streaming must be enabled by somebody else.
func othersTurn(s *speech, w int) bool {
	m := s.next(w, isMust, 4)
	return m == w+1 && s.next(m, isState, 2) == m+1 && enabledBy(s, m+1)
}

// sold: who pays more may stream.
func sold(s *speech, w int) bool {
	p := s.before(w, isPlan, reachAfter)
	for ; p >= 0 && s.word(p) != "upgrade"; p = s.before(p, isPlan, reachAfter) {
	}
	if p < 0 {
		return false
	}
	gap := s.gap(p, w)
	for _, to := range []string{" to ", " to use ", " to enable ", " to get ", " to access ", " to unlock ", " for "} {
		if strings.HasSuffix(gap, to) {
			return true
		}
	}
	return false
}

// withoutStream: there is no streaming. "No stream was found" is another matter.
func withoutStream(s *speech, w int) bool {
	if w == 0 || s.tokens[w-1].sense&isNone == 0 || s.distance(w-1, w) > 4 {
		return false
	}
	after := s.next(w, isGot|isAble, reachWeak)
	if s.tokens[w].sense&isKey != 0 && s.tokens[w-1].sense&isLateNo == 0 {
		return after > 0 && s.tokens[after].sense&isAble != 0
	}
	return after == 0 || s.tokens[after].sense&isGot == 0
}

// bareNo: "streams are not", "does not stream".
func bareNo(s *speech, w int) bool {
	if n := s.next(w, isNo, 4); n == w+1 && !strings.Contains(s.gap(w, n), "or") && strings.Trim(s.text[s.tokens[n].to:], " .!") == "" {
		return true
	}
	if w == 0 || s.tokens[w].sense&isKey == 0 || s.tokens[w-1].sense&isNo == 0 || s.gap(w-1, w) != " " || s.next(w, isGot, reachWeak) > 0 {
		return false
	}
	before := s.text[:s.tokens[w-1].to]
	return hasAny(before[max(0, len(before)-9):], "do not", "don't", "does not", "doesn't", "will not", "may not", "never", "cannot", "can not", "must not", "should not", "can't")
}

// cannotStream: the service cannot stream. That one answer could not be streamed is
// another matter.
func cannotStream(s *speech, w int) bool {
	if w == 0 || s.tokens[w-1].sense&isCannot == 0 && !(w > 1 && s.tokens[w-2].sense&isCannot != 0 && s.tokens[w-1].sense&isAble != 0) || brokenAfter(s, w) || s.before(w, isBroken, reachBefore) >= 0 && !strings.Contains(s.text, "api key") {
		return false
	}
	from := w - 1
	if s.tokens[from].sense&isCannot == 0 {
		from = w - 2
	}
	for word := range strings.FieldsSeq(s.gap(from, w)) {
		switch strings.Trim(word, "'\"`") {
		case "be", "use", "do", "the", "used", "for", "with", "via", "as", "a", "return", "usar", "utiliser", "el", "le", "o", "lo", "del", "en", "essere", "ser", "etre", "respond", "answer", "отвечать":
		default:
			return false
		}
	}
	after := s.next(w, isGot, 6)
	return after == 0
}

// brokenAfter reports whether the stream at w goes on to end: "because" alone
// says nothing of that.
func brokenAfter(s *speech, w int) bool {
	for n := s.next(w, isBroken, reachAfter); n > 0; n = s.next(n, isBroken, reachAfter) {
		if !causal(s.word(n)) {
			return true
		}
	}
	return false
}

// causal reports a word behind which a reason stands.
func causal(word string) bool { return word == "because" || word == "since" }

// wantsPlain reports whether the words ask for a plain call.
func wantsPlain(s *speech) bool {
	if !s.has(isPlain) {
		return false
	}
	if first := s.tokens[0]; first.at == 0 && first.sense&isPlain != 0 && hasAny(s.word(0), "sin ", "sem ", "sans ", "ohne ", "senza ") && !s.refused(isPlain) {
		return true // "no streaming in this plan"
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
		case t.sense&isRetry != 0 && s.next(i, isPlain, 25) > 0, s.word(i) == "use" && s.next(i, isPlain, 4) > 0 && s.before(i, isNo|isCannot, 8) < 0:
			return true
		case t.sense&isPlain != 0 && strings.HasSuffix(s.text[:t.from], " is a "):
			return true
		case t.sense&isPlain != 0:
			if p := s.next(i, isOnly|isLateOnly|isNeeded|isStream, 25); p > 0 && s.tokens[p].sense&isStream == 0 {
				return true
			}
		}
	}
	return false
}
