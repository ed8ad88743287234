package compare

import "strings"

// What a Change says where it does not show a value.
const (
	// Unknown: it was not seen, or not kept. It is never the same as Absent.
	Unknown = "unknown"
	// Absent: it is known not to have been there.
	Absent = "absent"
	// Present: it was there; its value is secret or was not kept.
	Present = "present"
	// Different: both sides have a value that must not be shown, not the same.
	Different = "different"
)

// absentOrNull is a stream flag of which only that is known.
const absentOrNull = "absent or null"

// maxShown bounds a value in a Change, in bytes.
const maxShown = 120

// knowledge is what is known of one property of a call.
type knowledge uint8

const (
	notKnown knowledge = iota
	notThere
	someValue   // there, the value not kept
	secretValue // compared, never shown
	plainValue
)

// facetValue is compared whole and shown cut.
type facetValue struct {
	known knowledge
	text  string
}

// contrast is the outcome of comparing two values.
type contrast uint8

const (
	alike contrast = iota
	unlike
	unclear // too little is known of one side
)

// against compares a with b; it is symmetric.
func (a facetValue) against(b facetValue) contrast {
	switch {
	case a == b:
		return alike
	case a.known == notKnown || b.known == notKnown:
		return unclear
	case a.known == notThere || b.known == notThere:
		if a.text == absentOrNull || b.text == absentOrNull {
			return unclear
		}
		return unlike
	case a.known == someValue || b.known == someValue:
		return unclear
	case a.text == b.text:
		return alike
	case a.text == absentOrNull && b.text == "null", a.text == "null" && b.text == absentOrNull:
		return unclear
	}
	return unlike
}

// show is the value as a Change may tell it.
func (a facetValue) show() string {
	switch a.known {
	case notKnown:
		return Unknown
	case notThere:
		return Absent
	case someValue, secretValue:
		return Present
	}
	return shorten(a.text)
}

// showBoth tells two values that are not alike.
func showBoth(a, b facetValue) (string, string) {
	if a.known == secretValue && b.known == secretValue {
		return Different, Different
	}
	x, y := a.show(), b.show()
	if x == y && a.known == plainValue {
		return Different, Different // what tells them apart was cut off
	}
	return x, y
}

func shorten(s string) string {
	if len(s) > maxShown {
		s = s[:maxShown] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
