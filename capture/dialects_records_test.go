package capture_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"llmtap/internal/call"
)

// TestRecordsOfDialects pins every field of the records of a healthy call,
// plain and streamed, of each dialect beside chat completions. UPDATE=1
// rewrites them.
func TestRecordsOfDialects(t *testing.T) {
	const ask = `"messages":[{"role":"user","content":"hi"}]`
	for _, c := range []struct{ name, path, key, body string }{
		{"anthropic", "/v1/messages", "X-Api-Key", `"system":"Be brief.","max_tokens":64,"temperature":0.5,"stop_sequences":["END"],"thinking":{"type":"disabled"},` + ask},
		{"responses", "/v1/responses", "Authorization", `"input":"hi","instructions":"Be brief.","max_output_tokens":64,"reasoning":{"effort":"low"},"text":{"format":{"type":"text"}}`},
		{"cohere", "/v2/chat", "Authorization", `"max_tokens":64,"p":0.9,"k":5,"safety_mode":"NONE",` + ask},
	} {
		for _, mode := range []string{"plain", "stream"} {
			t.Run(c.name+"/"+mode, func(t *testing.T) {
				r := newRig(t)
				target, _ := r.faults("http/1.1")
				body := `{"model":"healthy",` + c.body + `}`
				if mode == "stream" {
					body = `{"model":"healthy","stream":true,` + c.body + `}`
				}
				req, err := http.NewRequest("POST", "https://"+target+c.path, strings.NewReader(body))
				check(t, err)
				req.Header.Set(c.key, "Bearer sk-test-0123456789abcdef")
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("User-Agent", "owl/1.0")
				resp, err := r.client().Do(req)
				check(t, err)
				_, err = io.Copy(io.Discard, resp.Body)
				check(t, err)
				check(t, resp.Body.Close())
				rec := r.next()
				if streamed := rec.Request.Mode == call.ModeStream; streamed != (mode == "stream") || !rec.End.Terminal {
					t.Errorf("mode %v, end %+v", rec.Request.Mode, rec.End)
				}
				golden(t, c.name+"-"+mode, rec, target)
			})
		}
	}
}
