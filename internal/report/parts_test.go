package report

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

func TestProse(t *testing.T) {
	for in, want := range map[string][]span{
		"": nil, "plain": {{Text: "plain"}}, "a `b` c": {{Text: "a "}, {"b", true}, {Text: " c"}}, "`b`": {{"b", true}}, "odd ` one": {{Text: "odd ` one"}}, "``": nil,
	} {
		if got := prose(in); !slices.Equal(got, want) {
			t.Errorf("%q: %v", in, got)
		}
	}
}

func TestAside(t *testing.T) {
	for in, want := range map[string][2]string{
		"none": {"none", ""}, "It fails (1 of 1: x); y works.": {"It fails; y works.", "1 of 1: x"}, "a (b (c) d) e (f)": {"a e (f)", "b (c) d"},
		"open (b": {"open (b", ""}, ")(": {")(", ""}, "(all)": {"(all)", ""}, "f(x) fails (y).": {"f(x) fails.", "y"}, "a ()": {"a", ""},
	} {
		if a, b := aside(in); a != want[0] || b != want[1] {
			t.Errorf("%q: %q, %q", in, a, b)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 9999: "9999", 12345: "12\u202f345", 1234567: "1\u202f234\u202f567"} {
		if got := number(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	for _, tc := range []struct {
		n          int
		what, want string
	}{{1, "call", "1 call"}, {2, "call", "2 calls"}, {0, "class", "0 classes"}} {
		if got := count(tc.n, tc.what); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
	if got := more(3, "class"); got != "and 3 more classes" {
		t.Errorf("got %q", got)
	}
	if got := more(0, "call") + more(-1, "call"); got != "" {
		t.Errorf("got %q for no more", got)
	}
}

// TestPercentNeverRoundsAFailureAway: not all is not 100 %, and not none is not
// zero.
func TestPercentNeverRoundsAFailureAway(t *testing.T) {
	for _, tc := range []struct {
		part, whole int
		want        string
	}{{0, 7, "0 %"}, {7, 7, "100 %"}, {999, 1000, "99 %"}, {1, 1000, "< 1 %"}, {1, 3, "33 %"}} {
		if got := strings.ReplaceAll(percent(tc.part, tc.whole), "\u202f", " "); got != tc.want {
			t.Errorf("%d of %d: %q, want %q", tc.part, tc.whole, got, tc.want)
		}
	}
}

func TestLasting(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 µs", 999 * time.Microsecond: "999 µs", 1500 * time.Microsecond: "1.50 ms", 88 * time.Millisecond: "88.0 ms", 352 * time.Millisecond: "352 ms",
		2901 * time.Millisecond: "2.90 s", 61 * time.Second: "61.0 s", 240 * time.Second: "4m0s", -time.Second: "-1.00 s",
	} {
		if got := lasting(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestClockFitsItsAxis(t *testing.T) {
	at := time.Date(2026, 1, 2, 13, 4, 5, 678e6, time.FixedZone("there", 3600))
	for d, want := range map[time.Duration]string{time.Second: "12:04:05.678", time.Hour: "12:04:05", 48 * time.Hour: "Jan 2, 12:04"} {
		if got := clock(at, d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := moment(at); got != "2026-01-02 12:04:05 UTC" {
		t.Errorf("moment: %q", got)
	}
	if got := moment(time.Time{}); got != "" {
		t.Errorf("no moment: %q", got)
	}
}

func TestShortIDsAreTheEnds(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "123456789": "123456789", "0123456789": "123456789", "x模型模型模型模型模": "模型模型模型模型模"} {
		if got := shortID(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := listed([]string{"a", "b", "c"}, 2); got != "a, b and 1 more" {
		t.Errorf("got %q", got)
	}
}

func TestVersionsAreComparedByNumber(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"2.9.1", "2.11.0", -1}, {"2.11", "2.11.0", -1}, {"3", "2.99", 1}, {"1.0", "1.0", 0}, {"", "0.1", -1}, {"1.0rc1", "1.0rc2", -1}, {"dev", "1", 1}} {
		if got := byVersion(tc.a, tc.b); got != tc.want {
			t.Errorf("%q, %q: %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if got := byVersion(tc.b, tc.a); got != -tc.want {
			t.Errorf("%q, %q: %d, want %d", tc.b, tc.a, got, -tc.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain é 模型 😀": "plain é 模型 😀", "a\nb": "a⟨U+000A⟩b", "\u202e": "⟨U+202E⟩", "\x7f\u0085": "⟨U+007F⟩⟨U+0085⟩", "\xff": "\ufffd",
		"e\u0301": "e\u0301", "❤\ufe0f": "❤\ufe0f", "\U000e0100": "⟨U+E0100⟩", "\u3164": "⟨U+3164⟩", "z\u0300\u0300\u0300\u0300\u0300x\u0300": "z\u0300\u0300\u0300\u0300⟨U+0300⟩x\u0300",
	} {
		if got := visible(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := visible(strings.Repeat("a", 10*maxMasked)); len(got) != maxMasked {
		t.Errorf("%d bytes looked at", len(got))
	}
}

// TestTidyLeavesTheOriginalAlone: records are shared, and nobody may write to
// their slices.
func TestTidyLeavesTheOriginalAlone(t *testing.T) {
	type inner struct {
		List []string
		At   time.Time
		Next *inner
	}
	in := inner{List: []string{"a\x00", "b"}, At: time.Unix(1, 0), Next: &inner{List: []string{"\x01"}}}
	got := tidy(in)
	want := inner{List: []string{"a⟨U+0000⟩", "b"}, At: time.Unix(1, 0), Next: &inner{List: []string{"⟨U+0001⟩"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if in.List[0] != "a\x00" || in.Next.List[0] != "\x01" {
		t.Error("the original was changed")
	}
	if n := len(tidy(make([]string, 3*maxList))); n != maxList {
		t.Errorf("a list of %d", n)
	}
	if tidy[[]string](nil) != nil {
		t.Error("nothing became something")
	}
}

// TestModeIsNotGuessed: a call that sent no request is neither stream nor plain.
func TestModeIsNotGuessed(t *testing.T) {
	for name, tc := range map[string]struct {
		q    call.Request
		body call.Framing
		want call.Mode
	}{
		"asked for a stream":     {call.Request{Method: "POST", Mode: call.ModeStream}, call.FramingJSON, call.ModeStream},
		"asked for an answer":    {call.Request{Method: "POST", Mode: call.ModePlain}, call.FramingSSE, call.ModePlain},
		"not seen, got a stream": {call.Request{Method: "POST"}, call.FramingSSE, call.ModeStream},
		"not seen, got JSON":     {call.Request{Method: "POST"}, call.FramingJSON, call.ModeUnknown},
		"invalid flag":           {call.Request{Method: "POST", Mode: call.ModeStream, StreamFlag: call.StreamInvalid}, call.FramingJSON, call.ModePlain},
		"no request":             {call.Request{Mode: call.ModeStream}, call.FramingUnknown, call.ModeUnknown},
		"a tunnel":               {call.Request{Method: "CONNECT"}, call.FramingUnknown, call.ModeUnknown},
	} {
		r := call.Record{Request: tc.q, Response: call.Response{Body: call.BodyFacts{Framing: tc.body}}}
		if got := modeOf(&r); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// TestBarsShowOneCallBesideThousands, and grow with what they count.
func TestBarsShowOneCallBesideThousands(t *testing.T) {
	var up, down [bins]int
	up[0], up[1], down[1], down[99] = 1000, 1, 500, 1
	got := barsOf(up, down, 1000)
	const zero = half + 2
	want := []stack{{5, zero - half, zero}, {15, zero - least, zero + least + (half-least)*499/999}, {995, zero, zero + least}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAxisTakesWhatIsOutside(t *testing.T) {
	from := time.Unix(1000, 0)
	a := axis{from, 100 * time.Second}
	for d, want := range map[time.Duration]int{-time.Hour: 0, 0: 0, 50 * time.Second: 50, 100 * time.Second: 99, time.Hour: 99} {
		if got := a.bin(from.Add(d)); got != want {
			t.Errorf("%v: bin %d, want %d", d, got, want)
		}
	}
	if got := (axis{from: from}).bin(from); got != bins/2 {
		t.Errorf("a single moment is in bin %d", got)
	}
}

// TestStretches: the phases follow each other and end where the call ended.
func TestStretches(t *testing.T) {
	zero := time.Unix(1000, 0)
	at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
	sse := call.BodyFacts{Framing: call.FramingSSE}
	for name, tc := range map[string]struct {
		timing call.Timing
		body   call.BodyFacts
		want   []stretch
	}{
		"no answer":         {call.Timing{End: at(9)}, call.BodyFacts{}, []stretch{{zero, at(9), "wait"}}},
		"head alone":        {call.Timing{Headers: at(2), End: at(9)}, call.BodyFacts{}, []stretch{{zero, at(2), "wait"}, {at(2), at(9), "head"}}},
		"plain":             {call.Timing{Headers: at(2), FirstByte: at(3), LastByte: at(8), End: at(9)}, call.BodyFacts{}, []stretch{{zero, at(2), "wait"}, {at(2), at(3), "head"}, {at(3), at(8), "body"}}},
		"stream":            {call.Timing{Headers: at(2), FirstByte: at(3), FirstContent: at(5), LastByte: at(8), End: at(9)}, sse, []stretch{{zero, at(2), "wait"}, {at(2), at(5), "head"}, {at(5), at(8), "body"}}},
		"cut, no last byte": {call.Timing{Headers: at(2), FirstByte: at(3), End: at(9)}, sse, []stretch{{zero, at(2), "wait"}, {at(2), at(3), "head"}, {at(3), at(9), "body"}}},
	} {
		r := call.Record{Identity: call.Identity{Start: zero}, Timing: tc.timing, Response: call.Response{Status: 200, Body: tc.body}}
		if got := stretches(&r); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := stretches(&call.Record{}); got != nil {
		t.Errorf("a call without a start: %v", got)
	}
}

// TestFallShowsMomentsThatTookNoTime, all on one axis, the newest attempts.
func TestFallShowsMomentsThatTookNoTime(t *testing.T) {
	zero := time.Unix(1000, 0)
	one := func(n int, from, to time.Duration) *call.Record {
		r := &call.Record{Identity: call.Identity{Start: zero.Add(from), Attempt: n}, Request: call.Request{Method: "POST"}, Response: call.Response{Status: 500}}
		r.Timing = call.Timing{Headers: zero.Add(to), FirstByte: zero.Add(to), LastByte: zero.Add(to), End: zero.Add(to)}
		return r
	}
	var failing []*call.Record
	for n := 1; n <= 7; n++ {
		failing = append(failing, one(n, time.Duration(n)*time.Second, time.Duration(n)*time.Second))
	}
	f := fallOf(failing, []*call.Record{one(1, time.Hour, time.Hour+8*time.Second)})
	if len(f.Rows) != maxAttempts+1 || f.More != "and 2 more attempts" || !slices.Equal(f.Axis, []string{"0", "4.00 s", "8.00 s"}) {
		t.Fatalf("%d rows, %q, axis %v", len(f.Rows), f.More, f.Axis)
	}
	for i, r := range f.Rows {
		for _, b := range r.Bars {
			if b.X2-b.X1 < 4 || b.X1 < 0 || b.X2 > width {
				t.Errorf("row %d (%s): a bar from %d to %d", i, r.Name, b.X1, b.X2)
			}
		}
	}
	if f.Rows[0].Name != "failing, attempt 3" || f.Rows[0].End != 0 || f.Rows[4].End != 500 || f.Rows[5].Name != "working" || f.Rows[5].End != width {
		t.Errorf("rows %+v", f.Rows)
	}
}
