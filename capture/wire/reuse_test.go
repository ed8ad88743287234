package wire_test

import (
	"path/filepath"
	"strings"
	"testing"

	"llmtap/capture/wire"
	"llmtap/internal/call"
)

// TestReset decodes every archive in the memory of the one before it: nothing
// of a call may show in the next one.
func TestReset(t *testing.T) {
	q, r := new(wire.Request), new(wire.Response)
	for _, x := range archives(t) {
		name := strings.TrimSuffix(filepath.Base(x.file), ".txtar")
		m, _ := wire.Recognize(x.line)
		fresh := wire.NewRequest(m, nil)
		fresh.Push(x.request)
		q.Reset(m, nil)
		q.Push(x.request)
		want, got := fresh.Close(), q.Close()
		if a, b := describeRequest(want), describeRequest(got); a != b {
			t.Errorf("%s: request in used memory:\n%s\nwant\n%s", name, b, a)
		}
		m, _ = m.Settle(want)
		f, events := decode(m, want.Mode, x, allAtOnce)
		var seen []wire.Kind
		emit := func(k wire.Kind) { seen = append(seen, k) }
		r.Reset(m, want.Mode, x.head)
		r.Push(x.body, emit)
		r.Close(x.whole, emit)
		if a, b := describe(f, events), describe(r.Facts(), seen); a != b {
			t.Errorf("%s: response in used memory:\n%s\nwant\n%s", name, b, a)
		}
	}
}

// TestResetKeepsNoText looks for a prompt and an answer in facts of the next call.
func TestResetKeepsNoText(t *testing.T) {
	m := chatMatch(t)
	q := wire.NewRequest(m, nil)
	q.Push([]byte(`{"messages":[{"role":"user","content":"owl\u0020secret"}],"user":"u1","model":"m"}`))
	first := q.Close()
	q.Reset(m, nil)
	q.Push([]byte(`{"messages":[]}`))
	if f := q.Close(); f.Prompt.LastUserHead != "" || f.Model != "" || f.Messages != 0 || len(f.Keys) != 1 {
		t.Errorf("facts of the call before: %+v", f)
	}
	if first.Prompt.LastUserHead != "owl secret" || first.Model != "m" {
		t.Errorf("facts that were returned changed: %+v", first)
	}
	r := wire.NewResponse(m, call.ModePlain, wire.ResponseHead{Status: 400})
	r.Push([]byte(`{"error":{"message":"no owls","param":"owl","code":"c"}}`), nil)
	r.Close(true, nil)
	before := r.Facts()
	r.Reset(m, call.ModePlain, wire.ResponseHead{Status: 400})
	r.Push([]byte(`{}`), nil)
	r.Close(true, nil)
	if f := r.Facts(); f.Error.Message != "" || f.Error.Param != "" || f.Error.Code != "" {
		t.Errorf("an error of the call before: %+v", f.Error)
	}
	if before.Error.Message != "no owls" || before.Error.Param != "owl" {
		t.Errorf("facts that were returned changed: %+v", before.Error)
	}
}
