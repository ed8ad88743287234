// Package call holds the nouns of llmtap: one Record per wire attempt, one
// Finding per cross-call verdict, and their closed enums. It imports only the
// standard library; every other package may import it.
//
//	client bytes ─┐
//	              ├─► exchange builder ─► Record (sealed once) ─► sinks
//	service bytes ┘
//
// A Record is assembled by one goroutine and never changed after it was
// sealed; pass it by value. Its slices are shared between copies, so readers
// must not write to them. Zero values mean "not known" everywhere: an enum's
// zero is unknown, a zero time did not happen, an empty string was not seen.
//
// The JSON form is schema 1 of the contract: add fields, never rename.
package call
