package web

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"llmtap/internal/call"
)

const (
	// backlog is how many events a subscriber may be behind, and how many the
	// hub remembers for one that comes back.
	backlog = 256
	// maxFeeds bounds the subscribers.
	maxFeeds = 64
)

// errTooMany refuses one subscriber more than maxFeeds; errOver, one that comes
// after Close.
var (
	errTooMany = errors.New("too many live feeds are open: close one")
	errOver    = errors.New("the agent is stopping")
)

// Hub is a sink that passes what it takes to the live feeds. Its verbs never
// wait: a subscriber that does not read loses events, is told how many, and
// they are counted. It is safe for concurrent use.
type Hub struct {
	// epoch tells this hub's event ids from those of an earlier run.
	epoch string
	// done is closed once, by Close: it ends the feeds.
	done chan struct{}

	// mu protects what follows.
	mu     sync.Mutex
	closed bool
	seq    uint64
	recent []*slot // ring of backlog: event n stands at n modulo backlog
	feeds  map[*subscriber]bool
	missed uint64
}

// message is one event of the feed. One of record and finding is set.
type message struct {
	seq     uint64
	event   string
	record  *call.Record
	finding *call.Finding
}

// slot is an event that is remembered, in memory that is used again.
type slot struct {
	message
	memory call.Record
}

// copied is the slot's event with a record of its own.
func (s *slot) copied() message {
	m := s.message
	if m.record != nil {
		r := s.memory
		m.record = &r
	}
	return m
}

// body returns the event's JSON.
func (m message) body() ([]byte, error) {
	if m.finding != nil {
		return json.Marshal(m.finding)
	}
	return m.record.MarshalJSON()
}

// subscriber is one open feed.
type subscriber struct {
	// ch carries events: the hub sends without blocking, the feed's handler
	// receives; its capacity is the backlog.
	ch chan message
	// last is the number of the last event that was sent or given up; only the
	// handler uses it.
	last uint64
}

// NewHub returns a Hub without subscribers.
func NewHub() *Hub {
	return &Hub{epoch: strconv.FormatInt(time.Now().UnixNano(), 36), done: make(chan struct{}), feeds: map[*subscriber]bool{}, recent: make([]*slot, backlog)}
}

// Record sends the event record.
func (h *Hub) Record(_ context.Context, r call.Record) error {
	h.publish("record", &r, nil)
	return nil
}

// Started sends the event started: a call is in flight.
func (h *Hub) Started(_ context.Context, r call.Record) error {
	h.publish("started", &r, nil)
	return nil
}

// Finding sends the event finding.
func (h *Hub) Finding(_ context.Context, f call.Finding) error {
	h.publish("finding", nil, &f)
	return nil
}

// Missed counts the events that subscribers did not get because they were slow.
func (h *Hub) Missed() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.missed
}

// Close ends all feeds and refuses new ones. It does not wait for them: their
// handlers belong to the http.Server. It is safe to call twice.
func (h *Hub) Close(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
	return nil
}

// publish remembers a record or a finding and sends it.
func (h *Hub) publish(event string, r *call.Record, f *call.Finding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.seq++
	at := &h.recent[h.seq%backlog]
	if *at == nil {
		*at = new(slot)
	}
	s := *at
	s.message = message{seq: h.seq, event: event, finding: f}
	if r != nil {
		s.memory = public(*r)
		s.record = &s.memory
	}
	if len(h.feeds) > 0 {
		h.send(s.copied())
	}
}

// send offers m to every feed; h.mu is held.
func (h *Hub) send(m message) {
	for s := range h.feeds {
		select {
		case s.ch <- m:
		default:
			h.missed++
		}
	}
}

// join adds a subscriber. One that names the last event it saw gets what is
// remembered since then.
func (h *Hub) join(lastEventID string) (*subscriber, []message, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return nil, nil, errOver
	case len(h.feeds) >= maxFeeds:
		return nil, nil, errTooMany
	}
	s := &subscriber{ch: make(chan message, backlog), last: h.seq}
	h.feeds[s] = true
	seen, ok := h.resume(lastEventID)
	if !ok {
		return s, nil, nil
	}
	var since []message
	first := max(seen, h.seq-min(h.seq, backlog)) + 1
	for n := first; n <= h.seq; n++ {
		since = append(since, h.recent[n%backlog].copied())
	}
	s.last = seen
	return s, since, nil
}

// resume reads an event id; one of another run means that all is new.
func (h *Hub) resume(id string) (seen uint64, ok bool) {
	epoch, number, ok := strings.Cut(id, ".")
	if !ok {
		return 0, false
	}
	seen, err := strconv.ParseUint(number, 10, 64)
	if err != nil || epoch != h.epoch || seen > h.seq {
		return 0, true
	}
	return seen, true
}

func (h *Hub) leave(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.feeds, s)
}

// newest is the number of the last event of all.
func (h *Hub) newest() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seq
}
