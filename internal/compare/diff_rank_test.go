package compare_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
	"llmtap/internal/compare"
)

// many makes n calls alike, one second apart.
func many(n int, from float64, status int, options ...func(*call.Record)) (out []call.Record) {
	for i := range n {
		out = append(out, asked(fmt.Sprintf("%v-%d-%d", from, status, i), from+float64(i), status, options...))
	}
	return out
}

func version(v string) func(*call.Record) {
	return func(r *call.Record) { r.Client.Version = v }
}

func user(name string) func(*call.Record) {
	return func(r *call.Record) {
		r.Client.User = name
		r.Target.Auth.Digest = call.NewHasher(nil).Secret("key of " + name)
	}
}

func class(c call.Class) func(*call.Record) {
	return func(r *call.Record) { r.Diagnosis.Class = c }
}

// ranking is "path failing/of working/of" of every clear cause.
func ranking(list []compare.Ranked) (out []string) {
	for _, r := range list {
		if r.Role == compare.RoleCause && !r.Unclear {
			c := r.Counts
			out = append(out, fmt.Sprintf("%s %d/%d %d/%d", r.Path, c.Failing, c.OfFailing, c.Working, c.OfWorking))
		}
	}
	return out
}

// TestRankBySeparation: what separates all failing from all working calls comes
// first, whatever is first by rule.
func TestRankBySeparation(t *testing.T) {
	failing, working := asked("f", 100, 500, streamed, version("2")), asked("w", 101, 200, version("1"))
	both := []call.Record{failing, working}
	for _, tc := range []struct {
		name   string
		window []call.Record
		want   []string
		says   string
	}{
		{
			"the two alone: the smaller comes first", nil,
			[]string{"body.stream 1/1 0/1", "client.version 1/1 0/1"},
			"The smallest difference is `stream: true`; the working call has no `stream` (client.version separates them as well).",
		},
		{
			"the flag separates", slices.Concat(many(3, 0, 500, streamed, version("1")), many(4, 20, 200, version("2"))),
			[]string{"body.stream 4/4 0/5", "client.version 1/4 4/5"},
			"The smallest difference is `stream: true`: in 4 of 4 failing, 0 of 5 working calls.",
		},
		{
			"the version separates", slices.Concat(many(3, 0, 500, version("2")), many(4, 20, 200, streamed, version("1"))),
			[]string{"client.version 4/4 0/5", "body.stream 1/4 4/5"},
			"The smallest difference is `client.version 2`: in 4 of 4 failing, 0 of 5 working calls.",
		},
		{
			"neither", slices.Concat(many(3, 0, 500, streamed, version("2")), many(3, 20, 200, streamed, version("2"))),
			[]string{"body.stream 4/4 3/4", "client.version 4/4 3/4"},
			"No single difference separates failing from working calls; the closest is `stream: true`, in 4 of 4 failing, 3 of 4 working calls.",
		},
		{
			"almost", slices.Concat(many(8, 0, 500, streamed, version("2")), many(9, 20, 200, version("1")), many(1, 50, 200, streamed, version("1"))),
			[]string{"client.version 9/9 0/11", "body.stream 9/9 1/11"},
			"The smallest difference is `client.version 2`: in 9 of 9 failing, 0 of 11 working calls.",
		},
		{
			"what is not known of a call does not count",
			slices.Concat(many(2, 0, 500, streamed, version("2")), many(2, 20, 200, version("")), many(2, 30, 200, func(r *call.Record) { r.Request.StreamFlag = call.StreamUnknown }, version("1"))),
			[]string{"body.stream 3/3 0/3", "client.version 3/3 0/3"},
			"",
		},
		{
			"other failures, other targets, other days, live and cancelled calls do not count",
			slices.Concat(
				many(2, 0, 500, class(call.ClassRateLimited)), many(2, 10, 500, func(r *call.Record) { r.Target.Model = "other" }),
				many(2, 20, 200, streamed, func(r *call.Record) { r.Target.Host = "y.example" }), many(2, 30, 200, streamed, class(call.ClassClientCancelled)),
				many(2, 40, 0, streamed, func(r *call.Record) { r.End = call.End{} }), many(2, 3*86400, 200, streamed), many(2, -3*86400, 200, streamed),
			),
			[]string{"body.stream 1/1 0/1", "client.version 1/1 0/1"},
			"",
		},
		{
			"attempts are one logical call; its last one counts",
			slices.Concat(
				[]call.Record{
					asked("r1", 10, 500, version("2"), logical("r", 1)), asked("r3", 12, 200, streamed, version("1"), logical("r", 3)),
					asked("r2", 11, 500, version("2"), logical("r", 2)),
				},
				[]call.Record{asked("f-before", 99, 500, version("1"), logical("f", 1))},
			),
			[]string{"client.version 1/1 0/2", "body.stream 1/1 1/2"},
			"",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, window := range [][]call.Record{append(tc.window, both...), tc.window} { // the two always count, and once
				ranked := compare.Rank(failing, working, window)
				if d := cmp.Diff(tc.want, ranking(ranked)); d != "" {
					t.Errorf("(-want +got)\n%s", d)
				}
				sentence, smallest := compare.Explains(failing, working, ranked)
				if tc.says != "" && sentence != tc.says {
					t.Errorf("got %s", sentence)
				}
				if separates := ranked[0].Counts.Separates(); separates != (smallest != nil) || separates && smallest.Path != ranked[0].Path {
					t.Errorf("smallest %v of %v", smallest, ranked[0])
				}
			}
		})
	}
}

