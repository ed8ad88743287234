package diagnose

import "strings"

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
		if s.tokens[k].sense&isState != 0 && copula(s.text[:s.tokens[k].from]) {
			return true
		}
	}
	return false
}

// resumed reports whether the next sentence goes on about token i: "it is not",
// "this feature".
func resumed(s *speech, i, j int) bool {
	for k := i + 1; k < j; k++ {
		if s.tokens[k].sense&isEnd == 0 {
			continue
		}
		rest := strings.TrimLeft(s.text[s.tokens[k].to:s.tokens[j].from], " ")
		return s.between(k, j)&isEnd == 0 && hasAnyPrefix(rest, "it ", "it's ", "this ", "that ", "they ", "these ")
	}
	return false
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// compound reports whether token i and the next are one name: "streaming
// predictions".
func compound(s *speech, i int) bool { return i+1 < len(s.tokens) && s.gap(i, i+1) == " " }

// copula reports whether s ends with a word that makes what follows a statement.
func copula(s string) bool {
	for _, w := range []string{" is ", " are ", " been ", " was ", " were ", " fully ", " also ", " still ", " remains ", " remain "} {
		if strings.HasSuffix(s, w) {
			return true
		}
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
