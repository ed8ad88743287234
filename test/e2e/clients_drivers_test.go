//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// task is one call (or a few equal ones) of a client; the scripts in clients/
// read it as JSON.
type task struct {
	Name     string                     `json:"name"`
	Kind     string                     `json:"kind"` // openai, azure, custom or foreign: the address that is called
	Scenario string                     `json:"scenario"`
	Stream   bool                       `json:"stream"`
	Async    bool                       `json:"async,omitempty"` // by the asynchronous client
	Tools    bool                       `json:"tools,omitempty"` // a function is offered
	Extra    map[string]json.RawMessage `json:"extra,omitempty"`
	Retries  int                        `json:"retries"`
	Repeat   int                        `json:"repeat,omitempty"`
	Query    map[string]string          `json:"query,omitempty"`
}

// endpoint is the address that curl calls for the task.
func (k task) endpoint() string {
	q := url.Values{}
	for name, v := range k.Query {
		q.Set(name, v)
	}
	switch k.Kind {
	case "azure":
		q.Set("api-version", "2024-10-21")
		return "https://contoso.openai.azure.com/openai/deployments/" + k.Scenario + "/chat/completions?" + q.Encode()
	case "custom":
		return "https://llm.test/v1/chat/completions?" + q.Encode()
	case "foreign":
		return "https://other.test/v1/chat/completions"
	}
	return "https://api.openai.com/v1/chat/completions?" + q.Encode()
}

func (k task) body(t *testing.T) string {
	t.Helper()
	m := map[string]any{"model": k.Scenario, "messages": []any{map[string]string{"role": "user", "content": "Tell me about owls."}}}
	if k.Stream {
		m["stream"] = true
	}
	for name, v := range k.Extra {
		m[name] = v
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// program is a real client.
type program struct {
	name string
	// argv is a script that takes tasks on stdin; nil means curl with flags.
	argv  []string
	flags []string
	// anyKind is the address for scenarios that belong to no dialect.
	anyKind string
	http    string // what it speaks: "1.1" or "2"
	// client and sdk are what the records must say.
	client, sdk string
}

// programs returns the clients that setup.sh installs, and skips (on CI: fails)
// where one of them is missing.
func programs(t *testing.T) []program {
	t.Helper()
	cache, err := peerCache()
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("clients")
	if err != nil {
		t.Fatal(err)
	}
	python := func(venv, script string) []string {
		return []string{filepath.Join(cache, venv, "bin", "python"), filepath.Join(here, script)}
	}
	list := []program{
		{name: "openai-python-new", argv: python("python-new", "openai_chat.py"), anyKind: "openai", http: "1.1", client: "openai-python", sdk: "openai-python"},
		{name: "openai-python-1.6.1", argv: python("python-old", "openai_chat.py"), anyKind: "azure", http: "1.1", client: "openai-python", sdk: "openai-python"},
		{name: "langchain-openai", argv: python("python-new", "langchain_chat.py"), anyKind: "azure", http: "1.1", client: "langchain", sdk: "openai-python"},
		{name: "openai-node", argv: []string{filepath.Join(cache, "node", "node_modules", ".bin", "node"), filepath.Join(here, "openai_chat.mjs")}, anyKind: "openai", http: "1.1", client: "openai-node", sdk: "openai-node"},
		{name: "openai-go", argv: []string{filepath.Join(cache, "bin", "openai-go-client")}, anyKind: "openai", http: "2", client: "openai-go", sdk: "openai-go"},
		{name: "curl-h1", flags: []string{"--http1.1"}, anyKind: "openai", http: "1.1", client: "curl"},
		{name: "curl-h2", flags: []string{"--http2"}, anyKind: "azure", http: "2", client: "curl"},
	}
	for _, p := range list {
		first := "curl"
		if p.argv != nil {
			first = p.argv[0]
		}
		if _, err := exec.LookPath(first); err != nil {
			peerUnable(t, p.name+" is not installed; run test/e2e/setup.sh")
		}
	}
	return list
}

func find(t *testing.T, name string) program {
	t.Helper()
	list := programs(t)
	i := slices.IndexFunc(list, func(p program) bool { return p.name == name })
	if i < 0 {
		t.Fatalf("no client is called %s", name)
	}
	return list[i]
}

// plainEnv is what every child gets, and nothing of this process's environment.
func plainEnv(t *testing.T) []string {
	t.Helper()
	cache, err := peerCache()
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=ignore",
		"E2E_NODE_HOME=" + filepath.Join(cache, "node"),
	}
}

// directEnv leads a client to the internet without an agent.
func directEnv(t *testing.T, n *internet) []string {
	t.Helper()
	return append(plainEnv(t), "HTTPS_PROXY="+n.proxy, "https_proxy="+n.proxy, "NODE_USE_ENV_PROXY=1",
		"SSL_CERT_FILE="+n.id.file, "AWS_CA_BUNDLE="+n.id.file, "NODE_EXTRA_CA_CERTS="+n.id.file)
}

// throughEnv is what `llmtap env` says.
func throughEnv(t *testing.T, a *peerAgent) []string {
	t.Helper()
	code, out, errs := a.llmtap("env", "--format", "json")
	if code != 0 {
		t.Fatalf("llmtap env: exit %d: %s", code, errs)
	}
	var vars map[string]string
	if err := json.Unmarshal([]byte(out), &vars); err != nil {
		t.Fatalf("llmtap env: %v: %s", err, out)
	}
	env := plainEnv(t)
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, k+"="+vars[k])
	}
	return env
}

