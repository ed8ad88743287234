package observe

import "strconv"

// headers fills head from the header list that b decoded last. The pseudo
// fields are not among Fields.
func (s *scanner) headers(d Direction, b *block) {
	s.fields.reset()
	s.head = Head{Direction: d, Proto: "2", Transfer: transferH2.String(), Length: -1}
	var authority []byte
	b.each(func(name, value []byte) {
		if len(name) == 0 || name[0] != ':' {
			s.fields.add(name, value)
			return
		}
		switch string(name) {
		case ":method":
			s.head.Method = methodString(value)
		case ":path":
			s.head.Target = intern(&s.target, value)
		case ":authority":
			authority = value
		case ":status":
			s.head.Status = status(value)
		}
	})
	if d == Request {
		if authority == nil {
			authority = s.fields.host
		}
		s.head.Authority = intern(&s.authority, authority)
	}
	s.head.Fields = s.fields.list
	if s.fields.lengths > 0 && s.fields.bad == "" {
		s.head.Length = s.fields.length
	}
}

// status reads :status, 0 if it is no number of three digits.
func status(value []byte) int {
	if len(value) != 3 {
		return 0
	}
	n, err := strconv.ParseUint(string(value), 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}
