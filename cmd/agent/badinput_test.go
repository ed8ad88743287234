package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// free is `run` on free ports in dir.
func free(dir string, more ...string) []string {
	return append([]string{"run", "--state-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}, more...)
}

// ownedByRoot skips what root may do anyway.
func notAsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("root may read and write everything")
	}
}

func TestUsageErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"unknown command":       {[]string{"bogus"}, "bogus"},
		"unknown flag":          {[]string{"run", "--nonsense"}, "llmtap run --help"},
		"flag without value":    {[]string{"run", "--listen"}, "--listen"},
		"show without id":       {[]string{"show"}, "<id>"},
		"exec without command":  {[]string{"exec"}, "command"},
		"exec with dashes only": {[]string{"exec", "--"}, "command"},
		"unknown shell":         {[]string{"completion", "tcsh"}, `"bash","zsh","fish"`},
		"unknown format":        {[]string{"env", "--format", "xml"}, "jupyterhub"},
		"check of two things":   {[]string{"check", "--ready", "http://127.0.0.1"}, "--ready"},
		"bad since":             {[]string{"calls", "--since", "yesterday"}, "15m, 12h or 7d"},
		"negative since":        {[]string{"calls", "--since=-1h"}, "15m, 12h or 7d"},
		"bad outcome":           {[]string{"calls", "--outcome", "bad"}, "ok, error or cancelled"},
		"bad class":             {[]string{"calls", "--class", "bad"}, "not a failure class"},
		"bad limit":             {[]string{"calls", "--limit", "0"}, "from 1 to 1000"},
		"limit no number":       {[]string{"calls", "--limit", "many"}, "--limit"},
		"escape in a flag":      {[]string{"\x1b[31mred"}, "[31mred"},
	} {
		t.Run(name, func(t *testing.T) {
			r := llmtap(t, vars{"HOME": shortDir(t)}, tc.args...)
			r.wants(t, exitUsage, tc.want)
			unescaped(t, r.stderr)
			if r.stdout != "" {
				t.Errorf("stdout: %q", r.stdout)
			}
			if !strings.HasPrefix(r.stderr, "llmtap: ") {
				t.Errorf("stderr does not say who speaks: %q", r.stderr)
			}
		})
	}
}

func TestOccupiedPorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	taken := l.Addr().String()
	for flag, args := range map[string][]string{
		"listen":       {"--listen", taken, "--admin-listen", "127.0.0.1:0"},
		"admin-listen": {"--listen", "127.0.0.1:0", "--admin-listen", taken},
		"route-listen": {"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--route", "a=https://llm.example.org", "--route-listen", taken},
	} {
		t.Run(flag, func(t *testing.T) {
			dir := shortDir(t)
			r := llmtap(t, vars{}, append([]string{"run", "--state-dir", dir}, args...)...)
			r.wants(t, exitUsage, taken+" is in use", "--"+flag, "127.0.0.1:0")
			if _, err := os.Stat(filepath.Join(dir, runFile)); err == nil {
				t.Error("run.json of an agent that never ran")
			}
		})
	}
}

func TestAddressThatIsNotOurs(t *testing.T) {
	llmtap(t, vars{}, "run", "--state-dir", shortDir(t), "--listen", "203.0.113.1:4141", "--proxy-auth", "required").
		wants(t, exitUsage, "cannot listen on 203.0.113.1:4141", "--listen")
}

