package ca_test

import (
	"crypto/x509"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"llmtap/capture/ca"
)

// FuzzLeaf: whatever name a client sends, a leaf that is minted verifies under
// the constraints of its own authority for that very name, and a name that is
// not permitted gets none.
func FuzzLeaf(f *testing.F) {
	for _, seed := range []string{
		"api.openai.com", "API.OPENAI.COM.", "x.openai.azure.com", "*.openai.azure.com", "10.0.0.7", "[2001:db8::1]",
		"::ffff:10.0.0.7", "fe80::1%eth0", "", ".", "a..openai.azure.com", "xn--mnchen-3ya.openai.azure.com", "\x00.api.openai.com",
		"1.2.3.4.openai.azure.com", "0x7f.1", "api.openai.com/../x", "_x.openai.azure.com", "-.openai.azure.com",
	} {
		f.Add(seed)
	}
	a, err := ca.Open(ca.Config{
		Dir: filepath.Join(f.TempDir(), "ca"), Names: []string{"openai.azure.com", "api.openai.com"},
		IPs: addrs("10.0.0.7", "2001:db8::1"),
	})
	if err != nil {
		f.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(a.CertPEM()) {
		f.Fatal("CertPEM holds no certificate")
	}
	f.Fuzz(func(t *testing.T, name string) {
		cert, err := a.Leaf(t.Context(), name)
		if a.Permits(name) != (err == nil) {
			t.Fatalf("%q: Permits %v, Leaf %v", name, a.Permits(name), err)
		}
		if err != nil {
			if !errors.Is(err, ca.ErrNotPermitted) || len(err.Error()) > 4*253+200 {
				t.Fatalf("%q: Leaf = %v", name, err)
			}
			return
		}
		host := strings.TrimSuffix(strings.ToLower(name), ".")
		if _, err = cert.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: host}); err != nil {
			t.Fatalf("%q: the leaf does not verify: %v", name, err)
		}
		if n := len(cert.Leaf.DNSNames) + len(cert.Leaf.IPAddresses); n != 1 {
			t.Fatalf("%q: %d names in the leaf, want 1", name, n)
		}
	})
}
