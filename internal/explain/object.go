package explain

import (
	"slices"
	"strings"
)

// member is a member of a JSON object or a pair of a query; value is JSON text
// in the one, escaped text in the other.
type member struct{ name, value string }

// object is a JSON object whose members keep their order.
type object []member

func (o object) has(name string) bool {
	return slices.ContainsFunc(o, func(m member) bool { return m.name == name })
}

// with sets a member, in its old place if it has one.
func (o object) with(name, value string) object {
	for i := range o {
		if o[i].name == name {
			o[i].value = value
			return o
		}
	}
	return append(o, member{name, value})
}

// without takes a member out.
func (o object) without(name string) object {
	return slices.DeleteFunc(o, func(m member) bool { return m.name == name })
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
