package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/store"
)

// noon is when the recorded calls of the tests begin.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func after(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// plainOK is a direct call that worked.
func plainOK() call.Record {
	return call.Record{
		Identity: call.Identity{ID: "01a0000000001plainok", Start: noon, Logical: "01a0000000001plainok", Attempt: 1, Span: call.SpanContext{Trace: strings.Repeat("ab", 16), Span: strings.Repeat("cd", 8)}},
		Target:   call.Target{Scheme: "https", Host: "x.openai.azure.com", Port: 443, API: "azure.openai.chat", Deployment: "gpt4", Model: "gpt4", APIVersion: "2024-10-21", Auth: call.Auth{Scheme: "api_key"}},
		Client:   call.Client{Kind: call.ClientDirect, Name: "curl", Version: "8.5.0", SDK: "curl", SDKVersion: "8.5.0", Rule: "ua-http"},
		Request: call.Request{
			Method: "POST", Path: "/openai/deployments/gpt4/chat/completions", URL: "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21",
			Mode: call.ModePlain, StreamFlag: call.StreamAbsent, Keys: []string{"messages", "temperature"}, Params: []call.Param{{Name: "temperature", Value: "0.7"}}, Messages: 1, Bytes: 61, HTTP: "1.1",
		},
		Response: call.Response{
			Status: 200, HTTP: "1.1", Origin: "upstream", Model: "gpt-4o-2024-08-06", FinishReasons: []string{"stop"}, Headers: []call.Header{{Name: "x-request-id", Value: "r-1"}},
			Body: call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Transfer: call.TransferLength, Bytes: 1039},
		},
		Timing:    call.Timing{RequestSent: after(1), Headers: after(350), FirstByte: after(351), LastByte: after(352), End: after(353)},
		Usage:     call.Usage{Input: call.Some(7), Output: call.Some(10), Cached: call.Some(0)},
		End:       call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:     call.Agent{LagMax: 80 * time.Microsecond, View: call.ViewFull, Capture: call.CaptureOff, Mode: call.CaptureMITM},
		Diagnosis: call.Diagnosis{Class: call.ClassOK},
	}
}

// streamOK is a framework's stream that worked.
func streamOK() call.Record {
	r := plainOK()
	r.Identity.ID, r.Identity.Logical, r.Identity.Start = "01a0000000002streamok", "01a0000000002streamok", after(1000)
	r.Client = call.Client{Kind: call.ClientFramework, Name: "jupyter-ai", Surface: "chat", Framework: "langchain", SDK: "openai-python", SDKVersion: "1.60.1", Rule: "jai-chat-2", User: "ada"}
	r.Request.Mode, r.Request.StreamFlag, r.Request.Keys, r.Request.Tools = call.ModeStream, call.StreamTrue, []string{"messages", "model", "stream"}, 2
	r.Request.Params = nil
	r.Response.Body = call.BodyFacts{ContentType: "text/event-stream", Encoding: "gzip", Framing: call.FramingSSE, Transfer: call.TransferChunked, Bytes: 90210}
	r.Timing = call.Timing{RequestSent: after(1001), Headers: after(1200), FirstByte: after(1201), FirstContent: after(1350), LastByte: after(3900), End: after(3901)}
	r.Stream = call.Stream{Events: 42, ContentEvents: 40, Keepalives: 1, Bursts: 41, LargestBurst: 2, MaxGap: 400 * time.Millisecond, Done: true, Finish: true, Oddities: []call.Oddity{{Name: "choices_empty", Count: 1}}}
	r.Usage = call.Usage{Input: call.Some(7), Output: call.Some(420), Reasoning: call.Some(64)}
	return r
}

// issue1208 is the third attempt of a stream that the gateway refuses.
func issue1208() call.Record {
	r := streamOK()
	r.Identity.ID, r.Identity.Logical, r.Identity.Attempt, r.Identity.Start = "01a0000000003issue1208", "01a0000000003first", 3, after(5000)
	r.Response = call.Response{
		Status: 500, HTTP: "1.1", Origin: "upstream", Body: call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Transfer: call.TransferLength, Bytes: 104},
		Error: call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error", RequestID: "activity-1"},
	}
	r.Timing = call.Timing{RequestSent: after(5001), Headers: after(5021), FirstByte: after(5021), LastByte: after(5021), End: after(5022)}
	r.Stream, r.Usage = call.Stream{}, call.Usage{}
	r.Diagnosis = call.Diagnosis{
		Class: call.ClassGatewayErrorOpaque, Severity: call.SeverityError, Fault: call.FaultNetwork,
		Text:   "This 500 was written by a gateway, not by the model service; quote activity-1.",
		Remedy: []string{"Ask for one plain answer until it is mended.", "API Management: `forward-request buffer-response=\"false\"`, no body logging in diagnostics, no `validate-content`; not the Consumption tier."},
	}
	return r
}

