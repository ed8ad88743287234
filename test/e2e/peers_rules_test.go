//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// peerPromtools are the two lines of Prometheus that rules are written for.
var peerPromtools = []string{"promtool", "promtool-3"}

// peerDashboards is the folder of rules and their tests.
func peerDashboards(t testing.TB) string {
	t.Helper()
	root, err := peerRoot()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "dashboards")
}

// peerTool runs a program to its end and returns what it said.
func peerTool(t testing.TB, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(peerProgram(t, name), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestRules: both promtools accept the rules without a lint, and every alert
// fires, stays quiet and resolves as its tests say.
func TestRules(t *testing.T) {
	t.Parallel()
	dir := peerDashboards(t)
	rules, tests := peerFiles(t, dir, "rules"), peerFiles(t, dir, "tests")
	example := filepath.Join(dir, "..", "deploy", "prometheus", "prometheus.yml")
	for _, tool := range peerPromtools {
		for name, args := range map[string][]string{
			"lint":    append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, rules...),
			"tests":   append([]string{"test", "rules"}, tests...),
			"example": {"check", "config", example},
		} {
			t.Run(tool+"/"+name, func(t *testing.T) {
				t.Parallel()
				if out, err := peerTool(t, tool, args...); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

// TestRuleTestsCanFail: with increase() as everybody writes it the newborn
// failures are invisible, and the tests say so.
func TestRuleTestsCanFail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(peerDashboards(t))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "rules", "calls.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`\(\((increase\([^)]*\)) and [^)]*\) or \([^)]*\)\)`)
	naive := form.ReplaceAll(b, []byte("$1"))
	if bytes.Equal(naive, b) {
		t.Fatal("no small count found")
	}
	if err := os.WriteFile(file, naive, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tool := range peerPromtools {
		out, err := peerTool(t, tool, "test", "rules", filepath.Join(dir, "tests", "newborn_test.yaml"))
		if err == nil || !strings.Contains(out, "LLMStreamingIncompatibilitySuspected") {
			t.Errorf("%s did not miss the alert: %v\n%s", tool, err, out)
		}
	}
}

func peerFiles(t testing.TB, dir, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, kind, "*.yaml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files of %s: %v", len(files), kind, err)
	}
	return files
}

// peerAlerts are alerts as they reach Alertmanager, by a name of the test's own.
var peerAlerts = map[string]map[string]string{
	"refused":           {"alertname": "LLMStreamingRefused", "server_address": "t", "gen_ai_request_model": "m", "severity": "warning"},
	"suspected":         {"alertname": "LLMStreamingIncompatibilitySuspected", "evidence": "verdict", "server_address": "t", "gen_ai_request_model": "m", "severity": "warning"},
	"suspected other":   {"alertname": "LLMStreamingIncompatibilitySuspected", "evidence": "verdict", "server_address": "t", "gen_ai_request_model": "n", "severity": "warning"},
	"counted other":     {"alertname": "LLMStreamingIncompatibilitySuspected", "evidence": "counts", "server_address": "t", "gen_ai_request_model": "n", "severity": "warning"},
	"plain":             {"alertname": "LLMPlainCallsFail", "server_address": "t", "gen_ai_request_model": "m", "severity": "warning"},
	"buffered":          {"alertname": "LLMStreamsBuffered", "server_address": "t", "severity": "info"},
	"late a":            {"alertname": "LLMAgentAddsLatency", "instance": "a", "severity": "warning"},
	"losing a":          {"alertname": "LLMAgentLosingRecords", "instance": "a", "severity": "warning"},
	"losing b":          {"alertname": "LLMAgentLosingRecords", "instance": "b", "severity": "warning"},
	"down b":            {"alertname": "LLMAgentDown", "scope": "instance", "instance": "b", "severity": "critical"},
	"down all":          {"alertname": "LLMAgentDown", "scope": "all", "severity": "critical"},
	"expiring":          {"alertname": "LLMAgentCAExpiring", "instance": "a", "severity": "warning"},
	"expiring soon":     {"alertname": "LLMAgentCAExpiring", "instance": "a", "severity": "critical"},
	"of somebody else":  {"alertname": "NodeDown", "instance": "b", "severity": "critical"},
	"expiring, another": {"alertname": "LLMAgentCAExpiring", "instance": "b", "severity": "warning"},
}

// TestInhibitions asks the real Alertmanager which alert makes which needless.
func TestInhibitions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		firing, mute []string
	}{
		{"refused in words beats suspected, of the same model", []string{"refused", "suspected", "suspected other", "plain"}, []string{"suspected"}},
		{"the verdict beats counts", []string{"suspected other", "counted other", "plain"}, []string{"counted other"}},
		{"a late agent excuses buffered streams", []string{"late a", "buffered", "plain"}, []string{"buffered"}},
		{"one agent down hides what is said of it", []string{"down b", "losing a", "losing b", "plain", "of somebody else"}, []string{"losing b"}},
		{"no agent hides all of ours", []string{"down all", "down b", "losing a", "plain", "refused", "of somebody else"}, []string{"losing a", "plain", "refused"}},
		{"critical beats warning", []string{"expiring", "expiring soon", "expiring, another"}, []string{"expiring"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := startPeerAlertmanager(t).inhibited(c.firing)
			if slices.Sort(c.mute); !slices.Equal(got, c.mute) {
				t.Errorf("inhibited %q, want %q", got, c.mute)
			}
		})
	}
}

// peerAlertmanager is an Alertmanager of its own with our example.
type peerAlertmanager struct {
	t    testing.TB
	base string
}

func startPeerAlertmanager(t testing.TB) *peerAlertmanager {
	t.Helper()
	config := filepath.Join(peerDashboards(t), "..", "deploy", "prometheus", "alertmanager.yml")
	if out, err := peerTool(t, "amtool", "check-config", config); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	port := peerPort(t)
	peerRun(t, nil, peerProgram(t, "alertmanager"), "--config.file="+config, "--storage.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:"+port, "--cluster.listen-address=", "--log.level=warn")
	m := &peerAlertmanager{t: t, base: "http://127.0.0.1:" + port}
	peerUntil(t, 30*time.Second, func() string {
		resp, err := peerDirect().Get(m.base + "/-/ready")
		if err != nil {
			return err.Error()
		}
		if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
			return "Alertmanager says " + resp.Status
		}
		return ""
	})
	return m
}

// inhibited fires alerts and returns, sorted, those that another one mutes.
func (m *peerAlertmanager) inhibited(firing []string) []string {
	m.t.Helper()
	var alerts []map[string]any
	for _, name := range firing {
		alerts = append(alerts, map[string]any{"labels": peerAlerts[name], "annotations": map[string]string{"name": name}})
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		m.t.Fatal(err)
	}
	resp, err := peerDirect().Post(m.base+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
		m.t.Fatalf("Alertmanager takes the alerts with %s", resp.Status)
	}
	var got []struct {
		Annotations struct{ Name string }
		Status      struct{ InhibitedBy []string }
	}
	var muted []string
	// The inhibitor learns of alerts a moment after they are accepted; it has
	// them all when the answer no longer changes.
	last, same := "", 0
	peerUntil(m.t, 20*time.Second, func() string {
		resp, err := peerDirect().Get(m.base + "/api/v2/alerts")
		if err != nil {
			return err.Error()
		}
		defer func() { _ = resp.Body.Close() }()
		got, muted = nil, nil
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
			return err.Error()
		}
		for _, a := range got {
			if len(a.Status.InhibitedBy) > 0 {
				muted = append(muted, a.Annotations.Name)
			}
		}
		slices.Sort(muted)
		now := fmt.Sprint(len(got), muted)
		if same++; now != last || len(got) != len(firing) {
			last, same = now, 0
		}
		if same < 10 {
			return fmt.Sprintf("%d of %d alerts, inhibited %q", len(got), len(firing), muted)
		}
		return ""
	})
	return muted
}
