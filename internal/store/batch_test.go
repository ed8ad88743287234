package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// reader is another process's view of the file: it cannot make the store write.
func reader(t *testing.T, path string) *store.Reader {
	t.Helper()
	r, err := store.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestABatchEndsByTime(t *testing.T) {
	c := config(t.TempDir())
	c.Batch.Interval = 10 * time.Millisecond
	s := open(t, c)
	r := reader(t, c.Path)
	for n := range 3 { // the timer is armed anew each time
		keep(t, s, record(fmt.Sprint("r", n), n))
		eventually(t, "the row is in the file", func() bool { return len(ids(t, r, call.Query{})) == n+1 })
	}
}

func TestABatchEndsByRows(t *testing.T) {
	c := config(t.TempDir())
	c.Batch.Interval, c.Batch.Rows = time.Hour, 10
	s := open(t, c)
	r := reader(t, c.Path)
	for n := range 15 {
		keep(t, s, record(fmt.Sprint("r", n), n))
	}
	eventually(t, "ten rows are in the file", func() bool { return len(ids(t, r, call.Query{})) == 10 })
	shut(t, s)
	if got := ids(t, reader(t, c.Path), call.Query{}); len(got) != 15 {
		t.Errorf("Close writes the rest: %d rows", len(got))
	}
}

func TestStartAndEndInABatchAreOneRow(t *testing.T) {
	c := config(t.TempDir())
	c.Batch.Interval, c.Batch.Rows = time.Hour, 4
	s := open(t, c)
	r := reader(t, c.Path)
	for n := range 3 {
		_ = s.Started(t.Context(), started(fmt.Sprint("r", n), n))
		keep(t, s, record(fmt.Sprint("r", n), n))
	}
	// Six values of three calls do not fill a batch of four; a fourth call does.
	keep(t, s, record("r3", 3))
	eventually(t, "the batch is in the file", func() bool { return len(ids(t, r, call.Query{})) == 4 })
}

func TestAStartReachesTheFileAtOnce(t *testing.T) {
	c := config(t.TempDir())
	c.Batch.Interval = 5 * time.Millisecond
	s := open(t, c)
	_ = s.Started(t.Context(), started("live", 0))
	r := reader(t, c.Path)
	eventually(t, "the start is in the file", func() bool {
		_, err := r.Call(t.Context(), "live")
		return err == nil
	})
	if got := ids(t, r, call.Query{}); len(got) != 0 {
		t.Errorf("an agent runs, so the call is in flight: %v", got)
	}
}

func TestOnlyThePathMustBeSet(t *testing.T) {
	s := open(t, store.Config{Path: filepath.Join(t.TempDir(), "calls.db")})
	now := record("now", 0)
	now.Identity.Start = time.Now()
	keep(t, s, now)
	if got := ids(t, s, call.Query{}); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	c := filled(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := store.Open(ctx, c); err == nil {
		shut(t, s)
		t.Error("opened")
	}
	if moved, _ := filepath.Glob(c.Path + ".corrupt-*"); len(moved) != 0 {
		t.Errorf("a check that was broken off moved a good file aside: %v", moved)
	}
	if got := ids(t, open(t, c), call.Query{Limit: 1000}); len(got) != 300 {
		t.Errorf("%d calls", len(got))
	}
}

// lines is a log that a test reads while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestTheLogSaysItOnce(t *testing.T) {
	c := config(t.TempDir())
	log := &lines{}
	c.Logger = slog.New(slog.NewTextHandler(log, nil))
	c.Batch.Retry = time.Millisecond
	s := open(t, c)
	release := occupy(t, c.Path)
	keep(t, s, record("a", 0))
	eventually(t, "degraded", s.Degraded)
	for n := range 50 {
		keep(t, s, record(fmt.Sprint("r", n), n))
	}
	ids(t, s, call.Query{})
	release()
	eventually(t, "recovered", func() bool { return !s.Degraded() })
	shut(t, s)
	for text, want := range map[string]int{"cannot write": 1, "writes again": 1} {
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q is logged %d times: %s", text, got, log)
		}
	}
	if strings.Contains(log.String(), "openai") {
		t.Errorf("the log shows a call: %s", log)
	}
}

// TestQueriesUseTheirIndex asks SQLite how it would answer.
func TestQueriesUseTheirIndex(t *testing.T) {
	c := filled(t)
	db, err := sql.Open("sqlite", c.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for query, index := range map[string]string{
		"SELECT live, record FROM calls WHERE live = 0 ORDER BY start DESC, id DESC LIMIT 100":                                         "USING INDEX calls_start",
		"SELECT live, record FROM calls WHERE live = 0 AND outcome = 'error' AND host LIKE '%x%' ORDER BY start DESC, id DESC LIMIT 9": "USING INDEX calls_start",
		"SELECT live, record FROM calls WHERE live = 0 AND logical = 'l' AND logical <> '' ORDER BY start DESC, id DESC LIMIT 100":     "USING INDEX calls_logical",
		"SELECT live, record FROM calls WHERE id >= 'a' AND id < 'b' ORDER BY id LIMIT 2":                                              "USING INDEX sqlite_autoindex_calls_1",
		"SELECT live, record FROM calls WHERE live <> 0 ORDER BY start DESC, id DESC LIMIT 1":                                          "USING INDEX calls_",
		"SELECT 0, finding FROM findings WHERE state <> 'closed' ORDER BY updated DESC, id DESC LIMIT 1000":                            "USING INDEX findings_updated",
		"DELETE FROM calls WHERE rowid IN (SELECT rowid FROM calls WHERE start < 5 ORDER BY start LIMIT 500)":                          "COVERING INDEX calls_start",
	} {
		rows, err := db.Query("EXPLAIN QUERY PLAN " + query)
		if err != nil {
			t.Fatal(err)
		}
		plan := ""
		for rows.Next() {
			var a, b, c int
			var detail string
			if err := rows.Scan(&a, &b, &c, &detail); err != nil {
				t.Fatal(err)
			}
			plan += detail + "\n"
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(plan, index) {
			t.Errorf("%s\ndoes not use %s:\n%s", query, index, plan)
		}
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, "calls.db")})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := failed("0123abcd", 0)
	r.Identity.Start = time.Now()
	_ = s.Started(ctx, r) // a killed agent leaves this as a trace
	_ = s.Record(ctx, r)
	list, err := s.Calls(ctx, call.Query{Outcome: call.OutcomeError, Target: "gpt"})
	fmt.Println(len(list), list[0].Diagnosis.Class, err)
	_, err = s.Call(ctx, "0123")
	fmt.Println(err, s.Close(ctx))
	// Output:
	// 1 provider_error <nil>
	// <nil> <nil>
}
