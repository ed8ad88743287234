package serverlog

import (
	"time"

	"llmtap/internal/call"
)

// MaxRate is how many records one log can make in a minute: whoever forges its
// lines must not fill the store.
const MaxRate = 20

// ReasonNoCallSeen is the reason of a record whose message may have left by a
// way on which nobody looks.
const ReasonNoCallSeen = "no_call_seen"

// Source says whose log it is.
type Source struct {
	// User is whose server writes the log, if that is known.
	User string
	// Alone: whatever this agent sees comes from the log's server and what it
	// started (exec). Else only calls of frameworks are taken for its own.
	Alone bool
	// Client is what is known of the server's Jupyter AI, beside its name.
	Client call.Client
}

// Sight is how much an agent could see while a message was handled.
type Sight struct {
	// Blind: nothing is looked into at all.
	Blind bool
	// Tunnels are connections that were not looked into.
	Tunnels []call.Tunnel
}

// Judge makes records of the events of one log. The zero value is not usable:
// Ledger must be set. Not safe for concurrent use.
type Judge struct {
	Ledger *Ledger
	// minute and made count the records of this minute.
	minute time.Time
	made   int
}

// Record returns the record that an event makes, without its id. It makes none
// if the call left or may have left, and none beyond MaxRate; refused says
// that it was the rate.
func (j *Judge) Record(e Event, s Source, sight Sight) (r call.Record, made, refused bool) {
	if !fails(e, sight) || j.Ledger.left(e, s) {
		return call.Record{}, false, false
	}
	if m := e.At.Truncate(time.Minute); !m.Equal(j.minute) {
		j.minute, j.made = m, 0
	}
	if j.made == MaxRate {
		return call.Record{}, false, true
	}
	j.made++
	return record(e, s), true, false
}

// fails reports whether the event is worth a record. A known failure shows by
// its words that nothing was sent; all others depend on what could be seen.
func fails(e Event, sight Sight) bool {
	if e.Failure.Rule != "" {
		return true
	}
	if sight.Blind {
		return false
	}
	w := windowOf(e)
	for _, t := range sight.Tunnels {
		if t.Open > 0 && !t.Since.After(w.to) || !t.Last.Before(w.from) && !t.Since.After(w.to) {
			return false
		}
	}
	return true
}

// record is what an event is in the nouns of the program: no request, no
// target, only who failed, when and of what.
func record(e Event, s Source) call.Record {
	c := s.Client
	c.Kind, c.Name, c.Surface, c.User = call.ClientFramework, "jupyter-ai", e.Surface, s.User
	c.Rule = "log"
	if e.Failure.Rule != "" {
		c.Rule = "log-" + e.Failure.Rule
	}
	r := call.Record{
		Identity: call.Identity{Start: e.At.Add(-e.Took)}, Client: c,
		Timing: call.Timing{End: e.At},
		End:    call.End{Reason: e.Failure.Class, Detail: e.Failure.Text},
		Agent:  call.Agent{Mode: call.CaptureLog},
	}
	if e.Failure.IsZero() || e.Failure.Tried {
		r.End.Reason = ReasonNoCallSeen
	}
	return r
}
