package compare_test

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// numbers joins records in order and returns, per record, the logical call as
// a number in order of appearance and the attempt within it.
func numbers(j *compare.Joiner, records ...call.Record) [][2]int {
	var seen []string
	var out [][2]int
	for _, r := range records {
		r = j.Join(r)
		i := slices.Index(seen, r.Identity.Logical)
		if i < 0 {
			i = len(seen)
			seen = append(seen, r.Identity.Logical)
		}
		out = append(out, [2]int{i + 1, r.Identity.Attempt})
	}
	return out
}

func TestAttemptsFold(t *testing.T) {
	for _, tc := range []struct {
		name    string
		records []call.Record
		want    [][2]int
	}{
		{
			"openai-python: three 500s with counts",
			[]call.Record{attempt(0, 0.2, 500, count(0)), attempt(0.7, 0.9, 500, count(1)), attempt(1.9, 2.1, 500, count(2))},
			[][2]int{{1, 1}, {1, 2}, {1, 3}},
		},
		{
			"openai 1.6.1: three 500s without counts",
			[]call.Record{attempt(0, 0.1, 500), attempt(0.9, 1, 500), attempt(2.7, 2.8, 500)},
			[][2]int{{1, 1}, {1, 2}, {1, 3}},
		},
		{
			"LangChain JS: five times, count 0 each, the last gap beyond ten seconds",
			[]call.Record{
				attempt(0, 0.1, 500, count(0)), attempt(1.7, 1.8, 500, count(0)), attempt(4.6, 4.7, 500, count(0)),
				attempt(9.7, 9.8, 500, count(0)), attempt(21.4, 21.5, 500, count(0)),
			},
			[][2]int{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}},
		},
		{
			"LlamaIndex: the count restarts",
			[]call.Record{
				attempt(0, 0.1, 500, count(2)), attempt(1, 1.1, 500, count(3)),
				attempt(2, 2.1, 500, count(0)), attempt(3, 3.1, 500, count(1)),
			},
			[][2]int{{1, 1}, {1, 2}, {1, 3}, {1, 4}},
		},
		{
			"429, then success",
			[]call.Record{attempt(0, 0.2, 429, count(0)), attempt(1, 3, 200, count(1))},
			[][2]int{{1, 1}, {1, 2}},
		},
		{
			"refused connections",
			[]call.Record{attempt(0, 0.1, 0, refusedConn), attempt(0.6, 0.7, 0, refusedConn), attempt(2, 3, 200)},
			[][2]int{{1, 1}, {1, 2}, {1, 3}},
		},
		{
			"sent again a minute after a 500",
			[]call.Record{attempt(0, 0.2, 500), attempt(60, 60.2, 500)},
			[][2]int{{1, 1}, {2, 1}},
		},
		{
			"sent again right after a success",
			[]call.Record{attempt(0, 2, 200, count(0)), attempt(2.5, 4, 200, count(0))},
			[][2]int{{1, 1}, {2, 1}},
		},
		{
			"a 400 is final",
			[]call.Record{attempt(0, 0.2, 400), attempt(1, 1.2, 400)},
			[][2]int{{1, 1}, {2, 1}},
		},
		{
			"the service forbids retries",
			[]call.Record{attempt(0, 0.2, 500, header("x-should-retry", "false")), attempt(1, 1.2, 500)},
			[][2]int{{1, 1}, {2, 1}},
		},
		{
			"overlapping equal requests are two calls",
			[]call.Record{attempt(0, 1, 500), attempt(0.5, 1.5, 500)},
			[][2]int{{1, 1}, {2, 1}},
		},
		{
			"parallel chains of equal requests do not mix",
			[]call.Record{
				attempt(0, 1, 500, count(0)), attempt(0.1, 1.1, 500, count(0)),
				attempt(1.5, 2, 500, count(1)), attempt(1.6, 2.1, 500, count(1)),
			},
			[][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}},
		},
		{
			"the count picks the right one of two waiting calls",
			[]call.Record{
				attempt(0, 1, 500, count(0)), attempt(0.5, 1.9, 500, count(0)), attempt(1.5, 2, 500, count(1)),
				attempt(2.5, 3, 500, count(2)),
			},
			[][2]int{{1, 1}, {2, 1}, {1, 2}, {1, 3}},
		},
		{
			"the client hung up on the headers of a 500 and asks again",
			[]call.Record{attempt(0, 1, 500, hungUp), attempt(1.5, 2, 500)},
			[][2]int{{1, 1}, {1, 2}},
		},
		{
			"the client hung up later than an equal request began",
			[]call.Record{attempt(0, 1, 500, hungUp), attempt(0.5, 2.5, 500)},
			[][2]int{{1, 1}, {2, 1}},
		},
	} {
		if got := numbers(compare.NewJoiner(compare.Config{}), tc.records...); !slices.Equal(got, tc.want) {
			t.Errorf("%s:\n got %v\nwant %v", tc.name, got, tc.want)
		}
	}
}

