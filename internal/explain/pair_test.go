package explain_test

import (
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/explain"
	"llmtap/internal/faultllm"
)

// TestPairProvesTheCase: pasted into a shell, with a real curl and a service
// that cannot stream, the call as it was sent fails and the changed one works.
func TestPairProvesTheCase(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl here")
	}
	service := httptest.NewServer(faultllm.New(faultllm.Config{}))
	defer service.Close()
	u, err := url.Parse(service.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	r := streamCall(failed(call.ClassGatewayErrorOpaque, 500), func(r *call.Record) {
		r.Target.Scheme, r.Target.Host, r.Target.Port, r.Target.Deployment = "http", u.Hostname(), port, "stream-500-apim"
		r.Request.Path = "/openai/deployments/stream-500-apim/chat/completions"
		r.Request.URL = service.URL + r.Request.Path + "?api-version=2024-10-21"
	})
	p := explain.Curl(r)
	for name, tc := range map[string]struct {
		text, status string
		exit         int
		body         string
	}{
		"as sent": {p.AsSent.Text, "500", 22, "Internal server error"},
		"changed": {p.Changed.Text, "200", 0, `"chat.completion"`},
	} {
		cmd := exec.Command("sh", "-c", tc.text)
		cmd.Env = append(secrets(), "NO_PROXY=*")
		out, err := cmd.Output()
		if code := cmd.ProcessState.ExitCode(); code != tc.exit {
			t.Errorf("%s: exit status %d (%v)", name, code, err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if lines[len(lines)-1] != tc.status || !strings.Contains(string(out), tc.body) {
			t.Errorf("%s: got\n%s", name, out)
		}
	}
}
