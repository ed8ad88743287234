package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"llmtap/capture"
)

// TestHangupReloadsHosts: SIGHUP reads the file again; what cannot be read
// leaves the old hosts, and the metric says so. The agent stays up.
func TestHangupReloadsHosts(t *testing.T) {
	dir := shortDir(t)
	srv := bareService(t)
	file := filepath.Join(dir, "llmtap.yaml")
	put(t, file, "log: {level: info}\n", 0o600)
	_, info := agentOn(t, dir, "--config", file)
	through := func() int { return plainThrough(t, info.Proxy, srv) }
	if got := through(); got != http.StatusForbidden {
		t.Fatalf("a private destination answered %d before it was allowed", got)
	}
	put(t, file, "allow_private: ['"+strings.TrimPrefix(srv, "http://")+"']\n", 0o600)
	hangup(t)
	eventually(t, "the allowed host", func() bool { return through() == http.StatusOK })
	put(t, file, "alow_private: []\n", 0o600)
	hangup(t)
	eventually(t, "the metric", func() bool {
		return strings.Contains(body(t, info.Admin+"/metrics"), "\nllmtap_config_last_reload_successful 0")
	})
	if got := through(); got != http.StatusOK {
		t.Errorf("a file that cannot be read took the old hosts away: %d", got)
	}
}

func hangup(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// plainThrough asks a plain-http service through the proxy.
func plainThrough(t *testing.T, proxy, target string) int {
	t.Helper()
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(u), DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// TestEnvWithUser: the printed address carries the token that the proxy wants.
func TestEnvWithUser(t *testing.T) {
	dir := shortDir(t)
	_, info := agentOn(t, dir, "--proxy-auth", "required")
	srv := bareService(t)
	if got := plainThrough(t, info.Proxy, srv); got != http.StatusProxyAuthRequired {
		t.Errorf("without a token: %d", got)
	}
	out := llmtap(t, vars{}, "env", "--state-dir", dir, "--format", "json", "--user", "alice")
	out.wants(t, exitOK)
	var got map[string]string
	if err := json.Unmarshal([]byte(out.stdout), &got); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(got["HTTPS_PROXY"])
	if err != nil || u.User.Username() != "alice" {
		t.Fatalf("address %q: %v", got["HTTPS_PROXY"], err)
	}
	if code := plainThrough(t, got["HTTPS_PROXY"], srv); code != http.StatusForbidden { // known now, and stopped by the next rule
		t.Errorf("with the token: %d", code)
	}
	secret, err := installSecret(dir)
	if err != nil {
		t.Fatal(err)
	}
	if pw, _ := u.User.Password(); pw != capture.ProxyToken(secret, "alice") {
		t.Error("the token is not the user's")
	}
}

func TestEmptySwitchIsNotSet(t *testing.T) {
	for text, want := range map[string]string{"": "", "maybe": `"maybe": want true or false`} {
		out := llmtap(t, vars{}, "ca", "rotate", "--state-dir", t.TempDir(), "--strict="+text)
		if want == "" && out.code != exitOK || want != "" && out.code != exitUsage {
			t.Errorf("--strict=%q ends with %d: %s", text, out.code, out.stderr)
		}
		if !strings.Contains(out.stderr, want) {
			t.Errorf("--strict=%q says %q", text, out.stderr)
		}
	}
}

func TestOpenRoutesAreRefused(t *testing.T) {
	llmtap(t, vars{}, "run", "--state-dir", t.TempDir(), "--route", "a=https://a.example", "--route-listen", "0.0.0.0:0").
		wants(t, exitUsage, "loopback only")
	llmtap(t, vars{}, "faultllm", "--listen", "0.0.0.0:0").wants(t, exitUsage, "loopback only")
}

// bareService answers every request with 200 and no body.
func bareService(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// body fetches a page of the admin listener.
func body(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url) //nolint:noctx // loopback, ended by the test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDemoTakesTheAgentsFlags(t *testing.T) {
	llmtap(t, vars{}, "demo", "--once", "--tunnel-only").wants(t, exitUsage, "nothing to show")
	llmtap(t, vars{}, "demo", "--once", "--intercept", "http://x").wants(t, exitUsage, "--intercept")
}
