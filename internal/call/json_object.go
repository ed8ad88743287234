package call

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// object appends the members of one JSON object, nested ones in place.
type object struct {
	b     []byte
	comma bool // the next member needs one
}

// name begins a member.
func (o *object) name(name string) {
	if o.comma {
		o.b = append(o.b, ',')
	}
	o.comma = true
	o.b = append(appendString(o.b, name), ':')
}

func (o *object) open(name string) {
	o.name(name)
	o.b = append(o.b, '{')
	o.comma = false
}

func (o *object) close() {
	o.b = append(o.b, '}')
	o.comma = true
}

func (o *object) array(name string) {
	o.name(name)
	o.b = append(o.b, '[')
}

// item begins the i-th item of an array.
func (o *object) item(i int) []byte {
	if i > 0 {
		o.b = append(o.b, ',')
	}
	return o.b
}

// text writes a string even if it is empty, words only if it is not.
func (o *object) text(name, v string) {
	o.name(name)
	o.b = appendString(o.b, v)
}

func (o *object) words(name, v string) { o.some(name, v, v != "") }

func (o *object) some(name, v string, known bool) {
	if known {
		o.text(name, v)
	}
}

// quoted writes a string that needs no escapes.
func writeQuoted(o *object, name string, v []byte) {
	o.name(name)
	o.b = append(append(append(o.b, '"'), v...), '"')
}

// number writes an integer even if it is 0, count only if it is not.
func (o *object) number(name string, v int64) {
	o.name(name)
	o.b = strconv.AppendInt(o.b, v, 10)
}

func writeCount(o *object, name string, v int64) {
	if v != 0 {
		o.number(name, v)
	}
}

// bool writes a truth even if it is false, flag only if it is true.
func (o *object) bool(name string, v bool) {
	o.name(name)
	o.b = strconv.AppendBool(o.b, v)
}

func writeFlag(o *object, name string, v bool) {
	if v {
		o.bool(name, v)
	}
}

// seconds writes a duration even if it is 0, lap only if it is not. The text
// is the shortest that reads back as the same float64.
func (o *object) seconds(name string, d time.Duration) {
	o.name(name)
	format, s := byte('f'), d.Seconds()
	if s != 0 && d < time.Microsecond && d > -time.Microsecond {
		format = 'e'
	}
	o.b = strconv.AppendFloat(o.b, s, format, -1, 64)
}

func (o *object) lap(name string, d time.Duration) {
	if d != 0 {
		o.seconds(name, d)
	}
}

func writeList(o *object, name string, v []string) {
	if len(v) == 0 {
		return
	}
	o.array(name)
	for i, s := range v {
		o.b = appendString(o.item(i), s)
	}
	o.b = append(o.b, ']')
}

// headers writes an object; a name that came twice has both values.
func writeHeaders(o *object, list []Header) {
	if len(list) == 0 {
		return
	}
	o.open("headers")
	for i, h := range list {
		if slices.ContainsFunc(list[:i], func(x Header) bool { return x.Name == h.Name }) {
			continue
		}
		v := h.Value
		for _, again := range list[i+1:] {
			if again.Name == h.Name {
				v += ", " + again.Value
			}
		}
		o.text(h.Name, v)
	}
	o.close()
}

// appendString quotes s; what needs an escape is left to encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, err := json.Marshal(s)
			if err != nil { // a string always has a JSON form
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