func TestHints(t *testing.T) {
	for _, tc := range []struct {
		name    string
		records []call.Record
		want    int // attempt number of the last record
	}{
		{"one higher count stretches the window", []call.Record{attempt(0, 0.2, 500, count(0)), attempt(100, 101, 500, count(1))}, 2},
		{"but not beyond two minutes", []call.Record{attempt(0, 0.2, 500, count(0)), attempt(120.3, 121, 500, count(1))}, 1},
		{"a count two higher says nothing", []call.Record{attempt(0, 0.2, 500, count(0)), attempt(100, 101, 500, count(2))}, 1},
		{"one higher count joins after any end", []call.Record{attempt(0, 0.2, 200, count(0)), attempt(1, 2, 200, count(1))}, 2},
		{"a first count joins nothing by itself", []call.Record{attempt(0, 0.2, 200), attempt(1, 2, 200, count(1))}, 1},
		{
			"client timed out and asks again before the service's leg is over",
			[]call.Record{attempt(0, 35, 0, count(0), left), attempt(30.5, 40, 200, count(1))},
			2,
		},
		{"client left without a hint", []call.Record{attempt(0, 30, 0, left), attempt(30.5, 40, 200)}, 1},
		{"one invocation", []call.Record{attempt(0, 1, 200, invocation("a")), attempt(90, 91, 200, invocation("a"))}, 2},
		{"two invocations never join", []call.Record{attempt(0, 1, 500, invocation("a")), attempt(1.1, 2, 500, invocation("b"))}, 1},
		{"two invocations beat the count", []call.Record{attempt(0, 1, 500, invocation("a"), count(0)), attempt(1.1, 2, 500, invocation("b"), count(1))}, 1},
		{"an invocation against none says nothing", []call.Record{attempt(0, 1, 500, invocation("a")), attempt(1.1, 2, 500)}, 2},
		{"a count that is no number", []call.Record{attempt(0, 1, 500, count(-5)), attempt(1.1, 2, 500, count(-4))}, 2},
	} {
		got := numbers(compare.NewJoiner(compare.Config{}), tc.records...)
		if last := got[len(got)-1][1]; last != tc.want {
			t.Errorf("%s: last attempt is number %d, want %d", tc.name, last, tc.want)
		}
	}
}

func TestRetryWindow(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after string // second attempt's start, seconds after the first one's end
		value string // retry-after
		ms    string // retry-after-ms
		gap   float64
		want  bool
	}{
		{name: "ten seconds", after: "10", want: true},
		{name: "beyond ten seconds", after: "10.001"},
		{name: "retry-after and two", after: "32", value: "30", want: true},
		{name: "beyond retry-after and two", after: "32.001", value: "30"},
		{name: "short retry-after does not shorten", after: "9", value: "1", want: true},
		{name: "retry-after-ms", after: "17", ms: "15000", want: true},
		{name: "beyond retry-after-ms", after: "17.001", ms: "15000"},
		{name: "retry-after as a date", after: "61", value: "Fri, 02 Jan 2026 03:05:05 GMT", want: true},
		{name: "beyond the date", after: "62.001", value: "Fri, 02 Jan 2026 03:05:05 GMT"},
		{name: "nonsense date", after: "11", value: "tomorrow"},
		{name: "negative", after: "11", value: "-100"},
		{name: "absurd wait is cut", after: "120", value: "1e300", want: true},
		{name: "beyond two minutes", after: "120.001", value: "1e300"},
		{name: "date in a thousand years", after: "120.001", value: "Fri, 02 Jan 3026 03:05:05 GMT"},
		{name: "four times the gap before", after: "20", gap: 5, want: true},
		{name: "beyond four times", after: "20.001", gap: 5},
		{name: "small gap before", after: "10", gap: 1, want: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := compare.NewJoiner(compare.Config{})
			end := 0.0
			if tc.gap > 0 {
				j.Join(attempt(-tc.gap-1, -tc.gap, 500))
			}
			j.Join(attempt(0, end, 500, header("retry-after", tc.value), header("retry-after-ms", tc.ms)))
			after, err := strconv.ParseFloat(tc.after, 64)
			if err != nil {
				t.Fatal(err)
			}
			r := j.Join(attempt(after, after+1, 500))
			if got := r.Identity.Attempt > 1; got != tc.want {
				t.Errorf("joined %v, want %v", got, tc.want)
			}
		})
	}
}

