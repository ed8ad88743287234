package main

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"llmtap/deploy/jupyterhub"
)

// packagePublic is where the package's unit puts the certificates for
// everybody; the state directory is the agent's alone.
const packagePublic = "/run/llmtap"

// jupyterhub prints the configuration that sends every server of a hub through
// this agent, each with its user's token.
func (c *envCmd) jupyterhub(env environment, info runInfo, dir string) error {
	if c.User != "" {
		return usagef("--user does not go with --format jupyterhub: each server gets the token of its own user")
	}
	proxy, err := url.Parse(info.Proxy)
	if err != nil {
		return fmt.Errorf("env: %w", err)
	}
	public := publicDir(dir, packagePublic, os.Geteuid() == 0)
	text, err := jupyterhub.Config(jupyterhub.Places{Proxy: proxy.Host, Ready: info.Admin + "/readyz", State: dir, Public: public})
	if err != nil {
		return err
	}
	if shut := shutAbove(public); shut != "" {
		_, _ = fmt.Fprintf(env.stderr, "llmtap: other users cannot enter %s: set PUBLIC to a directory that they can read\n", shut)
	}
	_, err = fmt.Fprint(env.stdout, text)
	return err
}

// publicDir is where users of this host can read the certificates: the
// package's directory if it has this agent's or root may write there, else one
// beside the state directory.
func publicDir(state, packaged string, root bool) string {
	ours, err := os.ReadFile(filepath.Join(state, "ca", "ca.crt"))
	theirs, terr := os.ReadFile(filepath.Join(packaged, "ca.crt"))
	if err == nil && terr == nil && bytes.Equal(ours, theirs) || root && os.IsNotExist(terr) {
		return packaged
	}
	return strings.TrimRight(state, "/") + "-public"
}

// shutAbove returns the first directory on the way to path that others cannot
// enter, empty if there is none.
func shutAbove(path string) string {
	shut := ""
	for dir := path; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if st, err := os.Stat(dir); err == nil && st.Mode()&1 == 0 {
			shut = dir
		}
	}
	return shut
}
