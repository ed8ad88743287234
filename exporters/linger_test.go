package exporters_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"llmtap/exporters"
)

// A queue that was idle waits a tenth of a second after the first item; what
// comes meanwhile is handled with it.
func TestQueueRestsBetweenBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex // guards times
		var times []time.Duration
		handled := func() []time.Duration {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(times)
		}
		q := exporters.NewQueue(exporters.Config{Handle: func(context.Context, exporters.Item) {
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Since(began))
		}})
		offer(q, item(0))
		if at := handled(); len(at) != 0 {
			t.Fatalf("first item handled at %v, want after a rest", at)
		}
		<-time.After(time.Millisecond)
		for n := range 100 {
			offer(q, item(n))
		}
		if at := handled(); len(at) != 0 {
			t.Fatalf("%d handled while the queue rests, want none", len(at))
		}
		<-time.After(time.Second)
		if at := handled(); len(at) != 101 || slices.Max(at) > 100*time.Millisecond || at[0] != at[100] {
			t.Errorf("%d handled, the last after %v, want all 101 together within 100ms", len(at), slices.Max(at))
		}
		if err := q.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// A batch that is full does not wait for the rest to end, nor does what comes
// after it end the next rest.
func TestQueueHandlesAFullBatchAtOnce(t *testing.T) {
	for size, full := range map[int]int{0: 256, 8: 4} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var last time.Duration
				var n int
				gate := make(chan struct{})
				q := exporters.NewQueue(exporters.Config{Size: size, Handle: func(context.Context, exporters.Item) {
					<-gate
					n, last = n+1, time.Since(began)
				}})
				offer(q, item(0)) // it is taken at once, then the rest begins
				for range 2 {     // the second batch comes while the first is handled
					synctest.Wait()
					for i := range full {
						offer(q, item(i))
					}
				}
				close(gate)
				synctest.Wait()
				if n != 2*full+1 || last != 0 {
					t.Errorf("%d handled, the last after %v, want %d at once", n, last, 2*full+1)
				}
				offer(q, item(0))
				synctest.Wait()
				if n != 2*full+1 {
					t.Error("a single item did not wait")
				}
				if err := q.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// Items are taken again after they were handled: none may show what another
// one held.
func TestQueueItemsDoNotMix(t *testing.T) {
	for range 50 {
		var seen []string
		var started int
		q := exporters.NewQueue(exporters.Config{Handle: func(_ context.Context, it exporters.Item) {
			seen = append(seen, it.Record.Identity.ID)
			if it.Started {
				started++
			}
		}})
		first := item(1)
		first.Started = true
		offer(q, first)
		offer(q, item(2))
		offer(q, exporters.Item{})
		if err := q.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(seen, []string{"1", "2", ""}) || started != 1 {
			t.Fatalf("handled %q with %d starts, want 1, 2 and an empty one, one start", seen, started)
		}
	}
}

// A start notice whose record is in the same batch is left out; one whose call
// goes on is not.
func TestQueueLeavesOutStartsThatAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		q := exporters.NewQueue(exporters.Config{Handle: func(_ context.Context, it exporters.Item) {
			what := "record "
			if it.Started {
				what = "start "
			}
			seen = append(seen, what+it.Record.Identity.ID)
		}})
		start := func(n int) exporters.Item {
			it := item(n)
			it.Started = true
			return it
		}
		for _, it := range []exporters.Item{start(1), start(2), item(1)} {
			offer(q, it)
		}
		<-time.After(time.Second)
		offer(q, item(2))
		if err := q.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := []string{"start 2", "record 1", "record 2"}; !slices.Equal(seen, want) {
			t.Errorf("handled %q, want %q", seen, want)
		}
	})
}
