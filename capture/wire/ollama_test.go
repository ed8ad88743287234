package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

const ollamaPath = "/api/chat"

// ndjsonOf decodes lines that answer a streamed call of the path.
func ndjsonOf(t testing.TB, path, body string) (wire.Facts, []wire.Kind) {
	t.Helper()
	x := exchange{head: wire.ResponseHead{Status: 200, MediaType: "application/x-ndjson"}, body: []byte(body), whole: true}
	return decode(matchOf(t, "POST", "svc.example", path), call.ModeStream, x, allAtOnce)
}

func TestKindOfAnOllamaLine(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"text", `{"message":{"role":"assistant","content":"a"},"done":false}`, "content"},
		{"text of generate", `{"response":"a","done":false}`, "content"},
		{"empty text", `{"message":{"role":"assistant","content":""},"done":false}`, "other"},
		{"text that is a number", `{"message":{"content":7},"response":[1]}`, "other"},
		{"thinking", `{"message":{"content":"","thinking":"a"},"done":false}`, "reasoning"},
		{"thinking of generate", `{"response":"","thinking":"a"}`, "reasoning"},
		{"empty thinking", `{"message":{"thinking":""}}`, "other"},
		{"text and thinking", `{"message":{"thinking":"a","content":"b"}}`, "content"},
		{"tool", `{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{}}}]}}`, "tool"},
		{"no tools", `{"message":{"tool_calls":[]}}`, "other"},
		{"tools that are none", `{"message":{"tool_calls":[{},null,7]}}`, "other"},
		{"end", `{"message":{"content":""},"done":true,"done_reason":"stop","eval_count":1}`, "done"},
		{"end with text", `{"message":{"content":"a"},"done":true,"done_reason":"stop"}`, "content"},
		{"end without reason", `{"done":true}`, "done"},
		{"end as a text", `{"done":"true"}`, "other"},
		{"reason before the end", `{"done":false,"done_reason":"stop"}`, "finish"},
		{"counts", `{"done":false,"eval_count":3}`, "usage"},
		{"error", `{"error":"model runner stopped"}`, "error"},
		{"error as an object", `{"error":{"message":"x"}}`, "error"},
		{"no error", `{"error":"","response":"a"}`, "content"},
		{"another dialect, read as what it is", contentChunk, "content"},
		{"no object", `"text"`, "other"},
		{"no JSON", `text`, "other"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, events := ndjsonOf(t, ollamaPath, "{}\n"+tt.line+"\n{}\n"); kinds(events) != strings.ReplaceAll("other "+tt.want+" other", "other other other", "other*3") {
				t.Errorf("%s: %q, want %q", tt.line, kinds(events), tt.want)
			}
		})
	}
}

