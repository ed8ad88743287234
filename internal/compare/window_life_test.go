package compare_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// issue1208 are the calls of jupyter-ai#1208: plain works, the chat fails
// three times, plain works.
func issue1208() []call.Record {
	s := story{now: zero}
	records := []call.Record{s.call(direct)}
	records = append(records, s.attempts(3, stream, fails, client("jupyter-ai", "2.29.0"))...)
	return append(records, s.call(direct))
}

func TestIssue1208Finding(t *testing.T) {
	w := watch().observe(issue1208()...)
	if len(w.all) != 1 {
		t.Fatalf("%d findings", len(w.all))
	}
	f := w.all[0]
	want := `Only streamed requests fail here (1 of 1: 500 gateway_error_opaque (apim), "Internal server error"; 3 attempts); plain ones work.`
	if f.Text != want {
		t.Errorf("text %q\nwant %q", f.Text, want)
	}
	if want := []string{"u.off", "u.plain", "a.off", "a.ask", "o.apim"}; !slices.Equal(f.Remedy, want) {
		t.Errorf("remedies %v, want %v", f.Remedy, want)
	}
	if want := []call.Change{{Path: "body.stream", Failing: "true", Working: "absent"}}; !slices.Equal(f.Difference, want) {
		t.Errorf("difference %v, want %v", f.Difference, want)
	}
	if !slices.Equal(f.Evidence.Failing, []string{"c004"}) || !slices.Equal(f.Evidence.Working, []string{"c005", "c001"}) {
		t.Errorf("evidence %v, want the last attempt against both successes, newest first", f.Evidence)
	}
	if f.Schema != 1 || f.ID == "" || f.Client.Name != "jupyter-ai" || f.Client.Version != "2.29.0" || f.Target.Deployment != "gpt4" {
		t.Errorf("%+v", f)
	}
	if !f.Since.Equal(issue1208()[1].Identity.Start) || f.Updated.Before(f.Since) {
		t.Errorf("since %v, updated %v", f.Since, f.Updated)
	}
}

func TestSuspicionSaysWhatIsMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		calls []one
		want  string
	}{
		"no plain call":  {[]one{{stream, fails}, {stream, fails}}, "no plain call has been seen to work"},
		"order":          {[]one{{}, {stream, fails}, {stream, fails}}, "no plain call worked between two failures, or before and after them"},
		"one attempt":    {[]one{{}, {stream, fails}, {}}, "one failed attempt between two plain successes can be an accident"},
		"a confounder":   {[]one{{}, {stream, fails, keys("tools")}, {stream, fails, keys("tools")}, {}}, "every failing call carries tools, which no working one has"},
		"it used to go":  {[]one{{stream}, {stream}, {}, {stream, fails}, {}, {stream, fails}}, "a passing disturbance is not ruled out yet"},
		"until when":     {[]one{{stream}, {stream}, {}, {stream, fails}, {}, {stream, fails}}, "streamed ones worked until 2026-01-02 03:04 UTC"},
		"stream_options": {[]one{{}, {stream, fails, keys("stream_options")}, {stream, fails, keys("stream_options")}}, "first try without `stream_options`"},
	} {
		w := told(tc.calls...)
		if len(w.Open()) != 1 || w.Open()[0].State != "suspected" || !strings.Contains(w.Open()[0].Text, tc.want) {
			t.Errorf("%s: %v, want a suspicion with %q", name, w.Open(), tc.want)
		}
	}
}

