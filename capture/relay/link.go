package relay

import "time"

// blockedAfter is how long a write takes that counts as blocked.
const blockedAfter = time.Millisecond

// link is one direction of a splice; its goroutine owns the counters.
type link struct {
	s        *splice
	d        Direction
	src, dst *leg
	done     chan struct{} // closed when the direction is over and mirrored
	bytes    int64
	lagMax   time.Duration
	blocked  time.Duration
}

// run copies the direction and shows its end on the other leg.
func (l *link) run() {
	defer close(l.done)
	kind, err := l.copy()
	l.announce(kind, err)
	l.mirror(kind, err)
}

// copy moves one read at a time: one record in, one record out, nothing held
// back. It allocates nothing per record.
func (l *link) copy() (EndKind, error) {
	buf := l.s.r.buffers.Get().(*[]byte)
	defer l.s.r.buffers.Put(buf)
	src, dst := l.src.stream(), l.dst.stream()
	for {
		n, err := src.Read(*buf)
		if n > 0 {
			p, read := (*buf)[:n], time.Now()
			if l.s.tap.Forwarding != nil {
				l.s.tap.Forwarding(l.d)
			}
			m, werr := dst.Write(p)
			wrote := time.Now()
			l.account(m, wrote, wrote.Sub(read))
			if werr != nil {
				return l.writeEnd(werr), werr
			}
			if l.s.tap.Forwarded != nil {
				l.s.tap.Forwarded(l.d, p, read, wrote)
			}
		}
		if err != nil {
			return l.readEnd(err), err
		}
	}
}

func (l *link) account(n int, wrote time.Time, lag time.Duration) {
	l.bytes += int64(n)
	l.s.touch(wrote)
	l.lagMax = max(l.lagMax, lag)
	if lag > blockedAfter {
		l.blocked += lag
	}
	l.s.r.stats.forwarded(l.s.view, l.d, n, lag)
}