// TestFactsOfAnOllamaAnswer: what the record takes from lines.
func TestFactsOfAnOllamaAnswer(t *testing.T) {
	const text = `{"model":"tiny","message":{"content":"a"},"done":false}` + "\n"
	for _, tt := range []struct {
		name, body   string
		done, finish bool
		reasons      string
		usage        call.Usage
		tools        int
		odd          string
	}{
		{"healthy", text + `{"done":true,"done_reason":"stop","prompt_eval_count":9,"eval_count":5}` + "\n", true, true, "stop", call.Usage{Input: call.Some(9), Output: call.Some(5)}, 0, ""},
		{"prompt was cached", text + `{"done":true,"done_reason":"length","eval_count":5}`, true, true, "length", call.Usage{Output: call.Some(5)}, 0, ""},
		{"no reason", text + `{"done":true,"done_reason":"","eval_count":0}`, true, false, "", call.Usage{Output: call.Some(0)}, 0, ""},
		{"null reason", text + `{"done":true,"done_reason":null}`, true, false, "", call.Usage{}, 0, ""},
		{"no end", text, false, false, "", call.Usage{}, 0, ""},
		{"last usage counts", `{"eval_count":1}` + "\n" + `{"eval_count":2,"done":true}`, true, false, "", call.Usage{Output: call.Some(2)}, 0, ""},
		{"two ends", `{"done":true,"done_reason":"stop"}` + "\n" + `{"done":true,"done_reason":"load"}`, true, true, "stop", call.Usage{}, 0, "after_terminal repeated_finish"},
		{"text behind the end", `{"done":true,"done_reason":"stop"}` + "\n" + text, true, true, "stop", call.Usage{}, 0, "after_terminal"},
		{"tools over lines", strings.Repeat(`{"message":{"tool_calls":[{"function":{"name":"f"}},{"function":{"name":"g"}}]}}`+"\n", 3), false, false, "", call.Usage{}, 6, ""},
		{"broken line says nothing", text + `{"model":"x","done":true,"done_reason":"stop","eval_count":7` + "\n]\n", false, false, "", call.Usage{}, 0, "bad_json"},
		{"last member counts", text + `{"done":true,"done":false,"eval_count":1,"eval_count":2}`, false, false, "", call.Usage{Output: call.Some(2)}, 0, ""},
		{"doubled text", strings.Repeat(`{"response":"aba aba "}`+"\n", 4), false, false, "", call.Usage{}, 0, "text_doubled*4"},
		{"cumulative text", `{"response":"a"}` + "\n" + `{"response":"ab"}` + "\n" + `{"response":"abc"}` + "\n" + `{"response":"abcd"}` + "\n", false, false, "", call.Usage{}, 0, "text_cumulative*3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := ndjsonOf(t, ollamaPath, tt.body)
			if f.Done != tt.done || f.Finish != tt.finish || strings.Join(f.FinishReasons, " ") != tt.reasons || f.ToolCalls != tt.tools {
				t.Errorf("done %v finish %v %q tools %d, want %v %v %q %d", f.Done, f.Finish, f.FinishReasons, f.ToolCalls, tt.done, tt.finish, tt.reasons, tt.tools)
			}
			if diff := cmp.Diff(tt.usage, f.Usage); diff != "" || oddities(f.Oddities) != tt.odd {
				t.Errorf("usage (-want +got):\n%s\nodd %q, want %q", diff, oddities(f.Oddities), tt.odd)
			}
		})
	}
}

// TestOneLineOrOneAnswer: a call for a stream that got one document got a
// stream of one line, unless that is labelled as plain JSON and does not end as
// a line does.
func TestOneLineOrOneAnswer(t *testing.T) {
	const line = `{"response":"a","done":true,"done_reason":"stop"}`
	for _, tt := range []struct {
		name, media, body string
		status            int
		mode              call.Mode
		want              string
	}{
		{"labelled as lines", "application/x-ndjson", line, 200, call.ModeStream, "ndjson content"},
		{"labelled as JSON, ended as a line", "application/json", line + "\n", 200, call.ModeStream, "ndjson content"},
		{"ended by CRLF", "application/json", line + "\r\n", 200, call.ModeStream, "ndjson content"},
		{"labelled as JSON, not ended", "application/json", line, 200, call.ModeStream, "json "},
		{"blanks behind", "application/json", line + " \t", 200, call.ModeStream, "json "},
		{"unlabelled", "", line, 200, call.ModeStream, "ndjson content"},
		{"labelled as text", "text/plain", line, 200, call.ModeStream, "ndjson content"},
		{"asked plainly", "application/json", line + "\n", 200, call.ModePlain, "json "},
		{"an error status", "application/json", `{"error":"no"}` + "\n", 500, call.ModeStream, "json "},
		{"an error in one line", "application/json", `{"error":"no"}` + "\n", 200, call.ModeStream, "ndjson error"},
		{"cut", "text/plain", line[:20], 200, call.ModeStream, "json "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange{head: wire.ResponseHead{Status: tt.status, MediaType: tt.media}, body: []byte(tt.body), whole: true}
			for name, cut := range map[string]cutter{"at once": allAtOnce, "byte by byte": byteByByte} {
				f, events := decode(matchOf(t, "POST", "h", ollamaPath), tt.mode, x, cut)
				if got := f.Framing.String() + " " + kinds(events); got != tt.want || f.Events != len(events) {
					t.Errorf("%s: %q (%d events), want %q", name, got, f.Events, tt.want)
				}
			}
		})
	}
	if f, _ := decode(matchOf(t, "POST", "h", "/v1/chat/completions"), call.ModeStream, exchange{head: wire.ResponseHead{Status: 200}, body: []byte("{}\n"), whole: true}, allAtOnce); f.Framing != call.FramingJSON {
		t.Errorf("another dialect's answer is %s", f.Framing)
	}
}

