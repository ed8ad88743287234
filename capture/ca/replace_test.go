package ca_test

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llmtap/capture/ca"
)

// An agent that runs on when another one re-issues keeps its own authority;
// clients that start then must trust the leaves of both.
func TestRunningAgentSurvivesReissue(t *testing.T) {
	cfg, _ := config(t)
	running := mustOpen(t, cfg)
	cfg.Names = append(cfg.Names, "example.org")
	other := mustOpen(t, cfg)

	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(read(t, filepath.Join(cfg.Dir, "bundle.crt"))))
	for name, a := range map[string]*ca.Authority{"running": running, "other": other} {
		opts := x509.VerifyOptions{Roots: pool, CurrentTime: start, DNSName: "api.openai.com"}
		if _, err := mustLeaf(t, a, "api.openai.com").Leaf.Verify(opts); err != nil {
			t.Errorf("leaf of the %s agent: %v", name, err)
		}
	}
	if running.Permits("example.org") || !other.Permits("example.org") {
		t.Error("a running authority must not change, the new one must know the new name")
	}
}

// Two commands with different hosts and one state directory take turns.
func TestAlternatingConfigurations(t *testing.T) {
	cfg, _ := config(t)
	prints := map[string]bool{}
	for i := range 6 {
		cfg.Names = []string{"api.openai.com", fmt.Sprintf("h%d.example.org", i%2)}
		a := mustOpen(t, cfg)
		if got, want := a.Reissued(), i > 0; got != want {
			t.Errorf("turn %d: Reissued = %v, want %v", i, got, want)
		}
		prints[a.Info().Fingerprint] = true
	}
	if len(prints) != 6 {
		t.Errorf("%d authorities in six turns; a replaced key must not come back", len(prints))
	}
}

// What a process that dies in between leaves behind is refused or loads; it
// never mints leaves that no client trusts.
func TestDeathBetweenWrites(t *testing.T) {
	files := []string{"retired.crt", "bundle.crt", "ca.key", "ca.crt"} // in the order of writing
	for n := range len(files) + 1 {
		t.Run(strings.Join(files[:n], "+"), func(t *testing.T) {
			cfg, _ := config(t)
			mustOpen(t, cfg)
			before := map[string]string{}
			for _, f := range files[1:] {
				before[f] = read(t, filepath.Join(cfg.Dir, f))
			}
			changed := cfg
			changed.Names = []string{"example.org"}
			mustOpen(t, changed)
			for _, f := range files[n:] {
				if text, ok := before[f]; ok {
					write(t, filepath.Join(cfg.Dir, f), text, map[bool]os.FileMode{true: 0o600, false: 0o644}[f == "ca.key"])
				}
			}
			a, err := ca.Open(changed)
			if err != nil {
				if n != 3 {
					t.Errorf("Open: %v", err)
				}
				if a, err = ca.Rotate(changed); err != nil {
					t.Fatalf("Rotate: %v", err)
				}
			}
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM([]byte(read(t, filepath.Join(cfg.Dir, "bundle.crt"))))
			opts := x509.VerifyOptions{Roots: pool, CurrentTime: start, DNSName: "example.org"}
			if _, err = mustLeaf(t, a, "example.org").Leaf.Verify(opts); err != nil {
				t.Errorf("a client with the bundle refuses the leaf: %v", err)
			}
		})
	}
}

// The key is in its file and nowhere else that this package shows.
func TestKeyIsShownNowhere(t *testing.T) {
	cfg, _ := config(t)
	a := mustOpen(t, cfg)
	body := strings.Split(read(t, filepath.Join(cfg.Dir, "ca.key")), "\n")[1]
	_, refused := a.Leaf(t.Context(), "example.org")
	shown := fmt.Sprintf("%+v %+v %s %v %s %s", a.Info(), a.Stats(), a.CertPEM(), refused,
		read(t, filepath.Join(cfg.Dir, "ca.crt")), read(t, filepath.Join(cfg.Dir, "bundle.crt")))
	if strings.Contains(shown, body) || strings.Contains(shown, "PRIVATE") {
		t.Error("the key is shown outside its file")
	}
}
