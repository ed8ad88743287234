package ca_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmtap/capture/ca"
)

// spoil is one way in which a stored authority can be unusable.
type spoil struct {
	name   string
	do     func(t *testing.T, dir string)
	kind   error
	remedy string
	// retired: Rotate may keep the old certificate in the bundle.
	retired bool
}

func chmod(file string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := os.Chmod(filepath.Join(dir, file), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func content(file, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { write(t, filepath.Join(dir, file), text, 0o600) }
}

func remove(file string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
}

// planted replaces the authority by one with a changed certificate.
func planted(change func(*x509.Certificate)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		der, key := selfSigned(t, change)
		plant(t, dir, der, key)
	}
}

func spoils() []spoil {
	const rotate = "llmtap ca rotate"
	key := func(c elliptic.Curve) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			k, err := ecdsa.GenerateKey(c, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			der, _ := selfSigned(t, func(*x509.Certificate) {})
			plant(t, dir, der, k)
		}
	}
	return []spoil{
		{"key readable by group", chmod("ca.key", 0o640), ca.ErrUnsafeKey, "chmod 600 ", false},
		{"key readable by others", chmod("ca.key", 0o604), ca.ErrUnsafeKey, "chmod 600 ", false},
		{"key writable by group", chmod("ca.key", 0o620), ca.ErrUnsafeKey, "chmod 600 ", false},
		{"key without certificate", remove("ca.crt"), ca.ErrDamaged, rotate, false},
		{"certificate without key", remove("ca.key"), ca.ErrDamaged, rotate, true},
		{"empty key", content("ca.key", ""), ca.ErrDamaged, rotate, true},
		{"half a key", content("ca.key", "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG"), ca.ErrDamaged, rotate, true},
		{"garbage in the key", content("ca.key", string(encode("PRIVATE KEY", []byte("garbage")))), ca.ErrDamaged, rotate, true},
		{"two keys", content("ca.key", strings.Repeat(string(encode("PRIVATE KEY", []byte("x"))), 2)), ca.ErrDamaged, rotate, true},
		{"a certificate as key", content("ca.key", string(encode("CERTIFICATE", []byte("x")))), ca.ErrDamaged, rotate, true},
		{"giant key", content("ca.key", strings.Repeat("x", 1<<20)), ca.ErrDamaged, rotate, true},
		{"empty certificate", content("ca.crt", ""), ca.ErrDamaged, rotate, false},
		{"garbage in the certificate", content("ca.crt", string(encode("CERTIFICATE", []byte("x")))), ca.ErrDamaged, rotate, false},
		{"key of another certificate", key(elliptic.P256()), ca.ErrDamaged, rotate, true},
		{"other curve", key(elliptic.P384()), ca.ErrDamaged, rotate, true},
		{"RSA, as of a stock authority", plantRSA, ca.ErrDamaged, rotate, true},
		{"no authority", planted(func(c *x509.Certificate) { c.IsCA, c.MaxPathLenZero = false, false }), ca.ErrDamaged, rotate, false},
		{"may make authorities", planted(func(c *x509.Certificate) { c.MaxPathLenZero = false }), ca.ErrDamaged, rotate, false},
		{"may not sign", planted(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }), ca.ErrDamaged, rotate, false},
		{"unconstrained", planted(func(c *x509.Certificate) {
			c.PermittedDNSDomains, c.ExcludedIPRanges, c.PermittedDNSDomainsCritical = nil, nil, false
		}), ca.ErrDamaged, rotate, false},
		{"constraints not critical", planted(func(c *x509.Certificate) { c.PermittedDNSDomainsCritical = false }), ca.ErrDamaged, rotate, false},
		{"addresses unconstrained", planted(func(c *x509.Certificate) { c.ExcludedIPRanges = nil }), ca.ErrDamaged, rotate, false},
		{"IPv6 unconstrained", planted(func(c *x509.Certificate) { c.ExcludedIPRanges = ranges("0.0.0.0/0") }), ca.ErrDamaged, rotate, false},
		{"names unconstrained", planted(func(c *x509.Certificate) { c.PermittedDNSDomains = nil }), ca.ErrDamaged, rotate, false},
		{"every name permitted", planted(func(c *x509.Certificate) { c.PermittedDNSDomains = []string{""} }), ca.ErrDamaged, rotate, false},
		{"a range permitted", planted(func(c *x509.Certificate) {
			c.ExcludedIPRanges, c.PermittedIPRanges = nil, ranges("10.0.0.0/8")
		}), ca.ErrDamaged, rotate, false},
		{"expired", planted(func(c *x509.Certificate) { c.NotAfter = start.Add(-time.Minute) }), ca.ErrExpired, rotate, false},
		{"from the future", planted(func(c *x509.Certificate) { c.NotBefore = start.Add(time.Hour) }), ca.ErrDamaged, "clock", false},
	}
}

