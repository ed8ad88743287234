//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"llmtap/internal/call"
	"llmtap/internal/faultllm"
)

// recordsOf returns the agent's records, oldest first, once there are n.
func recordsOf(t *testing.T, a *peerAgent, n int) []call.Record {
	t.Helper()
	var page struct {
		Calls []call.Record `json:"calls"`
	}
	peerUntil(t, 10*time.Second, func() string {
		status, body := a.get("/api/v1/calls?limit=1000")
		page.Calls = nil
		if err := json.Unmarshal([]byte(body), &page); status != http.StatusOK || err != nil {
			t.Fatalf("GET calls: %d %v %s", status, err, clip(body))
		}
		if len(page.Calls) < n {
			return fmt.Sprintf("%d records, want %d", len(page.Calls), n)
		}
		return ""
	})
	slices.Reverse(page.Calls)
	return page.Calls
}

// checkRecords holds what the agent recorded of a matrix against what the
// client is and what the service did.
func checkRecords(t *testing.T, a *peerAgent, p program, list []task) {
	t.Helper()
	want := 0
	for _, k := range list {
		want += max(k.Repeat, 1)
		if p.argv != nil {
			want += k.Retries
		}
	}
	records := recordsOf(t, a, want)
	if len(records) != want {
		t.Errorf("%d records, want %d: one for each request on the wire", len(records), want)
	}
	for i := range records {
		checkClient(t, &records[i], p)
		checkClass(t, &records[i], p)
	}
	for _, row := range exact(p) {
		row.check(t, records)
	}
	if p.argv != nil {
		checkRetries(t, records)
	}
}

// checkClient: who called, and over which HTTP.
func checkClient(t *testing.T, r *call.Record, p program) {
	t.Helper()
	sdk := p.sdk
	if sdk == "" {
		sdk = p.client
	}
	if r.Client.Name != p.client || r.Client.SDK != sdk || r.Client.SDKVersion == "" {
		t.Errorf("%s: client %q, sdk %q %q; want %q, %q and a version", scenarioOf(r), r.Client.Name, r.Client.SDK, r.Client.SDKVersion, p.client, sdk)
	}
	if r.Request.HTTP != p.http || r.Agent.View != call.ViewFull || r.Agent.Mode != call.CaptureMITM {
		t.Errorf("%s: HTTP %s, view %v, mode %v; want %s, full, mitm", scenarioOf(r), r.Request.HTTP, r.Agent.View, r.Agent.Mode, p.http)
	}
	if api := map[string]string{"contoso.openai.azure.com": "azure.openai.chat"}[r.Target.Host]; api != "" && r.Target.API != api || r.Target.API == "" {
		t.Errorf("%s at %s: api %q", scenarioOf(r), r.Target.Host, r.Target.API)
	}
}

func scenarioOf(r *call.Record) string {
	if r.Target.Deployment != "" {
		return r.Target.Deployment
	}
	return r.Target.Model
}

// unjudged lists the scenarios whose class is another one in this run, and why.
// Those that last or wait for the client to leave are left out by their row.
func unjudged() map[string]string {
	return map[string]string{
		"ok-retry":     "fails every second time",
		"flaky-500":    "fails twice of three times",
		"idle-closed":  "healthy on a fresh connection",
		"switch-101":   "wants GET with Upgrade",
		"cl-cancel":    "the client stays",
		"cl-timeout":   "the client stays",
		"buf-short":    "depends on the pace",
		"tool-index":   "the decoder of chat completions does not join tool calls",
		"tool-cut":     "the decoder of chat completions does not join tool calls",
		"dup-cumul":    "no text is kept to be compared",
		"dup-double":   "no text is kept to be compared",
		"status-204":   "a 204 is taken for a whole answer",
		"unclean-done": "a client that leaves at [DONE] does not see it",
	}
}

// checkClass compares the diagnosis with what the scenario must get. A client
// that left, as some do on legal but odd events, is judged by that.
func checkClass(t *testing.T, r *call.Record, p program) {
	t.Helper()
	list := faultllm.Scenarios()
	i := slices.IndexFunc(list, func(s faultllm.Scenario) bool { return s.ID == scenarioOf(r) })
	if i < 0 {
		return
	}
	s := list[i]
	if s.Takes > 0 || s.Leaves != "" || s.HTTP != "" && s.HTTP != p.http || unjudged()[s.ID] != "" || r.Request.Mode == call.ModeUnknown {
		return
	}
	want, got := s.ClassOf(r.Request.Mode == call.ModeStream), r.Diagnosis.Class.String()
	if s.ID == "mode-sse-absent" && r.Request.StreamFlag == call.StreamFalse {
		want = "ok" // LangChain always sends the flag
	}
	if r.Request.StreamFlag == call.StreamTrue && s.Needs == `"stream":"true"` {
		want = "ok" // openai-go sends true whatever else was set
	}
	if got == want || r.End.Side == call.SideClient && (got == "client_choked" || got == "client_cancelled") {
		return
	}
	if r.End.Side == call.SideClient && !r.End.Terminal && r.Response.Status >= 500 {
		return // openai-go resets the stream before it retries; the body may come too late to be seen
	}
	t.Errorf("%s %v: class %s (%s), end %v/%v terminal %v; want class %s",
		s.ID, r.Request.Mode, got, r.Diagnosis.Reason, r.End.Side, r.End.Kind, r.End.Terminal, want)
}