// behind starts an agent whose way out is the internet of the test.
func behind(t *testing.T, n *internet, args ...string) *peerAgent {
	t.Helper()
	return peerStart(t, peerSetup{args: append([]string{
		"--upstream-proxy", n.proxy, "--upstream-ca", n.id.file, "--intercept", "llm.test",
	}, args...)})
}

// finished is a process that has ended.
type finished struct {
	code     int
	out, err string
}

// start runs a program to its end.
func start(t *testing.T, env []string, stdin string, argv ...string) finished {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %s: %v", argv[0], err)
	}
	return finished{code: cmd.ProcessState.ExitCode(), out: out.String(), err: errs.String()}
}

// outcome is the result of one call as the client saw it.
type outcome struct{ name, text string }

// play runs all tasks in one process (curl: one each) and returns what the
// client saw, in order.
func (p program) play(t *testing.T, env []string, tasks []task) []outcome {
	t.Helper()
	if p.argv == nil {
		return p.curl(t, env, tasks)
	}
	stdin, err := json.Marshal(tasks)
	if err != nil {
		t.Fatal(err)
	}
	end := start(t, env, string(stdin), p.argv...)
	if end.code != 0 {
		t.Errorf("%s: exit %d: %s", p.name, end.code, end.err)
	}
	var list []outcome
	for line := range strings.Lines(end.out) {
		var head struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal([]byte(line), &head); err != nil {
			t.Errorf("%s wrote %q: %v", p.name, line, err)
			continue
		}
		list = append(list, outcome{head.Name, normal(strings.TrimSpace(line))})
	}
	return list
}

// curl compares every byte of head and body, the exit status, what -w says and
// the error text.
func (p program) curl(t *testing.T, env []string, tasks []task) []outcome {
	t.Helper()
	var list []outcome
	for _, k := range tasks {
		args := []string{"curl", "-sS", "-N", "-i", "--suppress-connect-headers", "--max-time", "30"}
		args = append(args, p.flags...)
		args = append(args, "-H", "Content-Type: application/json", "-H", "Authorization: Bearer sk-e2e-0123456789abcdef0123456789abcdef",
			"-w", "\n%{http_code} %{http_version} %{exitcode} %{size_download}", "-d", k.body(t))
		for range max(k.Repeat, 1) {
			args = append(args, k.endpoint())
		}
		end := start(t, env, "", args...)
		list = append(list, outcome{k.Name, normal(fmt.Sprintf("%s\nexit %d: %s", end.out, end.code, end.err))})
	}
	return list
}

// What differs between any two runs: ports, the time of day.
var (
	portPattern = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	datePattern = regexp.MustCompile(`\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`)
)

func normal(s string) string {
	return datePattern.ReplaceAllString(portPattern.ReplaceAllString(s, "127.0.0.1:PORT"), "NOW")
}
