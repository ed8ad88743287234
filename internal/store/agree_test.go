package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// random is a finished call of few kinds, so that every filter finds some.
func random(rnd *rand.Rand, n int) call.Record {
	r := record(fmt.Sprintf("%c%03d", 'a'+rune(rnd.IntN(3)), n), rnd.IntN(20))
	r.Target.Host = pick(rnd, "api.openai.com", "x.openai.azure.com", "10.0.0.7")
	r.Target.Model = pick(rnd, "gpt-4o", "GPT_4", "100%", "")
	r.Target.Deployment = pick(rnd, "", "gpt4", "prod")
	r.Identity.Logical = pick(rnd, "", "l1", "l2")
	r.Client.User = pick(rnd, "", "u-ada", "u-bob")
	switch rnd.IntN(3) {
	case 0:
		r.Response.Status = 500
		r.Diagnosis = call.Diagnosis{Class: call.ClassProviderError, Severity: call.SeverityError}
	case 1:
		r.End = call.End{Side: call.SideClient, Kind: call.EndClosed}
		r.Diagnosis = call.Diagnosis{Class: call.ClassClientCancelled}
	}
	return r
}

func pick(rnd *rand.Rand, of ...string) string { return of[rnd.IntN(len(of))] }

func randomQuery(rnd *rand.Rand) call.Query {
	var q call.Query
	if rnd.IntN(2) == 0 {
		q.Since = day.Add(time.Duration(rnd.IntN(20)) * time.Second)
	}
	q.Target = pick(rnd, "", "", "gpt", "AZURE", "_", "%", "0.0", "4")
	q.Class = pick(rnd, "", "", "ok", "provider_error", "client_cancelled")
	q.Logical = pick(rnd, "", "", "", "l1")
	q.User = pick(rnd, "", "", "", "u-ada", "u-ad")
	q.Outcome = call.Outcome(rnd.IntN(4))
	q.Limit = rnd.IntN(30)
	return q
}

// TestMemoryAndFileAgree asks the same of calls in the file, in memory, and
// half in each: the answers must not tell where they came from.
func TestMemoryAndFileAgree(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var list []call.Record
	for n := range 120 {
		list = append(list, random(rnd, n))
	}
	file, memory, both := open(t, config(t.TempDir())), config(t.TempDir()), config(t.TempDir())
	keep(t, file, list...)
	memory.Batch.Retry, both.Batch.Retry = time.Hour, time.Hour // only Close writes again
	inMemory, inBoth := open(t, memory), open(t, both)
	keep(t, inBoth, list[:60]...)
	ids(t, inBoth, call.Query{})
	for _, path := range []string{memory.Path, both.Path} {
		t.Cleanup(occupy(t, path))
	}
	keep(t, inMemory, list...)
	keep(t, inBoth, list[60:]...)
	eventually(t, "degraded", func() bool { return inMemory.Degraded() && inBoth.Degraded() })
	some := 0
	for range 120 {
		q := randomQuery(rnd)
		want := ids(t, file, q)
		some += len(want)
		if d := cmp.Diff(want, ids(t, inMemory, q)); d != "" {
			t.Fatalf("%+v in memory (-file +memory)\n%s", q, d)
		}
		if d := cmp.Diff(want, ids(t, inBoth, q)); d != "" {
			t.Fatalf("%+v in both (-file +both)\n%s", q, d)
		}
	}
	if some < 120 {
		t.Errorf("the queries found %d calls only", some)
	}
	for _, id := range []string{"a", "b00", "c", list[7].Identity.ID, list[100].Identity.ID, "zz"} {
		want, wantErr := file.Call(t.Context(), id)
		for name, s := range map[string]*store.Store{"memory": inMemory, "both": inBoth} {
			got, err := s.Call(t.Context(), id)
			if got.Identity.ID != want.Identity.ID || errors.Is(err, store.ErrAmbiguous) != errors.Is(wantErr, store.ErrAmbiguous) ||
				errors.Is(err, store.ErrNotFound) != errors.Is(wantErr, store.ErrNotFound) {
				t.Errorf("%s, id %q: got %q, %v; want %q, %v", name, id, got.Identity.ID, err, want.Identity.ID, wantErr)
			}
		}
	}
}

// FuzzAnyText keeps a record made of any text and looks for it with any text.
func FuzzAnyText(f *testing.F) {
	for _, s := range []string{"", "a", "'", "%", `\`, "\x00", "\xff", "a\u202eb", "\U0010FFFF", "🙂"} {
		f.Add("id"+s, s, s)
	}
	s, err := store.Open(f.Context(), config(f.TempDir()))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, id, text, ask string) {
		if id == "" {
			return
		}
		r := record(id, 0)
		r.Target.Model, r.Target.Host, r.Identity.Logical = text, text, text
		keep(t, s, r)
		got, err := s.Call(t.Context(), id)
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrAmbiguous) {
			t.Errorf("by id: %v", err)
		}
		if err == nil && got.Response.Status != 200 {
			t.Errorf("by id: %+v", got)
		}
		if _, err := s.Calls(t.Context(), call.Query{Target: ask, Class: ask, Logical: ask}); err != nil {
			t.Errorf("by filter: %v", err)
		}
		if _, err := s.Call(t.Context(), ask); err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrAmbiguous) {
			t.Errorf("by prefix: %v", err)
		}
	})
}
