package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

func matchOf(t testing.TB, method, host, path string) wire.Match {
	t.Helper()
	m, _ := wire.Recognize(wire.Line{Method: method, Host: host, Path: path, Port: 443})
	return m
}

func chatMatch(t testing.TB) wire.Match {
	return matchOf(t, "POST", "api.openai.com", "/v1/chat/completions")
}

// answer decodes a body of a chat call.
func answer(t testing.TB, h wire.ResponseHead, body string, whole bool) (wire.Facts, []wire.Kind) {
	t.Helper()
	if h.Status == 0 {
		h.Status = 200
	}
	return decode(chatMatch(t), call.ModeStream, exchange{head: h, body: []byte(body), whole: whole}, allAtOnce)
}

const (
	contentChunk = `{"id":"x","choices":[{"index":0,"delta":{"content":"Owls"},"finish_reason":null}]}`
	finishChunk  = `{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
)

// stream writes documents as SSE events.
func stream(docs ...string) string {
	var b strings.Builder
	for _, d := range docs {
		b.WriteString("data: " + d + "\n\n")
	}
	return b.String()
}

func TestSniffing(t *testing.T) {
	prelude := string(frame(nil, []byte("{}")))
	for _, tt := range []struct {
		name   string
		status int
		media  string
		body   string
		want   call.Framing
	}{
		{"nothing", 200, "application/json", "", call.FramingEmpty},
		{"blanks only", 200, "text/event-stream", "\r\n \t\n", call.FramingEmpty},
		{"mark only", 200, "", "\xef\xbb\xbf", call.FramingEmpty},
		{"object", 200, "application/json", "{}", call.FramingJSON},
		{"object under any label", 200, "text/event-stream", `{"a":1}`, call.FramingJSON},
		{"object after blanks", 200, "", "\n\n  {}", call.FramingJSON},
		{"object after a mark", 200, "", "\xef\xbb\xbf{}", call.FramingJSON},
		{"object after blanks, a mark and blanks", 200, "", "\n\xef\xbb\xbf\n{}", call.FramingJSON},
		{"array", 200, "application/json", "[1]", call.FramingJSON},
		{"two objects", 200, "application/json", "{}\n{}", call.FramingNDJSON},
		{"two objects without a line end", 200, "", "{}{}", call.FramingNDJSON},
		{"one line by its type", 200, "application/x-ndjson", "{}\n", call.FramingNDJSON},
		{"object and text", 200, "", "{} x", call.FramingJSON},
		{"object and array", 200, "", "{}[]", call.FramingJSON},
		{"page", 200, "application/json", "<html>", call.FramingHTML},
		{"page after blanks", 502, "text/html", "\n <!DOCTYPE html>", call.FramingHTML},
		{"XML", 403, "application/xml", "<?xml version='1.0'?><Error/>", call.FramingHTML},
		{"data field", 200, "", "data: x\n\n", call.FramingSSE},
		{"data field without blank", 200, "", "data:x", call.FramingSSE},
		{"event field", 200, "", "event: x\n", call.FramingSSE},
		{"id field", 200, "", "id: 1\n", call.FramingSSE},
		{"retry field", 200, "", "retry: 1\n", call.FramingSSE},
		{"error field", 200, "", "error: {}\n", call.FramingSSE},
		{"comment", 200, "", ": hi\n", call.FramingSSE},
		{"bare colon", 200, "", ":\n", call.FramingSSE},
		{"data field after blank lines", 200, "", "\n\ndata: x\n\n", call.FramingSSE},
		{"data field after a mark", 200, "", "\xef\xbb\xbfdata: x\n\n", call.FramingSSE},
		{"field name only", 200, "", "data", call.FramingText},
		{"field name with a blank", 200, "", "data : x", call.FramingText},
		{"other field name", 200, "text/event-stream", "foo: x\n", call.FramingText},
		{"longer field name", 200, "", "database: x", call.FramingText},
		{"sentence", 503, "text/plain", "no healthy upstream", call.FramingText},
		{"sentence beginning like a field", 500, "", "events are disabled", call.FramingText},
		{"quoted text", 500, "application/json", `"oops"`, call.FramingText},
		{"number", 200, "application/json", "42", call.FramingText},
		{"begun mark", 200, "", "\xef\xbb", call.FramingText},
		{"wrong mark", 200, "", "\xef\xbcdata:", call.FramingText},
		{"binary", 200, "", "\x89PNG\r\n", call.FramingText},
		{"event stream by its type", 200, "application/vnd.amazon.eventstream", "x", call.FramingEventStream},
		{"event stream by its checksum", 200, "", prelude, call.FramingEventStream},
		{"wrong checksum", 200, "", "\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00", call.FramingText},
		{"begun prelude", 200, "", "\x00\x00\x00\x10", call.FramingText},
		{"upgrade", 101, "", "\x81\x05hello", call.FramingOther},
		{"gRPC", 200, "application/grpc+proto", "\x00\x00\x00\x00\x02\x08\x01", call.FramingOther},
		{"gRPC without a body", 200, "application/grpc", "", call.FramingOther},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange{head: wire.ResponseHead{Status: tt.status, MediaType: tt.media}, body: []byte(tt.body), whole: true}
			for name, cut := range map[string]cutter{"at once": allAtOnce, "byte by byte": byteByByte} {
				if f, _ := decode(chatMatch(t), call.ModeStream, x, cut); f.Framing != tt.want {
					t.Errorf("%s: framing %s, want %s", name, f.Framing, tt.want)
				}
			}
		})
	}
}

func TestArrayIsAStreamForGeminiOnly(t *testing.T) {
	const body = `[{"a":1},{"b":2}]`
	gemini := func(verb string) wire.Match {
		return matchOf(t, "POST", "generativelanguage.googleapis.com", "/v1beta/models/g:"+verb)
	}
	for _, tt := range []struct {
		name   string
		match  wire.Match
		want   call.Framing
		events int
	}{
		{"streamed", gemini("streamGenerateContent"), call.FramingJSONArray, 2},
		{"plain", gemini("generateContent"), call.FramingJSON, 0},
		{"another dialect", chatMatch(t), call.FramingJSON, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := decode(tt.match, tt.match.PathMode, exchange{head: wire.ResponseHead{Status: 200}, body: []byte(body), whole: true}, byteByByte)
			if f.Framing != tt.want || f.Events != tt.events || !f.Whole {
				t.Errorf("framing %s, %d events, whole %v; want %s, %d, true", f.Framing, f.Events, f.Whole, tt.want, tt.events)
			}
		})
	}
}

func TestArrayElements(t *testing.T) {
	m := matchOf(t, "POST", "generativelanguage.googleapis.com", "/v1beta/models/g:streamGenerateContent")
	for _, tt := range []struct {
		name, body, kinds, odd string
		whole                  bool
	}{
		{"none", "[]", "", "", true},
		{"one", "[{}]", "other", "", true},
		{"numbers", "[1,22, 3]", "other*3", "", true},
		{"strings with brackets", `["]","[",","]`, "other*3", "", true},
		{"nested", `[[[]],{"a":["]"]}]`, "other*2", "", true},
		{"an error", `[{"error":{"code":8,"status":"X","message":"y"}}]`, "error", "", true},
		{"not closed", `[{}`, "other", "", false},
		{"cut in a value", `[{},{"a`, "other", "", false},
		{"cut after a comma", `[{},`, "other", "", false},
		{"two commas", `[{},,{}]`, "other", "bad_json", false},
		{"comma before the end", `[{},]`, "other", "bad_json", false},
		{"no comma", `[{} {}]`, "other", "bad_json", false},
		{"bad value", `[{},{a}]`, "other", "bad_json", false},
		{"text behind", `[{}] x`, "other", "bad_json", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, cut := range map[string]cutter{"at once": allAtOnce, "byte by byte": byteByByte} {
				f, events := decode(m, call.ModeStream, exchange{head: wire.ResponseHead{Status: 200}, body: []byte(tt.body), whole: true}, cut)
				if got := kinds(events); got != tt.kinds || f.Whole != tt.whole || oddities(f.Oddities) != tt.odd {
					t.Errorf("%s: %q whole=%v odd=%q, want %q %v %q", name, got, f.Whole, oddities(f.Oddities), tt.kinds, tt.whole, tt.odd)
				}
			}
		})
	}
}

// frame builds one message of an AWS event stream.
func frame(headers, payload []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(16+len(headers)+len(payload)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(headers)))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
	out = append(append(out, headers...), payload...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
}

func TestEventStream(t *testing.T) {
	vector, err := hex.DecodeString("0000007a00000051ca2c46650b3a6576656e742d7479706507000b6d65737361676553746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b2273746f70526561736f6e223a22656e645f7475726e227d5fbf09fc")
	if err != nil {
		t.Fatal(err)
	}
	empty, err := hex.DecodeString("000000100000000005c248eb7d98c8ff")
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.Clone(vector)
	spoilt[len(spoilt)-10] ^= 1
	spoiltHead := bytes.Clone(vector)
	spoiltHead[9] ^= 1
	short := binary.BigEndian.AppendUint32(nil, 12)
	short = append(short, 0, 0, 0, 0)
	short = binary.BigEndian.AppendUint32(short, crc32.ChecksumIEEE(short))
	wide := binary.BigEndian.AppendUint32(nil, 64)
	wide = binary.BigEndian.AppendUint32(wide, 60)
	wide = binary.BigEndian.AppendUint32(wide, crc32.ChecksumIEEE(wide))
	for _, tt := range []struct {
		name   string
		body   []byte
		events int
		odd    string
		whole  bool
	}{
		{"known message", vector, 1, "", true},
		{"empty message", empty, 1, "", true},
		{"several", bytes.Join([][]byte{vector, empty, frame(nil, []byte("x")), vector}, nil), 4, "", true},
		{"cut in the prelude", append(bytes.Clone(vector), empty[:5]...), 1, "eventstream_truncated", false},
		{"cut in the message", append(bytes.Clone(vector), vector[:100]...), 1, "eventstream_truncated", false},
		{"cut before the last byte", vector[:len(vector)-1], 0, "eventstream_truncated", false},
		{"spoilt payload", append(spoilt, vector...), 0, "eventstream_crc", false},
		{"spoilt prelude of the second", append(bytes.Clone(vector), spoiltHead...), 1, "eventstream_crc", false},
		{"shorter than itself", append(bytes.Clone(vector), short...), 1, "eventstream_crc", false},
		{"headers longer than the message", append(bytes.Clone(vector), wide...), 1, "eventstream_crc", false},
		{"large headers", frame(make([]byte, 130<<10), nil), 1, "oversize", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, cut := range map[string]cutter{"at once": allAtOnce, "at random": randomly(3)} {
				x := exchange{head: wire.ResponseHead{Status: 200, MediaType: "application/vnd.amazon.eventstream"}, body: tt.body, whole: true}
				f, events := decode(wire.Match{}, call.ModeStream, x, cut)
				if f.Events != tt.events || len(events) != tt.events || oddities(f.Oddities) != tt.odd || f.Whole != tt.whole {
					t.Errorf("%s: %d events (%d told) odd=%q whole=%v, want %d %q %v", name, f.Events, len(events), oddities(f.Oddities), f.Whole, tt.events, tt.odd, tt.whole)
				}
			}
		})
	}
}

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
	for _, l := range strings.Split(seen, "\n") {
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
	for _, w := range strings.Fields(events) {
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
		{"healthy", wire.ResponseHead{MediaType: typed}, stream(contentChunk, finishChunk, "[DONE]"), ""},
		{"no charset", wire.ResponseHead{MediaType: typed, NoCharset: true}, stream(contentChunk), "no_charset"},
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
		{"comment after an empty id", wire.ResponseHead{}, "id:\n" + stream(contentChunk) + ": b\n\n", "comment"},
		{"comment within an event after an id", wire.ResponseHead{}, "id: 1\n: b\n" + stream(contentChunk), "comment"},
		{"block of an event name", wire.ResponseHead{}, "event: ping\n\n" + stream(contentChunk), "block_without_data"},
		{"block of retry", wire.ResponseHead{}, "retry: 5\n\n" + stream(contentChunk), "block_without_data"},
		{"block of an id", wire.ResponseHead{}, "id: 5\n\n" + stream(contentChunk), "block_without_data"},
		{"empty data", wire.ResponseHead{}, "data:\n\n" + stream(contentChunk), "data_empty"},
		{"blank data", wire.ResponseHead{}, "data: \n\n" + stream(contentChunk), "data_empty"},
		{"no blank after the colon", wire.ResponseHead{}, "data:" + contentChunk + "\n\n", "no_space"},
		{"two data lines", wire.ResponseHead{}, "data: {\ndata: }\n\n", "multi_data"},
		{"three data lines count once", wire.ResponseHead{}, "data: {\ndata:\ndata: }\n\n", "multi_data"},
		{"a number over two data lines", wire.ResponseHead{}, "data: 1\ndata: 2\n\n", "bad_json multi_data"},
		{"a text over two data lines", wire.ResponseHead{}, "data: {\"a\":\"x\ndata: y\"}\n\n", "bad_json multi_data"},
		{"unknown field", wire.ResponseHead{}, "data: {}\nfoo: bar\n\n", "unknown_field"},
		{"empty choices", wire.ResponseHead{}, stream(`{"choices":[]}`), "choices_empty"},
		{"empty choices beside usage", wire.ResponseHead{}, stream(`{"choices":[],"usage":{"prompt_tokens":1}}`), ""},
		{"empty choices beside no usage", wire.ResponseHead{}, stream(`{"choices":[],"usage":null}`), "choices_empty"},
		{"null choices", wire.ResponseHead{}, stream(`{"choices":null}`), "choices_null"},
		{"absent choices", wire.ResponseHead{}, stream(`{"id":"x"}`), ""},
		{"empty id", wire.ResponseHead{}, stream(`{"id":""}`), "id_empty"},
		{"choice without delta", wire.ResponseHead{}, stream(`{"choices":[{"index":0}]}`), "delta_missing"},
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
		{"repeated finish", wire.ResponseHead{}, stream(finishChunk, finishChunk), "repeated_finish"},
		{"event after the marker", wire.ResponseHead{}, stream("[DONE]", contentChunk), "after_terminal"},
		{"comment after the marker", wire.ResponseHead{}, stream("[DONE]") + ": x\n\n", "comment"},
		{"no JSON", wire.ResponseHead{}, stream("hello", contentChunk), "bad_json"},
		{"cut JSON", wire.ResponseHead{}, stream(contentChunk[:20], contentChunk), "bad_json"},
		{"two documents in an event", wire.ResponseHead{}, stream("{}{}"), "bad_json"},
		{"trailing marker", wire.ResponseHead{}, contentChunk + "\n\ndata: [DONE]\n\n", "trailing_json"},
		{"trailing text", wire.ResponseHead{}, "{}!", "trailing_json"},
		{"bad line among lines", wire.ResponseHead{MediaType: "application/x-ndjson"}, "{}\n{x}\n{}\n", "bad_json"},
		{"separator inside a text", wire.ResponseHead{}, stream("{\"a\":\"\u2028\"}"), "line_separator"},
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

func TestKindOfAnEvent(t *testing.T) {
	choice := func(rest string) string { return `{"choices":[{"index":0,` + rest + `}]}` }
	for _, tt := range []struct{ name, doc, want string }{
		{"text", choice(`"delta":{"content":"a"}`), "content"},
		{"blank text", choice(`"delta":{"content":" "}`), "content"},
		{"escaped text", choice(`"delta":{"content":"\n"}`), "content"},
		{"empty text", choice(`"delta":{"content":""}`), "other"},
		{"null text", choice(`"delta":{"content":null}`), "other"},
		{"role only", choice(`"delta":{"role":"assistant"}`), "other"},
		{"empty delta", choice(`"delta":{}`), "other"},
		{"text in parts", choice(`"delta":{"content":[{"type":"text","text":"a"}]}`), "content"},
		{
			"thoughts in parts",
			choice(`"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]}]}`),
			"reasoning",
		},
		{"refusal", choice(`"delta":{"refusal":"no"}`), "content"},
		{"reasoning_content", choice(`"delta":{"reasoning_content":"a"}`), "reasoning"},
		{"reasoning", choice(`"delta":{"reasoning":"a"}`), "reasoning"},
		{"empty reasoning", choice(`"delta":{"reasoning":""}`), "other"},
		{"reasoning and text", choice(`"delta":{"reasoning":"a","content":"b"}`), "content"},
		{"tool name", choice(`"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}`), "tool"},
		{"tool arguments", choice(`"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}`), "tool"},
		{"tool without text", choice(`"delta":{"tool_calls":[{"index":0,"function":{"arguments":""}}]}`), "other"},
		{"old function call", choice(`"delta":{"function_call":{"name":"f"}}`), "tool"},
		{"audio", choice(`"delta":{"audio":{"data":"AA"}}`), "content"},
		{"transcript", choice(`"delta":{"audio":{"transcript":"a"}}`), "content"},
		{"audio id only", choice(`"delta":{"audio":{"id":"x"}}`), "other"},
		{"finish", choice(`"delta":{},"finish_reason":"stop"`), "finish"},
		{"finish and text", choice(`"delta":{"content":"a"},"finish_reason":"stop"`), "content"},
		{
			"finish and usage",
			`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}`,
			"finish",
		},
		{"empty finish", choice(`"delta":{},"finish_reason":""`), "other"},
		{"null finish", choice(`"delta":{},"finish_reason":null`), "other"},
		{"finish error", choice(`"delta":{},"finish_reason":"error"`), "error"},
		{"usage", `{"choices":[],"usage":{"prompt_tokens":1}}`, "usage"},
		{"null usage", `{"choices":[],"usage":null}`, "other"},
		{"empty usage", `{"choices":[],"usage":{}}`, "other"},
		{"filter annotation", choice(`"delta":{},"content_filter_results":{"hate":{"filtered":false}}`), "other"},
		{"padding", choice(`"delta":{}`)[:20] + `,"p":"abcdef","delta":{}}]}`, "other"},
		{"text elsewhere", `{"choices":[{"index":0,"delta":{},"content":"x"}],"content":"y"}`, "other"},
		{"error object", `{"error":{"message":"x"}}`, "error"},
		{"error text", `{"error":"x"}`, "error"},
		{"error true", `{"error":true}`, "error"},
		{"error number", `{"error":500}`, "error"},
		{"error list", `{"error":["x"]}`, "error"},
		{"null error", `{"error":null}`, "other"},
		{"empty error", `{"error":{}}`, "other"},
		{"false error", `{"error":false}`, "other"},
		{"zero error", `{"error":0}`, "other"},
		{"blank error", `{"error":""}`, "other"},
		{"error elsewhere", `{"choices":[{"index":0,"delta":{},"error":{"message":"x"}}]}`, "other"},
		{"flat error", `{"type":"error","message":"x"}`, "error"},
		{"object error", `{"object":"error","message":"x"}`, "error"},
		{"error beside text", `{"error":{"message":"x"},"choices":[{"index":0,"delta":{"content":"a"}}]}`, "error"},
		{"done", "[DONE]", "done"},
		{"done among blanks", "  [DONE] ", "done"},
		{"number", "12", "other"},
		{"text document", `"x"`, "other"},
		{"null document", "null", "other"},
		{"choices of another type", `{"choices":"x"}`, "other"},
		{"choice of another type", `{"choices":["x",1,null]}`, "other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, events := answer(t, wire.ResponseHead{}, stream(tt.doc), true)
			if got := kinds(events); got != tt.want {
				t.Errorf("%s is %q, want %q", tt.doc, got, tt.want)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	some := call.Some
	for _, tt := range []struct {
		name string
		docs []string
		want call.Usage
	}{
		{"none", []string{contentChunk}, call.Usage{}},
		{
			"zero is not missing",
			[]string{`{"usage":{"prompt_tokens":0,"completion_tokens":0}}`},
			call.Usage{Input: some(0), Output: some(0)},
		},
		{"all", []string{`{"usage":{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":4}}}`},
			call.Usage{Input: some(9), Output: some(5), Cached: some(3), CacheWrite: some(2), Reasoning: some(4)}},
		{
			"cache hits by another name",
			[]string{`{"usage":{"prompt_tokens":9,"prompt_cache_hit_tokens":3}}`},
			call.Usage{Input: some(9), Cached: some(3)},
		},
		{
			"both names",
			[]string{`{"usage":{"prompt_cache_hit_tokens":3,"prompt_tokens_details":{"cached_tokens":2}}}`},
			call.Usage{Cached: some(2)},
		},
		{
			"the last counts",
			[]string{`{"usage":{"prompt_tokens":9,"completion_tokens":5}}`, `{"usage":{"prompt_tokens":8}}`},
			call.Usage{Input: some(8)},
		},
		{
			"null does not count",
			[]string{`{"usage":{"prompt_tokens":9}}`, `{"usage":null}`},
			call.Usage{Input: some(9)},
		},
		{"empty does not count", []string{`{"usage":{"prompt_tokens":9}}`, `{"usage":{}}`}, call.Usage{Input: some(9)}},
		{
			"vendor member",
			[]string{`{"x_groq":{"usage":{"prompt_tokens":9,"completion_tokens":1}}}`},
			call.Usage{Input: some(9), Output: some(1)},
		},
		{
			"vendor member after usage",
			[]string{`{"usage":{"prompt_tokens":7}}`, `{"x_groq":{"usage":{"prompt_tokens":9}}}`},
			call.Usage{Input: some(7)},
		},
		{
			"usage after the vendor member",
			[]string{`{"x_groq":{"usage":{"prompt_tokens":9}}}`, `{"usage":{"prompt_tokens":7}}`},
			call.Usage{Input: some(7)},
		},
		{"point zero", []string{`{"usage":{"prompt_tokens":9.0}}`}, call.Usage{Input: some(9)}},
		{"fraction", []string{`{"usage":{"prompt_tokens":9.5}}`}, call.Usage{}},
		{"negative", []string{`{"usage":{"prompt_tokens":-1}}`}, call.Usage{}},
		{"text", []string{`{"usage":{"prompt_tokens":"9"}}`}, call.Usage{}},
		{"too large", []string{`{"usage":{"prompt_tokens":99999999999999999999}}`}, call.Usage{}},
		{"elsewhere", []string{`{"choices":[{"usage":{"prompt_tokens":9}}]}`}, call.Usage{}},
		{"in a broken event", []string{`{"usage":{"prompt_tokens":9},"x"`}, call.Usage{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, wire.ResponseHead{}, stream(tt.docs...), true)
			if diff := cmp.Diff(tt.want, f.Usage); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChoices(t *testing.T) {
	chunk := func(index, finish string) string {
		return `{"choices":[{` + index + `"delta":{},"finish_reason":` + finish + `}]}`
	}
	many := func(n int) string {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf(`{"index":%d,"delta":{},"finish_reason":"stop"}`, i))
		}
		return `{"choices":[` + strings.Join(parts, ",") + `]}`
	}
	for _, tt := range []struct {
		name    string
		docs    []string
		finish  bool
		reasons int
		want    string
	}{
		{"no choice", []string{`{"choices":[]}`}, false, 0, ""},
		{"open choice", []string{chunk(`"index":0,`, "null")}, false, 0, ""},
		{"one", []string{chunk(`"index":0,`, `"stop"`)}, true, 1, "stop"},
		{"index missing", []string{chunk("", `"stop"`)}, true, 1, "stop"},
		{
			"index missing in one event of two",
			[]string{`{"choices":[{"delta":{},"finish_reason":"a"},{"delta":{},"finish_reason":"b"}]}`},
			true,
			2,
			"a b",
		},
		{
			"index behind the reason",
			[]string{`{"choices":[{"finish_reason":"a","delta":{},"index":1},{"finish_reason":"b","delta":{},"index":0}]}`},
			true,
			2,
			"b a",
		},
		{
			"interleaved",
			[]string{chunk(`"index":1,`, "null"), chunk(`"index":0,`, `"a"`), chunk(`"index":1,`, `"b"`)},
			true,
			2,
			"a b",
		},
		{"one of two", []string{chunk(`"index":0,`, "null"), chunk(`"index":1,`, `"b"`)}, false, 2, " b"},
		{"a new choice opens again", []string{chunk(`"index":0,`, `"a"`), chunk(`"index":1,`, "null")}, false, 2, "a "},
		{"the first reason stays", []string{chunk(`"index":0,`, `"a"`), chunk(`"index":0,`, `"b"`)}, true, 1, "a"},
		{"far index", []string{chunk(`"index":900,`, `"a"`)}, true, 1, "a"},
		{"as many as are told apart", []string{many(128)}, true, 128, ""},
		{"more than are told apart", []string{many(300)}, true, 128, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, wire.ResponseHead{}, stream(tt.docs...), true)
			if f.Finish != tt.finish || len(f.FinishReasons) != tt.reasons {
				t.Errorf("finish %v, %d reasons; want %v, %d", f.Finish, len(f.FinishReasons), tt.finish, tt.reasons)
			}
			if got := strings.Join(f.FinishReasons, " "); tt.want != "" && got != tt.want {
				t.Errorf("reasons %q, want %q", got, tt.want)
			}
		})
	}
}

func TestToolCallsAreCountedOnce(t *testing.T) {
	piece := func(choice int, index string) string {
		return fmt.Sprintf(`{"choices":[{"delta":{"tool_calls":[{%s"function":{"arguments":"x"}}]},"index":%d}]}`, index, choice)
	}
	for _, tt := range []struct {
		name string
		body string
		want int
	}{
		{"none", stream(contentChunk), 0},
		{"pieces of one", stream(piece(0, `"index":0,`), piece(0, `"index":0,`), piece(0, `"index":0,`)), 1},
		{"two", stream(piece(0, `"index":0,`), piece(0, `"index":1,`), piece(0, `"index":0,`)), 2},
		{"the same index of two choices", stream(piece(0, `"index":0,`), piece(1, `"index":0,`)), 2},
		{"no index", stream(piece(0, ""), piece(0, "")), 1},
		{
			"two in one delta",
			stream(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{}},{"index":1,"function":{}}]}}]}`),
			2,
		},
		{"plain answer", `{"choices":[{"index":0,"message":{"tool_calls":[{"id":"a"},{"id":"b"},{"id":"c"}]}}]}`, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f, _ := answer(t, wire.ResponseHead{}, tt.body, true); f.ToolCalls != tt.want {
				t.Errorf("%d tool calls, want %d", f.ToolCalls, tt.want)
			}
		})
	}
}

func TestFirstNonEmptyAnswerFactsWin(t *testing.T) {
	f, _ := answer(t, wire.ResponseHead{}, stream(
		`{"id":"","model":"","service_tier":null,"system_fingerprint":""}`,
		`{"id":"a","model":"m","service_tier":"default","system_fingerprint":"fp"}`,
		`{"id":"b","model":"n","service_tier":"flex","system_fingerprint":"fq"}`,
	), true)
	want := wire.Answer{ID: "a", Model: "m", ServiceTier: "default", Fingerprint: "fp"}
	if diff := cmp.Diff(want, f.Answer); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeptTextsAreShortAndClean(t *testing.T) {
	f, _ := answer(t, wire.ResponseHead{}, stream(`{"id":"`+strings.Repeat("a", 5000)+`","model":"m`+"\xff"+`"}`), true)
	if len(f.ID) != 256 {
		t.Errorf("id has %d bytes, want 256", len(f.ID))
	}
	if f.Model != "m\ufffd" {
		t.Errorf("model is %q, want the bad byte replaced", f.Model)
	}
	f, _ = answer(t, wire.ResponseHead{Status: 500}, `{"error":{"message":"`+strings.Repeat("é", 5000)+`","type":"t"}}`, true)
	if len(f.Error.Message) > 4096+3 || !strings.HasPrefix(f.Error.Message, "ééé") {
		t.Errorf("message has %d bytes, want at most 4 KiB", len(f.Error.Message))
	}
}

func TestEndOfABody(t *testing.T) {
	for _, tt := range []struct {
		name, body       string
		eof              bool
		whole, done, odd bool
		events           string
	}{
		{"complete stream", stream(contentChunk, "[DONE]"), true, true, true, false, "content done"},
		{"cut by the transport", stream(contentChunk), false, false, false, false, "content"},
		{"ended between events", stream(contentChunk), true, true, false, false, "content"},
		{"ended in a field name", stream(contentChunk) + "dat", true, false, false, false, "content"},
		{
			"ended in an event",
			stream(contentChunk) + "data: {\"choices\":[{\"index\":0,\"delta\":{\"con",
			true,
			false,
			false,
			false,
			"content",
		},
		{"ended before the blank line", "data: " + contentChunk + "\n", true, false, false, false, ""},
		{"ended in a comment", stream(contentChunk) + ": pi", true, false, false, false, "content"},
		{"ended after a comment", stream(contentChunk) + ": ping\n", true, true, false, false, "content keepalive"},
		{"marker without line end", stream(contentChunk) + "data: [DONE]", true, true, true, false, "content done"},
		{"marker without blank line", stream(contentChunk) + "data: [DONE]\n", true, true, true, false, "content done"},
		{"half a marker", stream(contentChunk) + "data: [DON", true, false, false, false, "content"},
		{"error without blank line", "data: {\"error\":\"x\"}\n", true, false, false, false, "error"},
		{"half an error", `data: {"error":{"message":"x"}`, true, false, false, false, ""},
		{"complete JSON", contentChunk, true, true, false, false, ""},
		{"cut JSON", contentChunk[:30], true, false, false, false, ""},
		{"wrong JSON", `{"a" 1}`, true, false, false, false, ""},
		{"cut line of lines", "{}\n{\"a", true, false, false, false, "other"},
		{"lines", "{}\n{}", true, true, false, false, "other*2"},
		{"text", "sorry", true, true, false, false, ""},
		{"nothing", "", true, true, false, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, events := answer(t, wire.ResponseHead{}, tt.body, tt.eof)
			if f.Whole != tt.whole || f.Done != tt.done || kinds(events) != tt.events {
				t.Errorf("whole %v, done %v, events %q; want %v, %v, %q", f.Whole, f.Done, kinds(events), tt.whole, tt.done, tt.events)
			}
		})
	}
}

func TestCloseIsFinal(t *testing.T) {
	r := wire.NewResponse(chatMatch(t), call.ModeStream, wire.ResponseHead{Status: 200})
	r.Push([]byte(stream(contentChunk)), nil)
	r.Close(true, nil)
	want := r.Facts()
	r.Push([]byte(stream(contentChunk)), nil)
	r.Close(false, nil)
	if diff := cmp.Diff(want, r.Facts()); diff != "" {
		t.Errorf("after Close (-want +got):\n%s", diff)
	}
	r = wire.NewResponse(chatMatch(t), call.ModeStream, wire.ResponseHead{Status: 200})
	r.Push(nil, nil)
	r.Close(true, nil)
	if got := r.Facts().Framing; got != call.FramingEmpty {
		t.Errorf("without a byte the framing is %s, want empty", got)
	}
}

func TestFactsBelongToTheCaller(t *testing.T) {
	r := wire.NewResponse(chatMatch(t), call.ModeStream, wire.ResponseHead{Status: 200})
	r.Push([]byte(stream(finishChunk)), nil)
	f := r.Facts()
	f.FinishReasons[0] = "spoilt"
	if got := r.Facts().FinishReasons[0]; got != "stop" {
		t.Errorf("reason became %q", got)
	}
}

func TestOddGrowsWithOddities(t *testing.T) {
	r := wire.NewResponse(chatMatch(t), call.ModeStream, wire.ResponseHead{Status: 200})
	r.Push([]byte(stream(contentChunk)), nil)
	if got := r.Odd(); got != 0 {
		t.Errorf("%d oddities in a healthy event", got)
	}
	r.Push([]byte(": a\n\n"), nil)
	r.Push([]byte("data:\n\n"), nil)
	if got := r.Odd(); got != 2 {
		t.Errorf("%d oddities, want 2", got)
	}
}

// TestEventsAreToldWhenComplete: an event is told by the push that brings its
// blank line, not before and not later.
func TestEventsAreToldWhenComplete(t *testing.T) {
	r := wire.NewResponse(chatMatch(t), call.ModeStream, wire.ResponseHead{Status: 200})
	body := []byte(stream(contentChunk, finishChunk))
	told := 0
	for i := range body {
		before := told
		r.Push(body[i:i+1], func(wire.Kind) { told++ })
		ends := bytes.HasSuffix(body[:i+1], []byte("\n\n"))
		if (told > before) != ends {
			t.Fatalf("byte %d (%q): %d events told", i, body[i], told-before)
		}
	}
	if told != 2 {
		t.Errorf("%d events told, want 2", told)
	}
}

// TestGiantItemsPass: lines and bodies of any size are read without being kept.
func TestGiantItemsPass(t *testing.T) {
	filler := bytes.Repeat([]byte("owls hunt at night. "), 64<<10/20)
	for _, tt := range []struct {
		name, before, after string
		odd                 string
	}{
		{
			"event",
			`data: {"choices":[{"index":0,"delta":{"content":"`,
			`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7}}` + "\n\n" + stream("[DONE]"),
			"oversize",
		},
		{
			"plain body",
			`{"choices":[{"index":0,"message":{"content":"`,
			`"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7}}`,
			"oversize",
		},
		{"comment", stream(finishChunk, `{"choices":[],"usage":{"prompt_tokens":7}}`) + ": ", "\n\n", "comment"},
		{"field name", stream(finishChunk, `{"choices":[],"usage":{"prompt_tokens":7}}`), ": x\n\n", "unknown_field"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := wire.NewResponse(chatMatch(t), call.ModeStream, wire.ResponseHead{Status: 200})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r.Push([]byte(tt.before), nil)
			for range 200 { // 13 MB
				r.Push(filler, nil)
			}
			r.Push([]byte(tt.after), nil)
			r.Close(true, nil)
			runtime.ReadMemStats(&after)
			f := r.Facts()
			if !f.Finish || f.Usage.Input != call.Some(7) || !f.Whole || oddities(f.Oddities) != tt.odd {
				t.Errorf("finish %v, input %v, whole %v, odd %q", f.Finish, f.Usage.Input, f.Whole, oddities(f.Oddities))
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<10 {
				t.Errorf("%d bytes allocated for %d", grown, 200*len(filler))
			}
		})
	}
}

// TestNestingIsBounded: a bomb of brackets is no valid event and costs nothing.
func TestNestingIsBounded(t *testing.T) {
	f, events := answer(t, wire.ResponseHead{}, stream(strings.Repeat(`{"choices":[`, 100000), contentChunk), true)
	if kinds(events) != "other content" || oddities(f.Oddities) != "bad_json oversize" {
		t.Errorf("events %q, oddities %q", kinds(events), oddities(f.Oddities))
	}
}

func TestNoAllocationPerEvent(t *testing.T) {
	chunk := []byte(stream(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795412533,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Owls\n\"hunt\" \u00e9"},"finish_reason":null}],"usage":null}`))
	ping, half := []byte(": ping\n\n"), len(chunk)/2
	r := wire.NewResponse(chatMatch(t), call.ModeStream, wire.ResponseHead{Status: 200})
	events := 0
	emit := func(wire.Kind) { events++ }
	allocs := testing.AllocsPerRun(1000, func() {
		r.Push(chunk, emit)
		r.Push(chunk[:half], emit)
		r.Push(chunk[half:], emit)
		r.Push(ping, emit)
	})
	if allocs != 0 {
		t.Errorf("%v allocations per event, want 0", allocs)
	}
	if events < 3000 {
		t.Errorf("only %d events", events)
	}
}

// FuzzResponse holds: no panic, splits change nothing, and what an answer says
// agrees with a plain JSON decoder where the body is one document.
func FuzzResponse(f *testing.F) {
	for i, x := range archives(f) {
		f.Add(x.body, uint16(x.head.Status), uint64(i))
	}
	f.Add(append(frame([]byte("ab"), []byte("{}")), frame(nil, nil)...), uint16(200), uint64(2))
	matches := []wire.Match{
		chatMatch(f),
		matchOf(f, "POST", "h", "/v1/completions"),
		matchOf(f, "POST", "h", "/v1beta/models/g:streamGenerateContent"),
		{},
	}
	f.Fuzz(func(t *testing.T, body []byte, status uint16, seed uint64) {
		m := matches[seed%uint64(len(matches))]
		x := exchange{head: wire.ResponseHead{Status: int(status)}, body: body, whole: true}
		once, events := decode(m, call.ModeStream, x, allAtOnce)
		cut, cutEvents := decode(m, call.ModeStream, x, randomly(seed))
		if diff := cmp.Diff(describe(once, events), describe(cut, cutEvents)); diff != "" {
			t.Fatalf("split (-once +cut):\n%s", diff)
		}
		if n := once.Events + once.Keepalives; n != len(events) {
			t.Fatalf("%d events counted, %d told", n, len(events))
		}
		if once.Framing == call.FramingJSON && once.Whole && len(once.Oddities) == 0 && !json.Valid(bytes.TrimPrefix(body, []byte("\ufeff"))) {
			t.Fatalf("%q is said to be a whole JSON document", body)
		}
	})
}

func BenchmarkChunk(b *testing.B) {
	chunk := []byte("data: {\"id\":\"chatcmpl-lab1\",\"object\":\"chat.completion.chunk\",\"created\":1795412533,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Owls\"},\"finish_reason\":null}],\"usage\":null}\n\n")
	r := wire.NewResponse(chatMatch(b), call.ModeStream, wire.ResponseHead{Status: 200})
	n := 0
	emit := func(wire.Kind) { n++ }
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		r.Push(chunk, emit)
	}
}

func BenchmarkPlainAnswer(b *testing.B) {
	body := []byte(`{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat("Owls hunt at night. ", 500) + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":900}}`)
	m := chatMatch(b)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r := wire.NewResponse(m, call.ModePlain, wire.ResponseHead{Status: 200})
		r.Push(body, nil)
		r.Close(true, nil)
		r.Facts()
	}
}
