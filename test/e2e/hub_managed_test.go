//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestJupyterHubManages: the hub itself starts the agent, tells it what a service
// must know, and ends it.
func TestJupyterHubManages(t *testing.T) {
	t.Parallel()
	bin, err := peerBinary()
	if err != nil {
		t.Fatal(err)
	}
	s := newHubSite(t) // for what it prints, and for its authority
	service := "127.0.0.1:" + peerPort(t)
	config := s.guide("All from the hub", "http://127.0.0.1:4144", "http://"+service, `"/var/lib/llmtap"`, `"`+s.state()+`"`,
		`"llmtap", "run",`, fmt.Sprintf(`"%s", "run", "--listen", "%s", "--admin-listen", "%s", "--upstream-proxy", "%s", "--upstream-ca", "%s",`,
			bin, s.listen, s.admin, s.up.proxy, s.up.id.file))
	s.end()
	h := hubStart(t, s, config)
	ready := func() error {
		resp, err := peerDirect().Get("http://" + s.admin + "/readyz")
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", resp.Status)
		}
		return nil
	}
	peerUntil(t, 30*time.Second, func() string {
		if err := ready(); err != nil {
			return err.Error()
		}
		return ""
	})
	h.spawn("alice")
	h.ready("alice")
	h.terminal("alice", "", "plain", "stream")
	for user, want := range map[string]int{"alice": 2, "bob": 0, "admin": 2} {
		page := hubPage{t, h.browser(user), h.conf.BindURL + "/services/llmtap/"}
		page.get("") // logs in at the service
		peerUntil(t, 10*time.Second, func() string {
			if got := page.ids(); len(got) != want {
				return fmt.Sprintf("%s sees %d calls, want %d", user, len(got), want)
			}
			return ""
		})
	}
	h.stop("alice")
	h.end()
	if err := ready(); err == nil {
		t.Error("the agent outlives the hub that manages it")
	}
}
