// Package capture is the data path: the proxy listener, the destination
// policy, and what turns traffic into records.
//
//	CONNECT, intercepted host        CONNECT, other host     http://, base-URL routes
//	client ⇄ relay ⇄ service         client ⇄ blind ⇄ host   client ⇄ net/http ⇄ RoundTripper ⇄ service
//	           │ tap: a copy, later                                        │ body tap
//	           ▼                                                           ▼
//	      observe.Conn (h1, h2) ───────────► exchange ◄────────────────────┘
//	                                            │ bodies → wire, incrementally
//	                                            ▼ both sides over: sealed once
//	                                      emit(call.Record)
//
// Nothing flows back: the observer cannot write, wait or close, and a panic
// while observing ends the observation of that connection only. The package
// knows no queue and no sink; it is given functions.
package capture
