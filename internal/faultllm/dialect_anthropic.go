package faultllm

import (
	"strconv"
	"strings"
)

// anthropic is Messages, as Anthropic itself and its gateways serve it.
func anthropic() *dialect {
	return &dialect{
		api: APIAnthropic, route: endsWith("/v1/messages"), path: always("/v1/messages"),
		opening: anthropicOpening, content: anthropicContent, closing: anthropicClosing,
		plain: anthropicPlain, tool: anthropicTool, failure: anthropicFailure, inside: anthropicInside, own: anthropicOwn,
		form: dialectForm{prompt: `"max_tokens":64,"messages":[{"role":"user","content":"Tell me about owls."}]`},
	}
}

const anthropicModel = "claude-owl-20260921"

// anthropicFinish is a finish reason in Anthropic's words.
func anthropicFinish(finish string) string {
	switch finish {
	case "length":
		return "max_tokens"
	case "tool_calls":
		return "tool_use"
	case "content_filter":
		return "refusal"
	}
	return "end_turn"
}

// anthropicEvent is an event whose name is its type.
func anthropicEvent(k kind, name, members string) piece {
	if members != "" {
		members = "," + members
	}
	return piece{kind: k, name: name, data: `{"type":` + quote(name) + members + `}`}
}

func anthropicMessage(a *answer, content, reason, usage string) string {
	return `{"id":"msg_` + a.fingerprint(24) + `","type":"message","role":"assistant","model":"` + anthropicModel +
		`","content":[` + content + `],"stop_reason":` + orNull(reason) + `,"stop_sequence":null,"usage":{` + usage + `}}`
}

// anthropicUsage is the usage with so many tokens of output.
func anthropicUsage(a *answer, output int) string {
	return `"input_tokens":` + strconv.Itoa(a.ask.prompt) + `,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":` +
		strconv.Itoa(output) + `,"service_tier":"standard"`
}

func anthropicStart(a *answer) piece {
	return anthropicEvent(kindRole, "message_start", `"message":`+anthropicMessage(a, "", "", anthropicUsage(a, 1)))
}

func anthropicOpening(a *answer) []piece {
	return []piece{
		anthropicStart(a),
		anthropicEvent(kindOther, "content_block_start", `"index":0,"content_block":{"type":"text","text":""}`),
		anthropicEvent(kindOther, "ping", ""),
	}
}

func anthropicDelta(delta string) piece {
	return anthropicEvent(kindContent, "content_block_delta", `"index":0,"delta":`+delta)
}

func anthropicContent(_ *answer, text string) piece {
	return anthropicDelta(`{"type":"text_delta","text":` + quote(text) + `}`)
}

func anthropicClosing(a *answer, finish string) []piece {
	ends := func(finish string) string {
		return `{"type":"message_delta","delta":{"stop_reason":` + quote(anthropicFinish(finish)) +
			`,"stop_sequence":null},"usage":{"output_tokens":` + strconv.Itoa(a.pace.chunks) + `}}`
	}
	return []piece{
		anthropicEvent(kindOther, "content_block_stop", `"index":0`),
		{kind: kindFinish, name: "message_delta", data: ends(finish), ends: ends},
		anthropicEvent(kindDone, "message_stop", ""),
	}
}

func anthropicPlain(a *answer, text, finish string) string {
	return anthropicMessage(a, `{"type":"text","text":`+quote(text)+`}`, anthropicFinish(finish), anthropicUsage(a, a.pace.chunks))
}

func anthropicTool(a *answer, name string, arguments []string) ([]piece, string) {
	block := func(input string) string {
		return `{"type":"tool_use","id":"toolu_owl_a","name":` + quote(name) + `,"input":` + input + `}`
	}
	pieces := []piece{anthropicStart(a), anthropicEvent(kindContent, "content_block_start", `"index":0,"content_block":`+block("{}"))}
	for _, part := range arguments {
		pieces = append(pieces, anthropicDelta(`{"type":"input_json_delta","partial_json":`+quote(part)+`}`))
	}
	plain := anthropicMessage(a, block(strings.Join(arguments, "")), "tool_use", anthropicUsage(a, a.pace.chunks))
	return append(pieces, anthropicClosing(a, "tool_calls")...), plain
}

// anthropicTypes are the types of errors by status.
var anthropicTypes = map[int]string{
	400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
	404: "not_found_error", 409: "conflict_error", 413: "request_too_large", 422: "invalid_request_error",
	429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}

func anthropicError(kind, message, id string) string {
	return `{"type":"error","error":{"type":` + quote(kind) + `,"message":` + quote(message) + `},"request_id":"req_` + id + `"}`
}

func anthropicFailure(x *exchange, status int, f failure) string {
	kind := anthropicTypes[status]
	if kind == "" {
		kind = "api_error"
	}
	return anthropicError(kind, f.Message, x.fingerprint(24))
}

func anthropicInside(a *answer, f failure) piece {
	kind := "api_error"
	if strings.Contains(f.Code, "rate_limit") {
		kind = "rate_limit_error"
	}
	return piece{name: "error", data: anthropicError(kind, f.Message, a.fingerprint(24))}
}

func anthropicOwn(x *exchange) {
	h := x.w.Header()
	h["request-id"] = []string{"req_" + x.fingerprint(24)}
	h["anthropic-organization-id"] = []string{x.uuid("organization")}
	h["anthropic-ratelimit-requests-limit"] = []string{"500"}
	h["anthropic-ratelimit-requests-remaining"] = []string{"499"}
	h["anthropic-ratelimit-requests-reset"] = []string{"2026-09-21T12:00:00Z"}
}
