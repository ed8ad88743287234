package wire_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// aStream is a dialect, where it is spoken, and a typical event with content.
type aStream struct {
	name, path string
	event      string
}

var streams = []aStream{
	{
		"gemini", "/v1beta/models/g:streamGenerateContent",
		"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Owls hunt\"}],\"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":9,\"totalTokenCount\":11},\"modelVersion\":\"gemini-2.5-flash\",\"responseId\":\"lab-resp-1\"}\r\n\r\n",
	},
	{
		"gemini", "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent",
		"data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"thought\":true,\"text\":\"Owls \\\"hunt\\\"\"}]}}],\"usageMetadata\":{\"trafficType\":\"ON_DEMAND\"},\"modelVersion\":\"gemini-2.5-flash\",\"createTime\":\"2026-01-02T03:04:05.678901Z\",\"responseId\":\"lab-resp-1\"}\r\n\r\n",
	},
	{
		"tgi", "/generate_stream",
		"data:{\"index\":1,\"token\":{\"id\":7,\"text\":\" Owls\",\"logprob\":-0.2,\"special\":false},\"generated_text\":null,\"details\":null}\n\n",
	},
	{
		"llamacpp", "/completion",
		"data: {\"index\":0,\"content\":\" Owls\",\"tokens\":[7],\"stop\":false,\"id_slot\":0,\"tokens_predicted\":1,\"tokens_evaluated\":5}\n\n",
	},
}

// TestNoAllocationPerEventOfADialect holds the steady state, cut in two and
// whole.
func TestNoAllocationPerEventOfADialect(t *testing.T) {
	for _, s := range streams {
		t.Run(s.name, func(t *testing.T) {
			r := wire.NewResponse(matchOf(t, "POST", "h", s.path), call.ModeStream, wire.ResponseHead{Status: 200})
			event, half, events, content := []byte(s.event), len(s.event)/2, 0, 0
			emit := func(k wire.Kind) {
				events++
				if k.Content() {
					content++
				}
			}
			if allocs := testing.AllocsPerRun(1000, func() {
				r.Push(event, emit)
				r.Push(event[:half], emit)
				r.Push(event[half:], emit)
			}); allocs != 0 {
				t.Errorf("%v allocations per event, want 0", allocs)
			}
			if events < 2000 || content != events {
				t.Errorf("%d events, %d with content", events, content)
			}
		})
	}
}

// TestNothingOfALongAnswerIsKept: memory does not grow with the answer, plain or
// streamed.
func TestNothingOfALongAnswerIsKept(t *testing.T) {
	filler := strings.Repeat("owls hunt at night ", 3500)
	for _, tt := range []struct{ name, path, before, after string }{
		{"gemini", "/v1beta/models/g:generateContent", `{"candidates":[{"content":{"parts":[{"text":"`, `"}]},"finishReason":"STOP"}]}`},
		{"gemini picture", "/v1beta/models/g:generateContent", `{"candidates":[{"content":{"parts":[{"inlineData":{"data":"`, `"}}]},"finishReason":"STOP"}]}`},
		{"tgi", "/generate", `{"generated_text":"`, `","details":{"finish_reason":"length"}}`},
		{"llamacpp", "/completion", `{"content":"`, `","stop":true,"stop_type":"eos"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := wire.NewResponse(matchOf(t, "POST", "h", tt.path), call.ModePlain, wire.ResponseHead{Status: 200})
			piece := []byte(filler)
			r.Push([]byte(tt.before), nil)
			r.Push(piece, nil)
			if allocs := testing.AllocsPerRun(200, func() { r.Push(piece, nil) }); allocs != 0 {
				t.Errorf("%v allocations per piece", allocs)
			}
			r.Push([]byte(tt.after), nil)
			r.Close(true, nil)
			if f := r.Facts(); !f.Finish || !f.Whole {
				t.Errorf("facts %+v", f.Marks)
			}
		})
	}
}

func BenchmarkDialects(b *testing.B) {
	for _, s := range streams {
		b.Run(s.name, func(b *testing.B) {
			r := wire.NewResponse(matchOf(b, "POST", "h", s.path), call.ModeStream, wire.ResponseHead{Status: 200})
			event, n := []byte(s.event), 0
			emit := func(wire.Kind) { n++ }
			b.SetBytes(int64(len(event)))
			b.ReportAllocs()
			for b.Loop() {
				r.Push(event, emit)
			}
		})
	}
}

func FuzzGemini(f *testing.F) {
	fuzzDialect(f, "gemini", "/v1beta/models/g:streamGenerateContent", "/v1beta/models/g:generateContent")
}

func FuzzTGI(f *testing.F) { fuzzDialect(f, "tgi", "/generate_stream", "/generate") }

func FuzzLlamacpp(f *testing.F) { fuzzDialect(f, "llamacpp", "/completion", "/v1/completions") }

// fuzzDialect holds of any body: no panic; however it is split the same is
// seen; where it is cut nothing is seen that the whole has not; and the facts
// agree with each other.
func fuzzDialect(f *testing.F, folder string, paths ...string) {
	f.Helper()
	files, err := filepath.Glob("testdata/" + folder + "/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no archives: %v", err)
	}
	for i, file := range files {
		f.Add(readArchive(f, file).body, uint64(i))
	}
	var matches []wire.Match
	for _, p := range paths {
		matches = append(matches, matchOf(f, "POST", "h", p))
	}
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		m := matches[seed%uint64(len(matches))]
		x := exchange{head: wire.ResponseHead{Status: 200}, body: body, whole: true}
		once, events := decode(m, m.PathMode, x, allAtOnce)
		cut, cutEvents := decode(m, m.PathMode, x, randomly(seed))
		if diff := cmp.Diff(describe(once, events), describe(cut, cutEvents)); diff != "" {
			t.Fatalf("split (-once +cut):\n%s", diff)
		}
		agree(t, once, events)
		x.body, x.whole = body[:int(seed%uint64(len(body)+1))], false
		short, shortEvents := decode(m, m.PathMode, x, allAtOnce)
		if agree(t, short, shortEvents); short.Whole || len(shortEvents) > len(events)+1 {
			t.Fatalf("a beginning is whole (%v) or has %d events instead of %d", short.Whole, len(shortEvents), len(events))
		}
	})
}

// agree fails where facts contradict each other.
func agree(t *testing.T, f wire.Facts, events []wire.Kind) {
	t.Helper()
	content := 0
	for _, k := range events {
		if k.Content() {
			content++
		}
	}
	switch {
	case f.Events+f.Keepalives != len(events), f.ContentEvents != content:
		t.Fatalf("%+v counted, %s told", f.Counts, kinds(events))
	case f.Finish && (len(f.FinishReasons) == 0 || slices.Contains(f.FinishReasons, "")):
		t.Fatalf("finished for %q", f.FinishReasons)
	case f.Errored != (f.Error.Shape != call.ShapeUnknown) && !slices.Contains(f.FinishReasons, "error"):
		t.Fatalf("errored %v, error %+v", f.Errored, f.Error)
	case f.Usage.Input.N < 0, f.Usage.Output.N < 0, len(f.FinishReasons) > 128, f.ToolCalls < 0:
		t.Fatalf("out of bounds: %+v", f)
	}
}
