package explain

import (
	"slices"
	"strings"
)

// member is a member of a JSON object or a pair of a query; value is JSON text
// in the one, escaped text in the other.
type member struct{ name, value string }

// object is a JSON object whose members keep their order. It is never changed
// in place: what was made from it stays as it was.
type object []member

func (o object) has(name string) bool {
	return slices.ContainsFunc(o, func(m member) bool { return m.name == name })
}

// with returns the object with that member, in its old place if it has one.
func (o object) with(name, value string) object {
	out := slices.Clone(o)
	for i := range out {
		if out[i].name == name {
			out[i].value = value
			return out
		}
	}
	return append(out, member{name, value})
}

// without returns the object without that member.
func (o object) without(name string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return m.name == name })
}

// String is the JSON text on one line.
func (o object) String() string {
	parts := make([]string, 0, len(o))
	for _, m := range o {
		parts = append(parts, jsonString(m.name)+":"+m.value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// lines is the JSON text with one member a line.
func (o object) lines() string {
	parts := make([]string, 0, len(o))
	for _, m := range o {
		parts = append(parts, "  "+jsonString(m.name)+": "+m.value)
	}
	return "{\n" + strings.Join(parts, ",\n") + "\n}"
}
