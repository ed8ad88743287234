package faultllm

import (
	"strconv"
	"strings"
)

// responses is OpenAI's Responses, also with Azure's dated path.
func responses() *dialect {
	return &dialect{
		api: APIResponses, route: responsesRoute, path: always("/v1/responses"),
		opening: responsesOpening, content: responsesContent, closing: responsesClosing,
		plain: responsesPlain, tool: responsesTool, failure: responsesFailure, inside: responsesInside, own: responsesOwn,
		form: dialectForm{oneEnd: true, numbered: true, prompt: `"input":"Tell me about owls."`},
	}
}

// responsesEvent is an event whose name is its type. Its number is added when
// it is sent.
func responsesEvent(k kind, name, members string) piece {
	return piece{kind: k, name: name, data: `{"type":` + quote(name) + `,` + members + `}`}
}

// responsesObject is the response; usage and output come with its end.
func responsesObject(a *answer, status, failure, reason, output string) string {
	details, usage := "null", "null"
	if reason != "" {
		details = `{"reason":` + quote(reason) + `}`
	}
	if status != "in_progress" && status != "failed" {
		in, out := a.ask.prompt, a.pace.chunks
		usage = `{"input_tokens":` + strconv.Itoa(in) + `,"input_tokens_details":{"cached_tokens":0},"output_tokens":` + strconv.Itoa(out) +
			`,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":` + strconv.Itoa(in+out) + `}`
	}
	return `{"id":"` + a.responseID() + `","object":"response","created_at":` + created + `,"status":` + quote(status) +
		`,"background":false,"error":` + failure + `,"incomplete_details":` + details + `,"instructions":null,"max_output_tokens":null,"model":"` + model +
		`","output":[` + output + `],"parallel_tool_calls":true,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},` +
		`"service_tier":"default","store":false,"temperature":1.0,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":1.0,` +
		`"truncation":"disabled","usage":` + usage + `,"user":null,"metadata":{}}`
}

func responsesStart(a *answer) []piece {
	begun := `"response":` + responsesObject(a, "in_progress", "null", "", "")
	return []piece{responsesEvent(kindRole, "response.created", begun), responsesEvent(kindOther, "response.in_progress", begun)}
}

const responsesAt = `"item_id":"msg_owl","output_index":0,"content_index":0`

// responsesItem is the message of the output, begun or whole.
func responsesItem(status, content string) string {
	return `{"id":"msg_owl","type":"message","status":` + quote(status) + `,"role":"assistant","content":[` + content + `]}`
}

func responsesPart(text string) string {
	return `{"type":"output_text","text":` + quote(text) + `,"annotations":[],"logprobs":[]}`
}

func responsesOpening(a *answer) []piece {
	return append(responsesStart(a),
		responsesEvent(kindOther, "response.output_item.added", `"output_index":0,"item":`+responsesItem("in_progress", "")),
		responsesEvent(kindOther, "response.content_part.added", responsesAt+`,"part":`+responsesPart("")))
}

func responsesContent(_ *answer, text string) piece {
	return responsesEvent(kindContent, "response.output_text.delta", responsesAt+`,"delta":`+quote(text)+`,"logprobs":[]`)
}

func responsesClosing(a *answer, finish string) []piece {
	text := a.text()
	item := responsesItem("completed", responsesPart(text))
	return []piece{
		responsesEvent(kindOther, "response.output_text.done", responsesAt+`,"text":`+quote(text)+`,"logprobs":[]`),
		responsesEvent(kindOther, "response.content_part.done", responsesAt+`,"part":`+responsesPart(text)),
		responsesEvent(kindOther, "response.output_item.done", `"output_index":0,"item":`+item),
		responsesEnd(a, finish, item),
	}
}

// responsesEnd is the terminal event.
func responsesEnd(a *answer, finish, output string) piece {
	name := func(finish string) string { return "response." + responsesStatus(finish) }
	ends := func(finish string) string {
		return `{"type":` + quote(name(finish)) + `,"response":` + responsesEnded(a, finish, output) + `}`
	}
	return piece{kind: kindDone, name: name(finish), data: ends(finish), ends: ends}
}

