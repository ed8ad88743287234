package faultllm

import (
	"net/http"
	"strings"
)

// contentRows are well-formed streams whose content is wrong.
func contentRows() []row {
	return []row{
		onStream("bad-json", "one event that is not JSON", "sse_malformed",
			told(ahead(kindContent, 2, piece{data: `{"choices":[{"index":0,"delta":{"content":"ow`}))),
		onStream("tool-index", "two tool calls, both with index 0", "tool_delta_malformed",
			oneIndex).of(APIChat),
		onStream("tool-noindex", "tool-call pieces without an index", "tool_delta_malformed",
			noIndex).of(APIChat),
		onStream("tool-cut", "finish=tool_calls, though the arguments are cut", "tool_delta_malformed",
			cutArguments).of(APIChat),
		onStream("dup-cumul", "every event repeats all text so far", "duplicate_output",
			cumulative),
		onStream("dup-double", "every piece of text comes twice in its event", "duplicate_output",
			doubled),
		onBoth("filter-200", "finish=content_filter", "content_filtered", filteredAnswer),
	}
}

func filteredAnswer(x *exchange) {
	if x.ask.streams() {
		x.tell(finish("content_filter"))
		return
	}
	x.own()
	x.reply(http.StatusOK, typeJSON, ended(&x.answer, "content_filter"))
}

func twoCalls(x *exchange, second int) []piece {
	calls := append([]piece{toolStart(x, 0, "call_owl_a", "count_owls")}, toolArguments(x, 0, `{"field":`, `"north"}`)...)
	calls = append(calls, toolStart(x, second, "call_owl_b", "count_mice"))
	return append(calls, toolArguments(x, second, `{"field":`, `"south"}`)...)
}

func oneIndex(x *exchange) {
	x.own()
	tellTools(x, twoCalls(x, 0)...)
}

func noIndex(x *exchange) {
	calls := twoCalls(x, 1)
	for i := range calls {
		calls[i].data = strings.NewReplacer(`[{"index":0,"id"`, `[{"id"`, `[{"index":0,"function"`, `[{"function"`,
			`[{"index":1,"id"`, `[{"id"`, `[{"index":1,"function"`, `[{"function"`).Replace(calls[i].data)
	}
	x.own()
	tellTools(x, calls...)
}

func cutArguments(x *exchange) {
	x.own()
	tellTools(x, append([]piece{toolStart(x, 0, "call_owl_a", "count_owls")}, toolArguments(x, 0, `{"field":`, `"nor`)...)...)
}

// retold replaces the text of content event i.
func retold(x *exchange, text func(i int) string) {
	x.ask.n = 1
	x.tell(each(func(i int, p piece) []piece {
		if p.kind == kindContent {
			p = x.content(0, text(i))
		}
		return []piece{p}
	}))
}

func cumulative(x *exchange) {
	x.pace.chunks = min(x.pace.chunks, 1000) // the answer grows with the square
	so := ""
	retold(x, func(i int) string {
		so += word(i, x.pace.bytes)
		return so
	})
}

func doubled(x *exchange) {
	retold(x, func(i int) string { return strings.Repeat(word(i, x.pace.bytes), 2) })
}
