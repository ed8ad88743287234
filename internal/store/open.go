package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"llmtap/internal/call"
)

// orphans are the calls that an earlier agent left in flight.
type orphans struct{ list []call.Record }

// open opens the file; the first time it also takes the lock and takes over
// what an earlier agent left live. Those records are written, sealed, with the
// first batch.
func (w *writer) open(ctx context.Context) error {
	if w.lock == nil {
		lock, err := lockFor(w.cfg.Path)
		if err != nil {
			return err
		}
		w.lock = lock
	}
	db, err := openDatabase(ctx, w.cfg.Path, w.cfg.Logger, w.cfg.Now())
	if err != nil {
		return err
	}
	if w.orphans.Load() == nil {
		list, bad, err := leftovers(ctx, db.write, w.cfg.Batch.Ring)
		if err != nil {
			_ = db.close() // the reason is err
			return err
		}
		w.lost.add(dropUnreadable, bad)
		w.orphans.Store(&orphans{list})
		for i := range list {
			w.take(item{record: keep(&w.spare, &list[len(list)-1-i])})
		}
	}
	w.file.Store(db)
	return nil
}

func lockFor(path string) (*os.File, error) {
	if path == "" {
		return nil, errors.New("no path given")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return lockFile(path + ".lock")
}
