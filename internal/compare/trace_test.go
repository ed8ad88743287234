package compare_test

import (
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

const (
	traceA = "0af7651916cd43dd8448eb211c80319c"
	spanA  = "b7ad6b7169203331"
)

// three joins three attempts of one failing call.
func three(t *testing.T, cfg compare.Config, options ...func(*call.Record)) [3]call.Identity {
	t.Helper()
	j := compare.NewJoiner(cfg)
	var out [3]call.Identity
	for i := range out {
		s := float64(i)
		r := j.Join(attempt(s, s+0.1, 500, options...))
		if r.Identity.Attempt != i+1 || !r.Identity.Span.Valid() {
			t.Fatalf("attempt %d: %+v", i+1, r.Identity)
		}
		out[i] = r.Identity
	}
	return out
}

func TestRootWithoutTraceparent(t *testing.T) {
	ids := three(t, compare.Config{})
	if ids[0].Parent.Valid() || ids[0].First.Valid() || !ids[0].Span.Sampled {
		t.Errorf("first attempt is not a sampled root: %+v", ids[0])
	}
	for _, id := range ids[1:] {
		if id.Parent != ids[0].Span || id.First != ids[0].Span {
			t.Errorf("parent %+v, first %+v, want the first attempt %+v", id.Parent, id.First, ids[0].Span)
		}
		if id.Span.Trace != ids[0].Span.Trace || id.Span.Span == ids[0].Span.Span || !id.Span.Sampled {
			t.Errorf("span %+v is no sibling of %+v", id.Span, ids[0].Span)
		}
	}
	if ids[1].Span.Span == ids[2].Span.Span {
		t.Error("two attempts have one span id")
	}
}

func TestSampledTraceparentIsTheParent(t *testing.T) {
	never := compare.Config{Sample: func(string) bool { return false }}
	ids := three(t, never, remote(traceA, spanA, true))
	for i, id := range ids {
		if id.Parent != id.Remote || id.Span.Trace != traceA || !id.Span.Sampled {
			t.Errorf("attempt %d: %+v is not a sampled child of the client's span", i+1, id)
		}
		if (i > 0) != (id.First == ids[0].Span) {
			t.Errorf("attempt %d: first %+v", i+1, id.First)
		}
	}
}

func TestUnsampledTraceparentDoesNotHide(t *testing.T) {
	ids := three(t, compare.Config{}, remote(traceA, spanA, false))
	if ids[0].Parent.Valid() || ids[0].Span.Trace == traceA || !ids[0].Span.Sampled {
		t.Errorf("first attempt is not a root of its own: %+v", ids[0])
	}
	if !ids[0].Remote.Valid() {
		t.Error("the link to the unsampled parent is lost")
	}
	for _, id := range ids[1:] {
		if id.Span.Trace != ids[0].Span.Trace || id.Parent != ids[0].Span {
			t.Errorf("attempts do not share a trace: %+v", id)
		}
	}
}

func TestUnsampledTraceparentHonoured(t *testing.T) {
	for _, id := range three(t, compare.Config{HonourUnsampledParent: true}, remote(traceA, spanA, false)) {
		if id.Parent != id.Remote || id.Span.Trace != traceA || id.Span.Sampled {
			t.Errorf("%+v is not an unsampled child", id)
		}
	}
}

func TestMalformedTraceparentIsNone(t *testing.T) {
	for name, r := range map[string]call.SpanContext{
		"short":      {Trace: traceA[1:], Span: spanA, Sampled: true},
		"upper case": {Trace: strings.ToUpper(traceA), Span: spanA, Sampled: true},
		"zero trace": {Trace: strings.Repeat("0", 32), Span: spanA, Sampled: true},
		"zero span":  {Trace: traceA, Span: strings.Repeat("0", 16), Sampled: true},
		"no span":    {Trace: traceA, Sampled: true},
	} {
		ids := three(t, compare.Config{}, remote(r.Trace, r.Span, r.Sampled))
		if ids[0].Parent.Valid() || ids[0].Span.Trace == r.Trace {
			t.Errorf("%s: taken as parent: %+v", name, ids[0])
		}
	}
}

func TestSamplerDecidesOncePerTrace(t *testing.T) {
	var asked []string
	cfg := compare.Config{Sample: func(trace string) bool {
		asked = append(asked, trace)
		return false
	}}
	ids := three(t, cfg)
	if len(asked) != 1 || asked[0] != ids[0].Span.Trace {
		t.Errorf("sampler was asked about %v, want once about %s", asked, ids[0].Span.Trace)
	}
	for _, id := range ids {
		if id.Span.Sampled {
			t.Errorf("sampled against the sampler: %+v", id.Span)
		}
	}
}

// A traceparent that only later attempts carry wins over the first attempt's
// trace; the link keeps them together.
func TestTraceparentOnTheRetryOnly(t *testing.T) {
	j := compare.NewJoiner(compare.Config{})
	first := j.Join(attempt(0, 1, 500)).Identity
	second := j.Join(attempt(1.5, 2, 500, remote(traceA, spanA, true))).Identity
	if second.Attempt != 2 || second.Parent != second.Remote || second.First != first.Span || second.Span.Trace != traceA {
		t.Errorf("got %+v", second)
	}
}

func TestLogicalIDIsTheFirstAttempts(t *testing.T) {
	ids := three(t, compare.Config{})
	for _, id := range ids {
		if id.Logical != ids[0].ID {
			t.Errorf("logical %q, want %q", id.Logical, ids[0].ID)
		}
	}
	nameless := compare.NewJoiner(compare.Config{}).Join(call.Record{})
	if nameless.Identity.Logical == "" || nameless.Identity.Attempt != 1 {
		t.Errorf("a record without an id: %+v", nameless.Identity)
	}
}
