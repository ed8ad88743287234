package local

import (
	"path"
	"slices"
	"strings"
)

// maxName bounds a process's name in a record.
const maxName = 32

// servers and kernels are the programs and modules by which Python processes
// of Jupyter are known. Other scripts' names are their user's own and stay
// with him: such a process is just "python".
var (
	servers = []string{
		"jupyterhub-singleuser", "jupyter-lab", "jupyter-labhub", "jupyter-notebook", "jupyter-server", "jupyter-nbclassic",
		"jupyterhub.singleuser", "jupyterlab", "notebook", "jupyter_server", "batchspawner-singleuser",
	}
	kernels = []string{"ipykernel_launcher", "ipykernel"}
)

// nameOf says what a process is from its executable, its arguments and the
// name that it gave itself.
func nameOf(exe string, argv []string, comm string) (name, kind string) {
	base := path.Base(exe)
	if exe == "" {
		base = comm
	}
	switch {
	case isPython(base):
		program := program(argv)
		switch {
		case slices.Contains(servers, program):
			return program, KindServer
		case slices.Contains(kernels, program):
			return program, KindKernel
		}
		return "python", KindPython
	case base == "node" || base == "nodejs" || base == "bun" || base == "deno":
		return base, KindNode
	}
	return plain(base), KindOther
}

func isPython(base string) bool {
	rest, ok := strings.CutPrefix(base, "python")
	if !ok {
		rest, ok = strings.CutPrefix(base, "pypy")
	}
	return ok && strings.Trim(rest, "0123456789.td") == ""
}

// program is the base name of the script, or the module, that a Python process
// runs; empty for code on the command line or from a terminal.
func program(argv []string) string {
	for i := 1; i < len(argv); i++ {
		a := argv[i]
		switch {
		case a == "-m":
			if i+1 < len(argv) {
				return argv[i+1]
			}
			return ""
		case a == "-c", a == "-":
			return ""
		case a == "-X", a == "-W", a == "--check-hash-based-pycs":
			i++
		case strings.HasPrefix(a, "-m"):
			return a[2:]
		case strings.HasPrefix(a, "-"):
		default:
			return path.Base(a)
		}
	}
	return ""
}

// script is the path of the file that an interpreter runs, empty if there is
// none or if it is a module.
func script(argv []string) string {
	for i := 1; i < len(argv); i++ {
		a := argv[i]
		switch {
		case a == "-X", a == "-W", a == "-r", a == "--require", a == "--import", a == "--loader":
			i++
		case strings.HasPrefix(a, "-m"), a == "-c", a == "-e", a == "-p", a == "-":
			return ""
		case strings.HasPrefix(a, "-"):
		default:
			return a
		}
	}
	return ""
}

// plain makes a name fit a record: printable ASCII of bounded length.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), maxName)]
}