func logical(id string, attempt int) func(*call.Record) {
	return func(r *call.Record) { r.Identity.Logical, r.Identity.Attempt = id, attempt }
}

// TestRankIgnoresWhatWorkingCallsHave: a value of the working calls alone is no
// explanation, however well it separates.
func TestRankIgnoresWhatWorkingCallsHave(t *testing.T) {
	failing, working := asked("f", 100, 500, streamed, version("2")), asked("w", 101, 200, version("1"))
	window := slices.Concat(many(9, 0, 500, version("1")), many(9, 20, 200, streamed, version("2")))
	accepts := func(v string) func(*call.Record) {
		return func(r *call.Record) { r.Request.Hints.Headers = []call.Header{{Name: "accept", Value: v}} }
	}
	accepts("a")(&failing)
	accepts("b")(&working)
	for i := range window {
		if accepts("b")(&window[i]); i < 14 { // all failing ones and five of the working
			accepts("a")(&window[i])
		}
	}
	ranked := compare.Rank(failing, working, window)
	if ranked[0].Path != "header.accept" {
		t.Errorf("first is %v", ranked[0])
	}
	sentence, smallest := compare.Explains(failing, working, ranked)
	if smallest != nil || !strings.HasPrefix(sentence, "No single difference") {
		t.Errorf("%s, %v", sentence, smallest)
	}
}

// TestRankDistrustsWhatIsHardlyKnown: two calls that differ in a property nobody
// else is known to have prove little.
func TestRankDistrustsWhatIsHardlyKnown(t *testing.T) {
	failing, working := asked("f", 100, 500, streamed, version("2")), asked("w", 101, 200, version("1"))
	window := slices.Concat(many(20, 0, 500, streamed, version("")), many(19, 30, 200, version("")), many(1, 60, 200, streamed, version("")))
	want := []string{"body.stream 21/21 1/21", "client.version 1/1 0/1"}
	if d := cmp.Diff(want, ranking(compare.Rank(failing, working, window))); d != "" {
		t.Error(d)
	}
}

// TestRankCountsSecrets: a credential is counted and not shown.
func TestRankCountsSecrets(t *testing.T) {
	failing, working := asked("f", 100, 401, user("eve")), asked("w", 101, 200, user("ada"))
	ranked := compare.Rank(failing, working, slices.Concat(many(2, 0, 401, user("eve")), many(3, 20, 200, user("bob"))))
	if d := cmp.Diff([]string{"auth.credential 3/3 0/4", "client.user 3/3 0/4"}, ranking(ranked)); d != "" {
		t.Error(d)
	}
	if text := fmt.Sprint(ranked); strings.Contains(text, "eve") || strings.Contains(text, failing.Target.Auth.Digest.String()) {
		t.Errorf("a secret shows: %s", text)
	}
}

