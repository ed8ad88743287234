//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestFiveHundredServers: five hundred servers start at once; their environments
// are made, and each one's first call is let in as its user's.
func TestFiveHundredServers(t *testing.T) {
	const n = 500
	p := hubPrograms(t)
	s := newHubSite(t, "LLMTAP_PROXY_AUTH=required", "LLMTAP_IDENTITY_USER=name")
	script, err := filepath.Abs(filepath.Join("hub", "spawns.py"))
	if err != nil {
		t.Fatal(err)
	}
	done := start(t, plainEnv(t), "", p.python, script, s.snippet(), fmt.Sprint(n))
	var got struct {
		Seconds, Slowest float64
		Proxies          []string
	}
	if err := json.Unmarshal([]byte(done.out), &got); done.code != 0 || err != nil || len(got.Proxies) != n {
		t.Fatalf("spawns.py: exit %d, %v, %d proxies\n%s", done.code, err, len(got.Proxies), done.err)
	}
	for _, i := range []int{0, n - 1} {
		if want := s.proxyOf(fmt.Sprintf("user-%d", i)); got.Proxies[i] != want {
			t.Errorf("user-%d gets %q, llmtap env says %q", i, got.Proxies[i], want)
		}
	}
	took := s.firstCalls(t, got.Proxies)
	var users, want []string
	for _, r := range s.news(n) {
		users = append(users, r.Client.User)
	}
	for i := range n {
		want = append(want, fmt.Sprintf("user-%d", i))
	}
	slices.Sort(users)
	slices.Sort(want)
	if !slices.Equal(users, want) {
		t.Errorf("the records name %d users, not each of the %d once", len(slices.Compact(users)), n)
	}
	t.Logf("%d servers at once: environments after %.0f ms, the slowest took %.0f ms; %d first calls after %d ms",
		n, got.Seconds*1000, got.Slowest*1000, n, took.Milliseconds())
	if got.Seconds > 10 || took > 60*time.Second {
		t.Error("that is far too slow")
	}
}

// firstCalls sends one plain call through each proxy, all at once.
func (s *hubSite) firstCalls(t *testing.T, proxies []string) time.Duration {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.public(), "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b)
	var wg sync.WaitGroup
	began := time.Now()
	for i, proxy := range proxies {
		wg.Go(func() {
			if status, err := hubFirstCall(proxy, roots); err != nil || status != http.StatusOK {
				t.Errorf("user-%d: %d %v, want 200", i, status, err)
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

func hubFirstCall(proxy string, roots *x509.CertPool) (status int, err error) {
	u, err := url.Parse(proxy)
	if err != nil {
		return 0, err
	}
	c := http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{
		Proxy: http.ProxyURL(u), DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}}
	resp, err := c.Post("https://contoso.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", "application/json", strings.NewReader(`{"messages":[]}`))
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