// responsesStatus is how a response with a finish reason ends.
func responsesStatus(finish string) string {
	if finish == "length" || finish == "content_filter" {
		return "incomplete"
	}
	return "completed"
}

func responsesEnded(a *answer, finish, output string) string {
	status, reason := responsesStatus(finish), ""
	if status == "incomplete" {
		reason = strings.Replace(finish, "length", "max_output_tokens", 1)
	}
	return responsesObject(a, status, "null", reason, output)
}

func responsesPlain(a *answer, text, finish string) string {
	return responsesEnded(a, finish, responsesItem("completed", responsesPart(text)))
}

func responsesTool(a *answer, name string, arguments []string) ([]piece, string) {
	item := func(status, arguments string) string {
		return `{"id":"fc_owl","type":"function_call","status":` + quote(status) + `,"arguments":` + quote(arguments) +
			`,"call_id":"call_owl_a","name":` + quote(name) + `}`
	}
	const at = `"item_id":"fc_owl","output_index":0`
	pieces := append(responsesStart(a), responsesEvent(kindOther, "response.output_item.added", `"output_index":0,"item":`+item("in_progress", "")))
	for _, part := range arguments {
		pieces = append(pieces, responsesEvent(kindContent, "response.function_call_arguments.delta", at+`,"delta":`+quote(part)))
	}
	all := strings.Join(arguments, "")
	whole := item("completed", all)
	pieces = append(pieces,
		responsesEvent(kindOther, "response.function_call_arguments.done", at+`,"arguments":`+quote(all)),
		responsesEvent(kindOther, "response.output_item.done", `"output_index":0,"item":`+whole),
		responsesEnd(a, "tool_calls", whole))
	return pieces, responsesEnded(a, "tool_calls", whole)
}

// responsesFailure is an error body as chat completions have it.
func responsesFailure(_ *exchange, _ int, f failure) string {
	return openaiError(f.Message, f.Kind, f.Param, f.Code)
}

// responsesInside is the flat error event.
func responsesInside(_ *answer, f failure) piece {
	return responsesEvent(kindOther, "error", `"code":`+orNull(f.Code)+`,"message":`+quote(f.Message)+`,"param":`+orNull(f.Param))
}

// responsesFailed is the terminal event of a response that failed.
func responsesFailed(a *answer, cause string) piece {
	return responsesEvent(kindDone, "response.failed", `"response":`+responsesObject(a, "failed", cause, "", ""))
}

func responsesOwn(x *exchange) {
	if strings.Contains(x.r.URL.Path, "/openai/") {
		x.azureHeaders()
		return
	}
	x.openaiHeaders()
}

// responsesRows are failures that only Responses have.
func responsesRows() []row {
	failing := func(ends func(*answer) []piece) play {
		return func(x *exchange) { x.tell(first(3), add(ends(&x.answer)...)) }
	}
	return []row{
		onBoth("ok-responses", "healthy Responses", "ok", healthy).of(APIResponses),
		onStream("serr-failed", "response.failed whose cause is a rate limit", "error_in_stream", failing(func(a *answer) []piece {
			return []piece{responsesFailed(a, `{"code":"rate_limit_exceeded","message":`+quote(openaiRate)+`}`)}
		})).because("rate_limited").of(APIResponses),
		onStream("serr-failed-then-error", "response.failed without a cause, then the error event that names it", "error_in_stream",
			failing(func(a *answer) []piece {
				return []piece{responsesFailed(a, "null"), responsesInside(a, failure{Code: "rate_limit_exceeded", Message: azureRate})}
			})).because("rate_limited").of(APIResponses),
		onStream("seq-gap", "an event is lost on the way", "ok", failing(func(a *answer) []piece {
			lost := piece{raw: ": \n\n", data: "{}"} // takes a number, and only that
			return append([]piece{lost, responsesContent(a, "mice. ")}, responsesClosing(a, "stop")...)
		})).of(APIResponses),
	}
}
