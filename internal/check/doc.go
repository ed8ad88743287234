// Package check is the list that an experienced person goes through when calls
// to a model service fail, as lines that say ok, not ok or unknown, each with
// its reason and what to do.
//
//	Parse ─► Endpoint ─► form lines          the URL alone, pure
//	            │
//	            ├─► Path: DNS ─► TCP ─► proxy ─► TLS      sockets, no request
//	            └─► Caller: requests that cost nothing,
//	                then (Probe) a few that spend tokens
//
// It makes no HTTP request itself: a Caller does, and brings back what the agent
// would have recorded and diagnosed about it, so that check and show never tell
// two stories. What was not tried, or proves nothing, is unknown and never ok.
package check

import (
	"fmt"
)

// State is the outcome of one line.
type State uint8

// Values of State; the zero value reads "unknown".
const (
	Unknown State = iota
	OK
	NotOK
)

// String returns ok, not ok or unknown.
func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case NotOK:
		return "not ok"
	}
	return "unknown"
}

// MarshalText writes the state as the name that scripts compare: ok, not_ok or
// unknown.
func (s State) MarshalText() ([]byte, error) {
	if s == NotOK {
		return []byte("not_ok"), nil
	}
	return []byte(s.String()), nil
}

// Line is one thing that was looked at. Reason is one sentence; Fix says what to
// do, and may stand at an ok line too as a hint. Texts may hold words of a
// service: clean and redact them before they are shown.
type Line struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Reason string `json:"reason"`
	Fix    string `json:"fix,omitempty"`
}

func ok(name, format string, v ...any) Line {
	return Line{Name: name, State: OK, Reason: fmt.Sprintf(format, v...)}
}

func notOK(name, fix, format string, v ...any) Line {
	return Line{Name: name, State: NotOK, Reason: fmt.Sprintf(format, v...), Fix: fix}
}

func unknown(name, format string, v ...any) Line {
	return Line{Name: name, Reason: fmt.Sprintf(format, v...)}
}

// hint adds what to do to a line, whatever its state.
func (l Line) hint(fix string) Line {
	l.Fix = fix
	return l
}
