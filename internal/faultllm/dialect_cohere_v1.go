package faultllm

import (
	"slices"
	"strconv"
	"strings"
)

// typeCohereV1 is the media type of its lines.
const typeCohereV1 = "application/stream+json"

// cohereV1 is version 1 of Cohere's chat: lines of JSON, the last of which
// repeats the answer.
func cohereV1() *dialect {
	return &dialect{
		api: APICohereV1, route: endsWith("/v1/chat"), path: always("/v1/chat"),
		opening: cohereV1Opening, content: cohereV1Content, closing: cohereV1Closing,
		plain: cohereV1Plain, tool: cohereV1Tool, failure: cohereV1Failure, inside: cohereV1Inside, own: cohereOwn,
		form: dialectForm{
			media: typeCohereV1, oneEnd: true, frame: func(p piece) string { return p.data + "\n" },
			prompt: `"message":"Tell me about owls."`,
			// An error in mid-stream has no text, a filtered answer no reason, and its
			// lines may be labelled as JSON.
			lacks: slices.Concat(eventsOnly, []string{"filter-200", "label-json", "serr-rate", "serr-refused"}),
		},
	}
}

// cohereV1Line is one line; the last one is finished.
func cohereV1Line(event, members string) string {
	return `{"is_finished":` + strconv.FormatBool(event == "stream-end") + `,"event_type":` + quote(event) + `,` + members + `}`
}

func cohereV1ID(a *answer) string { return `"generation_id":"` + a.uuid("answer") + `"` }

// cohereV1Answer is the whole answer, which a stream repeats at its end.
func cohereV1Answer(a *answer, text, finish, more string) string {
	in, out := strconv.Itoa(a.ask.prompt), strconv.Itoa(a.pace.chunks)
	tokens := `{"input_tokens":` + in + `,"output_tokens":` + out + `}`
	return `{"response_id":"` + a.uuid("response") + `","text":` + quote(text) + `,` + cohereV1ID(a) + `,"chat_history":[]` + more +
		`,"finish_reason":` + quote(finish) + `,"meta":{"api_version":{"version":"1"},"billed_units":` + tokens + `,"tokens":` + tokens + `}}`
}

// cohereV1Finish is a finish reason. A tool call has none of its own.
func cohereV1Finish(finish string) string {
	if finish == "tool_calls" {
		return "COMPLETE"
	}
	return cohereFinish(finish)
}

func cohereV1Opening(a *answer) []piece {
	return []piece{{kind: kindRole, data: cohereV1Line("stream-start", cohereV1ID(a))}}
}

func cohereV1Content(_ *answer, text string) piece {
	return piece{kind: kindContent, data: cohereV1Line("text-generation", `"text":`+quote(text))}
}

// cohereV1End is the last line.
func cohereV1End(a *answer, text, finish, more string) piece {
	ends := func(finish string) string {
		reason := cohereV1Finish(finish)
		return cohereV1Line("stream-end", `"finish_reason":`+quote(reason)+`,"response":`+cohereV1Answer(a, text, reason, more))
	}
	return piece{kind: kindDone, data: ends(finish), ends: ends}
}

func cohereV1Closing(a *answer, finish string) []piece {
	return []piece{cohereV1End(a, a.text(), finish, "")}
}

func cohereV1Plain(a *answer, text, finish string) string {
	return cohereV1Answer(a, text, cohereV1Finish(finish), "")
}

// cohereV1Tool is a call in pieces, and then whole.
func cohereV1Tool(a *answer, name string, arguments []string) ([]piece, string) {
	const plan = "I will count."
	chunk := func(members string) piece {
		return piece{kind: kindContent, data: cohereV1Line("tool-calls-chunk", members)}
	}
	pieces := append(cohereV1Opening(a), chunk(`"text":`+quote(plan)), chunk(`"tool_call_delta":{"index":0,"name":`+quote(name)+`}`))
	for _, part := range arguments {
		pieces = append(pieces, chunk(`"tool_call_delta":{"index":0,"parameters":`+quote(part)+`}`))
	}
	calls := `"tool_calls":[{"name":` + quote(name) + `,"parameters":` + strings.Join(arguments, "") + `}]`
	pieces = append(pieces, piece{kind: kindOther, data: cohereV1Line("tool-calls-generation", `"text":`+quote(plan)+`,`+calls)},
		cohereV1End(a, plan, "tool_calls", ","+calls))
	return pieces, cohereV1Answer(a, plan, "COMPLETE", ","+calls)
}

func cohereV1Failure(_ *exchange, _ int, f failure) string {
	return `{"message":` + quote(f.Message) + `}`
}

// cohereV1Inside is the end of a stream that failed.
func cohereV1Inside(a *answer, _ failure) piece {
	return piece{data: cohereV1Line("stream-end", `"finish_reason":"ERROR","response":`+cohereV1Answer(a, "", "ERROR", ""))}
}
