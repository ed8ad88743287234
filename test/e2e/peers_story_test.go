//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// peerCall is one request of a client in these tests.
type peerCall struct {
	url     string
	body    string
	headers map[string]string
}

func peerDeployment(base, deployment string) string {
	return base + "/openai/deployments/" + deployment + "/chat/completions?api-version=2024-10-21"
}

const peerMessages = `"messages":[{"role":"user","content":"Who owns the owls?"}]`

// peerSend makes a call and returns its status and body; the body is read to its end.
func peerSend(t testing.TB, c *http.Client, p peerCall) (int, string) {
	t.Helper()
	resp := peerOpen(t, c, p)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read answer of %s: %v", p.url, err)
	}
	return resp.StatusCode, string(b)
}

// peerOpen makes a call and leaves its answer to the caller.
func peerOpen(t testing.TB, c *http.Client, p peerCall) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.url, strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range p.headers {
		req.Header.Set(k, v)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("POST %s: %v", p.url, err)
	}
	return resp
}

// peerFramework is what LangChain on openai-python sends; retry counts from 0.
func peerFramework(retry int) map[string]string {
	return map[string]string{
		"User-Agent": "langchain-partner-python-azure-openai", "X-Stainless-Lang": "python", "X-Stainless-Package-Version": "1.60.1",
		"X-Stainless-Async": "async:asyncio", "Accept": "application/json", "api-key": "e2e-key", "x-stainless-retry-count": fmt.Sprint(retry),
	}
}

// The story of jupyter-ai#1208, and two streams that work: how many wire
// attempts and logical calls it is.
const (
	peerStoryAttempts = 7
	peerStoryFailing  = "stream-500-apim"
)

// peerStory plays it: a direct plain call works, the framework's streamed one
// fails three times, its plain one works; then a stream that works, over h1 and h2.
func peerStory(t testing.TB, a *peerAgent, up *peerService) {
	t.Helper()
	c := a.client(false)
	expect := func(want int, p peerCall) {
		t.Helper()
		if got, body := peerSend(t, c, p); got != want {
			t.Fatalf("%s answered %d %s, want %d", p.url, got, body, want)
		}
	}
	failing := peerDeployment(up.base(), peerStoryFailing)
	curl := map[string]string{"User-Agent": "curl/8.5.0", "api-key": "e2e-key"}
	expect(200, peerCall{failing, `{` + peerMessages + `}`, curl})
	for try := range 3 {
		expect(500, peerCall{failing, `{` + peerMessages + `,"model":null,"stream":true}`, peerFramework(try)})
	}
	expect(200, peerCall{failing, `{` + peerMessages + `,"model":null,"stream":false}`, peerFramework(0)})
	stream := `{"model":"gpt-4o",` + peerMessages + `,"stream":true,"stream_options":{"include_usage":true}}`
	for _, h2 := range []bool{false, true} {
		status, body := peerSend(t, a.client(h2), peerCall{up.base() + "/v1/chat/completions", stream, curl})
		if status != 200 || !strings.HasSuffix(body, "data: [DONE]\n\n") {
			t.Fatalf("healthy stream, h2 %t: %d %q", h2, status, body)
		}
	}
}

// records returns what the agent kept, oldest first, once there are n.
func (a *peerAgent) records(n int) []call.Record {
	a.t.Helper()
	var out struct {
		Calls []call.Record `json:"calls"`
	}
	peerUntil(a.t, 10*time.Second, func() string {
		status, body := a.get("/api/v1/calls?limit=200")
		if status != http.StatusOK {
			return fmt.Sprintf("/api/v1/calls says %d %s", status, body)
		}
		out.Calls = nil
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			a.t.Fatalf("/api/v1/calls: %v", err)
		}
		if len(out.Calls) != n {
			return fmt.Sprintf("%d records, want %d", len(out.Calls), n)
		}
		return ""
	})
	slices.Reverse(out.Calls)
	return out.Calls
}

// peerStored reads what `llmtap calls --json` printed, newest first.
func peerStored(t testing.TB, text string) []call.Record {
	t.Helper()
	var out []call.Record
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	for dec.More() {
		var r call.Record
		if err := dec.Decode(&r); err != nil {
			t.Fatalf("calls --json: %v\n%s", err, text)
		}
		out = append(out, r)
	}
	return out
}
