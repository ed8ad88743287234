package explain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// fact is the text of the fact with that name.
func fact(r call.Record, name string) string {
	for _, f := range explain.Evidence(r) {
		if f.Name == name {
			return f.Text
		}
	}
	return ""
}

func TestEvidenceNamesFactsOnce(t *testing.T) {
	r := streamCall(failed(call.ClassGatewayErrorOpaque, 500), func(r *call.Record) {
		r.Diagnosis.Reason, r.Diagnosis.Rule, r.Diagnosis.Fault, r.Diagnosis.Tags = "apim", "gateway_error_opaque.html", call.FaultNetwork, []string{"retry_burst", "foreign_4xx"}
		r.Response.Error = call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error", RequestID: "act-1"}
		r.Identity.Span = call.SpanContext{Trace: "ab", Span: "cd"}
	})
	want := []explain.Fact{
		{Name: "class", Text: "gateway_error_opaque, reason apim, by rule gateway_error_opaque.html; fault: network"},
		{Name: "also", Text: "retry_burst, foreign_4xx"},
		{Name: "error", Text: "apim shape, code 500: Internal server error"},
		{Name: "written by", Text: "a gateway: the error has API Management's form, and none of x-ms-region, apim-request-id, azureml-model-session"},
		{Name: "to quote", Text: "activityId act-1"},
		{Name: "trace", Text: "ab, span cd"},
	}
	if got := explain.Evidence(r); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := explain.Evidence(call.Record{}); len(got) != 1 || got[0].Text != "none: too little is known" {
		t.Errorf("of nothing: %q", got)
	}
}

// TestEvidenceTellsGatewaysFromServices by what only the service sends.
func TestEvidenceTellsGatewaysFromServices(t *testing.T) {
	apim := call.Error{Shape: call.ShapeAPIM}
	for name, tc := range map[string]struct {
		edit edit
		want string
	}{
		"a gateway": {func(r *call.Record) { r.Response.Error = apim }, "a gateway: "},
		"the service": {func(r *call.Record) {
			r.Response.Error, r.Response.Headers = apim, []call.Header{{Name: "x-ms-region", Value: "e"}}
		}, "the model service: it sent x-ms-region"},
		"another form":    {func(r *call.Record) { r.Response.Error.Shape = call.ShapeOpenAI }, ""},
		"another service": {func(r *call.Record) { r.Response.Error, r.Target.API = apim, "openai.chat" }, ""},
		"llmtap":          {func(r *call.Record) { r.Response.Origin = "agent" }, "llmtap"},
		"no error": {func(r *call.Record) {
			r.Response.Status, r.Response.Headers = 200, []call.Header{{Name: "x-ms-region", Value: "e"}}
		}, ""},
	} {
		got := fact(plainCall(failed(call.ClassGatewayErrorOpaque, 500), tc.edit), "written by")
		if tc.want == "" && got != "" || !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestEvidenceShowsTheEndMarksOfStreams(t *testing.T) {
	for name, tc := range map[string]struct {
		record call.Record
		want   string
	}{
		"both":    {streamCall(), "finish reason seen, terminator seen"},
		"neither": {streamCall(func(r *call.Record) { r.Stream.Done, r.Stream.Finish = false, false }), "finish reason not seen, terminator not seen"},
		"errored": {streamCall(func(r *call.Record) { r.Stream.Errored = true }), "finish reason seen, terminator seen, an error among the events"},
		"plain":   {plainCall(), ""},
		"refused": {streamCall(failed(call.ClassStreamUnsupported, 400)), ""},
	} {
		if got := fact(tc.record, "end marks"); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestEvidenceOfErrors(t *testing.T) {
	for want, e := range map[string]call.Error{
		"":                             {},
		"text shape: no":               {Shape: call.ShapeText, Message: "no"},
		"no":                           {Message: "no"},
		"openai shape":                 {Shape: call.ShapeOpenAI},
		"code c, type t, param p: m m": {Code: "c", Type: "t", Param: "p", Message: "m\nm"},
	} {
		if got := fact(plainCall(func(r *call.Record) { r.Response.Error = e }), "error"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// day is a list of calls of one target: class and mode of each.
type day []struct {
	logical string
	attempt int
	record  call.Record
}

func (d day) records() []call.Record {
	var out []call.Record
	for i, x := range d {
		r := x.record
		r.Identity = call.Identity{ID: fmt.Sprint(i), Logical: x.logical, Attempt: x.attempt, Start: noon.Add(time.Duration(i-20) * time.Minute)}
		out = append(out, r)
	}
	return out
}

func TestLikenessCountsLogicalCalls(t *testing.T) {
	bad := streamCall(failed(call.ClassGatewayErrorOpaque, 500))
	r := bad
	r.Identity = call.Identity{ID: "me3", Logical: "me", Attempt: 3, Start: noon}
	others := day{
		{"a", 1, bad}, {"a", 2, bad}, {"a", 3, bad}, // one call
		{"b", 1, bad}, {"b", 2, streamCall()}, // its retry worked
		{"me", 1, bad}, {"me", 2, bad}, // its own attempts
		{"c", 1, plainCall()}, {"d", 1, plainCall()}, {"e", 1, plainCall(failed(call.ClassProviderError, 500))},
		{"f", 1, streamCall(func(r *call.Record) { r.Diagnosis.Class = call.ClassClientCancelled })},                            // no evidence either way
		{"g", 1, streamCall(failed(call.ClassGatewayErrorOpaque, 500), func(r *call.Record) { r.Target.Deployment = "other" })}, // another target
		{"h", 1, streamCall(failed(call.ClassGatewayErrorOpaque, 500), func(r *call.Record) { r.Target.APIVersion = "other" })},
		{"i", 1, plainCall(func(r *call.Record) { r.Request.Mode = call.ModeUnknown })},
	}.records()
	old := bad
	old.Identity = call.Identity{ID: "old", Logical: "old", Attempt: 1, Start: noon.Add(-25 * time.Hour)}
	nameless := bad
	nameless.Identity = call.Identity{Start: noon}
	want := []string{
		"1 other call of this target ended as gateway_error_opaque, the first at 2026-01-02 11:42:00.000 UTC",
		"of 2 other streamed calls 1 worked; of 3 other plain calls 2 worked",
	}
	if got := explain.Likeness(r, append(others, old, nameless)); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	slices.Reverse(others)
	if got := explain.Likeness(r, others); !slices.Equal(got, want) {
		t.Errorf("newest first: %q", got)
	}
}

func TestLikenessOfTheOnlyCall(t *testing.T) {
	r := plainCall()
	for name, others := range map[string][]call.Record{"none": nil, "itself": {r}} {
		if got := explain.Likeness(r, others); !slices.Equal(got, []string{"no other call of this target in the day before it or since"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
	other := plainCall(failed(call.ClassRateLimited, 429), func(r *call.Record) { r.Identity.Logical = "other" })
	want := []string{"no other call of this target ended as ok", "of 1 other plain call 0 worked"}
	if got := explain.Likeness(r, []call.Record{other}); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
