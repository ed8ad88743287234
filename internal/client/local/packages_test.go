//go:build linux

package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"llmtap/internal/client/local"
)

// after is long enough after the host's start to be after a process's.
func after(ticks uint64) time.Time {
	return booted.Add(time.Duration(ticks)*10*time.Millisecond + 5*time.Second)
}

// base makes a Python installation without a virtual environment and returns
// its executable and its folder of packages.
func (h *host) base(stems ...string) (exe, site string) {
	h.t.Helper()
	prefix := filepath.Join(h.files, "opt/conda")
	exe, site = prefix+"/bin/python3.11", prefix+"/lib/python3.11/site-packages"
	h.put(exe, "")
	h.packages(site, booted, stems...)
	return exe, site
}

// TestPythonEnvironments: the packages are those of the environment that the
// process runs in, however it was called; where that is not certain there are
// none.
func TestPythonEnvironments(t *testing.T) {
	const lab = "/bin/jupyter-lab"
	for name, c := range map[string]struct {
		make func(h *host) proto
		want string
	}{
		"virtual environment": {func(h *host) proto {
			exe, _ := h.base("jupyter_ai-1.0.0")
			v := h.venv("v", "jupyter_ai-2.31.7", "langchain_openai-0.3.35", "openai-2.8.1")
			return proto{exe: exe, argv: []string{v + "/bin/python", v + lab}}
		}, "jupyter-ai 2.31.7, langchain-openai 0.3.35, openai 2.8.1"},
		"relative call": {func(h *host) proto {
			exe, _ := h.base()
			h.venv("v", "openai-1.6.1")
			return proto{exe: exe, argv: []string{"v/bin/python", "-c", "x"}, cwd: h.files}
		}, "openai 1.6.1"},
		"bare name, console script": {func(h *host) proto {
			exe, _ := h.base("openai-9.9.9")
			v := h.venv("v", "openai-1.6.1")
			return proto{exe: exe, argv: []string{"python", v + lab}}
		}, "openai 1.6.1"},
		"bare name, loaded code": {func(h *host) proto {
			exe, _ := h.base("openai-9.9.9")
			v := h.venv("v", "openai-1.6.1")
			return proto{exe: exe, argv: []string{"python", "app.py"}, maps: "7f00-7f01 r-xp 0 00:01 9   " + v + "/lib/python3.11/site-packages/jiter/jiter.so (deleted)\n7f02-7f03 rw-p 0 00:00 0 [heap]\n"}
		}, "openai 1.6.1"},
		"bare name, base's loaded code": {func(h *host) proto {
			exe, site := h.base("openai-2.0.0")
			return proto{exe: exe, argv: []string{"python", "app.py"}, maps: "7f00-7f01 r-xp 0 00:01 9 " + site + "/a/site-packages/b.so\n"}
		}, "openai 2.0.0"},
		"bare name, no sign": {func(h *host) proto {
			exe, _ := h.base("openai-9.9.9")
			h.venv("v", "openai-1.6.1")
			return proto{exe: exe, argv: []string{"python", "app.py"}}
		}, ""},
		"base by its path": {func(h *host) proto {
			exe, _ := h.base("openai-2.0.0")
			return proto{exe: exe, argv: []string{exe, "app.py"}}
		}, "openai 2.0.0"},
		"environment that shows the base": {func(h *host) proto {
			exe, _ := h.base("openai-2.0.0", "litellm-1.0.0")
			v := h.venv("v", "openai-1.6.1")
			h.put(v+"/pyvenv.cfg", "include-system-site-packages = TRUE\n")
			return proto{exe: exe, argv: []string{v + "/bin/python"}}
		}, "litellm 1.0.0"},
		"the user's own folder": {func(h *host) proto {
			exe, _ := h.base("openai-2.0.0", "langchain-1.0.0")
			h.packages(h.files+"/home/ada/.local/lib/python3.11/site-packages", booted, "openai-3.0.0", "litellm-1.0.0")
			return proto{exe: exe, argv: []string{exe}, cwd: h.files + "/home/ada/work/deep"}
		}, "langchain 1.0.0, litellm 1.0.0"},
		"the user's own folder is hidden": {func(h *host) proto {
			exe, _ := h.base()
			v := h.venv("v", "openai-1.6.1")
			h.packages(h.files+"/home/ada/.local/lib/python3.11/site-packages", booted, "litellm-1.0.0")
			return proto{exe: exe, argv: []string{v + "/bin/python"}, cwd: h.files + "/home/ada"}
		}, "openai 1.6.1"},
		"two names of one folder": {func(h *host) proto {
			exe, _ := h.base()
			v := h.venv("v", "openai-1.6.1")
			h.link(v+"/lib64", v+"/lib")
			return proto{exe: exe, argv: []string{v + "/bin/python"}}
		}, "openai 1.6.1"},
		"unversioned executable": {func(h *host) proto {
			exe, _ := h.base("openai-2.0.0")
			return proto{exe: filepath.Dir(exe) + "/python", argv: []string{filepath.Dir(exe) + "/python"}}
		}, "openai 2.0.0"},
		"odd entries": {func(h *host) proto {
			exe, site := h.base("Jupyter.AI-2.31.7", "llama_index__core-0.14.0", "openai", "-.1", "openai-x", "openai-"+strings.Repeat("1", 60), "private_tool-1.0", "langchain-2.0 rm")
			h.put(site+"/litellm-1.0.0.dist-info", "a file")
			h.link(site+"/cohere-1.0.0.dist-info", "/nonexistent")
			return proto{exe: exe, argv: []string{exe}}
		}, "jupyter-ai 2.31.7, llama-index-core 0.14.0"},
		"left over": {func(h *host) proto {
			exe, _ := h.base("openai-1.0.0", "openai-2.0.0", "litellm-1.0.0")
			return proto{exe: exe, argv: []string{exe}}
		}, "litellm 1.0.0"},
		"installed after the start": {func(h *host) proto {
			exe, site := h.base("litellm-1.0.0")
			h.packages(site, after(5000), "jupyter_ai-2.31.7")
			return proto{exe: exe, argv: []string{exe}}
		}, "litellm 1.0.0"},
		"too many entries": {func(h *host) proto {
			exe, site := h.base("openai-1.0.0")
			for n := range 20_001 {
				check(h.t, os.WriteFile(fmt.Sprintf("%s/f%d", site, n), nil, 0o600))
			}
			return proto{exe: exe, argv: []string{exe}}
		}, ""},
		"a trap in the way": {func(h *host) proto {
			exe, _ := h.base("openai-1.0.0")
			check(h.t, os.MkdirAll(h.files+"/v/bin", 0o755))
			check(h.t, syscall.Mkfifo(h.files+"/v/pyvenv.cfg", 0o644))
			return proto{exe: exe, argv: []string{h.files + "/v/bin/python"}}
		}, "openai 1.0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			p := c.make(h)
			p.pid, p.start, p.sockets = 7, 5000, []uint64{h.open(5000, 1000)}
			h.run(p)
			if got := versions(found(t, h.finder(), 5000)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestUpgradeUnderARunningProcess: a process goes on with what it loaded, so
// that after an upgrade its version is not the new one; a restart has it.
func TestUpgradeUnderARunningProcess(t *testing.T) {
	h := newHost(t)
	exe, site := h.base("jupyter_ai-2.30.0")
	server := func(pid int, start uint64, port int) {
		h.run(proto{pid: pid, start: start, exe: exe, argv: []string{exe, "/opt/bin/jupyter-lab"}, sockets: []uint64{h.open(port, 1)}})
	}
	f := h.finder()
	server(7, 100, 5000)
	server(8, 200, 5001)
	if got := versions(found(t, f, 5000)); got != "jupyter-ai 2.30.0" {
		t.Fatalf("before: %q", got)
	}
	check(t, os.Rename(site+"/jupyter_ai-2.30.0.dist-info", site+"/jupyter_ai-2.31.7.dist-info"))
	check(t, os.Chtimes(site+"/jupyter_ai-2.31.7.dist-info", after(300), after(300)))
	if got := versions(found(t, f, 5000)); got != "jupyter-ai 2.30.0" {
		t.Errorf("the process that was known: %q", got)
	}
	if got := versions(found(t, f, 5001)); got != "" {
		t.Errorf("a process from before the upgrade that was not known: %q", got)
	}
	server(9, 2000, 5002)
	if got := versions(found(t, f, 5002)); got != "jupyter-ai 2.31.7" {
		t.Errorf("a process from after the upgrade: %q", got)
	}
}

// TestAnotherRoot: a container on the host's network has its own files, and a
// link in it that leads out would name ours.
func TestAnotherRoot(t *testing.T) {
	h := newHost(t)
	exe, site := h.base("openai-9.9.9")
	box := filepath.Join(h.files, "box")
	h.packages(box+"/opt/venv/lib/python3.11/site-packages", booted, "openai-1.6.1")
	h.put(box+"/opt/venv/pyvenv.cfg", "")
	h.link(box+"/opt/out", filepath.Dir(filepath.Dir(filepath.Dir(site))))
	h.put(box+exe, "")
	for name, c := range map[string]struct{ python, want string }{
		"its own files":  {"/opt/venv/bin/python", "openai 1.6.1"},
		"no way out":     {"/opt/out/bin/python", ""},
		"not ours":       {exe, ""},
		"up and outside": {"/opt/venv/../../../../.." + exe, ""},
	} {
		h.run(proto{pid: 7, exe: "/usr/bin/python3.11", start: uint64(len(name)), argv: []string{c.python}, sockets: []uint64{h.open(5000, 1000)}})
		h.link(h.proc+"/7/ns/mnt", "mnt:[2]")
		h.link(h.proc+"/7/root", box)
		if got := versions(found(t, h.finder(), 5000)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		h.closes("tcp")
	}
}

func TestNodePackages(t *testing.T) {
	for name, c := range map[string]struct {
		make func(h *host, root string) proto
		want string
	}{
		"beside the script": {func(h *host, root string) proto {
			h.module(root+"/app", "openai", "6.49.0")
			h.module(root+"/app", "@langchain/openai", "1.6.0")
			h.module(root+"/app", "left-pad", "1.0.0")
			return proto{argv: []string{"node", "--require", "./x.js", root + "/app/src/chat.mjs"}}
		}, "@langchain/openai 1.6.0, openai 6.49.0"},
		"relative script": {func(h *host, root string) proto {
			h.module(root, "ai", "7.0.173")
			return proto{argv: []string{"node", "app/chat.mjs"}, cwd: root}
		}, "ai 7.0.173"},
		"no script": {func(h *host, root string) proto {
			h.module(root, "ai", "7.0.173")
			return proto{argv: []string{"node", "-e", "x"}, cwd: root + "/a/b"}
		}, "ai 7.0.173"},
		"the nearest": {func(h *host, root string) proto {
			h.module(root, "openai", "1.0.0")
			h.module(root+"/app", "openai", "2.0.0")
			return proto{argv: []string{"node", root + "/app/chat.mjs"}}
		}, "openai 2.0.0"},
		"the nearest cannot be read": {func(h *host, root string) proto {
			h.module(root, "openai", "1.0.0")
			h.put(root+"/app/node_modules/openai/package.json", "{")
			return proto{argv: []string{"node", root + "/app/chat.mjs"}}
		}, ""},
		"odd version": {func(h *host, root string) proto {
			h.module(root, "openai", "latest\n")
			return proto{argv: []string{"node", root + "/chat.mjs"}}
		}, ""},
		"too large": {func(h *host, root string) proto {
			h.module(root, "openai", "1.0.0"+`","x":"`+strings.Repeat("x", 70<<10))
			return proto{argv: []string{"node", root + "/chat.mjs"}}
		}, ""},
		"nowhere": {func(_ *host, _ string) proto { return proto{argv: []string{"node"}} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			p := c.make(h, h.files+"/srv")
			p.pid, p.exe, p.start, p.sockets = 7, "/usr/bin/node", 5000, []uint64{h.open(5000, 1000)}
			h.run(p)
			i := found(t, h.finder(), 5000)
			if got := versions(i); got != c.want || i.Kind != local.KindNode {
				t.Errorf("got %q of a %s, want %q", got, i.Kind, c.want)
			}
		})
	}
}

// module installs a Node package before any process started.
func (h *host) module(dir, name, version string) {
	h.t.Helper()
	at := dir + "/node_modules/" + name
	h.put(at+"/package.json", `{"name":"x","version":"`+version+`"}`)
	check(h.t, os.Chtimes(at, booted, booted))
}

// TestCachesAreBounded: more processes than are kept are all described rightly.
func TestCachesAreBounded(t *testing.T) {
	h := newHost(t)
	f := h.finder()
	for n := range 300 {
		exe := fmt.Sprintf("/usr/bin/p%d", n)
		h.run(proto{pid: 100, exe: exe, start: uint64(n), sockets: []uint64{h.open(5000, 1)}})
		if i := found(t, f, 5000); i.Name != filepath.Base(exe) {
			t.Fatalf("process %d: got %+v", n, i)
		}
		h.closes("tcp")
	}
}
