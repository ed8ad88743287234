package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"llmtap/internal/call"
)

// Reader reads the file without an agent, for commands. It changes nothing and
// is safe for concurrent use.
type Reader struct {
	db     *sql.DB
	decode decoder[call.Record]
	// live says that an agent holds the file: its unfinished rows are in flight,
	// else they were interrupted.
	live bool
}

// OpenReadOnly opens an existing file. Without one the error is ErrNotFound and
// says where records come from. The caller closes the Reader.
func OpenReadOnly(ctx context.Context, path string) (*Reader, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nothingThere(path)
	} else if err != nil {
		return nil, explain(path, err)
	}
	db, err := openReading(path)
	if err != nil {
		return nil, explain(path, err)
	}
	version, err := checkVersion(ctx, db)
	if err == nil && version == 0 {
		return nil, errors.Join(nothingThere(path), db.Close())
	}
	if err != nil {
		return nil, explain(path, errors.Join(err, db.Close()))
	}
	r := &Reader{db: db, decode: sealLive, live: locked(path + ".lock")}
	if r.live {
		r.decode = asStored[call.Record]
	}
	return r, nil
}

func nothingThere(path string) error {
	return fmt.Errorf("store: open %s: %w: nothing was recorded here yet; start `llmtap run` or `llmtap exec`, "+
		"or name the directory of another agent with --state-dir", path, ErrNotFound)
}

// Calls is Store.Calls; calls that a killed agent left in flight are among
// them, sealed as interrupted.
func (r *Reader) Calls(ctx context.Context, q call.Query) ([]call.Record, error) {
	query, args := selectCalls(q, !r.live)
	list, _, err := scan(ctx, r.db, r.decode, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: read calls: %w", err)
	}
	return list, nil
}

// Call is Store.Call.
func (r *Reader) Call(ctx context.Context, id string) (call.Record, error) {
	if id == "" {
		return pick(id, nil)
	}
	list, _, err := scan(ctx, r.db, r.decode, byPrefix, id)
	if err != nil {
		return call.Record{}, fmt.Errorf("store: read call %q: %w", id, err)
	}
	return pick(id, list)
}

// Findings is Store.Findings.
func (r *Reader) Findings(ctx context.Context, all bool) ([]call.Finding, error) {
	list, _, err := scan(ctx, r.db, asStored[call.Finding], selectFindings(all))
	if err != nil {
		return nil, fmt.Errorf("store: read findings: %w", err)
	}
	return list, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.db.Close() }
