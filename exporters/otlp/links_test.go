package otlp_test

import (
	"fmt"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"llmtap/exporters/otlp"
	"llmtap/exporters/sinktest"
	"llmtap/internal/call"
)

const (
	ourTrace    = "0af7651916cd43dd8448eb211c80319c"
	theirTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	ourFirst    = "b7ad6b7169203331"
	ourSecond   = "b7ad6b7169203332"
	theirParent = "00f067aa0ba902b7"
)

func TestParentsAndLinks(t *testing.T) {
	ctx := func(trace, span string, sampled bool) call.SpanContext {
		return call.SpanContext{Trace: trace, Span: span, Sampled: sampled}
	}
	none := call.SpanContext{}
	for name, tc := range map[string]struct {
		id     call.Identity
		parent string
		links  []string // kind span
	}{
		"no traceparent, first attempt": {call.Identity{Span: ctx(ourTrace, ourFirst, true)}, "", nil},
		"no traceparent, later attempt": {
			call.Identity{Attempt: 2, Span: ctx(ourTrace, ourSecond, true), Parent: ctx(ourTrace, ourFirst, true), First: ctx(ourTrace, ourFirst, true)},
			ourFirst, nil,
		},
		"sampled traceparent, first": {
			call.Identity{Span: ctx(theirTrace, ourFirst, true), Remote: ctx(theirTrace, theirParent, true), Parent: ctx(theirTrace, theirParent, true)},
			theirParent, nil,
		},
		"sampled traceparent, later": {
			call.Identity{Attempt: 2, Span: ctx(theirTrace, ourSecond, true), Remote: ctx(theirTrace, theirParent, true), Parent: ctx(theirTrace, theirParent, true), First: ctx(theirTrace, ourFirst, true)},
			theirParent,
			[]string{"first_attempt " + ourFirst},
		},
		"unsampled traceparent, first": {
			call.Identity{Span: ctx(ourTrace, ourFirst, true), Remote: ctx(theirTrace, theirParent, false)},
			"",
			[]string{"unsampled_parent " + theirParent},
		},
		"unsampled traceparent, later": {
			call.Identity{Attempt: 2, Span: ctx(ourTrace, ourSecond, true), Remote: ctx(theirTrace, theirParent, false), Parent: ctx(ourTrace, ourFirst, true), First: ctx(ourTrace, ourFirst, true)},
			ourFirst,
			[]string{"unsampled_parent " + theirParent},
		},
		"unsampled parent honoured": {
			call.Identity{Span: ctx(theirTrace, ourFirst, true), Remote: ctx(theirTrace, theirParent, false), Parent: ctx(theirTrace, theirParent, false)},
			theirParent, nil,
		},
		"parent of another trace is none": {call.Identity{Span: ctx(ourTrace, ourFirst, true), Parent: ctx(theirTrace, theirParent, true)}, "", nil},
		"parent that is no id":            {call.Identity{Span: ctx(ourTrace, ourFirst, true), Parent: ctx(ourTrace, "xyz", true), First: none}, "", nil},
	} {
		r := sinktest.Record(1)
		tc.id.ID, tc.id.Start = r.Identity.ID, r.Identity.Start
		r.Identity = tc.id
		span := only(t, r)
		if got := span.SpanContext; got.TraceID().String() != tc.id.Span.Trace || got.SpanID().String() != tc.id.Span.Span {
			t.Errorf("%s: ids %s %s, want those of the record", name, got.TraceID(), got.SpanID())
		}
		parent := ""
		if span.Parent.IsValid() {
			parent = span.Parent.SpanID().String()
		}
		if parent != tc.parent {
			t.Errorf("%s: parent %q, want %q", name, parent, tc.parent)
		}
		if got := linksOf(span); !slices.Equal(got, tc.links) {
			t.Errorf("%s: links %v, want %v", name, got, tc.links)
		}
	}
}

func linksOf(s tracetest.SpanStub) (out []string) {
	for _, l := range s.Links {
		out = append(out, l.Attributes[0].Value.AsString()+" "+l.SpanContext.SpanID().String())
	}
	return out
}

func TestUnsampledAndUnsentMakeNoSpan(t *testing.T) {
	m := newMemory(t, nil)
	unsampled, unsent := sinktest.Record(1), sinktest.Record(2)
	unsampled.Identity.Span.Sampled = false
	unsent.Request.Method = "" // our certificate was refused: no request
	m.take(t, unsampled, unsent)
	if n := len(m.flushed(t)); n != 0 || m.Stats().Created != 0 {
		t.Errorf("%d spans, accounts %+v, want none", n, m.Stats())
	}
}

func TestIdsThatAreNoneAreReplaced(t *testing.T) {
	r := sinktest.Record(1)
	r.Identity.Span = call.SpanContext{Trace: "nonsense", Span: "", Sampled: true}
	if got := only(t, r).SpanContext; !got.IsValid() {
		t.Errorf("span context %v, want random ids", got)
	}
}

