package relay

import "time"

// Direction names one half of a tunnel.
type Direction uint8

// The two directions.
const (
	Up   Direction = iota // client to service
	Down                  // service to client
)

// Tap is what the relay shows of a tunnel, after it forwarded it. Nil members
// are not called. A direction's calls come one after another from its copy
// goroutine; the two directions run at the same time. A Tap must not block,
// and the relay recovers nothing: whoever gives a Tap guards it.
type Tap struct {
	// Forwarding is called between a Read and its Write.
	Forwarding func(d Direction)
	// Forwarded gets the bytes after their Write, read by read, as soon as
	// nothing more is there to be forwarded. p is borrowed until it returns.
	// It may run inside a Read of the source: it must not close a connection.
	Forwarded func(d Direction, p []byte, at Times)
	// Ended is called once per direction, before its end is mirrored: for the
	// one that ended first, then for the other.
	Ended func(d Direction, e Ending)
}

// Times are when the Read of some bytes returned, when their Write began, and
// when it returned.
type Times struct{ Read, Writing, Wrote time.Time }

// Ending is how one direction of a tunnel ended.
type Ending struct {
	// Kind is what the source leg showed, or WriteFailed.
	Kind EndKind
	At   time.Time
	// Err is the transport error behind it, nil for an orderly end.
	Err error
	// First is true for the direction whose end came first: it decides whose
	// end it was, the other is a consequence.
	First bool
}

// EndKind is what a leg showed when it ended.
type EndKind uint8

// Kinds of an ending.
const (
	EndUnknown   EndKind = iota
	CloseNotify          // TLS close_notify
	FIN                  // bare FIN at a record boundary, or FIN in cleartext
	FINInside            // FIN inside a TLS record
	BrokenRecord         // bytes that are no TLS record
	RST                  // reset by the source
	WriteFailed          // the destination is gone; its side ended it
	Stopped              // the agent ended it: shutdown, idle limit
)
