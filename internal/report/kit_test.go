package report_test

import (
	"bytes"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/report"
)

// noon is when the recorded calls of the tests begin.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// edit changes a record for one case.
type edit func(*call.Record)

// plain is a direct call of an Azure deployment that worked, at s seconds.
func plain(id string, s float64, edits ...edit) call.Record {
	start := noon.Add(time.Duration(s * float64(time.Second)))
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	r := call.Record{
		Identity: call.Identity{ID: id, Start: start, Logical: id, Attempt: 1, Span: call.SpanContext{Trace: "4bf92f3577b34da6a3ce929d0e0e4736", Span: "00f067aa0ba902b7"}},
		Target: call.Target{
			Scheme: "https", Host: "x.openai.azure.com", Port: 443, Provider: "azure.ai.openai", API: "azure.openai.chat", Deployment: "gpt4",
			Model: "gpt4", APIVersion: "2024-10-21", Auth: call.Auth{Scheme: "api_key"},
		},
		Client: call.Client{Kind: call.ClientDirect, Name: "curl", Version: "8.5.0"},
		Request: call.Request{
			Method: "POST", Path: "/openai/deployments/gpt4/chat/completions",
			URL:  "https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21",
			Mode: call.ModePlain, StreamFlag: call.StreamAbsent, Keys: []string{"messages"}, Messages: 1, HTTP: "1.1",
		},
		Response:  call.Response{Status: 200, Origin: "upstream", Body: call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Bytes: 812}},
		Timing:    call.Timing{RequestSent: at(1), Headers: at(350), FirstByte: at(351), LastByte: at(352), End: at(353)},
		End:       call.End{Side: call.SideUpstream, Kind: call.EndEOF, Terminal: true},
		Agent:     call.Agent{View: call.ViewFull},
		Diagnosis: call.Diagnosis{Class: call.ClassOK},
	}
	for _, e := range edits {
		e(&r)
	}
	return r
}

// streamed makes a call a stream that worked.
func streamed(r *call.Record) {
	at := func(ms int) time.Time { return r.Identity.Start.Add(time.Duration(ms) * time.Millisecond) }
	r.Request.Mode, r.Request.StreamFlag, r.Request.Keys = call.ModeStream, call.StreamTrue, []string{"messages", "stream"}
	r.Response.Body = call.BodyFacts{ContentType: "text/event-stream", Framing: call.FramingSSE, Bytes: 9120}
	r.Timing = call.Timing{RequestSent: at(1), Headers: at(200), FirstByte: at(201), FirstContent: at(350), LastByte: at(2900), End: at(2901)}
	r.Stream = call.Stream{Events: 42, ContentEvents: 40, Bursts: 41, LargestBurst: 2, MaxGap: 400 * time.Millisecond, Done: true, Finish: true}
}

// refused is API Management's opaque 500.
func refused(r *call.Record) {
	at := func(ms int) time.Time { return r.Identity.Start.Add(time.Duration(ms) * time.Millisecond) }
	r.Response = call.Response{Status: 500, Origin: "upstream", Body: call.BodyFacts{ContentType: "application/json", Framing: call.FramingJSON, Bytes: 111}}
	r.Response.Error = call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error", RequestID: "a1b2c3d4-1208"}
	r.Timing = call.Timing{RequestSent: at(1), Headers: at(88), FirstByte: at(88), LastByte: at(89), End: at(90)}
	r.Stream = call.Stream{}
	r.Diagnosis = call.Diagnosis{
		Class: call.ClassGatewayErrorOpaque, Severity: call.SeverityError, Fault: call.FaultNetwork, Text: "This 500 was written by a gateway, not by the model service; quote a1b2c3d4-1208.",
		Remedy: []string{"Turn streaming off: `disable_streaming`.", "API owner: Let `forward-request` pass streams."},
	}
}

// cutOff ends a stream in mid-answer.
func cutOff(r *call.Record) {
	r.End = call.End{Side: call.SideUpstream, Kind: call.EndShort}
	r.Stream.Done, r.Stream.Finish, r.Stream.Events, r.Stream.ContentEvents, r.Stream.Bursts, r.Stream.Keepalives = false, false, 12, 11, 3, 2
	r.Stream.Oddities = []call.Oddity{{Name: "comment", Count: 2}}
	r.Diagnosis = call.Diagnosis{Class: call.ClassStreamTruncated, Severity: call.SeverityError, Fault: call.FaultNetwork, Text: "The stream was cut after 12 events.", Remedy: []string{"Ask again."}}
}

