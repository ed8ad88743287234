package observe

import "bytes"

// blank finds the empty line that ends a head, across pushes. Lines end in
// CR LF or LF.
type blank uint8

const (
	inLine    blank = iota
	lineStart       // after LF
	lineCR          // after LF CR
)

// find returns the index after the blank line, or -1 if it is not in p.
func (s *blank) find(p []byte) int {
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\n' && *s != inLine:
			*s = inLine
			return i + 1
		case p[i] == '\n':
			*s = lineStart
		case p[i] == '\r' && *s == lineStart:
			*s = lineCR
		default:
			*s = inLine
			j := bytes.IndexByte(p[i:], '\n')
			if j < 0 {
				return -1
			}
			i += j - 1
		}
	}
	return -1
}
