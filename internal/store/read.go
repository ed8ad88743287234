package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"llmtap/internal/call"
)

// Calls returns finished records, newest first; calls still in flight are not
// among them.
func (s *Store) Calls(ctx context.Context, q call.Query) ([]call.Record, error) {
	query, args := selectCalls(q, false)
	ring, file, err := look[call.Record](ctx, s.w, query, args...)
	if err != nil {
		return nil, err
	}
	return mergeCalls(q, ring, file), nil
}

// Call returns the record with this id, or the only one whose id starts with
// it; a call in flight is found too. Errors: ErrNotFound, ErrAmbiguous.
func (s *Store) Call(ctx context.Context, id string) (call.Record, error) {
	if id == "" {
		return pick(id, nil)
	}
	ring, file, err := look[call.Record](ctx, s.w, byPrefix, id)
	if err != nil {
		return call.Record{}, err
	}
	var found []call.Record
	for _, i := range ring {
		if i.record != nil && strings.HasPrefix(i.record.Identity.ID, id) {
			found = append(found, *i.record)
		}
	}
	for _, r := range file {
		same := func(f call.Record) bool { return f.Identity.ID == r.Identity.ID }
		if !slices.ContainsFunc(found, same) {
			found = append(found, r)
		}
	}
	return pick(id, found)
}

// Findings returns the open findings, newest first, with all the closed too.
func (s *Store) Findings(ctx context.Context, all bool) ([]call.Finding, error) {
	ring, file, err := look[call.Finding](ctx, s.w, selectFindings(all))
	if err != nil {
		return nil, err
	}
	return mergeFindings(all, ring, file), nil
}

// look lets the writer write what was handed over, then reads memory before the
// file: what moves from one to the other in between is seen twice, never not.
// A degraded store answers from memory when the file cannot be read.
func look[T any](ctx context.Context, w *writer, query string, args ...any) ([]item, []T, error) {
	if err := w.sync(ctx); err != nil {
		return nil, nil, err
	}
	ring := w.pending.copies()
	db := w.file.Load()
	if db == nil {
		return ring, nil, nil
	}
	list, bad, err := scan(ctx, db.read, asStored[T], query, args...)
	w.lost.add(dropUnreadable, bad)
	if err != nil && !w.degraded.Load() {
		return nil, nil, fmt.Errorf("store: read %s: %w", w.cfg.Path, err)
	}
	return ring, list, nil
}

// sync waits until the writer has taken, and written if it can, what was sent.
func (w *writer) sync(ctx context.Context) error {
	ack := make(chan struct{})
	select {
	case w.syncs <- ack:
	case <-w.life.done:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("store: wait for the writer: %w", ctx.Err())
	}
	select {
	case <-ack:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("store: wait for the writer: %w", ctx.Err())
	}
}
