//go:build e2e

package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCommandsExist: every llmtap command line of deploy names a command that
// exists, with flags that it has.
func TestCommandsExist(t *testing.T) {
	bin, seen := agentBinary(t), 0
	for _, path := range files(t, "") {
		for _, line := range commandLines(read(t, path)) {
			seen++
			words := strings.Fields(line)
			help := shell(t, nil, bin, words[0], "--help")
			for _, w := range words[1:] {
				if name, _, _ := strings.Cut(w, "="); strings.HasPrefix(w, "--") && !regexp.MustCompile(name+`\b`).MatchString(help) {
					t.Errorf("%s: llmtap %s has no %s", path, words[0], w)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d command lines were found", seen)
	}
}

// commandLines finds llmtap's words in lists (YAML, Dockerfile, Python) and
// after its path in scripts and units.
func commandLines(text string) []string {
	var out []string
	list := regexp.MustCompile(`\[(?:"?/llmtap"?, )?"?((?:run|check|faultllm|env)\b[^\]]*)\]`)
	for _, m := range list.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.NewReplacer(`"`, "", ",", " ").Replace(m[1]))
	}
	for _, m := range regexp.MustCompile(`(?m)(?:/usr/bin|agent )/?/llmtap ([a-z].*?)(?:\||$)`).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// TestConfigurationsAreAccepted: the agent knows every key. The address that
// cannot be is what stops it.
func TestConfigurationsAreAccepted(t *testing.T) {
	var conf struct{ Data map[string]string }
	decode(t, "kubernetes/base/configmap.yaml", &conf)
	for name, text := range map[string]string{
		"package": read(t, root+"/deb/llmtap.yaml"), "compose": read(t, root+"/compose/llmtap.yaml"), "kubernetes": conf.Data["llmtap.yaml"],
	} {
		path := filepath.Join(t.TempDir(), "llmtap.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), agentBinary(t), "run", "--config", path, "--route-listen", "nowhere", "--state-dir", t.TempDir())
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		if out, _ := cmd.CombinedOutput(); !strings.Contains(string(out), `listen address "nowhere"`) {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// agent runs until the test ends; its state directory is returned.
func agent(t *testing.T) string {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	cmd := exec.Command(agentBinary(t), "run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--proxy-auth", "optional", "--state-dir", state) //nolint:noctx // ended below
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if !awaitReady(t, state) {
		t.Fatal("the agent does not get ready")
	}
	return state
}

// awaitReady polls as a container's health check does, at most 30 seconds.
func awaitReady(t *testing.T, state string) bool {
	t.Helper()
	end := time.After(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := exec.CommandContext(t.Context(), agentBinary(t), "check", "--ready", "--state-dir", state).Run(); err == nil {
			return true
		}
		select {
		case <-tick.C:
		case <-end:
			return false
		}
	}
}

// proxyOf is the proxy's address for a user, by the agent's own word.
func proxyOf(t *testing.T, state, user string) string {
	t.Helper()
	var vars map[string]string
	if err := json.Unmarshal([]byte(shell(t, nil, agentBinary(t), "env", "--user", user, "--format", "json", "--state-dir", state)), &vars); err != nil {
		t.Fatal(err)
	}
	return vars["HTTPS_PROXY"]
}

// TestHubGivesEachUserItsToken: the configuration for JupyterHub gives servers
// what the agent says, paths that their users can read, and nothing of it
// when the agent is away.
func TestHubGivesEachUserItsToken(t *testing.T) {
	need(t, "python3")
	state := agent(t)
	var got struct{ Ready, Away map[string]string }
	out := shell(t, []string{"LLMTAP=" + agentBinary(t), "STATE=" + state}, "python3", "testdata/hub.py", root+"/jupyterhub/llmtap.py")
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if want := proxyOf(t, state, "ann@example.org"); got.Ready["HTTPS_PROXY"] != want || !strings.Contains(want, "@127.0.0.1:") {
		t.Errorf("got %q, want %q", got.Ready["HTTPS_PROXY"], want)
	}
	if got.Ready["SSL_CERT_FILE"] != "/run/llmtap/bundle.crt" || got.Ready["NODE_EXTRA_CA_CERTS"] != "/run/llmtap/ca.crt" || got.Ready["OWN"] != "kept" {
		t.Errorf("got %v", got.Ready)
	}
	if len(got.Away) != 1 || got.Away["OWN"] != "kept" {
		t.Errorf("without an agent the server gets %v", got.Away)
	}
}

// TestChartMakesTheSameToken: Zero to JupyterHub's hub has the key, not the
// agent, and must come to the same token.
func TestChartMakesTheSameToken(t *testing.T) {
	need(t, "python3")
	state := agent(t)
	var values struct {
		Hub struct {
			ExtraConfig map[string]string `yaml:"extraConfig"`
		}
	}
	decode(t, "kubernetes/z2jh/values.yaml", &values)
	code := strings.Replace(values.Hub.ExtraConfig["llmtap"], "/etc/llmtap/secret", filepath.Join(state, "secret"), 1)
	got := strings.TrimSpace(shell(t, nil, "python3", "-c", `
import types
c = types.SimpleNamespace(Spawner=types.SimpleNamespace(environment={}))
`+code+`
print(c.Spawner.environment["HTTPS_PROXY"](types.SimpleNamespace(user=types.SimpleNamespace(name="bob"))))`))
	want := proxyOf(t, state, "bob")
	if credentials, _, _ := strings.Cut(want, "@"); got != credentials+"@llmtap:4141" {
		t.Errorf("got %q, want the credentials of %q", got, want)
	}
}

// TestKustomizeBuilds what kubectl apply -k would send.
func TestKustomizeBuilds(t *testing.T) {
	tool := "../../.cache/tools/kustomize"
	if _, err := os.Stat(tool); err != nil {
		t.Skip("not tested: make e2e installs it")
	}
	for dir, want := range map[string][]string{
		"base":                {"kind: Deployment", "kind: NetworkPolicy", "image: llmtap:0.1.0", "kind: Service"},
		"overlays/monitoring": {"kind: PodMonitor", "kind: PrometheusRule", "LLMStreamingRefused", "llmtap-why.json"},
		"overlays/sidecar":    {"image: llmtap:0.1.0", "restartPolicy: Always", "value: /llmtap/state/ca/bundle.crt", "k8s-singleuser-sample"},
	} {
		out := shell(t, nil, tool, "build", filepath.Join(root, "kubernetes", dir))
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%s: no %q", dir, text)
			}
		}
	}
}
