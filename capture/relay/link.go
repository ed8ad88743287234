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
	// small waits for the next record in place of a whole buffer: most tunnels
	// are silent most of the time, and most records of a stream are short.
	small [smallRecord]byte
}

// smallRecord is what a direction reads without a buffer. It is no round number,
// since two records whose first just fits may leave as one.
const smallRecord = 1021

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
	if l.src.tls == nil {
		return l.copyRaw()
	}
	for {
		n, err := l.src.tls.Read(l.small[:])
		if n < len(l.small) || err != nil {
			if kind, err := l.move(l.small[:n], err); err != nil {
				return kind, err
			}
			continue
		}
		buf := l.s.r.buffers.Get().(*[]byte)
		n = copy(*buf, l.small[:])
		m, err := rest(l.src, (*buf)[n:])
		kind, err := l.move((*buf)[:n+m], err)
		l.s.r.buffers.Put(buf)
		if err != nil {
			return kind, err
		}
	}
}

// copyRaw is copy without TLS.
func (l *link) copyRaw() (EndKind, error) {
	buf := l.s.r.buffers.Get().(*[]byte)
	defer l.s.r.buffers.Put(buf)
	for {
		n, err := l.src.Read(*buf)
		if kind, err := l.move((*buf)[:n], err); err != nil {
			return kind, err
		}
	}
}

// move forwards and shows what a Read brought, then tells its error.
func (l *link) move(p []byte, err error) (EndKind, error) {
	if len(p) > 0 {
		read := time.Now()
		if l.s.tap.Forwarding != nil {
			l.s.tap.Forwarding(l.d)
		}
		m, werr := l.dst.stream().Write(p)
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
	return EndUnknown, nil
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
