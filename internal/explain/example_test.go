package explain_test

import (
	"fmt"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/explain"
)

// refused is a chat message of Jupyter AI that a gateway answered with 500.
func refused() call.Record {
	return streamCall(failed(call.ClassGatewayErrorOpaque, 500), by(jupyter("2.29.0", "jai-chat-2", "chat")), func(r *call.Record) {
		r.Response.Body.Framing, r.Stream = call.FramingJSON, call.Stream{}
		r.Timing = call.Timing{RequestSent: after(1), Headers: after(24), LastByte: after(25), End: after(25)}
		r.Response.Error = call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error", RequestID: "activity-1"}
		r.Diagnosis.Text = "This 500 was written by a gateway, not by the model service; quote activity-1."
		r.Diagnosis.Remedy = []string{"API owner: Pass streams on.", "Admin: Send the owner the pair of curl calls.", "Until it is mended use `%%ai`."}
	})
}

func ExampleHeadline() {
	fmt.Println(explain.Headline(refused()))
	fmt.Println(explain.Headline(streamCall()))
	// Output:
	// This 500 was written by a gateway, not by the model service; quote activity-1.
	// It worked: a stream whose first content came after 0.350 s, complete after 2.901 s.
}

func ExampleTimeline() {
	r := streamCall(func(r *call.Record) {
		r.Timing.LastByte, r.Timing.End = after(1400), after(1400)
		r.Stream = call.Stream{Events: 12, ContentEvents: 11, Bursts: 11, MaxGap: 250 * time.Millisecond}
		r.End = call.End{Side: call.SideUpstream, Kind: call.EndReset}
	})
	for _, line := range explain.Timeline(r) {
		fmt.Println(line)
	}
	// Output:
	// 0 s |s........hb----c==============================================le| 1.400 s
	//     0.001 s  s  request sent
	//     0.200 s  h  headers: 200
	//     0.201 s  b  first byte
	//     0.350 s  c  first content
	//     1.400 s  l  last byte
	//     1.400 s  e  end: the service, or something on the way, reset the connection
	//                 the answer was not complete
	// 12 events, 11 with content, in 11 bursts: steadily
	// longest silence 0.250 s, 18 % of the time
}

func ExampleSeen() {
	fmt.Println(explain.Seen(refused()))
	fmt.Println(explain.Seen(streamCall(failed(call.ClassStreamDowngraded, 200), by(sdk("openai-python", "2.8.1")))))
	// Output:
	// Probably "Sorry, an error occurred. Details below:", a traceback and InternalServerError with the body, after three requests (so it was with Jupyter AI 2.29.0 and 2.31.7).
	// Probably nothing at all: no error, and an empty answer (so it was with openai-python 1 and 2).
}

func ExampleAdvice() {
	for _, step := range explain.Advice(refused()) {
		fmt.Printf("%s: %s\n", step.Who, step.Text)
	}
	fmt.Println(explain.Quote(refused()))
	// Output:
	// User: Until it is mended use `%%ai`.
	// Admin: Send the owner the pair of curl calls.
	// API owner: Pass streams on.
	// Ask the owner of x.openai.azure.com: which policy or hop wrote this 500, and does it pass streamed answers on? Quote activityId activity-1, 2026-01-02 12:00:00.000 UTC, POST /openai/deployments/gpt4/chat/completions, as a stream, status 500.
}

func ExampleEvidence() {
	for _, f := range explain.Evidence(refused()) {
		fmt.Printf("%-10s %s\n", f.Name, f.Text)
	}
	// Output:
	// class      gateway_error_opaque
	// error      apim shape, code 500: Internal server error
	// written by a gateway: the error has API Management's form, and none of x-ms-region, apim-request-id, azureml-model-session
	// to quote   activityId activity-1
}

func ExampleLikeness() {
	other := func(id string, r call.Record) call.Record {
		r.Identity.ID, r.Identity.Logical = id, id
		return r
	}
	for _, line := range explain.Likeness(refused(), []call.Record{other("a", refused()), other("b", plainCall()), other("c", plainCall())}) {
		fmt.Println(line)
	}
	// Output:
	// 1 other call of this target ended as gateway_error_opaque, the first at 2026-01-02 12:00:00.000 UTC
	// of 1 other streamed call 0 worked; of 2 other plain calls 2 worked
}

func ExampleCurl() {
	p := explain.Curl(refused())
	fmt.Println(p.AsSent.Text)
	fmt.Println("#", p.Change)
	fmt.Println(p.Changed.Text)
	// Output:
	// curl -sS -N --fail-with-body -w '\n%{http_code}\n' \
	//   'https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21' \
	//   -H "api-key: $AZURE_OPENAI_API_KEY" \
	//   -H 'Content-Type: application/json' \
	//   --data-raw '{"messages":[{"role":"user","content":"Say hello."}],"stream":true}'
	// # asking for one plain answer instead of a stream
	// curl -sS -N --fail-with-body -w '\n%{http_code}\n' \
	//   'https://x.openai.azure.com/openai/deployments/gpt4/chat/completions?api-version=2024-10-21' \
	//   -H "api-key: $AZURE_OPENAI_API_KEY" \
	//   -H 'Content-Type: application/json' \
	//   --data-raw '{"messages":[{"role":"user","content":"Say hello."}],"stream":false}'
}
