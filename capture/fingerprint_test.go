package capture_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"llmtap/internal/call"
)

// TestFingerprint: on every way, what is called at a path nobody knows is told
// by the bodies, is marked as such, and is not claimed where they deny it.
func TestFingerprint(t *testing.T) {
	const (
		sse  = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"owl\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
		line = `{"model":"m","created_at":"2026","message":{"content":"owl"},"done":false}` + "\n" +
			`{"model":"m","created_at":"2026","message":{"content":""},"done":true,"done_reason":"stop"}` + "\n"
		vector = `{"object":"list","data":[{"object":"embedding","embedding":[0.5]}],"usage":{"prompt_tokens":1}}`
		json   = "application/json"
	)
	for _, c := range []struct {
		name, target, body, media, answer string
		want                              string // api, format, rule, mode
		unseen                            bool   // by the plain proxy
		odd                               bool
	}{
		{"chat", "/any/thing", streamBody, "text/event-stream", sse, "openai.chat openai.chat fingerprint stream", false, false},
		{"lines", "/any/thing", plainBody, "application/x-ndjson", line, "ollama.chat ollama fingerprint stream", false, false},
		{"told by the answer", "/any/thing", `{"model":"m","input":"x"}`, json, vector, "openai.embeddings openai.completions fingerprint plain", false, false},
		{"refuted", "/any/thing", plainBody, json, `{"queued":true}`, "   plain", false, false},
		{"no call", "/any/thing", `{"query":"x","model":"m"}`, json, `{"hits":[]}`, "   plain", true, false},
		{"the path told", chatPath, streamBody, "text/event-stream", sse, "openai.chat openai.chat  stream", false, false},
		{"the path told, another answered", "/api/chat", streamBody, "text/event-stream", sse, "ollama.chat openai.chat  stream", false, true},
	} {
		for _, way := range []string{"relay", "plain", "base-URL"} {
			t.Run(c.name+"/"+way, func(t *testing.T) {
				r := newRig(t)
				base := r.way(way, answers(response("200 OK", c.media, c.answer)))
				resp, err := r.clientOf(way).Post(base+c.target, json, strings.NewReader(c.body))
				check(t, err)
				_, _ = io.Copy(io.Discard, resp.Body)
				check(t, resp.Body.Close())
				if c.unseen && way == "plain" {
					eventually(t, "nothing in flight", func() bool { s, _ := r.proxy.Stats(); return s.Active == 0 })
					r.none()
					return
				}
				rec := r.next()
				got := strings.Join([]string{rec.Target.API, rec.Target.Format, rec.Agent.Rule, rec.Request.Mode.String()}, " ")
				odd := slices.ContainsFunc(rec.Stream.Oddities, func(o call.Oddity) bool { return o.Name == "foreign_dialect" })
				if got != c.want || odd != c.odd {
					t.Errorf("got %s, odd %v; want %s, %v", got, odd, c.want, c.odd)
				}
				if rec.Request.Mode == call.ModeStream && (rec.Stream.ContentEvents != 1 || !rec.End.Terminal) {
					t.Errorf("stream %+v, terminal %v", rec.Stream, rec.End.Terminal)
				}
			})
		}
	}
}

// TestFingerprintByHeader: the header that Anthropic's clients send takes part.
func TestFingerprintByHeader(t *testing.T) {
	r := newRig(t)
	base := r.way("relay", answers(response("429 Too Many Requests", "application/json", `{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}`)))
	req, err := http.NewRequest("POST", base+"/any/thing", strings.NewReader(plainBody))
	check(t, err)
	req.Header.Set("Anthropic-Version", "2023-06-01")
	resp, err := r.clientOf("relay").Do(req)
	check(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	check(t, resp.Body.Close())
	if rec := r.next(); rec.Target.API != "anthropic.messages" || rec.Agent.Rule != "fingerprint" || rec.Response.Error.Code != "rate_limit_error" {
		t.Errorf("%+v by %q, error %+v", rec.Target, rec.Agent.Rule, rec.Response.Error)
	}
}
