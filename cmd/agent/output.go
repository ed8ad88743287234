package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// outputDelay is how long the output is still read after exec's command has
// ended: what it started may go on and hold it open.
const outputDelay = 2 * time.Second

const unreadText = "The Jupyter server wrote its log to the terminal, which is its own: it was not read. To see calls that failed before they left, " +
	"let it write to a file (2>server.log), or name one with --watch-log."

// outputs returns e with the error output read on its way, where Jupyter
// servers log. A terminal stays the command's own, and so does standard output,
// unless both are one: then they stay one, in the order in which they are written.
func (e environment) outputs(logs *serverLogs) environment {
	if logs == nil || isTerminal(e.stderr) {
		return e
	}
	out := logs.tee(e.stderr)
	if same(e.stdout, e.stderr) {
		e.stdout = out
	}
	e.stderr = out
	return e
}

// same reports whether two writers are one file.
func same(a, b any) bool {
	f, ok := a.(*os.File)
	g, both := b.(*os.File)
	if !ok || !both {
		return a == b
	}
	x, errX := f.Stat()
	y, errY := g.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// unread reports whether the command is a Jupyter server whose log nobody read.
func (c *execCmd) unread(env environment) bool {
	jupyter := slices.ContainsFunc(c.Command, func(arg string) bool { return strings.HasPrefix(filepath.Base(arg), "jupyter") })
	return jupyter && isTerminal(env.stderr) && len(c.Trust.WatchLog) == 0
}
