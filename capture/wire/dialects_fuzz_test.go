package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// FuzzDialects holds for any bytes, in every dialect of this group: no panic,
// splits change nothing, and the facts agree with each other.
func FuzzDialects(f *testing.F) {
	paths := []string{"/v1/messages", "/v1/responses", "/v2/chat", "/v1/chat", "/v1/publishers/anthropic/models/m:streamRawPredict"}
	for i, x := range archives(f) {
		for d, name := range []string{"testdata/anthropic/", "testdata/openai.responses/", "testdata/cohere/"} {
			if strings.HasPrefix(x.file, name) {
				f.Add(x.body, uint16(x.head.Status), uint8(d), uint64(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, status uint16, dialect uint8, seed uint64) {
		m := matchOf(t, "POST", "svc.example", paths[int(dialect)%len(paths)])
		x := exchange{head: wire.ResponseHead{Status: int(status)}, body: body, whole: true}
		once, events := decode(m, call.ModeStream, x, allAtOnce)
		cut, cutEvents := decode(m, call.ModeStream, x, randomly(seed))
		if diff := cmp.Diff(describe(once, events), describe(cut, cutEvents)); diff != "" {
			t.Fatalf("split (-once +cut):\n%s", diff)
		}
		factsAgree(t, once, events)
		x.body, x.whole = body[:len(body)/2], false
		if short, fewer := decode(m, call.ModeStream, x, allAtOnce); short.Whole || len(fewer) > len(events)+1 {
			t.Fatalf("half of the body: whole %v, %d events of %d", short.Whole, len(fewer), len(events))
		}
	})
}

// factsAgree holds what facts and events say of each other.
func factsAgree(t *testing.T, f wire.Facts, events []wire.Kind) {
	t.Helper()
	var content, keepalives int
	for _, k := range events {
		switch {
		case k.Content():
			content++
		case k == wire.KindKeepalive:
			keepalives++
		}
	}
	switch {
	case f.Events+f.Keepalives != len(events), f.ContentEvents != content, f.Keepalives != keepalives:
		t.Fatalf("%d events, %d content, %d keepalives counted; told %d, %d, %d", f.Events, f.ContentEvents, f.Keepalives, len(events), content, keepalives)
	case f.Finish != (len(f.FinishReasons) > 0), len(f.FinishReasons) > 1:
		t.Fatalf("finish %v with reasons %q", f.Finish, f.FinishReasons)
	case f.ToolCalls > 128:
		t.Fatalf("%d tool calls told apart", f.ToolCalls)
	}
	u := f.Usage
	for _, a := range []call.Amount{u.Input, u.Output, u.Cached, u.CacheWrite, u.Reasoning} {
		if a.N < 0 || !a.Known && a.N != 0 {
			t.Fatalf("usage %+v", u)
		}
	}
}
