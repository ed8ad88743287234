package prom_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

func epoch() time.Time              { return time.Unix(1_800_000_000, 0) }
func millis(n int) time.Duration    { return time.Duration(n) * time.Millisecond }
func seeded(n int) *rand.Rand       { return rand.New(rand.NewPCG(uint64(n), 1208)) }
func logicalID(i int) string        { return fmt.Sprint("call-", i) }
func secondsOf(n int) time.Duration { return time.Duration(n) * time.Second }

// Whatever the order of retries, starts, lost records and scrapes: a logical
// call counts once, by its last attempt.
func TestEveryLogicalCallCountsOnce(t *testing.T) {
	for seed := range 40 {
		rnd := seeded(seed)
		b := newBench(t, nil)
		const calls = 30
		ok, failed := 0.0, 0.0
		for i := range calls {
			attempts := 1 + rnd.IntN(4)
			works := rnd.IntN(2) == 0
			for k := 1; k <= attempts; k++ {
				r := failure(logicalID(i), k)
				if k == attempts && works {
					r = recovered(logicalID(i), k)
				}
				if rnd.IntN(2) == 0 {
					if err := b.Started(t.Context(), r); err != nil {
						t.Fatal(err)
					}
				}
				b.now = b.now.Add(secondsOf(rnd.IntN(9))) // within the window
				if rnd.IntN(3) == 0 {
					b.text(t) // a scrape in between
				}
				b.take(t, r)
			}
			if works {
				ok++
			} else {
				failed++
			}
		}
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if gotOK, gotFailed := b.value(t, "llmtap_calls_total", "outcome=ok"), b.value(t, "llmtap_calls_total", "outcome=error"); gotOK != ok || gotFailed != failed {
			t.Errorf("seed %d: %v ok and %v failed calls, want %v and %v", seed, gotOK, gotFailed, ok, failed)
		}
	}
}

// Scrapes, records, notices and findings at the same time.
func TestConcurrentUse(t *testing.T) {
	b := newBench(t, nil)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 100 {
				r := sinktest.Record(w*100 + i)
				r.Target.Model = fmt.Sprint("m", i%70)
				_ = b.Started(t.Context(), r)
				_ = b.Record(t.Context(), r)
				_ = b.Finding(t.Context(), sinktest.Finding(i, []string{"suspected", "confirmed", "closed"}[i%3]))
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			if _, err := b.reg.Gather(); err != nil {
				t.Errorf("scrape: %v", err)
			}
		}
	})
	wg.Wait()
	b.want(t, 400, "llmtap_calls_total", "outcome=ok")
	b.want(t, 400, "llmtap_attempts_total", "outcome=ok")
}

// Any record may come; the registry stays gatherable and the labels bounded.
func FuzzRecord(f *testing.F) {
	f.Add("m", "h", "c", "1.0", int16(200), uint8(1), uint8(2), int64(16))
	f.Add("\xff", "\n", "\"", "}", int16(-1), uint8(255), uint8(255), int64(-5))
	b := newBench(f, nil)
	f.Fuzz(func(t *testing.T, model, host, client, version string, status int16, class, kind uint8, n int64) {
		r := sinktest.Record(1)
		r.Target.Model, r.Target.Host, r.Client.Name, r.Client.Version = model, host, client, version
		r.Identity.Logical, r.Identity.Attempt = version, int(status)
		r.Response.Status, r.Response.Model = int(status), client
		r.Diagnosis.Class, r.Diagnosis.Severity = call.Class(class), call.Severity(kind)
		r.End.Kind, r.Request.Mode, r.Request.StreamFlag = call.EndKind(kind), call.Mode(class), call.StreamFlag(kind)
		r.Usage = call.Usage{Input: call.Some(n), Output: call.Amount{N: n}}
		r.Timing.End = r.Identity.Start.Add(time.Duration(n))
		r.Timing.FirstContent = r.Timing.End
		if err := b.Record(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if n%16 != 0 {
			return // a scrape costs more than a hundred records
		}
		for label, limit := range map[string]int{"gen_ai_request_model": 52, "server_address": 22, "client_name": 66} {
			if got := len(b.values(t, label)); got > limit+1 { // and the empty one
				t.Fatalf("%s has %d values", label, got)
			}
		}
	})
}
