//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hubToken is the API token of the test itself, as a service of the hub.
const hubToken = "0123456789abcdef0123456789abcdef-tester"

// hubPaths are the programs that setup-hub.sh installed.
type hubPaths struct{ bin, python, proxy, node string }

func hubPrograms(t testing.TB) hubPaths {
	t.Helper()
	cache, err := peerCache()
	if err != nil {
		t.Fatal(err)
	}
	p := hubPaths{
		bin: filepath.Join(cache, "hub", "bin"), python: filepath.Join(cache, "hub", "bin", "python"),
		proxy: filepath.Join(cache, "hub", "proxy", "node_modules", ".bin", "configurable-http-proxy"),
		node:  filepath.Join(cache, "node", "node_modules", ".bin", "node"),
	}
	for _, path := range []string{filepath.Join(p.bin, "jupyterhub"), p.python, p.proxy} {
		if _, err := os.Stat(path); err != nil {
			peerUnable(t, path+" is not installed; run test/e2e/setup-hub.sh")
		}
	}
	if _, err := os.Stat(p.node); err != nil {
		peerUnable(t, p.node+" is not installed; run test/e2e/setup.sh")
	}
	return p
}

// hubDir is a directory that other users may enter, unlike t.TempDir.
func hubDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "llmtap-e2e-hub-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// hubUIDs gives each user an id of his own where that can be: as root, with
// programs that everybody may run. Else all are this process's user.
func hubUIDs(t testing.TB, p hubPaths) map[string]int {
	t.Helper()
	if os.Geteuid() != 0 {
		return map[string]int{}
	}
	probe := exec.Command(p.python, "-c", "import jupyterhub, ipykernel")
	probe.Env, probe.Dir = []string{"HOME=/", "PYTHONDONTWRITEBYTECODE=1"}, "/"
	probe.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 61001, Gid: 61001}}
	if out, err := probe.CombinedOutput(); err != nil {
		t.Logf("other users cannot run %s (%v): all servers run as this user\n%s", p.python, err, out)
		return map[string]int{}
	}
	return map[string]int{"alice": 61001, "bob": 61002, "carol": 61003, "dora": 61004, "admin": 61005}
}

// hubConfig is what jupyterhub_config.py reads.
type hubConfig struct {
	Dir      string         `json:"dir"`
	Bin      string         `json:"bin"`
	BindURL  string         `json:"bind_url"`
	HubURL   string         `json:"hub_bind_url"`
	ProxyAPI string         `json:"proxy_api"`
	Proxy    []string       `json:"proxy"`
	Token    string         `json:"token"`
	Admins   []string       `json:"admins"`
	UIDs     map[string]int `json:"uids"`
	Snippet  string         `json:"snippet"`
}

// jupyterHub is a running hub with its proxy.
type jupyterHub struct {
	*peerProcess
	t     *testing.T
	paths hubPaths
	conf  hubConfig
	file  string // conf, as a file
}

