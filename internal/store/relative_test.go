package store_test

import (
	"context"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{Path: "state/calls.db"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Record(ctx, call.Record{Identity: call.Identity{ID: "a1"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	r, err := store.OpenReadOnly(ctx, "state/calls.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := r.Call(ctx, "a1"); err != nil {
		t.Error(err)
	}
}