func TestExplains(t *testing.T) {
	for _, tc := range []struct {
		name string
		a, b call.Record
		want string
	}{
		{"both worked", asked("a", 0, 200), asked("b", 1, 200), "Both calls worked, and what was asked differs in nothing that was recorded."},
		{"both worked, one thing", asked("a", 0, 200), asked("b", 1, 200, streamed), "Both calls worked; what was asked differs in body.stream alone."},
		{
			"neither worked, many things", asked("a", 0, 500, version("2")), asked("b", 1, 500, streamed, user("eve")),
			"Neither call worked; what was asked differs in 4 things, first body.stream.",
		},
		{
			"in flight", asked("a", 0, 500), asked("b", 1, 0, func(r *call.Record) { r.End = call.End{} }),
			"How one of the calls ended is not known, and what was asked differs in nothing that was recorded.",
		},
		{
			"cancelled is no success", asked("a", 0, 200, class(call.ClassClientCancelled), streamed), asked("b", 1, 200),
			"The smallest difference is `stream: true`; the working call has no `stream`.",
		},
		{"the same bytes", asked("a", 0, 500, sameBody), asked("b", 1, 200, sameBody), "Nothing in the request explains it: the same body, byte for byte, failed once and worked once."},
		{
			"nothing known differs", asked("a", 0, 500), asked("b", 1, 200),
			"Nothing that was recorded of the requests differs: look at the time, the network and the service.",
		},
		{
			"not seen", asked("a", 0, 500, streamed), asked("b", 1, 200, func(r *call.Record) { r.Request = call.Request{Method: "POST"} }),
			"What explains it is not known: one side of body.stream, request.mode, url.path and 3 more was not seen.",
		},
		{
			"a smaller one not seen", asked("a", 0, 500, version("2")), asked("b", 1, 200, func(r *call.Record) { r.Request.StreamFlag = call.StreamUnknown }),
			"The smallest difference is `client.version 2`; the working call has `client.version 0.3` (body.stream was not seen in both).",
		},
		{
			"other targets", asked("a", 0, 500, streamed), asked("b", 1, 200, func(r *call.Record) { r.Target.Host, r.Target.Model = "y.example", "" }),
			"The calls went to different targets, gpt-4o at x.example and y.example; the smallest difference is `stream: true`; the working call has no `stream` (url.host separates them as well).",
		},
		{
			"a target not known", asked("a", 0, 500), asked("b", 1, 500, func(r *call.Record) { r.Target = call.Target{} }),
			"The calls went to different targets, gpt-4o at x.example and one not known; neither call worked, and what was asked differs in nothing that was recorded.",
		},
		{
			"query", asked("a", 0, 400, query("api-version=1")), asked("b", 1, 200, query("api-version=2")),
			"The smallest difference is `api-version=1`; the working call has `api-version=2`.",
		},
		{
			"credential", asked("a", 0, 401, user("eve")), asked("b", 1, 200),
			"The smallest difference is `auth.credential`; the working call has another (client.user separates them as well).",
		},
		{
			"words", asked("a", 0, 400, func(r *call.Record) { r.Request.Hints.Core = digest("x") }), asked("b", 1, 200),
			"The smallest difference is the content of the messages; the working call has another.",
		},
		{
			"conversation", asked("a", 0, 400, func(r *call.Record) { r.Request.Messages = 40 }), asked("b", 1, 200),
			"The smallest difference is 40 messages; the working call has 1 message.",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := compare.Compare(tc.a, tc.b, nil)
			if got.Explains != tc.want {
				t.Errorf("got  %s\nwant %s", got.Explains, tc.want)
			}
			if got.Failing != "a" || got.Working != "b" {
				t.Errorf("failing %s, working %s", got.Failing, got.Working)
			}
			if swapped := compare.Compare(tc.b, tc.a, nil); tc.a.Outcome() != tc.b.Outcome() && cmp.Diff(got.Changes[0].Change, swapped.Changes[0].Change) != "" {
				t.Errorf("swapped: %v", swapped.Changes[0])
			}
		})
	}
}

func sameBody(r *call.Record) { r.Request.Hints.Body = digest("same") }

func query(q string) func(*call.Record) {
	return func(r *call.Record) { r.Request.URL = "https://x.example/v1/chat/completions?" + q }
}

