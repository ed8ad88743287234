package local

import (
	"bufio"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Bounds of the search for a Python environment.
const (
	maxMaps   = 4 << 20 // bytes of the memory map
	maxSites  = 8
	maxConfig = 4 << 10 // bytes of pyvenv.cfg
	maxAbove  = 16      // directories above the working directory
)

// environment is where a Python process may import packages from.
type environment struct {
	t     tree
	sites []string
	seen  []fs.FileInfo
}

// add takes the folders that exist, each once whatever its names.
func (e *environment) add(dirs ...string) {
	for _, d := range dirs {
		fi := e.t.dir(d)
		if fi == nil || len(e.sites) >= maxSites || slices.ContainsFunc(e.seen, func(s fs.FileInfo) bool { return os.SameFile(s, fi) }) {
			continue
		}
		e.sites, e.seen = append(e.sites, d), append(e.seen, fi)
	}
}

// sitesOf lists the directories from which a Python process may import: those
// of its prefix, those from which it has mapped code, and the user's own. The
// environment variables that could name more are not read.
func sitesOf(t tree, p *process) []string {
	e := &environment{t: t}
	version := pythonVersion(t, p.exe)
	loaded := mapped(p)
	prefix, isolated, known := prefixOf(t, p, loaded)
	if prefix != "" {
		e.add(sitesUnder(prefix, version)...)
	}
	if known && !isolated {
		e.add(sitesUnder(path.Dir(path.Dir(p.exe)), version)...)
	}
	e.add(loaded...)
	if !isolated && len(e.sites) > 0 {
		for dir, n := p.directory(), 0; dir != "" && dir != "/" && n < maxAbove; dir, n = path.Dir(dir), n+1 {
			e.add(dir + "/.local/lib/" + version + "/site-packages")
		}
	}
	return e.sites
}

// prefixOf finds the virtual environment that a process runs in, and whether it
// hides the base's packages; an empty prefix that is known is the base itself.
// The executable is the base's even in a virtual environment, so that only the
// path by which it was called tells, or the code that it loaded. A bare name may
// be either.
func prefixOf(t tree, p *process, loaded []string) (prefix string, isolated, known bool) {
	called := ""
	if len(p.argv) > 0 {
		called = p.argv[0]
	}
	if strings.Contains(called, "/") && !path.IsAbs(called) {
		called = path.Join(p.directory(), called)
	}
	places := []string{called, p.exe}
	if file := script(p.argv); path.IsAbs(file) {
		places = append(places, file) // a console script stands beside its python
	}
	for _, at := range places {
		if !path.IsAbs(at) {
			continue
		}
		for _, dir := range []string{path.Dir(at), path.Dir(path.Dir(at))} {
			if b, err := t.read(dir+"/pyvenv.cfg", maxConfig); err == nil {
				return dir, !systemSites(string(b)), true
			}
		}
	}
	for _, site := range loaded { // PREFIX/lib/python3.11/site-packages
		dir := path.Dir(path.Dir(path.Dir(site)))
		if b, err := t.read(dir+"/pyvenv.cfg", maxConfig); err == nil {
			return dir, !systemSites(string(b)), true
		}
	}
	return "", false, path.IsAbs(called)
}

// systemSites reads whether a virtual environment sees the base's packages.
func systemSites(config string) bool {
	for line := range strings.Lines(config) {
		key, value, _ := strings.Cut(line, "=")
		if strings.EqualFold(strings.TrimSpace(key), "include-system-site-packages") {
			return strings.EqualFold(strings.TrimSpace(value), "true")
		}
	}
	return false
}

// pythonVersion is the name of the library folder, python3.11: the
// executable's own name, else the only such folder of its prefix.
func pythonVersion(t tree, exe string) string {
	base := path.Base(exe)
	if strings.Contains(base, ".") && isPython(base) {
		return strings.TrimRight(base, "td")
	}
	var found []string
	t.names(path.Dir(path.Dir(exe))+"/lib", 4096, func(n string) {
		if strings.HasPrefix(n, "python3.") && len(found) < 2 {
			found = append(found, n)
		}
	})
	if len(found) == 1 {
		return found[0]
	}
	return "python3"
}

// sitesUnder are the folders of a prefix that hold packages; Debian's have
// names of their own.
func sitesUnder(prefix, version string) []string {
	out := []string{prefix + "/lib/" + version + "/site-packages", prefix + "/lib64/" + version + "/site-packages"}
	if prefix == "/usr" {
		out = append(out, "/usr/lib/python3/dist-packages", "/usr/local/lib/"+version+"/dist-packages")
	}
	return out
}

// mapped are the package folders from which the process has loaded code.
func mapped(p *process) []string {
	f, err := p.dir.Open("maps")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	var out []string
	lines := bufio.NewScanner(io.LimitReader(f, maxMaps))
	for lines.Scan() && len(out) < maxSites {
		at := strings.IndexByte(lines.Text(), '/')
		if at < 0 {
			continue
		}
		if dir := siteIn(lines.Text()[at:]); dir != "" && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// siteIn cuts a path after its first folder of packages.
func siteIn(file string) string {
	for _, folder := range []string{"/site-packages/", "/dist-packages/"} {
		if before, _, ok := strings.Cut(file, folder); ok {
			return before + strings.TrimSuffix(folder, "/")
		}
	}
	return ""
}
