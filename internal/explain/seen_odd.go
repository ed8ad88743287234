package explain

import (
	"slices"

	"llmtap/internal/call"
)

// oddScreens are what clients showed of faults that are not in the table of
// streams: events they choke on, a certificate they refuse, a stop.
var oddScreens = []struct {
	tried string
	fits  func(*call.Record) bool
	text  string
}{
	{"openai-python 2.54 and 3.54, LangChain and LiteLLM", choked(pythonChat, "comment_after_id", "block_without_data"),
		"JSONDecodeError \"Expecting value: line 1 column 1\" (LiteLLM: MidStreamFallbackError)"},
	{"openai-node and LangChain JS", choked(nodeChat, "block_without_data"), "SyntaxError"},
	{"openai, anthropic and what stands on them", untrusted("openai-python", "langchain", "anthropic-python", "jupyter-ai"),
		"\"Connection error.\", with the certificate deep in the chain of causes"},
	{"LiteLLM", untrusted("litellm"), "\"InternalServerError ... Connection error.\""},
	{"ollama", untrusted("ollama-python"), "\"Failed to connect to Ollama...\""},
	{"Node", untrusted("openai-node", "langchain-js", "anthropic-node", "google-genai-node", "vercel-ai", "node-fetch"), "UNABLE_TO_VERIFY_LEAF_SIGNATURE"},
	{"curl 7.88", untrusted("curl"), "exit status 60"},
	{"Jupyter AI 2.31.7", stopped, "the text so far and \"(AI response stopped by user)\", if it was the Stop button"},
	{"Jupyter AI 2.19 to 3.2", buffered, "the whole answer at once, after a wait, and no error"},
}

var (
	pythonChat = []string{"openai-python", "langchain", "litellm"}
	nodeChat   = []string{"openai-node", "langchain-js"}
)

// choked are clients that closed right after an event that they are known to
// break on.
func choked(names []string, kinds ...string) func(*call.Record) bool {
	return func(r *call.Record) bool {
		return r.Diagnosis.Class == call.ClassClientChoked && slices.Contains(names, r.Client.Name) && slices.Contains(kinds, r.Diagnosis.Reason)
	}
}

func untrusted(names ...string) func(*call.Record) bool {
	return func(r *call.Record) bool {
		return r.Diagnosis.Class == call.ClassTLSUntrusted && slices.Contains(names, r.Client.Name)
	}
}

// stopped: the chat of 2.x writes a line when its user stops an answer.
func stopped(r *call.Record) bool {
	return r.Diagnosis.Class == call.ClassClientCancelled && r.Stream.ContentEvents > 0 && chat(r) && !jupyter3(r)
}

func buffered(r *call.Record) bool {
	return r.Diagnosis.Class == call.ClassStreamBuffered && r.Diagnosis.Reason == "one_block" && chat(r)
}
