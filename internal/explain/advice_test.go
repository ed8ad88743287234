package explain_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
	"llmtap/internal/explain"
)

func TestAdviceIsOrderedByWhoCanActFirst(t *testing.T) {
	remedies := []string{"API owner: o1", "u1", "Admin: a1", " ", "u2", "API owner: o2", "Administer nothing"}
	want := []explain.Step{
		{Who: explain.User, Text: "u1"}, {Who: explain.User, Text: "u2"}, {Who: explain.User, Text: "Administer nothing"},
		{Who: explain.Admin, Text: "a1"}, {Who: explain.Owner, Text: "o1"}, {Who: explain.Owner, Text: "o2"},
	}
	r := plainCall(func(r *call.Record) { r.Diagnosis.Remedy = remedies })
	if got := explain.Advice(r); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := explain.AdviceFor(call.Finding{Conclusion: call.Conclusion{Remedy: remedies}}); !slices.Equal(got, want) {
		t.Errorf("a finding's: %q", got)
	}
	if remedies[0] != "API owner: o1" {
		t.Error("the record's own slice was sorted")
	}
	if got := explain.Advice(call.Record{}); got != nil {
		t.Errorf("advice for nothing: %q", got)
	}
}

// TestEveryRemedyNamesItsReader: what package diagnose writes before a text is
// what is read here.
func TestEveryRemedyNamesItsReader(t *testing.T) {
	whos := map[string]explain.Who{"user": explain.User, "admin": explain.Admin, "owner": explain.Owner}
	for _, m := range diagnose.Remedies() {
		c := diagnose.Case{Mode: call.ModeStream, Client: call.Client{Kind: call.ClientDirect}}
		for _, text := range diagnose.Advise([]string{m.ID}, c) {
			got := explain.Advice(plainCall(func(r *call.Record) { r.Diagnosis.Remedy = []string{text} }))
			if len(got) != 1 || got[0].Who != whos[m.Who] || strings.HasSuffix(got[0].Text, "…") {
				t.Errorf("%s for %s: read as %q", m.ID, m.Who, got)
			}
		}
	}
}

func TestQuoteIsWhatTheOwnerNeeds(t *testing.T) {
	r := streamCall(failed(call.ClassGatewayErrorOpaque, 500), func(r *call.Record) {
		r.Response.Error = call.Error{Shape: call.ShapeAPIM, RequestID: "activity-1"}
		r.Response.Headers = []call.Header{{Name: "server", Value: "x"}, {Name: "x-request-id", Value: "r-1"}}
		r.Identity.Start = noon.In(time.FixedZone("there", 3600)).Add(5*time.Second + 7*time.Millisecond)
	})
	want := "Ask the owner of x.openai.azure.com: which policy or hop wrote this 500, and does it pass streamed answers on? Quote activityId activity-1, " +
		"x-request-id r-1, 2026-01-02 12:00:05.007 UTC, POST /openai/deployments/gpt4/chat/completions, as a stream, status 500."
	if got := explain.Quote(r); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestQuoteOnlyWhereTheOwnerCanKnow.
func TestQuoteOnlyWhereTheOwnerCanKnow(t *testing.T) {
	for name, tc := range map[string]struct {
		record call.Record
		want   string
	}{
		"no id":          {plainCall(failed(call.ClassProviderError, 503)), "what failed behind this 503? Quote 2026-01-02 12:00:00.000 UTC, POST /openai"},
		"mode not known": {plainCall(failed(call.ClassProviderError, 503), func(r *call.Record) { r.Request.Mode = call.ModeUnknown }), "mode not known"},
		"start unknown":  {plainCall(failed(call.ClassProviderError, 503), func(r *call.Record) { r.Identity.Start = time.Time{} }), "? Quote POST /openai"},
		"worked":         {plainCall(), ""},
		"cancelled":      {streamCall(failed(call.ClassClientCancelled, 200)), ""},
		"a wrong path":   {plainCall(failed(call.ClassEndpointNotFound, 404)), ""},
		"our own answer": {plainCall(failed(call.ClassGatewayErrorOpaque, 502), func(r *call.Record) { r.Response.Origin = "agent" }), ""},
		"no answer":      {plainCall(failed(call.ClassGatewayTimeout, 0)), ""},
		"no request":     {plainCall(failed(call.ClassProviderError, 500), func(r *call.Record) { r.Request.Method = "" }), ""},
	} {
		got := explain.Quote(tc.record)
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestIDs(t *testing.T) {
	r := plainCall(func(r *call.Record) {
		r.Response.Headers = []call.Header{{Name: "cf-ray", Value: "c"}, {Name: "apim-request-id", Value: "a"}, {Name: "date", Value: "d"}, {Name: "x-request-id", Value: "x"}}
		r.Response.Error.RequestID = "body-1"
	})
	if got := explain.IDs(r); !slices.Equal(got, []string{"request id body-1", "apim-request-id a", "x-request-id x", "cf-ray c"}) {
		t.Errorf("got %q", got)
	}
	if got := explain.IDs(call.Record{}); got != nil {
		t.Errorf("ids of nothing: %q", got)
	}
}
