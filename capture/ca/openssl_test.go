package ca_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestOpenSSLAgrees lets the verifier of Python, Node, curl and Ruby judge the
// same leaves as crypto/x509 does.
func TestOpenSSLAgrees(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on PATH")
	}
	verify := func(bundle, leaf string, more ...string) error {
		args := append([]string{"verify", "-no-CApath", "-no-CAstore", "-CAfile", bundle, "-purpose", "sslserver",
			"-x509_strict", "-attime", strconv.FormatInt(start.Unix(), 10)}, more...)
		out, err := exec.CommandContext(t.Context(), openssl, append(args, leaf)...).CombinedOutput()
		t.Logf("openssl %s: %s", strings.Join(more, " "), out)
		return err
	}
	leaf := filepath.Join(t.TempDir(), "leaf.pem")
	for _, with := range []string{"", "10.0.0.7"} {
		cfg, _ := config(t)
		if with != "" {
			cfg.IPs = addrs(with)
		}
		a := mustOpen(t, cfg)
		bundle := filepath.Join(cfg.Dir, "bundle.crt")

		write(t, leaf, string(encode("CERTIFICATE", mustLeaf(t, a, "x.openai.azure.com").Certificate[0])), 0o644)
		if err = verify(bundle, leaf, "-verify_hostname", "x.openai.azure.com"); err != nil {
			t.Errorf("our own leaf: %v", err)
		}
		if err = verify(bundle, leaf, "-verify_hostname", "y.openai.azure.com"); err == nil {
			t.Error("our leaf passes for another host")
		}
		if with != "" {
			write(t, leaf, string(encode("CERTIFICATE", mustLeaf(t, a, with).Certificate[0])), 0o644)
			if err = verify(bundle, leaf, "-verify_ip", with); err != nil {
				t.Errorf("our own leaf for an address: %v", err)
			}
		}
		for _, f := range forgeries() {
			write(t, leaf, string(encode("CERTIFICATE", forge(t, cfg, f.names, f.ips...).Raw)), 0o644)
			// Forged leaves lack key identifiers, so the strict mode is off.
			err := exec.CommandContext(t.Context(), openssl, "verify", "-no-CApath", "-no-CAstore", "-CAfile", bundle,
				"-attime", strconv.FormatInt(start.Unix(), 10), leaf).Run()
			if got := err == nil; got != f.want {
				t.Errorf("permitted address %q, leaf for %s: verifies %v, want %v", with, f.name, got, f.want)
			}
		}
	}
}

// TestOpenSSLFindsTheRightForerunner: two authorities in one bundle must not
// shadow each other.
func TestOpenSSLFindsTheRightForerunner(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl on PATH")
	}
	cfg, _ := config(t)
	old := mustOpen(t, cfg)
	cfg.Names = append(cfg.Names, "example.org")
	current := mustOpen(t, cfg)
	leaf := filepath.Join(t.TempDir(), "leaf.pem")
	for name, der := range map[string][]byte{
		"old":     mustLeaf(t, old, "api.openai.com").Certificate[0],
		"current": mustLeaf(t, current, "api.openai.com").Certificate[0],
	} {
		write(t, leaf, string(encode("CERTIFICATE", der)), 0o644)
		out, err := exec.CommandContext(t.Context(), openssl, "verify", "-CAfile", filepath.Join(cfg.Dir, "bundle.crt"),
			"-attime", strconv.FormatInt(start.Unix(), 10), leaf).CombinedOutput()
		if err != nil {
			t.Errorf("leaf of the %s authority: %v: %s", name, err, out)
		}
	}
}
