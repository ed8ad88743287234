package check

import (
	"crypto/x509"
	"strings"
	"time"
)

// certificate judges what a server presented; chain is not empty.
func (p Path) certificate(chain []*x509.Certificate, host string) []Line {
	leaf, now := chain[0], p.Now()
	pool := x509.NewCertPool()
	for _, c := range chain[1:] {
		pool.AddCert(c)
	}
	at := now // the chain is judged apart from its dates
	if now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		at = leaf.NotAfter.Add(-time.Second)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: p.Roots, Intermediates: pool, CurrentTime: at})
	issuer := issuerOf(chain[len(chain)-1])
	var lines []Line
	switch {
	case err == nil:
		lines = append(lines, ok(lineChain, "issued by %s, trusted through %s", issuerOf(leaf), subjectOf(chains[0][len(chains[0])-1])))
	case strings.HasPrefix(issuer, "llmtap local authority"):
		lines = append(lines, notOK(lineChain, "The call goes through an llmtap: check the service without its variables, or trust its bundle.", "issued by %s", issuer))
	default:
		lines = append(lines, notOK(lineChain, "If a company proxy issues certificates, or the service has its own authority, give its root in PEM form: --upstream-ca FILE (clients: SSL_CERT_FILE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS).",
			"issued by %s, which this machine does not trust: %s", issuer, cause(err)))
	}
	if err := leaf.VerifyHostname(host); err != nil {
		lines = append(lines, notOK(lineName, "Use a name of the certificate, or ask the service's owner for one that covers "+host+".", "%s", cause(err)))
	} else {
		lines = append(lines, ok(lineName, "covers %s", host))
	}
	return append(lines, dates(leaf, now))
}

func dates(leaf *x509.Certificate, now time.Time) Line {
	day := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch left := leaf.NotAfter.Sub(now); {
	case left < 0:
		return notOK(lineDates, "The service's owner must renew it; check this machine's clock too.", "expired on %s", day)
	case now.Before(leaf.NotBefore):
		return notOK(lineDates, "Check this machine's clock.", "not valid before %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	case left < 14*24*time.Hour:
		return ok(lineDates, "expires in %d days, on %s", int(left.Hours()/24), day).hint("Ask the service's owner whether it is renewed by itself.")
	}
	return ok(lineDates, "valid until %s", day)
}

func issuerOf(c *x509.Certificate) string { return name(c.Issuer.CommonName, c.Issuer.Organization) }

func subjectOf(c *x509.Certificate) string { return name(c.Subject.CommonName, c.Subject.Organization) }

func name(common string, organization []string) string {
	if common == "" && len(organization) > 0 {
		common = organization[0]
	}
	if common == "" {
		return "somebody without a name"
	}
	return common
}
