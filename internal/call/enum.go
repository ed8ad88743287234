package call

import (
	"fmt"
	"slices"
)

// text returns the label of value v, or the first name for a value this build
// does not know.
func text[E ~uint8](names []string, v E) string {
	if int(v) >= len(names) {
		return names[0]
	}
	return names[v]
}

// parse finds the enum value whose label is b. The empty string is zero.
func parse[E ~uint8](kind string, names []string, b []byte) (E, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if i := slices.Index(names, string(b)); i >= 0 {
		return E(i), nil
	}
	return 0, fmt.Errorf("call: parse %s: unknown value %q", kind, b)
}

// Mode is what the client asked for: one answer or a stream.
type Mode uint8

// Values of Mode, append-only.
const (
	ModeUnknown Mode = iota
	ModeStream
	ModePlain
)

var modeNames = []string{"unknown", "stream", "plain"}

// String returns the label value.
func (m Mode) String() string { return text(modeNames, m) }

// MarshalText encodes the label value.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (m *Mode) UnmarshalText(b []byte) (err error) {
	*m, err = parse[Mode]("mode", modeNames, b)
	return err
}

// StreamFlag is the request's raw "stream" member by its JSON value. Absent
// covers null too; Invalid is any other JSON type.
type StreamFlag uint8

// Values of StreamFlag, append-only.
const (
	StreamUnknown StreamFlag = iota
	StreamTrue
	StreamFalse
	StreamAbsent
	StreamInvalid
)

var streamFlagNames = []string{"unknown", "true", "false", "absent", "invalid"}

// String returns the label value.
func (f StreamFlag) String() string { return text(streamFlagNames, f) }

// MarshalText encodes the label value.
func (f StreamFlag) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (f *StreamFlag) UnmarshalText(b []byte) (err error) {
	*f, err = parse[StreamFlag]("stream flag", streamFlagNames, b)
	return err
}

// ClientKind tells a bare SDK or HTTP client from a framework.
type ClientKind uint8

// Values of ClientKind, append-only.
const (
	ClientUnknown ClientKind = iota
	ClientDirect
	ClientFramework
)

var clientKindNames = []string{"unknown", "direct", "framework"}

// String returns the label value.
func (k ClientKind) String() string { return text(clientKindNames, k) }

// MarshalText encodes the label value.
func (k ClientKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (k *ClientKind) UnmarshalText(b []byte) (err error) {
	*k, err = parse[ClientKind]("client kind", clientKindNames, b)
	return err
}

// Tristate is a boolean that can be unknown.
type Tristate uint8

// Values of Tristate.
const (
	Unset Tristate = iota
	True
	False
)

var tristateNames = []string{"unknown", "true", "false"}

// Tri returns True or False.
func Tri(b bool) Tristate {
	if b {
		return True
	}
	return False
}

// String returns unknown, true or false.
func (t Tristate) String() string { return text(tristateNames, t) }

// MarshalText encodes the label value.
func (t Tristate) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (t *Tristate) UnmarshalText(b []byte) (err error) {
	*t, err = parse[Tristate]("tristate", tristateNames, b)
	return err
}

// Outcome is the verdict every ratio is built from; see Record.Outcome.
type Outcome uint8

// Values of Outcome, append-only.
const (
	OutcomeUnknown Outcome = iota
	OutcomeOK
	OutcomeError
	OutcomeCancelled
)

var outcomeNames = []string{"unknown", "ok", "error", "cancelled"}

// String returns the label value.
func (o Outcome) String() string { return text(outcomeNames, o) }

// MarshalText encodes the label value.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText decodes a label value; an unknown one is an error.
func (o *Outcome) UnmarshalText(b []byte) (err error) {
	*o, err = parse[Outcome]("outcome", outcomeNames, b)
	return err
}
