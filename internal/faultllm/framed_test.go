package faultllm_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"llmtap/internal/faultllm"
)

const (
	awsType    = "application/vnd.amazon.eventstream"
	ndjsonType = "application/x-ndjson"
)

// lines reads messages with Amazon's own library and writes each as a line; the
// last line names what is wrong.
func lines(body string) string {
	var out []string
	in := strings.NewReader(body)
	d := eventstream.NewDecoder()
	for in.Len() > 0 {
		m, err := d.Decode(in, nil)
		if err != nil {
			out = append(out, fmt.Sprintf("broken: %T", err))
			break
		}
		head := func(name string) string {
			if v := m.Headers.Get(name); v != nil {
				return v.String()
			}
			return ""
		}
		payload := string(m.Payload)
		var chunk struct{ Bytes string }
		if head(":event-type") == "chunk" && json.Unmarshal(m.Payload, &chunk) == nil {
			document, _ := base64.StdEncoding.DecodeString(chunk.Bytes)
			payload = string(document)
		}
		out = append(out, head(":message-type")+" "+head(":event-type")+head(":exception-type")+" "+payload)
	}
	return strings.Join(out, "\n")
}

// TestFramedDialects: what Ollama and Bedrock send, healthy and not.
func TestFramedDialects(t *testing.T) {
	s := start(t, plainHTTP)
	for _, tc := range []struct {
		name, path, body string
		want             want
	}{
		{"lines, asked without a flag", "/api/chat", `{"model":"m"}`, want{media: ndjsonType, has: []string{
			`"message":{"role":"assistant","content":"Owls "},"done":false}` + "\n", `"done":true,"done_reason":"stop"`, `"eval_count":10`,
		}, lacks: []string{"data:", "[DONE]", "choices"}}},
		{"lines, plain", "/api/chat", `{"model":"m","stream":false}`, want{media: jsonType, has: []string{`"content":"Owls hunt`, `"done":true`}, lacks: []string{`"done":false`}}},
		{"lines, tool", "/api/chat", `{"model":"ok-tools","tools":[{"type":"function","function":{"name":"count_owls"}}]}`, want{media: ndjsonType, has: []string{
			`"tool_calls":[{"id":"call_owl_a","function":{"index":0,"name":"count_owls","arguments":{"field":"north","night":3}}}]`,
		}}},
		{"lines, error inside", "/api/chat", `{"model":"serr-ndjson"}`, want{media: ndjsonType, has: []string{`{"error":"an error was`}, lacks: []string{`"done":true`}}},
		{"lines, refused", "/api/chat", `{"model":"refuse-400"}`, want{status: 400, media: jsonType, has: []string{`{"error":"Unsupported value`}}},
		{"messages", "/model/ok-bedrock/converse-stream", `{}`, want{media: awsType, has: []string{
			"event messageStart {\"role\"", `event contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Owls "}`, `event messageStop {"stopReason":"end_turn"`,
			`event metadata {"usage":{"inputTokens":1,"outputTokens":10,"totalTokens":11}`,
		}, lacks: []string{"broken", "data:"}}},
		{"messages, plain, behind a gateway", "/team/model/ok-bedrock/converse", `{}`, want{media: jsonType, has: []string{`"text":"Owls hunt`, `"stopReason":"end_turn"`}}},
		{"messages, tool", "/model/ok-tools/converse-stream", `{"toolConfig":{"tools":[{"toolSpec":{"name":"count_owls"}}]}}`, want{media: awsType, has: []string{
			`event contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"tooluse_owl_a","name":"count_owls"}}}`, `"stopReason":"tool_use"`,
		}, lacks: []string{"broken", "Owls "}}},
		{"messages, exception", "/model/serr-aws/converse-stream", `{}`, want{media: awsType, has: []string{`exception throttlingException {"message":"Too many`}, lacks: []string{"metadata"}}},
		{"messages, bad checksum", "/model/es-crc/converse-stream", `{}`, want{media: awsType, has: []string{"broken: eventstream.ChecksumError"}}},
		{"messages, cut", "/model/cut-message/invoke-with-response-stream", `{}`, want{media: awsType, has: []string{"broken: "}}},
		{"chunks", "/model/m/invoke-with-response-stream", `{}`, want{media: awsType, has: []string{
			`event chunk {"type":"message_start"`, `"text":"Owls "`, `"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":`,
		}, lacks: []string{"broken"}}},
		{"chunks, plain", "/model/m/invoke", `{}`, want{media: jsonType, has: []string{`"type":"message"`, `"stop_reason":"end_turn"`}}},
		{"a rate, by name", "/model/rate-429/converse", `{}`, want{status: 429, media: jsonType, has: []string{`{"message":"`}}},
		{"another fault's name", "/model/serr-ndjson/converse-stream", `{}`, want{media: awsType, has: []string{"event metadata"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.send(t, "POST", tc.path+"?"+fast, tc.body)
			if strings.Contains(a.header.Get("Content-Type"), "eventstream") {
				a.body = lines(a.body)
			}
			a.shows(t, tc.want)
		})
	}
}

// TestBedrockNamesErrorsInAHeader as botocore wants them.
func TestBedrockNamesErrorsInAHeader(t *testing.T) {
	s := start(t, plainHTTP)
	for id, want := range map[string]string{
		"refuse-400": "ValidationException", "auth-401": "UnrecognizedClientException", "rate-429": "ThrottlingException",
		"e500-openai": "InternalServerException", "stream-500-openai": "InternalServerException",
	} {
		a := s.send(t, "POST", "/model/"+id+"/converse-stream?"+fast, `{}`)
		if got, _, _ := strings.Cut(a.header.Get("X-Amzn-Errortype"), ":"); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
	if a := s.send(t, "POST", "/model/stream-500-apim/converse-stream?"+fast, `{}`); a.header.Get("X-Amzn-Errortype") != "" || a.status != 500 {
		t.Errorf("a gateway's error is named %q", a.header.Get("X-Amzn-Errortype"))
	}
}

// TestFramedRequests: how each is asked, streamed and plain.
func TestFramedRequests(t *testing.T) {
	want := map[string]string{
		faultllm.APIOllama + " true": "/api/chat", faultllm.APIOllama + " false": "/api/chat",
		faultllm.APIConverse + " true": "/model/cut-rst/converse-stream", faultllm.APIConverse + " false": "/model/cut-rst/converse",
		faultllm.APIInvoke + " true": "/model/cut-rst/invoke-with-response-stream", faultllm.APIInvoke + " false": "/model/cut-rst/invoke",
	}
	for _, stream := range []bool{true, false} {
		for _, q := range scenario(t, "cut-rst").Requests(stream) {
			key := fmt.Sprint(q.API, " ", stream)
			if path, known := want[key]; known && q.Path != path {
				t.Errorf("%s: %s, want %s", key, q.Path, path)
			}
			delete(want, key)
			if q.API == faultllm.APIOllama && bytes.Contains(q.Body, []byte(`"stream":false`)) == stream {
				t.Errorf("%s: %s", key, q.Body)
			}
		}
	}
	for key := range want {
		t.Errorf("no request for %s", key)
	}
}
