package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"llmtap/exporters"
	"llmtap/exporters/otlp"
	"llmtap/exporters/prom"
	"llmtap/internal/call"
	"llmtap/internal/compare"
	"llmtap/internal/diagnose"
)

// watcher sees what comes out of the pipeline, in order. Its members may be nil.
type watcher struct {
	record  func(call.Record)
	finding func(call.Finding)
}

// pipeline is what the queue's one goroutine does with each item: join into a
// logical call, classify, compare with the calls before, hand to every sink.
type pipeline struct {
	join   *compare.Joiner
	window *compare.Window
	class  diagnose.Classifier
	fanout *exporters.Fanout
	watch  watcher
	log    *slog.Logger
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
		window: compare.NewWindow(compare.WindowConfig{Remedy: advise}),
		fanout: a.sinks.fanout, watch: a.parts.watch, log: a.parts.log,
	}, nil
}

// handle is called for every item in order. What sinks say of an error is
// counted where it happened: the data path has nobody to tell.
func (p *pipeline) handle(ctx context.Context, it exporters.Item) {
	switch {
	case !it.Now.IsZero():
		p.found(ctx, p.window.Advance(it.Now))
		return
	case it.Started:
		_ = p.fanout.Started(ctx, it.Record)
		return
	}
	r := p.join.Join(it.Record)
	r.Diagnosis = p.class.Classify(r)
	for _, tag := range p.window.Marks(r) {
		if !slices.Contains(r.Diagnosis.Tags, tag) {
			r.Diagnosis.Tags = append(r.Diagnosis.Tags, tag)
		}
	}
	_ = p.fanout.Record(ctx, r)
	if p.watch.record != nil {
		p.watch.record(r)
	}
	p.found(ctx, p.window.Observe(r))
}

// found hands on the verdicts that changed, and says so in the log: whoever
// runs the agent should not have to look for them.
func (p *pipeline) found(ctx context.Context, list []call.Finding) {
	for _, f := range list {
		_ = p.fanout.Finding(ctx, f)
		if p.watch.finding != nil {
			p.watch.finding(f)
		}
		level, why := slog.LevelWarn, slog.String("remedy", strings.Join(f.Remedy, " | "))
		if f.State == stateClosed {
			level, why = slog.LevelInfo, slog.String("because", f.ClosedBecause)
		}
		if p.watch.finding != nil { // it is told on the terminal
			level = slog.LevelDebug
		}
		p.log.Log(ctx, level, "verdict "+f.State+": "+f.Text, "verdict", f.Verdict, "id", f.ID, "target", targetOf(f.Target), why, "see", "llmtap verdicts")
	}
}

// replayed is how many records a start reads again, the newest first. It
// bounds what a restart costs; findings are kept beside them.
const replayed = 2000

// restore brings back what the window knew before a restart.
func (p *pipeline) restore(ctx context.Context, s *sinks, now time.Time) error {
	findings, err := s.store.Findings(ctx, true)
	if err != nil {
		return fmt.Errorf("restore verdicts: %w", err)
	}
	records, err := s.store.Calls(ctx, call.Query{Since: now.Add(-24 * time.Hour), Limit: replayed})
	if err != nil {
		return fmt.Errorf("restore verdicts: %w", err)
	}
	slices.Reverse(records)
	slices.Reverse(findings)
	for _, r := range records {
		s.prom.Seed(r)
	}
	changed := p.window.Restore(records, findings)
	for _, f := range p.window.Open() {
		s.otlp.Known(f)
		_ = s.prom.Known(f)
	}
	p.found(ctx, append(changed, p.window.Advance(now)...))
	return nil
}

// advise fits the advice of a verdict to the client and target it is about.
func advise(ids []string, c call.Client, t call.Target) []string {
	return diagnose.Advise(ids, diagnose.Case{Client: c, Target: t})
}

// clock tells the pipeline the time once a minute: a verdict expires even where
// nobody calls any more.
type clock struct{ stop, done chan struct{} }

func startClock(q *exporters.Queue) *clock {
	c := &clock{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				q.Tick(now)
			case <-c.stop:
				return
			}
		}
	}()
	return c
}

// close stops the clock; a clock that was never started is stopped.
func (c *clock) close() {
	if c != nil {
		close(c.stop)
		<-c.done
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
	a.clock.close()
	errs = append(errs, a.proxy.Close())
	a.listeners.logs.close()
	errs = append(errs, a.listeners.finder.Close(), a.queue.Close(ctx))
	errs = append(errs, a.sinks.hub.Close(ctx), a.admin.Close(), a.listeners.hub.close(), a.sinks.fanout.Close(ctx))
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
	a.listeners.logs.close()
	a.clock.close()
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
	errs = append(errs, a.listeners.hub.close())
	for _, l := range []net.Listener{a.listeners.proxy, a.listeners.admin, a.listeners.routes} {
		if l != nil {
			_ = l.Close() // served ones are closed already
		}
	}
	return errors.Join(errs...)
}
