package tail

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// file is one log that is being followed.
type file struct {
	log    Log
	f      *os.File
	info   fs.FileInfo // tells it from another file of the same name
	offset int64
	// missing: at the last poll there was no file of that name.
	missing bool
}

var errNotRegular = errors.New("not a regular file")

// open takes hold of a log. Of an old one the beginning is handed over and the
// rest skipped. It never blocks: what is no regular file is an error.
func open(log Log, old bool, h Handler) (*file, error) {
	f, err := os.OpenFile(log.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("tail: open log: %w", err)
	}
	l := &file{log: log, f: f}
	l.info, err = f.Stat()
	if err == nil && !l.info.Mode().IsRegular() {
		err = fmt.Errorf("tail: %s: %w", log.Path, errNotRegular)
	}
	if err == nil && old {
		err = l.skip(h)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// skip hands over the head and goes to the end.
func (l *file) skip(h Handler) error {
	head := make([]byte, min(headSize, l.info.Size()))
	n, err := io.ReadFull(l.f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("tail: read log: %w", err)
	}
	if n > 0 {
		h.Data(l.log, head[:n], true)
	}
	if l.offset, err = l.f.Seek(l.info.Size(), io.SeekStart); err != nil {
		return fmt.Errorf("tail: read log: %w", err)
	}
	return nil
}

func (l *file) close() { _ = l.f.Close() }

// poll reads what came and sees whether the name still means this file; false
// if there is nothing left to follow.
func (l *file) poll(h Handler, buffer []byte) bool {
	if fi, err := l.f.Stat(); err == nil && fi.Size() < l.offset {
		_, err := l.f.Seek(0, io.SeekStart)
		h.Ended(l.log, err != nil)
		if err != nil {
			return false
		}
		l.offset = 0
	}
	more := l.read(h, buffer)
	fi, err := os.Stat(l.log.Path)
	switch {
	case more, err == nil && os.SameFile(fi, l.info):
		l.missing = false
		return true
	case err != nil && !l.missing: // a rotation may be under way
		l.missing = true
		return true
	}
	var next *file
	if err == nil {
		next, err = open(l.log, false, h)
	}
	h.Ended(l.log, err != nil)
	if err != nil {
		return false
	}
	l.close()
	*l = *next
	l.read(h, buffer)
	return true
}

// read hands over what came, at most perPoll; true if there is more.
func (l *file) read(h Handler, buffer []byte) bool {
	for n := 0; n < perPoll; {
		k, err := l.f.Read(buffer)
		if k > 0 {
			h.Data(l.log, buffer[:k], false)
			l.offset += int64(k)
			n += k
		}
		if err != nil || k == 0 {
			return false // the end, or an error that the next poll meets again
		}
	}
	return true
}
