package explain_test

import (
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
	"llmtap/internal/explain"
)

// TestEveryClassIsExplained: for each class, streamed and plain, by each kind
// of client, there is a sentence, a time line and evidence, and the pair's
// change is one that the class allows.
func TestEveryClassIsExplained(t *testing.T) {
	changes := map[string][]call.Class{
		"without `stream_options`":                        {call.ClassStreamOptionRejected},
		"with `stream` as the JSON value true":            {call.ClassStreamFlagInvalid},
		"asking for a stream":                             {call.ClassPlainUnsupported, call.ClassStreamUnrequested, call.ClassGatewayTimeout, call.ClassFirstByteTimeout},
		"asking for one plain answer instead of a stream": nil, // every class of an answer that a stream may be to blame for
	}
	for _, row := range diagnose.Table() {
		for name, make := range map[string]func(...edit) call.Record{"stream": streamCall, "plain": plainCall} {
			r := make(failed(row.Class, 500), func(r *call.Record) {
				r.Diagnosis.Text, r.Diagnosis.Severity = row.Sentence, row.Severity
				r.Diagnosis.Remedy = diagnose.Advise(row.Remedies, diagnose.Case{Client: r.Client, Target: r.Target, Mode: r.Request.Mode})
			})
			if explain.Headline(r) == "" || len(explain.Timeline(r)) == 0 || fact(r, "class") == "" {
				t.Errorf("%v, %s: no explanation", row.Class, name)
			}
			steps := explain.Advice(r)
			if name == "stream" && len(steps) < len(row.Remedies) {
				t.Errorf("%v: %d of %d remedies", row.Class, len(steps), len(row.Remedies))
			}
			if !slices.IsSortedFunc(steps, func(a, b explain.Step) int { return strings.Compare(rank(a), rank(b)) }) {
				t.Errorf("%v: not by who can act first: %q", row.Class, steps)
			}
			p := explain.Curl(r)
			allowed, known := changes[p.Change]
			if p.Change != "" && (!known || allowed != nil && !slices.Contains(allowed, row.Class)) {
				t.Errorf("%v, %s: the change is %q", row.Class, name, p.Change)
			}
			if p.Change == "asking for one plain answer instead of a stream" && name == "plain" {
				t.Errorf("%v: a plain call is told to be plain", row.Class)
			}
		}
	}
}

func rank(s explain.Step) string {
	return map[explain.Who]string{explain.User: "1", explain.Admin: "2", explain.Owner: "3"}[s.Who]
}

// TestNoChangeIsOfferedWhereNoneCanHelp: who has a wrong key, no right, no
// quota, a wrong path or left on his own tests nothing by asking otherwise.
func TestNoChangeIsOfferedWhereNoneCanHelp(t *testing.T) {
	for _, class := range []call.Class{
		call.ClassOK, call.ClassAgentInduced, call.ClassTLSUntrusted, call.ClassUpstreamUnreachable, call.ClassStaleConnection, call.ClassNonAPIResponse,
		call.ClassContentFiltered, call.ClassEndpointNotFound, call.ClassAuthRejected, call.ClassRateLimited, call.ClassClientCancelled, call.ClassClientTimeout,
		call.ClassUnknown, call.ClassFailedBeforeCall,
	} {
		if p := explain.Curl(streamCall(failed(class, 500))); p.Change != "" || p.Changed.Text != "" {
			t.Errorf("%v: offers %q", class, p.Change)
		}
	}
}
