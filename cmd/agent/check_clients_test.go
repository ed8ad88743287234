package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"llmtap/internal/check"
	"llmtap/internal/faultllm"
)

// installed is a state directory with an authority and a bundle of roots.
func installed(t *testing.T) string {
	t.Helper()
	dir := shortDir(t)
	roots := filepath.Join(dir, "roots.pem")
	put(t, roots, string(pemOfThrowAway(t)), 0o600)
	t.Setenv("SSL_CERT_FILE", roots)
	agent, _ := agentOn(t, dir)
	agent.stop(t)
	return dir
}

func pemOfThrowAway(t *testing.T) []byte {
	t.Helper()
	cert, _, err := faultllm.SelfSigned("roots.example")
	if err != nil {
		t.Fatal(err)
	}
	return chainPEM(cert)
}

// programsOf makes a PATH with one script under all three names.
func programsOf(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range trialPrograms() {
		put(t, filepath.Join(dir, p.name), "#!/bin/sh\n"+script+"\n", 0o700)
	}
	return dir
}

// TestCheckClientsThatFail: programs that do each thing wrong.
func TestCheckClientsThatFail(t *testing.T) {
	dir := installed(t)
	for name, tc := range map[string]struct {
		path                   string
		code                   int
		trusts, refuses, stays string
		text                   string
	}{
		"none installed":   {t.TempDir(), exitOK, "", "", "", ""},
		"believes all":     {programsOf(t, "echo 200"), exitFailed, "not_ok", "not_ok", "not_ok", "did not go through the proxy"},
		"goes nowhere":     {programsOf(t, "echo no network >&2; exit 7"), exitFailed, "not_ok", "unknown", "not_ok", "no network"},
		"cannot be called": {programsOf(t, "kill -9 $$"), exitFailed, "not_ok", "unknown", "not_ok", "killed"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := checked(t, tc.code, vars{"HOME": dir, "PATH": tc.path}, "--clients", "--state-dir", dir)
			for _, p := range trialPrograms() {
				if tc.trusts == "" {
					says(t, lines, p.name, "unknown", "not found in PATH")
					continue
				}
				says(t, lines, p.name+" goes through, trusts", tc.trusts, tc.text)
				says(t, lines, p.name+" refuses other names", tc.refuses, "")
				says(t, lines, p.name+" honours NO_PROXY", tc.stays, "")
			}
			says(t, lines, "proxy loop", "ok", "none")
			says(t, lines, "file limit", "ok", "")
		})
	}
}

// TestCheckRealCurl: the real program passes, and is caught when told not to
// verify.
func TestCheckRealCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("SKIPPED LOUDLY: no curl in PATH; the checks of clients are not tried on a real one")
	}
	dir := installed(t)
	for name, tc := range map[string]struct {
		flags           string
		trusts, refuses string
		code            int
	}{"as it is": {"-q", "ok", "ok", exitOK}, "insecure": {"-q --insecure", "ok", "not_ok", exitFailed}} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			put(t, filepath.Join(path, "curl"), "#!/bin/sh\nexec "+curl+" "+tc.flags+" \"$@\"\n", 0o700)
			lines := checked(t, tc.code, vars{"HOME": dir, "PATH": path}, "--clients", "--state-dir", dir)
			says(t, lines, "curl goes through, trusts", tc.trusts, "")
			says(t, lines, "curl refuses other names", tc.refuses, "")
			says(t, lines, "curl honours NO_PROXY", "ok", "")
		})
	}
}

// TestCheckClientsWritesNothing: trying clients leaves the authority as it was.
func TestCheckClientsWritesNothing(t *testing.T) {
	dir := installed(t)
	before := tree(t, filepath.Join(dir, "ca"))
	checked(t, exitOK, vars{"HOME": dir, "PATH": t.TempDir()}, "--clients", "--state-dir", dir)
	if after := tree(t, filepath.Join(dir, "ca")); after != before {
		t.Errorf("the authority changed:\n%s\n%s", before, after)
	}
	lines := checked(t, exitOK, vars{"HOME": dir}, "--clients", "--state-dir", shortDir(t))
	says(t, lines, "python3", "unknown", "authority is not in order")
}

// tree is the content of a folder as one text.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(e.Name() + "\n" + string(text))
	}
	return b.String()
}

// TestTrialBench: through the bench a client that trusts the authority gets to
// the permitted name and refuses the other one.
func TestTrialBench(t *testing.T) {
	dir := installed(t)
	b, err := newTrialBench(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(b.dir); err == nil {
			t.Error("the copy of the key was left behind")
		}
	})
	pem, err := os.ReadFile(filepath.Join(dir, "ca", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	proxy, err := url.Parse(b.address)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr}
	resp, err := client.Get("https://" + b.permitted + "/")
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("%v %v", resp, err)
	}
	_ = resp.Body.Close()
	resp, err = client.Get("https://" + b.foreign + "/")
	if err == nil {
		_ = resp.Body.Close()
		t.Fatal("a stolen leaf was taken")
	}
	if !strings.Contains(err.Error(), "not permitted") {
		t.Errorf("refused for another reason: %v", err)
	}
	b.hits.settled(b.foreign)
	if b.hits.of(b.foreign+refusedHit) != 1 || b.hits.of(b.permitted+refusedHit) != 0 {
		t.Error("the bench does not know who refused what")
	}
}

func TestLoopLine(t *testing.T) {
	dir := shortDir(t)
	_, info := agentOn(t, dir)
	own, err := url.Parse(info.Proxy)
	if err != nil {
		t.Fatal(err)
	}
	if l := loopLine(dir, settings{upstreamProxy: own}); l.State != check.NotOK {
		t.Errorf("%+v", l)
	}
	if l := loopLine(dir, settings{upstreamProxy: &url.URL{Scheme: "http", Host: "proxy.corp:3128"}}); l.State != check.OK {
		t.Errorf("%+v", l)
	}
}

func TestLastWords(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "one\n": "one", "trace\nError: x\n": "Error: x", "curl: (60) no\nMore details here\n\nhow to fix it\n": "curl: (60) no",
	} {
		if got := lastWords(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
