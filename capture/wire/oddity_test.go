package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// TestLooksOfAStreamDoNotMatter is rule W3 and the variants of §19: other line
// ends, no blank after the colon, comments between, a byte-order mark and data
// in several lines mean the same.
func TestLooksOfAStreamDoNotMatter(t *testing.T) {
	variants := map[string]func(string) string{
		"CRLF":       func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"CR":         func(s string) string { return strings.ReplaceAll(s, "\n", "\r") },
		"no blank":   func(s string) string { return strings.ReplaceAll(s, "data: ", "data:") },
		"mark":       func(s string) string { return "\ufeff" + s },
		"comments":   func(s string) string { return strings.ReplaceAll(s, "\n\n", "\n\n: ping\n\n") },
		"more lines": func(s string) string { return strings.ReplaceAll(s, ",\"", ",\ndata: \"") },
		"ids":        func(s string) string { return strings.ReplaceAll(s, "data: {", "id: 5\ndata: {") },
	}
	for _, x := range archives(t) {
		plain := x.run(allAtOnce)
		if !strings.Contains(plain, "framing=sse") || strings.Contains(x.file, "sse-fields") || bytes.Contains(x.body, []byte("\r")) {
			continue
		}
		for name, vary := range variants {
			if name == "more lines" && bytes.Contains(x.body, []byte("\nerror:")) {
				continue // that field has no continuation
			}
			y := x
			y.body = []byte(vary(string(x.body)))
			if got := y.run(randomly(1)); meaning(got) != meaning(plain) {
				t.Errorf("%s with %s:\n%s", x.file, name, cmp.Diff(meaning(plain), meaning(got)))
			}
		}
	}
}

// meaning drops what tells how a stream looked.
func meaning(seen string) string {
	var out []string
	for l := range strings.SplitSeq(seen, "\n") {
		switch {
		case strings.HasPrefix(l, "oddities:"):
			continue
		case strings.HasPrefix(l, "body:"):
			before, after, _ := strings.Cut(l, "keepalives=")
			_, after, _ = strings.Cut(after, " ")
			l = before + after
		case strings.HasPrefix(l, "events:"):
			l = joinRepeats(strings.ReplaceAll(l, " keepalive", ""))
		}
		out = append(out, l)
	}
	return strings.Join(out, "\n")
}

