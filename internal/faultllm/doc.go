// Package faultllm is an LLM service with faults on demand: the upstream of the
// demo, the tests and the benchmark.
//
// A scenario is chosen by the Azure deployment name, by the model in the body,
// or by ?scenario=; an unknown name gets the healthy answer. Everything that is
// sent is a function of the request, so the same request is answered with the
// same bytes (flaky scenarios count their hits).
//
//	request ─► route ─► ask (what the body wants) ─► row of the table ─► play
//	                                                                      │
//	   healthy answer as pieces ─► edits (cut, add, reword, hold) ─► body ─► wire
//
// A scenario is one row of an ordered table, split over the files rows_*.go by
// family. To add one, add a row: most are a list of edits on the healthy answer.
package faultllm
