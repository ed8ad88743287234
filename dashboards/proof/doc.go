// Package proof holds the proof that every expression of the dashboards and
// rules returns data, and the right data: real agents (capture, diagnosis,
// comparison, metrics) watch calls to the fault service at a clock that the
// test moves, their registries are scraped into Prometheus' own storage, and
// Prometheus' own engine answers. It has tests only.
package proof
