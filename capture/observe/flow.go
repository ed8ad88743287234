package observe

import "time"

// flow is one exchange in flight: its receiver and what was told to it.
type flow struct {
	x          Exchange
	prev, next *flow

	reused       bool
	began, ended [2]bool
	// untilClose: the answer's body ends with the connection.
	untilClose bool
	// headOnly: the request was HEAD, so that the answer has no body.
	headOnly bool
	// unsent: the request waits for 100 Continue and has sent no body byte.
	unsent bool
	// id is the h2 stream.
	id uint32
}

// endBy says what a transport end means for direction d of the exchange.
func (f *flow) endBy(d Direction, how Closing) End {
	switch how {
	case ClosedReset:
		return End{Kind: EndReset}
	case ClosedByPeer:
		return End{Kind: EndClosed, Reason: "receiver"}
	case ClosedByAgent:
		return End{Kind: EndClosed, Reason: "agent"}
	}
	switch {
	case d == Response && f.untilClose:
		return End{Kind: EndUntilEOF}
	case f.began[d]:
		return End{Kind: EndShort}
	}
	return End{Kind: EndClosed}
}

// flows lists the exchanges in flight, oldest first.
type flows struct {
	first, last *flow
	n           int
	opened      bool // there was one before
}

func (l *flows) add(f *flow) {
	if f.prev = l.last; f.prev == nil {
		l.first = f
	} else {
		f.prev.next = f
	}
	l.last = f
	l.n++
	l.opened = true
}

func (l *flows) remove(f *flow) {
	if f.prev == nil {
		l.first = f.next
	} else {
		f.prev.next = f.next
	}
	if f.next == nil {
		l.last = f.prev
	} else {
		f.next.prev = f.prev
	}
	f.prev, f.next = nil, nil
	l.n--
}

// stop ends everything in flight. A receiver that panics loses its own ends only.
func (l *flows) stop(e End, at time.Time) {
	for f := l.first; f != nil; f = f.next {
		f.stop(e, at)
	}
	*l = flows{opened: true}
}

func (f *flow) stop(e End, at time.Time) {
	for _, d := range [...]Direction{Request, Response} {
		if !f.ended[d] {
			f.ended[d] = true
			f.endGuarded(d, e, at)
		}
	}
}

func (f *flow) endGuarded(d Direction, e End, at time.Time) {
	defer func() { _ = recover() }() // the connection is opaque already
	f.x.End(d, e, at)
}
