package ca_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"llmtap/capture/ca"
)

func mustLeaf(t testing.TB, a *ca.Authority, name string) *tls.Certificate {
	t.Helper()
	c, err := a.Leaf(t.Context(), name)
	if err != nil {
		t.Fatalf("Leaf(%q): %v", name, err)
	}
	return c
}

func TestPermits(t *testing.T) {
	cfg, _ := config(t)
	cfg.IPs = addrs("10.0.0.7", "2001:db8::1")
	a := mustOpen(t, cfg)
	for _, row := range []struct {
		name string
		want bool
	}{
		{"api.openai.com", true},
		{"API.OpenAI.com.", true},
		{"x.openai.azure.com", true},
		{"a.b.openai.azure.com", true},
		{"openai.azure.com", true},
		{"my_host.openai.azure.com", true},
		{"10.0.0.7", true},
		{"::ffff:10.0.0.7", true},
		{"2001:db8::1", true},
		{"[2001:DB8:0::1]", true},
		{"openai.com", false},
		{"azure.com", false},
		{"notopenai.azure.com", false},
		{"api.openai.com.evil.example", false},
		{"api.openai.com..", false},
		{".api.openai.com", false},
		{"*.openai.azure.com", false},
		{"a..openai.azure.com", false},
		{"x y.openai.azure.com", false},
		{"x\x00.openai.azure.com", false},
		{"ü.openai.azure.com", false},
		{"-x.openai.azure.com", false},
		{strings.Repeat("x", 64) + ".openai.azure.com", false},
		{strings.Repeat("x.", 130) + "openai.azure.com", false},
		{"api.openai.com:443", false},
		{"user@api.openai.com", false},
		{"10.0.0.8", false},
		{"10.0.0.7:443", false},
		{"fe80::1%eth0", false},
		{"[]", false},
		{".", false},
		{"", false},
	} {
		if got := a.Permits(row.name); got != row.want {
			t.Errorf("Permits(%q) = %v, want %v", row.name, got, row.want)
		}
		_, err := a.Leaf(t.Context(), row.name)
		if got := err == nil; got != row.want {
			t.Errorf("Leaf(%q) = %v, want it to agree with Permits", row.name, err)
		}
		if err != nil && !errors.Is(err, ca.ErrNotPermitted) {
			t.Errorf("Leaf(%q) = %v, want ErrNotPermitted", row.name, err)
		}
	}
}

func TestLeafShape(t *testing.T) {
	cfg, _ := config(t)
	cfg.IPs = addrs("10.0.0.7", "2001:db8::1")
	a := mustOpen(t, cfg)
	for name, want := range map[string]string{
		"X.OpenAI.Azure.com.": "[x.openai.azure.com] []",
		"10.0.0.7":            "[] [10.0.0.7]",
		"[2001:db8::1]":       "[] [2001:db8::1]",
	} {
		cert := mustLeaf(t, a, name)
		c := cert.Leaf
		if got := fmt.Sprint(c.DNSNames, c.IPAddresses); got != want || len(c.URIs)+len(c.EmailAddresses) > 0 {
			t.Errorf("%s: alternative names = %s, want %s", name, got, want)
		}
		if c.Subject.CommonName != "" {
			t.Errorf("%s: common name = %q, want none", name, c.Subject.CommonName)
		}
		if key, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
			t.Errorf("%s: key = %T, want ECDSA P-256", name, c.PublicKey)
		}
		if len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth || c.KeyUsage != x509.KeyUsageDigitalSignature {
			t.Errorf("%s: usage = %v, %v", name, c.KeyUsage, c.ExtKeyUsage)
		}
		if c.IsCA || !c.BasicConstraintsValid {
			t.Errorf("%s: leaf could pass for an authority", name)
		}
		if n := c.SerialNumber.BitLen(); n != 128 {
			t.Errorf("%s: serial has %d bits, want 128", name, n)
		}
		if !c.NotBefore.Equal(start.Add(-time.Hour)) {
			t.Errorf("%s: NotBefore = %v, want an hour ago", name, c.NotBefore)
		}
		if life := c.NotAfter.Sub(c.NotBefore); life != 7*24*time.Hour {
			t.Errorf("%s: life = %v, want seven days", name, life)
		}
		if len(cert.Certificate) != 1 {
			t.Errorf("%s: chain of %d, want the leaf alone", name, len(cert.Certificate))
		}
	}
}

