package store

import (
	"context"
	"encoding/json"
	"time"

	"llmtap/internal/call"
)

// upsertCall writes a row; a start never touches a row that is finished.
const upsertCall = `INSERT INTO calls (id, start, live, outcome, class, host, deployment, model, logical, user, record)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET start = excluded.start, live = excluded.live, outcome = excluded.outcome,
	class = excluded.class, host = excluded.host, deployment = excluded.deployment, model = excluded.model,
	logical = excluded.logical, user = excluded.user, record = excluded.record
WHERE excluded.live = 0 OR calls.live <> 0`

const upsertFinding = `INSERT INTO findings (id, state, updated, finding) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated = excluded.updated, finding = excluded.finding`

// save writes all items in one transaction. What has no JSON form or is larger
// than a row may be is left out and counted, so that it cannot hold up others.
func (d *database) save(ctx context.Context, items []item, lost *counts) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	callStmt, findingStmt := tx.StmtContext(ctx, d.call), tx.StmtContext(ctx, d.finding)
	var room []byte // of one row after the other: the driver copies what it is given
	for _, i := range items {
		stmt, args := callStmt, []any(nil)
		if i.finding != nil {
			stmt, args = findingStmt, findingRow(*i.finding, lost)
		} else {
			args, room = callRow(room[:0], i, lost)
		}
		if args == nil {
			continue
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			_ = tx.Rollback() // the reason is err
			return err
		}
	}
	return tx.Commit()
}

// callRow returns the values of upsertCall, nil if the record cannot be kept.
// The last of them is in room, which is returned for the next row.
func callRow(room []byte, it item, lost *counts) ([]any, []byte) {
	r, doc, err := fitted(room, it.record, lost)
	if err != nil {
		lost.add(dropEncode, 1)
		return nil, room
	}
	outcome, class := r.Outcome(), r.Diagnosis.Class
	if it.live {
		gone := interrupted(*r)
		outcome, class = gone.Outcome(), gone.Diagnosis.Class
	}
	i, t := &r.Identity, &r.Target
	return []any{
		i.ID, micros(i.Start), it.live, outcome.String(), class.String(), t.Host, t.Deployment, t.Model, i.Logical, r.Client.User, doc,
	}, doc
}

// fitted returns r as it fits into a row, and its JSON form in room: a record
// that is too big loses its content, then its long texts. Its facts are always
// kept.
func fitted(room []byte, r *call.Record, lost *counts) (*call.Record, []byte, error) {
	doc, err := call.AppendJSON(room, r)
	if err == nil && len(doc) > maxRowBytes && hasContent(*r) {
		lost.add(dropContent, 1)
		less := withoutContent(*r)
		r = &less
		doc, err = call.AppendJSON(doc[:0], r)
	}
	if err == nil && len(doc) > maxRowBytes {
		lost.add(dropTooBig, 1)
		less := facts(*r)
		r = &less
		doc, err = call.AppendJSON(doc[:0], r)
	}
	return r, doc, err
}

func findingRow(f call.Finding, lost *counts) []any {
	doc, err := json.Marshal(f)
	if err != nil {
		lost.add(dropEncode, 1)
		return nil
	}
	if len(doc) > maxRowBytes {
		lost.add(dropTooBig, 1)
		return nil
	}
	return []any{f.ID, f.State, micros(f.Updated), doc}
}

// micros is a time as the tables hold it; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
