package store_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
)

func TestOldCallsLeave(t *testing.T) {
	c := config(t.TempDir())
	var now atomic.Int64 // seconds after day
	now.Store(100)
	c.Now = func() time.Time { return day.Add(time.Duration(now.Load()) * time.Second) }
	c.MaxAge, c.Batch.Sweep = 60*time.Second, 5*time.Millisecond
	s := open(t, c)
	for i := range 1300 { // more than one step of the sweep
		keep(t, s, record(fmt.Sprintf("old%d", i), 50))
		if i%500 == 0 {
			ids(t, s, call.Query{})
		}
	}
	keep(t, s, record("young", 90))
	_ = s.Finding(t.Context(), finding("f1", "closed", 50))
	_ = s.Finding(t.Context(), finding("f2", "confirmed", 90))
	if got := ids(t, s, call.Query{Limit: 10_000}); len(got) != 1301 {
		t.Fatalf("%d calls before their time", len(got))
	}
	now.Store(120)
	eventually(t, "old calls leave", func() bool { return len(ids(t, s, call.Query{})) == 1 })
	if d := cmp.Diff([]string{"young"}, ids(t, s, call.Query{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	eventually(t, "old findings leave", func() bool {
		list, err := s.Findings(t.Context(), true)
		return err == nil && len(list) == 1 && list[0].ID == "f2"
	})
}

func TestOldCallsLeaveAtOpen(t *testing.T) {
	c := filled(t)
	before, err := os.Stat(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	c.Now = func() time.Time { return day.Add(30 * 24 * time.Hour) }
	s := open(t, c)
	if got := ids(t, s, call.Query{}); len(got) != 0 {
		t.Errorf("%d calls are older than a fortnight", len(got))
	}
	shut(t, s)
	if after, err := os.Stat(c.Path); err != nil || after.Size() > before.Size()/2 {
		t.Errorf("the file had %d bytes and now has %d: %v", before.Size(), after.Size(), err)
	}
}

func TestTheFileStaysWithinItsSize(t *testing.T) {
	c := config(t.TempDir())
	c.MaxBytes = 400 << 10
	s := open(t, c)
	for i := range 1500 {
		r := record(fmt.Sprintf("r%04d", i), i)
		r.Response.Error.Message = strings.Repeat("x", 1000)
		keep(t, s, r)
		if i%100 == 99 {
			ids(t, s, call.Query{Limit: 1})
		}
	}
	got := ids(t, s, call.Query{Limit: 10_000})
	if len(got) < 50 || got[0] != "r1499" {
		t.Errorf("%d calls left, newest %v", len(got), got[:1])
	}
	for i := range got[1:] {
		if got[i] < got[i+1] {
			t.Errorf("%s stands before %s", got[i], got[i+1])
		}
	}
	shut(t, s)
	info, err := os.Stat(c.Path)
	if err != nil || info.Size() > c.MaxBytes+64<<10 {
		t.Errorf("the file has %d bytes, the limit is %d: %v", info.Size(), c.MaxBytes, err)
	}
}

func TestAFileThatIsTooBigShrinksAtOpen(t *testing.T) {
	c := filled(t)
	c.MaxBytes = 100 << 10
	s := open(t, c)
	got := ids(t, s, call.Query{Limit: 1000})
	if len(got) == 0 || len(got) == 300 || got[0] != "r299" {
		t.Errorf("%d calls left", len(got))
	}
	shut(t, s)
	if info, err := os.Stat(c.Path); err != nil || info.Size() > 200<<10 {
		t.Errorf("the file has %d bytes: %v", info.Size(), err)
	}
}
