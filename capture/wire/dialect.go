package wire

import "llmtap/internal/call"

// dialect reads the documents of one wire format: SSE events, NDJSON lines,
// array elements or a whole JSON body, one after the other. A value belongs to
// one response and is used by one goroutine.
type dialect interface {
	// value receives each value at the dialect's paths, in document order.
	// Both it and its texts are valid during the call only.
	value(at slot, v *value, f *tally)
	// event ends a document and names it. Kind Other also stands for
	// documents that mean nothing here. name is the SSE event's, mostly empty.
	event(name []byte, f *tally) Kind
}

// format is one row of the table of dialects.
type format struct {
	// name is the decoder's name in the recognition table.
	name string
	// paths select what value receives.
	paths []path
	// params are request parameters beside those of every dialect.
	params []param
	// asks select the prompt where it stands elsewhere than in messages.
	asks []path
	// marked: answers end with a marker of the dialect's own, so that [DONE],
	// which gateways add, proves nothing.
	marked bool
	// wrapped: in an AWS event stream the documents are base64 inside chunks.
	wrapped bool
	// bare: JSON objects may stand between the events of an SSE body.
	bare bool
	// absent is the mode of a request without a stream flag; plain if unknown.
	absent call.Mode
	// reads names another dialect whose documents it understands as well.
	reads string
	open  func() dialect
	tree  *node
}

// knows reports whether the dialect reads documents of another, or itself.
func (f *format) knows(name string) bool { return name != "" && (f.name == name || f.reads == name) }

// dialects lists every wire format that has a decoder. A new one is a row here,
// a file and a folder of testdata.
func dialects() []format {
	return []format{
		{name: "openai.chat", paths: chatPaths, open: openChat},
		{name: "openai.completions", paths: completionPaths, open: openCompletions},
		{name: "openai.responses", paths: responsesPaths, asks: responsesAsks, marked: true, open: openResponses},
		{name: "anthropic", paths: anthropicPaths, params: anthropicParams, asks: anthropicAsks, marked: true, open: openAnthropic},
		{name: "gemini", paths: geminiFields, params: geminiParams, asks: geminiAsks, marked: true, bare: true, open: openGemini},
		{name: "tgi", paths: tgiPaths, params: tgiParams, asks: tgiAsks, open: openTGI},
		{name: "llamacpp", paths: llamacppPaths, params: llamacppParams, reads: openaiCompletions, open: openLlamacpp},
		{name: "cohere", paths: coherePaths, params: cohereParams, asks: cohereAsks, marked: true, open: openCohere},
		{name: "ollama", paths: ollamaPaths, params: ollamaParams, asks: ollamaAsks, marked: true, absent: call.ModeStream, open: openOllama},
		{name: "bedrock.converse", paths: conversePaths, params: converseParams, asks: converseAsks, marked: true, open: openConverse},
		{name: "bedrock.invoke", paths: invokePaths, params: invokeParams, asks: invokeAsks, marked: true, wrapped: true, open: openInvoke},
	}
}

// formats are the rows with their compiled trees.
var formats = compileFormats(dialects())

func compileFormats(rows []format) []format {
	for i := range rows {
		rows[i].tree = responseTree(rows[i].paths)
	}
	return rows
}

// formatOf returns the row of a decoder, or one that knows errors only.
func formatOf(name string) *format {
	for i := range formats {
		if formats[i].name == name {
			return &formats[i]
		}
	}
	return &unread
}

// unread stands for dialects without a decoder: their events are counted and
// their errors found.
var unread = format{open: func() dialect { return plainEvents{} }, tree: errorTree}

type plainEvents struct{}

func (plainEvents) value(slot, *value, *tally) {}
func (plainEvents) event([]byte, *tally) Kind  { return KindOther }
