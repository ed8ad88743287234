package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExecOfAClientThatDistrusts: a client that does not read our bundle is a
// recorded failure with a remedy, not silence.
func TestExecOfAClientThatDistrusts(t *testing.T) {
	service, upstreamCA := faultService(t)
	dir := shortDir(t)
	r := llmtap(t, vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "client"},
		"exec", "--state-dir", dir, "--upstream-ca", upstreamCA, "--", "env", "SSL_CERT_FILE="+upstreamCA, os.Args[0], "plain")
	r.wants(t, 1, "tls_untrusted", "→ ")
	if n := columns(r.stderr); n > 100 {
		t.Errorf("%d columns:\n%s", n, r.stderr)
	}
	llmtap(t, vars{}, "calls", "--class", "tls_untrusted", "--state-dir", dir).wants(t, exitOK, "localhost")
	llmtap(t, vars{}, "show", "--state-dir", dir, "--", shortID(firstID(t, dir))).wants(t, exitOK, "no request: the connection ended before one", "tls")
}

// firstID is the id of the newest call.
func firstID(t *testing.T, dir string) string {
	t.Helper()
	r := llmtap(t, vars{}, "calls", "--json", "--limit", "1", "--state-dir", dir)
	_, rest, _ := strings.Cut(r.stdout, `"id":"`)
	id, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("no call in %s: %s", dir, r.stdout)
	}
	return id
}

// TestExecTwice: the second run finds the authority and the records of the
// first, and a new host is added without taking the old one away.
func TestExecTwice(t *testing.T) {
	service, upstreamCA := faultService(t)
	dir := shortDir(t)
	args := []string{"exec", "--state-dir", dir, "--upstream-ca", upstreamCA, "--", os.Args[0], "plain"}
	v := vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "client"}
	llmtap(t, v, args...).wants(t, exitOK, "saw 1 LLM call")
	first := llmtap(t, vars{}, "ca", "show", "--state-dir", dir).stdout
	llmtap(t, v, args...).wants(t, exitOK, "saw 1 LLM call")
	if again := llmtap(t, vars{}, "ca", "show", "--state-dir", dir).stdout; again != first {
		t.Errorf("the same hosts made another authority:\n%s\n%s", first, again)
	}
	if got := len(strings.Fields(ids(t, dir))); got != 2 {
		t.Errorf("%d calls kept, want both", got)
	}
	llmtap(t, vars{"OPENAI_BASE_URL": "https://new.example.org/v1"}, "exec", "--state-dir", dir, "--", "true").wants(t, exitOK, "there is a new authority", "restart clients")
	wider := llmtap(t, vars{}, "ca", "show", "--state-dir", dir).stdout
	for _, name := range []string{"new.example.org", "localhost"} {
		if !strings.Contains(wider, name) {
			t.Errorf("%s is not permitted in\n%s", name, wider)
		}
	}
}

// TestExecWithARelativeStateDirectory: a command that changes its folder still
// finds the bundle.
func TestExecWithARelativeStateDirectory(t *testing.T) {
	dir := shortDir(t)
	t.Chdir(dir)
	r := llmtap(t, vars{}, "exec", "--state-dir", "state", "--", "sh", "-c", `cd / && test -r "$SSL_CERT_FILE" && test -r "$NODE_EXTRA_CA_CERTS" && echo readable`)
	r.wants(t, exitOK, "readable")
	if _, err := os.Stat(filepath.Join(dir, "state", "calls.db")); err != nil {
		t.Error(err)
	}
}

// TestExecKeepsSecretsOut: what a client sends as credentials is in no file of
// the state directory and in nothing that was printed.
func TestExecKeepsSecretsOut(t *testing.T) {
	service, upstreamCA := faultService(t)
	dir := shortDir(t)
	r := llmtap(t, vars{"AZURE_OPENAI_ENDPOINT": service, childRole: "client"},
		"exec", "--state-dir", dir, "--upstream-ca", upstreamCA, "--log-level", "debug", "--", os.Args[0], "plain", "stream")
	r.wants(t, exitOK)
	for _, args := range [][]string{{"calls"}, {"calls", "--json"}, {"show", firstID(t, dir)}} {
		out := llmtap(t, vars{}, append(args, "--state-dir", dir)...)
		r.stdout += out.stdout + out.stderr
	}
	if strings.Contains(r.stdout+r.stderr, "canary") {
		t.Error("the key was printed")
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "canary") {
			t.Errorf("the key is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestExecReadsTheFileToo: hosts of the configuration and of the environment
// come together; the file's listen address is not taken, the ports are free.
func TestExecReadsTheFileToo(t *testing.T) {
	service, upstreamCA := faultService(t)
	dir := shortDir(t)
	conf := filepath.Join(dir, "llmtap.yaml")
	put(t, conf, "upstream_ca: "+upstreamCA+"\nintercept: [one.example.org]\n", 0o600)
	r := llmtap(t, vars{"AZURE_OPENAI_ENDPOINT": service, "LLMTAP_CONFIG": conf, childRole: "client"}, "exec", "--state-dir", dir, "--", os.Args[0], "stream")
	r.wants(t, exitOK, "saw 1 LLM call, 1 failure")
	llmtap(t, vars{}, "ca", "show", "--state-dir", dir).wants(t, exitOK, "one.example.org")
	put(t, conf, "intercpet: []\n", 0o600)
	llmtap(t, vars{}, "exec", "--config", conf, "--state-dir", dir, "--", "true").wants(t, exitUsage, `did you mean "intercept"`)
}
