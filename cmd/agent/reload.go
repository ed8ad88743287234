package main

import (
	"sync"
	"time"

	"llmtap/exporters/prom"
)

// reloads remembers how the last reading of the settings went. Safe for
// concurrent use; the zero value is a start that went well.
type reloads struct {
	mu     sync.Mutex
	failed bool
	good   time.Time
}

// note books one reading.
func (r *reloads) note(err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = err != nil
	if err == nil {
		r.good = now
	}
}

func (r *reloads) metric() prom.Reload {
	r.mu.Lock()
	defer r.mu.Unlock()
	return prom.Reload{OK: !r.failed, At: r.good}
}

// reloaded takes over what can change while the agent runs.
func reloaded(a *agent, s settings, err error) {
	a.state.reloads.note(err, time.Now())
	if err == nil {
		a.proxy.SetPolicy(s.policy)
	}
}
