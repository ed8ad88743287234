package observe

import "time"

const (
	// backlogItems bounds the number of kept reads beside their bytes.
	backlogItems = 1024
	// backlogStretch is how much more is kept while the answer would be read
	// as one that nobody asked for: a goroutine may stall for longer than it
	// takes a fast service to send Limits.Backlog.
	backlogStretch = 64
)

// backlog puts what both directions show into the order of cause and effect.
// Bytes are announced before they are written, and shown after. What they
// cause on the other side is announced later, but can be shown earlier: it is
// kept until they were shown. Only one direction can wait for the other.
type backlog struct {
	limit int
	seq   uint64
	// ticket is the announcement of bytes that were not shown yet, 0 for none.
	ticket [2]uint64
	data   []byte
	items  []kept
}

// kept is one read that waits, or the end of its direction.
type kept struct {
	d      Direction
	n      int
	at     time.Time
	closed bool
	how    Closing
}

func (b *backlog) announce(d Direction) {
	b.seq++
	b.ticket[d] = b.seq
}

// shown ends the announcement of d, and reports whether the other direction
// has announced something earlier that was not shown yet.
func (b *backlog) shown(d Direction) (behind bool) {
	mine, other := b.ticket[d], b.ticket[1-d]
	b.ticket[d] = 0
	return other != 0 && (mine == 0 || other < mine)
}

// hold keeps a copy of p; false means that it has no room for p. early tells
// that p needs what it waits for to be understood.
func (b *backlog) hold(d Direction, p []byte, at time.Time, early bool) bool {
	factor := 1
	if early {
		factor = backlogStretch
	}
	if len(b.data)+len(p) > factor*b.limit || len(b.items) >= factor*backlogItems {
		return false
	}
	b.data = append(b.data, p...)
	b.items = append(b.items, kept{d: d, n: len(p), at: at})
	return true
}

func (b *backlog) holdClose(d Direction, how Closing, at time.Time) {
	b.items = append(b.items, kept{d: d, at: at, closed: true, how: how})
}

// strained reports whether more is kept than the limit foresees.
func (b *backlog) strained() bool {
	return len(b.data) > b.limit || len(b.items) > backlogItems
}

// busy reports whether request bytes, or what waits, are still to be observed.
func (b *backlog) busy() bool { return b.ticket[Request] != 0 || len(b.items) > 0 }

func (b *backlog) reset() {
	b.items, b.data = b.items[:0], b.data[:0]
	if cap(b.data) > 16<<10 || cap(b.items) > 64 {
		b.items, b.data = nil, nil
	}
}

// observe gives bytes to the parser unless their direction is over.
func (c *Conn) observe(d Direction, p []byte, at time.Time) {
	if len(p) > 0 && !c.x.closed[d].done && c.x.running() {
		c.parser.push(d, p, at)
	}
}

// drain observes what the backlog kept, with the times it was kept with.
func (c *Conn) drain() {
	if len(c.backlog.items) == 0 {
		return
	}
	data := c.backlog.data
	for _, k := range c.backlog.items {
		if k.closed {
			c.x.closeDirection(k.d, k.how, k.at)
			continue
		}
		c.observe(k.d, data[:k.n], k.at)
		data = data[k.n:]
	}
	c.backlog.reset()
}
