package store

import (
	"context"
	"fmt"
)

// sweepStep is how many rows one statement deletes: between two of them a
// reader gets its turn and the journal stays short.
const sweepStep = 500

// retain removes what is older than MaxAge, then what is too much.
func (w *writer) retain(db *database) {
	if db == nil || w.degraded.Load() {
		return
	}
	cutoff := micros(w.cfg.Now().Add(-w.cfg.MaxAge))
	if err := db.expire(context.Background(), cutoff); err != nil {
		w.cfg.Logger.Warn("the store cannot remove old calls", "error", err.Error())
	}
	w.shrink(db)
}

// shrink removes the oldest rows while the file is above MaxBytes.
func (w *writer) shrink(db *database) {
	if db == nil {
		return
	}
	if err := db.fit(context.Background(), w.cfg.MaxBytes); err != nil {
		w.cfg.Logger.Warn("the store cannot make itself smaller", "error", err.Error())
	}
}

func (d *database) expire(ctx context.Context, cutoff int64) error {
	gone := 0
	for {
		n, err := d.exec(ctx, "DELETE FROM calls WHERE rowid IN (SELECT rowid FROM calls WHERE start < ? ORDER BY start LIMIT ?)",
			cutoff, sweepStep)
		if err != nil {
			return fmt.Errorf("store: delete old calls: %w", err)
		}
		if gone += n; n < sweepStep {
			break
		}
	}
	n, err := d.exec(ctx, `DELETE FROM findings WHERE updated < ?
		OR id NOT IN (SELECT id FROM findings ORDER BY updated DESC LIMIT ?)`, cutoff, maxRetention)
	if err != nil {
		return fmt.Errorf("store: delete old findings: %w", err)
	}
	if gone+n == 0 {
		return nil
	}
	return d.vacuum(ctx)
}

// fit deletes the oldest calls until a tenth of the limit is free again, so
// that not every batch has to.
func (d *database) fit(ctx context.Context, limit int64) error {
	used, err := d.bytes(ctx)
	if err != nil || used <= limit {
		return err
	}
	for used > limit-limit/10 {
		n, err := d.exec(ctx, `DELETE FROM calls WHERE rowid IN (SELECT rowid FROM calls ORDER BY start, id
			LIMIT min(?, 1 + (SELECT count(*) / 20 FROM calls)))`, sweepStep)
		if err != nil {
			return fmt.Errorf("store: delete calls beyond the size limit: %w", err)
		}
		if n == 0 {
			break
		}
		if used, err = d.bytes(ctx); err != nil {
			return err
		}
	}
	return d.vacuum(ctx)
}

// bytes is the size of the pages in use.
func (d *database) bytes(ctx context.Context) (n int64, err error) {
	err = d.write.QueryRowContext(ctx, `SELECT (page_count - freelist_count) * page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("store: measure: %w", err)
	}
	return n, nil
}

// vacuum gives the free pages back to the file system.
func (d *database) vacuum(ctx context.Context) error {
	if _, err := d.exec(ctx, "PRAGMA incremental_vacuum"); err != nil {
		return fmt.Errorf("store: return free pages: %w", err)
	}
	return nil
}

// exec runs a statement on the writing connection to its end and returns how
// many rows it changed.
func (d *database) exec(ctx context.Context, q string, args ...any) (int, error) {
	res, err := d.write.ExecContext(ctx, q, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
