package diagnose_test

import (
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/diagnose"
)

// answer is an error as a service wrote it, and what it must be taken for.
type answer struct {
	name   string
	status int
	e      call.Error
	class  string
	reason string
}

// classify runs answers to requests that were asked in one mode.
func classify(t *testing.T, rows []answer, options ...option) {
	t.Helper()
	for _, tc := range rows {
		t.Run(tc.name, func(t *testing.T) {
			r := record(append(options, fails(tc.status, tc.e))...)
			d := diagnose.Classify(r)
			if d.Class.String() != tc.class || tc.reason != "" && d.Reason != tc.reason {
				t.Errorf("%q is %v (%s) by %s, want %s (%s)", tc.e.Message, d.Class, d.Reason, d.Rule, tc.class, tc.reason)
			}
		})
	}
}

// openai is an error in OpenAI's shape.
func openai(message, code, param string) call.Error {
	return call.Error{Shape: call.ShapeOpenAI, Type: "invalid_request_error", Code: code, Param: param, Message: message}
}

func bare(message string) call.Error { return call.Error{Shape: call.ShapeBare, Message: message} }

// Texts that services really sent to requests for a stream.
func TestKnownTextsStreamed(t *testing.T) {
	verified := "Your organization must be verified to stream this model. Please go to the settings page."
	valueFalse := "Unsupported value: 'stream' does not support true with this model. Supported values are: false."
	onlyDefault := "Unsupported value: 'stream' does not support true with this model. Only the default (false) value is supported. (request id: 20260102)"
	classify(t, []answer{
		{
			"value false",
			400,
			openai(valueFalse, "unsupported_value", "stream"),
			"stream_unsupported",
			"model",
		},
		{
			"only the default",
			400,
			openai(onlyDefault, "unsupported_value", "stream"),
			"stream_unsupported",
			"model",
		},
		{"value false without fields", 400, bare(valueFalse), "stream_unsupported", "model"},
		{"only the default without fields", 400, bare(onlyDefault), "stream_unsupported", "model"},
		{
			"inside a relay's text",
			400,
			bare(`litellm.BadRequestError: OpenAIException - {'error': {'message': "` + valueFalse + `", 'type': 'invalid_request_error'}}`),
			"stream_unsupported",
			"model",
		},
		{
			"with status 500",
			500,
			openai(valueFalse, "unsupported_value", "stream"),
			"stream_unsupported",
			"model",
		},
		{
			"not yet allowed",
			403,
			bare("Streaming requests are not yet allowed."),
			"stream_unsupported",
			"gateway",
		},
		{
			"currently not supported",
			422,
			call.Error{Shape: call.ShapeAzure, Code: "OperationParameterInvalid", Message: "Streaming responses are not currently supported"},
			"stream_unsupported",
			"gateway",
		},
		{
			"remove the key",
			400,
			bare("Streaming completion is not support yet, please remove 'stream' key value in the request payload."),
			"stream_unsupported",
			"gateway",
		},
		{
			"list shape",
			400,
			call.Error{Shape: call.ShapeList, Message: "Error in `stream`: `stream` is not supported for this model"},
			"stream_unsupported",
			"model",
		},
		{
			"not verified",
			400,
			openai(verified, "unsupported_value", "stream"),
			"stream_unsupported",
			"account",
		},
		{
			"not verified, no param",
			400,
			openai(verified, "unsupported_value", ""),
			"stream_unsupported",
			"account",
		},
		{
			"not verified, unwrapped",
			400,
			call.Error{Shape: call.ShapeOpenAI, Code: "unsupported_value", Message: verified},
			"stream_unsupported",
			"account",
		},
		{
			"response_format",
			400,
			openai("`response_format` does not support streaming", "", ""),
			"stream_unsupported",
			"combination",
		},
		{
			"tools and functions",
			400,
			openai("Tool and function calls do not currently support streaming", "", ""),
			"stream_unsupported",
			"combination",
		},
		{
			"tool call with streaming",
			400,
			openai("Tool call with streaming is currently not supported by m-1", "", ""),
			"stream_unsupported",
			"combination",
		},
		{
			"unknown option",
			400,
			openai("Unknown parameter: 'stream_options'.", "unknown_parameter", "stream_options"),
			"stream_option_rejected",
			"injected",
		},
		{
			"unrecognized option",
			400,
			openai("Unrecognized request argument supplied: stream_options. Please check.", "", ""),
			"stream_option_rejected",
			"injected",
		},
		{
			"option is no bool",
			400,
			call.Error{Shape: call.ShapeOther, Message: "Key 'stream_options' error:\n{'include_usage': True} should be instance of 'bool'"},
			"stream_option_rejected",
			"",
		},
		{
			"extraneous key",
			500,
			bare("extraneous key [include_usage] is not permitted"),
			"stream_option_rejected",
			"",
		},
		{
			"a closed Stream",
			400,
			call.Error{Shape: call.ShapeAzureValidate, Code: "Authorization Middleware Error", Message: "Cannot access a closed Stream."},
			"request_rejected",
			"invalid",
		},
		{
			"not authorized for the stream action",
			403,
			call.Error{Shape: call.ShapeAWS, Message: "User u is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource r"},
			"auth_rejected",
			"stream_permission",
		},
		{
			"unparseable body",
			502,
			call.Error{Shape: call.ShapeOpenAI, Type: "upstream_decode_error", Message: "upstream returned an unparseable body: unexpected character"},
			"provider_error",
			"internal",
		},
	}, asked)
	classify(t, []answer{
		{
			"option sent by the client",
			400,
			openai("Unknown parameter: 'stream_options'.", "unknown_parameter", "stream_options"),
			"stream_option_rejected",
			"client_sent",
		},
		{
			"extraneous key sent by the client",
			500,
			bare("extraneous key [include_usage] is not permitted"),
			"stream_option_rejected",
			"client_sent",
		},
	}, asked, key("stream_options"))
}

