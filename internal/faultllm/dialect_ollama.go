package faultllm

import (
	"slices"
	"strconv"
	"strings"
)

// typeNDJSON is the media type of a stream of lines.
const typeNDJSON = "application/x-ndjson"

const ollamaModel = "llama3.2:3b"

// ollama is Ollama's own chat: lines of JSON, streamed unless told otherwise.
func ollama() *dialect {
	return &dialect{
		api: APIOllama, route: endsWith("/api/chat"), path: always("/api/chat"),
		opening: func(*answer) []piece { return nil }, content: ollamaContent, closing: ollamaClosing,
		plain: ollamaPlain, tool: ollamaTool, failure: ollamaFailure,
		inside: func(_ *answer, f failure) piece { return piece{data: `{"error":` + quote(f.Message) + `}`} },
		own:    func(*exchange) {},
		form: dialectForm{
			media: typeNDJSON, oneEnd: true, streaming: true, frame: func(p piece) string { return p.data + "\n" },
			prompt: `"messages":[{"role":"user","content":"Tell me about owls."}]`,
			// It has no filter and no event without text, its lines may be labelled as
			// JSON, and a flag that is absent asks for a stream.
			lacks: slices.Concat(eventsOnly, []string{"filter-200", "empty-role", "label-json", "ok-null", "ok-case"}),
		},
	}
}

// ollamaGenerate is its completion of a prompt. It has no tools.
func ollamaGenerate() *dialect {
	d := ollama()
	d.api, d.route, d.path, d.tool = APIOllamaGenerate, endsWith("/api/generate"), always("/api/generate"), nil
	d.content = func(_ *answer, text string) piece {
		return piece{kind: kindContent, data: ollamaObject(`"response":`+quote(text), `"done":false`)}
	}
	d.closing = func(a *answer, finish string) []piece {
		ends := func(finish string) string { return ollamaObject(`"response":""`, ollamaDone(a, finish)+ollamaContext) }
		return []piece{{kind: kindDone, data: ends(finish), ends: ends}}
	}
	d.plain = func(a *answer, text, finish string) string {
		return ollamaObject(`"response":`+quote(text), ollamaDone(a, finish)+ollamaContext)
	}
	d.form.prompt = `"prompt":"Tell me about owls."`
	d.form.lacks = slices.Concat(d.form.lacks, []string{"ok-tools", "refuse-tools", "serr-refused"})
	return d
}

// ollamaContext is what a next request may hand back.
const ollamaContext = `,"context":[128006,882,128007]`

// ollamaLine is a line of the chat with some more members.
func ollamaLine(message, more string) string {
	return ollamaObject(`"message":{"role":"assistant",`+message+`}`, more)
}

// ollamaObject is a line, or a plain answer.
func ollamaObject(says, more string) string {
	return `{"model":"` + ollamaModel + `","created_at":"2026-09-21T14:13:20.000000Z",` + says + `,` + more + `}`
}

func ollamaContent(_ *answer, text string) piece {
	return piece{kind: kindContent, data: ollamaLine(`"content":`+quote(text), `"done":false`)}
}

// ollamaDone are the members that end an answer.
func ollamaDone(a *answer, finish string) string {
	if finish != "length" {
		finish = "stop" // also for tools
	}
	return `"done":true,"done_reason":` + quote(finish) + `,"total_duration":120000000,"load_duration":10000000,"prompt_eval_count":` +
		strconv.Itoa(a.ask.prompt) + `,"prompt_eval_duration":20000000,"eval_count":` + strconv.Itoa(a.pace.chunks) + `,"eval_duration":90000000`
}

func ollamaClosing(a *answer, finish string) []piece {
	ends := func(finish string) string { return ollamaLine(`"content":""`, ollamaDone(a, finish)) }
	return []piece{{kind: kindDone, data: ends(finish), ends: ends}}
}

func ollamaPlain(a *answer, text, finish string) string {
	return ollamaLine(`"content":`+quote(text), ollamaDone(a, finish))
}

// ollamaTool is a call in one line, whole: its arguments are an object.
func ollamaTool(a *answer, name string, arguments []string) ([]piece, string) {
	calls := `"content":"","tool_calls":[{"id":"call_owl_a","function":{"index":0,"name":` + quote(name) + `,"arguments":` + strings.Join(arguments, "") + `}}]`
	pieces := []piece{{kind: kindContent, data: ollamaLine(calls, `"done":false`)}}
	return append(pieces, ollamaClosing(a, "tool_calls")...), ollamaLine(calls, ollamaDone(a, "tool_calls"))
}

func ollamaFailure(_ *exchange, _ int, f failure) string { return `{"error":` + quote(f.Message) + `}` }

// eventsOnly are the scenarios that only server-sent events can play.
var eventsOnly = []string{
	"ok-dialect", "sse-crlf", "sse-cr", "sse-nospace", "sse-bom", "sse-comments", "sse-comment-id", "sse-retryline", "sse-evping",
	"sse-emptydata", "sse-multidata", "ok-slow-first", "empty-done", "bad-json", "mode-sse-false", "mode-sse-absent", "mode-trailing", "split-rune",
}

// framedRows are the scenarios of Ollama and Bedrock alone.
func framedRows() []row {
	return []row{
		onBoth("ok-ollama", "Ollama's lines, done:true last", "ok", healthy).of(APIOllama),
		onBoth("ok-ollama-generate", "a prompt completed in Ollama's lines", "ok", healthy).of(APIOllamaGenerate),
		onStream("ok-ollama-absent", "streams though no flag asks for it", "ok", healthy).of(APIOllama),
		onStream("serr-ndjson", "a line with an error", "error_in_stream",
			told(first(3), add(piece{data: `{"error":"an error was encountered while running the model: unexpected EOF"}`}))).of(APIOllama),
		onStream("cut-line", "clean end inside a line", "stream_truncated", told(first(4), each(halved))).of(APIOllama),
		onBoth("ok-bedrock", "Converse: messages of an event stream, metadata last", "ok", healthy).of(APIConverse),
		onBoth("ok-invoke", "InvokeModel: Anthropic's events in chunks, metrics last", "ok", healthy).of(APIInvoke),
		onStream("serr-aws", "an exception in mid-stream", "error_in_stream",
			told(first(3), add(piece{raw: exception("throttlingException", "Too many requests, please wait before trying again.")}))).
			because("rate_limited").of(APIConverse),
		onStream("es-crc", "a message whose checksum is wrong", "framing_invalid", told(each(spoilt))).of(APIConverse),
		onStream("cut-message", "clean end inside a message", "stream_truncated", told(first(4), each(halved))).of(APIInvoke),
	}
}

// halved cuts the fourth piece with content in two and keeps the first half.
func halved(i int, p piece) []piece {
	if p.kind == kindContent && i == 3 {
		p.spoils = func(block string) string { return block[:len(block)/2] }
	}
	return []piece{p}
}

// spoilt flips a bit in the third piece with content.
func spoilt(i int, p piece) []piece {
	if p.kind == kindContent && i == 2 {
		p.spoils = func(block string) string {
			b := []byte(block)
			b[len(b)-6] ^= 1
			return string(b)
		}
	}
	return []piece{p}
}
