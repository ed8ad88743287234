package faultllm

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
)

// typeAWS is the media type of an event stream of Amazon's.
const typeAWS = "application/vnd.amazon.eventstream"

// converse is Bedrock's Converse and ConverseStream.
func converse() *dialect {
	return &dialect{
		api: APIConverse, route: bedrockRoute("converse", "converse-stream"), path: bedrockPath("converse", "converse-stream"),
		opening: converseOpening, content: converseContent, closing: converseClosing,
		plain: conversePlain, tool: converseTool, failure: bedrockFailure, inside: bedrockInside, own: bedrockOwn,
		form: dialectForm{
			media: typeAWS, prompt: `"messages":[{"role":"user","content":[{"text":"Tell me about owls."}]}]`, frame: converseFrame,
			lacks: slices.Concat(eventsOnly, bedrockLacks),
		},
	}
}

// invoke is Bedrock's InvokeModel with a model of Anthropic's, whose events
// come in chunks.
func invoke() *dialect {
	return &dialect{
		api: APIInvoke, route: bedrockRoute("invoke", "invoke-with-response-stream"), path: bedrockPath("invoke", "invoke-with-response-stream"),
		opening: anthropicOpening, content: anthropicContent, closing: invokeClosing,
		plain: anthropicPlain, tool: invokeTool, failure: bedrockFailure, inside: bedrockInside, own: bedrockOwn,
		form: dialectForm{
			media: typeAWS, frame: invokeFrame,
			prompt: `"anthropic_version":"bedrock-2023-05-31","max_tokens":64,"messages":[{"role":"user","content":"Tell me about owls."}]`,
			lacks:  slices.Concat(eventsOnly, bedrockLacks),
		},
	}
}

// bedrockLacks are scenarios of a stream flag, which Bedrock has in its paths,
// and blanks before a message.
var bedrockLacks = []string{"ok-flag-invalid", "ok-null", "ok-case", "flag-400", "flag-relay", "bomb"}

// bedrockRoute reads /model/{name}/{verb}.
func bedrockRoute(plain, stream string) func(string) (route, bool) {
	return func(path string) (route, bool) {
		_, rest, ok := strings.Cut(path, "/model/")
		name, verb, found := strings.Cut(rest, "/")
		to := route{deployment: name, stream: flagFalse}
		if verb == stream {
			to.stream = flagTrue
		}
		return to, ok && found && name != "" && (verb == plain || verb == stream)
	}
}

func bedrockPath(plain, stream string) func(string, bool) string {
	return func(scenario string, streamed bool) string {
		if streamed {
			return "/model/" + scenario + "/" + stream
		}
		return "/model/" + scenario + "/" + plain
	}
}

// bedrockName is the error of a status.
func bedrockName(status int) string {
	switch status {
	case 400:
		return "ValidationException"
	case 401:
		return "UnrecognizedClientException"
	case 403:
		return "AccessDeniedException"
	case 404:
		return "ResourceNotFoundException"
	case 429:
		return "ThrottlingException"
	case 503, 529:
		return "ServiceUnavailableException"
	}
	return "InternalServerException"
}

// bedrockFailure names the error in a header.
func bedrockFailure(x *exchange, status int, f failure) string {
	x.w.Header()["x-amzn-ErrorType"] = []string{bedrockName(status) + ":http://internal.amazon.com/coral/com.amazon.bedrock/"}
	return `{"message":` + quote(f.Message) + `}`
}

func bedrockInside(_ *answer, f failure) piece {
	name := "modelStreamErrorException"
	if strings.Contains(f.Code, "rate_limit") {
		name = "throttlingException"
	}
	return piece{raw: exception(name, f.Message)}
}

func bedrockOwn(x *exchange) { x.w.Header()["x-amzn-RequestId"] = []string{x.uuid("request")} }

