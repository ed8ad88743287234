package serverlog

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// maxOpen bounds the failures that wait for the line which says how long
	// their message took.
	maxOpen = 8
	// pairSlack is how much earlier than its message's handling a failure may
	// seem to be: both clocks are cut to the millisecond, and the log may wait.
	pairSlack = 2 * time.Second
	// openFor is how long a failure waits. A server that logs errors alone
	// never writes that line.
	openFor = 2 * time.Second
	// maxTook bounds what a log can claim: no window may be endless.
	maxTook = time.Hour
)

// The loggers whose errors count: Jupyter AI's own. Others may name the same
// words and mean something else (JupyterLab's extension manager has its own
// trouble with httpx).
const (
	chat2 = "AiExtension" // Jupyter AI 2
	// failed3 begins the entry by which Jupyternaut of Jupyter AI 3 says that a
	// message failed; its logger's name has changed with versions.
	failed3 = "Error while processing message."
)

var resolved = regexp.MustCompile(`^(Default|/[a-z]{1,32}) chat handler resolved in (\d{1,9}) ms\.$`)

// surfaces are the commands that ask a model.
var surfaces = map[string]string{"Default": "chat", "/fix": "fix", "/generate": "generate", "/ask": "ask"}

// Parser reads one log. The zero value is ready; a Parser is not safe for
// concurrent use. How the log is cut into Writes changes nothing.
type Parser struct {
	lines lines
	entry entry
	open  bool // entry is being read
	// waiting are failures of Jupyter AI 2 without their message's end, oldest first.
	waiting []waiting
	site    string
}

type waiting struct {
	failure Failure
	stamp   time.Time
	at      time.Time
}

// Write reads more of the log; at is when it came. emit gets what it tells, in
// order.
func (p *Parser) Write(b []byte, at time.Time, emit func(Event)) {
	p.lines.write(b, func(line []byte) { p.line(plainLine(line), at, emit) })
}

// Flush says that nothing more came until now: an entry that was being read is
// over, and failures that waited long enough stand for themselves.
func (p *Parser) Flush(now time.Time, emit func(Event)) {
	p.finish(emit)
	for len(p.waiting) > 0 && now.Sub(p.waiting[0].at) >= openFor {
		p.giveUp(emit)
	}
}

// End says that the log is over.
func (p *Parser) End(at time.Time, emit func(Event)) {
	p.lines.end(func(line []byte) { p.line(plainLine(line), at, emit) })
	p.finish(emit)
	for len(p.waiting) > 0 {
		p.giveUp(emit)
	}
	*p = Parser{site: p.site}
}

// Site is the folder of Python packages that the server runs from, as far as
// the log told; empty if it did not. It is the log's word, to be looked into
// with care.
func (p *Parser) Site() string { return p.site }

func (p *Parser) line(line string, at time.Time, emit func(Event)) {
	if s := siteIn(line); s != "" {
		p.site = strings.Clone(s)
	}
	if p.open {
		if rest, ok := p.belongs(line); ok {
			p.entry.add(rest)
			return
		}
	}
	p.finish(emit)
	h, ok := readHeader(line)
	if !ok {
		return
	}
	switch {
	case h.level == 'E' && (h.logger == chat2 || h.text == failed3):
		h.text, h.logger = strings.Clone(h.text), strings.Clone(h.logger)
		p.entry, p.open = entry{header: h, at: at}, true
		p.entry.match(h.text)
	case h.level == 'I':
		p.handled(h, at, emit)
	}
}

// belongs reports whether a line continues the entry; a collector's prefix is
// as long as that of the first line.
func (p *Parser) belongs(line string) (string, bool) {
	if len(line) < p.entry.prefix {
		return "", false
	}
	rest := line[p.entry.prefix:]
	if strings.TrimSpace(rest) == "" {
		return "", true
	}
	return strings.CutPrefix(rest, indent)
}

// finish takes the entry that was being read for whole.
func (p *Parser) finish(emit func(Event)) {
	if !p.open {
		return
	}
	p.open = false
	e := p.entry
	p.entry = entry{}
	if e.text == failed3 {
		emit(Event{At: e.at, Surface: "chat", Failure: e.failure()})
		return
	}
	if len(p.waiting) == maxOpen {
		p.giveUp(emit)
	}
	p.waiting = append(p.waiting, waiting{failure: e.failure(), stamp: e.stamp, at: e.at})
}

// giveUp takes the oldest failure that waits. Only a known one shows by itself
// that it was a message's: Jupyter AI logs errors of other kinds as well.
func (p *Parser) giveUp(emit func(Event)) {
	w := p.waiting[0]
	p.waiting = p.waiting[1:]
	if w.failure.Rule != "" {
		emit(Event{At: w.at, Failure: w.failure})
	}
}

// handled reads the line by which Jupyter AI 2 says that a message is done.
func (p *Parser) handled(h header, at time.Time, emit func(Event)) {
	m := resolved.FindStringSubmatch(h.text)
	if m == nil {
		return
	}
	ms, _ := strconv.Atoi(m[2]) // nine digits fit
	e := Event{At: at, Took: min(time.Duration(ms)*time.Millisecond, maxTook), Surface: surfaces[m[1]]}
	for len(p.waiting) > 0 && e.Failure.IsZero() {
		w := p.waiting[0]
		if d := h.stamp.Sub(w.stamp); d < -pairSlack || d > e.Took+pairSlack {
			p.giveUp(emit)
			continue
		}
		e.Failure = w.failure
		p.waiting = p.waiting[1:]
	}
	if e.Surface != "" || !e.Failure.IsZero() {
		emit(e)
	}
}
