// Package otlp turns records into OpenTelemetry spans and sends them by OTLP.
//
//	Record ──► gate ──► SDK span (ids, times, parent as recorded) ──► batch ──► ledger ──► receiver
//	             └ full: refused, counted                                        └ exported, failed: counted
//	Finding ─► one verdict span when it opens, linked to its evidence
//
// Ids, the sampling decision and all times come from the record: the span is
// written after the fact, yet agrees with exemplars, store and web page. No
// span is lost silently: created = exported + failures + pending, always.
//
// Attribute names are constants of this package: the GenAI conventions have no
// released symbols for them. What is not in names.go is never written.
package otlp
