package faultllm

import "time"

// clock paces one answer and notices the client's leaving.
type clock struct {
	left     <-chan struct{} // closed when the client left
	interval time.Duration
	scale    float64
	due      time.Time // when the next event is to be sent
	timer    *time.Timer
}

// gone reports whether the client left.
func (c *clock) gone() bool {
	select {
	case <-c.left:
		return true
	default:
		return false
	}
}

// before waits as the piece wants; it is false when the client left.
func (c *clock) before(p piece) bool {
	switch {
	case p.wait > 0:
		return c.pause(p.wait)
	case p.wait < 0 || p.hold:
		return !c.gone()
	}
	return c.tick()
}

// tick waits for the next event of an even pace. A sender that fell behind by
// more than an interval does not catch up. It is false when the client left.
func (c *clock) tick() bool {
	if c.interval == 0 {
		return !c.gone()
	}
	now := time.Now()
	c.due = c.due.Add(c.interval)
	if late := now.Sub(c.due); late > c.interval {
		c.due = now.Add(c.interval)
	}
	return c.sleep(c.due.Sub(now))
}

// pause waits d of the scenario's own time, scaled by the query.
func (c *clock) pause(d time.Duration) bool {
	ok := c.sleep(time.Duration(float64(d) * c.scale))
	c.due = time.Now()
	return ok
}

// sleep waits d; it is false when the client left.
func (c *clock) sleep(d time.Duration) bool {
	if d <= 0 {
		return !c.gone()
	}
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d)
	}
	select {
	case <-c.timer.C:
		return true
	case <-c.left:
		c.timer.Stop()
		return false
	}
}