// exactRow is a record pinned field by field.
type exactRow struct {
	scenario string
	mode     call.Mode
	status   int
	framing  call.Framing
	finish   []string
	terminal bool
	class    string
}

func exact(p program) []exactRow {
	rows := []exactRow{
		{"ok-plain", call.ModePlain, 200, call.FramingJSON, []string{"stop"}, true, "ok"},
		{"ok-plain", call.ModeStream, 200, call.FramingSSE, []string{"stop"}, true, "ok"},
		{"ok-azure", call.ModeStream, 200, call.FramingSSE, []string{"stop"}, true, "ok"},
		{"ok-tools", call.ModePlain, 200, call.FramingJSON, []string{"tool_calls"}, true, "ok"},
		{"stream-500-apim", call.ModePlain, 200, call.FramingJSON, []string{"stop"}, true, "ok"},
		{"stream-500-apim", call.ModeStream, 500, call.FramingJSON, nil, true, "gateway_error_opaque"},
		{"refuse-400", call.ModeStream, 400, call.FramingJSON, nil, true, "stream_unsupported"},
		{"mode-json", call.ModeStream, 200, call.FramingJSON, []string{"stop"}, true, "stream_downgraded"},
		{"inc-eof", call.ModeStream, 200, call.FramingSSE, nil, false, "stream_incomplete"},
		{"cut-chunk", call.ModeStream, 200, call.FramingSSE, nil, false, "stream_truncated"},
		{"enc-gzip", call.ModePlain, 200, call.FramingJSON, []string{"stop"}, true, "ok"},
		{"enc-gzip", call.ModeStream, 200, call.FramingSSE, []string{"stop"}, true, "ok"},
		{"nf-html", call.ModePlain, 404, call.FramingHTML, nil, true, "endpoint_not_found"},
	}
	if p.http == "2" {
		rows = append(rows, exactRow{"cut-h2", call.ModeStream, 200, call.FramingSSE, nil, false, "stream_truncated"})
	}
	return rows
}

func (w exactRow) check(t *testing.T, records []call.Record) {
	t.Helper()
	i := slices.IndexFunc(records, func(r call.Record) bool { return scenarioOf(&r) == w.scenario && r.Request.Mode == w.mode })
	if i < 0 {
		t.Errorf("%s %v: no record", w.scenario, w.mode)
		return
	}
	r := records[i]
	got := exactRow{w.scenario, r.Request.Mode, r.Response.Status, r.Response.Body.Framing, r.Response.FinishReasons, r.End.Terminal, r.Diagnosis.Class.String()}
	if fmt.Sprint(got) != fmt.Sprint(w) {
		t.Errorf("record %s\n got  %v\n want %v", r.Identity.ID, got, w)
	}
	flag := r.Request.StreamFlag
	if w.mode == call.ModeStream && flag != call.StreamTrue || w.mode == call.ModePlain && flag != call.StreamFalse && flag != call.StreamAbsent {
		t.Errorf("%s %v: stream flag %v", w.scenario, w.mode, flag)
	}
	if r.Response.HTTP != r.Request.HTTP || r.Identity.Attempt != 1 {
		t.Errorf("%s %v: answered over %s, asked over %s, attempt %d", w.scenario, w.mode, r.Response.HTTP, r.Request.HTTP, r.Identity.Attempt)
	}
}

// checkRetries: the three attempts of one message are one logical call in one trace.
func checkRetries(t *testing.T, records []call.Record) {
	t.Helper()
	for _, m := range []call.Mode{call.ModePlain, call.ModeStream} {
		var attempts []int
		logical, traces := map[string]bool{}, map[string]bool{}
		for i := range records {
			r := &records[i]
			if r.Target.Host == "llm.test" && scenarioOf(r) == "e500-openai" && r.Request.Mode == m {
				attempts = append(attempts, r.Identity.Attempt)
				logical[r.Identity.Logical] = true
				traces[r.Identity.Span.Trace] = true
			}
		}
		if !slices.Equal(attempts, []int{1, 2, 3}) || len(logical) != 1 || len(traces) != 1 {
			t.Errorf("a %v call with two retries: attempts %v in %d logical calls and %d traces, want 1 2 3 in one", m, attempts, len(logical), len(traces))
		}
	}
}
