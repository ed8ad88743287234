package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"llmtap/deploy/jupyterhub"
	"llmtap/internal/call"
	"llmtap/internal/hub"
)

// someHub knows the users whose tokens are their names.
func someHub(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.Header.Get("Authorization"), "token ")
		if !ok || r.URL.Path != "/hub/api/user" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "user", "name": name, "admin": name == "root", "scopes": []string{"access:services"}})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/hub/api"
}

// ask is a GET with a token; the answer's status and text.
func ask(t *testing.T, address, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestRunServesTheUsersOfAHub: under the prefix everybody sees their own calls
// by the names that records have, beside or on the admin listener, which stays
// as it is.
func TestRunServesTheUsersOfAHub(t *testing.T) {
	for name, tc := range map[string]struct{ listen, users string }{
		"a listener of its own": {"http://localhost:0", "hash"}, "the admin listener": {"http://127.0.0.1:0", "hash"},
		"names": {"http://localhost:0", "name"}, "no names": {"http://localhost:0", "off"},
	} {
		t.Run(name, func(t *testing.T) {
			ada, bob, none := plainOK(), streamOK(), issue1208()
			secret := []byte(strings.Repeat("s", 32))
			named := namer(tc.users, secret)
			ada.Client.User, bob.Client.User, none.Client.User = named("ada"), named("bob"), nobody
			ada.Identity.ID, bob.Identity.ID, none.Identity.ID = "call-of-ada", "call-of-bob", "call-of-none"
			for _, r := range []*call.Record{&ada, &bob, &none} {
				r.Identity.Start = time.Now() // else it is too old to be kept
			}
			dir := recorded(t, ada, bob, none)
			put(t, filepath.Join(dir, "secret"), string(secret), 0o600)
			r := start(t, vars{
				"JUPYTERHUB_SERVICE_URL": tc.listen, "JUPYTERHUB_SERVICE_NAME": "tap", "JUPYTERHUB_API_TOKEN": "s", "JUPYTERHUB_API_URL": someHub(t),
				"LLMTAP_IDENTITY_USER": tc.users,
			}, "run", "--state-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
			eventually(t, "the agent is ready", func() bool { return strings.Contains(r.stderr.String(), "llmtap is ready") })
			listen := regexp.MustCompile(`"service":"tap","prefix":"/services/tap/","listen":"([^"]+)"`).FindStringSubmatch(r.stderr.String())
			info, ok := readRunInfo(dir)
			if listen == nil || !ok || (info.Admin == "http://"+listen[1]) != (tc.listen == "http://127.0.0.1:0") {
				t.Fatalf("listens on %v, admin %v\n%s", listen, info, r.stderr.String())
			}
			site := "http://" + listen[1] + "/services/tap/"
			for user, want := range map[string]string{"ada": "call-of-ada", "bob": "call-of-bob", "unknown": "", "root": "call-of-ada call-of-bob call-of-none"} {
				if tc.users == "off" && user != "root" {
					want = ""
				}
				_, text := ask(t, site+"api/v1/calls", "token "+user)
				for _, id := range []string{"call-of-ada", "call-of-bob", "call-of-none"} {
					if strings.Contains(text, id) != strings.Contains(want, id) {
						t.Errorf("%s sees %s, want %q", user, text, want)
					}
					if status, _ := ask(t, site+"call/"+id, "token "+user); (status == 200) != strings.Contains(want, id) {
						t.Errorf("%s at %s: %d", user, id, status)
					}
				}
			}
			if status, _ := ask(t, site, ""); status != http.StatusFound {
				t.Errorf("without a login: %d", status)
			}
			if status, text := ask(t, info.Admin+"/api/v1/calls", "Bearer "+info.Token); status != 200 || !strings.Contains(text, "call-of-bob") {
				t.Errorf("the admin listener: %d %s", status, text)
			}
			if status, _ := ask(t, info.Admin+"/api/v1/calls", "token root"); status != http.StatusUnauthorized {
				t.Errorf("a token of the hub at the admin listener: %d", status)
			}
			if status, _ := ask(t, info.Admin+"/metrics", ""); status != 200 {
				t.Errorf("metrics: %d", status)
			}
			if strings.Contains(r.stderr.String(), "token ada") || r.stop(t) != exitOK {
				t.Errorf("stderr: %s", r.stderr.String())
			}
		})
	}
}

// TestServiceThatCannotStart says which variable to mend.
func TestServiceThatCannotStart(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	for name, tc := range map[string]struct {
		env  vars
		says string
	}{
		"no token":     {vars{"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:0"}, "JUPYTERHUB_API_TOKEN is not"},
		"no address":   {vars{"JUPYTERHUB_SERVICE_URL": "4144", "JUPYTERHUB_API_TOKEN": "s"}, "JUPYTERHUB_SERVICE_URL"},
		"in use":       {vars{"JUPYTERHUB_SERVICE_URL": taken.URL, "JUPYTERHUB_API_TOKEN": "s"}, "address already in use"},
		"no hub's API": {vars{"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:0", "JUPYTERHUB_API_TOKEN": "s", "JUPYTERHUB_API_URL": "hub"}, "JUPYTERHUB_API_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			llmtap(t, tc.env, "run", "--state-dir", shortDir(t), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0").wants(t, exitUsage, tc.says)
		})
	}
}

