// Package report writes one self-contained HTML file about recorded calls, made
// to be attached to an issue: what fails, what works beside it, and the proof.
//
//	records ──┐ tidy: every captured string made visible and bounded
//	findings ─┼─► view (matrix, verdicts, exhibits, versions …) ─► html/template
//	about ────┘
//
// It is pure: no I/O, no clock. All that a client or a service wrote is hostile:
// it passes tidy before anything else sees it, and html/template escapes it. The
// file holds no script and names nothing outside itself; its size is bounded by
// the limits in limits.go.
package report
