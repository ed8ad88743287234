package call

import "errors"

// Errors that a place which keeps records wraps when an id is looked up; what
// shows records (admin API, commands) branches on them without knowing the
// place.
var (
	// ErrNotFound says that no record has the id or starts with it.
	ErrNotFound = errors.New("not found")
	// ErrAmbiguous says that several ids start with what was asked for.
	ErrAmbiguous = errors.New("ambiguous id")
)