// verdicts returns the verdict spans only.
func (m *memory) verdicts(t *testing.T) (out tracetest.SpanStubs) {
	t.Helper()
	for _, s := range m.flushed(t) {
		if _, ok := attrsOf(s)["llmtap.verdict.id"]; ok {
			out = append(out, s)
		}
	}
	return out
}

func TestVerdictSpanOnOpeningAndConfirming(t *testing.T) {
	m := newMemory(t, nil)
	for i, step := range []struct {
		state string
		want  int
	}{{"suspected", 1}, {"suspected", 1}, {"confirmed", 2}, {"confirmed", 2}, {"suspected", 2}, {"closed", 2}, {"closed", 2}, {"confirmed", 3}, {"strange", 3}} {
		if err := m.Finding(t.Context(), sinktest.Finding(1, step.state)); err != nil {
			t.Fatal(err)
		}
		if got := len(m.verdicts(t)); got != step.want {
			t.Errorf("step %d, %s: %d spans, want %d", i, step.state, got, step.want)
		}
	}
}

func TestVerdictOpenMarksItsTargetOnly(t *testing.T) {
	m := newMemory(t, nil)
	find := func(n int, state string, change func(*call.Finding)) {
		f := sinktest.Finding(n, state)
		change(&f)
		if err := m.Finding(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	mark := func(change func(*call.Record)) []string {
		r := sinktest.Record(1)
		change(&r)
		m.take(t, r)
		spans := m.flushed(t)
		return attrsOf(spans[len(spans)-1])["llmtap.verdict.open"].AsStringSlice()
	}
	find(1, "suspected", func(*call.Finding) {})
	find(2, "confirmed", func(f *call.Finding) { f.Verdict, f.Target.Model = "hop_deadline", "" })
	find(3, "confirmed", func(f *call.Finding) { f.Verdict = "hop_deadline" })
	if got := mark(func(*call.Record) {}); !slices.Equal(got, []string{"hop_deadline", "stream_only_failure"}) {
		t.Errorf("marks %v, want both, sorted, once", got)
	}
	if got := mark(func(r *call.Record) { r.Target.Model = "gpt5" }); !slices.Equal(got, []string{"hop_deadline"}) {
		t.Errorf("other model: marks %v, want that of the host", got)
	}
	if got := mark(func(r *call.Record) { r.Target.Host = "y" }); got != nil {
		t.Errorf("other host: marks %v, want none", got)
	}
	find(1, "closed", func(*call.Finding) {})
	if got := mark(func(*call.Record) {}); !slices.Equal(got, []string{"hop_deadline"}) {
		t.Errorf("after closing: marks %v", got)
	}
}

func TestVerdictLinksAreBoundedAndOldEvidenceIsLookedUp(t *testing.T) {
	old := plain(9000)
	m := newMemory(t, func(c *otlp.Config) {
		c.Lookup = func(id string) (call.Record, bool) { return old, id == old.Identity.ID }
	})
	f := sinktest.Finding(1, "confirmed")
	f.Evidence = call.Evidence{Working: []string{"never heard of", old.Identity.ID}}
	for i := range 40 {
		r := attempt(1)
		r.Identity.ID, r.Identity.Span.Trace = fmt.Sprint("f", i), fmt.Sprintf("%032x", i+1)
		m.take(t, r)
		f.Evidence.Failing = append(f.Evidence.Failing, r.Identity.ID)
	}
	f.Verdict = "version_regression"
	f.Difference = []call.Change{{Path: "client.version", Failing: "2.29.0", Working: "2.18.0"}, {Path: "body.stream"}, {Path: "deadline_s", Failing: "59.9"}, {Path: "deadline_s", Failing: "soon"}}
	if err := m.Finding(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	span := m.verdicts(t)[0]
	kinds := map[string]int{}
	for _, l := range span.Links {
		kinds[l.Attributes[0].Value.AsString()]++
	}
	if kinds["failing"] != 16 || kinds["passing"] != 1 {
		t.Errorf("links %v, want 16 failing and the one that was looked up", kinds)
	}
	a := attrsOf(span)
	for k, want := range map[string]string{
		"llmtap.verdict.last_good_version": "2.18.0", "llmtap.verdict.first_bad_version": "2.29.0", "llmtap.verdict.deadline_s": "59.9",
		"llmtap.verdict.failing": "40", "llmtap.verdict.passing": "2", "llmtap.verdict.changed_keys": `["stream"]`,
	} {
		if got := a[k].String(); got != want {
			t.Errorf("%s = %s, want %s", k, got, want)
		}
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	m := newMemory(t, nil)
	for i := range 5000 {
		r := sinktest.Record(i)
		r.Identity.Span.Sampled = i == 0 || i == 4999
		m.take(t, r)
	}
	f := sinktest.Finding(1, "confirmed")
	f.Evidence = call.Evidence{Failing: []string{sinktest.Record(4999).Identity.ID, sinktest.Record(0).Identity.ID}}
	if err := m.Finding(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if n := len(m.verdicts(t)[0].Links); n != 1 {
		t.Errorf("%d links, want the newest only: the oldest is forgotten", n)
	}
}
