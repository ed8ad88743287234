package web_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"llmtap/internal/call"
)

// streamedAndFailed and plainAndFine are one client's calls to one deployment.
func streamedAndFailed(id string) call.Record {
	r := record(id)
	r.Request.StreamFlag, r.Request.Keys = call.StreamTrue, []string{"messages", "stream"}
	r.Timing.RequestSent = noon
	r.Agent.View = call.ViewFull
	r.Client.User = "user-canary"
	r.Request.Hints.Headers = []call.Header{{Name: "authorization", Value: "Bearer header-canary"}}
	r.Request.URL = "https://x.openai.azure.com/p?code=query-canary"
	return r
}

func plainAndFine(id string) call.Record {
	r := streamedAndFailed(id)
	r.Identity.Start = noon.Add(-time.Minute)
	r.Request.Mode, r.Request.StreamFlag, r.Request.Keys = call.ModePlain, call.StreamAbsent, []string{"messages"}
	r.Response.Status, r.Diagnosis = 200, call.Diagnosis{Class: call.ClassOK}
	r.Client.User = "other-canary"
	r.Request.Hints.Headers = []call.Header{{Name: "authorization", Value: "Bearer other-canary"}}
	r.Request.URL = "https://x.openai.azure.com/p?code=other-canary"
	return r
}

// diffAnswer is what the contract promises, and what the answer has beside it.
type diffAnswer struct {
	Failing, Working, Explains string
	Changes                    []struct {
		call.Change
		Role   string
		Counts map[string]int
	}
	Smallest *call.Change
}

// TestDiffOfTwoCalls: both orders give the same answer, counted over the calls
// around, and without a secret.
func TestDiffOfTwoCalls(t *testing.T) {
	s := &shelf{calls: []call.Record{streamedAndFailed("f1"), plainAndFine("w1"), streamedAndFailed("f2"), plainAndFine("w2"), plainAndFine("w3")}}
	for _, query := range []string{"a=f1&b=w1", "a=w1&b=f1"} {
		var got diffAnswer
		w := serve(config(s), request("/api/v1/diff?"+query))
		decode(t, w, &got)
		noCanary(t, query, w.Body.String())
		if got.Failing != "f1" || got.Working != "w1" {
			t.Errorf("%s: failing %q, working %q", query, got.Failing, got.Working)
		}
		want := "The smallest difference is `stream: true`: in 2 of 2 failing, 0 of 3 working calls"
		if !strings.HasPrefix(got.Explains, want) {
			t.Errorf("%s: %s", query, got.Explains)
		}
		change := call.Change{Path: "body.stream", Failing: "true", Working: "absent"}
		if len(got.Changes) == 0 || got.Changes[0].Change != change || got.Changes[0].Role != "cause" || got.Smallest == nil || *got.Smallest != change {
			t.Fatalf("%s: %s", query, w.Body)
		}
		if d := cmp.Diff(map[string]int{"failing": 2, "of_failing": 2, "working": 0, "of_working": 3}, got.Changes[0].Counts); d != "" {
			t.Errorf("%s (-want +got)\n%s", query, d)
		}
		for _, c := range got.Changes {
			if c.Path == "client.user" && (c.Failing != "different" || c.Working != "different") {
				t.Errorf("%s: %v", query, c)
			}
		}
	}
	if want := (call.Query{Since: noon.Add(-24*time.Hour - time.Minute), Target: "gpt-4o", Limit: 1000}); cmp.Diff(want, s.asked) != "" {
		t.Errorf("the calls around: %s", cmp.Diff(want, s.asked))
	}
}

// TestDiffMembers pins the members that scripts rely on.
func TestDiffMembers(t *testing.T) {
	var doc map[string]json.RawMessage
	s := &shelf{calls: []call.Record{streamedAndFailed("f1"), plainAndFine("w1")}}
	decode(t, serve(config(s), request("/api/v1/diff?a=f1&b=w1")), &doc)
	if got := strings.Join(slices.Sorted(maps.Keys(doc)), " "); got != "changes explains failing smallest working" {
		t.Errorf("members %s", got)
	}
	var changes []map[string]any
	if err := json.Unmarshal(doc["changes"], &changes); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(slices.Sorted(maps.Keys(changes[0])), " "); got != "counts failing path role working" {
		t.Errorf("members of a change %s", got)
	}
}

// TestDiffOfAlikeCalls: no difference is an empty list, not null.
func TestDiffOfAlikeCalls(t *testing.T) {
	s := &shelf{calls: []call.Record{streamedAndFailed("f1"), streamedAndFailed("f2")}}
	s.calls[1].Request.Hints.Core, s.calls[1].Request.Hints.Body = call.Digest{}, call.Digest{}
	hash := call.NewHasher(nil)
	for i := range s.calls {
		s.calls[i].Request.Hints.Body = hash.Secret("one body")
	}
	w := serve(config(s), request("/api/v1/diff?a=f1&b=f2"))
	if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, `"changes":[]`) || !strings.Contains(got, "Neither call worked") || strings.Contains(got, "smallest") {
		t.Errorf("%d %s", w.Code, got)
	}
}

func TestDiffWantsTwoKnownCalls(t *testing.T) {
	s := &shelf{calls: []call.Record{streamedAndFailed("f1"), plainAndFine("w1")}}
	for query, want := range map[string]struct {
		status     int
		code, says string
	}{
		"a=f1&b=f1":   {400, "invalid_parameter", "are one call"},
		"a=nope&b=f1": {404, "not_found", `"nope"`},
		"a=f1&b=nope": {404, "not_found", `"nope"`},
	} {
		w := serve(config(s), request("/api/v1/diff?"+query))
		if code, message := problem(t, w); w.Code != want.status || code != want.code || !strings.Contains(message, want.says) {
			t.Errorf("%s: %d %s: %s", query, w.Code, code, message)
		}
	}
	c := config(s)
	c.Calls = listless{s}
	if w := serve(c, request("/api/v1/diff?a=f1&b=w1")); w.Code != http.StatusInternalServerError {
		t.Errorf("without the calls around: %d %s", w.Code, w.Body)
	}
}

// listless is a place that finds calls and cannot list them.
type listless struct{ *shelf }

func (listless) Calls(context.Context, call.Query) ([]call.Record, error) {
	return nil, errDisk
}
