package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

func TestReadOnlyBesideAnAgent(t *testing.T) {
	c := config(t.TempDir())
	s := open(t, c)
	keep(t, s, record("a", 0), failed("b", 1))
	_ = s.Started(t.Context(), started("c", 2))
	_ = s.Finding(t.Context(), finding("f", "confirmed", 0))
	ids(t, s, call.Query{}) // written now
	r, err := store.OpenReadOnly(t.Context(), c.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if d := cmp.Diff([]string{"b", "a"}, ids(t, r, call.Query{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	got, err := r.Call(t.Context(), "c")
	if err != nil || got.End.Side != call.SideUnknown {
		t.Errorf("a call in flight is not over: %+v, %v", got.End, err)
	}
	if _, err := r.Call(t.Context(), "nope"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if _, err := r.Call(t.Context(), ""); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	list, err := r.Findings(t.Context(), false)
	if err != nil || len(list) != 1 || list[0].Text != "streams fail" {
		t.Errorf("findings: %v, %v", list, err)
	}
}

func TestReadOnlyAfterAnOrderlyEnd(t *testing.T) {
	c := config(t.TempDir())
	s := open(t, c)
	keep(t, s, record("a", 0))
	shut(t, s)
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(c.Path + suffix); err == nil {
			t.Errorf("%s is still there: the file cannot be copied alone", suffix)
		}
	}
	before, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.OpenReadOnly(t.Context(), c.Path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a"}, ids(t, r, call.Query{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Calls(t.Context(), call.Query{}); err == nil {
		t.Error("a closed reader answered")
	}
	if _, err := r.Findings(t.Context(), true); err == nil {
		t.Error("a closed reader answered")
	}
	after, err := os.ReadFile(c.Path)
	if err != nil || string(before) != string(after) {
		t.Errorf("reading changed the file: %v", err)
	}
}

// TestTheFileAloneIsWhole: also when somebody reads at the end, and SQLite so
// keeps its journal, a copy of calls.db has everything.
func TestTheFileAloneIsWhole(t *testing.T) {
	c := config(t.TempDir())
	s := open(t, c)
	keep(t, s, record("a", 0))
	ids(t, s, call.Query{})
	r, err := store.OpenReadOnly(t.Context(), c.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ids(t, r, call.Query{})
	shut(t, s)
	b, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := store.OpenReadOnly(t.Context(), copied)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if d := cmp.Diff([]string{"a"}, ids(t, other, call.Query{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestReadOnlyFindsByPrefixAndFilter(t *testing.T) {
	c := filled(t)
	r, err := store.OpenReadOnly(t.Context(), c.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Call(t.Context(), "r1"); !errors.Is(err, store.ErrAmbiguous) || !strings.Contains(err.Error(), "r100") {
		t.Errorf("a shared prefix: %v", err)
	}
	if got, err := r.Call(t.Context(), "r299"); err != nil || got.Target.Deployment != "gpt4" {
		t.Errorf("%+v, %v", got.Target, err)
	}
	if got := ids(t, r, call.Query{Logical: "l-r007"}); len(got) != 1 || got[0] != "r007" {
		t.Errorf("by logical call: %v", got)
	}
	if got := ids(t, r, call.Query{Since: day.Add(298 * time.Second), Outcome: call.OutcomeOK, Target: "azure"}); len(got) != 2 {
		t.Errorf("by time, outcome and target: %v", got)
	}
	if got := ids(t, r, call.Query{Limit: 3}); strings.Join(got, " ") != "r299 r298 r297" {
		t.Errorf("newest: %v", got)
	}
}

func TestReadOnlySaysWhereRecordsComeFrom(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"no file": filepath.Join(dir, "calls.db"), "empty file": empty} {
		_, err := store.OpenReadOnly(t.Context(), path)
		if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "llmtap run") {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenReadOnly(t.Context(), text); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("text file: %v", err)
	}
}
