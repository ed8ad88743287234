package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is USER_HZ, the unit of a process's start: 100 on every
// architecture that Go runs on.
const ticksPerSecond = 100

// Bounds of what is read of one process.
const (
	maxStat    = 4 << 10
	maxCommand = 16 << 10
	maxEnviron = 256 << 10
	maxClaim   = 64
)

// process is one process, held open: the handle stays with it, so that another
// process which gets the same number is never taken for it.
type process struct {
	pid   int
	dir   *os.Root
	start uint64
	comm  string
	exe   string // real path of the executable, in the process's own root
	argv  []string
}

// openProcess takes hold of the process that has the socket open.
func openProcess(proc string, h holder, inode uint64) (*process, error) {
	dir, err := os.OpenRoot(filepath.Join(proc, strconv.Itoa(h.pid)))
	if err != nil {
		return nil, ErrGone
	}
	p := &process{pid: h.pid, dir: dir}
	if link, err := dir.Readlink("fd/" + h.fd); err != nil || link != socketLink(inode) {
		_ = dir.Close()
		return nil, ErrGone
	}
	if err := p.identify(); err != nil {
		_ = dir.Close()
		return nil, err
	}
	return p, nil
}

func (p *process) close() { _ = p.dir.Close() }

// identify reads what tells this process from all others.
func (p *process) identify() error {
	stat, err := p.read("stat", maxStat)
	if err != nil {
		return ErrGone
	}
	if p.comm, p.start, err = parseStat(stat); err != nil {
		return err
	}
	p.exe, _ = p.dir.Readlink("exe") // kernel threads have none
	p.exe = strings.TrimSuffix(p.exe, " (deleted)")
	return nil
}

// describe reads what is needed once per process.
func (p *process) describe() {
	if b, err := p.read("cmdline", maxCommand); err == nil {
		p.argv = strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
	}
}

// read returns at most limit bytes of a file of the process.
func (p *process) read(name string, limit int64) ([]byte, error) {
	f, err := p.dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, limit))
}

// parseStat takes the name, which may itself hold blanks and brackets, and the
// start of a process from its stat file.
func parseStat(b []byte) (comm string, start uint64, err error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return "", 0, fmt.Errorf("local: parse stat: no name in it")
	}
	f := bytes.Fields(b[end+1:])
	const startField = 22 - 3 // the first field after the name is the third
	if len(f) <= startField {
		return "", 0, fmt.Errorf("local: parse stat: %d fields", len(f))
	}
	start, err = strconv.ParseUint(string(f[startField]), 10, 64)
	if err != nil {
		return "", 0, fmt.Errorf("local: parse stat: %w", err)
	}
	return string(b[open+1 : end]), start, nil
}

// bootTime is when this host started, from which process starts count.
func bootTime(proc string) time.Time {
	f, err := os.Open(filepath.Join(proc, "stat"))
	if err != nil {
		return time.Time{}
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return time.Time{}
	}
	for line := range bytes.Lines(b) {
		if text, ok := bytes.CutPrefix(line, []byte("btime ")); ok {
			if s, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64); err == nil {
				return time.Unix(s, 0)
			}
		}
	}
	return time.Time{}
}

// startTime is when the process started; zero if boot is not known.
func (p *process) startTime(boot time.Time) time.Time {
	if boot.IsZero() {
		return boot
	}
	return boot.Add(time.Duration(p.start) * (time.Second / ticksPerSecond))
}

// claims reads the two named keys of the environment and keeps nothing else of
// it. A value that is no plain name is no claim.
func (p *process) claims() (user, server string) {
	f, err := p.dir.Open("environ")
	if err != nil {
		return "", ""
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, maxEnviron) // one buffer: growing would leave copies behind
	defer clear(b)                // it holds tokens
	n, err := io.ReadFull(f, b)
	switch {
	case err == nil: // there is more: the last entry may be cut
		b = b[:bytes.LastIndexByte(b, 0)+1]
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		b = b[:n]
	default:
		return "", ""
	}
	for entry := range bytes.SplitSeq(b, []byte{0}) {
		if v, ok := bytes.CutPrefix(entry, []byte("JUPYTERHUB_USER=")); ok && user == "" {
			user = claim(v)
		}
		if v, ok := bytes.CutPrefix(entry, []byte("JUPYTERHUB_SERVER_NAME=")); ok && server == "" {
			server = claim(v)
		}
	}
	return user, server
}

// claim returns a value that is a short printable name, else nothing.
func claim(v []byte) string {
	if len(v) > maxClaim || bytes.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return ""
	}
	return string(v)
}

// directory is the process's working directory, empty if unknown.
func (p *process) directory() string {
	dir, err := p.dir.Readlink("cwd")
	if err != nil || !path.IsAbs(dir) {
		return ""
	}
	return strings.TrimSuffix(dir, " (deleted)")
}
