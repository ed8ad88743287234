package faultllm

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// healthyRows are answers that nothing is wrong with.
func healthyRows() []row {
	return []row{
		onBoth("ok-openai", "healthy answer; usage only if asked", "ok", healthy).of(APIOpenAI),
		onPlain("ok-plain", "healthy JSON answer", "ok", healthy),
		onBoth("ok-azure", "Azure's own dialect: empty choices first, filter events without delta, usage tail", "ok",
			azureDialect).of(APIAzure),
		onBoth("ok-tools", "calls the first tool that the request offers", "ok", callTool).needs(someTools),
		onBoth("ok-tools-whole", "the call in one event, as Mistral sends it", "ok", wholeTool).needs(someTools).of(APIChat),
		onStream("ok-length-empty", "role, then finish=length without content", "ok",
			told(without(kindContent), finish("length"))),
		onBoth("ok-flag-invalid", `takes "stream":"true" for true`, "ok", lenientFlag).needs(`"stream":"true"`),
		onPlain("ok-null", `takes "stream":null for a plain call`, "ok", healthy).needs(`"stream":null`),
		onPlain("ok-case", `takes "Stream":true for an unknown key`, "ok", healthy).needs(`"Stream":true`),
		onStream("ok-done-only", "[DONE] without a finish reason", "ok", told(without(kindFinish))).apart(),
		onStream("ok-finish-only", "finish reason without [DONE]", "ok", told(without(kindDone))).apart(),
		onStream("ok-close-done", "stays open for 2 s after [DONE]", "ok",
			lingering(2*time.Second)).leaving("right after [DONE]").lasting(2 * time.Second).of(APIChat),
		onStream("ok-close-finish", "waits 2 s after the finish event before usage and [DONE]", "ok",
			told(late(kindDone, 0, 2*time.Second), without(kindUsage))).
			leaving("after the finish event").lasting(2 * time.Second).of(APIChat),
		onStream("ok-slow-first", "comments for 70 s, then tokens", "ok",
			told(ahead(kindContent, 0, slowComments()...))).lasting(70 * time.Second),
		onBoth("ok-retry", "429 at first and every second time, else healthy", "rate_limited",
			flaky(2, tooMany)).because("rate").also("retry-429"),
	}
}

// someTools offers one function.
const someTools = `"tools":[{"type":"function","function":{"name":"count_owls","parameters":{"type":"object"}}}]`

// finish sets the finish reason of every choice.
func finish(reason string) edit {
	return each(func(_ int, p piece) []piece {
		switch {
		case p.ends != nil:
			p.data = p.ends(reason)
		case p.kind == kindFinish:
			p.data = strings.ReplaceAll(p.data, `"finish_reason":"stop"`, `"finish_reason":`+quote(reason))
		}
		return []piece{p}
	})
}

// flaky fails but every n-th time.
func flaky(n int, fail play) play {
	return func(x *exchange) {
		if x.hit%n != 0 {
			fail(x)
			return
		}
		healthy(x)
	}
}

func azureDialect(x *exchange) {
	x.ask.azure, x.ask.usage = true, true
	if !x.ask.streams() {
		healthy(x)
		return
	}
	x.tell(ahead(kindContent, 2, asyncFilter()), ahead(kindUsage, 0, asyncFilter()))
}

func lenientFlag(x *exchange) {
	if x.ask.stream == flagInvalid {
		x.tell()
		return
	}
	healthy(x)
}

func slowComments() []piece {
	out := make([]piece, 5)
	for i := range out {
		out[i] = piece{raw: ": still thinking\n\n", wait: 14 * time.Second}
	}
	return out
}

// lingering is a healthy stream that stays open after its end.
func lingering(d time.Duration) play {
	return func(x *exchange) {
		if x.tell() {
			x.pause(d)
		}
	}
}

// callTool answers with a call of the first tool offered.
func callTool(x *exchange) {
	if len(x.ask.tools) == 0 {
		healthy(x)
		return
	}
	name, args := x.ask.tools[0], []string{`{"field"`, `:"north",`, `"night":`, `3}`}
	x.own()
	if x.ask.dialect != nil {
		otherTool(x, name, args)
		return
	}
	if x.ask.streams() {
		tellTools(x, append([]piece{toolStart(x, 0, "call_owl_a", name)}, toolArguments(x, 0, args...)...)...)
		return
	}
	msg := `{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"call_owl_a","type":"function","function":{"name":` +
		quote(name) + `,"arguments":` + quote(strings.Join(args, "")) + `}}]}`
	x.reply(http.StatusOK, typeJSON, x.completion(msg, "tool_calls"))
}

// wholeTool is callTool with the call in one piece.
func wholeTool(x *exchange) {
	if len(x.ask.tools) == 0 || !x.ask.streams() {
		callTool(x)
		return
	}
	x.own()
	tellTools(x, tool(x, `"index":0,"id":"call_owl_a","type":"function","function":{"name":`+quote(x.ask.tools[0])+
		`,"arguments":"{\"field\":\"north\",\"night\":3}"}`))
}

// otherTool is callTool in a dialect of its own.
func otherTool(x *exchange, name string, args []string) {
	pieces, plain := x.ask.dialect.tool(&x.answer, name, args)
	if !x.ask.streams() {
		x.reply(http.StatusOK, typeJSON, plain)
		return
	}
	x.send(x.open(x.ask.mediaType()), spoken(&x.answer, slices.Values(pieces)))
}

// tellTools streams the pieces as the answer, finish=tool_calls.
func tellTools(x *exchange, calls ...piece) {
	x.ask.n = 1
	x.send(x.open(typeSSE), joined(x.opening(), slices.Values(calls), x.closing("tool_calls")))
}

// toolStart opens a tool call.
func toolStart(x *exchange, index int, id, name string) piece {
	return tool(x, `"index":`+strconv.Itoa(index)+`,"id":`+quote(id)+
		`,"type":"function","function":{"name":`+quote(name)+`,"arguments":""}`)
}

// toolArguments are the parts of a tool call's arguments.
func toolArguments(x *exchange, index int, parts ...string) []piece {
	out := make([]piece, len(parts))
	for i, p := range parts {
		out[i] = tool(x, `"index":`+strconv.Itoa(index)+`,"function":{"arguments":`+quote(p)+`}`)
	}
	return out
}

func tool(x *exchange, members string) piece {
	return piece{kind: kindContent, data: x.chunk(x.choice(0, `{"tool_calls":[{`+members+`}]}`, ""))}
}
