// Package exporters is how sealed records leave the data path.
//
//	capture ─ emit ─► Queue ─► (one goroutine) ─► Fanout ─► prom · otlp · store · web
//	            │ full: dropped, counted              └ each sink on its own: an error or a
//	            ▼ never waits                           panic of one never reaches another
//
// A Sink has two verbs, Record and Finding. What else a sink can do (hear that
// a call began, be closed) is found once, when it joins a Fanout. Every sink
// passes the suite of package sinktest.
package exporters
