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
	waiting  waiting
}

// waiting is what was forwarded and not shown to the tap yet. It is shown when
// nothing more is there to be forwarded: the head of an answer and its first
// event often come one after the other, and the client wants the event.
type waiting struct {
	d     Direction
	tap   *Tap
	reads [8]forwarded
	n     int
	used  int // bytes of small
	// small takes the next record in place of a whole buffer: most tunnels are
	// silent most of the time, and most records of a stream are short.
	small [2 * smallRecord]byte
}

// forwarded is one read and its write.
type forwarded struct {
	p  []byte
	at Times
}

// smallRecord is what a direction reads without a buffer. It is no round number,
// since two records whose first just fits may leave as one.
const smallRecord = 1021

// room is where the next record goes.
func (w *waiting) room() []byte { return w.small[w.used : w.used+smallRecord] }

// take adds what was read into the room, which lies behind what was shown
// during that Read.
func (w *waiting) take(p []byte) []byte {
	p = w.small[w.used : w.used+copy(w.small[w.used:], p)]
	w.used += len(p)
	return p
}

// show gives the tap what was forwarded.
func (w *waiting) show() {
	for i := range w.n {
		f := &w.reads[i]
		if w.tap.Forwarded != nil {
			w.tap.Forwarded(w.d, f.p, f.at)
		}
		f.p = nil // it may be a whole buffer, which a silent tunnel does not keep
	}
	w.n, w.used = 0, 0
}

// full says that there is no place for another record.
func (w *waiting) full() bool { return w.n == len(w.reads) || w.used+smallRecord > len(w.small) }

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
	defer l.waiting.show()
	l.src.in = newPatient(l.src.Conn, l.waiting.show)
	for {
		room := l.waiting.room()
		n, err := l.src.tls.Read(room)
		if n < len(room) || err != nil {
			if kind, err := l.move(l.waiting.take(room[:n]), err); err != nil {
				return kind, err
			}
			if l.waiting.full() {
				l.waiting.show()
			}
			continue
		}
		if kind, err := l.large(room); err != nil {
			return kind, err
		}
	}
}

// large moves a record that begins with head and may be longer.
func (l *link) large(head []byte) (EndKind, error) {
	buf := l.s.r.buffers.Get().(*[]byte)
	defer l.s.r.buffers.Put(buf)
	n := copy(*buf, head)
	m, err := rest(l.src, (*buf)[n:])
	kind, err := l.move((*buf)[:n+m], err)
	l.waiting.show()
	return kind, err
}

// copyRaw is copy without TLS.
func (l *link) copyRaw() (EndKind, error) {
	buf := l.s.r.buffers.Get().(*[]byte)
	defer l.s.r.buffers.Put(buf)
	for {
		n, err := l.src.Read(*buf)
		kind, err := l.move((*buf)[:n], err)
		l.waiting.show()
		if err != nil {
			return kind, err
		}
	}
}

// move forwards what a Read brought, then tells its error.
func (l *link) move(p []byte, err error) (EndKind, error) {
	if len(p) > 0 {
		at := Times{Read: time.Now()}
		if l.s.tap.Forwarding != nil {
			l.s.tap.Forwarding(l.d)
		}
		at.Writing = time.Now()
		m, werr := l.dst.stream().Write(p)
		at.Wrote = time.Now()
		l.account(m, at.Wrote, at.Wrote.Sub(at.Read))
		if werr != nil {
			return l.writeEnd(werr), werr
		}
		l.waiting.reads[l.waiting.n] = forwarded{p, at}
		l.waiting.n++
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
