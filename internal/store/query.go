package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"llmtap/internal/call"
)

// decoder makes a value of a stored row; live is set for an unfinished call.
type decoder[T any] func(live bool, doc []byte) (T, error)

func asStored[T any](_ bool, doc []byte) (v T, err error) {
	err = json.Unmarshal(doc, &v)
	return v, err
}

// scan runs a query of the columns live and JSON. Rows that this build cannot
// decode are skipped and counted: one odd row must not hide the others.
func scan[T any](ctx context.Context, db *sql.DB, decode decoder[T], query string, args ...any) (out []T, bad int, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var live bool
		var doc sql.RawBytes
		if err := rows.Scan(&live, &doc); err != nil {
			return out, bad, err
		}
		v, err := decode(live, doc)
		if err != nil {
			bad++
			continue
		}
		out = append(out, v)
	}
	return out, bad, rows.Err()
}

// limit returns q.Limit with its default and its bound.
func limit(n int) int {
	if n <= 0 {
		return defaultAnswer
	}
	return min(n, maxRetention)
}

// selectCalls turns q into SQL. Rows still live are left out unless asked for.
func selectCalls(q call.Query, live bool) (string, []any) {
	var where []string
	var args []any
	add := func(cond string, v ...any) {
		where, args = append(where, cond), append(args, v...)
	}
	if !live {
		add("live = 0")
	}
	if !q.Since.IsZero() {
		add("start >= ?", micros(q.Since))
	}
	if q.Outcome != call.OutcomeUnknown {
		add("outcome = ?", q.Outcome.String())
	}
	if q.Class != "" {
		add("class = ?", q.Class)
	}
	if q.Logical != "" {
		add("logical = ? AND logical <> ''", q.Logical) // the second half admits the partial index
	}
	if q.User != "" {
		add("user = ? AND user <> ''", q.User) // the second half admits the partial index
	}
	if q.Target != "" {
		p := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(q.Target) + "%"
		add(`(host LIKE ? ESCAPE '\' OR deployment LIKE ? ESCAPE '\' OR model LIKE ? ESCAPE '\')`, p, p, p)
	}
	if len(where) == 0 {
		where = []string{"1"}
	}
	return "SELECT live, record FROM calls WHERE " + strings.Join(where, " AND ") + " ORDER BY start DESC, id DESC LIMIT ?",
		append(args, limit(q.Limit))
}

// matches is selectCalls for a record in memory.
func matches(q call.Query, r call.Record) bool {
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), strings.ToLower(q.Target)) }
	t := r.Target
	return !r.Identity.Start.Before(q.Since) &&
		(q.Outcome == call.OutcomeUnknown || q.Outcome == r.Outcome()) &&
		(q.Class == "" || q.Class == r.Diagnosis.Class.String()) &&
		(q.Logical == "" || q.Logical == r.Identity.Logical) &&
		(q.User == "" || q.User == r.Client.User) &&
		(q.Target == "" || has(t.Host) || has(t.Deployment) || has(t.Model))
}

// mergeCalls puts the finished records of the ring, which are newer, over those
// of the file.
func mergeCalls(q call.Query, ring []item, file []call.Record) []call.Record {
	seen := map[string]bool{}
	var out []call.Record
	for _, i := range ring {
		if i.record == nil || i.live {
			continue
		}
		seen[i.record.Identity.ID] = true
		if matches(q, *i.record) {
			out = append(out, *i.record)
		}
	}
	for _, r := range file {
		if !seen[r.Identity.ID] {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, newestFirst)
	return out[:min(len(out), limit(q.Limit))]
}

func newestFirst(a, b call.Record) int {
	return cmp.Or(b.Identity.Start.Compare(a.Identity.Start), strings.Compare(b.Identity.ID, a.Identity.ID))
}

// pick returns the record with that id, else the only one that starts with it.
func pick(id string, candidates []call.Record) (call.Record, error) {
	for _, r := range candidates {
		if r.Identity.ID == id {
			return r, nil
		}
	}
	switch len(candidates) {
	case 0:
		return call.Record{}, fmt.Errorf("store: call %q: %w: `llmtap calls` lists the ids that are kept", id, ErrNotFound)
	case 1:
		return candidates[0], nil
	}
	return call.Record{}, fmt.Errorf("store: call %q: %w: %s and %s start with it; give more of it",
		id, ErrAmbiguous, candidates[0].Identity.ID, candidates[1].Identity.ID)
}

// byPrefix finds at most two rows whose id starts with id, an exact one first.
const byPrefix = `SELECT live, record FROM calls WHERE id >= ?1 AND id < ?1 || char(0x10FFFF) ORDER BY id LIMIT 2`

// selectFindings lists findings, newest first; closed ones only if all is set.
func selectFindings(all bool) string {
	where := "WHERE state <> 'closed' "
	if all {
		where = ""
	}
	return "SELECT 0, finding FROM findings " + where + "ORDER BY updated DESC, id DESC LIMIT 1000"
}

func mergeFindings(all bool, ring []item, file []call.Finding) []call.Finding {
	seen := map[string]bool{}
	var out []call.Finding
	for _, i := range ring {
		if i.finding == nil {
			continue
		}
		seen[i.finding.ID] = true
		if all || i.finding.State != "closed" {
			out = append(out, *i.finding)
		}
	}
	for _, f := range file {
		if !seen[f.ID] {
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b call.Finding) int {
		return cmp.Or(b.Updated.Compare(a.Updated), strings.Compare(b.ID, a.ID))
	})
	return out
}
