package capture

import "sync"

// registry knows the open tunnels, bounds them, and waits for their end.
type registry struct {
	limits Limits

	// mu guards what follows; wg counts the tunnels' goroutines.
	mu      sync.Mutex
	open    map[*tunnel]struct{}
	perUser map[string]int
	closed  bool
	wg      sync.WaitGroup
}

func newRegistry(l Limits) registry {
	return registry{limits: l, open: map[*tunnel]struct{}{}, perUser: map[string]int{}}
}

func ownerOf(t *tunnel) string { return t.conn.user + "@" + t.conn.client }

// admit registers a tunnel unless the agent is full or going away.
func (r *registry) admit(t *tunnel) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := ownerOf(t)
	switch {
	case r.closed:
		return errDraining
	case len(r.open) >= r.limits.Tunnels, r.perUser[key] >= r.limits.PerUser:
		return errTooMany
	}
	r.open[t] = struct{}{}
	r.perUser[key]++
	r.wg.Add(1)
	return nil
}

// release forgets a tunnel that is over.
func (r *registry) release(t *tunnel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := ownerOf(t)
	if r.perUser[key]--; r.perUser[key] == 0 {
		delete(r.perUser, key)
	}
	delete(r.open, t)
	r.wg.Done()
}

// close refuses tunnels from now on.
func (r *registry) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// each calls f for every open tunnel; f must not block.
func (r *registry) each(f func(*tunnel)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for t := range r.open {
		f(t)
	}
}

// wait returns when no tunnel is open.
func (r *registry) wait() { r.wg.Wait() }
