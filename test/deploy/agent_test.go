//go:build e2e

package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// hubSaw is what the servers of a hub were given, and what their users read.
type hubSaw struct {
	Ready, Away, Refused, Again map[string]string
	Text                        []string
	Tokens, Hooked              int
}

// hub plays a hub with a configuration.
func hub(t *testing.T, config string, vars ...string) hubSaw {
	t.Helper()
	need(t, "python3")
	var got hubSaw
	out := shell(t, vars, "python3", "testdata/hub.py", config)
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return got
}

// TestHubGivesEachUserItsToken: the configuration for JupyterHub gives servers
// what the agent says, paths that their users can read, and nothing of it
// when the agent is away; then servers start or are refused, as was chosen,
// and their users are told.
func TestHubGivesEachUserItsToken(t *testing.T) {
	state, public := agent(t), t.TempDir()
	vars := map[string]string{}
	if err := json.Unmarshal([]byte(shell(t, nil, agentBinary(t), "env", "--user", "ann@example.org", "--format", "json", "--state-dir", state)), &vars); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "llmtap.py")
	text := shell(t, nil, agentBinary(t), "env", "--format", "jupyterhub", "--state-dir", state)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := hub(t, config, "PUBLIC="+public)
	for name, want := range vars {
		switch {
		case strings.EqualFold(name, "no_proxy"):
			want = "corp.example,localhost,127.0.0.1,::1,hub,proxy-api,proxy-public,.svc,.cluster.local,169.254.169.254,10.0.0.5"
		case strings.HasPrefix(want, state):
			want = filepath.Join(public, filepath.Base(want))
			if st, err := os.Stat(want); err != nil || st.Mode().Perm() != 0o644 {
				t.Errorf("%s: users get %s (%v)", name, want, err)
			}
		}
		for start, given := range map[string]map[string]string{"first": got.Ready, "after a failure": got.Again} {
			if given[name] != want || given["OWN"] != "kept" || len(given) != len(vars)+1 {
				t.Errorf("%s start: %s is %q, want %q", start, name, given[name], want)
			}
		}
	}
	for start, given := range map[string]map[string]string{"without": got.Away, "refused": got.Refused} {
		if len(given) != 2 || given["OWN"] != "kept" || given["NO_PROXY"] != "corp.example" {
			t.Errorf("%s an agent the server gets %v", start, given)
		}
	}
	for i, want := range []string{"go through llmtap", "are not seen", "was not started", "go through llmtap"} {
		if len(got.Text) != 4 || !strings.Contains(got.Text[i], want) {
			t.Errorf("users read %q, want %q at %d", got.Text, want, i)
		}
	}
	if got.Tokens != 500 || got.Hooked != 504 {
		t.Errorf("%d tokens of 500 users; the admin's own hook ran %d times", got.Tokens, got.Hooked)
	}
}

// TestPackagedConfigIsTheSameCode: the file that the guide copies is what the
// command prints but for the agent's places, and fits the packaged agent.
func TestPackagedConfigIsTheSameCode(t *testing.T) {
	state := agent(t)
	printed := strings.Split(shell(t, nil, agentBinary(t), "env", "--format", "jupyterhub", "--state-dir", state), "\n")
	packaged := strings.Split(read(t, root+"/jupyterhub/llmtap.py"), "\n")
	if len(printed) < len(packaged) {
		t.Fatalf("%d lines printed, %d packaged", len(printed), len(packaged))
	}
	printed = printed[len(printed)-len(packaged):] // a warning may come before
	for i, line := range packaged {
		name, _, _ := strings.Cut(line, " = ")
		if line != printed[i] && !slices.Contains([]string{"PROXY", "READY", "STATE", "PUBLIC"}, name) {
			t.Errorf("line %d: printed %q, packaged %q", i+1, printed[i], line)
		}
	}
	unit, settings := read(t, root+"/systemd/llmtap.service"), read(t, root+"/deb/llmtap.yaml")
	for text, in := range map[string]string{
		`STATE = "/var/lib/llmtap"`: unit, `PUBLIC = "/run/llmtap"`: unit, `PROXY = "127.0.0.1:4141"`: settings, `READY = "http://127.0.0.1:4142/readyz"`: settings,
	} {
		value := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(strings.SplitN(text, " = ", 2)[1], `"http://`), `/readyz"`), `"`)
		if !strings.Contains(in, value) || !strings.Contains(read(t, root+"/jupyterhub/llmtap.py"), text) {
			t.Errorf("the packaged agent and its hub differ about %s", text)
		}
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
