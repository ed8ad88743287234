package diagnose_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

func TestEveryClassHasOneRow(t *testing.T) {
	seen := map[call.Class]int{}
	for _, r := range diagnose.Table() {
		seen[r.Class]++
	}
	for _, c := range call.Classes() {
		if seen[c] != 1 {
			t.Errorf("class %v has %d rows", c, seen[c])
		}
	}
	if len(seen) != len(call.Classes()) {
		t.Errorf("%d rows for %d classes", len(seen), len(call.Classes()))
	}
}

func TestRowsAreComplete(t *testing.T) {
	ids := map[string]bool{}
	for _, r := range diagnose.Remedies() {
		if ids[r.ID] || r.Text == "" || !strings.HasPrefix(r.ID, r.Who[:1]+".") {
			t.Errorf("remedy %+v: twice, empty, or its id does not say who", r)
		}
		if !strings.HasSuffix(r.Text, ".") {
			t.Errorf("remedy %s is no sentence: %s", r.ID, r.Text)
		}
		ids[r.ID] = true
	}
	for _, r := range diagnose.Table() {
		if r.Class == call.ClassOK {
			continue
		}
		if r.Severity == call.SeverityNone || r.Fault == call.FaultUnknown || !strings.HasSuffix(r.Sentence, ".") || len(r.Remedies) == 0 {
			t.Errorf("%v: incomplete row %+v", r.Class, r)
		}
		for _, id := range r.Remedies {
			if !ids[id] {
				t.Errorf("%v: remedy %s does not exist", r.Class, id)
			}
		}
	}
}

// The severities decide outcomes and alerts: a change is a change of contract.
func TestSeverities(t *testing.T) {
	want := map[call.Severity]string{
		call.SeverityNone: "ok",
		call.SeverityInfo: "client_cancelled stale_connection",
		call.SeverityWarn: "content_filtered content_type_mismatch duplicate_output hang_after_done rate_limited stream_buffered " +
			"stream_stalled tool_delta_malformed unclean_close",
	}
	got := map[call.Severity][]string{}
	for _, r := range diagnose.Table() {
		got[r.Severity] = append(got[r.Severity], r.Class.String())
	}
	for severity, classes := range want {
		slices.Sort(got[severity])
		if s := strings.Join(got[severity], " "); s != classes {
			t.Errorf("%v: got %s, want %s", severity, s, classes)
		}
	}
}

// all are the records of every acceptance scenario kind, to hold the promises
// that do not depend on the scenario.
func all() []call.Record {
	statuses := []int{0, 101, 200, 204, 302, 400, 401, 402, 403, 404, 405, 407, 408, 409, 413, 422, 429, 498, 500, 502, 503, 504, 511, 520, 524, 529}
	framings := []call.Framing{
		call.FramingUnknown, call.FramingJSON, call.FramingSSE, call.FramingNDJSON, call.FramingEventStream,
		call.FramingJSONArray, call.FramingHTML, call.FramingText, call.FramingEmpty, call.FramingOther,
	}
	sides := []call.Side{call.SideUnknown, call.SideUpstream, call.SideClient, call.SideAgent}
	kinds := []call.EndKind{call.EndEOF, call.EndShort, call.EndClosed, call.EndTimeout, call.EndTLS}
	var out []call.Record
	for s, status := range statuses {
		for i, f := range framings {
			if status >= 300 && i%4 != s%4 {
				continue // framings matter less there
			}
			for _, side := range sides {
				for j, kind := range kinds {
					mode := []option{asked}
					if (i+j)%2 == 0 {
						mode = nil
					}
					r := record(append(mode, streamOKIf((i+j)%3 == 0), framing(f, "application/json"))...)
					r.Response.Status = status
					r.End.Side, r.End.Kind = side, kind
					r.Response.Error = call.Error{Shape: call.ErrorShape(1 + (i+j)%17), Message: "Unknown parameter: 'stream_options'."}
					out = append(out, r)
				}
			}
		}
	}
	return out
}

func streamOKIf(yes bool) option {
	if yes {
		return streamOK
	}
	return func(*call.Record) {}
}

func TestEveryRecordGetsOneClass(t *testing.T) {
	for _, r := range all() {
		d := diagnose.Classify(r)
		unknown := r.Response.Status == 0 && r.End.Side == call.SideUnknown
		if (d.Class == call.ClassUnknown) != unknown && !(r.Response.Status == 0 && d.Class == call.ClassUnknown) {
			t.Fatalf("status %d, %v %v: class %v", r.Response.Status, r.End.Side, r.End.Kind, d.Class)
		}
		if slices.Contains(d.Tags, d.Class.String()) {
			t.Fatalf("primary class %v is a tag as well: %v", d.Class, d.Tags)
		}
		if once := slices.Compact(slices.Sorted(slices.Values(d.Tags))); len(once) != len(d.Tags) {
			t.Fatalf("a tag twice: %v", d.Tags)
		}
	}
}

