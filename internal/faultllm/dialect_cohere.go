package faultllm

import (
	"strconv"
	"strings"
)

// cohere is version 2 of Cohere's chat.
func cohere() *dialect {
	return &dialect{
		api: APICohere, route: endsWith("/v2/chat"), path: always("/v2/chat"),
		opening: cohereOpening, content: cohereContent, closing: cohereClosing,
		plain: coherePlain, tool: cohereTool, failure: cohereFailure, inside: cohereInside, own: cohereOwn,
		form: dialectForm{
			oneEnd: true, prompt: `"messages":[{"role":"user","content":"Tell me about owls."}]`, lacks: []string{"filter-200"},
		},
	}
}

// cohereFinish is a finish reason in Cohere's words. It has none for a filter.
func cohereFinish(finish string) string {
	switch finish {
	case "length":
		return "MAX_TOKENS"
	case "tool_calls":
		return "TOOL_CALL"
	}
	return "COMPLETE"
}

// cohereEvent is an event whose name is its type.
func cohereEvent(k kind, name, members string) piece {
	if members != "" {
		members = "," + members
	}
	return piece{kind: k, name: name, data: `{"type":` + quote(name) + members + `}`}
}

func cohereID(a *answer) string { return `"id":"` + a.uuid("answer") + `"` }

func cohereUsage(a *answer) string {
	in, out := strconv.Itoa(a.ask.prompt), strconv.Itoa(a.pace.chunks)
	return `{"billed_units":{"input_tokens":` + in + `,"output_tokens":` + out + `},"tokens":{"input_tokens":` + in + `,"output_tokens":` + out + `}}`
}

func cohereStart(a *answer) piece {
	return cohereEvent(kindRole, "message-start", cohereID(a)+`,"delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}`)
}

func cohereOpening(a *answer) []piece {
	return []piece{
		cohereStart(a),
		cohereEvent(kindOther, "content-start", `"index":0,"delta":{"message":{"content":{"type":"text","text":""}}}`),
	}
}

func cohereContent(_ *answer, text string) piece {
	return cohereEvent(kindContent, "content-delta", `"index":0,"delta":{"message":{"content":{"text":`+quote(text)+`}}}`)
}

func cohereClosing(a *answer, finish string) []piece {
	return append([]piece{cohereEvent(kindOther, "content-end", `"index":0`)}, cohereEnd(a, finish)...)
}

// cohereEnd is the terminal event, and the marker that follows it.
func cohereEnd(a *answer, finish string) []piece {
	ends := func(finish string) string {
		return `{"type":"message-end","delta":{"finish_reason":` + quote(cohereFinish(finish)) + `,"usage":` + cohereUsage(a) + `}}`
	}
	return []piece{{kind: kindDone, name: "message-end", data: ends(finish), ends: ends}, terminator()}
}

func coherePlain(a *answer, text, finish string) string {
	return `{` + cohereID(a) + `,"message":{"role":"assistant","content":[{"type":"text","text":` + quote(text) + `}]},"finish_reason":` +
		quote(cohereFinish(finish)) + `,"usage":` + cohereUsage(a) + `}`
}

func cohereTool(a *answer, name string, arguments []string) ([]piece, string) {
	call := func(arguments string) string {
		return `{"id":"count_owls_0","type":"function","function":{"name":` + quote(name) + `,"arguments":` + quote(arguments) + `}}`
	}
	step := func(k kind, event, message string) piece {
		return cohereEvent(k, event, `"index":0,"delta":{"message":{`+message+`}}`)
	}
	pieces := []piece{
		cohereStart(a),
		step(kindContent, "tool-plan-delta", `"tool_plan":"I will count."`),
		step(kindContent, "tool-call-start", `"tool_calls":`+call("")),
	}
	for _, part := range arguments {
		pieces = append(pieces, step(kindContent, "tool-call-delta", `"tool_calls":{"function":{"arguments":`+quote(part)+`}}`))
	}
	pieces = append(append(pieces, cohereEvent(kindOther, "tool-call-end", `"index":0`)), cohereEnd(a, "tool_calls")...)
	plain := `{` + cohereID(a) + `,"message":{"role":"assistant","tool_plan":"I will count.","tool_calls":[` + call(strings.Join(arguments, "")) +
		`]},"finish_reason":"TOOL_CALL","usage":` + cohereUsage(a) + `}`
	return pieces, plain
}

func cohereFailure(x *exchange, _ int, f failure) string {
	return `{"id":"` + x.uuid("error") + `","message":` + quote(f.Message) + `}`
}

// cohereInside is the end of a stream that failed; the marker follows as ever.
func cohereInside(a *answer, f failure) piece {
	end := piece{name: "message-end", data: `{"type":"message-end","delta":{"finish_reason":"ERROR","error":` + quote(f.Message) +
		`,"usage":` + cohereUsage(a) + `}}`}
	return piece{raw: end.block() + terminator().block()}
}

func cohereOwn(x *exchange) {
	h := x.w.Header()
	h["x-debug-trace-id"] = []string{x.fingerprint(32)}
	h["x-endpoint-monthly-call-limit"] = []string{"1000"}
}
