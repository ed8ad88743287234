package ca_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/capture/ca"
)

func ranges(list ...string) []*net.IPNet {
	var out []*net.IPNet
	for _, s := range list {
		_, n, err := net.ParseCIDR(s)
		if err != nil {
			panic(err)
		}
		out = append(out, n)
	}
	return out
}

func TestFirstStartMakesAuthority(t *testing.T) {
	cfg, _ := config(t)
	a := mustOpen(t, cfg)
	if a.Reissued() {
		t.Error("Reissued at first start")
	}
	for file, want := range map[string]os.FileMode{
		"": 0o700 | os.ModeDir, "ca.key": 0o600, "ca.crt": 0o644, "bundle.crt": 0o644,
	} {
		info, err := os.Stat(filepath.Join(cfg.Dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("mode of %q = %v, want %v", file, info.Mode(), want)
		}
	}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("files = %v, %v, want the three and no temporary one", entries, err)
	}
	if got := string(a.CertPEM()); got != read(t, filepath.Join(cfg.Dir, "ca.crt")) {
		t.Errorf("CertPEM = %q, want ca.crt", got)
	}
}

func TestAuthorityShape(t *testing.T) {
	cfg, _ := config(t)
	mustOpen(t, cfg)
	c := stored(t, cfg)
	if key, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("key = %T, want ECDSA P-256", c.PublicKey)
	}
	if !c.IsCA || !c.MaxPathLenZero || c.MaxPathLen != 0 {
		t.Errorf("IsCA %v, path length %d, zero %v", c.IsCA, c.MaxPathLen, c.MaxPathLenZero)
	}
	if n := c.SerialNumber.BitLen(); n != 128 {
		t.Errorf("serial has %d bits, want 128", n)
	}
	if got, want := c.NotBefore, start.Add(-time.Hour); !got.Equal(want) {
		t.Errorf("NotBefore = %v, want %v", got, want)
	}
	if life := c.NotAfter.Sub(c.NotBefore); life != 365*24*time.Hour {
		t.Errorf("life = %v, want a year", life)
	}
	if !c.PermittedDNSDomainsCritical {
		t.Error("name constraints are not critical")
	}
	if want := []string{"api.openai.com", "openai.azure.com"}; !slices.Equal(c.PermittedDNSDomains, want) {
		t.Errorf("permitted names = %v, want %v", c.PermittedDNSDomains, want)
	}
	if got := fmt.Sprint(c.ExcludedIPRanges); got != "[0.0.0.0/0 ::/0]" || c.PermittedIPRanges != nil {
		t.Errorf("excluded %s, permitted %v; want every address excluded", got, c.PermittedIPRanges)
	}
}

func TestAuthorityShapeWithAddresses(t *testing.T) {
	cfg, _ := config(t)
	cfg.IPs = addrs("10.0.0.7", "::ffff:10.0.0.7", "2001:db8::1")
	mustOpen(t, cfg)
	c := stored(t, cfg)
	if got := fmt.Sprint(c.PermittedIPRanges); got != "[10.0.0.7/32 2001:db8::1/128]" || c.ExcludedIPRanges != nil {
		t.Errorf("permitted %s, excluded %v", got, c.ExcludedIPRanges)
	}
}

func TestSecondStartLoadsTheSame(t *testing.T) {
	cfg, _ := config(t)
	first := mustOpen(t, cfg)
	key := read(t, filepath.Join(cfg.Dir, "ca.key"))
	// Order, repetition and the IPv4-mapped form are no change.
	cfg.Names = []string{"api.openai.com", "openai.azure.com", "api.openai.com"}
	again := mustOpen(t, cfg)
	if again.Reissued() {
		t.Error("Reissued although nothing changed")
	}
	if got, want := again.Info().Fingerprint, first.Info().Fingerprint; got != want {
		t.Errorf("fingerprint = %s, want %s", got, want)
	}
	if read(t, filepath.Join(cfg.Dir, "ca.key")) != key {
		t.Error("the key was written again")
	}
}

func TestChangedConfigurationReissues(t *testing.T) {
	for name, change := range map[string]func(*ca.Config){
		"name added":    func(c *ca.Config) { c.Names = append(c.Names, "example.org") },
		"name removed":  func(c *ca.Config) { c.Names = c.Names[:1] },
		"address added": func(c *ca.Config) { c.IPs = addrs("127.0.0.1") },
		"addresses only": func(c *ca.Config) {
			c.Names, c.IPs = nil, addrs("127.0.0.1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, _ := config(t)
			mustOpen(t, cfg)
			old, oldKey := stored(t, cfg), stolenKey(t, cfg)
			change(&cfg)
			a := mustOpen(t, cfg)
			if !a.Reissued() {
				t.Error("Reissued = false")
			}
			if stolenKey(t, cfg).Equal(oldKey) {
				t.Error("the new authority has the old key")
			}
			current := stored(t, cfg)
			if current.Subject.String() == old.Subject.String() {
				t.Error("old and new have one subject")
			}
			if !carries(t, cfg, old) || !carries(t, cfg, current) {
				t.Errorf("bundle carries old %v, new %v; want both", carries(t, cfg, old), carries(t, cfg, current))
			}
			if b := mustOpen(t, cfg); b.Reissued() || b.Info().Fingerprint != a.Info().Fingerprint {
				t.Error("the re-issued authority does not load")
			}
		})
	}
}

