package store

import (
	"sync"

	"llmtap/internal/call"
)

// item is one thing to write: a record (live or finished) or a finding.
type item struct {
	record  *call.Record
	finding *call.Finding
	live    bool
}

// key names what an item is about.
type key struct {
	finding bool
	id      string
}

// key returns the item's; a later item with the same key replaces an earlier
// one, so a call that starts and ends within a batch is one row.
func (i item) key() key {
	if i.finding != nil {
		return key{true, i.finding.ID}
	}
	return key{false, i.record.Identity.ID}
}

// pending holds what is not yet in the file: the batch while the disk works,
// the memory ring while it does not. The writer alone changes it.
type pending struct {
	max int

	mu sync.Mutex
	// order has the keys, oldest first; items their newest state.
	order []key
	items map[key]item
	// spare takes the records that were written.
	spare *sync.Pool
}

func newPending(limit int, spare *sync.Pool) *pending {
	return &pending{max: limit, items: map[key]item{}, spare: spare}
}

// add keeps i and says whether the oldest item had to go for it. A start never
// replaces the finished record.
func (p *pending) add(i item) (evicted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := i.key()
	if old, there := p.items[k]; there {
		if i.live && !old.live {
			i, old = old, i
		}
		p.items[k] = i
		p.release(old)
		return false
	}
	if len(p.order) >= p.max {
		p.release(p.items[p.order[0]])
		delete(p.items, p.order[0])
		p.order = p.order[1:]
		evicted = true
	}
	p.order = append(p.order, k)
	p.items[k] = i
	return evicted
}

// release gives an item's record back; p.mu is held.
func (p *pending) release(i item) {
	if i.record != nil {
		*i.record = call.Record{}
		p.spare.Put(i.record)
	}
}

// copies is list for anyone but the writer: with records of their own.
func (p *pending) copies() []item {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]item, 0, len(p.order))
	for _, k := range p.order {
		i := p.items[k]
		if i.record != nil {
			r := *i.record
			i.record = &r
		}
		out = append(out, i)
	}
	return out
}

// list returns the items, oldest first. Their records are the writer's, until
// clear.
func (p *pending) list() []item {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]item, 0, len(p.order))
	for _, k := range p.order {
		out = append(out, p.items[k])
	}
	return out
}

func (p *pending) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.order)
}

func (p *pending) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.items {
		p.release(i)
	}
	p.order = p.order[:0]
	clear(p.items)
}
