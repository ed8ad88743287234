//go:build linux

package local_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"llmtap/internal/call"
	"llmtap/internal/client/local"
)

// TestSite: the versions are those of the folder, and a name that is no such
// folder is not looked into.
func TestSite(t *testing.T) {
	h := newHost(t)
	_, site := h.base("jupyter_ai-2.18.1", "langchain-0.1.20", "secret_project-1.0")
	_, twice := newHost(t).base("jupyter_ai-2.18.1", "jupyter_ai-2.19.0")
	elsewhere := filepath.Join(h.files, "opt/lib")
	h.packages(elsewhere, booted, "jupyter_ai-2.18.1")
	pipe := filepath.Join(h.files, "p/site-packages")
	h.put(pipe+"/x", "")
	if err := syscall.Mkfifo(pipe+"/site-packages", 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ dir, version, framework string }{
		"the server's folder": {site, "2.18.1", "langchain"},
		"two versions":        {twice, "", ""},
		"another name":        {elsewhere, "", ""},
		"not clean":           {site + "/../site-packages", "", ""},
		"relative":            {"site-packages", "", ""},
		"nothing there":       {"/no/such/site-packages", "", ""},
		"a pipe":              {pipe + "/site-packages", "", ""},
		"empty":               {"", "", ""},
	} {
		info := local.Site(c.dir)
		cl := call.Client{Name: "jupyter-ai", Process: call.Process{PID: 7}}
		info.Describe(&cl)
		if cl.Version != c.version || cl.Framework != c.framework || cl.Process.PID != 7 {
			t.Errorf("%s: %+v", name, cl)
		}
		for _, p := range info.Packages {
			if strings.Contains(p.Name, "secret") {
				t.Errorf("%s: %s is nobody's business", name, p.Name)
			}
		}
	}
}