// joinRepeats drops counts and repeats: "content content*2" is "content".
func joinRepeats(events string) string {
	var out []string
	for w := range strings.FieldsSeq(events) {
		w, _, _ = strings.Cut(w, "*")
		if len(out) == 0 || out[len(out)-1] != w {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

func TestOddities(t *testing.T) {
	const typed = "text/event-stream"
	tool := `{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"name":"f"}}]}}]}`
	for _, tt := range []struct {
		name string
		head wire.ResponseHead
		body string
		want string
	}{
		{
			"healthy",
			wire.ResponseHead{MediaType: typed},
			stream(contentChunk, finishChunk, "[DONE]"),
			"",
		},
		{
			"no charset",
			wire.ResponseHead{MediaType: typed, NoCharset: true},
			stream(contentChunk),
			"no_charset",
		},
		{"no charset of JSON", wire.ResponseHead{NoCharset: true}, contentChunk, ""},
		{"mark", wire.ResponseHead{}, "\ufeff" + stream(contentChunk), "bom"},
		{"leading blank", wire.ResponseHead{}, "\n\n" + stream(contentChunk), "leading_blank"},
		{"leading blank before JSON", wire.ResponseHead{}, " {}", "leading_blank"},
		{"comment", wire.ResponseHead{}, ": a\n\n" + stream(contentChunk) + ": b\n\n", "comment*2"},
		{
			"comment after an id",
			wire.ResponseHead{},
			"id: 1\n" + stream(contentChunk) + ": b\n\n",
			"comment comment_after_id",
		},
		{
			"comment after an empty id",
			wire.ResponseHead{},
			"id:\n" + stream(contentChunk) + ": b\n\n",
			"comment",
		},
		{
			"comment within an event after an id",
			wire.ResponseHead{},
			"id: 1\n: b\n" + stream(contentChunk),
			"comment",
		},
		{
			"block of an event name",
			wire.ResponseHead{},
			"event: ping\n\n" + stream(contentChunk),
			"block_without_data",
		},
		{
			"block of retry",
			wire.ResponseHead{},
			"retry: 5\n\n" + stream(contentChunk),
			"block_without_data",
		},
		{
			"block of an id",
			wire.ResponseHead{},
			"id: 5\n\n" + stream(contentChunk),
			"block_without_data",
		},
		{"empty data", wire.ResponseHead{}, "data:\n\n" + stream(contentChunk), "data_empty"},
		{"blank data", wire.ResponseHead{}, "data: \n\n" + stream(contentChunk), "data_empty"},
		{
			"no blank after the colon",
			wire.ResponseHead{},
			"data:" + contentChunk + "\n\n",
			"no_space",
		},
		{"two data lines", wire.ResponseHead{}, "data: {\ndata: }\n\n", "multi_data"},
		{
			"three data lines count once",
			wire.ResponseHead{},
			"data: {\ndata:\ndata: }\n\n",
			"multi_data",
		},
		{
			"a number over two data lines",
			wire.ResponseHead{},
			"data: 1\ndata: 2\n\n",
			"bad_json multi_data",
		},
		{
			"a text over two data lines",
			wire.ResponseHead{},
			"data: {\"a\":\"x\ndata: y\"}\n\n",
			"bad_json multi_data",
		},
		{"unknown field", wire.ResponseHead{}, "data: {}\nfoo: bar\n\n", "unknown_field"},
		{"empty choices", wire.ResponseHead{}, stream(`{"choices":[]}`), "choices_empty"},
		{
			"empty choices beside usage",
			wire.ResponseHead{},
			stream(`{"choices":[],"usage":{"prompt_tokens":1}}`),
			"",
		},
		{
			"empty choices beside no usage",
			wire.ResponseHead{},
			stream(`{"choices":[],"usage":null}`),
			"choices_empty",
		},
		{"null choices", wire.ResponseHead{}, stream(`{"choices":null}`), "choices_null"},
		{"absent choices", wire.ResponseHead{}, stream(`{"id":"x"}`), ""},
		{"empty id", wire.ResponseHead{}, stream(`{"id":""}`), "id_empty"},
		{
			"choice without delta",
			wire.ResponseHead{},
			stream(`{"choices":[{"index":0}]}`),
			"delta_missing",
		},
		{
			"choice with null delta",
			wire.ResponseHead{},
			stream(`{"choices":[{"index":0,"delta":null}]}`),
			"delta_missing",
		},
		{
			"choice with a message",
			wire.ResponseHead{},
			stream(`{"choices":[{"index":0,"message":{"content":"x"}}]}`),
			"",
		},
		{
			"asynchronous filter",
			wire.ResponseHead{},
			stream(`{"choices":[{"index":0,"content_filter_offsets":{"check_offset":1}}]}`),
			"async_filter delta_missing",
		},
		{"tool call without index", wire.ResponseHead{}, stream(tool), "tool_no_index"},
		{
			"repeated finish",
			wire.ResponseHead{},
			stream(finishChunk, finishChunk),
			"repeated_finish",
		},
		{
			"event after the marker",
			wire.ResponseHead{},
			stream("[DONE]", contentChunk),
			"after_terminal",
		},
		{"comment after the marker", wire.ResponseHead{}, stream("[DONE]") + ": x\n\n", "comment"},
		{"no JSON", wire.ResponseHead{}, stream("hello", contentChunk), "bad_json"},
		{"cut JSON", wire.ResponseHead{}, stream(contentChunk[:20], contentChunk), "bad_json"},
		{"two documents in an event", wire.ResponseHead{}, stream("{}{}"), "bad_json"},
		{
			"trailing marker",
			wire.ResponseHead{},
			contentChunk + "\n\ndata: [DONE]\n\n",
			"trailing_json",
		},
		{"trailing text", wire.ResponseHead{}, "{}!", "trailing_json"},
		{
			"bad line among lines",
			wire.ResponseHead{MediaType: "application/x-ndjson"},
			"{}\n{x}\n{}\n",
			"bad_json",
		},
		{
			"separator inside a text",
			wire.ResponseHead{},
			stream("{\"a\":\"\u2028\"}"),
			"line_separator",
		},
		{"CRLF", wire.ResponseHead{}, "data: {}\r\n\r\n", "crlf*2"},
		{"CR", wire.ResponseHead{}, "data: {}\r\rdata: {}\r\r", "cr*3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, tt.head, tt.body, true)
			if got := oddities(f.Oddities); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestOdditiesAreTimed tells an oddity that a client died of from one it met
// and went on.
func TestOdditiesAreTimed(t *testing.T) {
	r := wire.NewResponse(chatMatch(t), call.ModeStream, wire.ResponseHead{Status: 200})
	for at, piece := range []string{"", ": a\n\n", "data:\n\n", ": b\n\n", stream(contentChunk)} {
		r.At(int64(at))
		r.Push([]byte(piece), nil)
	}
	for name, want := range map[string]int64{"comment": 3, "data_empty": 2, "crlf": 0, "no_such": 0} {
		if got := r.LastOdd(name); got != want {
			t.Errorf("%s came last at %d, want %d", name, got, want)
		}
	}
}

// TestRepeatedText holds what a piece must look like to count as a repeat.
func TestRepeatedText(t *testing.T) {
	pieces := func(texts ...string) string {
		var chunks []string
		for _, s := range texts {
			chunks = append(chunks, `{"choices":[{"index":0,"delta":{"content":"`+s+`"}}]}`)
		}
		return stream(chunks...)
	}
	other := strings.Repeat(stream(`{"choices":[{"index":1,"delta":{"content":"a long piece"}}]}`), 9)
	for _, tt := range []struct{ name, body, want string }{
		{"pieces", pieces("Owls", " hunt", " at", " night"), ""},
		{"all so far", pieces("Owls", "Owls hunt", "Owls hunt at", "Owls hunt at night"), "text_cumulative*3"},
		{"all so far, another choice between", pieces("Owls", "Owls hunt") + other + pieces("Owls hunt at", "Owls hunt at night"), "text_cumulative*3"},
		{"all so far, said again at the end", pieces("O", "Ow", "Owl", "Owls", "Owls"), "text_cumulative*3"},
		{"two are chance", pieces("a", "ab", "abc"), ""},
		{"the same word", pieces("ha", "ha", "ha", "ha", "ha"), ""},
		{"each twice", pieces("OwlsOwls", " hunt hunt", " at at", " night night"), "text_doubled*4"},
		{"mostly twice", pieces("OwlsOwls", " hunt hunt", ".", " at at"), "text_doubled*3"},
		{"laughter", pieces("haha", " they", " said", "haha", " owls", "haha", " fly"), ""},
		{"rules", pieces("----", "----", "====", "  ", "----"), ""},
		{"escaped", pieces(`\u00dcber`, `\u00dcber \"`, `\u00dcber \"uns`, `\u00dcber \"uns\n.`), "text_cumulative*3"},
		{"Chinese", pieces("猫", "猫头", "猫头鹰", "猫头鹰飞"), "text_cumulative*3"},
		{"reasoning", strings.ReplaceAll(pieces("a", "ab", "abc", "abcd"), `"content"`, `"reasoning_content"`), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, wire.ResponseHead{}, tt.body, true)
			if got := oddities(f.Oddities); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestToolPieces holds what keeps the pieces of tool calls from being joined.
func TestToolPieces(t *testing.T) {
	chunk := func(calls string) string { return `{"choices":[{"index":0,"delta":{"tool_calls":[` + calls + `]}}]}` }
	begin := func(index, id string) string {
		return chunk(`{"index":` + index + `,"id":"` + id + `","function":{"name":"f","arguments":""}}`)
	}
	more := func(index, text string) string {
		return chunk(`{"index":` + index + `,"function":{"arguments":"` + text + `"}}`)
	}
	const toolsDone = `{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`
	for _, tt := range []struct{ name, body, want string }{
		{"two calls", stream(begin("0", "a"), more("0", `{\"x\":`), begin("1", "b"), more("0", `1}`), more("1", `{}`), toolsDone), ""},
		{"no arguments", stream(begin("0", "a"), toolsDone), ""},
		{"the id in every piece", stream(begin("0", "a"), begin("0", "a"), more("0", "{}"), toolsDone), ""},
		{"one index, two ids", stream(begin("0", "a"), more("0", "{}"), begin("0", "b"), more("0", "{}"), toolsDone), "tool_two_ids"},
		{"cut", stream(begin("0", "a"), more("0", `{\"x\":\"no`), toolsDone), "tool_bad_arguments"},
		{"one of two is cut", stream(begin("0", "a"), more("0", `{}`), begin("1", "b"), more("1", `{`), toolsDone), "tool_bad_arguments"},
		{"more than JSON", stream(begin("0", "a"), more("0", `{} {}`), toolsDone), "tool_bad_arguments"},
		{"cut, and said so", stream(begin("0", "a"), more("0", `{`), `{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}`), ""},
		{"cut, no finish", stream(begin("0", "a"), more("0", `{`)), ""},
		{"finish beside the last piece", stream(begin("0", "a"), strings.Replace(more("0", `{}`), `]}}`, `]},"finish_reason":"tool_calls"}`, 1)), ""},
		{"members in another order", stream(begin("0", "a"), `{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{}"},"index":0}]},"index":0}]}`, toolsDone), ""},
		{"arguments as an object", stream(begin("0", "a"), chunk(`{"index":0,"function":{"arguments":{"x":1}}}`), toolsDone), ""},
		{"long arguments", stream(begin("0", "a"), more("0", strings.Repeat("x", 9000)), toolsDone), ""},
		{"a function call", stream(`{"choices":[{"index":0,"delta":{"function_call":{"name":"f","arguments":"{\"x\""}}}]}`,
			`{"choices":[{"index":0,"delta":{"function_call":{"arguments":":1}"}}}]}`, strings.Replace(toolsDone, "tool_calls", "function_call", 1)), ""},
		{"a cut function call", stream(`{"choices":[{"index":0,"delta":{"function_call":{"name":"f","arguments":"{\"x\""}}}]}`,
			strings.Replace(toolsDone, "tool_calls", "function_call", 1)), "tool_bad_arguments"},
		{"no index", stream(chunk(`{"id":"a","function":{"name":"f","arguments":"{"}}`), chunk(`{"id":"b","function":{"name":"f","arguments":"{}"}}`), toolsDone), "tool_no_index*2"},
		{"a plain answer", `{"choices":[{"index":0,"message":{"tool_calls":[{"id":"a","function":{"arguments":"{"}},{"id":"b"}]},"finish_reason":"tool_calls"}]}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, wire.ResponseHead{}, tt.body, true)
			if got := oddities(f.Oddities); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