// Classify must not change what it reads, and say the same twice.
func TestClassifyIsPure(t *testing.T) {
	for _, r := range all() {
		before := fmt.Sprintf("%+v", r)
		first, second := diagnose.Classify(r), diagnose.Classify(r)
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("two answers: %+v and %+v", first, second)
		}
		if after := fmt.Sprintf("%+v", r); after != before {
			t.Fatalf("record changed:\n%s\n%s", before, after)
		}
	}
}

func TestReasonsAreClosed(t *testing.T) {
	rows := map[call.Class]diagnose.Row{}
	for _, r := range diagnose.Table() {
		rows[r.Class] = r
	}
	for _, r := range all() {
		d := diagnose.Classify(r)
		reasons := rows[d.Class].Reasons
		if d.Reason != "" && !slices.Contains(reasons, d.Reason) && !slices.Contains(reasons, "*") {
			t.Fatalf("%v: reason %q is not in %v", d.Class, d.Reason, reasons)
		}
		if d.Class != call.ClassUnknown && d.Class != call.ClassOK && !strings.HasPrefix(d.Rule, d.Class.String()) {
			t.Fatalf("%v by rule %s", d.Class, d.Rule)
		}
	}
}

var leftover = regexp.MustCompile(`[{}\[\]]|  |unknown`)

func TestSentencesAreFilled(t *testing.T) {
	for _, r := range all() {
		r.Target.Deployment, r.Response.Error.Code = "d", "code"
		d := diagnose.Classify(r)
		if leftover.MatchString(d.Text) {
			t.Fatalf("%v: %s", d.Class, d.Text)
		}
		if (d.Text == "") != (d.Class == call.ClassOK || d.Class == call.ClassUnknown) {
			t.Fatalf("%v says %q", d.Class, d.Text)
		}
	}
}

func TestSentences(t *testing.T) {
	for _, tc := range []struct {
		options []option
		want    string
	}{
		{[]option{plainOK}, ""},
		{[]option{asked, fails(403, bare("Streaming is not supported by this model"))}, "m-1 refuses streaming (model)."},
		{[]option{fails(429, text("slow down")), answered("retry-after", "7")}, "Too many requests or quota used up; retry after 7 s."},
		{[]option{fails(429, text("slow down")), answered("retry-after-ms", "1500")}, "Too many requests or quota used up; retry after 1.5 s."},
		{[]option{fails(429, text("slow down"))}, "Too many requests or quota used up."},
		{[]option{page(502)}, "This 502 was written by a gateway, not by the model service."},
		{
			[]option{azure, fails(500, call.Error{Shape: call.ShapeAPIM, Message: "Internal server error", RequestID: "a-1"})},
			"This 500 was written by a gateway, not by the model service; quote a-1.",
		},
		{[]option{page(500), answered("x-request-id", "req-9")}, "This 500 was written by a gateway, not by the model service; quote req-9."},
		{[]option{page(524), after(125)}, "Cloudflare gave up after 125 s, before the model answered."},
		{[]option{page(504), after(60)}, "A gateway (60 s is the default of nginx and of AWS load balancers) gave up after 60 s, before the model answered."},
		{[]option{page(504), after(77)}, "A gateway gave up after 77 s, before the model answered."},
		{[]option{fails(500, call.Error{Shape: call.ShapeOpenAI, Code: "server_error"})}, "The service failed with 500 server_error."},
		{[]option{fails(500, call.Error{Shape: call.ShapeString, Message: "x"})}, "The service failed with 500."},
		{
			[]option{fails(400, openai("Unsupported parameter: 'max_tokens' is not supported with this model.", "unsupported_parameter", "max_tokens"))},
			"The model refuses `max_tokens`; not a streaming problem.",
		},
		{
			[]option{azure, key("functions"), fails(400, openai("Unrecognized request argument supplied: functions", "", ""))},
			"api-version 2024-10-21 does not know `functions`.",
		},
		{
			[]option{azure, fails(404, call.Error{Shape: call.ShapeAzure, Code: "DeploymentNotFound"})},
			"Nothing answers at /openai/deployments/d/chat/completions (deployment unknown); " +
				"expected /openai/deployments/<deployment>/chat/completions?api-version=<version>.",
		},
		{[]option{fails(405, text("no"))}, "Nothing answers at /v1/chat/completions (other)."},
		{[]option{streamOK, broken, leaves(60)}, "The client gave up at 60 s, its own limit."},
		{[]option{streamOK, framing(call.FramingSSE, "")}, "The body is sse but labelled not at all."},
		{[]option{streamOK, framing(call.FramingSSE, "application/json")}, "The body is sse but labelled `application/json`."},
		{[]option{streamOK, oddity("bad_json", 1)}, "1 event is not valid JSON."},
		{[]option{asked, fails(400, openai("stream: Input should be a valid boolean", "", "")), func(r *call.Record) {
			r.Request.StreamFlag, r.Request.Hints.StreamType = call.StreamInvalid, "string"
		}}, "`stream` arrived as string, not as true/false."},
	} {
		d := diagnose.Classify(record(tc.options...))
		if d.Text != tc.want {
			t.Errorf("%v (%s):\n got %s\nwant %s", d.Class, d.Reason, d.Text, tc.want)
		}
	}
}

