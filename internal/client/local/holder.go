package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// holder is a process that has a socket open, and under which descriptor.
type holder struct {
	pid int
	fd  string
}

// scan looks for the processes that hold the wanted sockets, within bounds.
type scan struct {
	proc  string
	end   time.Time
	left  int // descriptors that may still be looked at
	want  map[string]uint64
	found map[uint64]holder
}

func newScan(c Config, end time.Time, sockets map[int]socket) *scan {
	s := &scan{proc: c.Proc, end: end, left: c.Descriptors, want: map[string]uint64{}, found: map[uint64]holder{}}
	for _, k := range sockets {
		s.want[socketLink(k.inode)] = k.inode
	}
	return s
}

// socketLink is what a descriptor of the socket points to.
func socketLink(inode uint64) string { return "socket:[" + strconv.FormatUint(inode, 10) + "]" }

// processes looks through the given processes in order until every wanted
// socket is found. A process that ended or may not be looked at is passed over.
func (s *scan) processes(pids []int) error {
	for _, pid := range pids {
		if len(s.found) == len(s.want) {
			return nil
		}
		if time.Now().After(s.end) {
			return errBudget
		}
		if err := s.descriptors(pid); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) descriptors(pid int) error {
	dir := s.proc + "/" + strconv.Itoa(pid) + "/fd"
	d, err := os.Open(dir)
	if err != nil {
		return nil //nolint:nilerr // ended, or not ours to see: the caller tells which
	}
	defer func() { _ = d.Close() }()
	for {
		names, err := d.Readdirnames(256)
		if s.left -= len(names); s.left < 0 || time.Now().After(s.end) {
			return errBudget
		}
		for _, fd := range names {
			s.compare(pid, dir, fd)
		}
		if err != nil || len(names) == 0 || len(s.found) == len(s.want) {
			return nil //nolint:nilerr // the end, or the process ended while we read
		}
	}
}

func (s *scan) compare(pid int, dir, fd string) {
	link, err := os.Readlink(dir + "/" + fd)
	if err != nil || !strings.HasPrefix(link, "socket:") {
		return
	}
	if inode, ok := s.want[link]; ok {
		if _, known := s.found[inode]; !known {
			s.found[inode] = holder{pid: pid, fd: fd}
		}
	}
}

// candidates lists the processes of this host: those of the given users first,
// each group in the order of their numbers, so that a parent comes before the
// children that inherited its sockets.
func candidates(c Config, uids []int) ([]int, error) {
	d, err := os.Open(c.Proc)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	var theirs, others []int
	for {
		entries, err := d.ReadDir(256)
		for _, e := range entries {
			pid, perr := strconv.Atoi(e.Name())
			if perr != nil || pid <= 0 {
				continue
			}
			if len(theirs)+len(others) >= c.Processes {
				return nil, errBudget
			}
			if fi, ierr := e.Info(); ierr == nil && slices.Contains(uids, owner(fi)) {
				theirs = append(theirs, pid)
			} else {
				others = append(others, pid)
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, fs.ErrNotExist) {
			slices.Sort(theirs)
			slices.Sort(others)
			return append(theirs, others...), nil
		}
		if err != nil {
			return nil, err
		}
	}
}
