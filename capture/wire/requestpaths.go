package wire

import (
	"cmp"
	"slices"
	"strconv"
	"unicode/utf8"

	"llmtap/internal/call"
)

// Slots of a request body; those of parameters follow.
const (
	_ slot = iota
	reqDoc
	reqKey
	reqModel
	reqStream
	reqIncludeUsage
	reqFormat
	reqTools
	reqTool
	reqFunctions
	reqFunction
	reqDeclaration
	reqStop
	reqStopItem
	reqMessages
	reqMessage
	reqRole
	reqText
	reqInput
	reqSystem
	// Clues of bodies that may be any dialect's.
	reqParts
	reqInputText
	reqInputItem
	reqPrompt
	reqInputs
	reqMessageText
	reqTitan
	reqParam
)

// requestPaths select what every dialect's request is asked for.
var requestPaths = []path{
	{path: "", slot: reqDoc},
	{path: "model", slot: reqModel},
	{path: "stream", slot: reqStream},
	{path: "stream_options.include_usage", slot: reqIncludeUsage},
	{path: "response_format.type", slot: reqFormat},
	{path: "text.format.type", slot: reqFormat},
	{path: "tools", slot: reqTools},
	{path: "tools[]", slot: reqTool},
	{path: "functions", slot: reqFunctions},
	{path: "functions[]", slot: reqFunction},
	{path: "stop", slot: reqStop},
	{path: "stop[]", slot: reqStopItem},
	{path: "messages", slot: reqMessages},
	{path: "messages[]", slot: reqMessage},
	{path: "messages[].role", slot: reqRole},
	{path: "messages[].content", slot: reqText, keep: keepEnds},
	{path: "messages[].content[].text", slot: reqText, keep: keepEnds},
}

// param is an allow-listed request parameter: a scalar that tells how a model
// is to answer, never what was said or by whom.
type param struct{ path, name string }

// requestParams are those of every dialect.
var requestParams = scalars(
	"temperature", "top_p", "top_k", "n", "seed", "max_tokens", "max_completion_tokens", "max_output_tokens",
	"frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "parallel_tool_calls", "tool_choice",
	"reasoning_effort", "reasoning.effort", "service_tier", "verbosity", "text.verbosity", "store", "background",
	"truncation", "max_tool_calls", "previous_response_id", "response_format.type", "text.format.type",
	"stream_options.include_obfuscation", "best_of", "echo", "dimensions", "encoding_format",
)

// scalars are parameters that keep the name of their path.
func scalars(paths ...string) []param {
	out := make([]param, len(paths))
	for i, p := range paths {
		out[i] = param{path: p, name: p}
	}
	return out
}

// requestFormat is how one dialect's request is read.
type requestFormat struct {
	name   string
	params []param
	asks   []path
	tree   *node
	// absent is the mode of a request without a stream flag.
	absent call.Mode
}

// requests are the formats with paths or defaults of their own; the first
// serves all others.
var requests = compileRequests(dialects())

func compileRequests(rows []format) []requestFormat {
	out := []requestFormat{{absent: call.ModePlain}}
	for _, row := range rows {
		if len(row.params)+len(row.asks) > 0 {
			out = append(out, requestFormat{name: row.name, params: row.params, asks: row.asks, absent: cmp.Or(row.absent, call.ModePlain)})
		}
	}
	for i := range out {
		f := &out[i]
		f.params = slices.Concat(requestParams, f.params)
		var own []path
		for j, p := range f.params {
			own = append(own, path{path: p.path, slot: reqParam + slot(j)})
		}
		f.tree = compileRequest(f.asks, own)
	}
	return out
}

// compileRequest builds a tree in which a parameter may stand where something
// else is read too.
func compileRequest(asks, own []path) *node {
	root := compile(requestPaths, asks)
	root.keys = reqKey
	for _, p := range own {
		root.find(p.path).own = p.slot
	}
	return root
}

func requestOf(name string) *requestFormat {
	for i := range requests {
		if requests[i].name == name {
			return &requests[i]
		}
	}
	return &requests[0]
}

// Limits of what is kept of a request.
const (
	maxKeys   = 64
	maxKeyLen = 128
	maxParam  = 256
)

// names are the member names and parameters seen, and what else was noticed.
type names struct {
	keys   []string
	params []call.Param
	clues  []string
}

func (n *names) key(text []byte) {
	if len(n.keys) < maxKeys {
		n.keys = append(n.keys, keepString(text, maxKeyLen))
	}
}

// param keeps a scalar; the last one of a name counts.
func (n *names) param(name string, v *value) {
	text := ""
	switch v.form {
	case formTrue:
		text = "true"
	case formFalse:
		text = "false"
	case formNumber:
		text = string(v.text)
	case formString:
		text = quote(v.text)
	}
	at := slices.IndexFunc(n.params, func(p call.Param) bool { return p.Name == name })
	if at >= 0 {
		n.params = slices.Delete(n.params, at, at+1)
	}
	if text != "" && len(text) <= maxParam {
		n.params = append(n.params, call.Param{Name: name, Value: text})
	}
}

func (n *names) sorted() []call.Param {
	if len(n.params) == 0 {
		return nil
	}
	slices.SortFunc(n.params, func(a, b call.Param) int { return cmp.Compare(a.Name, b.Name) })
	return n.params
}

// quote writes a short string as JSON, escaping what must be.
func quote(text []byte) string {
	out := []byte{'"'}
	for _, r := range string(text) {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r < 0x20:
			out = append(out, `\u00`...)
			if r < 0x10 {
				out = append(out, '0')
			}
			out = strconv.AppendInt(out, int64(r), 16)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return string(append(out, '"'))
}
