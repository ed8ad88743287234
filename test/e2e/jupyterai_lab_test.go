//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/call"
)

const (
	aiEndpoint = "https://contoso.openai.azure.com"
	aiVersion  = "2024-02-15-preview"
	// aiKey is the user's; it must be in no record.
	aiKey = "e2e0123456789abcdef0123456789abcd"
)

// jupyter is one installed version of Jupyter AI with the files of one user.
type jupyter struct {
	version string
	// dialect is openai up to 2.12, whose settings have other names.
	dialect    string
	deployment string
	bin        string // of its environment
	home       string // what the user and the server write
	state      string // llmtap's
	n          *internet
}

// jupyterOf skips, and on CI fails, without the environment: a version, with more
// behind a hyphen if there are several of one.
func jupyterOf(t *testing.T, name string) *jupyter {
	t.Helper()
	cache, err := peerCache()
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ := strings.Cut(name, "-")
	j := &jupyter{
		version: version, deployment: "stream-500-apim", bin: filepath.Join(cache, "jupyter", name, "bin"),
		home: t.TempDir(), state: t.TempDir(), n: newInternetOf(t, newIdentity(t), newAIService().serve),
	}
	if version == "2.11.0" || version == "2.12.0" {
		j.dialect = "openai"
	}
	if _, err := os.Stat(filepath.Join(j.bin, "jupyter")); err != nil {
		peerUnable(t, "Jupyter AI "+name+" is not installed; run test/e2e/setup-jupyterai.sh")
	}
	for _, dir := range []string{"config", "data", "ipython", "work"} {
		if err := os.Mkdir(filepath.Join(j.home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func (j *jupyter) major() int { return int(j.version[0] - '0') }

// env is the user's: nothing of it names llmtap.
func (j *jupyter) env() []string {
	env := []string{
		"PATH=" + j.bin + ":" + os.Getenv("PATH"), "HOME=" + j.home, "LANG=C.UTF-8", "PYTHONWARNINGS=ignore",
		"JUPYTER_CONFIG_DIR=" + filepath.Join(j.home, "config"), "JUPYTER_DATA_DIR=" + filepath.Join(j.home, "data"),
		"IPYTHONDIR=" + filepath.Join(j.home, "ipython"),
	}
	if j.major() == 3 {
		env = append(env, "LITELLM_LOCAL_MODEL_COST_MAP=True", "AZURE_API_BASE="+aiEndpoint,
			"AZURE_API_VERSION="+aiVersion, "AZURE_API_KEY="+aiKey)
	}
	return env
}

// setting adds a line to a file of the server's configuration.
func (j *jupyter) setting(t *testing.T, file, line string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(j.home, "config", file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("c = get_config()\n" + line + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// lab is JupyterLab under llmtap exec.
type lab struct {
	j       *jupyter
	process *peerProcess
	url     string
	summary string
}

// lab starts it; stop ends it.
func (j *jupyter) lab(t *testing.T) *lab {
	t.Helper()
	port := peerPort(t)
	l := &lab{j: j, url: "http://127.0.0.1:" + port, summary: filepath.Join(t.TempDir(), "seen.json")}
	bin, err := peerBinary()
	if err != nil {
		t.Fatal(err)
	}
	l.process = peerRun(t, j.env(), bin, "exec", "--state-dir", j.state, "--upstream-proxy", j.n.proxy, "--upstream-ca", j.n.id.file,
		"--summary", l.summary, "--", filepath.Join(j.bin, "jupyter"), "lab", "--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port="+port,
		"--ServerApp.port_retries=0", "--IdentityProvider.token=e2e", "--ServerApp.disable_check_xsrf=True", "--ServerApp.allow_root=True",
		"--ServerApp.root_dir="+filepath.Join(j.home, "work"))
	return l
}

// step is one thing that a user does.
type step struct {
	Do   string `json:"do"` // configure, chat, generate, magic
	Text string `json:"text,omitempty"`
}

// play lets the user do it and returns what each step showed. model is chosen in
// the chat of Jupyter AI 3; empty means the one of the configuration.
func (l *lab) play(t *testing.T, model string, steps ...step) []string {
	t.Helper()
	job, err := json.Marshal(map[string]any{
		"url": l.url, "major": l.j.major(), "dialect": l.j.dialect, "deployment": l.j.deployment,
		"endpoint": aiEndpoint, "api_version": aiVersion, "key": aiKey, "model": model, "steps": steps,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(l.j.bin, "python"), filepath.Join("jupyter", "drive.py"))
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = append(l.j.env(), "PYTHONDONTWRITEBYTECODE=1"), bytes.NewReader(job), &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("the user's part: %v after %s\n%s", err, out.String(), errs.String())
	}
	var shown []string
	for line := range strings.Lines(out.String()) {
		var s struct {
			Shown string `json:"shown"`
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("the user's part wrote %q: %v", line, err)
		}
		shown = append(shown, s.Shown)
	}
	if len(shown) != len(steps) {
		t.Fatalf("%d of %d steps: %s", len(shown), len(steps), out.String())
	}
	for i, s := range steps {
		t.Logf("%s %s: %s", l.j.version, s.Do, clip(shown[i]))
	}
	return shown
}

// verdicts are what the running agent says, the closed ones too.
func (l *lab) verdicts(t *testing.T) []call.Finding {
	t.Helper()
	bin, err := peerBinary()
	if err != nil {
		t.Fatal(err)
	}
	end := start(t, plainEnv(t), "", bin, "verdicts", "--all", "--json", "--state-dir", l.j.state)
	if end.code != 0 {
		t.Fatalf("llmtap verdicts: exit %d: %s", end.code, end.err)
	}
	var list []call.Finding
	for line := range strings.Lines(end.out) {
		var f call.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("llmtap verdicts wrote %q: %v", line, err)
		}
		list = append(list, f)
	}
	return list
}

// verdict is the one that only streams fail, in this state.
func (l *lab) verdict(t *testing.T, state string) call.Finding {
	t.Helper()
	var f call.Finding
	peerUntil(t, 10*time.Second, func() string { // a call is judged a moment after it
		list := l.verdicts(t)
		if len(list) != 1 || list[0].Verdict != "stream_only_failure" || list[0].State != state {
			return fmt.Sprintf("verdicts: %+v, want one stream_only_failure, %s", list, state)
		}
		f = list[0]
		return ""
	})
	if f.Client.Name != "jupyter-ai" || f.Client.Version != l.j.version || f.Target.Deployment != l.j.deployment {
		t.Errorf("verdict on %+v at %+v, want jupyter-ai %s at %s", f.Client, f.Target, l.j.version, l.j.deployment)
	}
	t.Logf("%s: %s\n  %s", f.State, f.Text, strings.Join(f.Remedy, "\n  "))
	return f
}

// closed waits until the verdict is over because what failed works.
func (l *lab) closed(t *testing.T, id string) {
	t.Helper()
	peerUntil(t, 10*time.Second, func() string {
		list := l.verdicts(t)
		if len(list) == 1 && list[0].ID == id && list[0].State == "closed" && list[0].ClosedBecause == "works_again" {
			return ""
		}
		return fmt.Sprintf("verdicts: %+v, want %s closed because it works again", list, id)
	})
}

// info is the run.json of the agent that exec started.
func (l *lab) info(t *testing.T) peerInfo {
	t.Helper()
	var info peerInfo
	b, err := os.ReadFile(filepath.Join(l.j.state, "run.json"))
	if err == nil {
		err = json.Unmarshal(b, &info)
	}
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// versionShown: the metrics tell the version, which no request does.
func (l *lab) versionShown(t *testing.T) {
	t.Helper()
	resp, err := peerDirect().Get(l.info(t).Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, `client_version="`+l.j.version+`"`) && strings.Contains(line, `client_name="jupyter-ai"`) {
			return
		}
	}
	t.Errorf("no series of jupyter-ai %s", l.j.version)
}

// callDirectly is a plain call of another program to the same target, with tools,
// by the same agent.
func (l *lab) callDirectly(t *testing.T, tools string) {
	t.Helper()
	where := aiEndpoint + "/openai/deployments/" + l.j.deployment + "/chat/completions?api-version=" + aiVersion
	body := task{Scenario: l.j.deployment, Extra: map[string]json.RawMessage{"tools": json.RawMessage(tools)}}.body(t)
	end := start(t, plainEnv(t), body, "curl", "-sS", "--fail", "--max-time", "30", "-x", l.info(t).Proxy,
		"--cacert", filepath.Join(l.j.state, "ca", "ca.crt"), "-H", "Content-Type: application/json", "-H", "api-key: "+aiKey, "-d", "@-", where)
	if end.code != 0 {
		t.Fatalf("a direct call: exit %d, %s, %s", end.code, end.err, clip(end.out))
	}
}

// stop ends JupyterLab and returns what exec saw, by start.
func (l *lab) stop(t *testing.T) []call.Record {
	t.Helper()
	if err := l.process.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := l.process.exit(t, 30*time.Second); code != 0 {
		t.Errorf("jupyter lab under exec: exit %d", code)
	}
	b, err := os.ReadFile(l.summary)
	if err != nil {
		t.Fatal(err)
	}
	var seen struct {
		Records []call.Record `json:"records"`
	}
	if err := json.Unmarshal(b, &seen); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(aiKey)) {
		t.Error("the user's key is in the summary")
	}
	slices.SortStableFunc(seen.Records, func(a, b call.Record) int { return a.Identity.Start.Compare(b.Identity.Start) })
	for i := range seen.Records {
		r := &seen.Records[i]
		t.Logf("%s record: %s %s attempt %d, stream %v, %d, %v (%s), %s %s (%s), %s", l.j.version, r.Client.Surface, r.Target.Deployment,
			r.Identity.Attempt, r.Request.StreamFlag, r.Response.Status, r.Diagnosis.Class, r.Diagnosis.Reason, r.Client.Name, r.Client.Version,
			r.Client.Rule, fmt.Sprintf("%s %s", r.Client.SDK, r.Client.SDKVersion))
	}
	return seen.Records
}
