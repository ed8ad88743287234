package web

import (
	"fmt"
	"testing"

	"llmtap/internal/call"
)

// One that comes back gets exactly what it missed, as far as it is remembered,
// in order, however often the ring went round.
func TestRingReplaysWhatWasMissed(t *testing.T) {
	for _, c := range []struct {
		name                       string
		published, seen, want, low int
	}{
		{"nothing yet", 0, 0, 0, 0},
		{"all of few", 3, 0, 3, 1},
		{"some of few", 3, 2, 1, 3},
		{"none", 3, 3, 0, 0},
		{"exactly full", backlog, 0, backlog, 1},
		{"one too many", backlog + 1, 0, backlog, 2},
		{"round and round", 5*backlog + 7, 5 * backlog, 7, 5*backlog + 1},
		{"long gone", 5*backlog + 7, 1, backlog, 4*backlog + 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := NewHub()
			for i := range c.published {
				_ = h.Record(t.Context(), call.Record{Identity: call.Identity{ID: fmt.Sprint(i + 1)}})
			}
			_, since, err := h.join(fmt.Sprintf("%s.%d", h.epoch, c.seen))
			if err != nil || len(since) != c.want {
				t.Fatalf("%d events, %v, want %d", len(since), err, c.want)
			}
			for i, m := range since {
				if n := c.low + i; m.seq != uint64(n) || m.record.Identity.ID != fmt.Sprint(n) {
					t.Fatalf("event %d is number %d of record %s, want %d", i, m.seq, m.record.Identity.ID, n)
				}
			}
		})
	}
}