func TestStateDirectoryThatCannotBe(t *testing.T) {
	dir := shortDir(t)
	put(t, filepath.Join(dir, "file"), "x", 0o600)
	for name, path := range map[string]string{"a file": filepath.Join(dir, "file"), "below a file": filepath.Join(dir, "file", "state"), "in proc": "/proc/llmtap"} {
		llmtap(t, vars{}, free(path)...).wants(t, exitUsage, "state directory "+path, "--state-dir")
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestUnreadableStateDirectory(t *testing.T) {
	notAsRoot(t)
	dir := filepath.Join(shortDir(t), "state")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	llmtap(t, vars{}, free(dir)...).wants(t, exitUsage, "cannot be written", "--state-dir")
}

// made is a state directory that an agent has used and left.
func made(t *testing.T, more ...string) string {
	t.Helper()
	dir := filepath.Join(shortDir(t), "state")
	r, _ := agentOn(t, dir, more...)
	if code := r.stop(t); code != exitOK {
		t.Fatalf("exit status %d: %s", code, r.stderr.String())
	}
	return dir
}

// TestDamagedState: what a crash, a restore or a careless chmod may leave. Each
// is refused with a sentence that names the file and the way out.
func TestDamagedState(t *testing.T) {
	for name, tc := range map[string]struct {
		harm func(t *testing.T, dir string)
		want []string
	}{
		"key that others can read": {func(t *testing.T, dir string) { mode(t, filepath.Join(dir, "ca/ca.key"), 0o644) }, []string{"ca.key", "chmod 600"}},
		"key cut in half":          {func(t *testing.T, dir string) { cut(t, filepath.Join(dir, "ca/ca.key")) }, []string{"ca.key", "llmtap ca rotate"}},
		"certificate cut in half":  {func(t *testing.T, dir string) { cut(t, filepath.Join(dir, "ca/ca.crt")) }, []string{"ca.crt", "llmtap ca rotate"}},
		"certificate gone":         {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "ca/ca.crt")) }, []string{"ca.crt", "llmtap ca rotate"}},
		"key gone":                 {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "ca/ca.key")) }, []string{"ca.key", "llmtap ca rotate"}},
		"secret cut in half":       {func(t *testing.T, dir string) { cut(t, filepath.Join(dir, "secret")) }, []string{"secret is damaged", "delete it"}},
		"secret is a folder": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "secret"))
			folder(t, filepath.Join(dir, "secret"))
		}, []string{"install secret"}},
		"store of the future": {func(t *testing.T, dir string) { newer(t, filepath.Join(dir, "calls.db")) }, []string{"calls.db", "newer"}},
		"store is a folder": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "calls.db"))
			folder(t, filepath.Join(dir, "calls.db"))
		}, []string{"calls.db"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := made(t)
			tc.harm(t, dir)
			r := llmtap(t, vars{}, free(dir)...)
			r.wants(t, exitUsage, tc.want...)
			if strings.Contains(r.stderr, "goroutine") || strings.Count(strings.TrimSpace(r.stderr), "\n") > 1 {
				t.Errorf("not one sentence: %s", r.stderr)
			}
		})
	}
}

// TestTunnelOnlyNeedsNoAuthority: it starts where the authority is unusable,
// and only there is it allowed to.
func TestTunnelOnlyNeedsNoAuthority(t *testing.T) {
	dir := made(t)
	mode(t, filepath.Join(dir, "ca/ca.key"), 0o644)
	cut(t, filepath.Join(dir, "ca/ca.crt"))
	r, info := agentOn(t, dir, "--tunnel-only")
	if got := get(t, info.Admin+"/readyz"); got != http.StatusOK {
		t.Errorf("readyz answers %d", got)
	}
	if code := r.stop(t); code != exitOK {
		t.Errorf("exit status %d", code)
	}
}

// TestRotateMendsADamagedAuthority: the way out that the messages name works.
func TestRotateMendsADamagedAuthority(t *testing.T) {
	dir := made(t)
	cut(t, filepath.Join(dir, "ca/ca.key"))
	llmtap(t, vars{}, "ca", "rotate", "--state-dir", dir).wants(t, exitOK, "new authority", "bundle.crt")
	agentOn(t, dir)
}

// TestDamagedStoreIsSetAside: records are worth less than the agent's start.
func TestDamagedStoreIsSetAside(t *testing.T) {
	dir := made(t)
	put(t, filepath.Join(dir, "calls.db"), strings.Repeat("not a database ", 1000), 0o600)
	r, _ := agentOn(t, dir)
	if !strings.Contains(r.stderr.String(), "calls.db") {
		t.Errorf("nobody was told: %s", r.stderr.String())
	}
}

