package sinktest_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/exporters"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

// honest keeps every record; the fields break one rule each.
type honest struct {
	mu      sync.Mutex
	records map[string]call.Record
	closed  bool

	loses        bool // records are not kept
	heedsContext bool // a cancelled context loses the record
	refuses      bool // hostile strings are an error
	writes       bool // a shared slice is changed
	closesOnce   bool // the second Close fails
	explodes     bool // Record after Close panics
	stopsListen  bool // the second Finding fails
	findings     int
}

func (h *honest) Record(ctx context.Context, r call.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.explodes && h.closed:
		panic("closed")
	case h.loses:
		return nil
	case h.heedsContext && ctx.Err() != nil:
		return ctx.Err()
	case h.refuses && strings.ContainsRune(r.Target.Model, '\x00'):
		return errors.New("bad model")
	case h.writes && len(r.Request.Keys) > 0:
		r.Request.Keys[0] = "REDACTED"
	}
	if h.records == nil {
		h.records = map[string]call.Record{}
	}
	h.records[r.Identity.ID] = r
	return nil
}

func (h *honest) Finding(context.Context, call.Finding) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.findings++; h.stopsListen && h.findings > 1 {
		return errors.New("heard enough")
	}
	return nil
}

func (h *honest) Close(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closesOnce && h.closed {
		return errors.New("closed already")
	}
	h.closed = true
	return nil
}

func kept(t *testing.T, s exporters.Sink, records []call.Record) {
	t.Helper()
	h := s.(*honest)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range records {
		if _, ok := h.records[r.Identity.ID]; !ok {
			t.Errorf("record %s is lost", r.Identity.ID)
		}
	}
}

// broken are sinks that break one rule, and the case that must say so.
func broken() map[string]*honest {
	return map[string]*honest{
		"keeps_a_record":     {loses: true},
		"concurrent_records": {loses: true},
		"cancelled_context":  {heedsContext: true},
		"hostile_strings":    {refuses: true},
		"finding_life":       {stopsListen: true},
		"after_close":        {explodes: true},
		"close_twice":        {closesOnce: true},
		"shared_slices":      {writes: true},
	}
}

func TestHonestSinkPasses(t *testing.T) {
	sinktest.TestSink(t, func(*testing.T) exporters.Sink { return &honest{} }, kept)
}

func TestSuiteNeedsNoCheck(t *testing.T) {
	sinktest.TestSink(t, func(*testing.T) exporters.Sink { return &honest{} }, nil)
}

const variable = "SINKTEST_BROKEN"

// TestChild runs the suite on the broken sink that its parent names.
func TestChild(t *testing.T) {
	name := os.Getenv(variable)
	if name == "" {
		t.Skip("runs as a child of TestBrokenSinksFail only")
	}
	sinktest.TestSink(t, func(*testing.T) exporters.Sink {
		return broken()[name]
	}, kept)
}

// A suite that passes everything proves nothing: each broken sink must fail in
// the case of the rule it breaks, and be told the rule.
func TestBrokenSinksFail(t *testing.T) {
	for name := range broken() {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$/^"+name+"$", "-test.v")
			cmd.Env = append(os.Environ(), variable+"="+name)
			out, err := cmd.CombinedOutput()
			if _, ok := errors.AsType[*exec.ExitError](err); !ok {
				t.Fatalf("the suite passed a sink that breaks the rule (%v):\n%s", err, out)
			}
			if text := string(out); !strings.Contains(text, "TestChild/"+name) || name != "after_close" && !strings.Contains(text, "rule: ") {
				t.Errorf("the failure does not explain itself:\n%s", text)
			}
		})
	}
}

func TestFixturesAreFullAndDistinct(t *testing.T) {
	a, b := sinktest.Record(1), sinktest.Record(2)
	if a.Identity.ID == b.Identity.ID || a.Identity.Logical == b.Identity.Logical || a.Identity.Span == b.Identity.Span || !a.Identity.Start.Before(b.Identity.Start) {
		t.Error("two records share an identity")
	}
	if a.Outcome() != call.OutcomeOK || !a.Identity.Span.Valid() || a.Duration() != 1900*time.Millisecond {
		t.Errorf("record 1: outcome %v, span %+v, duration %v", a.Outcome(), a.Identity.Span, a.Duration())
	}
	if n := a.Stream.ContentEvents - 1; a.Stream.Pace[2].Count != n {
		t.Errorf("pace %v does not fit %d content events", a.Stream.Pace, a.Stream.ContentEvents)
	}
	closed := sinktest.Finding(3, "closed")
	if closed.ClosedBecause == "" || sinktest.Finding(3, "suspected").ClosedBecause != "" || closed.ID != sinktest.Finding(3, "suspected").ID {
		t.Errorf("finding %+v does not live like one", closed)
	}
	if _, err := json.Marshal(a); err != nil {
		t.Error(err)
	}
	if list := sinktest.Hostile(); !slices.Contains(list, "") || !slices.ContainsFunc(list, func(s string) bool { return len(s) >= 1<<20 }) {
		t.Error("the empty and the giant string are missing")
	}
}
