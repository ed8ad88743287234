package store_test

import (
	"context"
	"slices"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// TestUsersOfAnOlderFile: a file of version 1 has the users in the records
// alone; afterwards they are found, and a record that is damaged is not in the
// way.
func TestUsersOfAnOlderFile(t *testing.T) {
	c := config(t.TempDir())
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ada, bob, nobody := record("a", 1), record("b", 2), record("n", 3)
	ada.Client.User, bob.Client.User = "u-ada", "u-bob"
	keep(t, s, ada, bob, nobody, record("odd", 4))
	shut(t, s)
	change(t, c.Path, "DROP INDEX calls_user; ALTER TABLE calls DROP COLUMN user; UPDATE calls SET record = 'no record' WHERE id = 'odd'; PRAGMA user_version = 1")
	s = open(t, c)
	for user, want := range map[string][]string{"u-ada": {"a"}, "u-bob": {"b"}, "u": nil, "": {"n", "b", "a"}} {
		if got := ids(t, s, call.Query{User: user}); !slices.Equal(got, want) {
			t.Errorf("calls of %q: got %v, want %v", user, got, want)
		}
	}
	carl := record("c", 5)
	carl.Client.User = "u-carl"
	if err := s.Record(context.Background(), carl); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, s, call.Query{User: "u-carl"}); !slices.Equal(got, []string{"c"}) {
		t.Errorf("a new call: %v", got)
	}
}
