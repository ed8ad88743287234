// Package wire turns the bytes of LLM calls into facts and neutral events. It
// is pure: no I/O, no clock, no goroutine; it sees copies and changes nothing.
//
//	request line ─► Recognize ─► Match (target, dialect)
//	request body ─► Request ──► RequestFacts            one top-level scan
//	response body ► Response: sniff ► framer ► scanner ► dialect ► Kind, Facts
//
// Everything is incremental and split-invariant: however the bytes are cut into
// pushes, the same events come out. Nothing is assembled: a line or document of
// any size passes through a scanner of a few KiB that keeps only the values the
// dialect asked for, so a 100 MB answer costs no more memory than a short one.
//
// Where a JSON object repeats a key, the last value wins, as in encoding/json,
// Python and JavaScript.
//
// A dialect is one file, one folder under testdata and one row of dialects();
// docs/adding-a-dialect.md walks through an example.
package wire
