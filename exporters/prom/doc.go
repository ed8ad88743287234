// Package prom turns records and findings into Prometheus metrics.
//
//	Record ──► attempt metrics at once (gen_ai_*, attempts, streams, tokens)
//	   └────► logical call ── final? ──► calls, failures, findings, stream support
//	                 └ a retryable failure waits for the next attempt or its window
//	Finding ─► verdict gauges, stream support
//	Process ─► what the agent counts itself, read at scrape time
//
// Two units are counted and never divided by each other: attempts (one HTTP
// request) and logical calls (attempts joined as retries). Every label that a
// client controls is capped; what does not fit becomes "other" and is counted.
package prom
