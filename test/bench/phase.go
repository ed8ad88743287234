package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// sample is one measurement of one target.
type sample struct {
	Phase  string        `json:"phase"`
	Target string        `json:"target"`
	Round  int           `json:"round"`
	P50    time.Duration `json:"p50_ns"`
	CPU    time.Duration `json:"cpu_per_unit_ns"`
	Rate   float64       `json:"units_per_second"`
	Units  int           `json:"units"`
	// Reads are TLS records with an event: fewer than Units means merged.
	Reads int `json:"reads,omitempty"`
	// RSS is resident memory while all streams were open, Idle before them.
	RSS  int64 `json:"rss,omitempty"`
	Idle int64 `json:"rss_idle,omitempty"`
	// Others is the CPU that programs beside the benchmark used, in cores.
	Others float64 `json:"others_cores"`
}

// Names of the phases.
const (
	phaseMemory  = "memory"
	phaseTTFT    = "ttft"
	phasePaced8  = "paced8"
	phasePaced   = "paced100"
	phaseFlood   = "flood"
	phasePlain1  = "plain1"
	phasePlain64 = "plain64"
)

// interval is the pace of paced streams: 50 events a second.
const interval = 20 * time.Millisecond

// phase is one kind of load.
type phase struct {
	name string
	once bool // in the first round only
	size [2]int
	run  func(ctx context.Context, t *target, size int) (sample, error)
}

// phases lists the loads in order; memory comes first, because only the first
// wave of a fresh process shows what streams cost. Sizes: full run, quick run.
func phases() []phase {
	return []phase{
		{phaseMemory, true, [2]int{100, 40}, waves},
		{phaseTTFT, false, [2]int{300, 50}, ttft},
		{phasePaced8, false, [2]int{100, 25}, paced(8)},
		{phasePaced, false, [2]int{150, 40}, paced(100)},
		{phaseFlood, false, [2]int{100_000, 20_000}, flood},
		{phasePlain1, false, [2]int{1500, 200}, plain(1)},
		{phasePlain64, false, [2]int{6000, 640}, plain(64)},
	}
}

// wants says whether a phase is measured on a target.
func (p phase) wants(target string) bool {
	if target == relayBare {
		return p.name == phaseTTFT || p.name == phasePlain1 || p.name == phasePlain64
	}
	return p.name != phaseMemory || target != direct
}

func streamRequest(host string, chunks int, every time.Duration) []byte {
	return request(host, fmt.Sprintf("/v1/chat/completions?interval=%s&chunks=%d", every, chunks),
		`{"model":"bench","stream":true,"messages":[{"role":"user","content":"Name a bird."}]}`)
}

// pause is between two calls whose first token is timed: people think. Without
// it the work that follows one call would be booked on the next one's clock;
// what a busy proxy costs is what the plain phases show.
const pause = 3 * time.Millisecond

// ttft asks for one-event streams one after another.
func ttft(ctx context.Context, t *target, n int) (sample, error) {
	conns, err := t.warm(ctx, 1)
	if err != nil {
		return sample{}, err
	}
	req := streamRequest(t.at.host, 1, 0)
	var took []time.Duration
	for range n {
		wait(ctx, pause)
		start := time.Now()
		r, err := conns[0].do(req, false)
		if err := r.check(err, 1); err != nil {
			return sample{}, err
		}
		took = append(took, r.first.Sub(start))
	}
	return sample{P50: median(took), Units: n, Reads: n}, ctx.Err()
}

// check turns a broken exchange into an error.
func (r reply) check(err error, chunks int) error {
	if err == nil && (r.status != 200 || !r.whole || r.chunks != chunks) {
		err = fmt.Errorf("bench: answer of status %d has %d of %d events", r.status, r.chunks, chunks)
	}
	return err
}

// paced runs n streams at a time, staggered over one interval.
func paced(n int) func(context.Context, *target, int) (sample, error) {
	return func(ctx context.Context, t *target, chunks int) (sample, error) {
		conns, err := t.warm(ctx, n)
		if err != nil {
			return sample{}, err
		}
		req := streamRequest(t.at.host, chunks, interval)
		replies, errs := make([]reply, n), make([]error, n)
		var wg sync.WaitGroup
		for i, c := range conns {
			wg.Go(func() {
				wait(ctx, interval*time.Duration(i)/time.Duration(n))
				r, err := c.do(req, true)
				replies[i], errs[i] = r, r.check(err, chunks)
			})
		}
		wg.Wait()
		var s sample
		var delays []time.Duration
		for _, r := range replies {
			s.Units += r.chunks
			s.Reads += r.reads
			delays = append(delays, r.delays...)
		}
		s.P50 = median(delays)
		return s, errors.Join(errs...)
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// waves opens 100 streams on a fresh process, twice, and looks at its memory
// while they run. RSS is the first wave's, Units what the second one added.
func waves(ctx context.Context, t *target, chunks int) (sample, error) {
	idle := rssOf(t.pids())
	var rss [2]int64
	for i := range rss {
		looked := make(chan struct{})
		go func() {
			defer close(looked)
			wait(ctx, interval*time.Duration(chunks)*3/4)
			rss[i] = rssOf(t.pids())
		}()
		_, err := paced(100)(ctx, t, chunks)
		<-looked
		if err != nil {
			return sample{}, err
		}
	}
	return sample{RSS: rss[0], Idle: idle, Units: int(rss[1] - rss[0])}, nil
}

// flood takes all events at once.
func flood(ctx context.Context, t *target, chunks int) (sample, error) {
	conns, err := t.warm(ctx, 1)
	if err != nil {
		return sample{}, err
	}
	r, err := conns[0].do(streamRequest(t.at.host, chunks, 0), false)
	return sample{Units: r.chunks, Reads: r.reads}, r.check(err, chunks)
}

// plain sends short calls over n connections.
func plain(n int) func(context.Context, *target, int) (sample, error) {
	return func(ctx context.Context, t *target, calls int) (sample, error) {
		conns, err := t.warm(ctx, n)
		if err != nil {
			return sample{}, err
		}
		req := request(t.at.host, "/v1/chat/completions", `{"model":"bench","messages":[{"role":"user","content":"Name a bird."}]}`)
		var left atomic.Int64
		left.Store(int64(calls))
		took, errs := make([][]time.Duration, n), make([]error, n)
		var wg sync.WaitGroup
		for i, c := range conns {
			wg.Go(func() {
				for left.Add(-1) >= 0 && errs[i] == nil {
					start := time.Now()
					r, err := c.do(req, false)
					errs[i] = r.check(err, 0)
					took[i] = append(took[i], time.Since(start))
				}
			})
		}
		wg.Wait()
		return sample{P50: median(slices.Concat(took...)), Units: calls, Reads: calls}, errors.Join(errs...)
	}
}

// median sorts v and returns its middle; 0 for none.
func median[T int64 | float64 | time.Duration](v []T) T {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
