package capture_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"llmtap/internal/call"
)

// nativeCalls are healthy calls of Gemini, TGI and llama.cpp, the streamed ones
// before the plain one of the same dialect.
var nativeCalls = []struct{ name, path, body string }{
	{"gemini-stream", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=owl-key-0123456789", geminiAsk},
	{"gemini-array", "/v1beta/models/gemini-2.5-flash:streamGenerateContent", geminiAsk},
	{"gemini-plain", "/v1beta/models/gemini-2.5-flash:generateContent", geminiAsk},
	{"vertex-stream", "/v1/projects/p/locations/l/endpoints/77:streamGenerateContent?alt=sse", geminiAsk},
	{"vertex-plain", "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:generateContent", geminiAsk},
	{"tgi-stream", "/generate_stream", tgiAsk},
	{"tgi-plain", "/generate", tgiAsk},
	{"llamacpp-stream", "/completion", `{"prompt":"hi","n_predict":64,"temperature":0.5,"stream":true}`},
	{"llamacpp-plain", "/completion", `{"prompt":"hi","n_predict":64,"temperature":0.5}`},
}

const (
	geminiAsk = `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"systemInstruction":{"parts":[{"text":"Be brief."}]},` +
		`"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"}]}],"generationConfig":{"temperature":0.5,"maxOutputTokens":64,"stopSequences":["END"]}}`
	tgiAsk = `{"inputs":"hi","parameters":{"max_new_tokens":64,"temperature":0.5,"details":true,"stop":["END"]}}`
)

// TestRecordsOfNativeCalls pins every field of their records, and that a
// streamed and a plain call say the same. UPDATE=1 rewrites them.
func TestRecordsOfNativeCalls(t *testing.T) {
	for _, proto := range []string{"http/1.1", "h2"} {
		var streamed []call.Record
		for _, c := range nativeCalls {
			t.Run(c.name+"/"+strings.TrimPrefix(proto, "http/"), func(t *testing.T) {
				r := newRig(t)
				target, _ := r.faults(proto)
				req, err := http.NewRequest("POST", "https://"+target+c.path, strings.NewReader(c.body))
				check(t, err)
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-Goog-Api-Key", "owl-key-0123456789")
				req.Header.Set("User-Agent", "google-genai-sdk/3.4.0 gl-python/3.11.7")
				resp, err := r.client().Do(req)
				check(t, err)
				_, err = io.Copy(io.Discard, resp.Body)
				check(t, err)
				check(t, resp.Body.Close())
				rec := r.next()
				if strings.Contains(rec.Request.URL, "owl-key") {
					t.Errorf("a key in %s", rec.Request.URL)
				}
				if rec.Request.Mode == call.ModeStream {
					streamed = append(streamed, rec)
				} else {
					agree(t, rec, streamed)
					streamed = nil
				}
				golden(t, c.name+"-"+strings.NewReplacer("http/", "h", ".", "").Replace(proto), rec, target)
			})
		}
	}
}

// agree fails where a plain record and those of streams of the same content
// differ in what was said.
func agree(t *testing.T, plain call.Record, streamed []call.Record) {
	t.Helper()
	if len(streamed) == 0 {
		t.Error("nothing to compare with")
	}
	for _, s := range streamed {
		if s.Response.Model != plain.Response.Model || s.Usage != plain.Usage || s.Target.API != plain.Target.API ||
			strings.Join(s.Response.FinishReasons, " ") != strings.Join(plain.Response.FinishReasons, " ") {
			t.Errorf("plain %+v %+v, streamed %+v %+v", plain.Response, plain.Usage, s.Response, s.Usage)
		}
		if !s.End.Terminal || !plain.End.Terminal || s.Stream.ContentEvents == 0 {
			t.Errorf("ends %+v and %+v after %d events with content", s.End, plain.End, s.Stream.ContentEvents)
		}
	}
}
