package diagnose

import (
	"slices"
	"strings"

	"llmtap/internal/call"
)

// tagsOf lists the marks that are no failure, in a fixed order.
func tagsOf(f *facts, d call.Diagnosis) []string {
	var out []string
	for _, t := range tags {
		if t.is(f, d) {
			out = append(out, t.name)
		}
	}
	for _, o := range f.r.Stream.Oddities {
		if slices.Contains(fragile, o.Name) {
			out = append(out, "sse_fragile:"+o.Name)
		}
	}
	if f.abandoned() && d.Class != call.ClassClientChoked {
		for _, kind := range lastFragile(f) {
			out = append(out, "after_fragile:"+kind)
		}
	}
	return out
}

var tags = []struct {
	name string
	is   func(*facts, call.Diagnosis) bool
}{
	{"done_missing", func(f *facts, _ call.Diagnosis) bool {
		// Gemini has no marker in SSE.
		return ended(f) && f.r.Stream.Finish && !f.r.Stream.Done && !f.api("gemini", "vertex.gemini")
	}},
	{"finish_missing", func(f *facts, _ call.Diagnosis) bool {
		return ended(f) && f.r.Stream.Done && !f.r.Stream.Finish && f.r.Stream.ContentEvents > 0
	}},
	{"sequence_gap", func(f *facts, _ call.Diagnosis) bool { return f.odd("sequence_gap") > 0 }},
	{"late_events", func(f *facts, _ call.Diagnosis) bool { return f.odd("after_terminal") > 0 }},
	{"output_limit", func(f *facts, _ call.Diagnosis) bool { return f.finished("length") }},
	{"usage_missing", usageMissing},
	{"slow_first_token", func(f *facts, _ call.Diagnosis) bool {
		return f.stream && f.since(f.r.Timing.FirstContent) > slowFirstToken
	}},
	{"retry_burst", func(f *facts, _ call.Diagnosis) bool { return f.r.Identity.Attempt > 1 }},
	{"invalid_flag_accepted", func(f *facts, _ call.Diagnosis) bool {
		return f.r.Request.StreamFlag == call.StreamInvalid && f.r.Response.Status >= 200 && f.r.Response.Status < 300
	}},
	{"foreign_4xx", func(f *facts, d call.Diagnosis) bool {
		return d.Class == call.ClassRequestRejected && !f.own
	}},
	{"upstream_not_cancelled", func(f *facts, _ call.Diagnosis) bool {
		return f.r.End.Side == call.SideClient && f.r.Agent.Overrun > overrunAfter
	}},
	{"decode_limit", func(f *facts, _ call.Diagnosis) bool {
		return gaveUp(f.r) || slices.Contains(f.r.Agent.Lost, "decode_limit")
	}},
}

// ended reports whether the service ended a decoded stream without an error,
// so that a missing mark is missing.
func ended(f *facts) bool {
	return f.stream && f.dialect && f.r.StreamBody() && !f.r.Stream.Errored && f.r.End.Side == call.SideUpstream &&
		f.r.Response.Status < 300
}

// usageMissing: a generated answer came to its end without its price.
func usageMissing(f *facts, _ call.Diagnosis) bool {
	r := f.r
	return f.stream && f.dialect && f.terminal && r.Response.Status < 300 && r.Stream.ContentEvents > 0 &&
		!r.Usage.Input.Known && !r.Usage.Output.Known && !strings.HasSuffix(r.Target.API, "embeddings")
}
