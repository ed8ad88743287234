package sinktest

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"llmtap/exporters"
	"llmtap/internal/call"
)

func keepsRecord(t *testing.T, s exporters.Sink, check Check) {
	r := Record(1)
	must(t, "record", s.Record(t.Context(), r))
	check(t, s, []call.Record{r})
	closeSink(t, s)
}

func concurrentRecords(t *testing.T, s exporters.Sink, check Check) {
	const workers, each = 8, 16
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		kept []call.Record
	)
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				r := Record(w*each + i)
				if err := s.Record(t.Context(), r); err != nil {
					t.Errorf("record: %v", err)
				}
				if err := s.Finding(t.Context(), Finding(w, "suspected")); err != nil {
					t.Errorf("finding: %v", err)
				}
				mu.Lock()
				kept = append(kept, r)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	check(t, s, kept)
	closeSink(t, s)
}

func cancelledContext(t *testing.T, s exporters.Sink, check Check) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := Record(1)
	must(t, "record", s.Record(ctx, r))
	must(t, "finding", s.Finding(ctx, Finding(1, "confirmed")))
	check(t, s, []call.Record{r})
	closeSink(t, s)
}

func zeroRecord(t *testing.T, s exporters.Sink, _ Check) {
	for range 2 {
		_ = s.Record(t.Context(), call.Record{}) // may be refused, must return
		_ = s.Finding(t.Context(), call.Finding{})
		start(t, s, call.Record{})
	}
	closeSink(t, s)
}

func hostileStrings(t *testing.T, s exporters.Sink, check Check) {
	var kept []call.Record
	for i, text := range Hostile() {
		r := Record(i)
		r.Identity.Logical = text
		r.Identity.Span.Span, r.Identity.Parent.Trace, r.Identity.First.Span = text, text, text
		r.Target.Model, r.Target.Deployment, r.Target.Host, r.Target.Provider, r.Target.Operation = text, text, text, text, text
		r.Client.Name, r.Client.Version, r.Client.UserAgent, r.Client.User = text, text, text, text
		r.Request.Path, r.Request.URL, r.Request.Keys = text, text, []string{text, text}
		r.Request.Params = []call.Param{{Name: "temperature", Value: text}, {Name: text, Value: text}}
		r.Response.Model, r.Response.ID, r.Response.FinishReasons = text, text, []string{text, ""}
		r.Response.Error = call.Error{Code: text, Type: text, Param: text, Message: text}
		r.Response.Headers = []call.Header{{Name: text, Value: text}}
		r.Diagnosis.Reason, r.Diagnosis.Tags = text, []string{text}
		r.Agent.PeerAddress, r.End.Reason = text, text
		must(t, "record "+strconv.Quote(text[:min(len(text), 20)]), s.Record(t.Context(), r))
		f := Finding(i, text)
		f.Verdict, f.Target, f.Text, f.Remedy = text, r.Target, text, []string{text}
		f.Client.Name, f.Client.Version = text, text
		_ = s.Finding(t.Context(), f) // its names are ours: a sink may refuse others
		kept = append(kept, r)
	}
	check(t, s, kept)
	closeSink(t, s)
}

func findingLife(t *testing.T, s exporters.Sink, _ Check) {
	for _, state := range []string{"suspected", "suspected", "confirmed", "closed", "closed"} {
		must(t, "finding "+state, s.Finding(t.Context(), Finding(1, state)))
	}
	for i := range 2000 {
		must(t, "finding", s.Finding(t.Context(), Finding(i, "confirmed")))
	}
	closeSink(t, s)
}

func startNotice(t *testing.T, s exporters.Sink, check Check) {
	r := Record(1)
	start(t, s, r)
	start(t, s, r)
	start(t, s, Record(2))
	must(t, "record", s.Record(t.Context(), r))
	start(t, s, r)
	check(t, s, []call.Record{r})
	closeSink(t, s)
}

func afterClose(t *testing.T, s exporters.Sink, _ Check) {
	must(t, "record", s.Record(t.Context(), Record(1)))
	closeSink(t, s)
	_ = s.Record(t.Context(), Record(2)) // an error is allowed
	_ = s.Finding(t.Context(), Finding(1, "confirmed"))
	start(t, s, Record(3))
}

func closeTwice(t *testing.T, s exporters.Sink, _ Check) {
	closeSink(t, s)
	closeSink(t, s)
}

func sharedSlices(t *testing.T, s exporters.Sink, _ Check) {
	r := Record(1)
	before := text(t, r)
	must(t, "record", s.Record(t.Context(), r))
	closeSink(t, s)
	if after := text(t, r); after != before {
		t.Errorf("the sink changed the record it was given:\n got %s\nwant %s", after, before)
	}
}

func start(t *testing.T, s exporters.Sink, r call.Record) {
	t.Helper()
	if st, ok := s.(exporters.Starter); ok {
		_ = st.Started(t.Context(), r)
	}
}

func text(t *testing.T, r call.Record) string {
	t.Helper()
	b, err := json.Marshal(r)
	must(t, "encode record", err)
	return string(b)
}

// epoch is the start time of record 0.
func epoch() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC) }