func TestRotate(t *testing.T) {
	cfg, clock := config(t)
	mustOpen(t, cfg)
	old := stored(t, cfg)
	a, err := ca.Rotate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Reissued() || !carries(t, cfg, old) || !carries(t, cfg, stored(t, cfg)) {
		t.Error("Rotate must keep the old certificate beside the new one")
	}
	// The forerunner goes when it has expired.
	cfg.Now = func() time.Time { return start.AddDate(0, 11, 0) }
	if _, err = ca.Rotate(cfg); err != nil {
		t.Fatal(err)
	}
	if !carries(t, cfg, old) {
		t.Error("bundle dropped a forerunner that is still valid")
	}
	clock.set(start.AddDate(1, 0, 1))
	cfg.Now = clock.now
	mustOpen(t, cfg)
	if carries(t, cfg, old) {
		t.Error("bundle carries an expired forerunner")
	}
}

func TestRotateWithoutAuthorityMakesOne(t *testing.T) {
	cfg, _ := config(t)
	a, err := ca.Rotate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if a.Reissued() {
		t.Error("Reissued although there was none")
	}
}

func TestForerunnersAreBounded(t *testing.T) {
	cfg, _ := config(t)
	mustOpen(t, cfg)
	for range 11 {
		if _, err := ca.Rotate(cfg); err != nil {
			t.Fatal(err)
		}
	}
	// One system root, eight forerunners, the current one.
	if n := len(certs(t, filepath.Join(cfg.Dir, "bundle.crt"))); n != 10 {
		t.Errorf("bundle carries %d certificates, want 10", n)
	}
}

func TestInfo(t *testing.T) {
	cfg, clock := config(t)
	cfg.IPs = addrs("192.0.2.1")
	a := mustOpen(t, cfg)
	info := a.Info()
	if want := filepath.Join(cfg.Dir, "ca.crt"); info.CertPath != want {
		t.Errorf("CertPath = %q, want %q", info.CertPath, want)
	}
	if want := filepath.Join(cfg.Dir, "bundle.crt"); info.BundlePath != want {
		t.Errorf("BundlePath = %q, want %q", info.BundlePath, want)
	}
	if info.RootsPath != cfg.SystemRoots {
		t.Errorf("RootsPath = %q, want %q", info.RootsPath, cfg.SystemRoots)
	}
	if len(info.Fingerprint) != 95 || strings.ToUpper(info.Fingerprint) != info.Fingerprint {
		t.Errorf("Fingerprint = %q", info.Fingerprint)
	}
	if !strings.Contains(info.Subject, "llmtap") {
		t.Errorf("Subject = %q", info.Subject)
	}
	info.Names[0], info.IPs[0] = "changed", netip.Addr{}
	if again := a.Info(); again.Names[0] != "api.openai.com" || again.IPs[0] != cfg.IPs[0] {
		t.Error("a caller can change the authority through Info")
	}
	for _, row := range []struct {
		name string
		left time.Duration
		want bool
	}{{"31 days", 31 * 24 * time.Hour, false}, {"29 days", 29 * 24 * time.Hour, true}, {"expired", -time.Hour, true}} {
		clock.set(info.NotAfter.Add(-row.left))
		if got := a.Info().ExpiresSoon; got != row.want {
			t.Errorf("%s: ExpiresSoon = %v, want %v", row.name, got, row.want)
		}
	}
}

func TestRefusesBadConfiguration(t *testing.T) {
	for name, change := range map[string]func(*ca.Config){
		"nothing permitted": func(c *ca.Config) { c.Names = nil },
		"leading dot":       func(c *ca.Config) { c.Names = []string{".openai.com"} },
		"wildcard":          func(c *ca.Config) { c.Names = []string{"*.openai.com"} },
		"upper case":        func(c *ca.Config) { c.Names = []string{"API.openai.com"} },
		"empty name":        func(c *ca.Config) { c.Names = []string{""} },
		"address as name":   func(c *ca.Config) { c.Names = []string{"10.0.0.1"} },
		"not ASCII":         func(c *ca.Config) { c.Names = []string{"münchen.example"} },
		"zone":              func(c *ca.Config) { c.IPs = addrs("fe80::1%eth0") },
		"zero address":      func(c *ca.Config) { c.IPs = []netip.Addr{{}} },
		"no directory":      func(c *ca.Config) { c.Dir = "" },
		"roots missing":     func(c *ca.Config) { c.SystemRoots = filepath.Join(c.Dir, "none.pem") },
	} {
		t.Run(name, func(t *testing.T) {
			cfg, _ := config(t)
			change(&cfg)
			if a, err := ca.Open(cfg); err == nil {
				t.Errorf("Open made an authority for %v, %v", a.Info().Names, a.Info().IPs)
			}
			if _, err := os.Stat(filepath.Join(cfg.Dir, "ca.key")); err == nil {
				t.Error("a key was written")
			}
		})
	}
}

func TestStartsOfSeveralProcessesAgree(t *testing.T) {
	cfg, _ := config(t)
	const n = 12
	prints := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			a, err := ca.Open(cfg)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			prints[i] = a.Info().Fingerprint
		})
	}
	wg.Wait()
	if len(slices.Compact(prints)) != 1 {
		t.Errorf("%d different authorities were loaded, want 1", len(slices.Compact(prints)))
	}
}

func TestLeftoversOfACrashAreCleared(t *testing.T) {
	cfg, _ := config(t)
	mustOpen(t, cfg)
	left := filepath.Join(cfg.Dir, ".tmp-ca.key-123")
	write(t, left, "half a key", 0o600)
	mustOpen(t, cfg)
	if _, err := os.Stat(left); err == nil {
		t.Error("the temporary file of a crashed process is still there")
	}
}
