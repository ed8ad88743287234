package ca_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"llmtap/capture/ca"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock that tests move by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// config is an authority for two suffixes and no address, in a new directory.
func config(t *testing.T) (ca.Config, *clock) {
	t.Helper()
	c := &clock{t: start}
	return ca.Config{
		Dir:         filepath.Join(t.TempDir(), "state", "ca"),
		Names:       []string{"openai.azure.com", "api.openai.com"},
		Now:         c.now,
		SystemRoots: writeRoots(t),
	}, c
}

// writeRoots writes a stand-in for the system's roots.
func writeRoots(t *testing.T) string {
	t.Helper()
	der, _ := selfSigned(t, func(*x509.Certificate) {})
	path := filepath.Join(t.TempDir(), "roots.pem")
	write(t, path, "# some system\n"+string(encode("CERTIFICATE", der)), 0o644)
	return path
}

func mustOpen(t *testing.T, cfg ca.Config) *ca.Authority {
	t.Helper()
	a, err := ca.Open(cfg)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return a
}

// selfSigned makes an authority as Open makes it, after change had its way.
func selfSigned(t *testing.T, change func(*x509.Certificate)) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber:                big.NewInt(7),
		Subject:                     pkix.Name{CommonName: "test authority"},
		NotBefore:                   start.Add(-time.Hour),
		NotAfter:                    start.AddDate(1, 0, 0),
		KeyUsage:                    x509.KeyUsageCertSign,
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"api.openai.com", "openai.azure.com"},
		ExcludedIPRanges:            ranges("0.0.0.0/0", "::/0"),
	}
	change(tmpl)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

// plant writes key and certificate as the authority of dir.
func plant(t *testing.T, dir string, der []byte, key any) {
	t.Helper()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ca.key"), string(encode("PRIVATE KEY", pkcs8)), 0o600)
	write(t, filepath.Join(dir, "ca.crt"), string(encode("CERTIFICATE", der)), 0o644)
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// stored reads the certificate of cfg.Dir.
func stored(t *testing.T, cfg ca.Config) *x509.Certificate {
	t.Helper()
	return certs(t, filepath.Join(cfg.Dir, "ca.crt"))[0]
}

// stolenKey reads the private key as a thief would.
func stolenKey(t *testing.T, cfg ca.Config) *ecdsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode([]byte(read(t, filepath.Join(cfg.Dir, "ca.key"))))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*ecdsa.PrivateKey)
}

// certs parses every certificate of a PEM file.
func certs(t *testing.T, path string) []*x509.Certificate {
	t.Helper()
	var out []*x509.Certificate
	rest := []byte(read(t, path))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
}

// carries reports whether the bundle of cfg.Dir holds c.
func carries(t *testing.T, cfg ca.Config, c *x509.Certificate) bool {
	t.Helper()
	for _, in := range certs(t, filepath.Join(cfg.Dir, "bundle.crt")) {
		if in.Equal(c) {
			return true
		}
	}
	return false
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func openError(t *testing.T, cfg ca.Config) error {
	t.Helper()
	_, err := ca.Open(cfg)
	return err
}
