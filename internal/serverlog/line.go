package serverlog

import (
	"bytes"
	"regexp"
	"strings"
	"time"
)

// Bounds of what is looked at and kept of a line.
const (
	maxLine   = 4 << 10
	maxPrefix = 120 // what a log collector may put before a line
	indent    = "    "
)

// lines cuts a stream into lines. Of a longer line than maxLine the beginning
// is passed on and the rest skipped. The zero value is ready.
type lines struct {
	part []byte
	skip bool // the rest of a line that was passed on already
}

// write calls f for each line that b ends, without its end. The argument of f
// is valid until f returns.
func (l *lines) write(b []byte, f func([]byte)) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		end := i >= 0
		if !end {
			i = len(b)
		}
		if !l.skip {
			l.take(b[:i], end, f)
		}
		if end {
			l.part, l.skip = l.part[:0], false
			i++
		}
		b = b[i:]
	}
}

// end calls f for what came after the last end of a line.
func (l *lines) end(f func([]byte)) {
	if len(l.part) > 0 {
		f(l.part)
	}
	*l = lines{}
}

// take adds a piece of the line at hand, and passes on what is whole or full.
func (l *lines) take(piece []byte, end bool, f func([]byte)) {
	if end && len(l.part) == 0 && len(piece) <= maxLine {
		f(bytes.TrimSuffix(piece, []byte{'\r'}))
		return
	}
	n := min(len(piece), maxLine-len(l.part))
	l.part = append(l.part, piece[:n]...)
	switch {
	case n < len(piece):
		f(l.part)
		l.part, l.skip = l.part[:0], true
	case end:
		f(bytes.TrimSuffix(l.part, []byte{'\r'}))
	}
}

// header is the first line of an entry: [E 2026-11-24 13:07:18.491 AiExtension] text.
type header struct {
	level  byte
	logger string
	stamp  time.Time // the log's own clock, without a zone: good for differences
	prefix int       // bytes before it
	text   string
}

var (
	headerForm = regexp.MustCompile(`\[([DIWEC]) (\d{4}-\d\d-\d\d )?(\d\d:\d\d:\d\d)[.,](\d{3}) ([A-Za-z_][A-Za-z0-9_.-]{0,63})\] ?`)
	colour     = regexp.MustCompile("\x1b\\[[0-9;]*m")
)

// readHeader reads the first line of an entry.
func readHeader(line string) (header, bool) {
	look := line[:min(len(line), maxPrefix+100)]
	if !strings.Contains(look, "[") {
		return header{}, false
	}
	at := headerForm.FindStringSubmatchIndex(look)
	if at == nil || at[0] > maxPrefix || at[0] > 0 && strings.TrimSpace(look[:at[0]]) == "" { // indented: quoted in another entry
		return header{}, false
	}
	day := "2000-01-01 "
	if at[4] >= 0 {
		day = look[at[4]:at[5]]
	}
	stamp, err := time.Parse("2006-01-02 15:04:05.000", day+look[at[6]:at[7]]+"."+look[at[8]:at[9]])
	if err != nil {
		return header{}, false
	}
	return header{
		level: look[at[2]], logger: look[at[10]:at[11]], stamp: stamp, prefix: at[0], text: line[at[1]:],
	}, true
}

// plainLine takes colours out; servers paint what they write to a terminal.
func plainLine(b []byte) string {
	if bytes.IndexByte(b, 0x1b) >= 0 {
		b = colour.ReplaceAll(b, nil)
	}
	return string(b)
}
