package store

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"

	"llmtap/internal/call"
)

// Errors that callers branch on.
var (
	// ErrNotFound is call.ErrNotFound: no such record, or no store file.
	ErrNotFound = call.ErrNotFound
	// ErrAmbiguous is call.ErrAmbiguous: a prefix that several ids share.
	ErrAmbiguous = call.ErrAmbiguous
	// ErrClosed is returned by every method after Close.
	ErrClosed = errors.New("store: closed")
	// ErrNewer refuses a file that a newer llmtap wrote.
	ErrNewer = errors.New("the file has a newer schema")
	// ErrInUse refuses a file that another agent writes.
	ErrInUse = errors.New("another llmtap uses this file")
	// ErrForeign refuses a database that llmtap did not make.
	ErrForeign = errors.New("the file is not an llmtap store")
)

// errDamaged marks a file that SQLite's quick_check rejects.
var errDamaged = errors.New("quick_check found damage")

// Primary result codes of SQLite, https://sqlite.org/rescode.html.
const (
	codeBusy    = 5
	codeLocked  = 6
	codeIOErr   = 10
	codeCorrupt = 11
	codeFull    = 13
	codeNoOpen  = 14
	codeNotADB  = 26
)

// code returns SQLite's primary result code, 0 for any other error.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// damaged says that the file's content is wrong: it must be moved aside.
func damaged(err error) bool {
	c := code(err)
	return c == codeCorrupt || c == codeNotADB || errors.Is(err, errDamaged)
}

// crowded says that the obstacle goes away by itself and that the open
// connection stays good: no space, or somebody holds the lock.
func crowded(err error) bool {
	switch code(err) {
	case codeFull, codeBusy, codeLocked:
		return true
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// transient says that a later attempt to open may succeed.
func transient(err error) bool { return crowded(err) || code(err) == codeIOErr }

// explain adds to an error of Open what its reader can do about it.
func explain(path string, err error) error {
	advice := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNewer):
		advice = "; use that newer llmtap, or move the file away to start an empty one"
	case errors.Is(err, ErrForeign):
		advice = "; choose another directory with --state-dir"
	case errors.Is(err, ErrInUse):
		advice = "; stop the other one, or give this one its own --state-dir"
	case errors.Is(err, fs.ErrPermission), code(err) == codeNoOpen:
		advice = "; the state directory must belong to the user that runs llmtap: correct its owner, or choose another with --state-dir"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		advice = "; choose a directory that can be created with --state-dir"
	}
	return fmt.Errorf("store: open %s: %w%s", path, err, advice)
}