// TestAUsersServerIsNoService: its variables have the same names, and an agent
// in it must not take its port.
func TestAUsersServerIsNoService(t *testing.T) {
	c, err := hubService(environmentOf(vars{
		"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:8888", "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/", "JUPYTERHUB_API_TOKEN": "t", "JUPYTERHUB_USER": "ada",
	}, nil, nil, nil))
	if c != nil || err != nil {
		t.Errorf("%+v %v", c, err)
	}
}

func TestViewerOfAUser(t *testing.T) {
	named := namer(userName, nil)
	if v := viewerOf(hub.User{Name: "unknown"}, named); v.User != "" || v.All {
		t.Errorf("who is called unknown sees as %+v", v)
	}
	if v := viewerOf(hub.User{Name: "root", Admin: true}, named); v.User != "root" || !v.All || !v.Hub {
		t.Errorf("an admin sees as %+v", v)
	}
}

// TestEnvForJupyterHub prints this agent's places, readable by users.
func TestEnvForJupyterHub(t *testing.T) {
	dir := shortDir(t)
	_, info := agentOn(t, dir)
	r := llmtap(t, vars{}, "env", "--format", "jupyterhub", "--state-dir", dir)
	u, err := url.Parse(info.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	r.wants(t, exitOK, "\nPROXY = \""+u.Host+"\"  # ", "\nREADY = \""+info.Admin+"/readyz\"  # ", "\nSTATE = \""+dir+"\"  # ", "\nPUBLIC = ", "WITHOUT_LLMTAP = \"start\"", "c.Spawner.pre_spawn_hook = through_llmtap")
	if strings.Contains(r.stdout, info.Token) {
		t.Error("the run's token is printed")
	}
	llmtap(t, vars{}, "env", "--format", "jupyterhub", "--user", "ada", "--state-dir", dir).wants(t, exitUsage, "the token of its own user")
	llmtap(t, vars{}, "env", "--format", "jupyterhub", "--state-dir", shortDir(t)).wants(t, exitFailed, "no agent runs in")
}

func TestConfigQuotes(t *testing.T) {
	text, err := jupyterhub.Config(jupyterhub.Places{Proxy: "p", Ready: "r", State: "/o'brien \"x\" \\ # y", Public: "/line\nbreak"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nSTATE = \"/o'brien \\\"x\\\" \\\\ # y\"  # the", "\nPUBLIC = \"/line\\nbreak\"  # where"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%.2000s", want, text)
		}
	}
}

func TestWhereUsersCanRead(t *testing.T) {
	state, packaged := filepath.Join(shortDir(t), "llmtap"), shortDir(t)
	put(t, filepath.Join(state, "ca", "ca.crt"), "ours", 0o644)
	for name, tc := range map[string]struct {
		theirs string
		root   bool
		want   string
	}{
		"the package's agent":       {"ours", false, packaged},
		"another agent's":           {"theirs", true, state + "-public"},
		"nothing, and root may":     {"", true, packaged},
		"nothing, and nobody may":   {"", false, state + "-public"},
		"the package's agent, root": {"ours", true, packaged},
		"another agent's, a user's": {"theirs", false, state + "-public"},
	} {
		crt := filepath.Join(packaged, "ca.crt")
		if tc.theirs == "" {
			_ = os.Remove(crt)
		} else {
			put(t, crt, tc.theirs, 0o644)
		}
		if got := publicDir(state, packaged, tc.root); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
	open := shortDir(t)
	shut := filepath.Join(open, "shut")
	for dir, mode := range map[string]os.FileMode{open: 0o755, shut: 0o700} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{filepath.Join(open, "new"): "", shut: shut, filepath.Join(shut, "in", "it"): shut} {
		if got := shutAbove(path); got != want {
			t.Errorf("%s: %q is shut, want %q", path, got, want)
		}
	}
}
