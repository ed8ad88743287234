package wire

// numeral is how far a JSON number has been read.
type numeral uint8

const (
	numStart numeral = iota
	numMinus
	numZero
	numInt
	numPoint
	numFraction
	numE
	numESign
	numExponent
	numEnd // the byte is not part of the number
	numBad
)

// complete reports whether the number may end here.
func (n numeral) complete() bool {
	return n == numZero || n == numInt || n == numFraction || n == numExponent
}

// step takes one byte.
func (n numeral) step(c byte) numeral {
	digit := c >= '0' && c <= '9'
	switch n {
	case numStart, numMinus:
		return n.first(c, digit)
	case numPoint:
		if digit {
			return numFraction
		}
		return numBad
	case numE, numESign:
		if digit {
			return numExponent
		}
		if n == numE && (c == '+' || c == '-') {
			return numESign
		}
		return numBad
	}
	switch {
	case digit && n != numZero:
		return n
	case c == '.' && (n == numZero || n == numInt):
		return numPoint
	case (c == 'e' || c == 'E') && n != numExponent:
		return numE
	}
	return numEnd
}

func (n numeral) first(c byte, digit bool) numeral {
	switch {
	case c == '-' && n == numStart:
		return numMinus
	case c == '0':
		return numZero
	case digit:
		return numInt
	}
	return numBad
}

// number takes bytes of a number up to the byte after it or the end of p.
func (s *scanner) number(p []byte, i int) int {
	for ; i < len(p); i++ {
		next := s.lit.num.step(p[i])
		switch next {
		case numBad:
			s.phase = broken
			return i
		case numEnd:
			s.endNumber(p, i)
			return i
		}
		s.lit.num = next
	}
	return i
}

func (s *scanner) endNumber(p []byte, end int) {
	if p == nil {
		s.tok.from = 0
	}
	s.report(value{form: formNumber, text: s.tok.text(p, end)})
	s.tok.done()
	s.after()
}
