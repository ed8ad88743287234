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
func (t *token) number(p []byte, i int) (int, progress) {
	for ; i < len(p); i++ {
		switch next := t.num.step(p[i]); next {
		case numBad:
			return i, tokenBad
		case numEnd:
			return i, tokenEnd
		default:
			t.num = next
		}
	}
	return i, tokenMore
}

// literal starts true, false or null at its first letter.
func (t *token) literal(c byte) {
	switch c {
	case 't':
		t.form, t.rest = formTrue, "rue"
	case 'f':
		t.form, t.rest = formFalse, "alse"
	default:
		t.form, t.rest = formNull, "ull"
	}
}

// word takes the rest of a literal.
func (t *token) word(p []byte, i int) (int, progress) {
	n := min(len(p)-i, len(t.rest))
	if string(p[i:i+n]) != t.rest[:n] {
		return i, tokenBad
	}
	if t.rest = t.rest[n:]; t.rest == "" {
		return i + n, tokenEnd
	}
	return i + n, tokenMore
}
