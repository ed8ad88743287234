package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// TestOwnDialectIsNotForeign reads every archive but those of other dialects:
// what a path promises and gets is never taken for something else.
func TestOwnDialectIsNotForeign(t *testing.T) {
	foreign := 0
	for _, x := range archives(t) {
		m, _ := wire.Recognize(x.line)
		q := wire.NewRequest(m, nil)
		q.Push(x.request)
		facts := q.Close()
		m, _ = m.Settle(facts)
		f, _ := decode(m, facts.Mode, x, allAtOnce)
		odd := strings.Contains(oddities(f.Oddities), "foreign_dialect")
		if odd {
			foreign++
		}
		another := strings.Contains(x.file, "/foreign/") || strings.Contains(x.file, "other-dialect") || strings.Contains(x.file, "sse-instead")
		if odd && !another {
			t.Errorf("%s: taken for %s", x.file, f.Format)
		}
		if (m.Answered(f).Format != m.Format) && !odd && m.Rule == "" && !strings.Contains(x.file, "/fingerprint/") {
			t.Errorf("%s: format %q becomes %q", x.file, m.Format, m.Answered(f).Format)
		}
	}
	if foreign < 15 {
		t.Errorf("only %d archives of other dialects", foreign)
	}
}

// TestFirstDocumentsOnly: what comes behind the documents that are looked at
// changes nothing any more.
func TestFirstDocumentsOnly(t *testing.T) {
	const chunk = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Owls\"}}]}\n\n"
	m := matchOf(t, "POST", "h", "/v1/messages")
	for _, tt := range []struct {
		before int
		want   string
	}{{0, "openai.chat"}, {1, "openai.chat"}, {7, "openai.chat"}, {8, ""}, {20, ""}} {
		body := strings.Repeat("data: {\"type\":\"ping\"}\n\n", tt.before) + chunk
		f, _ := decode(m, call.ModeStream, exchange{head: wire.ResponseHead{Status: 200}, body: []byte(body), whole: true}, allAtOnce)
		if f.Format != tt.want || (f.ContentEvents == 1) != (tt.want != "") {
			t.Errorf("behind %d pings: %q, %d events with content; want %q", tt.before, f.Format, f.ContentEvents, tt.want)
		}
	}
}

// FuzzForeign holds for any body at any path, also one that tells nothing: no
// panic, and splits change nothing.
func FuzzForeign(f *testing.F) {
	lines := []wire.Line{
		{Path: "/v1/chat/completions"}, {Path: "/v1/completions"}, {Path: "/v1/responses"}, {Path: "/v1/messages"},
		{Path: "/v1beta/models/m:streamGenerateContent"}, {Path: "/model/m/converse-stream"}, {Path: "/model/m/invoke-with-response-stream"},
		{Path: "/api/chat"}, {Path: "/v2/chat"}, {Path: "/generate_stream"}, {Path: unnamedPath}, {Path: unnamedPath},
	}
	const request = `{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true}`
	for i, x := range archives(f) {
		f.Add([]byte(request), x.body, uint8(i), uint64(i))
		f.Add(x.request, x.body, uint8(len(lines)-1), uint64(i))
	}
	f.Fuzz(func(t *testing.T, request, body []byte, at uint8, seed uint64) {
		l := lines[int(at)%len(lines)]
		l.Method, l.Host = "POST", "svc.example"
		x := exchange{line: l, request: request, head: wire.ResponseHead{Status: 200}, body: body, whole: true}
		once := x.run(allAtOnce)
		if diff := cmp.Diff(once, x.run(randomly(seed))); diff != "" {
			t.Fatalf("split (-once +cut):\n%s", diff)
		}
	})
}
