package store_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// filled is the path of a store with 300 calls that nobody has open.
func filled(t *testing.T) store.Config {
	t.Helper()
	c := config(t.TempDir())
	s := open(t, c)
	for i := range 300 {
		keep(t, s, record(fmt.Sprintf("r%03d", i), i))
	}
	shut(t, s)
	return c
}

func TestDamagedFileIsMovedAside(t *testing.T) {
	for name, harm := range map[string]func([]byte) []byte{
		"garbage":         func(b []byte) []byte { return bytes.Repeat([]byte("garbage "), 1000) },
		"cut":             func(b []byte) []byte { return b[:len(b)/2] },
		"first page":      func(b []byte) []byte { return append(bytes.Repeat([]byte{0xff}, 4096), b[4096:]...) },
		"pages in it":     func(b []byte) []byte { return append(append(b[:4096:4096], make([]byte, 40960)...), b[45056:]...) },
		"not even a head": func(b []byte) []byte { return b[:50] },
	} {
		t.Run(name, func(t *testing.T) {
			c := filled(t)
			b, err := os.ReadFile(c.Path)
			if err != nil {
				t.Fatal(err)
			}
			b = harm(b)
			if err := os.WriteFile(c.Path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			s := open(t, c)
			keep(t, s, record("new", 0))
			if d := cmp.Diff([]string{"new"}, ids(t, s, call.Query{})); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			aside, err := filepath.Glob(c.Path + ".corrupt-*")
			if err != nil || len(aside) != 1 {
				t.Fatalf("moved aside: %v, %v", aside, err)
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(kept, b) {
				t.Errorf("the damaged file is not what it was: %v", err)
			}
			if !strings.Contains(log.String(), "moved aside") || !strings.Contains(log.String(), aside[0]) {
				t.Errorf("the log does not say it: %s", log.String())
			}
		})
	}
}

func TestFewDamagedFilesAreKept(t *testing.T) {
	c := config(t.TempDir())
	for i := range 6 {
		old := fmt.Sprintf("%s.corrupt-2025010%dT000000.000Z", c.Path, i)
		for _, f := range []string{old, old + "-wal"} {
			if err := os.WriteFile(f, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(c.Path, bytes.Repeat([]byte("garbage "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, c)
	left, err := filepath.Glob(c.Path + ".corrupt-*")
	if err != nil || len(left) != 5 { // two old with their journals, the new one without
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestHalfWrittenState(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"empty file":              {"calls.db": ""},
		"journal without a file":  {"calls.db-wal": strings.Repeat("x", 9000), "calls.db-shm": "y"},
		"empty file, odd journal": {"calls.db": "", "calls.db-wal": "half"},
		"old lock":                {"calls.db.lock": ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t.TempDir())
			for f, text := range files {
				if err := os.WriteFile(filepath.Join(filepath.Dir(c.Path), f), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s := open(t, c)
			keep(t, s, record("new", 0))
			if d := cmp.Diff([]string{"new"}, ids(t, s, call.Query{})); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// change runs SQL on a store that nobody has open.
func change(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(query); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesAndSaysWhatToDo(t *testing.T) {
	newer, foreign, used := filled(t), config(t.TempDir()), filled(t)
	change(t, newer.Path, "PRAGMA user_version = 99")
	change(t, foreign.Path, "CREATE TABLE theirs (x)")
	open(t, used)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		c    store.Config
		err  error
		says string
	}{
		"newer schema":        {newer, store.ErrNewer, "use that newer llmtap"},
		"somebody's database": {foreign, store.ErrForeign, "--state-dir"},
		"another agent":       {used, store.ErrInUse, "stop the other one"},
		"a file for a folder": {config(file), nil, "--state-dir"},
		"no path":             {store.Config{}, nil, "no path"},
	} {
		s, err := store.Open(t.Context(), tc.c)
		if err == nil {
			t.Errorf("%s: opened", name)
			shut(t, s)
			continue
		}
		if (tc.err != nil && !errors.Is(err, tc.err)) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
		if moved, _ := filepath.Glob(tc.c.Path + ".corrupt-*"); len(moved) != 0 {
			t.Errorf("%s: a good file was moved aside: %v", name, moved)
		}
	}
	if _, err := store.OpenReadOnly(t.Context(), newer.Path); !errors.Is(err, store.ErrNewer) {
		t.Errorf("read-only: %v", err)
	}
}

func TestARowOfANewerBuildHidesNoOther(t *testing.T) {
	c := filled(t)
	change(t, c.Path, `UPDATE calls SET record = '{"request":{"mode":"telepathy"}}' WHERE id = 'r299'`)
	s := open(t, c)
	if got := ids(t, s, call.Query{Limit: 2}); len(got) != 1 || got[0] != "r298" {
		t.Errorf("got %v", got)
	}
	if n := s.Dropped()["unreadable"]; n != 1 {
		t.Errorf("counted %d", n)
	}
}

// TestNoColumnForSecrets pins the columns: whoever adds one decides anew that
// it holds nothing secret.
func TestNoColumnForSecrets(t *testing.T) {
	c := filled(t)
	db, err := sql.Open("sqlite", c.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		got = append(got, name)
	}
	want := []string{
		"calls.class", "calls.deployment", "calls.host", "calls.id", "calls.live", "calls.logical", "calls.model", "calls.outcome",
		"calls.record", "calls.start", "calls.user", "findings.finding", "findings.id", "findings.state", "findings.updated",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	b, err := os.ReadFile(c.Path)
	if err != nil || bytes.Contains(b, []byte("sk-canary")) {
		t.Errorf("the credential is in the file, or: %v", err)
	}
}
