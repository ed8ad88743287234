package observe

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// backlogItems bounds the number of kept reads beside their bytes.
	backlogItems = 1024
	// backlogStretch is how much more is kept while the answer would be read
	// as one that nobody asked for: a goroutine may stall for longer than it
	// takes a fast service to send Limits.Backlog.
	backlogStretch = 64
	// backlogSpare is how many bytes an empty backlog keeps for the next time.
	backlogSpare = 4 << 10
)

// backlog puts what both directions show into the order of cause and effect.
// Bytes are announced before they are written, and shown after. What they
// cause on the other side is announced later, but can be shown earlier: it is
// kept until they were shown. What is shown while the other direction is being
// observed is kept as well, so that no direction waits for the other.
type backlog struct {
	limit int
	seq   atomic.Uint64
	said  [2]announced
	n     atomic.Int32 // how many reads are kept

	mu    sync.Mutex // protects lines; held for a copy at most
	lines [2]line
}

// announced are the announcements of a direction's bytes that were not shown
// yet. The direction's goroutine alone changes them.
type announced struct {
	first atomic.Uint64 // 0 for none
	rest  []uint64
}

func (a *announced) add(ticket uint64) {
	if a.first.Load() == 0 {
		a.first.Store(ticket)
	} else {
		a.rest = append(a.rest, ticket)
	}
}

// shown takes the first one back.
func (a *announced) shown() {
	if len(a.rest) == 0 {
		a.first.Store(0)
		return
	}
	a.first.Store(a.rest[0])
	a.rest = a.rest[:copy(a.rest, a.rest[1:])]
}

// none takes all back.
func (a *announced) none() {
	a.rest = a.rest[:0]
	a.first.Store(0)
}

// line is what is kept of one direction, oldest first.
type line struct {
	items []kept
	data  []byte
	// gone are the items and bytes at the front that were observed.
	gone, used int
}

// kept is one read that waits, or the end of its direction.
type kept struct {
	d      Direction
	ticket uint64
	n      int
	at     time.Time
	closed bool
	how    Closing
}

func (b *backlog) announce(d Direction) { b.said[d].add(b.seq.Add(1)) }

// mine is the announcement of what d shows now; what was not announced counts
// as announced just now.
func (b *backlog) mine(d Direction) uint64 {
	if t := b.said[d].first.Load(); t != 0 {
		return t
	}
	return b.seq.Add(1)
}

// taken takes back what was announced of k.
func (b *backlog) taken(k *kept) {
	if k.closed {
		b.said[k.d].none() // what was announced does not come any more
	} else {
		b.said[k.d].shown()
	}
}

// behind reports whether the other direction has announced something before k
// that it has not shown yet.
func (b *backlog) behind(k *kept) bool {
	other := b.said[1-k.d].first.Load()
	return other != 0 && other < k.ticket
}

// keep keeps k with a copy of p, unless it has no room for it.
func (b *backlog) keep(k kept, p []byte, stretch int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes, items := b.size(); !k.closed && (bytes+len(p) > stretch*b.limit || items >= stretch*backlogItems) {
		return false
	}
	k.n = len(p)
	l := &b.lines[k.d]
	l.items, l.data = append(l.items, k), append(l.data, p...)
	b.n.Add(1)
	b.taken(&k)
	return true
}

func (b *backlog) size() (bytes, items int) {
	for i := range b.lines {
		bytes += len(b.lines[i].data) - b.lines[i].used
		items += len(b.lines[i].items) - b.lines[i].gone
	}
	return bytes, items
}

// strained reports whether more is kept than the limit foresees.
func (b *backlog) strained() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	bytes, items := b.size()
	return bytes > b.limit || items > backlogItems
}

// next returns what was announced first and waits for nothing, or, if forced,
// what was announced first. It stays in its line until done.
func (b *backlog) next(force bool) (k kept, p []byte, ok bool) {
	if b.n.Load() == 0 {
		return kept{}, nil, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.lines {
		l := &b.lines[i]
		if l.gone < len(l.items) && (!ok || l.items[l.gone].ticket < k.ticket) {
			k, ok = l.items[l.gone], true
			p = l.data[l.used : l.used+k.n]
		}
	}
	return k, p, ok && (force || !b.behind(&k))
}

// due reports whether there is something that waits for nothing.
func (b *backlog) due() bool {
	_, _, ok := b.next(false)
	return ok
}

// done takes what next returned out of its line.
func (b *backlog) done(k *kept) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n.Add(-1)
	l := &b.lines[k.d]
	l.gone++
	l.used += k.n
	if l.gone == len(l.items) {
		l.gone, l.used, l.items, l.data = 0, 0, l.items[:0], l.data[:0]
		if cap(l.data) > backlogSpare || cap(l.items) > 64 {
			l.items, l.data = nil, nil
		}
	}
}

// drop forgets everything.
func (b *backlog) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n.Store(0)
	b.lines = [2]line{}
}

// busy reports whether request bytes, or what waits, are still to be observed.
func (b *backlog) busy() bool { return b.said[Request].first.Load() != 0 || b.n.Load() > 0 }