func TestGenerateStaysFive(t *testing.T) {
	j := compare.NewJoiner(compare.Config{})
	got := numbers(j,
		attempt(0, 2, 200, body("outline")),
		attempt(2.1, 3, 500, body("title")), attempt(2.1, 3.5, 500, body("summary")), attempt(2.1, 4, 200, body("code")),
		attempt(3.6, 4.5, 200, body("title")), attempt(4.1, 5, 200, body("summary")),
		attempt(5.1, 6, 200, body("improve")),
	)
	if want := [][2]int{{1, 1}, {2, 1}, {3, 1}, {4, 1}, {2, 2}, {3, 2}, {5, 1}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDifferentKeysDoNotFold(t *testing.T) {
	for name, change := range map[string]func(*call.Record){
		"body":    body("another"),
		"user":    func(r *call.Record) { r.Client.User = "ada" },
		"address": func(r *call.Record) { r.Client.Address = "10.0.0.8" },
		"client":  func(r *call.Record) { r.Client.Name = "curl" },
		"rule":    func(r *call.Record) { r.Client.Rule = "sdk-lc" },
		"agent":   func(r *call.Record) { r.Client.UserAgent = "OpenAI/Python 1.61.0" },
		"sdk":     func(r *call.Record) { r.Client.SDKVersion = "1.61.0" },
		"host":    func(r *call.Record) { r.Target.Host = "other.example" },
		"port":    func(r *call.Record) { r.Target.Port = 8443 },
		"path":    func(r *call.Record) { r.Request.Path = "/openai/deployments/e/chat/completions" },
		"method":  func(r *call.Record) { r.Request.Method = "PUT" },
	} {
		got := numbers(compare.NewJoiner(compare.Config{}), attempt(0, 1, 500, count(0)), attempt(1.5, 2, 500, count(1), change))
		if want := [][2]int{{1, 1}, {2, 1}}; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want two calls", name, got)
		}
	}
}

// What the process of the client tells is known for one attempt and not for
// another, whose search was not over in time: they are one call all the same.
func TestProcessFactsDoNotSplitACall(t *testing.T) {
	wire := func(r *call.Record) {
		r.Client = call.Client{Name: "langchain", Rule: "rag-stuff", UserAgent: "langchain-partner-python-azure-openai", Address: "127.0.0.1"}
	}
	known := func(r *call.Record) {
		r.Client.Name, r.Client.Version, r.Client.Framework = "jupyter-ai", "2.31.7", "langchain"
		r.Client.Process = call.Process{PID: 7, Name: "jupyter-lab"}
	}
	got := numbers(compare.NewJoiner(compare.Config{}), attempt(0, 1, 500, wire), attempt(1.5, 2, 500, wire, known), attempt(2.5, 3, 200, wire))
	if want := [][2]int{{1, 1}, {1, 2}, {1, 3}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want one call", got)
	}
}

// The address stands in for the user only where there is none: behind a pool
// of addresses one user's retries still fold.
func TestUserBeatsAddress(t *testing.T) {
	ada := func(address string) func(*call.Record) {
		return func(r *call.Record) { r.Client.User, r.Client.Address = "ada", address }
	}
	got := numbers(compare.NewJoiner(compare.Config{}), attempt(0, 1, 500, ada("10.0.0.1")), attempt(1.5, 2, 500, ada("10.0.0.2")))
	if want := [][2]int{{1, 1}, {1, 2}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want one call", got)
	}
}

// What was not seen is not equal: connections without a request, and requests
// whose body could not be read.
func TestUnknownRequestsDoNotFold(t *testing.T) {
	for name, unknown := range map[string]func(*call.Record){
		"no request": func(r *call.Record) { r.Request = call.Request{} },
		"no digest":  func(r *call.Record) { r.Request.Hints.Body = call.Digest{} },
	} {
		got := numbers(compare.NewJoiner(compare.Config{}), attempt(0, 1, 0, refusedConn, unknown), attempt(1.5, 2, 0, refusedConn, unknown))
		if want := [][2]int{{1, 1}, {2, 1}}; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want two calls", name, got)
		}
	}
}

