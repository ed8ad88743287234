package wire_test

import (
	"strings"
	"testing"

	"llmtap/capture/wire"
)

// What validators say stands in lists and members of their own; the place they
// name is the parameter.
func TestValidatorsNameThePlace(t *testing.T) {
	for _, tt := range []struct{ name, body, param, message string }{
		{"zod", `{"error":"Validation failed","issues":[{"code":"invalid_literal","expected":false,"path":["stream"],"message":"expected false"}]}`,
			"stream", "Validation failed; stream: expected false"},
		{"zod inside error", `{"success":false,"error":{"name":"ZodError","issues":[{"path":["messages",0,"role"],"message":"Required"}]}}`,
			"role", "messages.0.role: Required"},
		{"joi", `{"statusCode":400,"error":"Bad Request","details":[{"path":["stream"],"message":"must be false"}]}`,
			"stream", "Bad Request; stream: must be false"},
		{"ajv", `{"errors":[{"instancePath":"/stream","message":"must be boolean"}]}`, "stream", "stream: must be boolean"},
		{"ajv, deep", `{"errors":[{"instancePath":"/messages/0/role","message":"must be string"}]}`, "role", "messages/0/role: must be string"},
		{"Spring", `{"status":400,"error":"Bad Request","errors":[{"field":"stream","defaultMessage":"must be false"}]}`,
			"stream", "Bad Request; stream: must be false"},
		{"Fastify", `{"error":{"message":"body/stream must be equal to constant"},"validation":[{"instancePath":"/stream","message":"must be equal to constant"}]}`,
			"stream", "body/stream must be equal to constant; stream: must be equal to constant"},
		{"JSON:API", `{"errors":[{"title":"Invalid","detail":"must be false","source":{"pointer":"/data/stream"}}]}`,
			"stream", "data/stream: Invalid; must be false"},
		{"ASP.NET", `{"title":"Validation","status":400,"errors":{"stream":["must equal false."],"traceId":[]}}`,
			"stream", "Validation; stream: must equal false."},
		{"System.Text.Json", `{"title":"Validation","errors":{"$.stream":["could not be converted"]}}`, "stream", "Validation; stream: could not be converted"},
		{"Rails", `{"errors":{"stream":"is not included in the list"}}`, "stream", "stream: is not included in the list"},
		{"Laravel, two places", `{"message":"Invalid data.","errors":{"stream":["a"],"model":["b"]}}`, "", "Invalid data.; stream: a; model: b"},
		{"Mistral", `{"object":"error","message":{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error"}`,
			"stream_options", "body.stream_options: Extra inputs are not permitted"},
		{"NestJS", `{"statusCode":400,"message":["stream must be a boolean value","model should not be empty"],"error":"Bad Request"}`,
			"", "Bad Request; stream must be a boolean value; model should not be empty"},
		{"near: texts only", `{"errors":["one","two"]}`, "", "one; two"},
		{"near: a bare message", `{"errors":[{"message":"one"}]}`, "", "one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, cut := range []cutter{allAtOnce, byteByByte, randomly(3)} {
				got := errorOf(t, wire.ResponseHead{Status: 400, MediaType: "application/json"}, tt.body, cut)
				if got.Param != tt.param || got.Message != tt.message {
					t.Fatalf("param %q, message %q", got.Param, got.Message)
				}
			}
		})
	}
}

// A gateway names the status in one member and the cause in another.
func TestAllTextsAreJoined(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"error and message", `{"error":"Forbidden","message":"Streaming is off","statusCode":403}`, "Forbidden; Streaming is off"},
		{"error and detail", `{"error":"bad_request","detail":"Streaming is off"}`, "bad_request; Streaming is off"},
		{"object and detail", `{"error":{"message":"Bad Request","type":"t"},"detail":"why"}`, "Bad Request; why"},
		{"Lambda", `{"errorMessage":"Streaming is off","errorType":"X"}`, "Streaming is off"},
		{"OAuth", `{"error":"streaming_disabled","error_description":"by the owner"}`, "streaming_disabled; by the owner"},
		{"near: the same twice", `{"error":"Streaming is off","message":"Streaming is off"}`, "Streaming is off"},
		{"near: nothing more", `{"error":"Streaming is off","message":""}`, "Streaming is off"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := errorOf(t, wire.ResponseHead{Status: 400}, tt.body, allAtOnce); got.Message != tt.want {
				t.Errorf("message %q, want %q", got.Message, tt.want)
			}
		})
	}
}

// No list is so long that its texts are kept whole.
func TestIssuesAreBounded(t *testing.T) {
	one := `{"path":["` + strings.Repeat("a", 3000) + `"],"message":"` + strings.Repeat("b", 3000) + `"},`
	body := `{"issues":[` + strings.Repeat(one, 50) + `{"path":["c"],"message":"d"}]}`
	got := errorOf(t, wire.ResponseHead{Status: 400}, body, allAtOnce)
	if n := len(got.Message); n == 0 || n > 2*4096 {
		t.Errorf("%d bytes of message", n)
	}
}
