//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// peerProm is a Prometheus server of its own that scrapes one agent each second.
type peerProm struct {
	t    testing.TB
	base string
}

func startPeerProm(t testing.TB, a *peerAgent) *peerProm {
	t.Helper()
	return startPeerPromOf(t, "", a)
}

// startPeerPromOf scrapes several agents; rules are the rule files, if any.
func startPeerPromOf(t testing.TB, rules string, agents ...*peerAgent) *peerProm {
	t.Helper()
	prometheus := peerProgram(t, "prometheus")
	dir, port := t.TempDir(), peerPort(t)
	var targets []string
	for _, a := range agents {
		target, err := url.Parse(a.info.Admin)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, target.Host)
	}
	// The server asks for OpenMetrics by itself, which alone carries exemplars.
	config := fmt.Sprintf("global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 1s\n"+
		"scrape_configs:\n- job_name: llmtap\n  static_configs:\n  - targets: [%s]\n", strings.Join(targets, ", "))
	if rules != "" {
		config += fmt.Sprintf("rule_files: [%q]\n", rules)
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	peerRun(t, nil, prometheus, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:"+port, "--enable-feature=exemplar-storage", "--log.level=warn")
	p := &peerProm{t: t, base: "http://127.0.0.1:" + port}
	peerUntil(t, 30*time.Second, func() string {
		if resp, err := peerDirect().Get(p.base + "/-/ready"); err != nil {
			return err.Error()
		} else if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			return "Prometheus says " + resp.Status
		}
		return ""
	})
	return p
}

// ask sends one API query and decodes its data.
func (p *peerProm) ask(path string, q url.Values, data any) error {
	resp, err := peerDirect().Get(p.base + path + "?" + q.Encode())
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	out := struct {
		Status string
		Error  string
		Data   any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return err
	}
	if out.Status != "success" {
		return fmt.Errorf("%s: %s", path, out.Error)
	}
	return nil
}

// value is the number that an instant query yields, empty if it yields none.
func (p *peerProm) value(query string) string {
	var data struct {
		Result []struct {
			Value [2]any
		}
	}
	if err := p.ask("/api/v1/query", url.Values{"query": {query}}, &data); err != nil {
		return err.Error()
	}
	if len(data.Result) != 1 {
		return fmt.Sprintf("%d series", len(data.Result))
	}
	return fmt.Sprint(data.Result[0].Value[1])
}

// exemplars returns the trace and span ids that a metric's series carry.
func (p *peerProm) exemplars(metric string) map[string]string {
	p.t.Helper()
	var data []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	now := time.Now()
	q := url.Values{"query": {metric}, "start": {now.Add(-10 * time.Minute).Format(time.RFC3339)}, "end": {now.Add(time.Minute).Format(time.RFC3339)}}
	if err := p.ask("/api/v1/query_exemplars", q, &data); err != nil {
		p.t.Fatal(err)
	}
	out := map[string]string{}
	for _, series := range data {
		for _, e := range series.Exemplars {
			out[e.Labels["span_id"]] = e.Labels["trace_id"]
		}
	}
	return out
}

// TestPrometheus scrapes a running agent with the real server: the exposition
// is clean, one chat message that failed three times is one failed call, and
// its exemplars lead to the recorded traces.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	promtool := peerProgram(t, "promtool")
	up := peerUpstream(t)
	a := peerStart(t, peerSetup{up: up})
	p := startPeerProm(t, a)
	peerStory(t, a, up)
	records := a.records(peerStoryAttempts)

	t.Run("values", func(t *testing.T) { peerPromValues(t, p) })
	t.Run("exemplars", func(t *testing.T) { peerPromExemplars(t, p, records) })
	t.Run("promtool", func(t *testing.T) { peerPromtool(t, promtool, a) })
	t.Run("OpenMetrics", func(t *testing.T) {
		status, body := a.get("/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
		if status != http.StatusOK || !strings.HasSuffix(body, "# EOF\n") || !strings.Contains(body, `# {span_id="`) && !strings.Contains(body, `# {trace_id="`) {
			t.Errorf("not OpenMetrics with exemplars: %d, %d bytes", status, len(body))
		}
	})
}

