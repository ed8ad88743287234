package main

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"llmtap/exporters"
	"llmtap/exporters/otlp"
	"llmtap/exporters/prom"
	"llmtap/internal/call"
	"llmtap/internal/compare"
	"llmtap/internal/diagnose"
)

// pipeline is what the queue's one goroutine does with each item: join into a
// logical call, classify, hand to every sink.
type pipeline struct {
	join   *compare.Joiner
	fanout *exporters.Fanout
	watch  func(call.Record)
}

func newPipeline(a *agent) (*pipeline, error) {
	sample, err := otlp.NewSampler(a.parts.getenv)
	if err != nil {
		return nil, err
	}
	return &pipeline{
		join: compare.NewJoiner(compare.Config{Sample: func(trace string) bool {
			return sample(call.Record{Identity: call.Identity{Span: call.SpanContext{Trace: trace}}})
		}}),
		fanout: a.sinks.fanout, watch: a.parts.watch,
	}, nil
}

// handle is called for every item in order. What sinks say of an error is
// counted where it happened: the data path has nobody to tell.
func (p *pipeline) handle(ctx context.Context, it exporters.Item) {
	if it.Started {
		_ = p.fanout.Started(ctx, it.Record)
		return
	}
	r := p.join.Join(it.Record)
	r.Diagnosis = diagnose.Classify(r)
	_ = p.fanout.Record(ctx, r)
	if p.watch != nil {
		p.watch(r)
	}
}

// lostCounts counts records that never reached the sinks. Safe for concurrent use.
type lostCounts struct {
	mu sync.Mutex
	n  map[string]uint64
}

func (l *lostCounts) add(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n == nil {
		l.n = map[string]uint64{}
	}
	l.n[reason]++
}

func (l *lostCounts) into(m map[string]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, v := range l.n {
		m[k] += v
	}
}

// process is the snapshot that a scrape shows of the agent itself.
func (a *agent) process() prom.Process {
	out := prom.Process{Reload: a.state.reloads.metric()}
	if a.authority != nil {
		out.CA = prom.CA{Loaded: true, NotAfter: a.authority.Info().NotAfter}
	}
	if st := a.sinks.otlp.Stats(); a.sinks.otlp.Enabled() {
		out.Spans = prom.Spans(st)
	}
	if a.proxy == nil {
		return out
	}
	snap, rs := a.proxy.Stats()
	dropped := map[string]uint64{}
	maps.Copy(dropped, snap.Dropped)
	a.sinks.lost.into(dropped)
	if a.sinks.store != nil {
		out.StoreDegraded = a.sinks.store.Degraded()
		for _, n := range a.sinks.store.Dropped() {
			dropped["store_error"] += n
		}
	}
	out.Observation = prom.Observation{Stopped: snap.Stopped, Dropped: dropped, Oversize: snap.Oversize}
	out.Handshakes = snap.Handshakes
	out.Tunnels = prom.Tunnels{
		Accepted: snap.Tunnels, Open: map[string]int64{"relay": rs.OpenRelayed, "blind": rs.OpenBlind},
		Bytes: map[[2]string]uint64{
			{"relay", "up"}: uint64(rs.Relayed.Up), {"relay", "down"}: uint64(rs.Relayed.Down),
			{"blind", "up"}: uint64(rs.Blind.Up), {"blind", "down"}: uint64(rs.Blind.Down),
		},
	}
	out.Latency = prom.Latency{
		Lag: histogram(rs.Lag), Overhead: overhead(rs.Handshake, snap.Overhead),
	}
	for _, r := range a.proxy.Live() {
		if r.Streamed() {
			out.Active.Stream++
		} else {
			out.Active.Plain++
		}
	}
	return out
}

// stop ends the agent: readiness off, no new calls, live ones finish within
// the grace, the rest is sealed as ended by the agent, then everything drains.
func (a *agent) stop(ctx context.Context, grace time.Duration) error {
	a.state.draining.Store(true)
	graceCtx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	var errs []error
	if err := a.proxy.Drain(graceCtx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		errs = append(errs, err)
	}
	errs = append(errs, a.proxy.Close(), a.listeners.finder.Close(), a.queue.Close(ctx))
	errs = append(errs, a.sinks.hub.Close(ctx), a.admin.Close(), a.sinks.fanout.Close(ctx))
	if a.state.ownsRun {
		if err := os.Remove(filepath.Join(a.s.stateDir, runFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// abandon releases what a failed start had taken.
func (a *agent) abandon(ctx context.Context) error {
	errs := []error{a.listeners.finder.Close()}
	if a.proxy != nil {
		errs = append(errs, a.proxy.Close())
	}
	if a.queue != nil {
		errs = append(errs, a.queue.Close(ctx))
	}
	switch {
	case a.sinks.fanout != nil:
		errs = append(errs, a.sinks.fanout.Close(ctx))
	case a.sinks.store != nil:
		errs = append(errs, a.sinks.store.Close(ctx))
	}
	if a.admin != nil {
		errs = append(errs, a.admin.Close())
	}
	for _, l := range []net.Listener{a.listeners.proxy, a.listeners.admin, a.listeners.routes} {
		if l != nil {
			_ = l.Close() // served ones are closed already
		}
	}
	return errors.Join(errs...)
}
