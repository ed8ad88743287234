package ca_test

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func TestBundleJoinsSystemRootsAndAuthority(t *testing.T) {
	cfg, _ := config(t)
	mustOpen(t, cfg)
	bundle := filepath.Join(cfg.Dir, "bundle.crt")
	if !carries(t, cfg, certs(t, cfg.SystemRoots)[0]) || !carries(t, cfg, stored(t, cfg)) {
		t.Error("bundle lacks a system root or the authority")
	}
	before, err := os.Stat(bundle)
	if err != nil {
		t.Fatal(err)
	}
	mustOpen(t, cfg)
	if after, err := os.Stat(bundle); err != nil || !os.SameFile(before, after) {
		t.Errorf("an unchanged bundle was written again (%v)", err)
	}

	// The system got other roots since.
	old := certs(t, cfg.SystemRoots)[0]
	cfg.SystemRoots = writeRoots(t)
	mustOpen(t, cfg)
	if carries(t, cfg, old) || !carries(t, cfg, certs(t, cfg.SystemRoots)[0]) {
		t.Error("bundle does not follow the system's roots")
	}
}

func TestBundleIsMadeAnew(t *testing.T) {
	cfg, _ := config(t)
	mustOpen(t, cfg)
	bundle := filepath.Join(cfg.Dir, "bundle.crt")
	want := read(t, bundle)
	for name, spoil := range map[string]func() error{
		"removed":   func() error { return os.Remove(bundle) },
		"truncated": func() error { return os.Truncate(bundle, 10) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		mustOpen(t, cfg)
		if got := read(t, bundle); got != want {
			t.Errorf("%s: bundle is not made anew", name)
		}
	}
}

func TestSystemRootsAreFound(t *testing.T) {
	cfg, _ := config(t)
	roots := cfg.SystemRoots
	cfg.SystemRoots = ""

	t.Setenv("SSL_CERT_FILE", roots)
	if got := mustOpen(t, cfg).Info().RootsPath; got != roots {
		t.Errorf("RootsPath = %q, want that of SSL_CERT_FILE", got)
	}
	t.Setenv("SSL_CERT_FILE", filepath.Join(cfg.Dir, "bundle.crt"))
	if got := mustOpen(t, cfg).Info().RootsPath; got == os.Getenv("SSL_CERT_FILE") {
		t.Error("the bundle was read as the system's roots")
	}
	t.Setenv("SSL_CERT_FILE", filepath.Join(cfg.Dir, "none"))
	found := mustOpen(t, cfg).Info().RootsPath
	if found != "" {
		if n := len(certs(t, filepath.Join(cfg.Dir, "bundle.crt"))); n < 2 {
			t.Errorf("bundle carries %d certificates although %s has roots", n, found)
		}
	}
}

func TestBundleIsNoSourceOfItself(t *testing.T) {
	cfg, _ := config(t)
	mustOpen(t, cfg)
	link := filepath.Join(t.TempDir(), "link.pem")
	if err := os.Symlink(filepath.Join(cfg.Dir, "bundle.crt"), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(cfg.Dir, "bundle.crt"), link} {
		cfg.SystemRoots = path
		if err := openError(t, cfg); err == nil {
			t.Errorf("Open took %s as system roots", path)
		}
	}
	// A copy cannot be told, but our own certificate is not doubled by it.
	cfg.SystemRoots = filepath.Join(t.TempDir(), "copy.pem")
	write(t, cfg.SystemRoots, read(t, filepath.Join(cfg.Dir, "bundle.crt")), 0o644)
	mustOpen(t, cfg)
	if n := len(certs(t, filepath.Join(cfg.Dir, "bundle.crt"))); n != 2 {
		t.Errorf("bundle carries %d certificates, want 2", n)
	}
}

func TestRootsWithoutCertificateAreRefused(t *testing.T) {
	cfg, _ := config(t)
	write(t, cfg.SystemRoots, "no certificate", 0o644)
	if err := openError(t, cfg); err == nil {
		t.Error("Open took a file without certificates as system roots")
	}
}

func TestPlantedForerunnersAreNotTrusted(t *testing.T) {
	unconstrained, _ := selfSigned(t, func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.ExcludedIPRanges, c.PermittedDNSDomainsCritical = nil, nil, false
	})
	constrained, _ := selfSigned(t, func(*x509.Certificate) {})
	for name, row := range map[string]struct {
		der  []byte
		mode os.FileMode
		want int
	}{
		"one of ours":              {constrained, 0o644, 3},
		"file others may write":    {constrained, 0o666, 2},
		"unconstrained authority":  {unconstrained, 0o644, 2},
		"not a certificate at all": {[]byte("x"), 0o644, 2},
	} {
		cfg, _ := config(t)
		mustOpen(t, cfg)
		write(t, filepath.Join(cfg.Dir, "retired.crt"), string(encode("CERTIFICATE", row.der)), row.mode)
		mustOpen(t, cfg)
		if n := len(certs(t, filepath.Join(cfg.Dir, "bundle.crt"))); n != row.want {
			t.Errorf("%s: bundle carries %d certificates, want %d", name, n, row.want)
		}
	}
}
