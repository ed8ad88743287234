//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// checkPrograms is a PATH with one program of each name, the newest that the
// setup installed; missing ones are said aloud.
func checkPrograms(t *testing.T) (path string, found []string) {
	t.Helper()
	root, err := peerRoot()
	if err != nil {
		t.Fatal(err)
	}
	path = t.TempDir()
	for name, installed := range map[string]string{
		"node": "node/node_modules/.bin/node", "python3": "python-new/bin/python3", "curl": "",
	} {
		target := filepath.Join(root, ".cache", "e2e", installed)
		if _, err := os.Stat(target); installed == "" || err != nil {
			if target, err = exec.LookPath(name); err != nil {
				peerUnable(t, "no "+name+": llmtap check --clients is not tried on it")
				continue
			}
		}
		// A script, not a link: Python and Node look for their files beside the name.
		if err := os.WriteFile(filepath.Join(path, name), []byte("#!/bin/sh\nexec '"+target+"' \"$@\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		found = append(found, name)
	}
	return path, found
}

// checkLines runs check --clients --json with a PATH: state and reason by name.
func checkLines(t *testing.T, dir, path string, code int) map[string][2]string {
	t.Helper()
	bin, err := peerBinary()
	if err != nil {
		t.Fatal(err)
	}
	p := peerRun(t, []string{"PATH=" + path + ":/usr/bin:/bin"}, bin, "check", "--clients", "--json", "--state-dir", dir)
	if got := p.exit(t, 3*time.Minute); got != code {
		t.Errorf("exit status %d, want %d: %s", got, code, p.out.String())
	}
	out := map[string][2]string{}
	for line := range strings.Lines(p.out.String()) {
		var l struct{ Name, State, Reason string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		out[l.Name] = [2]string{l.State, l.Reason}
	}
	return out
}

// TestCheckClients: real programs go through, trust what the authority may
// vouch for and refuse the rest.
func TestCheckClients(t *testing.T) {
	path, found := checkPrograms(t)
	a := peerStart(t, peerSetup{})
	lines := checkLines(t, a.dir, path, 0)
	for _, name := range found {
		for _, what := range []string{" goes through, trusts", " refuses other names", " honours NO_PROXY"} {
			if got := lines[name+what]; got[0] != "ok" {
				t.Errorf("%s%s: %v", name, what, got)
			}
		}
	}
	t.Logf("%d programs: %v", len(found), lines)
}

// TestCheckClientsCatchesDistrust: a program that reads no variable is named,
// and the others still pass.
func TestCheckClientsCatchesDistrust(t *testing.T) {
	path, found := checkPrograms(t)
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("SKIPPED LOUDLY: no curl")
	}
	script := "#!/bin/sh\nunset SSL_CERT_FILE CURL_CA_BUNDLE\nexec '" + curl + "' -q \"$@\"\n"
	if err := os.WriteFile(filepath.Join(path, "curl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	a := peerStart(t, peerSetup{})
	lines := checkLines(t, a.dir, path, 1)
	for _, name := range found {
		want := "ok"
		if name == "curl" {
			want = "not_ok"
		}
		if got := lines[name+" goes through, trusts"]; got[0] != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
