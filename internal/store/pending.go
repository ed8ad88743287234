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

// key names what the item is about; a later item with the same key replaces an
// earlier one, so a call that starts and ends within a batch is one row.
func (i item) key() string {
	if i.finding != nil {
		return "f" + i.finding.ID
	}
	return "c" + i.record.Identity.ID
}

// pending holds what is not yet in the file: the batch while the disk works,
// the memory ring while it does not. The writer alone changes it.
type pending struct {
	max int

	mu sync.Mutex
	// order has the keys, oldest first; items their newest state.
	order []string
	items map[string]item
}

func newPending(limit int) *pending {
	return &pending{max: limit, items: map[string]item{}}
}

// add keeps i and says whether the oldest item had to go for it. A start never
// replaces the finished record.
func (p *pending) add(i item) (evicted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := i.key()
	if old, there := p.items[k]; there {
		if !i.live || old.live {
			p.items[k] = i
		}
		return false
	}
	if len(p.order) >= p.max {
		delete(p.items, p.order[0])
		p.order = p.order[1:]
		evicted = true
	}
	p.order = append(p.order, k)
	p.items[k] = i
	return evicted
}

// list returns the items, oldest first.
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
	p.order = p.order[:0]
	clear(p.items)
}
