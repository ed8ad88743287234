package store_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// childFile makes the test binary the process that a test kills: it records
// into that file until it dies.
const (
	childFile  = "LLMTAP_TEST_STORE_CHILD"
	childPause = "LLMTAP_TEST_STORE_PAUSE"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		os.Exit(child(path))
	}
	goleak.VerifyTestMain(m)
}

// child records calls and leaves one in flight, says so, and goes on writing
// or pauses.
func child(path string) int {
	s, err := store.Open(context.Background(), store.Config{Path: path, Now: func() time.Time { return day }})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	pause, err := strconv.Atoi(os.Getenv(childPause))
	ready := 500
	if err == nil {
		ready = pause
	}
	ctx := context.Background()
	_ = s.Started(ctx, started("live", 0))
	for i := 0; ; i++ {
		_ = s.Record(ctx, record(fmt.Sprintf("done%06d", i), i))
		if i != ready {
			continue
		}
		if _, err := s.Calls(ctx, call.Query{}); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println("ready")
		if pause > 0 {
			_, _ = io.Copy(io.Discard, os.Stdin)
			return 0
		}
	}
}

var day = time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)

// record is a finished call that started n seconds after day.
func record(id string, n int) call.Record {
	start := day.Add(time.Duration(n) * time.Second)
	return call.Record{
		Identity: call.Identity{ID: id, Start: start, Logical: "l-" + id, Attempt: 1},
		Target: call.Target{
			Scheme: "https", Host: "x.openai.azure.com", Port: 443, API: "azure.openai.chat", Deployment: "gpt4", Model: "gpt-4o",
			Auth: call.Auth{Scheme: "api_key", Digest: call.NewHasher([]byte("k")).Secret("sk-canary")},
		},
		Request:   call.Request{Method: "POST", Path: "/p", Mode: call.ModePlain, Messages: 1, Bytes: 10, HTTP: "1.1"},
		Response:  call.Response{Status: 200, HTTP: "1.1", Origin: "upstream"},
		Timing:    call.Timing{End: start.Add(time.Second)},
		End:       call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:     call.Agent{View: call.ViewFull},
		Diagnosis: call.Diagnosis{Class: call.ClassOK},
	}
}

// failed is a record of a call that got a 500.
func failed(id string, n int) call.Record {
	r := record(id, n)
	r.Response.Status = 500
	r.Diagnosis = call.Diagnosis{Class: call.ClassProviderError, Severity: call.SeverityError, Fault: call.FaultProvider}
	return r
}

// started is the beginning of a call.
func started(id string, n int) call.Record {
	r := record(id, n)
	r.End, r.Response, r.Diagnosis, r.Timing = call.End{}, call.Response{}, call.Diagnosis{}, call.Timing{}
	return r
}

func finding(id, state string, n int) call.Finding {
	at := day.Add(time.Duration(n) * time.Second)
	return call.Finding{
		Schema: 1, ID: id, Verdict: "stream_only_failure", State: state, Since: day, Updated: at,
		Evidence: call.Evidence{Failing: []string{"a"}, Working: []string{"b"}}, Text: "streams fail",
	}
}

// config is a store in dir whose clock stands at day and which waits for
// nothing but what a test waits for.
func config(dir string) store.Config {
	return store.Config{
		Path: filepath.Join(dir, "calls.db"), Now: func() time.Time { return day.Add(time.Minute) },
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Batch:  store.Batch{Retry: 5 * time.Millisecond},
	}
}

func open(t *testing.T, c store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

func keep(t *testing.T, s *store.Store, list ...call.Record) {
	t.Helper()
	for _, r := range list {
		if err := s.Record(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// eventually polls until ok, or fails the test after ten seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// ids lists what the store answers to q.
func ids(t *testing.T, s interface {
	Calls(context.Context, call.Query) ([]call.Record, error)
}, q call.Query,
) []string {
	t.Helper()
	list, err := s.Calls(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, r := range list {
		out = append(out, r.Identity.ID)
	}
	return out
}