func TestMintsNeverShareKeys(t *testing.T) {
	serials, keys := map[string]bool{}, map[string]bool{}
	note := func(c *x509.Certificate) {
		t.Helper()
		if k := string(c.RawSubjectPublicKeyInfo); keys[k] {
			t.Fatalf("%v: this key was used before", c.DNSNames)
		} else {
			keys[k] = true
		}
		if s := c.SerialNumber.String(); serials[s] {
			t.Fatalf("%v: this serial was used before", c.DNSNames)
		} else {
			serials[s] = true
		}
	}
	for range 3 {
		cfg, clock := config(t)
		a := mustOpen(t, cfg)
		note(stored(t, cfg))
		for week := range 3 {
			clock.set(start.Add(time.Duration(week) * 7 * 24 * time.Hour))
			for i := range 30 {
				note(mustLeaf(t, a, fmt.Sprintf("h%d.openai.azure.com", i)).Leaf)
			}
		}
	}
	if want := 3 * (1 + 3*30); len(keys) != want {
		t.Errorf("%d keys, want %d", len(keys), want)
	}
}

func TestLeafIsRenewedAtHalfLife(t *testing.T) {
	cfg, clock := config(t)
	a := mustOpen(t, cfg)
	first := mustLeaf(t, a, "api.openai.com")
	half := start.Add(first.Leaf.NotAfter.Sub(start) / 2)
	clock.set(half.Add(-time.Second))
	if mustLeaf(t, a, "API.openai.com.") != first {
		t.Error("a young leaf was minted again")
	}
	clock.set(half)
	second := mustLeaf(t, a, "api.openai.com")
	if second == first {
		t.Error("the leaf was not renewed at half its life")
	}
	if got, want := a.Stats(), (ca.Stats{Minted: 2, Cached: 1}); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
}

func TestLeafNeverOutlivesAuthority(t *testing.T) {
	cfg, clock := config(t)
	a := mustOpen(t, cfg)
	end := a.Info().NotAfter
	clock.set(end.Add(-24 * time.Hour))
	if c := mustLeaf(t, a, "api.openai.com").Leaf; !c.NotAfter.Equal(end) {
		t.Errorf("leaf ends %v, authority %v", c.NotAfter, end)
	}
	clock.set(end.Add(time.Second))
	_, err := a.Leaf(t.Context(), "api.openai.com")
	if !errors.Is(err, ca.ErrExpired) || !strings.Contains(err.Error(), "llmtap ca rotate") {
		t.Errorf("Leaf of an expired authority = %v, want ErrExpired and the remedy", err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	cfg, _ := config(t)
	a := mustOpen(t, cfg)
	kept := mustLeaf(t, a, "kept.openai.azure.com")
	for i := range 1030 {
		mustLeaf(t, a, fmt.Sprintf("h%d.openai.azure.com", i))
		if i%100 == 0 && mustLeaf(t, a, "kept.openai.azure.com") != kept {
			t.Fatal("a leaf in use was evicted")
		}
	}
	if got, want := a.Stats(), (ca.Stats{Minted: 1031, Evicted: 7, Cached: 1024}); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
}

func TestSameNameAtOnceIsMintedOnce(t *testing.T) {
	cfg, _ := config(t)
	a := mustOpen(t, cfg)
	const callers, names = 64, 4
	got := make([]*tls.Certificate, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			c, err := a.Leaf(context.Background(), fmt.Sprintf("h%d.openai.azure.com", i%names))
			if err != nil {
				t.Errorf("Leaf: %v", err)
			}
			got[i] = c
		})
	}
	wg.Wait()
	for i := range callers {
		if got[i] != got[i%names] {
			t.Errorf("caller %d has another leaf than caller %d", i, i%names)
		}
	}
	if n := a.Stats().Minted; n != names {
		t.Errorf("minted %d leaves, want %d", n, names)
	}
}

