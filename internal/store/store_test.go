package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

var exact = cmp.Options{cmp.AllowUnexported(call.Digest{}), cmpopts.EquateEmpty()}

func TestARecordComesBackWhole(t *testing.T) {
	c := config(t.TempDir())
	s := open(t, c)
	want := failed("a1", 0)
	keep(t, s, want)
	got, err := s.Call(t.Context(), "a1")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, exact); d != "" {
		t.Errorf("before a restart (-want +got)\n%s", d)
	}
	shut(t, s)
	s = open(t, c)
	if got, err = s.Call(t.Context(), "a1"); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, exact); d != "" {
		t.Errorf("after a restart (-want +got)\n%s", d)
	}
	if n := len(s.Interrupted()); n != 0 {
		t.Errorf("%d interrupted calls after an orderly end", n)
	}
}

func TestCallsFilters(t *testing.T) {
	s := open(t, config(t.TempDir()))
	other := record("d", 3)
	other.Target = call.Target{Host: "api.example.org", Model: "Claude_x"}
	left := record("c", 2)
	left.Diagnosis = call.Diagnosis{Class: call.ClassClientCancelled}
	left.Identity.Logical = "l-a"
	keep(t, s, record("a", 0), failed("b", 1), left, other)
	for name, tc := range map[string]struct {
		q    call.Query
		want []string
	}{
		"everything, newest first":      {call.Query{}, []string{"d", "c", "b", "a"}},
		"limit keeps the newest":        {call.Query{Limit: 2}, []string{"d", "c"}},
		"since includes the instant":    {call.Query{Since: day.Add(2 * time.Second)}, []string{"d", "c"}},
		"class":                         {call.Query{Class: "provider_error"}, []string{"b"}},
		"outcome error":                 {call.Query{Outcome: call.OutcomeError}, []string{"b"}},
		"outcome cancelled":             {call.Query{Outcome: call.OutcomeCancelled}, []string{"c"}},
		"outcome ok":                    {call.Query{Outcome: call.OutcomeOK}, []string{"d", "a"}},
		"target in the host":            {call.Query{Target: "example"}, []string{"d"}},
		"target in the model, any case": {call.Query{Target: "CLAUDE"}, []string{"d"}},
		"target in the deployment":      {call.Query{Target: "gpt4"}, []string{"c", "b", "a"}},
		"target is no pattern":          {call.Query{Target: "g%4"}, []string{}},
		"underscore is itself":          {call.Query{Target: "claude_"}, []string{"d"}},
		"logical":                       {call.Query{Logical: "l-a"}, []string{"c", "a"}},
		"two at once":                   {call.Query{Target: "azure", Outcome: call.OutcomeOK}, []string{"a"}},
		"unknown class":                 {call.Query{Class: "nonsense"}, []string{}},
		"hostile text":                  {call.Query{Target: "'; DROP TABLE calls; --"}, []string{}},
	} {
		if d := cmp.Diff(tc.want, ids(t, s, tc.q)); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
}

func TestCallByPrefix(t *testing.T) {
	s := open(t, config(t.TempDir()))
	keep(t, s, record("abc1", 0), record("abc2", 1), record("abc", 2), record("x_y", 3))
	for name, tc := range map[string]struct {
		id, want string
		err      error
	}{
		"exact":                    {"abc1", "abc1", nil},
		"exact beats longer ones":  {"abc", "abc", nil},
		"unique prefix":            {"x", "x_y", nil},
		"shared prefix":            {"ab", "", store.ErrAmbiguous},
		"nobody":                   {"zz", "", store.ErrNotFound},
		"empty":                    {"", "", store.ErrNotFound},
		"a wildcard is no pattern": {"x%", "", store.ErrNotFound},
	} {
		r, err := s.Call(t.Context(), tc.id)
		if !errors.Is(err, tc.err) || r.Identity.ID != tc.want {
			t.Errorf("%s: got %q, %v; want %q, %v", name, r.Identity.ID, err, tc.want, tc.err)
		}
	}
}

func TestLiveCalls(t *testing.T) {
	c := config(t.TempDir())
	s := open(t, c)
	ctx := t.Context()
	if err := s.Started(ctx, started("a", 0)); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, s, call.Query{}); len(got) != 0 {
		t.Errorf("a call in flight is listed: %v", got)
	}
	r, err := s.Call(ctx, "a")
	if err != nil || r.Response.Status != 0 {
		t.Errorf("a call in flight is found by its id: %v, %v", r.Response, err)
	}
	keep(t, s, record("a", 0))
	for _, where := range []string{"batch", "file"} { // where the record is when the start comes
		if err := s.Started(ctx, started("a", 0)); err != nil {
			t.Fatal(err)
		}
		if r, err = s.Call(ctx, "a"); err != nil || r.Response.Status != 200 {
			t.Errorf("a late start undid the record in the %s: %v, %v", where, r.Response, err)
		}
	}
	if err := s.Started(ctx, started("lost", 1)); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	if n := s.Dropped()["unfinished"]; n != 1 {
		t.Errorf("a start without a record is counted at Close: got %d", n)
	}
	s = open(t, c)
	if got := s.Interrupted(); len(got) != 0 {
		t.Errorf("an orderly end leaves nothing interrupted: %v", got)
	}
}