func peerPromValues(t *testing.T, p *peerProm) {
	const target = `server_address="localhost",gen_ai_request_model="stream-500-apim"`
	for _, c := range []struct{ name, query, want string }{
		{
			"one logical failure of the framework's stream",
			`llmtap_calls_total{` + target + `,gen_ai_request_stream="true",client_kind="framework",client_name="langchain",outcome="error"}`, "1",
		},
		{"with its class and fault", `llmtap_call_failures_total{` + target + `,gen_ai_request_stream="true",failure_class="gateway_error_opaque"}`, "1"},
		{"in one first attempt", `llmtap_attempts_total{` + target + `,gen_ai_request_stream="true",attempt="first",outcome="error"}`, "1"},
		{"and two retries", `llmtap_attempts_total{` + target + `,gen_ai_request_stream="true",attempt="retry",outcome="error"}`, "2"},
		{"plain calls work", `sum(llmtap_calls_total{` + target + `,gen_ai_request_stream="false",outcome="ok"})`, "2"},
		{"of both kinds of client", `count(llmtap_calls_total{` + target + `,gen_ai_request_stream="false",outcome="ok"} == 1)`, "2"},
		{"healthy streams work", `llmtap_calls_total{gen_ai_request_model="gpt-4o",gen_ai_request_stream="true",client_kind="direct",outcome="ok"}`, "2"},
		{"and ended on their own", `llmtap_streams_ended_total{gen_ai_request_model="gpt-4o",end_side="upstream",end_kind="eof",terminal="true"}`, "2"},
		{"durations of all attempts", `sum(gen_ai_client_inference_duration_seconds_count)`, "7"},
		{"first chunks of the streams", `sum(gen_ai_client_inference_time_to_first_chunk_seconds_count)`, "2"},
		{"error types as spans have them", `sum(gen_ai_client_inference_duration_seconds_count{error_type="gateway_error_opaque"})`, "3"},
		{"usage", `sum(gen_ai_client_inference_usage_output_tokens_total) > bool 0`, "1"},
		{"calls in flight", `sum(llmtap_active_calls)`, "0"},
		{"connections that were looked into", `llmtap_tunnels_total{view="relay"} >= bool 3`, "1"},
		{"the authority", `llmtap_ca_loaded`, "1"},
		{"the store", `llmtap_store_degraded`, "0"},
		{"nothing was lost", `sum(llmtap_captures_dropped_total)`, "0"},
		{"the build", `count(llmtap_build_info{version!="",goversion!=""})`, "1"},
		{"the target is up", `up{job="llmtap"}`, "1"},
	} {
		// The logical failure is counted when its retry window has passed.
		peerUntil(t, 25*time.Second, func() string {
			if got := p.value(c.query); got != c.want {
				return fmt.Sprintf("%s: %s = %s, want %s", c.name, c.query, got, c.want)
			}
			return ""
		})
	}
}

func peerPromExemplars(t *testing.T, p *peerProm, records []call.Record) {
	spans := map[string]string{}
	for _, r := range records {
		spans[r.Identity.Span.Span] = r.Identity.Span.Trace
	}
	for metric, least := range map[string]int{
		"gen_ai_client_inference_duration_seconds_bucket":            2,
		"gen_ai_client_inference_time_to_first_chunk_seconds_bucket": 1,
		"llmtap_stream_max_gap_seconds_bucket":                       1,
		"llmtap_call_failures_total":                                 1,
	} {
		got := p.exemplars(metric)
		if len(got) < least {
			t.Errorf("%s has %d exemplars, want at least %d", metric, len(got), least)
		}
		for span, trace := range got {
			if spans[span] != trace || trace == "" {
				t.Errorf("%s leads to trace %s span %s, which no record has", metric, trace, span)
			}
		}
	}
	last := records[3].Identity.Span // the third attempt of the failed call
	if got := p.exemplars("llmtap_call_failures_total"); got[last.Span] != last.Trace {
		t.Errorf("the failure's exemplar is %v, want the last attempt %s of %s", got, last.Span, last.Trace)
	}
}

func peerPromtool(t *testing.T, promtool string, a *peerAgent) {
	_, body := a.get("/metrics")
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Env, cmd.Stdin = []string{"PATH=" + os.Getenv("PATH")}, strings.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
