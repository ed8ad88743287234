package diagnose

import "strings"

// wantsStream reports whether the words say that only streams are answered.
func wantsStream(s *speech) bool {
	if !s.has(isStream|isPlain) || s.has(isOption) {
		return false
	}
	for i, t := range s.tokens {
		switch {
		case t.sense&isOnly != 0 && onlyStream(s, i), t.sense&(isMust|isAsk) != 0 && mustStream(s, i), t.sense&isStream != 0 && neededStream(s, i):
			return true
		}
	}
	return s.has(isPlain) && (s.refused(isPlain) || plainRejected(s))
}

// plainRejected: "requests without streaming are rejected".
func plainRejected(s *speech) bool {
	for i, t := range s.tokens {
		if t.sense&isPlain != 0 {
			if n := s.next(i, isWeak, reachStated); n > 0 && copula(s.text[:s.tokens[n].from]) {
				return true
			}
		}
	}
	return false
}

func onlyStream(s *speech, i int) bool {
	w := s.next(i, isStream|isPlain|isComma|isBroken|isCrowd|isFalse|isPlan|isAccount, reachLateNo)
	if w == 0 || s.tokens[w].sense&isStream == 0 || strings.HasSuffix(s.text[:s.tokens[i].from], "-") || strings.Contains(s.gap(i, w), ":") {
		return false
	}
	return s.next(w, isFalse, reachWeak) == 0
}

func mustStream(s *speech, i int) bool {
	w := s.next(i, isStream|isPlain|isBroken, 16)
	if s.before(i, isNo|isLateNo|isCannot, 14) >= 0 {
		return false
	}
	if w == 0 {
		return s.tokens[i].sense&isMust != 0 && falseForPlain(s, i)
	}
	if s.tokens[w].sense&isStream == 0 {
		return false
	}
	gap := s.gap(i, w)
	return !strings.Contains(gap, "authenti") && s.between(i, w)&(isFalse|isPlan|isAccount|isNo|isLateNo|isBarred|isDrop) == 0 && s.next(w, isFalse|isBool, reachNo) == 0
}

// falseForPlain: something must be false in plain calls.
func falseForPlain(s *speech, i int) bool {
	f := s.next(i, isFalse, reachBefore)
	return f > 0 && s.next(f, isPlain, reachLateNo) > 0
}

// neededStream: the stream at w is required, or the only thing, or must be true.
func neededStream(s *speech, w int) bool {
	if f := s.next(w, isFalse, 20); f > 0 {
		return s.between(w, f)&(isNo|isLateNo|isCannot) != 0 || s.distance(w, f) <= 4 && refusedAfter(s, f)
	}
	if n := s.next(w, isNeeded|isTrue, reachBefore); n > 0 && s.between(w, n)&(isBroken|isState|isOption) == 0 {
		switch gap := s.gap(w, n); {
		case s.tokens[n].sense&isTrue != 0:
			return s.has(isMust|isSet|isAsk|isNeeded) && !s.pair(n) && s.before(w, isNo|isLateNo, 14) < 0 && s.between(w, n)&(isNo|isLateNo) == 0
		case s.tokens[n].sense&isNeeded != 0 && !strings.Contains(gap, "parameter") && !strings.Contains(gap, "field") && !strings.Contains(gap, "key"):
			return true
		}
	}
	if m := s.next(w, isMust, 4); m == w+1 && s.next(m, isState, 2) == m+1 {
		return !enabledBy(s, m+1)
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
	return s.distance(w, o) <= 1 && s.next(o, isAble, 8) == 0
}

// enabledBy: somebody else has to do it.
func enabledBy(s *speech, i int) bool {
	return hasAnyPrefix(s.text[s.tokens[i].to:], " by your", " by an ", " by the ", " in your", " for your")
}

// refusedAfter reports whether a refusal follows the value at i.
func refusedAfter(s *speech, i int) bool {
	var room [maxDenials]denial
	for _, d := range findDenials(s, room[:0]) {
		if d.first > i && !d.plan && s.distance(i, d.first) <= reachBefore {
			return true
		}
	}
	return false
}

// asksBoolean reports whether the words ask for true or false as the flag.
func asksBoolean(s *speech) bool {
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
func refusesParameters(s *speech) bool {
	return refusesNoun(s, "parameter") || refusesNoun(s, "argument")
}

func refusesNoun(s *speech, name string) bool {
	for from := 0; ; {
		i := strings.Index(s.text[from:], name)
		if i < 0 {
			return false
		}
		i += from
		var room [maxDenials]denial
		for _, d := range findDenials(s, room[:0]) {
			a, b := int(s.tokens[d.first].from), int(s.tokens[d.last].to)
			if !d.plan && (a > i && a-i <= 40 || b <= i && i-b <= 8) {
				return true
			}
		}
		from = i + len(name)
	}
}

// deniesVersion reports whether the api-version itself is refused.
func deniesVersion(s *speech) bool {
	if !s.has(isVersion) {
		return false
	}
	var room [maxDenials]denial
	for _, d := range findDenials(s, room[:0]) {
		if w := s.before(d.first, isVersion|isParam, reachNo); w >= 0 && s.tokens[w].sense&isVersion != 0 {
			return true
		}
	}
	return false
}

// refusesVersion reports whether something is refused for the api-version.
func refusesVersion(s *speech) bool {
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