func TestCancelledCallerGetsItsError(t *testing.T) {
	cfg, _ := config(t)
	a := mustOpen(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Leaf(ctx, "api.openai.com"); !errors.Is(err, context.Canceled) {
		t.Errorf("Leaf = %v, want context.Canceled", err)
	}
}

// forge mints a leaf with the stolen key, past every check of this package.
func forge(t *testing.T, cfg ca.Config, names []string, ips ...net.IP) *x509.Certificate {
	t.Helper()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, IPAddresses: ips,
		NotBefore: start.Add(-time.Hour), NotAfter: start.Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	key := stolenKey(t, cfg)
	der, err := x509.CreateCertificate(nil, tmpl, stored(t, cfg), key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// forgery is a leaf that whoever has the key could make.
type forgery struct {
	name  string
	names []string
	ips   []net.IP
	want  bool
}

func forgeries() []forgery {
	return []forgery{
		{"a permitted name", []string{"x.openai.azure.com"}, nil, true},
		{"the suffix itself", []string{"api.openai.com"}, nil, true},
		{"another name", []string{"www.example.org"}, nil, false},
		{"a sibling", []string{"platform.openai.com"}, nil, false},
		{"a name that ends alike", []string{"evilapi.openai.com"}, nil, false},
		{"a name beside a permitted one", []string{"api.openai.com", "www.example.org"}, nil, false},
		{"an address", nil, []net.IP{net.IPv4(192, 0, 2, 66).To4()}, false},
		{"an IPv6 address", nil, []net.IP{net.ParseIP("2001:db8::66")}, false},
		{"an address beside a permitted name", []string{"api.openai.com"}, []net.IP{net.IPv4(192, 0, 2, 66).To4()}, false},
	}
}

func TestStolenKeyIsWorthPermittedNamesOnly(t *testing.T) {
	for _, with := range []string{"", "10.0.0.7", "2001:db8::7"} {
		cfg, _ := config(t)
		if with != "" {
			cfg.IPs = addrs(with)
		}
		mustOpen(t, cfg)
		pool := x509.NewCertPool()
		pool.AddCert(stored(t, cfg))
		for _, f := range forgeries() {
			_, err := forge(t, cfg, f.names, f.ips...).Verify(x509.VerifyOptions{Roots: pool, CurrentTime: start})
			if got := err == nil; got != f.want {
				t.Errorf("permitted address %q, leaf for %s: verifies %v, want %v (%v)", with, f.name, got, f.want, err)
			}
		}
	}
}

func TestStolenKeyOfAddressesIsWorthNoName(t *testing.T) {
	cfg, _ := config(t)
	cfg.Names, cfg.IPs = nil, addrs("10.0.0.7")
	a := mustOpen(t, cfg)
	pool := x509.NewCertPool()
	pool.AddCert(stored(t, cfg))
	opts := x509.VerifyOptions{Roots: pool, CurrentTime: start}
	if _, err := forge(t, cfg, []string{"api.openai.com"}).Verify(opts); err == nil {
		t.Error("a name verifies although none is permitted")
	}
	opts.DNSName = "10.0.0.7"
	if _, err := mustLeaf(t, a, "10.0.0.7").Leaf.Verify(opts); err != nil {
		t.Errorf("the permitted address does not verify: %v", err)
	}
}

func TestClientWithBundleTrustsLeaf(t *testing.T) {
	cfg, _ := config(t)
	cfg.IPs = addrs("127.0.0.1")
	a := mustOpen(t, cfg)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(read(t, filepath.Join(cfg.Dir, "bundle.crt")))) {
		t.Fatal("bundle.crt has no certificate")
	}
	for _, name := range []string{"x.openai.azure.com", "api.openai.com", "127.0.0.1"} {
		cs, ss := net.Pipe()
		server := tls.Server(ss, &tls.Config{
			Time: cfg.Now, MinVersion: tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.Leaf(t.Context(), name) },
		})
		client := tls.Client(cs, &tls.Config{Time: cfg.Now, RootCAs: pool, ServerName: name, MinVersion: tls.VersionTLS12})
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := server.HandshakeContext(t.Context()); err != nil {
				t.Errorf("%s: server: %v", name, err)
			}
		})
		if err := client.HandshakeContext(t.Context()); err != nil {
			t.Errorf("%s: client: %v", name, err)
		}
		wg.Wait()
		cs.Close()
		ss.Close()
	}
}

func BenchmarkLeafMint(b *testing.B) {
	a := benchAuthority(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		mustLeaf(b, a, fmt.Sprintf("h%d.openai.azure.com", i))
	}
}

func BenchmarkLeafCached(b *testing.B) {
	a := benchAuthority(b)
	b.ReportAllocs()
	for b.Loop() {
		mustLeaf(b, a, "api.openai.com")
	}
}

func benchAuthority(b *testing.B) *ca.Authority {
	b.Helper()
	a, err := ca.Open(ca.Config{Dir: filepath.Join(b.TempDir(), "ca"), Names: []string{"openai.azure.com", "api.openai.com"}})
	if err != nil {
		b.Fatal(err)
	}
	return a
}