// TestSeasonedTarget: where streams worked all day a split must be longer than
// an outage or a flapping gateway makes it; a refusal in words needs no more.
func TestSeasonedTarget(t *testing.T) {
	for _, tc := range []struct {
		name   string
		calls  string
		want   string
		mostly string // words before
	}{
		{name: "an outage in which only streams happened", calls: "P Sfail*3 Sfail*3 Sfail*3 Sfail*3 P", want: "suspected"},
		{name: "two failures around a success", calls: "Sfail P Sfail", want: "suspected"},
		{name: "a lone failure", calls: "P Sfail*3 P", want: ""},
		{name: "many failures around many successes", calls: "Sfail*3 P Sfail*3 P Sfail*3 P Sfail*3 P Sfail*3", want: "suspected, confirmed"},
		{name: "a refusal in words", calls: "P Srefused P", want: "confirmed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := story{now: zero}
			w := watch()
			for word := range strings.FieldsSeq("S P S P S " + tc.calls) {
				name, times, _ := strings.Cut(word, "*")
				w.observe(s.attempts(1+2*len(times), words()[name]...)...)
			}
			if got := w.states(streamOnly); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// TestNeighbours: a deployment that is known to stream fails alike, so it is
// the host that is disturbed.
func TestNeighbours(t *testing.T) {
	calls := func(neighbour ...one) []one {
		return append(append([]one{{stream, deployment("b")}}, neighbour...), one{}, one{stream, fails}, one{}, one{stream, fails})
	}
	if got := told(calls()...).states(streamOnly); !strings.Contains(got, "confirmed") {
		t.Errorf("alone: %q", got)
	}
	if got := told(calls(one{stream, fails, deployment("b")})...).states(streamOnly); strings.Contains(got, "confirmed") {
		t.Errorf("the neighbour fails alike: %q", got)
	}
	if got := told(calls(one{fails, deployment("b")})...).states(streamOnly); strings.Contains(got, "confirmed") {
		t.Errorf("the neighbour's plain calls fail alike: %q", got)
	}
}

func TestSupportHasAgeAndEvidence(t *testing.T) {
	s := story{now: zero}
	w := watch()
	var got []string
	for _, options := range [][]option{{}, {stream}, {stream, fails}, {stream}, {stream, refused}, {stream, stopped}} {
		r := s.call(options...)
		w.observe(r)
		v, since, id := w.Support(r.Target)
		got = append(got, fmt.Sprintf("%d %s %v", v, id, since.Equal(r.Timing.End)))
	}
	if want := []string{"0  false", "1 c002 true", "0 c003 true", "1 c004 true", "3 c005 true", "1 c006 true"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if v, since, id := w.Support(call.Target{Host: "never.seen"}); v != 0 || !since.IsZero() || id != "" {
		t.Errorf("unseen: %v %v %v", v, since, id)
	}
}

func TestOpenFor(t *testing.T) {
	w := watch().observe(issue1208()...)
	target := issue1208()[0].Target
	if got := w.OpenFor(target, call.Client{Name: "curl"}); !slices.Equal(got, []string{streamOnly}) {
		t.Errorf("%v", got)
	}
	target.APIVersion = "2023-05-15"
	if got := w.OpenFor(target, call.Client{}); got != nil {
		t.Errorf("another api-version: %v", got)
	}
	f := told(one{fails}, one{direct}, one{fails})
	if got := f.OpenFor(issue1208()[0].Target, call.Client{Name: "curl"}); got != nil {
		t.Errorf("the client that works: %v", got)
	}
	if got := f.OpenFor(issue1208()[0].Target, call.Client{Name: "langchain"}); !slices.Equal(got, []string{"framework_only_failure"}) {
		t.Errorf("the client that fails: %v", got)
	}
}

// TestClockSetBack: a clock that is set back neither hides later calls nor
// makes old ones new.
func TestClockSetBack(t *testing.T) {
	s := story{now: zero}
	w := watch().observe(s.call(), s.call(stream, fails), s.call(stream, fails), s.call())
	s.now = s.now.Add(-3 * time.Hour)
	w.observe(s.call(stream))
	if got := w.states(streamOnly); got != "suspected, confirmed, closed works_again" {
		t.Errorf("after the step: %q", got)
	}
	w.observe(s.call(stream, refused), s.call())
	if got := w.states(streamOnly); !strings.HasSuffix(got, ", confirmed") {
		t.Errorf("evidence after the step: %q", got)
	}
}

// TestLongCallsAreNoClockStep: neither a connection that stays open long after
// the answer nor a long call that a store lists by its start moves the calls
// after it away from those before.
func TestLongCallsAreNoClockStep(t *testing.T) {
	around := func(between func(s *story) call.Record) []call.Record {
		s := story{now: zero}
		records := []call.Record{s.call()}
		before := s.now
		records = append(records, between(&s))
		s.now = before.Add(5 * time.Second)
		return append(append(records, s.attempts(3, stream, fails)...), s.call())
	}
	listed := around(func(s *story) call.Record {
		return s.call(stream, deployment("other"), func(r *call.Record) { r.Timing.End = r.Identity.Start.Add(30 * time.Minute) })
	})
	w := watch()
	w.Restore(listed, nil)
	if open := w.Open(); len(open) != 1 || open[0].State != "confirmed" {
		t.Errorf("listed by start: %v", open)
	}
	w = watch().observe(around(func(s *story) call.Record {
		hung := s.call(stream, deployment("other"))
		hung.Identity.Start, hung.Timing.LastByte = zero.Add(-time.Hour), zero.Add(-time.Hour+time.Second)
		return hung
	})...)
	if got := w.states(streamOnly); got != "confirmed" {
		t.Errorf("after a connection that hung: %q", got)
	}
}

func TestClockSetForward(t *testing.T) {
	s := story{now: zero}
	w := watch().observe(s.call(stream, fails), s.call(), s.call(stream, fails))
	s.now = s.now.Add(48 * time.Hour)
	w.observe(s.call())
	if got := w.states(streamOnly); got != "confirmed, closed expired" {
		t.Errorf("%q", got)
	}
}

// TestOldRecords: what an older program did not write stays unknown.
func TestOldRecords(t *testing.T) {
	for name, change := range map[string]option{
		"no start":     func(r *call.Record) { r.Identity.Start = time.Time{} },
		"far future":   func(r *call.Record) { r.Identity.Start = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"no host":      func(r *call.Record) { r.Target.Host = "" },
		"no method":    func(r *call.Record) { r.Request.Method = "" },
		"no diagnosis": func(r *call.Record) { r.Diagnosis = call.Diagnosis{} },
		"class of 2030": func(r *call.Record) {
			r.Diagnosis.Class = call.Class(240)
			r.Diagnosis.Severity = call.SeverityNone
			r.Response.Status = 0
			r.End = call.End{}
		},
		"no mode": func(r *call.Record) { r.Request.Mode = call.ModeUnknown },
		"no operation, no body": func(r *call.Record) {
			r.Target.Operation, r.Target.API, r.Request.Keys = "", "", nil
		},
	} {
		w := told(one{change}, one{stream, fails, change}, one{stream, fails, change}, one{change}, one{stream, fails, change})
		if got := w.states(streamOnly); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	bare := func(r *call.Record) {
		r.Client, r.Agent, r.Request.Keys, r.Request.URL, r.Timing.LastByte, r.Identity.Logical = call.Client{}, call.Agent{}, nil, "", time.Time{}, ""
		r.Target.Operation, r.Target.Auth = "", call.Auth{}
	}
	if got := told(one{bare}, one{stream, fails, bare}, one{stream, fails, bare}, one{bare}).states(streamOnly); got != "suspected, confirmed" {
		t.Errorf("what is known is enough: %q", got)
	}
	w := compare.NewWindow(compare.WindowConfig{})
	if got := w.Observe(call.Record{}); got != nil || len(w.Marks(call.Record{})) != 0 {
		t.Errorf("the empty record: %v", got)
	}
}

func TestBounds(t *testing.T) {
	w := compare.NewWindow(compare.WindowConfig{Calls: 16, Targets: 4, Clients: 3})
	s := story{now: zero}
	for i := range 400 {
		w.Observe(s.call(deployment(fmt.Sprint(i%20)), client("c", fmt.Sprint(i%7)), func(r *call.Record) {
			r.Request.Path = fmt.Sprint("/v", i)
			if i%3 == 0 {
				stream(r)
				fails(r)
				r.Response.Error.Message = strings.Repeat("word ", i%50)
			}
		}))
	}
	for range 40 {
		w.Observe(s.call(deployment("19"), client("c", "6")))
	}
	st := w.Stats()
	if st.Targets != 4 || st.Clients != 3 || st.Calls > 64 || st.EvictedTargets != 396 || st.EvictedClients == 0 || st.EvictedCalls != 40+1-16 {
		t.Errorf("%+v", st)
	}
	if st.Bytes <= 0 || st.Bytes > 1<<20 {
		t.Errorf("%d bytes", st.Bytes)
	}
}

// TestEvictedTargetCloses what was open there.
func TestEvictedTargetCloses(t *testing.T) {
	w := &watched{Window: compare.NewWindow(compare.WindowConfig{Targets: 1})}
	s := story{now: zero}
	w.observe(s.call(stream, fails), s.call(), s.call(stream, fails), s.call(deployment("other")))
	if got := w.states(streamOnly); got != "confirmed, closed expired" || w.Stats().Open != 0 {
		t.Errorf("%q, %d open", got, w.Stats().Open)
	}
}

// TestMemoryAtTheBound: the figure in the package's report.
func TestMemoryAtTheBound(t *testing.T) {
	w := compare.NewWindow(compare.WindowConfig{})
	s := story{now: zero}
	for range 1000 {
		w.Observe(s.call(stream))
	}
	per := w.Stats().Bytes
	t.Logf("%d bytes for one full target", per)
	if per > 80<<10 {
		t.Errorf("%d bytes for one target", per)
	}
}

func TestRestore(t *testing.T) {
	live := watch().observe(issue1208()...)
	known := live.all[len(live.all)-1]
	known.ID, known.Since = "kept", known.Since.Add(-time.Hour)

	w := watch()
	if got := w.Restore(issue1208(), []call.Finding{known}); len(got) != 0 {
		t.Errorf("announced again: %v", got)
	}
	if open := w.Open(); len(open) != 1 || open[0].ID != "kept" || !open[0].Since.Equal(known.Since) || open[0].State != "confirmed" {
		t.Errorf("open after the restart: %v", open)
	}
	s := story{now: zero.Add(time.Hour)}
	w.observe(s.call(stream))
	if got := w.states(streamOnly); got != "closed works_again" || w.all[0].ID != "kept" {
		t.Errorf("%q", got)
	}

	if got := watch().Restore(issue1208(), nil); len(got) != 1 || got[0].State != "confirmed" || got[0].ID != live.all[0].ID {
		t.Errorf("a verdict nobody had heard of: %v", got)
	}

	suspected := known
	suspected.State = "suspected"
	if got := watch().Restore(issue1208(), []call.Finding{suspected}); len(got) != 1 || got[0].State != "confirmed" || got[0].ID != "kept" {
		t.Errorf("confirmed while away: %v", got)
	}

	closed := known
	closed.State = "closed"
	if got := watch().Restore(nil, []call.Finding{closed}); len(got) != 0 {
		t.Errorf("closed stays closed: %v", got)
	}
}

// TestRestoreWithoutRecords: a verdict outlives its records, until a success
// or its age ends it.
func TestRestoreWithoutRecords(t *testing.T) {
	known := watch().observe(issue1208()...).all[0]
	later := story{now: zero.Add(time.Hour)}
	w := watch()
	if got := w.Restore([]call.Record{later.call()}, []call.Finding{known}); len(got) != 0 {
		t.Errorf("said %v", got)
	}
	if v, _, _ := w.Support(known.Target); v != 2 {
		t.Errorf("support %d, want 2", v)
	}
	w.observe(later.call(stream, fails), later.call(), later.call(stream, fails))
	if open := w.Open(); len(open) != 1 || open[0].ID != known.ID || len(w.all) != 0 {
		t.Errorf("new evidence opened another finding: %v, %v", open, w.all)
	}
	w.observe(later.call(stream))
	if got := w.states(streamOnly); got != "closed works_again" || w.all[0].ID != known.ID {
		t.Errorf("%q", got)
	}

	w = watch()
	w.Restore(nil, []call.Finding{known})
	w.all = w.Advance(zero.Add(25 * time.Hour))
	if got := w.states(streamOnly); got != "closed expired" {
		t.Errorf("old age: %q", got)
	}

	w = watch()
	s := story{now: known.Updated}
	if got := w.Restore([]call.Record{s.call(stream)}, []call.Finding{known}); len(got) != 1 || got[0].ClosedBecause != "works_again" || got[0].ID != known.ID {
		t.Errorf("it worked while nobody watched: %v", got)
	}
	if got := watch().Restore(nil, []call.Finding{{Verdict: "from_the_future", State: "confirmed", Since: zero}, {}}); got != nil {
		t.Errorf("findings of another program: %v", got)
	}
}

// TestReplay: a restart at any point of a noisy day, with a plant that opens
// verdicts, gives the same open findings as no restart.
func TestReplay(t *testing.T) {
	day := newWorld(7)
	day.plant = func(e *event) func(*call.Record) {
		if e.stream && e.place.deployment == "o1" {
			return refused
		}
		return nil
	}
	var records []call.Record
	for _, e := range day.run() {
		records = append(records, e.record(call.NewHasher(nil)))
	}
	w := compare.NewWindow(compare.WindowConfig{})
	latest := map[string]call.Finding{}
	for i, r := range records {
		for _, f := range w.Observe(r) {
			latest[f.ID] = f
		}
		if i%97 != 0 {
			continue
		}
		var known []call.Finding
		for _, f := range latest {
			known = append(known, f)
		}
		again := compare.NewWindow(compare.WindowConfig{})
		if got := again.Restore(records[:i+1], known); len(got) != 0 {
			t.Fatalf("record %d: announced %v", i, got)
		}
		if got, want := again.Open(), w.Open(); !reflect.DeepEqual(got, want) {
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(want)
			t.Fatalf("record %d:\n%s\nwant\n%s", i, a, b)
		}
	}
	if len(latest) == 0 {
		t.Fatal("the day had no findings at all")
	}
}

// TestAnyHistory: whatever comes, in whatever order, findings open before they
// change, close once, keep id and since, and evidence stays bounded.
func TestAnyHistory(t *testing.T) {
	names := slices.Sorted(func(yield func(string) bool) {
		for n := range words() {
			if !yield(n) {
				return
			}
		}
	})
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := compare.NewWindow(compare.WindowConfig{Calls: 8 + rng.IntN(40), Targets: 1 + rng.IntN(4)})
		s := story{now: zero}
		open := map[string]call.Finding{}
		for range 200 {
			r := s.call(words()[names[rng.IntN(len(names))]]...)
			deployment(fmt.Sprint(rng.IntN(3)))(&r)
			client([]string{"a", "b", ""}[rng.IntN(3)], fmt.Sprint(rng.IntN(3)))(&r)
			if rng.IntN(20) == 0 {
				s.now = s.now.Add(time.Duration(rng.IntN(36)-12) * time.Hour)
			}
			for _, f := range w.Observe(r) {
				before, was := open[f.ID]
				switch {
				case f.State == "closed" && (!was || f.ClosedBecause == ""):
					t.Fatalf("seed %d: closed without having been open: %+v", seed, f)
				case was && (!f.Since.Equal(before.Since) || before.State == "confirmed" && f.State == "suspected"):
					t.Fatalf("seed %d: %+v after %+v", seed, f, before)
				case len(f.Evidence.Failing) > 16 || len(f.Evidence.Working) > 16 || f.Text == "":
					t.Fatalf("seed %d: %+v", seed, f)
				}
				open[f.ID] = f
				if f.State == "closed" {
					delete(open, f.ID)
				}
			}
			if got := len(w.Open()); got != len(open) {
				t.Fatalf("seed %d: %d open, %d announced", seed, got, len(open))
			}
		}
	}
}

// TestReadersBeside: the read methods may be called while calls come in.
func TestReadersBeside(t *testing.T) {
	w := compare.NewWindow(compare.WindowConfig{})
	records := issue1208()
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for range 200 {
				w.Open()
				w.OpenFor(records[0].Target, records[0].Client)
				w.Support(records[0].Target)
				w.Marks(records[1])
				w.Stats()
			}
		})
	}
	for range 40 {
		for _, r := range records {
			w.Observe(r)
		}
	}
	readers.Wait()
}
