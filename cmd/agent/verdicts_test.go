package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"llmtap/internal/call"
)

// page fetches what an address answers.
func page(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestVerdictSurvivesRestart: what one agent concluded, the store and the next
// agent know: the command, the API and the metrics.
func TestVerdictSurvivesRestart(t *testing.T) {
	dir := shortDir(t)
	llmtap(t, vars{}, "demo", "--once", "--state-dir", dir).wants(t, exitOK)
	said := []string{"CONFIRMED stream_only_failure", "stream-500-apim at localhost", "body.stream: true fails", "disable_streaming"}
	before := llmtap(t, vars{}, "verdicts", "--state-dir", dir)
	before.wants(t, exitOK, said...)
	if n := columns(before.stdout); n > 100 {
		t.Errorf("%d columns:\n%s", n, before.stdout)
	}

	a, info := agentOn(t, dir)
	after := llmtap(t, vars{}, "verdicts", "--state-dir", dir)
	after.wants(t, exitOK, said...)
	if before.stdout != after.stdout {
		t.Errorf("before the restart\n%s\nafter it\n%s", before.stdout, after.stdout)
	}
	metrics := page(t, info.Admin+"/metrics")
	for _, want := range []string{
		`llmtap_verdict{client_name="jupyter-ai",client_version="",gen_ai_request_model="stream-500-apim",server_address="localhost",state="confirmed",verdict="stream_only_failure"} 1`,
		`llmtap_stream_support{gen_ai_request_model="stream-500-apim",server_address="localhost"} 2`,
		`llmtap_client_first_seen_timestamp_seconds{client_kind="framework",client_name="jupyter-ai",`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%s is missing in the metrics", want)
		}
	}
	if strings.Contains(metrics, `llmtap_stream_support_changes_total{gen_ai_request_model="stream-500-apim",server_address="localhost"} 1`) {
		t.Error("the restart was counted as a change of stream support")
	}
	if code := a.stop(t); code != exitOK {
		t.Errorf("exit status %d: %s", code, a.stderr.String())
	}
}

// TestVerdictsAsJSON: one finding a line, as the contract has it.
func TestVerdictsAsJSON(t *testing.T) {
	dir := shortDir(t)
	llmtap(t, vars{}, "demo", "--once", "--state-dir", dir).wants(t, exitOK)
	r := llmtap(t, vars{}, "verdicts", "--json", "--all", "--state-dir", dir)
	r.wants(t, exitOK)
	var f call.Finding
	if err := json.Unmarshal([]byte(r.stdout), &f); err != nil {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	if f.Verdict != "stream_only_failure" || f.State != "confirmed" || len(f.Evidence.Failing) == 0 || len(f.Evidence.Working) != 2 {
		t.Errorf("got %+v", f)
	}
	want := call.Change{Path: "body.stream", Failing: "true", Working: "false"}
	if len(f.Difference) != 1 || f.Difference[0] != want {
		t.Errorf("difference %+v, want %+v", f.Difference, want)
	}
}

// TestNoVerdict: an empty store says so, and what that means.
func TestNoVerdict(t *testing.T) {
	dir := recorded(t, plainOK())
	llmtap(t, vars{}, "verdicts", "--state-dir", dir).wants(t, exitOK, "no verdict is open")
	llmtap(t, vars{}, "verdicts", "--all", "--state-dir", dir).wants(t, exitOK, "no verdict so far")
}

// TestShowNamesTheVerdict: a failing call is explained by what comparison
// knows, advice included; a call of another target is not.
func TestShowNamesTheVerdict(t *testing.T) {
	dir := shortDir(t)
	llmtap(t, vars{}, "demo", "--once", "--state-dir", dir).wants(t, exitOK)
	list := llmtap(t, vars{}, "calls", "--outcome", "error", "--state-dir", dir)
	list.wants(t, exitOK)
	rows := strings.Split(strings.TrimSpace(list.stdout), "\n")
	id := strings.Fields(rows[len(rows)-1])[1]
	llmtap(t, vars{}, "show", id, "--state-dir", dir).wants(t, exitOK,
		"verdict: stream_only_failure, confirmed", "Only streamed requests fail here", "disable_streaming")
	other := recorded(t, plainOK())
	if r := llmtap(t, vars{}, "show", plainOK().Identity.ID, "--state-dir", other); strings.Contains(r.stdout, "verdict") {
		t.Errorf("a verdict without evidence:\n%s", r.stdout)
	}
}
