package main

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"llmtap/capture"
	"llmtap/capture/ca"
)

type caCmd struct {
	Show   caShowCmd   `cmd:"" help:"Fingerprint, expiry and permitted names."`
	Export caExportCmd `cmd:"" help:"The certificate in PEM form."`
	Rotate caRotateCmd `cmd:"" help:"Make a new key and certificate; running clients must read the bundle again."`
}

type caShowCmd struct {
	where `embed:""`
}

type caExportCmd struct {
	where `embed:""`
}

type caRotateCmd struct {
	flags `embed:""`
}

// caConfig is the authority of a state directory for what policy intercepts.
func caConfig(stateDir string, policy capture.Policy) ca.Config {
	c := ca.Config{Dir: filepath.Join(stateDir, "ca")}
	for _, h := range policy.Intercept {
		if ip, err := netip.ParseAddr(h.Host); err == nil {
			c.IPs = append(c.IPs, ip)
		} else {
			c.Names = append(c.Names, h.Host)
		}
	}
	return c
}

// Run prints what the authority may vouch for.
func (c *caShowCmd) Run(env environment) error {
	info, _, err := ca.Inspect(filepath.Join(c.dir(env), "ca"))
	if err != nil {
		return fmt.Errorf("%w; an authority is made at the first `llmtap run` or `llmtap exec`", err)
	}
	s := &sheet{w: env.stdout, p: colours(env)}
	s.line("subject", "%s", info.Subject)
	s.line("sha-256", "%s", info.Fingerprint)
	s.line("valid until", "%s", info.NotAfter.Format("2006-01-02"))
	if info.ExpiresSoon {
		s.line("", "expires soon: llmtap ca rotate")
	}
	s.line("certificate", "%s", info.CertPath)
	s.line("bundle", "%s", info.BundlePath)
	s.line("permitted", "%d names and %d addresses, and nothing else:", len(info.Names), len(info.IPs))
	for _, n := range info.Names {
		s.line("", "%s", n)
	}
	for _, ip := range info.IPs {
		s.line("", "%s", ip.String())
	}
	return s.err
}

// Run prints the certificate.
func (c *caExportCmd) Run(env environment) error {
	_, cert, err := ca.Inspect(filepath.Join(c.dir(env), "ca"))
	if err != nil {
		return err
	}
	_, err = env.stdout.Write(cert)
	return err
}

// Run replaces the authority for the hosts that flags and file name.
func (c *caRotateCmd) Run(env environment) error {
	s, err := c.load(env)
	if err != nil {
		return err
	}
	if err := openStateDir(s.stateDir); err != nil {
		return err
	}
	a, err := ca.Rotate(caConfig(s.stateDir, s.policy))
	if err != nil {
		return err
	}
	info := a.Info()
	_, err = fmt.Fprintf(env.stdout, `new authority, valid until %s
  sha-256 %s
  a running agent uses it after a restart
  clients started before must be restarted: they read %s once
`, info.NotAfter.Format("2006-01-02"), info.Fingerprint, info.BundlePath)
	return err
}

// chainPEM is the authority's certificate of a throw-away chain.
func chainPEM(c tls.Certificate) []byte {
	last := c.Certificate[len(c.Certificate)-1]
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: last})
}

func reissueNotice(bundle string) string {
	return strings.TrimSpace("the intercepted hosts changed, so there is a new authority: restart clients that were started before (they read " + bundle + " once)")
}