// Texts that services really sent to plain requests, or to either kind.
func TestKnownTextsPlain(t *testing.T) {
	classify(t, []answer{
		{
			"only stream mode",
			400,
			openai("This model only support stream mode, please enable the stream parameter to access the model.", "invalid_parameter_error", ""),
			"plain_unsupported",
			"",
		},
		{"must be true", 400, bare("Stream must be set to true"), "plain_unsupported", ""},
		{
			"expected true",
			400,
			bare(`Invalid input: expected true at "params.stream"`),
			"plain_unsupported",
			"",
		},
		{
			"thinking",
			400,
			openai("parameter.enable_thinking must be set to false for non-streaming calls", "invalid_parameter_error", ""),
			"plain_unsupported",
			"",
		},
		{
			"reasoning summary",
			400,
			openai("Your organization must be verified to generate reasoning summaries. Please go on.", "unsupported_value", "reasoning.summary"),
			"parameter_unsupported",
			"",
		},
		{
			"max_tokens",
			400,
			openai("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "unsupported_parameter", "max_tokens"),
			"parameter_unsupported",
			"",
		},
		{
			"temperature",
			400,
			openai("Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.", "unsupported_value", "temperature"),
			"parameter_unsupported",
			"",
		},
		{
			"temperature without fields",
			400,
			bare("'temperature' does not support 0.7 with this model. Only the default (1) value is supported."),
			"parameter_unsupported",
			"",
		},
		{
			"extra inputs",
			400,
			call.Error{Shape: call.ShapeAzureValidate, Code: "400", Message: "Validation error at #/max_completion_tokens: Extra inputs are not permitted"},
			"parameter_unsupported",
			"",
		},
		{
			"logprobs",
			400,
			openai("logprobs, best_of and echo parameters are not available on m-1 model. Please remove the parameter and try again.", "", ""),
			"parameter_unsupported",
			"",
		},
		{
			"unrecognized argument elsewhere",
			400,
			openai("Unrecognized request argument supplied: functions", "", ""),
			"parameter_unsupported",
			"",
		},
		{
			"server had an error",
			500,
			call.Error{Shape: call.ShapeOpenAI, Type: "server_error", Message: "The server had an error processing your request. Sorry about that!"},
			"provider_error",
			"internal",
		},
	})
	classify(t, []answer{
		{
			"functions and version",
			400,
			openai("Functions are not supported for this API version or this model version.", "", ""),
			"api_version_incompatible",
			"",
		},
		{
			"unrecognized argument",
			400,
			openai("Unrecognized request argument supplied: functions", "", ""),
			"api_version_incompatible",
			"",
		},
		{
			"dict has no lower",
			500,
			call.Error{Shape: call.ShapeAzureValidate, Code: "500", Message: "'dict' object has no attribute 'lower'"},
			"api_version_incompatible",
			"",
		},
		{
			"not found",
			404,
			call.Error{Shape: call.ShapeAzure, Code: "DeploymentNotFound", Message: "The API deployment for this resource does not exist."},
			"endpoint_not_found",
			"deployment_unknown",
		},
		{
			"gateway's internal error",
			500,
			call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error"},
			"gateway_error_opaque",
			"",
		},
	}, azure)
	classify(t, []answer{
		{
			"Azure's internal error",
			500,
			call.Error{Shape: call.ShapeAPIM, Code: "500", Message: "Internal server error"},
			"provider_error",
			"internal",
		},
	}, azure, answered("apim-request-id", "a"))
}

func TestFlagTexts(t *testing.T) {
	texts := []answer{
		{
			"type boolean",
			400,
			openai("'true' is not of type 'boolean' - 'stream'", "", ""),
			"stream_flag_invalid",
			"",
		},
		{
			"valid boolean",
			400,
			bare("[400]: stream: Input should be a valid boolean"),
			"stream_flag_invalid",
			"",
		},
		{
			"parsed to a boolean",
			400,
			call.Error{Shape: call.ShapeFlat, Message: "[{'loc': ('body', 'stream'), 'msg': 'value could not be parsed to a boolean', 'type': 'type_error.bool'}]"},
			"stream_flag_invalid",
			"",
		},
		{
			"expected a boolean",
			400,
			openai("Invalid type for 'stream': expected a boolean, but got a string instead.", "invalid_type", "stream"),
			"stream_flag_invalid",
			"",
		},
		{
			"only param and code",
			400,
			openai("Ungültiger Typ", "invalid_type", "stream"),
			"stream_flag_invalid",
			"",
		},
		{"Chinese", 400, openai("参数 stream 必须是布尔值", "", ""), "stream_flag_invalid", ""},
		{
			"Spanish",
			422,
			openai("El campo stream debe ser un booleano", "", ""),
			"stream_flag_invalid",
			"",
		},
	}
	for i := range texts {
		texts[i].reason = "changed_by_relay"
	}
	classify(t, texts, asked)
	for i := range texts {
		texts[i].reason = "client_sent"
	}
	classify(t, texts, asked, func(r *call.Record) {
		r.Request.StreamFlag, r.Request.Hints.StreamType = call.StreamInvalid, "string"
	})
	classify(t, []answer{
		{
			"another boolean",
			400,
			openai("Invalid type for 'store': expected a boolean.", "invalid_type", "store"),
			"request_rejected",
			"",
		},
		{
			"a boolean in an option",
			400,
			openai("stream_options.include_usage: Input should be a valid boolean", "", "stream_options.include_usage"),
			"stream_option_rejected",
			"",
		},
	}, asked)
}
