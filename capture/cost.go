package capture

import (
	"sync/atomic"
	"time"

	"llmtap/capture/observe"
)

// cost is what the read that is being observed took to be forwarded, in
// nanoseconds. A read that waits in the observer's backlog may be charged with
// the cost of the one after it.
type cost struct {
	lag     atomic.Int64    // of an answer: from the read to its write
	blocked atomic.Int64    // of an answer: that write
	own     [2]atomic.Int64 // by direction: what of both was ours
}

// note takes one read and its write.
func (c *cost) note(d observe.Direction, read, writing, wrote time.Time) {
	if d == observe.Response {
		c.lag.Store(int64(writing.Sub(read)))
		c.blocked.Store(int64(wrote.Sub(writing)))
	}
	c.own[d].Store(int64(ours(read, writing, wrote)))
}

// ours is the agent's own time between a read and the end of its write: all of
// it, unless the receiver held the write back.
func ours(read, writing, wrote time.Time) time.Duration {
	if wrote.Sub(writing) > blockedWrite {
		return writing.Sub(read)
	}
	return wrote.Sub(read)
}

// ownTime adds up what the agent itself took for one exchange. A read counts
// once, in the phase of the first thing that it brought.
type ownTime struct {
	request, headers, body time.Duration
	counted                [2]time.Time // the read that was counted last, by direction
}

// total is the agent's own time for the exchange so far.
func (o *ownTime) total() time.Duration { return o.request + o.headers + o.body }

// count charges the read that came at the given time, which brought a head or
// something else.
func (o *ownTime) count(c *cost, d observe.Direction, head bool, at time.Time) {
	if at.Equal(o.counted[d]) {
		return // another part of the same read
	}
	o.counted[d] = at
	took := time.Duration(c.own[d].Load())
	switch {
	case d == observe.Request:
		o.request += took
	case head:
		o.headers += took
	default:
		o.body += took
	}
}