// hubStart runs a hub on the site that loads the snippet; it ends with the test,
// and so do the servers that it started.
func hubStart(t *testing.T, s *hubSite, snippet string) *jupyterHub {
	t.Helper()
	p, dir := hubPrograms(t), s.dir
	address := func() string { return "http://127.0.0.1:" + peerPort(t) }
	h := &jupyterHub{t: t, paths: p, file: filepath.Join(dir, "hub.json"), conf: hubConfig{
		Dir: dir, Bin: p.bin, BindURL: address(), HubURL: "http://" + s.hub, ProxyAPI: address(), Proxy: []string{p.node, p.proxy},
		Token: hubToken, Admins: []string{"admin"}, UIDs: hubUIDs(t, p), Snippet: snippet,
	}}
	if err := os.MkdirAll(filepath.Join(dir, "home"), 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(h.conf)
	if err != nil {
		t.Fatal(err)
	}
	peerFile(t, h.file, string(b), 0o600)
	h.run()
	t.Cleanup(func() {
		h.stopServers()
		if log := h.log(); t.Failed() {
			t.Logf("the hub said:\n%s", log[max(0, len(log)-6000):])
		}
	})
	return h
}

func (h *jupyterHub) logFile() string { return filepath.Join(h.conf.Dir, "hub.log") }

// log is what the hub, its proxy and the servers have said.
func (h *jupyterHub) log() string {
	h.t.Helper()
	b, err := os.ReadFile(h.logFile())
	if err != nil {
		h.t.Error(err)
	}
	return string(b)
}

// run starts the hub's process and waits until it answers through its proxy.
func (h *jupyterHub) run() {
	h.t.Helper()
	config, err := filepath.Abs(filepath.Join("hub", "jupyterhub_config.py"))
	if err != nil {
		h.t.Fatal(err)
	}
	env := []string{"PATH=" + h.paths.bin + ":" + filepath.Dir(h.paths.node) + ":" + os.Getenv("PATH"), "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "HUB_TEST=" + h.file}
	// Servers outlive the hub and write where it wrote: not into a pipe of this process.
	h.peerProcess = peerRun(h.t, env, "/bin/sh", "-c", `exec "$0" "$@" >>`+h.logFile()+` 2>&1`, filepath.Join(h.paths.bin, "jupyterhub"), "--config", config)
	client := peerDirect()
	peerUntil(h.t, 90*time.Second, func() string {
		select {
		case <-h.done:
			h.t.Fatalf("the hub ended: %s\n%s", h.cmd.ProcessState, h.log())
		default:
		}
		resp, err := client.Get(h.conf.BindURL + "/hub/api/")
		if err != nil {
			return err.Error()
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return resp.Status
		}
		return ""
	})
}

// restart ends the hub, with its proxy, and starts it again.
func (h *jupyterHub) restart() {
	h.t.Helper()
	h.end()
	h.run()
}

// api asks the hub as the tester.
func (h *jupyterHub) api(method, path, body string) (int, string) {
	h.t.Helper()
	req, err := http.NewRequest(method, h.conf.BindURL+"/hub/api"+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+hubToken)
	client := peerDirect()
	client.Timeout = 60 * time.Second
	return hubDo(h.t, client, req)
}

// hubUser is what the hub's API says of a user.
type hubUser struct {
	Name    string `json:"name"`
	Servers map[string]struct {
		Ready bool `json:"ready"`
		State struct {
			PID int `json:"pid"`
		} `json:"state"`
	} `json:"servers"`
}

// ready waits until the user's server is ready, and returns its process.
func (h *jupyterHub) ready(user string) (pid int) {
	h.t.Helper()
	peerUntil(h.t, 120*time.Second, func() string {
		status, body := h.api(http.MethodGet, "/users/"+user, "")
		var u hubUser
		if err := json.Unmarshal([]byte(body), &u); status != http.StatusOK || err != nil {
			return fmt.Sprintf("user %s: %d %s", user, status, clip(body))
		}
		if !u.Servers[""].Ready {
			return "the server of " + user + " is not ready: " + clip(body)
		}
		pid = u.Servers[""].State.PID
		return ""
	})
	return pid
}

// stop ends a user's server and waits until it is gone.
func (h *jupyterHub) stop(user string) {
	h.t.Helper()
	h.api(http.MethodDelete, "/users/"+user+"/server", "")
	peerUntil(h.t, 60*time.Second, func() string {
		if _, body := h.api(http.MethodGet, "/users/"+user, ""); strings.Contains(body, `"pid"`) {
			return "the server of " + user + " still runs: " + clip(body)
		}
		return ""
	})
}

// stopServers ends what the hub started: it does not do that itself.
func (h *jupyterHub) stopServers() {
	select {
	case <-h.done:
		h.run() // the test ended between two hubs
		defer h.end()
	default:
	}
	var users []hubUser
	_, body := h.api(http.MethodGet, "/users", "")
	if err := json.Unmarshal([]byte(body), &users); err != nil {
		h.t.Errorf("users: %v: %s", err, clip(body))
	}
	for _, u := range users {
		if len(u.Servers) > 0 {
			h.stop(u.Name)
		}
	}
}

// userToken is an API token of the user himself, with all he may or with these
// scopes.
func (h *jupyterHub) userToken(user string, scopes ...string) string {
	h.t.Helper()
	ask, err := json.Marshal(struct {
		Scopes []string `json:"scopes,omitempty"`
	}{scopes})
	if err != nil {
		h.t.Fatal(err)
	}
	status, body := h.api(http.MethodPost, "/users/"+user+"/tokens", string(ask))
	var got struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal([]byte(body), &got); status != http.StatusCreated || err != nil || got.Token == "" {
		h.t.Fatalf("token of %s: %d %v %s", user, status, err, clip(body))
	}
	return got.Token
}

// browser is an HTTP client that keeps cookies, logged in as the user.
func (h *jupyterHub) browser(user string) *http.Client {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	c := peerDirect()
	c.Jar, c.Timeout = jar, 60*time.Second
	login := h.conf.BindURL + "/hub/login"
	resp, err := c.Get(login)
	if err != nil {
		h.t.Fatal(err)
	}
	_ = resp.Body.Close()
	xsrf := ""
	for _, k := range jar.Cookies(resp.Request.URL) {
		if k.Name == "_xsrf" {
			xsrf = k.Value
		}
	}
	resp, err = c.PostForm(login+"?next=%2Fhub%2Fhome", url.Values{"username": {user}, "password": {"owls"}, "_xsrf": {xsrf}})
	if err != nil {
		h.t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(b), user) {
		h.t.Fatalf("login of %s: %s at %s", user, resp.Status, resp.Request.URL)
	}
	return c
}

// hubGet returns the page that a browser shows, with its status.
func hubGet(t testing.TB, c *http.Client, address string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return hubDo(t, c, req)
}

func hubDo(t testing.TB, c *http.Client, req *http.Request) (int, string) {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	return resp.StatusCode, string(b)
}

// spawn logs the user in and lets the hub start his server, as the button does.
func (h *jupyterHub) spawn(user string) *http.Client {
	h.t.Helper()
	c := h.browser(user)
	if status, page := hubGet(h.t, c, h.conf.BindURL+"/hub/spawn"); status != http.StatusOK {
		h.t.Fatalf("spawn of %s: %d %s", user, status, page)
	}
	return c
}
