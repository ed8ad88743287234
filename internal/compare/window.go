package compare

import (
	"slices"
	"sync"
	"time"

	"llmtap/internal/call"
)

// Bounds of a Window whose configuration names none.
const (
	defaultDuration = 24 * time.Hour
	defaultCalls    = 256
	defaultTargets  = 128
	defaultClients  = 256
)

// WindowConfig sets up a Window; its zero value is usable.
type WindowConfig struct {
	// Duration is how long a call counts; 0 means 24 h.
	Duration time.Duration
	// Calls bounds the logical calls of one target; 0 means 256.
	Calls int
	// Targets and Clients bound what is remembered at once; 0 means 128 and 256.
	Targets, Clients int
	// Remedy gives the texts of remedy ids, fitted to client and target; nil
	// gives none.
	Remedy func(ids []string, c call.Client, t call.Target) []string
	// NewID names a finding; nil derives the name from verdict, key and since,
	// so that a replay gives the same one.
	NewID func() string
}

func (c WindowConfig) withDefaults() WindowConfig {
	if c.Duration <= 0 {
		c.Duration = defaultDuration
	}
	if c.Calls <= 0 {
		c.Calls = defaultCalls
	}
	if c.Targets <= 0 {
		c.Targets = defaultTargets
	}
	if c.Clients <= 0 {
		c.Clients = defaultClients
	}
	return c
}

// Window compares the logical calls of the last day and says what only
// comparison can show. Observe, Advance and Restore belong to one goroutine;
// the other methods are safe from any.
type Window struct {
	mu sync.Mutex // protects all below
	s  state
}

// NewWindow returns an empty Window.
func NewWindow(cfg WindowConfig) *Window {
	return &Window{s: newState(cfg.withDefaults())}
}

// Observe takes one joined and diagnosed record, in the order in which calls
// ended, and returns every finding that opened, changed or closed because of
// it. The findings are the caller's.
func (w *Window) Observe(r call.Record) []call.Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.s.observe(&r)
}

// Advance tells the window how late it is, so that what no call renews expires.
// It returns the findings that closed.
func (w *Window) Advance(now time.Time) []call.Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.s.now = max(w.s.now, w.s.clock.of(now))
	return w.s.expire(nil)
}

// Open returns the open findings with their evidence as of now, newest first.
func (w *Window) Open() []call.Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []call.Finding
	for _, t := range w.s.sorted() {
		for _, v := range t.verdicts {
			if v.state != "" {
				out = append(out, findingOf(&w.s, v))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b call.Finding) int { return b.Since.Compare(a.Since) })
	return out
}

// OpenFor returns the names of the verdicts that are open for calls of c to t,
// sorted; nil if there are none.
func (w *Window) OpenFor(t call.Target, c call.Client) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	h := w.s.hosts[hostKey{t.Host, t.Port}]
	if h == nil {
		return nil
	}
	for _, o := range h.targets {
		for _, v := range o.verdicts {
			if v.state != "" && v.concerns(t, c) && !slices.Contains(out, v.q.kind.String()) {
				out = append(out, v.q.kind.String())
			}
		}
	}
	slices.Sort(out)
	return out
}

// WindowStats says how much a Window holds and what it had to forget.
type WindowStats struct {
	Targets, Clients, Calls int
	// Evicted counts what went for lack of room, not of age.
	EvictedTargets, EvictedClients, EvictedCalls uint64
	// Bytes estimates the memory held.
	Bytes int
	// Open counts the open findings.
	Open int
}

// Stats returns the window's size and losses.
func (w *Window) Stats() WindowStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.s.stats()
}
