package capture

import (
	"testing"
	"time"

	"llmtap/capture/observe"
)

func TestOursLeavesOutAWriteThatWasHeldBack(t *testing.T) {
	read := time.Now()
	for _, c := range []struct {
		name       string
		before, in time.Duration
		want       time.Duration
	}{
		{"at once", 0, 0, 0},
		{"a write", 3 * time.Microsecond, 20 * time.Microsecond, 23 * time.Microsecond},
		{"a write of a millisecond", 3 * time.Microsecond, blockedWrite, blockedWrite + 3*time.Microsecond},
		{"a receiver that waits", 3 * time.Microsecond, time.Second, 3 * time.Microsecond},
		{"we wait", time.Second, 20 * time.Microsecond, time.Second + 20*time.Microsecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			writing := read.Add(c.before)
			if got := ours(read, writing, writing.Add(c.in)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestReadCountsOnce: the parts of one read are charged once, to the phase of
// the first of them; an interim answer is a head, trailers are none.
func TestReadCountsOnce(t *testing.T) {
	var own ownTime
	var c cost
	at := time.Now()
	read := func(d observe.Direction, cost time.Duration, heads ...bool) {
		at = at.Add(time.Millisecond)
		c.note(d, at, at, at.Add(cost))
		for _, head := range heads {
			own.count(&c, d, head, at)
		}
	}
	read(observe.Request, 1, true, false, false)
	read(observe.Request, 10, false)
	read(observe.Response, 100, true)                // interim
	read(observe.Response, 1000, true, false, false) // the head and two pieces
	read(observe.Response, 10000, false, false)
	read(observe.Response, 100000, false)
	if o := own; o.request != 11 || o.headers != 1100 || o.body != 110000 || o.total() != 111111 {
		t.Errorf("got %+v", o)
	}
	if lag, blocked := c.lag.Load(), c.blocked.Load(); lag != 0 || blocked != 100000 {
		t.Errorf("the last read: lag %d, blocked %d", lag, blocked)
	}
}
