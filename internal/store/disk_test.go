package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// TestDiskRefusesForAWhile lets another process's lock stand for a disk that
// refuses: SQLite then fails each write.
func TestDiskRefusesForAWhile(t *testing.T) {
	c := config(t.TempDir())
	c.Batch.Ring = 50
	s := open(t, c)
	keep(t, s, record("before", 0))
	_ = s.Started(t.Context(), started("live", 1))
	_ = s.Finding(t.Context(), finding("f1", "suspected", 0))
	ids(t, s, call.Query{})
	release := occupy(t, c.Path)
	withContent := failed("content", 2)
	withContent.Content.Request = "hello"
	keep(t, s, record("during", 3))
	eventually(t, "degraded", s.Degraded)
	keep(t, s, withContent, record("before", 0))
	_ = s.Finding(t.Context(), finding("f1", "confirmed", 1))
	if d := cmp.Diff([]string{"during", "content", "before"}, ids(t, s, call.Query{})); d != "" {
		t.Errorf("memory and file together (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{"content"}, ids(t, s, call.Query{Outcome: call.OutcomeError, Target: "GPT4", Class: "provider_error", Logical: "l-content"})); d != "" {
		t.Errorf("memory is filtered like the file (-want +got)\n%s", d)
	}
	if r, err := s.Call(t.Context(), "dur"); err != nil || r.Identity.ID != "during" {
		t.Errorf("found in memory by prefix: %v, %v", r.Identity, err)
	}
	list, err := s.Findings(t.Context(), false)
	if err != nil || len(list) != 1 || list[0].State != "confirmed" {
		t.Errorf("the newest state of a finding: %v, %v", list, err)
	}
	for i := range 100 {
		keep(t, s, record(fmt.Sprintf("flood%03d", i), 10+i))
	}
	if got := ids(t, s, call.Query{Limit: 1000}); len(got) < 50 || len(got) > 52 || got[0] != "flood099" {
		t.Errorf("the ring keeps the newest 50: %d, %v", len(got), got[0])
	}
	release()
	eventually(t, "recovered", func() bool { return !s.Degraded() })
	dropped := s.Dropped()
	if dropped["ring_full"] == 0 || dropped["content"] != 1 {
		t.Errorf("counts: %v", dropped)
	}
	keep(t, s, record("after", 500))
	before := ids(t, s, call.Query{Limit: 1000})
	shut(t, s)
	s = open(t, c)
	if d := cmp.Diff(before, ids(t, s, call.Query{Limit: 1000})); d != "" || before[0] != "after" {
		t.Errorf("what memory held is in the file (-before +after a restart)\n%s", d)
	}
}

// occupy holds the write lock on the file until the returned function is called.
func occupy(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(2000)")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestClosedWhileTheDiskRefuses(t *testing.T) {
	c := config(t.TempDir())
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	release := occupy(t, c.Path)
	defer release()
	keep(t, s, record("a", 0), record("b", 1))
	if err := s.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "2 entries") {
		t.Errorf("Close says what is lost: %v", err)
	}
	if n := s.Dropped()["at_close"]; n != 2 {
		t.Errorf("counted %d", n)
	}
}

// TestTheFileBreaksWhileItIsOpen makes its schema unreadable from outside.
func TestTheFileBreaksWhileItIsOpen(t *testing.T) {
	c := filled(t)
	s := open(t, c)
	change(t, c.Path, `PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = 'CREATE TABLE broken' WHERE name = 'calls';
		PRAGMA schema_version = 4711`)
	keep(t, s, record("new", 1000))
	_, _ = s.Calls(t.Context(), call.Query{}) // the write it waits for fails
	eventually(t, "an empty file takes its place", func() bool {
		aside, _ := filepath.Glob(c.Path + ".corrupt-*Z")
		return len(aside) == 1 && !s.Degraded()
	})
	if d := cmp.Diff([]string{"new"}, ids(t, s, call.Query{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	shut(t, s)
}