// left is a client that went away on its own.
func left(r *call.Record) {
	r.End = call.End{Side: call.SideClient, Kind: call.EndClosed}
	r.Diagnosis = call.Diagnosis{Class: call.ClassClientCancelled, Severity: call.SeverityInfo, Fault: call.FaultUser}
}

// distrusted is a client that refused llmtap's certificate: no request at all.
func distrusted(r *call.Record) {
	r.Request, r.Response, r.Stream = call.Request{}, call.Response{}, call.Stream{}
	r.Target.Deployment, r.Target.Model, r.Target.API = "", "", ""
	r.Client = call.Client{}
	r.Timing = call.Timing{End: r.Identity.Start.Add(4 * time.Millisecond)}
	r.End = call.End{Side: call.SideClient, Kind: call.EndTLS}
	r.Diagnosis = call.Diagnosis{Class: call.ClassTLSUntrusted, Severity: call.SeverityError, Fault: call.FaultConfig, Text: "The client does not trust llmtap's certificate."}
}

// jupyter makes Jupyter AI of a version the caller.
func jupyter(version string) edit {
	return func(r *call.Record) {
		r.Client = call.Client{
			Kind: call.ClientFramework, Name: "jupyter-ai", Version: version, Framework: "langchain", Surface: "chat", SDK: "openai-python", SDKVersion: "1.60.1", Rule: "jai-chat-2",
		}
	}
}

// attempt makes a record one of several of a logical call.
func attempt(logical string, n int) edit {
	return func(r *call.Record) { r.Identity.Logical, r.Identity.Attempt = logical, n }
}

// at sends a call to another deployment of another host.
func at(host, deployment string) edit {
	return func(r *call.Record) {
		r.Target.Host, r.Target.Deployment, r.Target.Model = host, deployment, deployment
		r.Request.Path = "/openai/deployments/" + deployment + "/chat/completions"
		r.Request.URL = "https://" + host + r.Request.Path + "?api-version=2024-10-21"
	}
}

// streamOnly is the verdict of jupyter-ai#1208.
func streamOnly() call.Finding {
	f := call.Finding{
		Schema: 1, ID: "f1", Verdict: "stream_only_failure", State: "confirmed", Since: noon.Add(10 * time.Second), Updated: noon.Add(31 * time.Second),
		Target:     plain("", 0).Target,
		Evidence:   call.Evidence{Failing: []string{"01bad3"}, Working: []string{"01gen", "01direct1"}},
		Difference: []call.Change{{Path: "body.stream", Failing: "true", Working: "false"}},
		Text:       `Only streamed requests fail here (1 of 1: 500 gateway_error_opaque, "Internal server error"; 3 attempts); plain ones work.`,
		Conclusion: call.Conclusion{Remedy: []string{
			"Turn streaming off for this model: `disable_streaming`.", "Admin: Send the owner a pair of curl calls.", "API owner: API Management: `forward-request buffer-response=\"false\"`.",
		}},
	}
	f.Client.Name, f.Client.Version = "jupyter-ai", "2.29.0"
	return f
}

// story1208 is what was seen in jupyter-ai#1208, newest first.
func story1208() report.Input {
	chat := jupyter("2.29.0")
	return report.Input{
		Records: []call.Record{
			plain("01direct2", 40),
			plain("01gen", 30, chat, func(r *call.Record) { r.Client.Surface, r.Request.StreamFlag = "generate", call.StreamFalse }),
			plain("01bad3", 12.1, streamed, refused, chat, attempt("01bad1", 3)),
			plain("01bad2", 10.6, streamed, refused, chat, attempt("01bad1", 2)),
			plain("01bad1", 10, streamed, refused, chat, attempt("01bad1", 1)),
			plain("01direct1", 0),
		},
		Findings: []call.Finding{streamOnly()}, Tool: "llmtap 0.1.0 (0123456789ab)", Made: noon.Add(time.Minute), Since: noon.Add(-24*time.Hour + time.Minute),
	}
}

// write makes a report or ends the test.
func write(t testing.TB, in report.Input) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Write(&out, in); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// input is a report about records, newest first.
func input(records ...call.Record) report.Input {
	return report.Input{Records: records, Tool: "llmtap 0.1.0 (0123456789ab)", Made: noon.Add(time.Hour), TunnelsUnknown: true}
}
