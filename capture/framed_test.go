package capture_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"llmtap/internal/call"
)

// framedCalls are healthy calls of Ollama and Bedrock: one streamed, one plain.
var framedCalls = []struct{ name, path, body string }{
	{"ollama-stream", "/api/chat", `{"model":"llama3.2","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}],"options":{"temperature":0.5,"num_predict":64}}`},
	{"ollama-plain", "/api/chat", `{"model":"llama3.2","messages":[{"role":"user","content":"hi"}],"stream":false,"tools":[{"type":"function","function":{"name":"f"}}]}`},
	{"converse-stream", "/model/eu.acme.m-v1%3A0/converse-stream", `{"messages":[{"role":"user","content":[{"text":"hi"}]}],"inferenceConfig":{"maxTokens":64,"temperature":0.5}}`},
	{"converse-plain", "/model/eu.acme.m-v1%3A0/converse", `{"messages":[{"role":"user","content":[{"text":"hi"}]}],"toolConfig":{"tools":[{"toolSpec":{"name":"f"}}]}}`},
	{"invoke-stream", "/model/anthropic.c-1/invoke-with-response-stream", `{"anthropic_version":"bedrock-2023-05-31","max_tokens":64,"messages":[{"role":"user","content":"hi"}]}`},
	{"invoke-plain", "/model/anthropic.c-1/invoke", `{"anthropic_version":"bedrock-2023-05-31","max_tokens":64,"messages":[{"role":"user","content":"hi"}]}`},
}

// TestRecordsOfFramedCalls pins every field of their records, and that a
// streamed and a plain call say the same. UPDATE=1 rewrites them.
func TestRecordsOfFramedCalls(t *testing.T) {
	for _, proto := range []string{"http/1.1", "h2"} {
		var streamed call.Record
		for i, c := range framedCalls {
			t.Run(c.name+"/"+strings.TrimPrefix(proto, "http/"), func(t *testing.T) {
				r := newRig(t)
				target, _ := r.faults(proto)
				req, err := http.NewRequest("POST", "https://"+target+c.path, strings.NewReader(c.body))
				check(t, err)
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("User-Agent", "Boto3/1.44.5 Botocore/1.44.5")
				resp, err := r.client().Do(req)
				check(t, err)
				_, err = io.Copy(io.Discard, resp.Body)
				check(t, err)
				check(t, resp.Body.Close())
				rec := r.next()
				if i%2 == 0 {
					streamed = rec
				} else if rec.Response.Model != streamed.Response.Model || rec.Usage.Output != streamed.Usage.Output ||
					strings.Join(rec.Response.FinishReasons, " ") != strings.Join(streamed.Response.FinishReasons, " ") {
					t.Errorf("plain %+v %+v, streamed %+v %+v", rec.Response, rec.Usage, streamed.Response, streamed.Usage)
				}
				golden(t, c.name+"-"+strings.NewReplacer("http/", "h", ".", "").Replace(proto), rec, target)
			})
		}
	}
}
