package store

import (
	"context"
	"database/sql"

	"llmtap/internal/call"
)

// interrupted seals a record whose agent died while the call was in flight.
func interrupted(r call.Record) call.Record {
	r.End = call.End{Side: call.SideAgent, Reason: "crash", Detail: "the agent was killed while this call was in flight"}
	r.Diagnosis = call.Diagnosis{
		Class: call.ClassAgentInduced, Reason: "crash", Severity: call.SeverityError, Fault: call.FaultAgent,
		Text: "llmtap itself ended this call (crash): it was killed while the call was in flight; the service is not to blame.",
		Remedy: []string{
			"Find out what killed llmtap: the kernel's log (out of memory), the supervisor's log, or a kill -9.",
			"Send the call again: how it would have ended is not known.",
		},
	}
	return r
}

// sealLive decodes a row of a store that no agent writes to any more.
func sealLive(live bool, doc []byte) (call.Record, error) {
	r, err := asStored[call.Record](live, doc)
	if live {
		r = interrupted(r)
	}
	return r, err
}

// leftovers returns, sealed, the rows that an earlier agent left live, newest
// first.
func leftovers(ctx context.Context, db *sql.DB, limit int) ([]call.Record, int, error) {
	return scan(ctx, db, sealLive, "SELECT live, record FROM calls WHERE live <> 0 ORDER BY start DESC, id DESC LIMIT ?", limit)
}
