package observe_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"llmtap/capture/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tape writes down what a Conn tells, one line an event. Adjacent body pieces
// of one direction are one line, so that two tapes of the same bytes are equal
// however these were cut.
type tape struct {
	lines   []string
	opened  int
	ended   map[[2]int]int
	trouble []string
}

func newTape() *tape { return &tape{ended: map[[2]int]int{}} }

func (t *tape) open(reused bool) observe.Exchange {
	t.opened++
	line := fmt.Sprintf("%d open", t.opened)
	if reused {
		line += " reused"
	}
	t.add("%s", line)
	return &taped{t, t.opened}
}

func (t *tape) add(format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

type taped struct {
	t  *tape
	id int
}

func directionName(d observe.Direction) string {
	return [...]string{"request", "response"}[d]
}

func (x *taped) Head(h *observe.Head, _ time.Time) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s ", x.id, directionName(h.Direction))
	switch {
	case h.Trailers:
		b.WriteString("trailers")
	case h.Direction == observe.Request:
		fmt.Fprintf(&b, "head %s %s host=%s", h.Method, h.Target, h.Authority)
	default:
		fmt.Fprintf(&b, "head %d", h.Status)
	}
	fmt.Fprintf(&b, " %s transfer=%s length=%d", h.Proto, h.Transfer, h.Length)
	for i, on := range []bool{h.Interim, h.Unasked, h.Reused} {
		if on {
			b.WriteString([]string{" interim", " unasked", " reused"}[i])
		}
	}
	for _, f := range h.Fields {
		fmt.Fprintf(&b, " | %s: %s", f.Name, f.Value)
	}
	x.t.add("%s", b.String())
}

func (x *taped) Body(d observe.Direction, p []byte, _ time.Time) {
	if x.t.ended[[2]int{x.id, int(d)}] > 0 {
		x.t.trouble = append(x.t.trouble, "body after the end")
	}
	if len(p) == 0 {
		x.t.trouble = append(x.t.trouble, "empty body piece")
	}
	prefix := fmt.Sprintf("%d %s body ", x.id, directionName(d))
	if n := len(x.t.lines) - 1; n >= 0 && strings.HasPrefix(x.t.lines[n], prefix) {
		x.t.lines[n] += string(p)
		return
	}
	x.t.lines = append(x.t.lines, prefix+string(p))
}

func (x *taped) End(d observe.Direction, e observe.End, _ time.Time) {
	key := [2]int{x.id, int(d)}
	if x.t.ended[key]++; x.t.ended[key] > 1 {
		x.t.trouble = append(x.t.trouble, fmt.Sprintf("exchange %d: second end of the %s", x.id, directionName(d)))
	}
	line := fmt.Sprintf("%d %s end %s", x.id, directionName(d), kindName(e.Kind))
	if e.Code != 0 {
		line += fmt.Sprintf(" code=%d", e.Code)
	}
	if e.Reason != "" {
		line += " (" + e.Reason + ")"
	}
	x.t.add("%s", line)
}

func kindName(k observe.EndKind) string {
	names := map[observe.EndKind]string{
		observe.EndUnknown: "unknown", observe.EndComplete: "complete", observe.EndUntilEOF: "until-eof",
		observe.EndShort: "short", observe.EndReset: "reset", observe.EndClosed: "closed",
		observe.EndH2RST: "h2-rst", observe.EndMalformed: "malformed", observe.EndOpaque: "opaque",
	}
	return names[k]
}

// check fails on what no input may cause: a direction that ended twice, bytes
// after an end, or exchanges in flight that the Conn does not count.
func (t *tape) check(tb testing.TB, c *observe.Conn, closed bool) {
	tb.Helper()
	for _, s := range t.trouble {
		tb.Error(s)
	}
	over := 0
	for id := 1; id <= t.opened; id++ {
		if t.ended[[2]int{id, 0}] == 1 && t.ended[[2]int{id, 1}] == 1 {
			over++
		}
	}
	if closed && over != t.opened {
		tb.Errorf("%d exchanges of %d are over at the end of the connection", over, t.opened)
	}
	if c.Opaque() != "" && c.Open() != 0 {
		tb.Errorf("opaque, and %d exchanges open", c.Open())
	}
	if closed && c.Open() != 0 {
		tb.Errorf("closed, and %d exchanges open", c.Open())
	}
}

func newConn(t *tape, cfg observe.Config) *observe.Conn {
	cfg.Open = t.open
	return observe.New(cfg)
}

// step is one thing that happens on a connection.
type step struct {
	do   string // push, forward, close, stop
	d    observe.Direction
	p    []byte
	how  observe.Closing
	text string
}

// play does the step. A push comes whole, byte by byte, or cut in two.
func (s step) play(c *observe.Conn, split bool) {
	size := len(s.p)
	if split {
		size = 1
	}
	s.playCut(c, size, size)
}

// playCut pushes the first bytes at once and the rest in pieces of size. What
// was borrowed is overwritten then: a slice that was kept would show.
func (s step) playCut(c *observe.Conn, first, size int) {
	at := time.Unix(0, 0)
	switch s.do {
	case "forward":
		c.Forwarding(s.d)
	case "close":
		c.Close(s.d, s.how, at)
	case "stop":
		c.Stop(s.text, at)
	case "push":
		for p := s.p; ; {
			n := min(first, len(p))
			piece := bytes.Clone(p[:n])
			c.Push(s.d, piece, at)
			for i := range piece {
				piece[i] = '!'
			}
			if p, first = p[n:], size; len(p) == 0 {
				return
			}
		}
	}
}

// play runs steps on a new Conn.
func play(tb testing.TB, cfg observe.Config, steps []step, split bool) []string {
	tb.Helper()
	return playWith(tb, cfg, steps, func(c *observe.Conn, s step) { s.play(c, split) })
}

// playCutAt runs steps on a new Conn, each push cut in two after n bytes.
func playCutAt(tb testing.TB, cfg observe.Config, steps []step, n int) []string {
	tb.Helper()
	return playWith(tb, cfg, steps, func(c *observe.Conn, s step) { s.playCut(c, n, len(s.p)) })
}

func playWith(tb testing.TB, cfg observe.Config, steps []step, do func(*observe.Conn, step)) []string {
	tb.Helper()
	t := newTape()
	c := newConn(t, cfg)
	var closed [2]bool
	for _, s := range steps {
		do(c, s)
		if s.do == "close" {
			closed[s.d] = true
		}
	}
	t.check(tb, c, closed[0] && closed[1])
	t.add("open=%d opaque=%s", c.Open(), c.Opaque())
	return t.lines
}
