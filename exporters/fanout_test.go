package exporters_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"llmtap/exporters"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

// memory is the smallest honest sink: it keeps everything.
type memory struct {
	mu       sync.Mutex
	records  []string
	findings []string
	started  []string
	closed   int
	err      error // what every verb returns
	explode  bool  // panic instead
	onClose  func()
}

func (m *memory) keep(list *[]string, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.explode {
		panic("boom")
	}
	*list = append(*list, id)
	return m.err
}

func (m *memory) Record(_ context.Context, r call.Record) error {
	return m.keep(&m.records, r.Identity.ID)
}
func (m *memory) Finding(_ context.Context, f call.Finding) error { return m.keep(&m.findings, f.ID) }
func (m *memory) Started(_ context.Context, r call.Record) error {
	return m.keep(&m.started, r.Identity.ID)
}

func (m *memory) Close(context.Context) error {
	m.closed++
	if m.onClose != nil {
		m.onClose()
	}
	return m.err
}

// plain has the two verbs and nothing else.
type plain struct{ m *memory }

func (p plain) Record(ctx context.Context, r call.Record) error   { return p.m.Record(ctx, r) }
func (p plain) Finding(ctx context.Context, f call.Finding) error { return p.m.Finding(ctx, f) }

func holds(t *testing.T, s exporters.Sink, records []call.Record, m *memory) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range records {
		if n := count(m.records, r.Identity.ID); n != 1 {
			t.Errorf("%T: record %s kept %d times, want once", s, r.Identity.ID, n)
		}
	}
}

func count(list []string, x string) (n int) {
	for _, y := range list {
		if x == y {
			n++
		}
	}
	return n
}

func TestFanoutPassesTheSinkSuite(t *testing.T) {
	var last *memory
	sinktest.TestSink(t, func(*testing.T) exporters.Sink {
		last = &memory{}
		return exporters.NewFanout(exporters.Named{Name: "good", Sink: last})
	}, func(t *testing.T, s exporters.Sink, records []call.Record) {
		t.Helper()
		holds(t, s, records, last)
	})
}

func TestFanoutTriesAllAndJoinsErrors(t *testing.T) {
	disk, net := errors.New("disk full"), errors.New("peer down")
	a, b, c := &memory{err: disk}, &memory{}, &memory{err: net}
	f := exporters.NewFanout(exporters.Named{Name: "a", Sink: a}, exporters.Named{Name: "b", Sink: b}, exporters.Named{Name: "c", Sink: c})
	for name, do := range map[string]func() error{
		"record":  func() error { return f.Record(t.Context(), sinktest.Record(1)) },
		"finding": func() error { return f.Finding(t.Context(), sinktest.Finding(1, "confirmed")) },
		"started": func() error { return f.Started(t.Context(), sinktest.Record(1)) },
		"close":   func() error { return f.Close(t.Context()) },
	} {
		err := do()
		if !errors.Is(err, disk) || !errors.Is(err, net) {
			t.Errorf("%s: error %v, want both causes", name, err)
		}
		if !strings.Contains(err.Error(), "exporters: a: disk full") {
			t.Errorf("%s: error %q does not name the sink", name, err)
		}
	}
	for name, m := range map[string]*memory{"a": a, "b": b, "c": c} {
		if len(m.records) != 1 || len(m.findings) != 1 || len(m.started) != 1 || m.closed != 1 {
			t.Errorf("%s got %d records, %d findings, %d notices, %d closes, want one each", name, len(m.records), len(m.findings), len(m.started), m.closed)
		}
	}
}

func TestPanickingSinkCostsOnlyItself(t *testing.T) {
	bad, good := &memory{explode: true}, &memory{}
	f := exporters.NewFanout(exporters.Named{Name: "bad", Sink: bad}, exporters.Named{Name: "good", Sink: good})
	for i := range 3 {
		if err := f.Record(t.Context(), sinktest.Record(i)); err == nil || !strings.Contains(err.Error(), "exporters: bad: panic: boom") {
			t.Errorf("record %d: error %v, want the panic named", i, err)
		}
	}
	if err := f.Started(t.Context(), sinktest.Record(9)); err == nil {
		t.Error("the panic of a start notice was swallowed")
	}
	if len(good.records) != 3 {
		t.Errorf("the sink after the panicking one got %d records, want 3", len(good.records))
	}
	want := []exporters.Trouble{{Name: "bad", Errors: 4, Panics: 4}, {Name: "good"}}
	if got := f.Trouble(); !slices.Equal(got, want) {
		t.Errorf("trouble %+v, want %+v", got, want)
	}
}

func TestFanoutAsksOnlyForWhatASinkCan(t *testing.T) {
	m := &memory{}
	f := exporters.NewFanout(exporters.Named{Name: "plain", Sink: plain{m}})
	if err := errors.Join(f.Started(t.Context(), sinktest.Record(1)), f.Close(t.Context())); err != nil {
		t.Errorf("a sink without optional verbs: %v", err)
	}
	if len(m.started) != 0 || m.closed != 0 {
		t.Error("a verb reached a sink that does not offer it")
	}
}

func TestFanoutClosesLastFirst(t *testing.T) {
	var order []string
	sink := func(name string) exporters.Named {
		return exporters.Named{Name: name, Sink: &memory{onClose: func() { order = append(order, name) }}}
	}
	if err := exporters.NewFanout(sink("store"), sink("prom"), sink("otlp")).Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"otlp", "prom", "store"}; !slices.Equal(order, want) {
		t.Errorf("closed %v, want %v", order, want)
	}
}

func TestEmptyFanoutIsANoOp(t *testing.T) {
	f := exporters.NewFanout()
	if err := errors.Join(f.Record(t.Context(), call.Record{}), f.Finding(t.Context(), call.Finding{}), f.Close(t.Context())); err != nil {
		t.Error(err)
	}
}

func ExampleFanout() {
	records := &memory{}
	f := exporters.NewFanout(exporters.Named{Name: "memory", Sink: records})
	_ = f.Record(context.Background(), sinktest.Record(7))
	fmt.Println(records.records)
	// Output: [rec-000007]
}