func TestTwoAgentsOnOneStateDirectory(t *testing.T) {
	dir := filepath.Join(shortDir(t), "state")
	_, first := agentOn(t, dir)
	before, err := os.ReadFile(filepath.Join(dir, "ca/ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	llmtap(t, vars{}, free(dir, "--intercept", "new.example.org")...).wants(t, exitUsage, "another llmtap", "calls.db", "--state-dir")
	if after, err := os.ReadFile(filepath.Join(dir, "ca/ca.crt")); err != nil || string(after) != string(before) {
		t.Errorf("the refused agent replaced the authority of the running one (%v)", err)
	}
	info, ok := readRunInfo(dir)
	if !ok || info != first {
		t.Errorf("the first agent's run.json is gone or changed: %+v", info)
	}
	if got := get(t, first.Admin+"/readyz"); got != http.StatusOK {
		t.Errorf("the first agent answers %d", got)
	}
}

// TestStartAfterACrash: run.json, locks and a call in flight are left behind.
func TestStartAfterACrash(t *testing.T) {
	dir := made(t)
	gone := exec.Command("/bin/true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	for name, stale := range map[string]runInfo{
		"its process is gone":                {PID: gone.Process.Pid, Proxy: "http://127.0.0.1:1", Admin: "http://127.0.0.1:1", Token: "t"},
		"its pid is another process's now":   {PID: os.Getppid(), Proxy: "http://127.0.0.1:1", Admin: "http://127.0.0.1:1", Token: "t"},
		"its pid is ours, as in a container": {PID: os.Getpid(), Proxy: "http://127.0.0.1:1", Admin: "http://127.0.0.1:1", Token: "t"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := stale.write(dir); err != nil {
				t.Fatal(err)
			}
			llmtap(t, vars{}, "env", "--state-dir", dir).wants(t, exitFailed, "no agent runs in "+dir, "llmtap run")
			llmtap(t, vars{}, "calls", "--state-dir", dir).wants(t, exitOK, "no calls recorded yet")
			r := start(t, vars{}, free(dir)...)
			eventually(t, "ready", func() bool { return strings.Contains(r.stderr.String(), "llmtap is ready") })
			info, ok := readRunInfo(dir)
			if !ok || info.Admin == stale.Admin {
				t.Errorf("run.json is still the stale one: %+v", info)
			}
			if strings.Contains(r.stderr.String(), "another agent") {
				t.Errorf("a dead agent was taken for a living one: %s", r.stderr.String())
			}
			r.stop(t)
			if _, err := os.Stat(filepath.Join(dir, runFile)); err == nil {
				t.Error("run.json was left behind")
			}
		})
	}
}

func TestHalfWrittenRunFile(t *testing.T) {
	dir := shortDir(t)
	for name, text := range map[string]string{"empty": "", "cut": `{"pid":`, "no pid": `{"proxy":"x"}`, "negative pid": `{"pid":-1}`, "not json": "\x00\x01"} {
		put(t, filepath.Join(dir, runFile), text, 0o600)
		if i, ok := readRunInfo(dir); ok {
			t.Errorf("%s: took %+v for an agent", name, i)
		}
	}
}

// TestAgentThatAnswersNonsense: the commands say so and end.
func TestAgentThatAnswersNonsense(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		code   int
		want   string
	}{
		"not json":       {200, "<html>", exitFailed, "read the agent's answer"},
		"error":          {500, `{"error":{"code":"internal","message":"disk \u001b[31mon fire"}}`, exitFailed, "disk  [31mon fire"},
		"error, no text": {503, "", exitFailed, "503"},
		"bad request":    {400, `{"error":{"message":"limit is odd"}}`, exitUsage, "limit is odd"},
		"wrong token":    {401, `{"error":{"message":"token"}}`, exitFailed, "401"},
		"class unknown":  {200, `{"calls":[{"schema":1,"diagnosis":{"class":"from_the_future"}}]}`, exitFailed, "from_the_future"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/healthz" {
					w.WriteHeader(tc.status)
					_, _ = fmt.Fprint(w, tc.body)
				}
			}))
			defer srv.Close()
			dir := shortDir(t)
			if err := (runInfo{PID: os.Getpid(), Admin: srv.URL, Token: "t"}).write(dir); err != nil {
				t.Fatal(err)
			}
			r := llmtap(t, vars{}, "calls", "--state-dir", dir)
			r.wants(t, tc.code, tc.want)
			unescaped(t, r.stderr)
		})
	}
}

func TestNewerAndForeignStoresAreNotRead(t *testing.T) {
	dir := shortDir(t)
	put(t, filepath.Join(dir, "calls.db"), strings.Repeat("x", 4096), 0o600)
	llmtap(t, vars{}, "calls", "--state-dir", dir).wants(t, exitFailed, "calls.db", "cannot be read")
	other := made(t)
	newer(t, filepath.Join(other, "calls.db"))
	llmtap(t, vars{}, "show", "x", "--state-dir", other).wants(t, exitFailed, "newer")
}

func TestRunInfoIsPrivate(t *testing.T) {
	dir := filepath.Join(shortDir(t), "state")
	_, info := agentOn(t, dir)
	st, err := os.Stat(filepath.Join(dir, runFile))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("run.json: %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("state directory: %v, %v", st.Mode(), err)
	}
	var m map[string]any
	b, err := os.ReadFile(filepath.Join(dir, runFile))
	if err != nil || json.Unmarshal(b, &m) != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"pid", "proxy", "admin", "token"} {
		if m[key] == nil {
			t.Errorf("%s is missing in %s", key, b)
		}
	}
	if _, there := m["base_url"]; there || len(info.Token) != 32 || info.PID != os.Getpid() {
		t.Errorf("run.json: %s", b)
	}
}

func mode(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string) {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, st.Size()/2); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// newer gives a store the schema of a later llmtap.
func newer(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 4711"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
