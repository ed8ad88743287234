// Package observe turns the bytes of both directions of one connection into
// HTTP exchanges. It is told what was already forwarded, so it cannot change,
// delay or end anything: what it does not understand makes the connection
// opaque, with a reason, and the bytes go on without it.
//
//	relay ── Push(Request) ──► ┌──────┐   ┌─ h1: head scanner, body decoder ─┐   Exchange
//	      ── Push(Response) ─► │ Conn │ ─►│                                  │─► Head, Body, End
//	      ── Close, Stop ────► └──────┘   └─ h2: frame splitter, hpack ──────┘
//
// The parsers are push parsers: they take bytes as they come, keep only what
// must be whole to be understood (heads, header blocks, trailers), each under
// a limit, and give the same events for every way the bytes may be cut.
package observe
