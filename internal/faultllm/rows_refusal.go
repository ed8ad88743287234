package faultllm

import (
	"net/http"
	"strconv"
)

// refuse answers with an error the service wrote itself.
func refuse(status int, body string) play {
	return func(x *exchange) {
		x.own()
		x.reply(status, typeJSON, x.translated(status, body))
	}
}

// gateway answers with an error something in front of the service wrote.
func gateway(status int, mediaType, body string) play {
	return func(x *exchange) { x.reply(status, mediaType, body) }
}

// when plays p if the request meets the condition, else the healthy answer.
func when(cond func(*exchange) bool, p play) play {
	return func(x *exchange) {
		if cond(x) {
			p(x)
			return
		}
		healthy(x)
	}
}

// carries is the condition that the request has the key.
func carries(key string) func(*exchange) bool {
	return func(x *exchange) bool { return x.ask.has(key) }
}

func invalid(message, param, code string) string {
	return openaiError(message, "invalid_request_error", param, code)
}

// nested is an error of OpenRouter's shape around another one.
func nested(raw string) string {
	return `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":` + quote(raw) + `,"provider_name":"Owl"}}}`
}

// refusalRows are services that refuse the way of the call and say so.
func refusalRows() []row {
	return []row{
		onStream("refuse-400", "400 param=stream code=unsupported_value", "stream_unsupported",
			refuse(400, invalid(noStream, "stream", "unsupported_value"))).
			because("model").also("stream-400", "nostream400"),
		onStream("refuse-403", "403 bare message", "stream_unsupported",
			gateway(403, typeJSON, `{"message":"Streaming requests are not yet allowed."}`)).
			because("gateway").also("stream-403"),
		onStream("refuse-422", "422 OperationParameterInvalid", "stream_unsupported",
			refuse(422, azureError("OperationParameterInvalid", "Streaming responses are not currently supported"))).
			because("gateway").also("stream-422"),
		onStream("refuse-key", "400 bare message that asks to drop the key", "stream_unsupported",
			gateway(400, typeJSON, `{"message":"Streaming completion is not support yet, please remove 'stream' key value in the request payload."}`)).
			because("gateway"),
		onStream("refuse-list", "400 with a list of errors", "stream_unsupported",
			gateway(400, typeJSON, "{\"error\":[\"Error in `stream`: `stream` is not supported for this model\"]}")).
			because("model"),
		onStream("refuse-500", "the text of refuse-400 with status 500", "stream_unsupported",
			refuse(500, invalid(noStream, "stream", "unsupported_value"))).because("model"),
		onStream("refuse-account", "400: organization not verified", "stream_unsupported",
			refuse(400, invalid(notVerified, "stream", "unsupported_value"))).because("account"),
		onStream("refuse-nested", "refuse-account inside another error's metadata", "stream_unsupported",
			refuse(400, nested(invalid(notVerified, "stream", "unsupported_value")))).because("account").of(APIChat),
		onStream("refuse-tools", "400: tools cannot be streamed", "stream_unsupported",
			when(carries("tools"), refuse(400, invalid(noTools, "", "")))).because("combination").needs(someTools),
		onStream("refuse-format", "400: JSON mode cannot be streamed", "stream_unsupported",
			when(carries("response_format"), refuse(400, invalid("`response_format` does not support streaming", "", "")))).
			because("combination").needs(`"response_format":{"type":"json_object"}`),
		onPlain("refuse-plain", "400: the model only streams", "plain_unsupported",
			refuse(400, invalid(streamOnly, "", "invalid_parameter_error"))).also("plain-only-400"),
	}
}

// parameterRows are refusals of something else in the request.
func parameterRows() []row {
	return []row{
		onStream("option-400", "400: stream_options unknown", "stream_option_rejected",
			when(carries("stream_options"), refuse(400, invalid(noUsage, "stream_options", "unknown_parameter")))).
			because("client_sent").needs(withUsage),
		onStream("option-500", "500: include_usage not permitted", "stream_option_rejected",
			when(carries("stream_options"), gateway(500, typeJSON, `{"message":"extraneous key [include_usage] is not permitted"}`))).
			because("client_sent").needs(withUsage),
		onStream("option-injected", "400: stream_options unknown, though nobody sent it", "stream_option_rejected",
			refuse(400, invalid(noUsage, "stream_options", "unknown_parameter"))).because("injected"),
		onBoth("flag-400", `400 for a stream flag that is not true or false`, "stream_flag_invalid",
			when(func(x *exchange) bool { return x.ask.stream == flagInvalid }, refuse(400, invalid(notBool, "", "")))).
			because("client_sent").needs(`"stream":"true"`),
		onStream("flag-relay", "400 not boolean, though true was sent", "stream_flag_invalid",
			refuse(400, invalid(notBool, "", ""))).because("changed_by_relay"),
		onBoth("param-max", "400: max_tokens not supported", "parameter_unsupported",
			when(carries("max_tokens"), refuse(400, invalid(noMaxTokens, "max_tokens", "unsupported_parameter")))).
			needs(`"max_tokens":16`),
		onBoth("param-temperature", "400: only the default temperature", "parameter_unsupported",
			when(carries("temperature"), refuse(400, invalid(noTemperature, "temperature", "unsupported_value")))).
			needs(`"temperature":0.7`),
		onBoth("param-verified", "400: organization not verified for reasoning summaries", "parameter_unsupported",
			refuse(400, invalid(noSummaries, "reasoning.summary", "unsupported_value"))),
		onBoth("param-validate", "400 of Azure's validation: extra inputs", "parameter_unsupported",
			validation(400, "Validation error at #/max_completion_tokens: Extra inputs are not permitted")).of(APIAzure),
		onBoth("apiver-old", "400: the api-version does not know functions", "api_version_incompatible",
			refuse(400, invalid("Unrecognized request argument supplied: functions", "", ""))).of(APIAzure),
		onBoth("apiver-500", "500: the api-version breaks on tools", "api_version_incompatible",
			validation(500, "'dict' object has no attribute 'lower'")).of(APIAzure),
		onBoth("filter-400", "400: the prompt filter", "content_filtered", refuse(400, promptBlocked)).of(APIAzure),
		onBoth("ctx-400", "400: context length", "request_rejected",
			refuse(400, invalid(tooLong, "messages", "context_length_exceeded"))).because("context_length"),
	}
}

const withUsage = `"stream_options":{"include_usage":true}`

// validation is an error of Azure's request validation.
func validation(status int, message string) play {
	return func(x *exchange) {
		x.own()
		x.reply(status, typeJSON, `{"requestid":`+quote(x.uuid("request"))+`,"code":`+strconv.Itoa(status)+`,"message":`+quote(message)+`}`)
	}
}

// tooMany is the rate limit.
func tooMany(x *exchange) {
	x.own()
	h := x.w.Header()
	h["retry-after"] = []string{"1"}
	h["retry-after-ms"] = []string{"1000"}
	body := openaiError(openaiRate, "requests", "", "rate_limit_exceeded")
	if x.ask.azure {
		body = azureError("429", azureRate)
	}
	x.reply(http.StatusTooManyRequests, typeJSON, x.translated(http.StatusTooManyRequests, body))
}
