package capture_test

import (
	"io"
	"net/http"
	"slices"
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
		{"cohere-v1", "/v1/chat", "Authorization", `"message":"hi","preamble":"Be brief.","max_tokens":64,"chat_history":[{"role":"USER","message":"hi"}]`},
		{"ollama-generate", "/api/generate", "Authorization", `"prompt":"hi","system":"Be brief.","options":{"num_predict":64,"temperature":0.5}`},
		{"cohere", "/v2/chat", "Authorization", `"max_tokens":64,"p":0.9,"k":5,"safety_mode":"NONE",` + ask},
	} {
		for _, mode := range []string{"plain", "stream"} {
			t.Run(c.name+"/"+mode, func(t *testing.T) {
				r := newRig(t)
				target, _ := r.faults("http/1.1")
				body := `{"model":"healthy",` + c.body + `}`
				switch {
				case mode == "stream":
					body = `{"model":"healthy","stream":true,` + c.body + `}`
				case c.name == "ollama-generate": // streams unless told otherwise
					body = `{"model":"healthy","stream":false,` + c.body + `}`
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

// TestFetchedResponseIsRecorded: the stream of a response that was made before
// is a call, also the rest of one. That it is looked at again whole is none.
func TestFetchedResponseIsRecorded(t *testing.T) {
	r := newRig(t)
	target, _ := r.faults("http/1.1")
	for _, query := range []string{"", "?stream=true", "?stream=true&starting_after=6"} {
		req, err := http.NewRequest("GET", "https://"+target+"/v1/responses/healthy"+query, nil)
		check(t, err)
		resp, err := r.client().Do(req)
		check(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		check(t, err)
		check(t, resp.Body.Close())
		if query == "" {
			continue
		}
		rec := r.next()
		u := rec.Usage
		if rec.Request.Method != "GET" || rec.Target.API != "openai.responses" || rec.Request.Mode != call.ModeStream || !rec.End.Terminal ||
			!slices.Equal(rec.Response.FinishReasons, []string{"stop"}) || !u.Output.Known || len(rec.Stream.Oddities) > 0 {
			t.Errorf("%s: %+v\n%+v\n%+v\n%+v\n%+v", query, rec.Target, rec.Request, rec.Response, rec.Stream, rec.End)
		}
	}
}