func plantRSA(t *testing.T, dir string) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := selfSigned(t, func(*x509.Certificate) {})
	plant(t, dir, der, k)
}

func TestUnusableAuthorityIsRefusedAndRotateMends(t *testing.T) {
	for _, row := range spoils() {
		t.Run(row.name, func(t *testing.T) {
			cfg, _ := config(t)
			mustOpen(t, cfg)
			row.do(t, cfg.Dir)
			before := snapshot(t, cfg.Dir)

			_, err := ca.Open(cfg)
			var typed *ca.Error
			if !errors.Is(err, row.kind) || !errors.As(err, &typed) {
				t.Fatalf("Open = %v, want an *Error of kind %v", err, row.kind)
			}
			if !strings.Contains(err.Error(), row.remedy) || !strings.Contains(err.Error(), cfg.Dir) {
				t.Errorf("Open = %q, want path and %q in it", err, row.remedy)
			}
			if errors.Is(err, ca.ErrUnsafeKey) && errors.Is(err, ca.ErrDamaged) {
				t.Errorf("%v is of two kinds", err)
			}
			if after := snapshot(t, cfg.Dir); after != before {
				t.Error("a refused start changed files")
			}

			var old *x509.Certificate
			if row.retired {
				old = stored(t, cfg)
			}
			if _, err = ca.Rotate(cfg); err != nil {
				t.Fatalf("Rotate: %v", err)
			}
			if n := len(certs(t, filepath.Join(cfg.Dir, "bundle.crt"))); n != 2 && !row.retired {
				t.Errorf("bundle carries %d certificates, want a root and the new authority", n)
			}
			if row.retired && !carries(t, cfg, old) {
				t.Error("bundle lost the old certificate")
			}
			if mustOpen(t, cfg).Reissued() {
				t.Error("the rotated authority does not load")
			}
		})
	}
}

// snapshot is the names, modes and contents of the files that count.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, f := range []string{"ca.key", "ca.crt"} {
		if info, err := os.Stat(filepath.Join(dir, f)); err == nil {
			b.WriteString(info.Mode().String() + read(t, filepath.Join(dir, f)))
		}
	}
	return b.String()
}

func TestExpiredIsAKindOfDamaged(t *testing.T) {
	if !errors.Is(ca.ErrExpired, ca.ErrDamaged) {
		t.Error("who handles ErrDamaged must see an expired authority too")
	}
}

func TestKeyTextStaysOutOfErrors(t *testing.T) {
	cfg, _ := config(t)
	mustOpen(t, cfg)
	write(t, filepath.Join(cfg.Dir, "ca.key"), string(encode("PRIVATE KEY", []byte("CANARY-9f86d081"))), 0o600)
	if _, err := ca.Open(cfg); err == nil || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("Open = %v, want an error that does not quote the key", err)
	}
}

func TestKeyOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	for _, file := range []string{"ca.key", ""} {
		cfg, _ := config(t)
		mustOpen(t, cfg)
		if err := os.Chown(filepath.Join(cfg.Dir, file), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if _, err := ca.Open(cfg); !errors.Is(err, ca.ErrUnsafeKey) || !strings.Contains(err.Error(), "65534") {
			t.Errorf("Open with %q of user 65534 = %v, want ErrUnsafeKey", file, err)
		}
	}
}

func TestDirectoryThatOthersMayWriteIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o770, 0o707, 0o777 | os.ModeSticky} {
		cfg, _ := config(t)
		mustOpen(t, cfg)
		if err := os.Chmod(cfg.Dir, mode); err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string]func(ca.Config) (*ca.Authority, error){"Open": ca.Open, "Rotate": ca.Rotate} {
			if _, err := f(cfg); !errors.Is(err, ca.ErrUnsafeKey) || !strings.Contains(err.Error(), "chmod 700 ") {
				t.Errorf("%s in a directory of mode %v = %v, want ErrUnsafeKey", name, mode, err)
			}
		}
	}
}

func TestStateThatCannotBeADirectory(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"a file in its place": func(t *testing.T, dir string) { write(t, dir, "", 0o600) },
		"key is a directory": func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, "ca.key"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"bundle is a directory": func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, "bundle.crt"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, _ := config(t)
			if err := os.MkdirAll(filepath.Dir(cfg.Dir), 0o700); err != nil {
				t.Fatal(err)
			}
			spoil(t, cfg.Dir)
			if _, err := ca.Open(cfg); err == nil || !strings.Contains(err.Error(), cfg.Dir) {
				t.Errorf("Open = %v, want an error with the path", err)
			}
		})
	}
}
