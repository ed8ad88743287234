// Package store keeps records and findings in one SQLite file.
//
//	Started ─┐                      ┌─► calls.db (WAL, one transaction per batch)
//	Record  ─┼─► bounded queue ─► writer
//	Finding ─┘   full: counted      └─► memory ring while the disk refuses
//	                                         │ back-off, then written
//	Calls, Call, Findings ◄── file ⊕ ring ◄──┘
//
// Nothing that calls the store waits for the disk: the three verbs put a value
// into a queue and return. One goroutine owns the file's only writing
// connection. A row is written when a call starts and completed when it ends,
// so that a killed agent leaves a trace of what it was doing: the next Open
// seals those rows as ended by the agent's crash.
//
// A file that is damaged is moved aside, a file of a newer schema is refused,
// a full disk makes the store Degraded until space returns. Rows leave by age
// and by size. Only digests of credentials are in a record, so none is here.
package store
