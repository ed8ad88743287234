package ca

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	keyFile     = "ca.key"
	certFile    = "ca.crt"
	bundleFile  = "bundle.crt"
	retiredFile = "retired.crt"

	tempPrefix = ".tmp-"
	// maxFile bounds what is read of a key or certificate file.
	maxFile = 64 << 10
)

// dir is the locked directory of an authority; close unlocks it.
type dir struct {
	name string
	lock *os.File
}

// openDir makes the directory when it is missing, refuses one in which others
// could replace files, and locks it against other processes that open it.
func openDir(name string) (*dir, error) {
	if name == "" {
		return nil, errors.New("ca: open directory: no directory given")
	}
	name, err := filepath.Abs(name)
	if err != nil {
		return nil, fmt.Errorf("ca: open directory: %w", err)
	}
	if err = os.MkdirAll(name, 0o700); err != nil {
		return nil, fmt.Errorf("ca: make directory: %w; choose another one with --state-dir", err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("ca: open directory: %w", err)
	}
	d := &dir{name: name, lock: f}
	if err = d.secure(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// secure checks the open directory, locks it and clears it of what a process
// that died while writing left behind.
func (d *dir) secure() error {
	info, err := d.lock.Stat()
	if err != nil {
		return fmt.Errorf("ca: inspect directory: %w", err)
	}
	if problem, remedy := othersMayWrite(info); problem != "" {
		return &Error{Kind: ErrUnsafeKey, Path: d.name, Problem: problem, Remedy: fmt.Sprintf(remedy, d.name)}
	}
	if err = lockFile(d.lock); err != nil {
		return fmt.Errorf("ca: lock %s: %w", d.name, err)
	}
	entries, err := os.ReadDir(d.name)
	if err != nil {
		return fmt.Errorf("ca: list directory: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		if err = os.Remove(d.path(e.Name())); err != nil {
			return fmt.Errorf("ca: clear directory: %w", err)
		}
	}
	return nil
}

func (d *dir) path(file string) string { return filepath.Join(d.name, file) }

func (d *dir) close() error {
	if err := d.lock.Close(); err != nil {
		return fmt.Errorf("ca: unlock directory: %w", err)
	}
	return nil
}

// read returns the content of a file of at most limit bytes, and what the open
// file is, so that a check of its mode is about the bytes that were read.
func (d *dir) read(file string, limit int64) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(d.path(file))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, info, errors.New("not a regular file")
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	return b, info, err
}

// write replaces a file as a whole: readers see the old or the new content,
// and after a crash one of the two is there.
func (d *dir) write(file string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(d.name, tempPrefix+file+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("ca: write %s: %w", file, err)
	}
	if err = fill(f, data, mode); err == nil {
		err = os.Rename(f.Name(), d.path(file))
	}
	if err != nil {
		return fmt.Errorf("ca: write %s: %w", d.path(file), errors.Join(err, os.Remove(f.Name())))
	}
	// Not every file system can flush a directory; the file itself is flushed.
	_ = d.lock.Sync()
	return nil
}

// fill writes, flushes and closes a temporary file.
func fill(f *os.File, data []byte, mode fs.FileMode) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
