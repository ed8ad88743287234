// Package serverlog reads the log of a Jupyter server and says which chat
// messages Jupyter AI handled, and what it died of before any request left.
// Three of the four failures of jupyter-ai#1208 are of that kind: no proxy can
// see them, the log can.
//
//	bytes of the log ─► Parser ─► Event ─┐
//	                                     ├─► Judge ─► call.Record (class failed_before_call)
//	attempts that left ─► Ledger ────────┘
//
// It is pure: no I/O, no clock, no goroutine; the times are the caller's.
// Whatever a log says, memory is bounded: long lines are cut, long entries are
// read through and not kept.
//
// A log is hearsay. Anybody whose output ends up in it can forge its lines, so
// a record made of one says that it is (call.CaptureLog), is one of at most
// MaxRate a minute, and is no evidence for any verdict.
package serverlog
