package explain_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

func TestTimelineOfAStream(t *testing.T) {
	r := streamCall(func(r *call.Record) {
		r.Stream.Keepalives, r.Stream.MaxDataGap = 2, 500*time.Millisecond
		r.Stream.Oddities = []call.Oddity{{Name: "choices_empty", Count: 1}, {Name: "crlf", Count: 42}}
	})
	want := []string{
		"0 s |s...hb-c======================================================le| 2.901 s",
		"    0.001 s  s  request sent",
		"    0.200 s  h  headers: 200",
		"    0.201 s  b  first byte",
		"    0.350 s  c  first content",
		"    2.900 s  l  last byte",
		"    2.901 s  e  end: the service ended its message",
		"                the answer was complete",
		"42 events, 40 with content, in 41 bursts of up to 2 events: steadily",
		"longest silence 0.400 s, 14 % of the time",
		"longest time between two events 0.500 s, 17 % of the time",
		"2 keep-alives without content",
		"peculiar: choices_empty ×1, crlf ×42",
	}
	if got := explain.Timeline(r); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTimelineOfAPlainCallIsShort(t *testing.T) {
	want := []string{
		"    0.001 s  s  request sent",
		"    0.350 s  h  headers: 200",
		"    0.352 s  l  last byte",
		"    0.353 s  e  end: the service ended its message",
		"                the answer was complete",
	}
	if got := explain.Timeline(plainCall()); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// TestWhatDidNotHappenIsNotOnTheTimeline, and never at second 0.
func TestWhatDidNotHappenIsNotOnTheTimeline(t *testing.T) {
	for name, tc := range map[string]struct {
		edit edit
		want []string
	}{
		"no answer": {func(r *call.Record) {
			r.Response, r.Stream = call.Response{}, call.Stream{}
			r.Timing = call.Timing{RequestSent: after(1), End: after(60000)}
			r.End = call.End{Side: call.SideClient, Kind: call.EndClosed}
		}, []string{"    0.001 s  s  request sent", "   60.000 s  e  end: the client closed its connection"}},
		"a crash": {func(r *call.Record) {
			r.Response, r.Stream = call.Response{}, call.Stream{}
			r.Timing = call.Timing{RequestSent: after(1)}
			r.End = call.End{Side: call.SideAgent, Reason: "crash"}
		}, []string{"    0.001 s  s  request sent", "                llmtap ended it (crash)"}},
		"in flight": {func(r *call.Record) {
			r.Response, r.Stream, r.Timing, r.End = call.Response{}, call.Stream{}, call.Timing{}, call.End{}
		}, []string{"                who ended it is not known"}},
		"no start": {func(r *call.Record) { r.Identity.Start = time.Time{} }, []string{"when it began is not known"}},
		"not even a byte": {func(r *call.Record) {
			r.Timing = call.Timing{RequestSent: after(1), Headers: after(100), End: after(100)}
			r.Stream, r.Response.Body.Framing = call.Stream{}, call.FramingEmpty
			r.End = call.End{Side: call.SideUpstream, Kind: call.EndReset}
		}, []string{
			"0 s |s.............................................................he| 0.100 s",
			"    0.001 s  s  request sent", "    0.100 s  h  headers: 200",
			"    0.100 s  e  end: the service, or something on the way, reset the connection", "                the answer was not complete",
		}},
	} {
		r := streamCall(tc.edit)
		got := explain.Timeline(r)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
		}
	}
}

// TestAxisShowsEveryMarkInOrder, however close or odd the moments are: none
// hides another, and a clock that stepped does not break the drawing.
func TestAxisShowsEveryMarkInOrder(t *testing.T) {
	for name, ms := range map[string][6]int{
		"spread":          {100, 500, 600, 900, 2900, 3000},
		"all at the end":  {2996, 2997, 2998, 2999, 3000, 3000},
		"all at once":     {3000, 3000, 3000, 3000, 3000, 3000},
		"at the start":    {0, 0, 0, 0, 0, 3000},
		"before it began": {-5000, -4000, 1, 2, 3, 3000},
		"after its end":   {1, 2, 3, 4000, 5000, 3000},
	} {
		r := streamCall(func(r *call.Record) {
			r.Timing = call.Timing{RequestSent: after(ms[0]), Headers: after(ms[1]), FirstByte: after(ms[2]), FirstContent: after(ms[3]), LastByte: after(ms[4]), End: after(ms[5])}
		})
		line := explain.Timeline(r)[0]
		axis := line[strings.IndexByte(line, '|')+1 : strings.LastIndexByte(line, '|')]
		marks := strings.Trim(strings.Map(func(r rune) rune {
			if strings.ContainsRune(".-=", r) {
				return -1
			}
			return r
		}, axis), " ")
		if marks != "shbcle" || len(axis) != 64 {
			t.Errorf("%s: marks %q on %d columns: %s", name, marks, len(axis), line)
		}
	}
}

// TestGapsAreAShareOfWhatTheyLieIn, or of nothing.
func TestGapsAreAShareOfWhatTheyLieIn(t *testing.T) {
	for gap, want := range map[time.Duration]string{
		time.Second: "longest silence 1.000 s, 34 % of the time", time.Minute: "longest silence 60.000 s",
	} {
		r := streamCall(func(r *call.Record) { r.Stream.MaxGap = gap })
		if got := explain.Timeline(r); !slices.Contains(got, want) {
			t.Errorf("%v: got %q", gap, got)
		}
	}
}

// TestRhythm names the manner of arrival only where it is plain.
func TestRhythm(t *testing.T) {
	for name, tc := range map[string]struct {
		events, bursts, largest int
		want                    string
	}{
		"steady":      {60, 58, 2, ": steadily"},
		"one block":   {60, 1, 60, ": all at once"},
		"two blocks":  {60, 2, 40, ": all at once"},
		"lumps":       {64, 8, 8, ": in lumps"},
		"in between":  {60, 20, 9, ""},
		"too few":     {5, 1, 5, ""},
		"not counted": {60, 0, 0, ""},
	} {
		r := streamCall(func(r *call.Record) {
			r.Stream = call.Stream{Events: tc.events, ContentEvents: tc.events, Bursts: tc.bursts, LargestBurst: tc.largest}
		})
		text := strings.Join(explain.Timeline(r), "\n")
		_, after, _ := strings.Cut(text, " with content, in ")
		if _, rhythm, has := strings.Cut(after, ":"); has != (tc.want != "") || has && ":"+rhythm != tc.want {
			t.Errorf("%s: %s", name, after)
		}
	}
}

// TestEndings: each end of the table has words of its own, any other too.
func TestEndings(t *testing.T) {
	said := map[string]bool{}
	for side := call.SideUnknown; side <= call.SideAgent; side++ {
		for kind := call.EndUnknown; kind <= call.EndPolicy; kind++ {
			r := plainCall(func(r *call.Record) { r.End = call.End{Side: side, Kind: kind, H2Code: 8} })
			got := explain.Ending(r)
			if got == "" || strings.Contains(got, "{") {
				t.Errorf("%v %v: %q", side, kind, got)
			}
			if want := map[call.Side]string{call.SideUnknown: "not known", call.SideAgent: "llmtap"}[side]; !strings.Contains(got, want) {
				t.Errorf("%v %v: %q does not say who", side, kind, got)
			}
			said[got] = true
		}
	}
	if len(said) < 30 {
		t.Errorf("only %d different ends", len(said))
	}
	for want, end := range map[string]call.End{
		"the service ended its message; the answer was complete":                                                   {Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		"the service ended its message; the answer was not complete":                                               {Side: call.SideUpstream, Kind: call.EndEOF},
		"the client cancelled the stream (code 8); the answer was not complete":                                    {Side: call.SideClient, Kind: call.EndH2RST, H2Code: 8},
		"the service closed the connection in mid-message; the answer was not complete (rst)":                      {Side: call.SideUpstream, Kind: call.EndShort, Reason: "rst"},
		"llmtap ended it (shutdown); the answer was not complete":                                                  {Side: call.SideAgent, Kind: call.EndClosed, Reason: "shutdown"},
		"the service, or something on the way, reset the stream (code 2); the answer was complete (stream closed)": {Side: call.SideUpstream, Kind: call.EndH2RST, H2Code: 2, Terminal: true, Reason: "stream closed"},
	} {
		if got := explain.Ending(plainCall(func(r *call.Record) { r.End = end })); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestHeadline(t *testing.T) {
	for name, tc := range map[string]struct {
		record call.Record
		want   string
	}{
		"the diagnosis": {plainCall(func(r *call.Record) { r.Diagnosis.Text = "The model refuses `seed`." }), "The model refuses `seed`."},
		"a stream":      {streamCall(), "It worked: a stream whose first content came after 0.350 s, complete after 2.901 s."},
		"empty stream":  {streamCall(func(r *call.Record) { r.Timing.FirstContent = time.Time{} }), "It worked: a stream without content, complete after 2.901 s."},
		"plain":         {plainCall(), "It worked: one answer, complete after 0.353 s."},
		"upgrade": {plainCall(func(r *call.Record) { r.Response.Status, r.Diagnosis.Class = 101, call.ClassUnknown }),
			"It worked: one answer, complete after 0.353 s."},
		"redirect":     {plainCall(func(r *call.Record) { r.Response.Status, r.Diagnosis.Class = 304, call.ClassUnknown }), "It ended after 0.353 s with status 304."},
		"unclassified": {plainCall(func(r *call.Record) { r.Response.Status, r.Diagnosis.Class = 500, call.ClassUnknown }), "It failed after 0.353 s, and why is not known."},
		"left": {plainCall(func(r *call.Record) {
			r.Diagnosis.Class, r.End = call.ClassUnknown, call.End{Side: call.SideClient, Kind: call.EndClosed}
		}), "The client left after 0.353 s, before the answer was complete."},
		"nothing known": {call.Record{}, "How it ended is not known."},
	} {
		if got := explain.Headline(tc.record); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}