const ollamaLine = `{"model":"llama3.2:3b","created_at":"2026-11-23T05:00:00.123456789Z","message":{"role":"assistant","content":" Owls"},"done":false}` + "\n"

func TestNoAllocationPerOllamaLine(t *testing.T) {
	noAllocation(t, matchOf(t, "POST", "h", ollamaPath), "application/x-ndjson", []byte(ollamaLine))
}

// noAllocation fails if a content event that was seen before allocates.
func noAllocation(t *testing.T, m wire.Match, media string, event []byte) {
	t.Helper()
	r := wire.NewResponse(m, call.ModeStream, wire.ResponseHead{Status: 200, MediaType: media})
	content := 0
	emit := func(k wire.Kind) {
		if k.Content() {
			content++
		}
	}
	r.Push(event, emit)
	if got := testing.AllocsPerRun(200, func() {
		r.Push(event, emit)
		r.Push(event[:len(event)/2], emit)
		r.Push(event[len(event)/2:], emit)
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
	if content != 403 {
		t.Errorf("%d content events, want 403", content)
	}
}

func BenchmarkOllamaLine(b *testing.B) {
	benchmarkEvent(b, matchOf(b, "POST", "h", ollamaPath), "application/x-ndjson", []byte(ollamaLine))
}

// benchmarkEvent decodes one content event again and again.
func benchmarkEvent(b *testing.B, m wire.Match, media string, event []byte) {
	b.Helper()
	r := wire.NewResponse(m, call.ModeStream, wire.ResponseHead{Status: 200, MediaType: media})
	n := 0
	emit := func(wire.Kind) { n++ }
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		r.Push(event, emit)
	}
}

// FuzzOllama: any lines, cut in any way, tell the same, and what they tell
// agrees.
func FuzzOllama(f *testing.F) {
	seedDialect(f, "ollama")
	m := matchOf(f, "POST", "h", ollamaPath)
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) { holdDialect(t, m, "application/x-ndjson", body, seed) })
}

// seedDialect adds the bodies of a dialect's archives.
func seedDialect(f *testing.F, dialect string) {
	f.Helper()
	for i, x := range archives(f) {
		if strings.Contains(x.file, "/"+dialect+"/") {
			f.Add(x.body, uint64(i))
		}
	}
}

// holdDialect holds what is true of every stream of every dialect.
func holdDialect(t *testing.T, m wire.Match, media string, body []byte, seed uint64) {
	t.Helper()
	x := exchange{head: wire.ResponseHead{Status: 200, MediaType: media}, body: body, whole: true}
	once, events := decode(m, call.ModeStream, x, allAtOnce)
	cut, cutEvents := decode(m, call.ModeStream, x, randomly(seed))
	if diff := cmp.Diff(describe(once, events), describe(cut, cutEvents)); diff != "" {
		t.Fatalf("split (-once +cut):\n%s", diff)
	}
	if n := once.Events + once.Keepalives; n != len(events) {
		t.Fatalf("%d events counted, %d told", n, len(events))
	}
	content := 0
	for _, k := range events {
		if k.Content() {
			content++
		}
	}
	if content != once.ContentEvents {
		t.Fatalf("%d content events counted, %d told", once.ContentEvents, content)
	}
	if once.Finish != (len(once.FinishReasons) > 0) {
		t.Fatalf("finish %v with reasons %q", once.Finish, once.FinishReasons)
	}
	u := once.Usage
	if u.Input.N < 0 || u.Output.N < 0 || u.Input.Known && u.Input.N < u.Cached.N {
		t.Fatalf("usage %+v", u)
	}
	if len(once.Model) > 800 || len(once.ID) > 800 {
		t.Fatalf("model of %d bytes, id of %d", len(once.Model), len(once.ID))
	}
}
