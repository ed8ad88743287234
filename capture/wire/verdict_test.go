package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// TestFactsOfTheVerdict has one fixture per line of the termination verdict:
// what the classifier needs to decide it, T (marker), F (finish), E (error in
// band) and the number of content events, together with the framing.
func TestFactsOfTheVerdict(t *testing.T) {
	const (
		reasonLength = `{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}`
		role         = `{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`
		inBand       = `{"error":{"message":"lost","type":"server_error","param":null,"code":null}}`
		answerJSON   = `{"id":"x","choices":[{"index":0,"message":{"content":"Owls"},"finish_reason":"stop"}]}`
	)
	for _, tt := range []struct {
		name   string
		status int
		body   string
		eof    bool
		want   string
	}{
		{
			"1 error status",
			500,
			`{"error":{"message":"m","type":"t"}}`,
			true,
			"json - - - 0 whole openai",
		},
		{"1 error status as a page", 502, "<html></html>", true, "html - - - 0 whole html"},
		{"1 error status without a body", 504, "", true, "empty - - - 0 whole empty"},
		{"2 page", 200, "<html></html>", true, "html - - - 0 whole unknown"},
		{"2 error in a body", 200, inBand, true, "json - - E 0 whole openai"},
		{"2 JSON for a stream", 200, answerJSON, true, "json - F - 0 whole unknown"},
		{
			"2 stream for a plain call",
			200,
			stream(contentChunk, finishChunk, "[DONE]"),
			true,
			"sse T F - 1 whole unknown",
		},
		{
			"2 lines for a plain call",
			200,
			contentChunk + "\n" + finishChunk + "\n",
			true,
			"ndjson - F - 1 whole unknown",
		},
		{
			"2 JSON and a marker",
			200,
			answerJSON + "\ndata: [DONE]\n\n",
			true,
			"json T F - 0 whole unknown",
		},
		{
			"3 error, then the marker",
			200,
			stream(contentChunk, inBand, "[DONE]"),
			true,
			"sse T - E 1 whole openai",
		},
		{
			"3 error, then the end",
			200,
			stream(contentChunk, inBand),
			true,
			"sse - - E 1 whole openai",
		},
		{"3 error first", 200, stream(inBand), true, "sse - - E 0 whole openai"},
		{"4 cut before anything", 200, "", false, "empty - - - 0 cut unknown"},
		{"4 cut after content", 200, stream(role, contentChunk), false, "sse - - - 1 cut unknown"},
		{
			"4 cut inside an event",
			200,
			stream(contentChunk) + finishData[:40],
			false,
			"sse - - - 1 cut unknown",
		},
		{
			"4 cut after the finish",
			200,
			stream(contentChunk, finishChunk),
			false,
			"sse - F - 1 cut unknown",
		},
		{
			"4 cut after the marker",
			200,
			stream(contentChunk, finishChunk, "[DONE]"),
			false,
			"sse T F - 1 cut unknown",
		},
		{
			"4 clean end inside an event",
			200,
			stream(contentChunk) + finishData[:40],
			true,
			"sse - - - 1 cut unknown",
		},
		{"4 clean end inside JSON", 200, answerJSON[:40], true, "json - - - 0 cut unknown"},
		{"6 zero bytes", 200, "", true, "empty - - - 0 whole unknown"},
		{"6 only the marker", 200, stream("[DONE]"), true, "sse T - - 0 whole unknown"},
		{"6 only comments", 200, ": a\n\n: b\n\n", true, "sse - - - 0 whole unknown"},
		{
			"6 role and stop",
			200,
			stream(role, finishChunk, "[DONE]"),
			true,
			"sse T F - 0 whole unknown",
		},
		{
			"6 role and length",
			200,
			stream(role, reasonLength, "[DONE]"),
			true,
			"sse T F - 0 whole unknown",
		},
		{"7 neither", 200, stream(role, contentChunk), true, "sse - - - 1 whole unknown"},
		{
			"7 finish only",
			200,
			stream(role, contentChunk, finishChunk),
			true,
			"sse - F - 1 whole unknown",
		},
		{
			"7 marker only",
			200,
			stream(role, contentChunk, "[DONE]"),
			true,
			"sse T - - 1 whole unknown",
		},
		{
			"7 both",
			200,
			stream(role, contentChunk, finishChunk, "[DONE]"),
			true,
			"sse T F - 1 whole unknown",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, _ := answer(t, wire.ResponseHead{Status: tt.status}, tt.body, tt.eof)
			if got := verdictFacts(f); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

const finishData = "data: " + finishChunk

func verdictFacts(f wire.Facts) string {
	mark := func(on bool, name string) string {
		if on {
			return name
		}
		return "-"
	}
	whole := "cut"
	if f.Whole {
		whole = "whole"
	}
	return fmt.Sprint(f.Framing, " ", mark(f.Done, "T"), " ", mark(f.Finish, "F"), " ", mark(f.Errored, "E"), " ",
		f.ContentEvents, " ", whole, " ", f.Error.Shape)
}

// TestInvariantsOfUsage holds §15.2 on every archive: what is part of a count
// is not larger than it.
func TestInvariantsOfUsage(t *testing.T) {
	seen := 0
	for _, x := range archives(t) {
		m, _ := wire.Recognize(x.line)
		f, _ := decode(m, call.ModeStream, x, allAtOnce)
		u := f.Usage
		if u.Input.Known {
			seen++
		}
		if u.Input.Known && u.Cached.N+u.CacheWrite.N > u.Input.N {
			t.Errorf("%s: %d cached and %d written of %d", x.file, u.Cached.N, u.CacheWrite.N, u.Input.N)
		}
		if u.Output.Known && u.Reasoning.N > u.Output.N {
			t.Errorf("%s: %d reasoning of %d", x.file, u.Reasoning.N, u.Output.N)
		}
	}
	if seen < 10 {
		t.Errorf("only %d archives have usage", seen)
	}
}

// TestNothingOfAnAnswerIsKept: no text that a model wrote, or that was asked,
// turns up in what is kept of a call, except the ends of prompts.
func TestNothingOfAnAnswerIsKept(t *testing.T) {
	const canary = "CANARY-7f3a"
	q := wire.NewRequest(chatMatch(t), nil)
	q.Push([]byte(strings.ReplaceAll(`{"model":"m","user":"#","metadata":{"#":"#"},"prompt":"#","input":["#"],"suffix":"#",
		"messages":[{"role":"user","name":"#","content":"x","tool_calls":[{"function":{"arguments":"#"}}]}],
		"tools":[{"function":{"name":"#","description":"#"}}],"tool_choice":{"function":{"name":"#"}},
		"response_format":{"type":"json_schema","json_schema":{"name":"#"}},"prompt_cache_key":"#","logit_bias":{"#":1}}`, "#", canary)))
	if got := fmt.Sprintf("%+v", q.Close()); strings.Contains(got, canary) {
		t.Errorf("the request's facts hold %s", got)
	}
	for _, body := range []string{
		stream(`{"choices":[{"index":0,"delta":{"content":"#","refusal":"#","reasoning":"#","tool_calls":[{"index":0,"id":"#","function":{"name":"#","arguments":"#"}}],"audio":{"data":"#","transcript":"#"}}}],"obfuscation":"#","x":"#"}`),
		`{"choices":[{"index":0,"message":{"content":"#","reasoning_content":"#","annotations":[{"url":"#"}]},"logprobs":{"content":[{"token":"#"}]},"finish_reason":"stop"}],"prompt_filter_results":["#"]}`,
		": #\n\nevent: #\ndata: {}\n\n",
		"#: #\n\n" + stream("#"),
	} {
		f, _ := answer(t, wire.ResponseHead{}, strings.ReplaceAll(body, "#", canary), true)
		if got := fmt.Sprintf("%+v", f); strings.Contains(got, canary) {
			t.Errorf("the answer's facts hold %s", got)
		}
	}
}
