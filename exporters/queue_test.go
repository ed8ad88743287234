package exporters_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"llmtap/exporters"
	"llmtap/internal/call"
)

func item(n int) exporters.Item {
	return exporters.Item{Record: call.Record{Identity: call.Identity{ID: fmt.Sprint(n)}}}
}

// losses counts drops by reason.
type losses struct {
	mu sync.Mutex
	n  map[string]int
}

func (l *losses) add(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n == nil {
		l.n = map[string]int{}
	}
	l.n[reason]++
}

func (l *losses) of(reason string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n[reason]
}

func TestQueueKeepsOrderAndDrainsOnClose(t *testing.T) {
	var got []string
	q := exporters.NewQueue(exporters.Config{Handle: func(_ context.Context, it exporters.Item) {
		got = append(got, it.Record.Identity.ID)
	}})
	for i := range 1000 {
		if !offer(q, item(i)) {
			t.Fatalf("item %d refused by an empty queue", i)
		}
	}
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1000 || got[0] != "0" || got[999] != "999" || got[500] != "500" {
		t.Errorf("%d items, first %v: lost or out of order", len(got), got[:min(len(got), 3)])
	}
}

func TestFullQueueDropsAndCountsWithoutBlocking(t *testing.T) {
	var lost losses
	entered, release := make(chan struct{}, 1), make(chan struct{})
	q := exporters.NewQueue(exporters.Config{Size: 4, Dropped: lost.add, Handle: func(context.Context, exporters.Item) {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-release
	}})
	offer(q, item(0))
	<-entered // the goroutine is stuck in a slow sink
	for i := range 10 {
		if got, want := offer(q, item(i)), i < 4; got != want {
			t.Errorf("item %d accepted: %v, want %v", i, got, want)
		}
	}
	if offer(q, exporters.Item{Started: true}) {
		t.Error("a start notice was accepted by a full queue")
	}
	if q.Len() != 4 || lost.of(exporters.DropQueueFull) != 6 {
		t.Errorf("%d wait, %d lost, want 4 and 6 (notices are not records)", q.Len(), lost.of(exporters.DropQueueFull))
	}
	close(release)
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestOfferAfterCloseIsCountedAsShutdown(t *testing.T) {
	var lost losses
	q := exporters.NewQueue(exporters.Config{Dropped: lost.add, Handle: func(context.Context, exporters.Item) {}})
	for range 2 {
		if err := q.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if offer(q, item(1)) || lost.of(exporters.DropShutdown) != 1 {
		t.Errorf("accepted after Close, or %d counted, want 1", lost.of(exporters.DropShutdown))
	}
}

// TestEveryItemIsHandledOrCounted closes a queue under fire: what Offer
// accepted is handled, what it refused is counted, nothing is in between.
func TestEveryItemIsHandledOrCounted(t *testing.T) {
	var lost losses
	var handled, accepted, refused atomic.Int64
	q := exporters.NewQueue(exporters.Config{Size: 64, Dropped: lost.add, Handle: func(context.Context, exporters.Item) { handled.Add(1) }})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				if offer(q, item(i)) {
					accepted.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	counted := int64(lost.of(exporters.DropQueueFull) + lost.of(exporters.DropShutdown))
	if handled.Load() != accepted.Load() || counted != refused.Load() || handled.Load()+counted != 8000 {
		t.Errorf("handled %d of %d accepted, counted %d of %d refused, want a sum of 8000", handled.Load(), accepted.Load(), counted, refused.Load())
	}
}

func TestCloseGivesUpAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lost losses
		var cut atomic.Bool
		q := exporters.NewQueue(exporters.Config{Dropped: lost.add, Handle: func(ctx context.Context, _ exporters.Item) {
			<-ctx.Done() // a sink that hangs until it is told to stop
			cut.Store(true)
		}})
		for i := range 5 {
			offer(q, item(i))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := q.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %v, want 5s", took)
		}
		synctest.Wait()
		if !cut.Load() || lost.of(exporters.DropShutdown) != 4 {
			t.Errorf("handler told: %v, %d counted as shutdown, want 4", cut.Load(), lost.of(exporters.DropShutdown))
		}
		if err := q.Close(t.Context()); err != nil {
			t.Errorf("second Close after the goroutine ended: %v", err)
		}
	})
}

func TestPanicWhileHandlingCostsThatItemOnly(t *testing.T) {
	var lost losses
	var handled int
	q := exporters.NewQueue(exporters.Config{Dropped: lost.add, Handle: func(_ context.Context, it exporters.Item) {
		if it.Record.Identity.ID == "1" {
			panic("boom")
		}
		handled++
	}})
	for i := range 3 {
		offer(q, item(i))
	}
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if handled != 2 || lost.of(exporters.DropPanic) != 1 {
		t.Errorf("handled %d, lost %d to panics, want 2 and 1", handled, lost.of(exporters.DropPanic))
	}
}

func BenchmarkOffer(b *testing.B) {
	q := exporters.NewQueue(exporters.Config{Handle: func(context.Context, exporters.Item) {}})
	it := item(1)
	b.ReportAllocs()
	for b.Loop() {
		offer(q, it)
	}
	_ = q.Close(b.Context())
}

// TestTimeTravelsWithTheRecords: a tick comes in its place, and losing it is
// no loss.
func TestTimeTravelsWithTheRecords(t *testing.T) {
	var got []string
	var lost losses
	q := exporters.NewQueue(exporters.Config{Dropped: lost.add, Handle: func(_ context.Context, it exporters.Item) {
		if !it.Now.IsZero() {
			got = append(got, "tick")
			return
		}
		got = append(got, it.Record.Identity.ID)
	}})
	offer(q, item(1))
	offer(q, exporters.Item{Now: time.Unix(1, 0)})
	offer(q, item(2))
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"1", "tick", "2"}; !slices.Equal(got, want) {
		t.Errorf("handled %v, want %v", got, want)
	}
	offer(q, exporters.Item{Now: time.Unix(2, 0)})
	if n := lost.of(exporters.DropShutdown); n != 0 {
		t.Errorf("%d ticks were counted as lost records", n)
	}
}

// offer hands an item over as its kind wants it.
func offer(q *exporters.Queue, it exporters.Item) bool {
	switch {
	case !it.Now.IsZero():
		return q.Tick(it.Now)
	case it.Started:
		return q.Started(&it.Record)
	}
	return q.Sealed(&it.Record)
}
