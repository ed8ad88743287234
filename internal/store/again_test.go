package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// orphaned is a store's file in which n calls are still in flight though no
// agent runs.
func orphaned(t *testing.T, n int) store.Config {
	t.Helper()
	c := filled(t)
	change(t, c.Path, fmt.Sprintf("UPDATE calls SET live = 1 WHERE id >= 'r%03d'", 300-n))
	return c
}

func TestOpenedAgainAndAgain(t *testing.T) {
	c := config(t.TempDir())
	var want []string
	for n := range 5 {
		s := open(t, c)
		id := fmt.Sprint("r", n)
		keep(t, s, record(id, n))
		want = append([]string{id}, want...)
		if d := cmp.Diff(want, ids(t, s, call.Query{})); d != "" {
			t.Errorf("opened %d times (-want +got)\n%s", n+1, d)
		}
		if _, err := store.Open(t.Context(), c); !errors.Is(err, store.ErrInUse) {
			t.Errorf("a second one at the same time: %v", err)
		}
		shut(t, s)
	}
}

func TestInterruptedCallsAreNewestFirstAndStayInOrder(t *testing.T) {
	c := orphaned(t, 5)
	s := open(t, c)
	got := []string{}
	for _, r := range s.Interrupted() {
		got = append(got, r.Identity.ID)
	}
	want := []string{"r299", "r298", "r297", "r296", "r295"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff(want, ids(t, s, call.Query{Class: "agent_induced", Outcome: call.OutcomeError})); d != "" {
		t.Errorf("stored (-want +got)\n%s", d)
	}
	if got := ids(t, s, call.Query{Limit: 1000}); len(got) != 300 {
		t.Errorf("%d calls, want 300", len(got))
	}
}

func TestMoreWereInterruptedThanTheRingHolds(t *testing.T) {
	c := orphaned(t, 200)
	c.Batch.Ring = 50
	s := open(t, c)
	if n := len(s.Interrupted()); n != 50 {
		t.Errorf("%d are returned, want the newest 50", n)
	}
	if n := s.Dropped()["ring_full"]; n != 0 {
		t.Errorf("%d were dropped", n)
	}
	if got := ids(t, s, call.Query{Class: "agent_induced", Limit: 1000}); len(got) != 50 || got[0] != "r299" {
		t.Errorf("%d are sealed", len(got))
	}
}

func TestAFindingIsKeptInMemoryToo(t *testing.T) {
	c := config(t.TempDir())
	c.Batch.Ring = 3
	s := open(t, c)
	release := occupy(t, c.Path)
	keep(t, s, record("a", 0))
	eventually(t, "degraded", s.Degraded)
	for n := range 5 {
		_ = s.Finding(t.Context(), finding(fmt.Sprint("f", n), "confirmed", n))
	}
	_ = s.Finding(t.Context(), finding("f4", "closed", 9))
	for all, want := range map[bool]string{false: "f3 f2", true: "f4 f3 f2"} {
		list, err := s.Findings(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, f := range list {
			got = append(got, f.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("all=%v: got %v, want %s", all, got, want)
		}
	}
	release()
	eventually(t, "recovered", func() bool { return !s.Degraded() })
	if n := s.Dropped()["ring_full"]; n != 3 {
		t.Errorf("counted %d, want the call and two findings", n)
	}
}

func TestManyReadersBesideAnAgent(t *testing.T) {
	c := filled(t)
	s := open(t, c)
	var all sync.WaitGroup
	for range 4 {
		r := reader(t, c.Path)
		all.Go(func() {
			for range 10 {
				if list, err := r.Calls(t.Context(), call.Query{Limit: 500}); err != nil || len(list) < 300 {
					t.Errorf("%d calls, %v", len(list), err)
				}
			}
		})
	}
	for n := range 100 {
		keep(t, s, record(fmt.Sprintf("s%03d", n), 1000+n))
		if n%10 == 0 {
			ids(t, s, call.Query{Limit: 1})
		}
	}
	all.Wait()
	if s.Degraded() {
		t.Error("readers made the store degraded")
	}
}
