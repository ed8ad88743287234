package call_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"llmtap/internal/call"
)

// contractRecord is a record as the contract prints it, every member present.
const contractRecord = `{"schema":1,"id":"a1","start":"2026-01-02T03:04:05.678901Z","outcome":"error",
 "logical":{"id":"l1","attempt":1},
 "trace":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","sampled":true},
 "target":{"scheme":"https","host":"x.openai.azure.com","port":443,"provider":"azure.ai.openai","api":"azure.openai.chat",
           "deployment":"gpt4","model":"gpt-4o","api_version":"2024-10-21","auth":"api_key:0123456789ab"},
 "client":{"kind":"framework","name":"jupyter-ai","version":"2.29.0","surface":"chat","sdk":"openai-python","sdk_version":"1.58.1",
           "rule":"jai-chat-2","user":"ada","process":{"pid":7,"name":"python"}},
 "request":{"method":"POST","path":"/openai/deployments/gpt4/chat/completions","mode":"stream",
            "stream_flag":"true","keys":["messages","model","stream"],"params":{"temperature":0.7},
            "messages":2,"tools":0,"bytes":512,"http":"1.1"},
 "response":{"status":500,"content_type":"application/json","framing":"json",
             "transfer":"length","http":"1.1","bytes":120,"model":"gpt-4o","finish_reasons":["stop"],
             "error":{"shape":"apim","code":"500","param":"stream","message":"Internal server error"},
             "headers":{"x-request-id":"r"}},
 "timing":{"dial":-0.03,"dns":0.01,"connect":0.01,"tls":0.005,"request_sent":0.001,"headers":0.21,"first_byte":0.21,"first_content":0.35,"last_byte":1.9,"total":1.9},
 "stream":{"events":42,"content_events":40,"keepalives":0,"bursts":41,"largest_burst":2,"max_gap":0.4,"max_data_gap":0.4,"done":true,"finish":true,
           "oddities":["choices_empty"],"oddity_counts":{"choices_empty":1}},
 "usage":{"input":9,"output":40,"cached":0,"reasoning":0},
 "end":{"side":"upstream","kind":"eof","terminal":true},
 "agent":{"lag_max":0.0001,"overhead":0.0003,"view":"full","capture":"off"},
 "diagnosis":{"class":"gateway_error_opaque","reason":"apim","tags":["retry_burst"],"severity":"error","fault":"network","text":"t","remedy":["r"]}}`

// TestContractRecordReadsAndWrites: no member of the contract is ignored when
// it is read, renamed when it is written, or joined by one that it lacks.
func TestContractRecordReadsAndWrites(t *testing.T) {
	var r call.Record
	if err := json.Unmarshal([]byte(contractRecord), &r); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want, got := members(t, []byte(contractRecord)), members(t, b)
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(got[path], want[path]) {
			t.Errorf("%s: got %v, want %v", path, got[path], want[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(got)) {
		if _, there := want[path]; !there {
			t.Errorf("%s = %v is not in the contract's record", path, got[path])
		}
	}
}

// members flattens a JSON object to paths.
func members(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var m any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	var walk func(string, any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(path+"."+k, x)
			}
		case []any:
			out[path] = fmt.Sprint(v...)
		default:
			out[path] = v
		}
	}
	walk("", m)
	return out
}

// TestEndTimeIsTheLastKnownInstant: any of the instants can be the last one.
func TestEndTimeIsTheLastKnownInstant(t *testing.T) {
	start := time.Unix(1000, 0)
	later := start.Add(time.Second)
	for name, tm := range map[string]call.Timing{
		"request sent":  {RequestSent: later},
		"headers":       {RequestSent: start, Headers: later},
		"first byte":    {FirstByte: later, Headers: start},
		"first data":    {FirstData: later},
		"first content": {FirstContent: later, FirstData: start},
		"last data":     {LastData: later},
		"last byte":     {LastByte: later, LastData: start},
		"end before it": {LastByte: later.Add(time.Hour), End: later},
	} {
		r := call.Record{Identity: call.Identity{Start: start}, Timing: tm}
		if got := r.EndTime(); !got.Equal(later) {
			t.Errorf("%s: got %v, want %v", name, got, later)
		}
	}
	r := call.Record{Identity: call.Identity{Start: start}, Timing: call.Timing{Dial: later, TLS: later}}
	if got := r.EndTime(); !got.Equal(start) {
		t.Errorf("the connection's own instants belong to nobody's end: got %v", got)
	}
}

func TestSince(t *testing.T) {
	start := time.Unix(1000, 0)
	for name, tc := range map[string]struct {
		at   time.Time
		want time.Duration
	}{
		"did not happen": {time.Time{}, 0}, "after": {start.Add(time.Second), time.Second}, "before": {start.Add(-time.Second), -time.Second}, "at once": {start, 0},
	} {
		if got := call.Since(start, tc.at); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

// TestEveryGapHasItsBin: bins are the bounds, inclusive above, and keep sums.
func TestEveryGapHasItsBin(t *testing.T) {
	bounds := call.PaceBounds()
	if !slices.IsSorted(bounds) || bounds[0] != 0.01 {
		t.Fatalf("bounds %v", bounds)
	}
	for i, b := range bounds {
		at := time.Duration(b * float64(time.Second))
		var s call.Stream
		s.AddPace(at)
		s.AddPace(at + time.Microsecond)
		if s.Pace[i].Count != 1 || s.Pace[i+1].Count != 1 || s.Pace[i].Sum != at || s.Pace[i+1].Sum != at+time.Microsecond {
			t.Errorf("gaps around %v: %v", at, s.Pace)
		}
	}
}
