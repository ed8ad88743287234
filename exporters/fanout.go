package exporters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"llmtap/internal/call"
)

// Named is a Sink with the name that errors and counters carry.
type Named struct {
	Name string
	Sink
}

// Fanout gives every record and finding to each of its sinks, in order. All
// are tried; their errors are joined. A sink that panics costs only itself:
// the panic becomes an error and a count. A Fanout is a Sink, a Starter and a
// Closer; it is safe for concurrent use if its sinks are.
type Fanout struct {
	outlets []*outlet
}

// outlet is one sink with its optional abilities resolved.
type outlet struct {
	name    string
	sink    Sink
	starter Starter
	closer  Closer
	panics  atomic.Uint64
	errors  atomic.Uint64
}

// NewFanout returns a Fanout over sinks. What a sink can do beyond its two
// verbs is asserted here, once.
func NewFanout(sinks ...Named) *Fanout {
	f := &Fanout{outlets: make([]*outlet, len(sinks))}
	for i, s := range sinks {
		o := &outlet{name: s.Name, sink: s.Sink}
		o.starter, _ = s.Sink.(Starter)
		o.closer, _ = s.Sink.(Closer)
		f.outlets[i] = o
	}
	return f
}

// Record implements Sink.
func (f *Fanout) Record(ctx context.Context, r call.Record) error {
	return f.each(func(o *outlet) error { return o.sink.Record(ctx, r) })
}

// Finding implements Sink.
func (f *Fanout) Finding(ctx context.Context, v call.Finding) error {
	return f.each(func(o *outlet) error { return o.sink.Finding(ctx, v) })
}

// Started implements Starter; sinks that are none are passed over.
func (f *Fanout) Started(ctx context.Context, r call.Record) error {
	return f.each(func(o *outlet) error {
		if o.starter == nil {
			return nil
		}
		return o.starter.Started(ctx, r)
	})
}

// Close closes the sinks that are Closers, last one first, so that a sink may
// rely on those before it.
func (f *Fanout) Close(ctx context.Context) error {
	var errs []error
	for _, o := range slices.Backward(f.outlets) {
		if o.closer != nil {
			errs = append(errs, o.try(func(o *outlet) error { return o.closer.Close(ctx) }))
		}
	}
	return errors.Join(errs...)
}

// Trouble is how often one sink failed since the start.
type Trouble struct {
	Name   string
	Errors uint64 // returned errors, panics included
	Panics uint64
}

// Trouble returns one entry per sink, in order.
func (f *Fanout) Trouble() []Trouble {
	out := make([]Trouble, len(f.outlets))
	for i, o := range f.outlets {
		out[i] = Trouble{Name: o.name, Errors: o.errors.Load(), Panics: o.panics.Load()}
	}
	return out
}

func (f *Fanout) each(do func(*outlet) error) error {
	var errs []error
	for _, o := range f.outlets {
		if err := o.try(do); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// try runs one verb on one sink and turns a panic into an error.
func (o *outlet) try(do func(*outlet) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			o.panics.Add(1)
			err = fmt.Errorf("exporters: %s: panic: %v", o.name, p)
		}
		if err != nil {
			o.errors.Add(1)
		}
	}()
	if err := do(o); err != nil {
		return fmt.Errorf("exporters: %s: %w", o.name, err)
	}
	return nil
}