// frame is one message of an event stream; heads are names and values.
func frame(payload string, heads ...[2]string) string {
	var h []byte
	for _, head := range heads {
		h = append(append(h, byte(len(head[0]))), head[0]...)
		h = binary.BigEndian.AppendUint16(append(h, 7), uint16(len(head[1])))
		h = append(h, head[1]...)
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(h)+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(h)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, h...), payload...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// exception is the message that ends a failed stream.
func exception(name, text string) string {
	return frame(`{"message":`+quote(text)+`}`, [2]string{":exception-type", name}, [2]string{":content-type", typeJSON},
		[2]string{":message-type", "exception"})
}

func converseFrame(p piece) string {
	return event(p.name, p.data)
}

func invokeFrame(p piece) string {
	return event("chunk", `{"bytes":"`+base64.StdEncoding.EncodeToString([]byte(p.data))+`","p":"abcdefgh"}`)
}

// event is a message that is no error.
func event(name, payload string) string {
	return frame(payload, [2]string{":event-type", name}, [2]string{":content-type", typeJSON}, [2]string{":message-type", "event"})
}

// converseFinish is a finish reason in Bedrock's words.
func converseFinish(finish string) string {
	if finish == "content_filter" {
		return "content_filtered"
	}
	return anthropicFinish(finish)
}

func converseOpening(*answer) []piece {
	return []piece{{kind: kindRole, name: "messageStart", data: `{"role":"assistant","p":"abcdef"}`}}
}

func converseDelta(index int, delta string) piece {
	return piece{kind: kindContent, name: "contentBlockDelta", data: `{"contentBlockIndex":` + strconv.Itoa(index) + `,"delta":` + delta + `,"p":"abcd"}`}
}

func converseContent(_ *answer, text string) piece {
	return converseDelta(0, `{"text":`+quote(text)+`}`)
}

func converseClosing(a *answer, finish string) []piece {
	ends := func(finish string) string { return `{"stopReason":` + quote(converseFinish(finish)) + `,"p":"ab"}` }
	return []piece{
		{name: "contentBlockStop", data: `{"contentBlockIndex":0}`},
		{kind: kindFinish, name: "messageStop", data: ends(finish), ends: ends},
		{kind: kindDone, name: "metadata", data: `{` + converseUsage(a) + `}`},
	}
}

func converseUsage(a *answer) string {
	in, out := a.ask.prompt, a.pace.chunks
	return `"usage":{"inputTokens":` + strconv.Itoa(in) + `,"outputTokens":` + strconv.Itoa(out) + `,"totalTokens":` + strconv.Itoa(in+out) +
		`},"metrics":{"latencyMs":120}`
}

func conversePlain(a *answer, text, finish string) string {
	return converseAnswer(a, `{"text":`+quote(text)+`}`, finish)
}

func converseAnswer(a *answer, block, finish string) string {
	return `{"output":{"message":{"role":"assistant","content":[` + block + `]}},"stopReason":` + quote(converseFinish(finish)) + `,` + converseUsage(a) + `}`
}

func converseTool(a *answer, name string, arguments []string) ([]piece, string) {
	use := `"toolUseId":"tooluse_owl_a","name":` + quote(name)
	pieces := append(converseOpening(a), piece{
		kind: kindContent, name: "contentBlockStart", data: `{"contentBlockIndex":0,"start":{"toolUse":{` + use + `}}}`,
	})
	for _, part := range arguments {
		pieces = append(pieces, converseDelta(0, `{"toolUse":{"input":`+quote(part)+`}}`))
	}
	plain := converseAnswer(a, `{"toolUse":{`+use+`,"input":`+strings.Join(arguments, "")+`}}`, "tool_calls")
	return append(pieces, converseClosing(a, "tool_calls")...), plain
}

// measured adds the metrics that Bedrock puts into the last event.
func measured(a *answer, pieces []piece) []piece {
	for i, p := range pieces {
		if p.kind == kindDone {
			pieces[i].data = strings.TrimSuffix(p.data, "}") + `,"amazon-bedrock-invocationMetrics":{"inputTokenCount":` + strconv.Itoa(a.ask.prompt) +
				`,"outputTokenCount":` + strconv.Itoa(a.pace.chunks) + `,"invocationLatency":120,"firstByteLatency":40}}`
		}
	}
	return pieces
}

func invokeClosing(a *answer, finish string) []piece { return measured(a, anthropicClosing(a, finish)) }

func invokeTool(a *answer, name string, arguments []string) ([]piece, string) {
	pieces, plain := anthropicTool(a, name, arguments)
	return measured(a, pieces), plain
}
