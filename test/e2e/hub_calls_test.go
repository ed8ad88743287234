//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"llmtap/internal/call"
)

// TestJupyterHub: two users of a real hub call an LLM from their servers, and the
// records say who it was.
func TestJupyterHub(t *testing.T) {
	s := newHubSite(t, "LLMTAP_PROXY_AUTH=optional")
	h := hubStart(t, s.dir, s.snippet())
	for _, user := range []string{"alice", "bob"} {
		h.spawn(user)
	}
	h.ready("alice")
	h.ready("bob")
	hubCheckAnswers(t, h.calls("kernel", "alice", "", "stream", "plain"))
	hubCheckAnswers(t, h.calls("terminal", "bob", "", "stream", "plain"))
	names := []string{s.pseudonym("alice"), s.pseudonym("alice"), s.pseudonym("bob"), s.pseudonym("bob")}
	hubCheckRecords(t, recordsOf(t, s.peerAgent, 4), names)
	_, metrics := s.get("/metrics")
	for _, name := range append(names, "alice", "bob") {
		if strings.Contains(metrics, name) {
			t.Errorf("/metrics names the user %s", name)
		}
	}
	if _, body := s.get("/api/v1/verdicts"); !strings.Contains(body, `"stream_only_failure"`) || !strings.Contains(body, `"confirmed"`) {
		t.Errorf("verdicts: %s; want stream_only_failure, confirmed", body)
	}
}

// hubCheckAnswers: the streamed call failed, the plain one worked.
func hubCheckAnswers(t *testing.T, list []hubAnswer) {
	t.Helper()
	for _, a := range list {
		if a.Mode == "stream" && !strings.Contains(a.Error, "500") || a.Mode == "plain" && !strings.Contains(a.Text, "Owls hunt") {
			t.Errorf("%s: %q, error %q; want streams refused with 500 and plain calls answered", a.Mode, a.Text, a.Error)
		}
	}
}

// hubCheckRecords: pairs of a streamed and a plain call, by these users.
func hubCheckRecords(t *testing.T, records []call.Record, users []string) {
	t.Helper()
	if len(records) != len(users) {
		t.Fatalf("%d records, want %d", len(records), len(users))
	}
	for i, r := range records {
		want := map[bool]call.Class{true: call.ClassGatewayErrorOpaque, false: call.ClassOK}[r.Request.Mode == call.ModeStream]
		if r.Client.User != users[i] || r.Diagnosis.Class != want || r.Client.SDK != "openai-python" {
			t.Errorf("record %d: user %q, %v %v, sdk %q; want user %q, %v, openai-python", i+1, r.Client.User, r.Request.Mode, r.Diagnosis.Class, r.Client.SDK, users[i], want)
		}
	}
}
