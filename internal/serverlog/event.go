package serverlog

import "time"

// Event is one chat message of which a log tells: it was handled, or failed.
type Event struct {
	// At is when the caller had read the line that told it.
	At time.Time
	// Took is how long it was handled; zero if the log does not say.
	Took time.Duration
	// Surface is chat, fix, generate or ask; empty if it was another command,
	// or if the log does not say.
	Surface string
	// Failure is the exception that ended it; zero if the log names none.
	Failure Failure
}

// Failure is an exception as the log has it.
type Failure struct {
	// Class is the exception's class without its package; from the rule where
	// the log has the text alone, and "Exception" where nothing tells it.
	Class string
	// Text is redacted and at most 300 characters long.
	Text string
	// Rule names the rule that knows it; empty for an unknown failure.
	Rule string
	// Tried: the text speaks of a request that was made, so that it comes from
	// a call, seen or not.
	Tried bool
}

// IsZero reports whether there is no failure.
func (f Failure) IsZero() bool { return f == Failure{} }
