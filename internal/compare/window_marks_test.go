package compare_test

import (
	"slices"
	"testing"
	"time"

	"llmtap/internal/call"
)

// marked observes the calls and returns the marks of the last.
func marked(calls ...one) []string {
	s := story{now: zero}
	w := watch()
	var last call.Record
	for _, options := range calls {
		last = s.call(options...)
		w.observe(last)
	}
	return w.Marks(last)
}

func times(n int, options ...option) []one {
	return slices.Repeat([]one{options}, n)
}

func core(s string) option {
	return func(r *call.Record) { r.Request.Hints.Core = digest(s) }
}

func after(gap time.Duration) option {
	return func(r *call.Record) {
		r.Identity.Start = r.Identity.Start.Add(gap - 5*time.Second) // calls are five seconds apart
	}
}

func choked(kind string) option {
	return func(r *call.Record) {
		stopped(r)
		r.Stream.Oddities = []call.Oddity{{Name: kind, Count: 1}}
		r.Diagnosis = call.Diagnosis{Class: call.ClassClientChoked, Reason: kind, Severity: call.SeverityError}
	}
}

func survived(kind string) option {
	return func(r *call.Record) {
		stream(r)
		r.Stream.Oddities = []call.Oddity{{Name: kind, Count: 1}}
	}
}

func stoppedAt(event int, elapsed time.Duration) option {
	return func(r *call.Record) {
		stream(r)
		stopped(r)
		r.Stream.Events = event
		r.Timing.End = r.Identity.Start.Add(elapsed)
	}
}

// paced is a long stream; held ones come in lumps.
func paced(held bool) option {
	return func(r *call.Record) {
		stream(r)
		r.Stream.Events, r.Stream.ContentEvents = 50, 49
		r.Timing.End = r.Identity.Start.Add(8 * time.Second)
		if held {
			r.Diagnosis = call.Diagnosis{Class: call.ClassStreamBuffered, Reason: "lumpy", Severity: call.SeverityWarn}
		}
	}
}

func elsewhere(r *call.Record) {
	r.Target.Host, r.Target.Provider = "svc.example", "openai_compatible"
	r.Target.RoutePrefix = "/other"
}

func plainHost(r *call.Record) { r.Target.Provider = "openai_compatible" }

func TestMarks(t *testing.T) {
	for _, tc := range []struct {
		name  string
		calls []one
		want  []string
	}{
		{"v-fallback", []one{{stream, fails, core("x")}, {core("x"), after(time.Second)}}, []string{"mode_fallback"}},
		{"fallback: too late", []one{{stream, fails, core("x")}, {core("x"), after(6 * time.Second)}}, nil},
		{"fallback: other body", []one{{stream, fails, core("x")}, {core("y"), after(time.Second)}}, nil},
		{"fallback: body not known", []one{{stream, fails}, {after(time.Second)}}, nil},
		{"fallback: other user", []one{{stream, fails, core("x")}, {core("x"), after(time.Second), from("10.0.0.9")}}, nil},
		{"fallback: same mode", []one{{stream, fails, core("x")}, {stream, core("x"), after(time.Second)}}, nil},
		{"fallback: the first worked", []one{{stream, core("x")}, {core("x"), after(time.Second)}}, nil},

		{"cl-choke", times(3, stream, choked("choices_empty")), []string{"client_choked_sure"}},
		{"choke: twice", times(2, stream, choked("choices_empty")), nil},
		{"choke: it got through one", append([]one{{survived("choices_empty")}}, times(3, stream, choked("choices_empty"))...), nil},
		{"choke: it got through another kind", append([]one{{survived("crlf")}}, times(3, stream, choked("choices_empty"))...), []string{"client_choked_sure"}},
		{"choke: two kinds", append(times(2, stream, choked("choices_empty")), one{stream, choked("crlf")}), nil},

		{"cl-abort", times(12, stoppedAt(1, time.Second)), []string{"framework_abort"}},
		{"abort: one time, several events", slices.Concat(times(5, stoppedAt(3, 7*time.Second)), times(5, stoppedAt(4, 7*time.Second))), []string{"framework_abort"}},
		{"abort: nine streams", times(9, stoppedAt(1, time.Second)), nil},
		{"abort: others complete", append(times(3, stream), times(9, stoppedAt(1, time.Second))...), nil},
		{"abort: at many points", []one{
			{stoppedAt(1, time.Second)}, {stoppedAt(2, 2*time.Second)}, {stoppedAt(3, 3*time.Second)}, {stoppedAt(4, 4*time.Second)},
			{stoppedAt(5, 5*time.Second)}, {stoppedAt(6, 6*time.Second)}, {stoppedAt(7, 7*time.Second)}, {stoppedAt(8, 8*time.Second)},
			{stoppedAt(9, 9*time.Second)}, {stoppedAt(10, 10*time.Second)}, {stoppedAt(11, 11*time.Second)},
		}, nil},

		{"buf-azure", times(21, paced(true)), []string{"lumpy_by_design"}},
		{"lumps: one block each", times(21, paced(true), func(r *call.Record) { r.Diagnosis.Reason = "one_block" }), nil},
		{"lumps: too few", times(19, paced(true)), nil},
		{"lumps: no Azure", times(21, paced(true), plainHost), nil},
		{"buffered: another route is smooth", append([]one{{paced(false), elsewhere}}, times(20, paced(true), plainHost)...), []string{"stream_buffered_sure"}},
		{"buffered: another client is smooth", append([]one{{paced(false), plainHost, client("curl", "8")}}, times(20, paced(true), plainHost)...), []string{"stream_buffered_sure"}},
		{"buffered: a smooth one is not", append(append([]one{{paced(false), elsewhere}}, times(20, paced(true), plainHost)...), one{paced(false), plainHost}), nil},
		{"nothing to say", []one{{}, {stream}}, nil},
	} {
		if got := marked(tc.calls...); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// TestLumpsOpenNothing: buf-azure has no verdict.
func TestLumpsOpenNothing(t *testing.T) {
	if w := told(times(30, paced(true))...); len(w.all) != 0 {
		t.Errorf("%v", w.all)
	}
}
