package compare_test

import (
	"fmt"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// BenchmarkObserve measures one call in a full window: all well, with the
// failures of #1208, with 30 % of failures, and with a verdict open on one of
// twenty deployments.
func BenchmarkObserve(b *testing.B) {
	for _, bm := range []struct {
		name string
		fail func(i int) option
	}{
		{"healthy", func(int) option { return nil }},
		{"stream_only", func(i int) option {
			if i/20%2 == 1 {
				return fails
			}
			return nil
		}},
		{"flapping", func(i int) option {
			if i*7919%10 < 3 {
				return fails
			}
			return nil
		}},
		{"one_of_twenty", func(i int) option {
			if i%20 == 7 {
				return fails
			}
			return nil
		}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			const n = 8192
			records := make([]call.Record, n)
			s := story{now: zero}
			for i := range records {
				options := []option{deployment(fmt.Sprint("d", i%20)), credential("hub")}
				if i/20%2 == 1 {
					options = append(options, stream)
				}
				if f := bm.fail(i); f != nil {
					options = append(options, f)
				}
				records[i] = s.call(options...)
			}
			w := compare.NewWindow(compare.WindowConfig{})
			for _, r := range records {
				w.Observe(r)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r := records[i%n]
				shift := time.Duration(1+i/n) * 20 * time.Hour
				for _, at := range []*time.Time{&r.Identity.Start, &r.Timing.Headers, &r.Timing.LastByte, &r.Timing.End} {
					*at = at.Add(shift)
				}
				w.Observe(r)
			}
		})
	}
}