// cutStream is a stream that the service broke off.
func cutStream() call.Record {
	r := streamOK()
	r.Identity.ID, r.Identity.Logical, r.Identity.Start = "01a0000000004cutstream", "01a0000000004cutstream", after(6000)
	r.Timing = call.Timing{RequestSent: after(6001), Headers: after(6100), FirstByte: after(6100), FirstContent: after(6101), LastByte: after(7000), End: after(7000)}
	r.Response.FinishReasons, r.Usage = nil, call.Usage{}
	r.Stream = call.Stream{Events: 3, ContentEvents: 3, Bursts: 3, MaxGap: 900 * time.Millisecond}
	r.End = call.End{Side: call.SideUpstream, Kind: call.EndReset, Reason: "rst"}
	r.Diagnosis = call.Diagnosis{Class: call.ClassStreamTruncated, Severity: call.SeverityError, Fault: call.FaultProvider, Text: "The service broke the stream off after 3 events."}
	return r
}

// distrust is a client that does not know our authority.
func distrust() call.Record {
	return call.Record{
		Identity: call.Identity{ID: "01a0000000005distrust", Start: after(8000), Logical: "01a0000000005distrust", Attempt: 1},
		Target:   call.Target{Scheme: "https", Host: "api.openai.com", Port: 443},
		Timing:   call.Timing{End: after(8002)},
		End:      call.End{Side: call.SideClient, Kind: call.EndTLS, Detail: "remote error: tls: unknown certificate authority"},
		Agent:    call.Agent{View: call.ViewOpaque, Capture: call.CaptureOff, Mode: call.CaptureMITM},
		Diagnosis: call.Diagnosis{
			Class: call.ClassTLSUntrusted, Severity: call.SeverityError, Fault: call.FaultConfig,
			Text: "The client does not trust llmtap's authority.", Remedy: []string{`eval "$(llmtap env)"`},
		},
	}
}

// interrupted is a call that was live when the agent was killed.
func interrupted() call.Record {
	r := plainOK()
	r.Identity.ID, r.Identity.Logical, r.Identity.Attempt, r.Identity.Start = "01a0000000006interrupt", "", 0, after(9000)
	r.Response, r.Usage, r.Timing = call.Response{}, call.Usage{}, call.Timing{RequestSent: after(9001)}
	r.End = call.End{Side: call.SideAgent, Reason: "crash"}
	r.Agent.Lost = []string{"decode_limit", "oversize"}
	r.Diagnosis = call.Diagnosis{Class: call.ClassAgentInduced, Reason: "crash", Severity: call.SeverityError, Fault: call.FaultAgent, Text: "llmtap was killed while this call was live."}
	return r
}

// hostile is a client that writes what steers terminals wherever it can.
func hostile() call.Record {
	const evil = "\x1b]0;owned\x07\x1b[2J\r\n\u202egpj.exe\u200b\u009b31m\xff"
	r := issue1208()
	r.Identity.ID, r.Identity.Start = "01a0000000007hostile", after(10000)
	r.Client.Name, r.Client.Version, r.Client.Surface, r.Client.User, r.Client.SDKVersion = evil, evil, evil, evil, evil
	r.Target.Host, r.Target.Deployment, r.Target.APIVersion = evil+".example", evil+"模型模型模型模型模型模型模型模型", evil
	r.Request.Method, r.Request.URL, r.Request.Keys = evil, evil, []string{evil, "名前"}
	r.Request.Params = []call.Param{{Name: evil, Value: `"` + evil + `"`}}
	r.Response.Body.ContentType, r.Response.Error.Message, r.Response.Error.Code, r.Response.Model = evil, evil, evil, evil
	r.Response.Headers, r.Response.FinishReasons = []call.Header{{Name: evil, Value: evil}}, []string{evil}
	r.End.Detail, r.End.Reason = evil, evil
	r.Diagnosis.Text, r.Diagnosis.Remedy = evil, []string{evil}
	r.Stream.Events, r.Stream.Oddities = 1, []call.Oddity{{Name: evil, Count: 1}}
	return r
}

func sixRecords() map[string]call.Record {
	return map[string]call.Record{
		"plain-ok": plainOK(), "stream-ok": streamOK(), "issue-1208": issue1208(), "cut-stream": cutStream(), "distrust": distrust(), "interrupted": interrupted(),
	}
}

// recorded is a state directory whose store holds the records.
func recorded(t *testing.T, list ...call.Record) string {
	t.Helper()
	dir := shortDir(t)
	s, err := store.Open(t.Context(), store.Config{Path: filepath.Join(dir, "calls.db"), Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if err := s.Record(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	return dir
}
