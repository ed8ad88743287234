package sinktest

import (
	"fmt"
	"strings"
	"time"

	"llmtap/internal/call"
)

// Record returns a good streamed call, number n: ids and times differ with n,
// all else is equal. Every group of facts a sink may read is filled.
func Record(n int) call.Record {
	at := epoch().Add(time.Duration(n) * time.Second)
	after := func(ms int) time.Time { return at.Add(time.Duration(ms) * time.Millisecond) }
	r := call.Record{
		Identity: call.Identity{
			ID: fmt.Sprintf("rec-%06d", n), Start: at, Logical: fmt.Sprintf("log-%06d", n), Attempt: 1,
			Span: call.SpanContext{Trace: fmt.Sprintf("%032x", n+1), Span: fmt.Sprintf("%016x", n+1), Sampled: true},
		},
		Target: call.Target{
			Scheme: "https", Host: "x.openai.azure.com", Port: 443, Provider: "azure.ai.openai", API: "azure.openai.chat",
			Operation: "chat", Format: "openai.chat", Deployment: "gpt4", Model: "gpt4", APIVersion: "2024-10-21",
			Auth: call.Auth{Scheme: "api_key"},
		},
		Client: call.Client{Kind: call.ClientFramework, Name: "langchain", SDK: "openai-python", SDKVersion: "1.58.1", Rule: "ua-lc-azure"},
		Request: call.Request{
			Method: "POST", Path: "/openai/deployments/gpt4/chat/completions", Mode: call.ModeStream, StreamFlag: call.StreamTrue,
			Keys: []string{"messages", "stream"}, Params: []call.Param{{Name: "temperature", Value: "0.7"}}, Messages: 2, Bytes: 512, HTTP: "1.1",
		},
		Response: call.Response{
			Status: 200, HTTP: "1.1", Model: "gpt-4o-2024-08-06", ID: "chatcmpl-1", FinishReasons: []string{"stop"}, Origin: "upstream",
			Body:    call.BodyFacts{ContentType: "text/event-stream", Framing: call.FramingSSE, Transfer: call.TransferChunked, Bytes: 9000},
			Headers: []call.Header{{Name: "x-request-id", Value: "req-1"}},
		},
		Timing: call.Timing{
			RequestSent: after(1), Headers: after(210), FirstByte: after(211), FirstData: after(212), FirstContent: after(350),
			LastData: after(1800), LastByte: after(1900), End: after(1900),
		},
		Stream:    call.Stream{Events: 42, ContentEvents: 40, Bursts: 41, LargestBurst: 2, MaxGap: 400 * time.Millisecond, MaxDataGap: 400 * time.Millisecond, Done: true, Finish: true},
		Usage:     call.Usage{Input: call.Some(9), Output: call.Some(40)},
		End:       call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:     call.Agent{View: call.ViewFull, Capture: call.CaptureOff, Mode: call.CaptureMITM},
		Diagnosis: call.Diagnosis{Class: call.ClassOK},
	}
	for range 39 {
		r.Stream.AddPace(35 * time.Millisecond)
	}
	return r
}

// Finding returns verdict number n in the given state.
func Finding(n int, state string) call.Finding {
	f := call.Finding{
		Schema: call.Schema, ID: fmt.Sprintf("find-%06d", n), Verdict: "stream_only_failure", State: state,
		Since: epoch(), Updated: epoch().Add(time.Duration(n) * time.Second), Target: Record(0).Target,
		Evidence: call.Evidence{Failing: []string{"rec-000001"}, Working: []string{"rec-000002"}},
		Text:     "Only streamed requests fail here; plain ones work.",
	}
	if state == "closed" {
		f.ClosedBecause = "works_again"
	}
	return f
}

// Hostile returns strings that break naive sinks: bytes that are no UTF-8,
// line ends, quotes of several languages, format verbs, giants, the empty one.
func Hostile() []string {
	return []string{
		"", " ", "\x00", "\xff\xfe\xfd", "a\nb\r\nc", `"}{"x":"`, "'; DROP TABLE calls; --", "%s%n%!d(MISSING)",
		"<script>alert(1)</script>", "../../etc/passwd", "\u202e\u0000\ufeff", `{le="+Inf"} 1` + "\n# EOF",
		strings.Repeat("A", 1<<20), strings.Repeat("\U0001f4a9", 1000), "ключ", "-1", "1e999", "NaN",
	}
}
