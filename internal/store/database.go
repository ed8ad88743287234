package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

// database is an open file: one connection that writes, a few that read.
type database struct {
	write, read *sql.DB
	// call and finding are the prepared upserts on write.
	call, finding *sql.Stmt
}

// dsn builds the address that the driver understands. Its pragmas run in
// alphabetical order, so auto_vacuum is set before WAL mode writes page one.
func dsn(path, mode string, pragmas ...string) string {
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": append(pragmas, "busy_timeout(250)")}
	if abs, err := filepath.Abs(path); err == nil { // else its first element reads as a host
		path = abs
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	return u.String()
}

// openDatabase opens path and makes sure of its content. A damaged file is
// moved aside, with a warning, and an empty one takes its place.
func openDatabase(ctx context.Context, path string, log *slog.Logger, now time.Time) (*database, error) {
	db, err := openOnce(ctx, path)
	if err == nil || !damaged(err) {
		return db, err
	}
	aside, mvErr := setAside(path, now)
	if mvErr != nil {
		return nil, errors.Join(err, mvErr)
	}
	log.Warn("the store was damaged: moved aside, starting an empty one", "file", aside, "damage", err.Error())
	return openOnce(ctx, path)
}

func openOnce(ctx context.Context, path string) (db *database, err error) {
	empty, err := prepareFile(path)
	if err != nil {
		return nil, err
	}
	pragmas := []string{"journal_mode(wal)", "journal_size_limit(4194304)", "synchronous(normal)"}
	if empty { // on a file with content this would write, before it was checked
		pragmas = append(pragmas, "auto_vacuum(incremental)")
	}
	write, err := sql.Open("sqlite", dsn(path, "rwc", pragmas...))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	db = &database{write: write}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.close())
		}
	}()
	for _, step := range []func(context.Context, *sql.DB) error{checkFirst, quickCheck, prepareSchema} {
		if err := step(ctx, write); err != nil {
			return db, err
		}
	}
	return db, db.prepare(ctx, path)
}

// checkFirst refuses foreign and newer files before quick_check reads them.
func checkFirst(ctx context.Context, db *sql.DB) error {
	_, err := checkVersion(ctx, db)
	return err
}

func (d *database) prepare(ctx context.Context, path string) (err error) {
	if d.call, err = d.write.PrepareContext(ctx, upsertCall); err != nil {
		return err
	}
	if d.finding, err = d.write.PrepareContext(ctx, upsertFinding); err != nil {
		return err
	}
	d.read, err = openReading(path)
	return err
}

// openReading opens connections that cannot change anything.
func openReading(path string) (*sql.DB, error) {
	read, err := sql.Open("sqlite", dsn(path, "ro", "query_only(true)"))
	if err != nil {
		return nil, err
	}
	read.SetMaxOpenConns(2)
	return read, nil
}

// settle removes starts without an end, says how many, and folds the journal
// into the file.
func (d *database) settle(ctx context.Context) (int, error) {
	n, err := d.exec(ctx, "DELETE FROM calls WHERE live <> 0")
	if err != nil {
		return n, fmt.Errorf("store: remove unfinished calls: %w", err)
	}
	if _, err := d.exec(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return n, fmt.Errorf("store: checkpoint: %w", err)
	}
	return n, nil
}

// close closes all connections; whoever reads at this moment ends first.
func (d *database) close() error {
	var errs []error
	for _, c := range []*sql.DB{d.read, d.write} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// prepareFile makes the directory and an empty file that only its owner reads;
// SQLite gives the files beside it the same mode.
func prepareFile(path string) (empty bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false, err
	}
	info, err := f.Stat()
	if err == nil {
		empty = info.Size() == 0
		err = f.Chmod(0o600)
	}
	return empty, errors.Join(err, f.Close())
}

// setAside renames the file and what SQLite keeps beside it, and removes the
// oldest of those moved earlier.
func setAside(path string, now time.Time) (string, error) {
	aside := fmt.Sprintf("%s.corrupt-%s", path, now.UTC().Format("20060102T150405.000Z"))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("move the damaged file aside: %w", err)
		}
	}
	return aside, pruneAside(path)
}

func pruneAside(path string) error {
	old, err := filepath.Glob(path + ".corrupt-*Z")
	if err != nil || len(old) <= corruptFileKept {
		return err
	}
	slices.Sort(old)
	var errs []error
	for _, f := range old[:len(old)-corruptFileKept] {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(f + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
