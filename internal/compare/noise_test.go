package compare_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// days runs a function for every seed below n, in parallel; -short draws 50.
func days(t *testing.T, n uint64, f func(t *testing.T, seed uint64)) {
	t.Helper()
	const lanes = 4
	if testing.Short() {
		n = 50
	}
	t.Run("days", func(t *testing.T) {
		for lane := range uint64(lanes) {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for seed := lane; seed < n; seed += lanes {
					f(t, seed)
				}
			})
		}
	})
}

// TestNoiseHasNoVerdict: whatever goes wrong on an ordinary day, nothing is
// confirmed that is not so.
func TestNoiseHasNoVerdict(t *testing.T) {
	var calls, suspected, refuted atomic.Int64
	days(t, noisyDays, func(t *testing.T, seed uint64) {
		w := compare.NewWindow(compare.WindowConfig{})
		day := newWorld(seed)
		hasher := call.NewHasher([]byte("noise"))
		for _, e := range day.run() {
			calls.Add(1)
			for _, f := range w.Observe(e.record(hasher)) {
				switch f.State {
				case "confirmed":
					t.Errorf("seed %d: %s: %s", seed, f.Verdict, f.Text)
				case "suspected":
					suspected.Add(1)
				default:
					refuted.Add(1)
				}
			}
		}
		if left := w.Advance(zero.Add(72 * time.Hour)); len(w.Open()) != 0 {
			t.Errorf("seed %d: %d findings open for ever, %d closed", seed, len(w.Open()), len(left))
		}
	})
	t.Logf("%d attempts, %d suspicions, %d of them closed", calls.Load(), suspected.Load(), refuted.Load())
}

// TestPlantedRefusal: among the noise, a deployment that begins to refuse
// streams is found out within three further logical calls to it.
func TestPlantedRefusal(t *testing.T) {
	for _, tc := range []struct {
		name  string
		where int // index of places
		fail  func(*call.Record)
	}{
		{"in words, where streams worked all day", 0, refused},
		{"in words, at a quiet deployment", 2, refused},
		{"a gateway's 500, at a new deployment", len(places()), fails},
	} {
		t.Run(tc.name, func(t *testing.T) {
			days(t, noisyDays/5, func(t *testing.T, seed uint64) { plantRefusal(t, seed, tc.where, tc.fail) })
		})
	}
}

func plantRefusal(t *testing.T, seed uint64, where int, fail func(*call.Record)) {
	t.Helper()
	const begins = 12 * time.Hour
	day := newWorld(seed)
	p := place{host: "front.example", deployment: "new", streams: 0.5}
	if where < len(places()) {
		p = places()[where]
	}
	day.trouble = slices.DeleteFunc(day.trouble, func(x trouble) bool { return x.host == p.host && x.to > begins && x.from < begins+time.Hour })
	day.plant = func(e *event) func(*call.Record) {
		if e.stream && e.place.deployment == p.deployment && e.start >= begins {
			return fail
		}
		return nil
	}
	w := compare.NewWindow(compare.WindowConfig{})
	hasher := call.NewHasher([]byte("noise"))
	// A user asks plainly, streams, and tries the other way and again.
	user := &person{name: "ada", program: 0, credential: "hub"}
	day.run()
	first := day.n
	for i, streams := range []bool{false, true, false, true, false} {
		day.script(user, begins+time.Duration(i)*30*time.Second, p, streams)
	}
	slices.SortStableFunc(day.events, func(a, b event) int { return cmp.Compare(a.end, b.end) })
	since, confirmed := map[int]bool{}, false
	for _, e := range day.events {
		found := w.Observe(e.record(hasher))
		at := e.place.deployment == p.deployment && e.place.host == p.host
		if at && e.end >= begins && (len(since) > 0 || e.stream && e.start >= begins && e.logical > first) {
			since[e.logical] = true
		}
		for _, f := range found {
			if f.State != "confirmed" {
				continue
			}
			if f.Target.Deployment != p.deployment {
				t.Errorf("seed %d: %s: %s", seed, f.Verdict, f.Text)
			}
			confirmed = confirmed || f.Verdict == streamOnly
		}
		if len(since) > 4 && !confirmed {
			t.Errorf("seed %d: not confirmed after %d calls", seed, len(since))
			return
		}
	}
}

// script adds one call of a user that nothing but the plant disturbs.
func (w *world) script(who *person, start time.Duration, p place, stream bool) {
	w.n++
	e := event{place: p, who: who, program: programs()[who.program], version: "2.31.7", stream: stream, logical: w.n, start: start}
	for e.attempt = 1; e.attempt <= 3; e.attempt++ {
		e.fail = w.plant(&e)
		e.end = e.start + 300*time.Millisecond
		w.events = append(w.events, e)
		if e.fail == nil {
			return
		}
		e.start = e.end + time.Second
	}
}

// TestPlantedRegression: among the noise, a product whose new version sends
// what the service refuses is named with its last good and first bad version.
func TestPlantedRegression(t *testing.T) {
	days(t, noisyDays/5, func(t *testing.T, seed uint64) {
		day := newWorld(seed)
		day.plant = func(e *event) func(*call.Record) {
			if e.program.name != "langchain" || e.version != "1.0.0" {
				return nil
			}
			return func(r *call.Record) {
				failsWith(call.ClassStreamOptionRejected, 400, "client_sent")(r)
				r.Response.Error.Message = "Unknown parameter: 'stream_options'"
			}
		}
		w := compare.NewWindow(compare.WindowConfig{})
		hasher := call.NewHasher([]byte("noise"))
		named := false
		for _, e := range day.run() {
			for _, f := range w.Observe(e.record(hasher)) {
				if f.State != "confirmed" {
					continue
				}
				if f.Client.Name != "langchain" || f.Client.Version != "1.0.0" {
					t.Errorf("seed %d: %s: %s", seed, f.Verdict, f.Text)
				}
				if f.Verdict == "version_regression" {
					named = true
					if d := f.Difference[0]; d.Path != "client.version" || d.Working != "0.3.35" || d.Failing != "1.0.0" {
						t.Errorf("seed %d: %v", seed, d)
					}
				}
			}
		}
		if !named {
			t.Errorf("seed %d: not found", seed)
		}
	})
}
