package diagnose_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// FuzzAnyRecord gives Classify whatever reads as a record.
func FuzzAnyRecord(f *testing.F) {
	lines, err := os.ReadFile("testdata/recorded.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for i, line := range strings.Split(string(lines), "\n") {
		var row struct{ Record json.RawMessage }
		if i%9 == 0 && json.Unmarshal([]byte(line), &row) == nil {
			f.Add([]byte(row.Record))
		}
	}
	f.Add([]byte(`{"schema":1,"response":{"status":400,"error":{"message":"Streaming is 'not supported' \"here"}},"request":{"mode":"stream"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r call.Record
		if json.Unmarshal(raw, &r) != nil {
			return
		}
		begun := time.Now()
		d := diagnose.Classify(r)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("took %v", took)
		}
		if s := r.Response.Status; s >= 200 && d.Class == call.ClassUnknown && r.End.Side != call.SideAgent && r.Response.Origin != "agent" {
			t.Errorf("status %d is not classified", s)
		}
		if strings.Contains(d.Text, "{") && !strings.Contains(string(raw), "{{") && strings.HasPrefix(d.Text, "{") {
			t.Errorf("a sentence with holes: %s", d.Text)
		}
	})
}

// FuzzText gives the reader of words any message: it ends, and its places stay
// inside the text.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"Streaming is 'not supported' \"here", "“ストリーミング」は「サポート", "stream_ _stream messages[", "it's n't 'x' `y", "ſtream ﬀ İ ß Ǆ",
		"'stream' 'stream' 'stream' not not not supported", strings.Repeat("not ", 200), strings.Repeat("stream ", 200), strings.Repeat("\"", 300),
		strings.Repeat("error: \"", 100), "流式\u0301不\u200d支持", "\xff\xfestream\xff not supported",
	} {
		f.Add(s, "stream_not_allowed", "stream")
	}
	f.Fuzz(func(t *testing.T, message, code, param string) {
		for _, mode := range [][]option{{asked}, nil} {
			diagnose.Classify(record(append(mode, fails(400, call.Error{Shape: call.ShapeOther, Code: code, Type: code, Param: param, Message: message}))...))
		}
	})
}

// Bodies are kept for people only: what the rules need is in the facts.
func TestRulesNeverReadContent(t *testing.T) {
	for _, r := range all() {
		bare := diagnose.Classify(r)
		r.Content = call.Content{Request: `{"stream":true}`, Response: "Streaming is not supported by this model", Truncated: true}
		if kept := diagnose.Classify(r); !reflect.DeepEqual(bare, kept) {
			t.Fatalf("status %d: %v without content, %v with it", r.Response.Status, bare.Class, kept.Class)
		}
	}
}

// What a record does not tell stays unknown: older programs knew fewer facts,
// and a blind connection shows none.
func TestUnknownStaysUnknown(t *testing.T) {
	for name, tc := range map[string]struct{ json, class string }{
		"nothing":                       {`{"schema":1}`, "unknown"},
		"a request only":                {`{"schema":1,"request":{"method":"POST","mode":"stream"}}`, "unknown"},
		"an answer without a body":      {`{"schema":1,"request":{"method":"POST"},"response":{"status":200}}`, "ok"},
		"a stream without facts":        {`{"schema":1,"request":{"method":"POST","mode":"stream"},"response":{"status":200,"framing":"sse"},"end":{"side":"upstream","kind":"eof"}}`, "ok"},
		"an error without a body":       {`{"schema":1,"request":{"mode":"stream"},"response":{"status":400}}`, "request_rejected"},
		"an error of no shape":          {`{"schema":1,"request":{"mode":"stream"},"response":{"status":500}}`, "gateway_error_opaque"},
		"an end that nobody saw":        {`{"schema":1,"request":{"method":"POST","mode":"stream"},"response":{"status":200,"framing":"sse"}}`, "ok"},
		"a mode that nobody knows":      {`{"schema":1,"response":{"status":400,"error":{"shape":"bare","message":"Streaming is not supported"}}}`, "request_rejected"},
		"members of a later program":    {`{"schema":1,"response":{"status":429,"new":{"a":1}},"later":true}`, "rate_limited"},
		"oddities of a later program":   {`{"schema":1,"request":{"mode":"stream"},"response":{"status":200},"stream":{"oddities":["something_new"]}}`, "ok"},
		"a cut without a dialect":       {`{"schema":1,"target":{"host":"x"},"request":{"mode":"stream"},"response":{"status":200,"framing":"sse"},"end":{"side":"upstream","kind":"eof"}}`, "ok"},
		"a decoder that had to give up": {`{"schema":1,"target":{"api":"openai.chat","format":"openai.chat"},"request":{"method":"POST","mode":"stream","stream_flag":"true"},"response":{"status":200,"framing":"sse"},"end":{"side":"upstream","kind":"eof"},"agent":{"view":"full","lost":["decode_limit"]}}`, "ok"},
	} {
		var r call.Record
		if err := json.Unmarshal([]byte(tc.json), &r); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := diagnose.Classify(r); d.Class.String() != tc.class {
			t.Errorf("%s: %v by %s, want %s", name, d.Class, d.Rule, tc.class)
		}
	}
}

// Bodies cut by the way or by a lying length, and labels that lie.
func TestErrorBodiesThatAreNotWhole(t *testing.T) {
	classify(t, []answer{
		{"half a sentence", 400, bare("Streaming is n"), "request_rejected", ""},
		{"half a JSON", 400, call.Error{Shape: call.ShapeText, Message: `{"error":{"message":"Streaming is not supported by this mod`}, "stream_unsupported", ""},
		{"no words at all", 400, call.Error{Shape: call.ShapeEmpty}, "request_rejected", ""},
		{"only a code", 400, call.Error{Shape: call.ShapeOther, Code: "streaming_disabled"}, "stream_unsupported", ""},
		{"cut in a character", 400, bare("该模型不支持流式\xe8"), "stream_unsupported", ""},
		{"beyond what is read", 400, bare(strings.Repeat("words ", 90) + "streaming is not supported"), "request_rejected", ""},
	}, asked)
}

// The cost of a diagnosis is bounded, whatever the text.
func TestDiagnosisIsCheap(t *testing.T) {
	for name, r := range map[string]call.Record{
		"healthy": record(streamOK), "refused": record(asked, fails(400, bare("Streaming is not supported by this model; please set stream to false"))),
		"a gateway's": record(asked, azure, fails(500, call.Error{Shape: call.ShapeAPIM, Message: "Internal server error", RequestID: "a-1"})),
	} {
		if n := testing.AllocsPerRun(100, func() { diagnose.Classify(r) }); n > 10 {
			t.Errorf("%s: %.0f allocations, at most 10", name, n)
		}
	}
}