// The reason decides whose turn it is where it can.
func TestFaults(t *testing.T) {
	refused := func(message string) []option { return []option{asked, fails(400, bare(message))} }
	for _, tc := range []struct {
		options []option
		want    call.Fault
	}{
		{refused("Streaming is not supported by this model"), call.FaultProvider},
		{refused("Your organization must be verified to stream"), call.FaultConfig},
		{refused("Streaming is not supported here"), call.FaultNetwork},
		{[]option{asked, fails(400, bare("stream_options is not permitted")), key("stream_options")}, call.FaultClient},
		{[]option{asked, fails(400, bare("stream_options is not permitted"))}, call.FaultConfig},
		{[]option{fails(429, openai("no", "insufficient_quota", ""))}, call.FaultConfig},
		{[]option{fails(429, openai("no", "rate_limit_exceeded", ""))}, call.FaultProvider},
		{[]option{page(502)}, call.FaultNetwork},
		{[]option{streamOK, broken, leaves(7)}, call.FaultUser},
		{[]option{streamOK, broken, ends(call.SideUpstream, call.EndReset)}, call.FaultProvider},
		{[]option{plainOK}, call.FaultUnknown},
	} {
		if d := diagnose.Classify(record(tc.options...)); d.Fault != tc.want {
			t.Errorf("%v (%s): fault %v, want %v", d.Class, d.Reason, d.Fault, tc.want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(400, "Streaming is 'not supported' \"here", "stream_not_allowed", "stream", true)
	f.Add(500, "“ストリーミング」は「", "A_B", "messages[0].content", false)
	f.Add(200, "it's n't 'x' `y", "", "x.y/z#", true)
	f.Fuzz(func(t *testing.T, status int, message, code, param string, stream bool) {
		r := record(fails(status, call.Error{Shape: call.ShapeOpenAI, Code: code, Param: param, Message: message}))
		if stream {
			asked(&r)
		}
		d := diagnose.Classify(r)
		if status >= 200 && d.Class == call.ClassUnknown {
			t.Errorf("status %d is not classified", status)
		}
	})
}

func BenchmarkClassifyHealthy(b *testing.B) {
	r := record(streamOK)
	b.ReportAllocs()
	for b.Loop() {
		diagnose.Classify(r)
	}
}

func BenchmarkClassifyError(b *testing.B) {
	r := record(asked, fails(500, call.Error{Shape: call.ShapeAPIM, Message: "Internal server error"}))
	b.ReportAllocs()
	for b.Loop() {
		diagnose.Classify(r)
	}
}

func ExampleClassify() {
	r := record(asked, azure, fails(500, call.Error{Shape: call.ShapeAPIM, Message: "Internal server error", RequestID: "11-22"}))
	d := diagnose.Classify(r)
	fmt.Println(d.Class, d.Severity, d.Fault)
	fmt.Println(d.Text)
	// Output:
	// gateway_error_opaque error network
	// This 500 was written by a gateway, not by the model service; quote 11-22.
}

// The texts that cost most: long, in several languages, about streams.
func BenchmarkClassifyLongText(b *testing.B) {
	for name, message := range map[string]string{
		"refusal": strings.Repeat("Streaming der Antwort wird für dieses Modell nicht unterstützt, please set stream to false. ", 4)[:300],
		"other":   strings.Repeat("The streaming response of model m-1 could not be read: 'max_tokens' is too large, reduce it; ", 4)[:300],
		"chinese": strings.Repeat("该模型不支持流式输出，请将 stream 设置为 false。", 9)[:390],
		"quotes":  strings.Repeat(`{'error': {'message': "It's 'stream' not supported", 'code': None}} `, 6)[:300],
	} {
		b.Run(name, func(b *testing.B) {
			r := record(asked, fails(400, openai(message, "invalid_request_error", "")))
			b.ReportAllocs()
			for b.Loop() {
				diagnose.Classify(r)
			}
		})
	}
}
