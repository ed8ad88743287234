package exporters

import (
	"context"

	"llmtap/internal/call"
)

// Sink takes what the agent learned about calls. Its methods may be called
// concurrently. A record's slices are shared with other sinks: read, never
// write, and copy what is kept beyond a change. A cancelled context must not
// make a sink lose the record; it only says that nobody waits any more. After
// Close (see Closer) both verbs still return, with or without an error.
//
// A slow sink owns its own buffer: the caller is the queue's only goroutine.
type Sink interface {
	// Record takes one sealed attempt, at most once per attempt.
	Record(ctx context.Context, r call.Record) error
	// Finding takes a verdict each time it opens, changes or closes; the
	// finding's ID stays the same from first to last.
	Finding(ctx context.Context, f call.Finding) error
}

// Starter is a Sink that wants to hear of calls that began. The record has
// identity, target, client and the request as far as they are known by then;
// the sealed record of the same identity follows unless it was dropped.
type Starter interface {
	Started(ctx context.Context, r call.Record) error
}

// Closer is a Sink that holds something to flush or release. Close is safe
// twice and returns at the latest when ctx is done.
type Closer interface {
	Close(ctx context.Context) error
}
