package call_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"llmtap/internal/call"
)

func full() call.Record {
	start := time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	h := call.NewHasher([]byte("k"))
	r := call.Record{
		Identity: call.Identity{
			ID: "a1", Start: start, Span: call.SpanContext{Trace: "t", Span: "s", Sampled: true},
			Remote: call.SpanContext{Trace: "r", Span: "q"}, Logical: "l1", Attempt: 2,
			Parent: call.SpanContext{Trace: "t", Span: "p", Sampled: true}, First: call.SpanContext{Trace: "t", Span: "p", Sampled: true},
		},
		Target: call.Target{
			Scheme: "https", Host: "x.openai.azure.com", Port: 443, Provider: "azure.ai.openai", API: "azure.openai.chat",
			Deployment: "gpt4", Model: "gpt4", APIVersion: "2024-10-21", Auth: call.Auth{Scheme: "api_key", Digest: h.Secret("s")},
		},
		Client: call.Client{Kind: call.ClientFramework, Name: "langchain", SDK: "openai-python", SDKVersion: "1.58.1", Process: call.Process{PID: 7, Name: "python"}},
		Request: call.Request{
			Method: "POST", Path: "/p", Mode: call.ModeStream, StreamFlag: call.StreamTrue, Keys: []string{"messages", "stream"},
			Params: []call.Param{{Name: "temperature", Value: "0.7"}}, Messages: 2, Bytes: 512, HTTP: "1.1",
			Hints: call.RequestHints{IncludeUsage: call.True, Body: h.Secret("b"), Headers: []call.Header{{Name: "via", Value: "x"}}},
		},
		Response: call.Response{
			Status: 500, HTTP: "1.1", Body: call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Transfer: call.TransferChunked, Bytes: 9},
			Error:         call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error"},
			FinishReasons: []string{"stop"}, Headers: []call.Header{{Name: "x-request-id", Value: "r"}}, Origin: "upstream",
		},
		Timing: call.Timing{Dial: at(-20), DNS: at(-19), Connect: at(-15), TLS: at(-5), RequestSent: at(1), Headers: at(210), FirstByte: at(211), FirstData: at(212), FirstContent: at(350), LastData: at(1800), LastByte: at(1900), End: at(1901)},
		Stream: call.Stream{Events: 42, ContentEvents: 40, Bursts: 41, LargestBurst: 2, MaxGap: 400 * time.Millisecond, Done: true, Oddities: []call.Oddity{{Name: "choices_empty", Count: 1, Last: 212 * time.Millisecond}}},
		Usage:  call.Usage{Input: call.Some(9), Output: call.Some(40), Cached: call.Some(0)},
		End:    call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:  call.Agent{LagMax: 100 * time.Microsecond, View: call.ViewFull, Capture: call.CaptureOff, Mode: call.CaptureMITM, Overrun: time.Second},
		Diagnosis: call.Diagnosis{
			Class: call.ClassGatewayErrorOpaque, Severity: call.SeverityError, Fault: call.FaultNetwork, Tags: []string{"retry_burst"},
		},
	}
	r.Stream.AddPace(15 * time.Millisecond)
	return r
}

func TestRecordSurvivesJSON(t *testing.T) {
	want := full()
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got call.Record
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("round trip differs\n got %+v\nwant %+v", got, want)
	}
}

func TestJSONNamesAreTheContract(t *testing.T) {
	b, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	paths := map[string]any{
		"outcome": "error", "schema": 1.0, "logical.attempt": 2.0, "trace.trace_id": "t", "target.host": "x.openai.azure.com",
		"target.api_version": "2024-10-21", "client.kind": "framework", "client.sdk_version": "1.58.1",
		"request.stream_flag": "true", "request.params.temperature": 0.7, "response.status": 500.0,
		"response.error.shape": "apim", "response.headers.x-request-id": "r", "timing.first_content": 0.35, "timing.total": 1.901,
		"stream.events": 42.0, "usage.input": 9.0, "end.side": "upstream", "end.terminal": true, "agent.view": "full",
		"diagnosis.class": "gateway_error_opaque", "diagnosis.severity": "error", "diagnosis.fault": "network",
	}
	for path, want := range paths {
		if got := lookup(m, path); got != want {
			t.Errorf("%s = %v, want %v", path, got, want)
		}
	}
}

func lookup(m map[string]any, path string) any {
	var cur any = m
	for _, k := range splitDots(path) {
		obj, ok := cur.(map[string]any)
		if !ok {
			return nil
		}
		cur = obj[k]
	}
	return cur
}

func splitDots(s string) []string {
	var out []string
	cur := ""
	for _, r := range s {
		if r == '.' {
			out, cur = append(out, cur), ""
			continue
		}
		cur += string(r)
	}
	return append(out, cur)
}

func TestUnknownIsAbsent(t *testing.T) {
	b, err := json.Marshal(call.Record{Identity: call.Identity{ID: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"response", "stream", "usage", "trace", "logical", "content", "diagnosis"} {
		if _, there := m[k]; there {
			t.Errorf("%s is present in an empty record: %s", k, b)
		}
	}
}
