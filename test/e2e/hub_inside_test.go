//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// hubAnswer is one line of call.py.
type hubAnswer struct{ Mode, Text, Error string }

// inside runs inside.py, which runs text in the user's server: what is kernel (one
// cell of Python) or terminal (a shell command). It returns what was printed.
func (h *jupyterHub) inside(what, user, text string) string {
	h.t.Helper()
	script, err := filepath.Abs(filepath.Join("hub", "inside.py"))
	if err != nil {
		h.t.Fatal(err)
	}
	got := start(h.t, plainEnv(h.t), text, h.paths.python, script, what, h.conf.BindURL+"/user/"+user+"/", h.userToken(user))
	if got.code != 0 {
		h.t.Fatalf("%s of %s: exit %d\n%s%s", what, user, got.code, got.out, got.err)
	}
	return got.out
}

// program puts call.py where every user can read it.
func (h *jupyterHub) program() string {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join("hub", "call.py"))
	if err != nil {
		h.t.Fatal(err)
	}
	return peerFile(h.t, filepath.Join(h.conf.Dir, "call.py"), string(b), 0o644)
}

// kernel calls the LLM from a kernel of the user's, once for each mode.
func (h *jupyterHub) kernel(user string, modes ...string) []hubAnswer {
	h.t.Helper()
	return h.answers(user, h.inside("kernel", user, fmt.Sprintf(
		"import runpy, sys\nsys.argv = ['call.py', '%s']\nrunpy.run_path('%s', run_name='__main__')", strings.Join(modes, "', '"), h.program())), modes)
}

// terminal calls the LLM from a terminal of the user's, after the assignments
// in front of the command.
func (h *jupyterHub) terminal(user, assign string, modes ...string) []hubAnswer {
	h.t.Helper()
	return h.answers(user, h.inside("terminal", user, assign+" "+h.paths.python+" "+h.program()+" "+strings.Join(modes, " ")), modes)
}

func (h *jupyterHub) answers(user, out string, modes []string) (list []hubAnswer) {
	h.t.Helper()
	for line := range strings.Lines(out) {
		var a hubAnswer
		if json.Unmarshal([]byte(line), &a) != nil {
			break
		}
		list = append(list, a)
	}
	if len(list) != len(modes) || strings.Count(out, "\n") != len(modes) {
		h.t.Fatalf("call.py in the server of %s says:\n%s", user, out)
	}
	return list
}