func TestJoinedRecordIsLeftAlone(t *testing.T) {
	j := compare.NewJoiner(compare.Config{})
	r := j.Join(attempt(0, 1, 500))
	if again := j.Join(r); again.Identity != r.Identity {
		t.Errorf("got %+v, want %+v", again.Identity, r.Identity)
	}
}

func TestOldestIsForgottenAndCounted(t *testing.T) {
	j := compare.NewJoiner(compare.Config{Size: 2})
	j.Join(attempt(0, 1, 500, body("a")))
	j.Join(attempt(0, 1.1, 500, body("b")))
	j.Join(attempt(0, 1.2, 500, body("c")))
	if n := j.Evicted(); n != 1 {
		t.Errorf("evicted %d, want 1", n)
	}
	got := numbers(j, attempt(2, 3, 200, body("a")), attempt(2, 3, 200, body("b")), attempt(2, 3, 200, body("c")))
	if want := [][2]int{{1, 1}, {2, 2}, {3, 2}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: a forgotten, b and c continued", got, want)
	}
}

func TestFinalCallsMakeRoomFirst(t *testing.T) {
	j := compare.NewJoiner(compare.Config{Size: 2})
	j.Join(attempt(0, 1, 500, body("waits"), count(0)))
	for i := range 10 {
		j.Join(attempt(0, 1.1, 200, body("done"+strconv.Itoa(i)), count(0)))
	}
	if r := j.Join(attempt(2, 3, 200, body("waits"), count(1))); r.Identity.Attempt != 2 || j.Evicted() != 0 {
		t.Errorf("attempt %d, evicted %d: a call that waits gave way to one that was over", r.Identity.Attempt, j.Evicted())
	}
}

func TestLongAgoIsNotCounted(t *testing.T) {
	j := compare.NewJoiner(compare.Config{Size: 1})
	j.Join(attempt(0, 1, 500, body("a")))
	j.Join(attempt(500, 501, 500, body("b")))
	if n := j.Evicted(); n != 0 {
		t.Errorf("evicted %d, want 0: no retry was to be expected any more", n)
	}
}

func TestEqualRequestsAreBounded(t *testing.T) {
	j := compare.NewJoiner(compare.Config{})
	for range 100 {
		j.Join(attempt(0, 1, 500)) // all overlap, so none joins another
	}
	if n := j.Evicted(); n != 100-32 {
		t.Errorf("evicted %d, want 68", n)
	}
}

// A call that streams for an hour after its first attempt failed still belongs
// to that attempt.
func TestLongSecondAttempt(t *testing.T) {
	got := numbers(compare.NewJoiner(compare.Config{}), attempt(0, 0.1, 503), attempt(5, 6, 200, body("other")), attempt(0.6, 3600, 200))
	if want := [][2]int{{1, 1}, {2, 1}, {1, 2}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestIDsSurviveABadSource(t *testing.T) {
	for name, src := range map[string]*bytes.Reader{"dry": bytes.NewReader(nil), "zeros": bytes.NewReader(make([]byte, 64))} {
		r := compare.NewJoiner(compare.Config{Rand: src}).Join(attempt(0, 1, 200))
		if s := r.Identity.Span; len(s.Trace) != 32 || len(s.Span) != 16 {
			t.Errorf("%s: span %+v", name, s)
		}
	}
	r := compare.NewJoiner(compare.Config{Rand: failing{}}).Join(attempt(0, 1, 200))
	if !r.Identity.Span.Valid() {
		t.Errorf("no ids: %+v", r.Identity.Span)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func BenchmarkJoinEqualRequests(b *testing.B) {
	j := compare.NewJoiner(compare.Config{})
	b.ReportAllocs()
	i := 0.0
	for b.Loop() {
		j.Join(attempt(i, i+1, 200, count(0)))
		i += 2
	}
}
