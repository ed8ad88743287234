package wire_test

import (
	"bytes"
	"encoding/json"
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

func TestEndOfABody(t *testing.T) {
	for _, tt := range []struct {
		name, body       string
		eof              bool
		whole, done, odd bool
		events           string
	}{
		{
			"complete stream",
			stream(contentChunk, "[DONE]"),
			true,
			true,
			true,
			false,
			"content done",
		},
		{"cut by the transport", stream(contentChunk), false, false, false, false, "content"},
		{"ended between events", stream(contentChunk), true, true, false, false, "content"},
		{
			"ended in a field name",
			stream(contentChunk) + "dat",
			true,
			false,
			false,
			false,
			"content",
		},
		{
			"ended in an event",
			stream(contentChunk) + "data: {\"choices\":[{\"index\":0,\"delta\":{\"con",
			true,
			false,
			false,
			false,
			"content",
		},
		{
			"ended before the blank line",
			"data: " + contentChunk + "\n",
			true,
			false,
			false,
			false,
			"",
		},
		{"ended in a comment", stream(contentChunk) + ": pi", true, false, false, false, "content"},
		{
			"ended after a comment",
			stream(contentChunk) + ": ping\n",
			true,
			true,
			false,
			false,
			"content keepalive",
		},
		{
			"marker without line end",
			stream(contentChunk) + "data: [DONE]",
			true,
			true,
			true,
			false,
			"content done",
		},
		{
			"marker without blank line",
			stream(contentChunk) + "data: [DONE]\n",
			true,
			true,
			true,
			false,
			"content done",
		},
		{
			"half a marker",
			stream(contentChunk) + "data: [DON",
			true,
			false,
			false,
			false,
			"content",
		},
		{
			"error without blank line",
			"data: {\"error\":\"x\"}\n",
			true,
			false,
			false,
			false,
			"error",
		},
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
		{
			"comment",
			stream(finishChunk, `{"choices":[],"usage":{"prompt_tokens":7}}`) + ": ",
			"\n\n",
			"comment",
		},
		{
			"field name",
			stream(finishChunk, `{"choices":[],"usage":{"prompt_tokens":7}}`),
			": x\n\n",
			"unknown_field",
		},
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
