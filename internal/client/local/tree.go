package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// tree is the file system as a process sees it. Paths are absolute there.
type tree struct {
	// id tells trees apart in caches; empty is the agent's own.
	id string
	// root is nil for the agent's own tree. In another one, links that lead
	// out of it are not followed: they would name our files, not the process's.
	root *os.Root
}

// treeOf opens the tree of a process; own names the agent's mount namespace.
func treeOf(proc, own string, p *process) (tree, error) {
	ns, nsErr := p.dir.Readlink("ns/mnt")
	top, topErr := p.dir.Readlink("root")
	if (nsErr != nil || own == "" || ns == own) && (topErr != nil || top == "/") {
		return tree{}, nil
	}
	root, err := os.OpenRoot(proc + "/" + strconv.Itoa(p.pid) + "/root")
	if err != nil {
		return tree{}, ErrNotPermitted
	}
	// The way by number is right only if our handle still works after it.
	if _, err := p.read("stat", maxStat); err != nil {
		_ = root.Close()
		return tree{}, ErrGone
	}
	return tree{id: ns + top, root: root}, nil
}

func (t tree) close() {
	if t.root != nil {
		_ = t.root.Close()
	}
}

// open never blocks: what is neither file nor directory is an error.
func (t tree) open(name string) (*os.File, fs.FileInfo, error) {
	if !path.IsAbs(name) {
		return nil, nil, fs.ErrInvalid
	}
	var f *os.File
	var err error
	if t.root == nil {
		f, err = os.OpenFile(name, openFlags, 0)
	} else {
		f, err = t.root.OpenFile(strings.TrimPrefix(path.Clean(name), "/"), openFlags, 0)
	}
	if err != nil {
		return nil, nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.IsDir() && !fi.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, fi, nil
}

// read returns a file of at most limit bytes; a longer one is an error.
func (t tree) read(name string, limit int64) ([]byte, error) {
	f, fi, err := t.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if !fi.Mode().IsRegular() || fi.Size() > limit {
		return nil, fs.ErrInvalid
	}
	return io.ReadAll(io.LimitReader(f, limit))
}

// dir describes a directory; nil if there is none.
func (t tree) dir(name string) fs.FileInfo {
	f, fi, err := t.open(name)
	if err != nil {
		return nil
	}
	_ = f.Close()
	if !fi.IsDir() {
		return nil
	}
	return fi
}

// changed is when a directory's entries last changed; zero if it is none.
func (t tree) changed(name string) time.Time {
	if fi := t.dir(name); fi != nil {
		return fi.ModTime()
	}
	return time.Time{}
}

// names calls f for each entry of a directory; false if there are more than
// limit or it cannot be read, so that what f saw is not the whole.
func (t tree) names(dir string, limit int, f func(string)) bool {
	d, _, err := t.open(dir)
	if err != nil {
		return false
	}
	defer func() { _ = d.Close() }()
	for {
		list, err := d.Readdirnames(256)
		if limit -= len(list); limit < 0 {
			return false
		}
		for _, n := range list {
			f(n)
		}
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return false
		}
	}
}
