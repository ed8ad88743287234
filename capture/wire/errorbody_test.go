package wire_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// errorOf decodes a body as the answer to a chat call.
func errorOf(t testing.TB, h wire.ResponseHead, body string, cut cutter) call.Error {
	t.Helper()
	f, _ := decode(chatMatch(t), call.ModeStream, exchange{head: h, body: []byte(body), whole: true}, cut)
	return f.Error
}

func TestErrorShapes(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		aws        string
		want       call.Error
	}{
		{"openai", `{"error":{"message":"m","type":"t","param":"p","code":"c"}}`, "",
			call.Error{Shape: call.ShapeOpenAI, Code: "c", Type: "t", Param: "p", Message: "m"}},
		{"openai without code", `{"error":{"message":"m","type":"t","param":null,"code":null}}`, "",
			call.Error{Shape: call.ShapeOpenAI, Code: "t", Type: "t", Message: "m"}},
		{"openai with a number", `{"error":{"message":"m","code":502}}`, "",
			call.Error{Shape: call.ShapeOpenAI, Code: "502", Message: "m"}},
		{"openai with only param", `{"error":{"message":"m","param":"stream"}}`, "",
			call.Error{Shape: call.ShapeOpenAI, Param: "stream", Message: "m"}},
		{"openai with null type", `{"error":{"message":"m","type":null}}`, "",
			call.Error{Shape: call.ShapeOpenAI, Message: "m"}},
		{"azure", `{"error":{"code":"DeploymentNotFound","message":"m"}}`, "",
			call.Error{Shape: call.ShapeAzure, Code: "DeploymentNotFound", Message: "m"}},
		{"azure with a numeric text", `{"error":{"code":"404","message":"Resource not found"}}`, "",
			call.Error{Shape: call.ShapeAzure, Code: "404", Message: "Resource not found"}},
		{"azure with an inner error", `{"error":{"code":"content_filter","message":"m","innererror":{"code":"ResponsibleAIPolicyViolation"}}}`, "",
			call.Error{Shape: call.ShapeAzure, Code: "content_filter", Type: "ResponsibleAIPolicyViolation", Message: "m"}},
		{"azure filter in the OpenAI shape", `{"error":{"code":"content_filter","message":"m","type":null,"param":"prompt","innererror":{"code":"ResponsibleAIPolicyViolation"}}}`, "",
			call.Error{Shape: call.ShapeOpenAI, Code: "content_filter", Type: "ResponsibleAIPolicyViolation", Param: "prompt", Message: "m"}},
		{"apim", `{"statusCode":500,"message":"Internal server error","activityId":"a-1"}`, "",
			call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error", RequestID: "a-1"}},
		{"apim without id", `{"statusCode":401,"message":"Access denied"}`, "",
			call.Error{Shape: call.ShapeAPIM, Code: "401", Message: "Access denied"}},
		{"azure_validate", `{"requestid":"r","code":400,"message":"m"}`, "",
			call.Error{Shape: call.ShapeAzureValidate, Code: "400", Message: "m", RequestID: "r"}},
		{"azure_validate by middleware", `{"requestid":"r","status":"Cannot access a closed Stream.","errortype":"Authorization Middleware Error"}`, "",
			call.Error{Shape: call.ShapeAzureValidate, Code: "Authorization Middleware Error", Type: "Authorization Middleware Error", Message: "Cannot access a closed Stream.", RequestID: "r"}},
		{"anthropic", `{"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"req_1"}`, "",
			call.Error{Shape: call.ShapeAnthropic, Code: "overloaded_error", Type: "overloaded_error", Message: "m", RequestID: "req_1"}},
		{"google", `{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[{"message":"no"}]}}`, "",
			call.Error{Shape: call.ShapeGoogle, Code: "RESOURCE_EXHAUSTED", Message: "m"}},
		{"google in an array", `[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]`, "",
			call.Error{Shape: call.ShapeGoogle, Code: "INVALID_ARGUMENT", Message: "m"}},
		{"near google: text code", `{"error":{"code":"429","message":"m","status":"X"}}`, "",
			call.Error{Shape: call.ShapeAzure, Code: "429", Message: "m"}},
		{"aws", `{"message":"m"}`, "ThrottlingException",
			call.Error{Shape: call.ShapeAWS, Code: "ThrottlingException", Message: "m"}},
		{"aws with capital and namespace", `{"Message":"m"}`, "com.amazon.x#AccessDeniedException:http://internal/",
			call.Error{Shape: call.ShapeAWS, Code: "AccessDeniedException", Message: "m"}},
		{"flat", `{"message":"m","type":"BadRequestError","code":400,"param":"p"}`, "",
			call.Error{Shape: call.ShapeFlat, Code: "400", Type: "BadRequestError", Param: "p", Message: "m"}},
		{"flat with type only", `{"message":"m","type":"t"}`, "",
			call.Error{Shape: call.ShapeFlat, Code: "t", Type: "t", Message: "m"}},
		{"flat object error", `{"object":"error","message":"m"}`, "",
			call.Error{Shape: call.ShapeFlat, Message: "m"}},
		{"flat event", `{"type":"error","code":"c","message":"m","param":"p"}`, "",
			call.Error{Shape: call.ShapeFlat, Code: "c", Param: "p", Message: "m"}},
		{"string", `{"error":"model not found"}`, "",
			call.Error{Shape: call.ShapeString, Message: "model not found"}},
		{"string with type", `{"error":"m","error_type":"overloaded"}`, "",
			call.Error{Shape: call.ShapeString, Code: "overloaded", Message: "m"}},
		{"list", "{\"error\":[\"Error in `stream`\",\"second\"]}", "",
			call.Error{Shape: call.ShapeList, Message: "Error in `stream`; second"}},
		{"list as the document", `["one","two"]`, "",
			call.Error{Shape: call.ShapeList, Message: "one; two"}},
		{"bare", `{"message":"Streaming requests are not yet allowed."}`, "",
			call.Error{Shape: call.ShapeBare, Message: "Streaming requests are not yet allowed."}},
		{"bare with id", `{"id":"x","message":"m"}`, "",
			call.Error{Shape: call.ShapeBare, Message: "m"}},
		{"near bare: another member", `{"message":"m","path":"/x"}`, "",
			call.Error{Shape: call.ShapeOther, Message: "m"}},
		{"fastapi", `{"detail":"Not Found"}`, "",
			call.Error{Shape: call.ShapeFastAPI, Message: "Not Found"}},
		{"fastapi list", `{"detail":[{"type":"bool_parsing","loc":["body","stream"],"msg":"Input should be a valid boolean","input":"x"},{"loc":["body",0,"n"],"msg":"second"}]}`, "",
			call.Error{Shape: call.ShapeFastAPI, Param: "n", Message: "body.stream: Input should be a valid boolean; body.0.n: second"}},
		{"fastapi list of texts", `{"detail":["a","b"]}`, "",
			call.Error{Shape: call.ShapeFastAPI, Message: "a; b"}},
		{"near fastapi: object", `{"detail":{"message":"m"}}`, "",
			call.Error{Shape: call.ShapeOther, Message: "m"}},
		{"databricks", `{"error_code":"BAD_REQUEST","message":"m"}`, "",
			call.Error{Shape: call.ShapeDatabricks, Code: "BAD_REQUEST", Message: "m"}},
		{"other: message only below error", `{"error":{"message":"m"}}`, "",
			call.Error{Shape: call.ShapeOther, Message: "m"}},
		{"other: list of objects", `{"error":[{"message":"m"}]}`, "",
			call.Error{Shape: call.ShapeOther, Message: "m"}},
		{"other: msg", `{"msg":"Key 'stream_options' error"}`, "",
			call.Error{Shape: call.ShapeOther, Message: "Key 'stream_options' error"}},
		{"other: number", `{"error":503}`, "", call.Error{Shape: call.ShapeOther, Code: "503"}},
		{"other: empty object", `{}`, "", call.Error{Shape: call.ShapeOther}},
		{"other: empty list", `[]`, "", call.Error{Shape: call.ShapeOther}},
		{"other: an answer", `{"choices":[]}`, "", call.Error{Shape: call.ShapeOther}},
		{"html", "<html><head><title>\n 502  Bad\tGateway</title></head></html>", "",
			call.Error{Shape: call.ShapeHTML, Message: "502 Bad Gateway"}},
		{
			"html without title",
			"<html><body>x</body></html>",
			"",
			call.Error{Shape: call.ShapeHTML},
		},
		{"html with another heading", "<html><title>Error</title><h1>Streaming\n is <b>off</b></h1></html>", "",
			call.Error{Shape: call.ShapeHTML, Message: "Error: Streaming is off"}},
		{"xml", `<?xml version="1.0"?><e><code>400</code><message>no  streams</message></e>`, "",
			call.Error{Shape: call.ShapeHTML, Message: "400 no streams"}},
		{"problem", `{"title":"Streaming not allowed","status":403,"detail":"Ask the owner."}`, "",
			call.Error{Shape: call.ShapeFastAPI, Message: "Streaming not allowed: Ask the owner."}},
		{"problem without detail", `{"title":"Streaming not allowed","status":403}`, "",
			call.Error{Shape: call.ShapeOther, Message: "Streaming not allowed"}},
		{"list of errors", `{"errors":[{"message":"a"},{"detail":"b"},"c"]}`, "",
			call.Error{Shape: call.ShapeOther, Message: "a; b; c"}},
		{"a message and errors", `{"message":"m","errors":["a"]}`, "",
			call.Error{Shape: call.ShapeOther, Message: "m; a"}},
		{"fault of a gateway", `{"fault":{"faultstring":"f","detail":{"errorcode":"x"}}}`, "",
			call.Error{Shape: call.ShapeOther, Code: "x", Message: "f"}},
		{"html with open title", "<title>x", "", call.Error{Shape: call.ShapeHTML}},
		{
			"html with attributes",
			`<TITLE lang="en">X</TITLE>`,
			"",
			call.Error{Shape: call.ShapeHTML, Message: "X"},
		},
		{
			"text",
			"upstream request timeout\n",
			"",
			call.Error{Shape: call.ShapeText, Message: "upstream request timeout"},
		},
		{
			"long text",
			strings.Repeat("x", 9000),
			"",
			call.Error{Shape: call.ShapeText, Message: strings.Repeat("x", 4096)},
		},
		{"empty", "", "", call.Error{Shape: call.ShapeEmpty}},
		{"blanks", " \n", "", call.Error{Shape: call.ShapeEmpty}},
		{
			"cut document",
			`{"error":{"message":"m","type":"t"}`,
			"",
			call.Error{Shape: call.ShapeOpenAI, Code: "t", Type: "t", Message: "m"},
		},
		{
			"repeated member",
			`{"message":"a","message":"b","type":"t"}`,
			"",
			call.Error{Shape: call.ShapeFlat, Code: "t", Type: "t", Message: "b"},
		},
		{
			"blank texts count as none",
			`{"error":{"message":"m","type":" ","code":""}}`,
			"",
			call.Error{Shape: call.ShapeOpenAI, Message: "m"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, cut := range map[string]cutter{"at once": allAtOnce, "byte by byte": byteByByte} {
				got := errorOf(t, wire.ResponseHead{Status: 500, ErrorType: tt.aws}, tt.body, cut)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// TestErrorsInHealthyStatus: below 400 only what calls itself an error is one.
func TestErrorsInHealthyStatus(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		errored    bool
		shape      call.ErrorShape
	}{
		{"error object", `{"error":{"message":"m","type":"t"}}`, true, call.ShapeOpenAI},
		{"error text", `{"error":"m"}`, true, call.ShapeString},
		{"null error", `{"error":null,"choices":[]}`, false, call.ShapeUnknown},
		{"flat error", `{"type":"error","message":"m"}`, true, call.ShapeFlat},
		{"object error", `{"object":"error","message":"m"}`, true, call.ShapeFlat},
		{
			"google error",
			`[{"error":{"code":1,"status":"X","message":"m"}}]`,
			true,
			call.ShapeGoogle,
		},
		{"only a message", `{"message":"m"}`, false, call.ShapeUnknown},
		{
			"apim at 200",
			`{"statusCode":500,"message":"m","activityId":"a"}`,
			false,
			call.ShapeUnknown,
		},
		{"another type", `{"type":"message","message":"m"}`, false, call.ShapeUnknown},
		{"page", "<html>", false, call.ShapeUnknown},
		{"text", "sorry", false, call.ShapeUnknown},
		{"nothing", "", false, call.ShapeUnknown},
		{"line", "{\"a\":1}\n{\"error\":\"m\"}\n", true, call.ShapeString},
		{"event", stream(`{"error":"m"}`), true, call.ShapeString},
		{"named event", "event: error\ndata: {}\n\n", true, call.ShapeOther},
		{"named event with text", "event: error\ndata: m\n\n", true, call.ShapeText},
		{"named event without data", "event: error\n\n", false, call.ShapeUnknown},
		{"field", "error: {\"message\":\"m\",\"type\":\"t\"}\n\n", true, call.ShapeFlat},
		{"field with text", "error: sorry\n\n", true, call.ShapeText},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, wire.ResponseHead{}, tt.body, true)
			if f.Errored != tt.errored || f.Error.Shape != tt.shape {
				t.Errorf("errored %v, shape %s; want %v, %s", f.Errored, f.Error.Shape, tt.errored, tt.shape)
			}
		})
	}
}

func TestErroredIsForHealthyStatusOnly(t *testing.T) {
	for _, body := range []string{`{"error":{"message":"m","type":"t"}}`, stream(`{"error":{"message":"m","type":"t"}}`)} {
		f, _ := answer(t, wire.ResponseHead{Status: 500}, body, true)
		if f.Errored || f.Error.Shape != call.ShapeOpenAI {
			t.Errorf("%q at 500: errored %v, shape %s", body, f.Errored, f.Error.Shape)
		}
	}
}

func TestEmbeddedErrors(t *testing.T) {
	quote := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	inner := `{"error":{"message":"inner","type":"t","param":"stream","code":"unsupported_value"}}`
	full := call.Error{Shape: call.ShapeOpenAI, Code: "unsupported_value", Type: "t", Param: "stream", Message: "inner"}
	for _, tt := range []struct {
		name, body string
		want       call.Error
	}{
		{
			"raw",
			`{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":` + quote(inner) + `}}}`,
			full,
		},
		{
			"JSON in the message",
			`{"error":{"message":` + quote("OpenAIException - "+inner) + `,"code":400}}`,
			full,
		},
		{
			"JSON with text behind",
			`{"error":{"message":` + quote(inner+" (request id: 1)") + `,"code":400}}`,
			full,
		},
		{
			"Python dict",
			`{"error":{"message":` + quote(`Error code: 400 - {'error': {'message': 'inner', 'type': 't', 'param': 'stream', 'code': 'unsupported_value'}}`) + `,"code":400}}`,
			full,
		},
		{"Python literals and quotes", `{"error":{"message":` + quote(`x {'error': {'message': "it's \"in\\ner\" \x41", 'type': None, 'param': None, 'ok': True, 'no': False, 'code': None}}`) + `,"code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "400", Message: `it's "in\ner" A`}},
		{"Python with escaped quote", `{"error":{"message":` + quote(`{'message': 'it\'s "so"', 'code': 'c'}`) + `,"code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "c", Message: `it's "so"`}},
		{"inner without code keeps the outer", `{"error":{"message":` + quote(`{"message":"inner"}`) + `,"type":"outer","code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "400", Type: "outer", Message: "inner"}},
		{"one level only", `{"error":{"message":` + quote(`{"error":{"message":`+quote(`{"message":"deep"}`)+`,"code":1}}`) + `,"code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "1", Message: `{"message":"deep"}`}},
		{"not an error", `{"error":{"message":"use {\"a\":1}","code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "400", Message: `use {"a":1}`}},
		{"cut", `{"error":{"message":` + quote(`{"error":{"message":"inn`) + `,"code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "400", Message: `{"error":{"message":"inn`}},
		{"braces in prose", `{"error":{"message":"path {id} is unknown","code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "400", Message: "path {id} is unknown"}},
		{
			"brace at the end",
			`{"error":{"message":"x {","code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "400", Message: "x {"},
		},
		{
			"open Python string",
			`{"error":{"message":"x {'a","code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "400", Message: "x {'a"},
		},
		{
			"open Python escape",
			`{"error":{"message":"x {'a\\","code":400}}`,
			call.Error{Shape: call.ShapeOpenAI, Code: "400", Message: `x {'a\`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := errorOf(t, wire.ResponseHead{Status: 400}, tt.body, randomly(5))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheLastDetailedErrorIsKept(t *testing.T) {
	for _, tt := range []struct {
		name string
		docs []string
		want string
	}{
		{"one", []string{`{"error":"a"}`}, "a"},
		{"two with detail", []string{`{"error":"a"}`, `{"error":"b"}`}, "b"},
		{"detail then none", []string{`{"error":"a"}`, `{"error":{"x":1}}`}, "a"},
		{"none then detail", []string{`{"error":{"x":1}}`, `{"error":"b"}`}, "b"},
		{"error then content", []string{`{"error":"a"}`, contentChunk, "[DONE]"}, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, wire.ResponseHead{}, stream(tt.docs...), true)
			if f.Error.Message != tt.want || !f.Errored {
				t.Errorf("message %q, errored %v; want %q, true", f.Error.Message, f.Errored, tt.want)
			}
		})
	}
}

// TestGiantErrorsAreBounded: thousands of details cost a bounded message.
func TestGiantErrorsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"detail":[`)
	for i := range 5000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"loc":["body","%s"],"msg":"%s"}`, strings.Repeat("l", 200), strings.Repeat("m", 200))
	}
	b.WriteString(`]}`)
	got := errorOf(t, wire.ResponseHead{Status: 422}, b.String(), allAtOnce)
	if got.Shape != call.ShapeFastAPI || len(got.Message) > 4096 {
		t.Errorf("shape %s, message of %d bytes", got.Shape, len(got.Message))
	}
}
