// Package tail follows log files by name, as tail -F does: through rotation,
// truncation and files that come later. It starts no goroutine and keeps no
// clock: whoever owns a Follower polls it.
package tail

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Bounds of a Follower.
const (
	// MaxFiles is how many logs are followed; others are refused.
	MaxFiles = 256
	// perPoll is how much of one log is read at a time.
	perPoll = 1 << 20
	// headSize is how much of the beginning of a log that was there before is read.
	headSize = 64 << 10
	// rescan is how long a new file may wait to be found.
	rescan = 5 * time.Second
	// userMark in a pattern stands for the name of the log's user.
	userMark = "{user}"
)

// Log names one log.
type Log struct {
	Path string
	// User is what stands in its path in the place of {user}; empty without one.
	User string
}

// Handler gets what logs say. Its methods run inside Poll and Close.
type Handler interface {
	// Data takes the next bytes of a log, valid until it returns. Old bytes
	// were there before the Follower: they say whose log it is, are no news,
	// and what comes next does not follow them.
	Data(log Log, b []byte, old bool)
	// Ended says that what comes next, if anything, is another log: it was
	// truncated or rotated, or is gone for now.
	Ended(log Log, gone bool)
	// Refused says once why a log is not followed.
	Refused(log Log, err error)
}

// Follower follows logs. Not safe for concurrent use; Close gives back its
// files.
type Follower struct {
	patterns []pattern
	h        Handler
	files    map[string]*file
	refused  map[string]bool
	scanned  time.Time // zero before the first scan
	buffer   []byte
}

// pattern is a path that may hold * ? [] and {user}.
type pattern struct {
	glob string
	user *regexp.Regexp // nil without {user}
}

// New returns a Follower of all files that the patterns name, now or later. A
// pattern is a path, in which * ? and [] match as in a shell and {user} matches
// like * and names the user.
func New(patterns []string, h Handler) (*Follower, error) {
	f := &Follower{h: h, files: map[string]*file{}, refused: map[string]bool{}}
	for _, text := range patterns {
		p, err := compile(text)
		if err != nil {
			return nil, err
		}
		f.patterns = append(f.patterns, p)
	}
	return f, nil
}

// Check says what is wrong with a pattern.
func Check(text string) error {
	_, err := compile(text)
	return err
}

func compile(text string) (pattern, error) {
	p := pattern{glob: strings.ReplaceAll(text, userMark, "*")}
	if _, err := filepath.Match(p.glob, "x"); err != nil || text == "" || strings.Count(text, userMark) > 1 {
		return p, fmt.Errorf("tail: %q: want a path, in which * ? [] and one %s may stand for names", text, userMark)
	}
	before, after, ok := strings.Cut(text, userMark)
	if !ok {
		return p, nil
	}
	re, err := regexp.Compile("^" + form(before) + "([^/]+?)" + form(after) + "$")
	if err != nil {
		return p, fmt.Errorf("tail: %q: %w", text, err)
	}
	p.user = re
	return p, nil
}

// form is a part of a pattern as a regular expression. Brackets stay as they
// are but for the caret, which a shell writes the same way.
func form(part string) string {
	var b strings.Builder
	for _, r := range part {
		switch r {
		case '*':
			b.WriteString("[^/]*")
		case '?':
			b.WriteString("[^/]")
		case '[', ']', '\\':
			b.WriteRune(r)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String()
}

// Poll reads what came since, and every few seconds looks for new files.
func (f *Follower) Poll(now time.Time) {
	if f.scanned.IsZero() || now.Sub(f.scanned) >= rescan {
		f.scan(f.scanned.IsZero())
		f.scanned = now
	}
	if f.buffer == nil {
		f.buffer = make([]byte, 32<<10)
	}
	for _, path := range slices.Sorted(maps.Keys(f.files)) {
		if l := f.files[path]; !l.poll(f.h, f.buffer) {
			l.close()
			delete(f.files, path)
		}
	}
}

// Close reads what is left and gives back all files. It is safe to call twice.
func (f *Follower) Close() {
	for _, path := range slices.Sorted(maps.Keys(f.files)) {
		l := f.files[path]
		l.poll(f.h, make([]byte, 32<<10))
		f.h.Ended(l.log, true)
		l.close()
		delete(f.files, path)
	}
}

// scan looks for files. What is found first was there before and is read from
// its end; what is found later is new.
func (f *Follower) scan(first bool) {
	for _, p := range f.patterns {
		paths, err := filepath.Glob(p.glob)
		if err != nil {
			continue // the pattern was checked
		}
		for _, path := range paths {
			f.follow(p.log(path), first)
		}
	}
	for path := range f.refused { // who comes back is told again
		if _, err := filepath.EvalSymlinks(path); err != nil {
			delete(f.refused, path)
		}
	}
}

func (p pattern) log(path string) Log {
	l := Log{Path: path}
	if p.user != nil {
		if m := p.user.FindStringSubmatch(path); m != nil {
			l.User = m[1]
		}
	}
	return l
}

var errTooMany = errors.New("too many logs")

func (f *Follower) follow(log Log, first bool) {
	if f.files[log.Path] != nil {
		return
	}
	err := errTooMany
	var l *file
	if len(f.files) < MaxFiles {
		// What could not be opened before may be old by now.
		l, err = open(log, first || f.refused[log.Path], f.h)
	}
	if err == nil {
		f.files[log.Path] = l
		delete(f.refused, log.Path)
		return
	}
	if errors.Is(err, fs.ErrNotExist) || f.refused[log.Path] || len(f.refused) >= MaxFiles {
		return
	}
	f.refused[log.Path] = true
	f.h.Refused(log, err)
}