func TestFindings(t *testing.T) {
	c := config(t.TempDir())
	s := open(t, c)
	for _, f := range []call.Finding{finding("f1", "suspected", 0), finding("f2", "confirmed", 1), finding("f1", "confirmed", 2), finding("f3", "confirmed", 3), finding("f3", "closed", 4)} {
		if err := s.Finding(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	check := func(all bool, want ...string) {
		t.Helper()
		list, err := s.Findings(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, f := range list {
			got = append(got, f.ID+" "+f.State)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("all=%v (-want +got)\n%s", all, d)
		}
	}
	check(false, "f1 confirmed", "f2 confirmed")
	check(true, "f3 closed", "f1 confirmed", "f2 confirmed")
	shut(t, s)
	s = open(t, c)
	check(true, "f3 closed", "f1 confirmed", "f2 confirmed")
}

func TestOddValuesDoNotHoldUpOthers(t *testing.T) {
	s := open(t, config(t.TempDir()))
	if s.Record(t.Context(), call.Record{}) == nil || s.Finding(t.Context(), call.Finding{}) == nil {
		t.Error("a value without an id was taken")
	}
	big := record("big", 0)
	big.Content.Request = strings.Repeat("x", 2<<20)
	huge := record("huge", 1)
	huge.Response.Error.Message = strings.Repeat("x", 2<<20)
	odd := record("odd", 2)
	odd.Request.Params = []call.Param{{Name: "a", Value: "not json"}}
	odd.Target.Host = "\xff'\x00"
	keep(t, s, big, huge, odd, record("good", 3))
	if d := cmp.Diff([]string{"good", "odd", "huge", "big"}, ids(t, s, call.Query{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	r, err := s.Call(t.Context(), "big")
	if err != nil || r.Content.Request != "" || !r.Content.Truncated {
		t.Errorf("a record that is too big keeps all but its content: %v", err)
	}
	r, err = s.Call(t.Context(), "huge")
	if err != nil || r.Response.Status != 200 || r.Target.Model != "gpt-4o" || len(r.Response.Error.Message) > 300 || len(r.Agent.Lost) != 1 {
		t.Errorf("a record that is still too big keeps its facts: %v", err)
	}
	if d := cmp.Diff(map[string]uint64{"content": 1, "too_big": 1, "encode": 2}, s.Dropped()); d != "" {
		t.Errorf("counts (-want +got)\n%s", d)
	}
}

func TestAfterClose(t *testing.T) {
	s := open(t, config(t.TempDir()))
	shut(t, s)
	shut(t, s)
	ctx := t.Context()
	_, callErr := s.Call(ctx, "a")
	_, callsErr := s.Calls(ctx, call.Query{})
	_, findErr := s.Findings(ctx, true)
	for name, err := range map[string]error{
		"Record": s.Record(ctx, record("a", 0)), "Started": s.Started(ctx, record("a", 0)), "Finding": s.Finding(ctx, finding("f", "closed", 0)),
		"Call": callErr, "Calls": callsErr, "Findings": findErr,
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
	if n := s.Dropped()["after_close"]; n != 3 {
		t.Errorf("counted %d, want 3", n)
	}
}

func TestCloseRespectsItsContext(t *testing.T) {
	s := open(t, config(t.TempDir()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	// Either outcome is right, a hang or a panic is not; the cleanup's Close
	// waits for the rest.
	if err := s.Close(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := s.Calls(ctx, call.Query{}); err == nil {
		t.Error("a query after Close succeeded")
	}
}

func TestManyAtOnce(t *testing.T) {
	s := open(t, config(t.TempDir()))
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 150 {
				id := fmt.Sprintf("w%d-%03d", w, i)
				_ = s.Started(t.Context(), started(id, i))
				_ = s.Record(t.Context(), record(id, i))
				_ = s.Finding(t.Context(), finding(fmt.Sprintf("f%d", w), "suspected", i))
			}
		})
		all.Go(func() {
			for range 20 {
				_, _ = s.Calls(t.Context(), call.Query{Outcome: call.OutcomeOK})
				_, _ = s.Findings(t.Context(), false)
				_, _ = s.Call(t.Context(), "w1-000")
				s.Degraded()
				s.Dropped()
			}
		})
	}
	all.Wait()
	got := len(ids(t, s, call.Query{Limit: 10_000}))
	if lost := int(s.Dropped()["queue_full"]); got+lost < 600 || got > 600 {
		t.Errorf("%d rows and %d counted drops of 600 records", got, lost)
	}
}

func TestFullQueueDropsAndCounts(t *testing.T) {
	c := config(t.TempDir())
	c.Batch.Queue = 4
	s := open(t, c)
	const n = 5000
	begin := time.Now()
	for i := range n {
		if err := s.Record(t.Context(), record(fmt.Sprint(i), i)); err != nil {
			t.Fatal(err)
		}
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("%d offers took %v", n, d)
	}
	got, lost := len(ids(t, s, call.Query{Limit: n})), int(s.Dropped()["queue_full"])
	if lost == 0 || got+lost != n {
		t.Errorf("%d kept + %d dropped, want %d and some dropped", got, lost, n)
	}
}

func TestFilesAreTheirOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state dir?", "x")
	c := config(dir)
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(c.Path, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	s := open(t, c)
	keep(t, s, record("a", 0))
	if got := ids(t, s, call.Query{}); len(got) != 1 {
		t.Fatalf("a path with odd characters works: %v", got)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
	made := config(filepath.Join(dir, "made"))
	open(t, made)
	if info, err := os.Stat(filepath.Dir(made.Path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("a directory it made: %v, %v", info.Mode(), err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	c := config(t.TempDir())
	c.Batch.Queue = 4096
	s := open(t, c)
	for i := range 250 {
		keep(t, s, record(fmt.Sprintf("r%03d", i), i))
		_ = s.Finding(t.Context(), finding(fmt.Sprintf("f%03d", i), "confirmed", i))
	}
	for limit, want := range map[int]int{0: 100, -5: 100, 1: 1, 249: 249, 1 << 40: 250} {
		if got := ids(t, s, call.Query{Limit: limit}); len(got) != want {
			t.Errorf("limit %d: %d rows, want %d", limit, len(got), want)
		}
	}
	if list, err := s.Findings(t.Context(), false); err != nil || len(list) != 250 || list[0].ID != "f249" {
		t.Errorf("%d findings, %v", len(list), err)
	}
}

func TestAQueryEndsWithItsContext(t *testing.T) {
	s := open(t, config(t.TempDir()))
	keep(t, s, record("a", 0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, callErr := s.Call(ctx, "a")
	_, callsErr := s.Calls(ctx, call.Query{})
	_, findErr := s.Findings(ctx, true)
	for name, err := range map[string]error{"Call": callErr, "Calls": callsErr, "Findings": findErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := ids(t, s, call.Query{}); len(got) != 1 {
		t.Errorf("another query then sees %v", got)
	}
}

// TestTimesAreUnknown: a record without a start is kept and stands last.
func TestTimesAreUnknown(t *testing.T) {
	s := open(t, config(t.TempDir()))
	r := record("timeless", 0)
	r.Identity.Start, r.Timing = time.Time{}, call.Timing{}
	keep(t, s, r, record("timed", 0))
	if d := cmp.Diff([]string{"timed", "timeless"}, ids(t, s, call.Query{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	got, err := s.Call(t.Context(), "timeless")
	if err != nil || !got.Identity.Start.IsZero() {
		t.Errorf("start %v, %v", got.Identity.Start, err)
	}
}
