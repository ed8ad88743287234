// Package jupyterhub carries the configuration that a JupyterHub needs to send
// the calls of its servers through an agent, so that the file of the guide and
// `llmtap env --format jupyterhub` are one text.
package jupyterhub

import (
	_ "embed" // the configuration
	"fmt"
	"strings"
)

//go:embed llmtap.py
var text string

// Places say where the agent is, as the hub and its servers see it.
type Places struct {
	// Proxy is HOST:PORT of the agent's proxy, Ready the URL of its readiness.
	Proxy, Ready string
	// State is the agent's state directory, Public one that every user can
	// read: the hub copies the certificates there.
	State, Public string
}

// Config is the configuration for an agent: Python for jupyterhub_config.py.
func Config(p Places) (string, error) {
	out := text
	for _, v := range []struct{ name, value string }{{"PROXY", p.Proxy}, {"READY", p.Ready}, {"STATE", p.State}, {"PUBLIC", p.Public}} {
		before, rest, found := strings.Cut(out, "\n"+v.name+" = ")
		_, after, ended := strings.Cut(rest, "  # ")
		if !found || !ended {
			return "", fmt.Errorf("jupyterhub: fill in %s: the text does not set it", v.name)
		}
		out = before + "\n" + v.name + " = " + quoted(v.value) + "  # " + after
	}
	return out, nil
}

// quoted is a Python string.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