// TestCounterpart: the order of preferences, each against the next.
func TestCounterpart(t *testing.T) {
	other := func(r *call.Record) { r.Request.Hints.Core = digest("other") }
	curl := func(r *call.Record) { r.Client = call.Client{Kind: call.ClientDirect, Name: "curl", SDK: "curl"} }
	for _, tc := range []struct {
		name       string
		r          call.Record
		candidates []call.Record
		want       string
	}{
		{"none", asked("r", 100, 500), nil, ""},
		{"itself is none", asked("r", 100, 500), []call.Record{asked("r", 100, 200)}, ""},
		{"a failure is none of a failure", asked("r", 100, 500), []call.Record{asked("c", 99, 500)}, ""},
		{"a cancelled call is none of a failure", asked("r", 100, 500), []call.Record{asked("c", 99, 200, class(call.ClassClientCancelled))}, ""},
		{"a live one has none", asked("r", 100, 0, func(r *call.Record) { r.End = call.End{} }), []call.Record{asked("c", 99, 200)}, ""},
		{"another deployment is none", asked("r", 100, 500), []call.Record{asked("c", 99, 200, func(r *call.Record) { r.Target.Model = "m" })}, ""},
		{"another port is none", asked("r", 100, 500), []call.Record{asked("c", 99, 200, func(r *call.Record) { r.Target.Port = 8443 })}, ""},
		{"of a failure a success", asked("r", 100, 500), []call.Record{asked("c", 99, 200)}, "c"},
		{"of a success a failure", asked("r", 100, 200), []call.Record{asked("ok", 101, 200), asked("c", 99, 500)}, "c"},
		{"of a cancelled call a success", asked("r", 100, 200, class(call.ClassClientCancelled)), []call.Record{asked("c", 99, 200)}, "c"},
		{"the nearest in time", asked("r", 100, 500), []call.Record{asked("far", 80, 200), asked("near", 110, 200), asked("older", 89, 200)}, "near"},
		{"same address before near", asked("r", 100, 500), []call.Record{asked("near", 99, 200, func(r *call.Record) { r.Request.Path = "/p" }), asked("c", 1, 200)}, "c"},
		{"same body before same address", asked("r", 100, 500), []call.Record{asked("near", 99, 200, other), asked("c", 1, 200, func(r *call.Record) { r.Target.APIVersion = "v" })}, "c"},
		{"other mode before same body", asked("r", 100, 500, streamed), []call.Record{asked("near", 99, 200, streamed), asked("c", 1, 200, other)}, "c"},
		{"same client before other mode", asked("r", 100, 500, streamed), []call.Record{asked("near", 99, 200, curl), asked("c", 1, 200, streamed, other)}, "c"},
		{"same credential before other mode", asked("r", 100, 500, streamed), []call.Record{asked("near", 99, 200, user("eve")), asked("c", 1, 200, streamed, other)}, "c"},
		{"the same request before all", asked("r", 100, 500, streamed, sameBody), []call.Record{asked("near", 99, 200), asked("c", 1, 200, streamed, sameBody, curl)}, "c"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 2 {
				got, ok := compare.Counterpart(tc.r, tc.candidates)
				if got.Identity.ID != tc.want || ok != (tc.want != "") {
					t.Errorf("got %q, %v", got.Identity.ID, ok)
				}
				slices.Reverse(tc.candidates)
			}
		})
	}
}

func TestLikeness(t *testing.T) {
	r := asked("r", 100, 500, streamed)
	for want, other := range map[string]call.Record{
		"same target, same client, same credential, other mode, same body but for its stream keys, 4s earlier": asked("o", 96, 200),
		"same target, 1m0.5s later": asked("o", 160.5, 200, streamed, user("eve"), func(r *call.Record) {
			r.Client.Name, r.Request.Hints.Core = "curl", digest("y")
		}),
		"same target, same client, same credential, same request, 1s later": asked("o", 101, 200, streamed, func(o *call.Record) { o.Request.Hints = r.Request.Hints }),
	} {
		if got := compare.Likeness(r, other); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for scheme, want := range map[string]bool{"bearer": false, "": false, "none": true} { // without a digest nothing is known to be one key
		r.Target.Auth = call.Auth{Scheme: scheme}
		got := compare.Likeness(r, asked("o", 101, 200, func(o *call.Record) { o.Target.Auth = r.Target.Auth }))
		if strings.Contains(got, "same credential") != want {
			t.Errorf("scheme %q: %s", scheme, got)
		}
	}
}

func TestWhatToAskForAroundTwoCalls(t *testing.T) {
	a, b := asked("a", 100, 500), asked("b", 50, 200)
	since := at(50).Add(-24 * time.Hour)
	if d := cmp.Diff([]call.Query{{Since: since, Target: "gpt-4o", Limit: 1000}}, compare.Around(a, b)); d != "" {
		t.Error(d)
	}
	b.Target.Model, b.Target.Host = "", "y.example"
	want := []call.Query{{Since: since, Target: "gpt-4o", Limit: 1000}, {Since: since, Target: "y.example", Limit: 1000}}
	if d := cmp.Diff(want, compare.Around(a, b)); d != "" {
		t.Error(d)
	}
	if q, ok := compare.Opposites(a); !ok || q != (call.Query{Target: "gpt-4o", Outcome: call.OutcomeOK, Limit: 1000}) {
		t.Errorf("got %v, %v", q, ok)
	}
	if q, ok := compare.Opposites(asked("a", 0, 200)); !ok || q.Outcome != call.OutcomeError {
		t.Errorf("got %v, %v", q, ok)
	}
	if _, ok := compare.Opposites(call.Record{}); ok {
		t.Error("a call whose outcome is not known has opposites")
	}
}
