package observe

import "time"

// backlogItems bounds the number of kept reads beside their bytes.
const backlogItems = 1024

// backlog keeps response bytes that came while a request was between its
// forwarding and its observation, so that the answer is not seen first.
type backlog struct {
	waiting bool // request bytes are forwarded and not observed yet
	limit   int
	data    []byte
	items   []kept
}

// kept is one response read, or the end of the response direction.
type kept struct {
	n      int
	at     time.Time
	closed bool
	how    Closing
}

// hold keeps a copy of p; false means that p is to be observed now, after what
// is kept.
func (b *backlog) hold(p []byte, at time.Time) bool {
	if !b.waiting || len(b.data)+len(p) > b.limit || len(b.items) >= backlogItems {
		return false
	}
	b.data = append(b.data, p...)
	b.items = append(b.items, kept{n: len(p), at: at})
	return true
}

func (b *backlog) holdClose(how Closing, at time.Time) bool {
	if b.waiting {
		b.items = append(b.items, kept{at: at, closed: true, how: how})
	}
	return b.waiting
}

func (b *backlog) reset() {
	b.items = b.items[:0]
	if b.data = b.data[:0]; cap(b.data) > 16<<10 {
		b.data = nil
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
			c.x.closeDirection(Response, k.how, k.at)
			continue
		}
		c.observe(Response, data[:k.n], k.at)
		data = data[k.n:]
	}
	c.backlog.reset()
}
