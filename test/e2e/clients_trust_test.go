//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"llmtap/internal/call"
)

// trusting are the clients that judge certificates each in their own way.
func trusting() []string {
	return []string{"openai-python-new", "openai-node", "openai-go", "curl-h1"}
}

// stolen signs a leaf with the authority's key as a thief of the key would:
// without asking the authority.
func stolen(t *testing.T, dir, host string) tls.Certificate {
	t.Helper()
	block := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, "ca", name))
		if err != nil {
			t.Fatal(err)
		}
		p, _ := pem.Decode(b)
		return p.Bytes
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block("ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := x509.ParseCertificate(block("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, key.Public(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf, ca.Raw}, PrivateKey: key}
}

// TestForeignLeafRefused: whoever steals the authority's key can sign for LLM
// hosts only; every client refuses what it signs for another name.
func TestForeignLeafRefused(t *testing.T) {
	id := newIdentity(t)
	a := behind(t, newInternet(t, id)) // makes the authority
	roots := filepath.Join(a.dir, "ca", "ca.crt")
	foreign := newInternet(t, identity{cert: stolen(t, a.dir, "other.test"), file: roots})
	permitted := newInternet(t, identity{cert: stolen(t, a.dir, "llm.test"), file: roots})
	refusals := map[string]string{
		"openai-python-new": "permitted subtree violation",
		"openai-node":       "permitted subtree violation",
		"openai-go":         "is not permitted by any constraint",
		"curl-h1":           "exit 60",
	}
	for _, name := range trusting() {
		t.Run(name, func(t *testing.T) {
			p := find(t, name)
			k := task{Name: "call", Kind: "foreign", Scenario: "ok-plain"}
			if got := p.play(t, directEnv(t, foreign), []task{k})[0].text; !strings.Contains(got, refusals[name]) || strings.Contains(got, "Owls") {
				t.Errorf("a leaf for a foreign name: %s; want %q", got, refusals[name])
			}
			k.Kind = "custom"
			if got := p.play(t, directEnv(t, permitted), []task{k})[0].text; !strings.Contains(got, "Owls hunt") {
				t.Errorf("the same for a permitted name, which must work: %s", got)
			}
		})
	}
}

// TestUntrusting: a client that does not trust the authority is not cut off.
// It fails, that is recorded, and then it is let through unseen.
func TestUntrusting(t *testing.T) {
	id := newIdentity(t)
	for _, name := range trusting() {
		t.Run(name, func(t *testing.T) {
			p, n := find(t, name), newInternet(t, id)
			a := behind(t, n)
			env := append(directEnv(t, n), "HTTPS_PROXY="+a.info.Proxy, "https_proxy="+a.info.Proxy) // trusts the internet alone
			const fails = 1                                                                          // Node too, which leaves without an alert
			k := task{Name: "call", Kind: "custom", Scenario: "ok-plain"}
			got := p.play(t, env, []task{k, k, k, k})
			for i, o := range got {
				if worked := strings.Contains(o.text, "Owls hunt"); worked != (i >= fails) {
					t.Errorf("call %d: worked %v, want the first %d to fail and the others to work: %s", i+1, worked, fails, o.text)
				}
			}
			for _, r := range recordsOf(t, a, fails) {
				if r.End.Side != call.SideClient || r.End.Kind != call.EndTLS || r.Diagnosis.Class != call.ClassTLSUntrusted || r.Target.Host != "llm.test" {
					t.Errorf("record: end %v/%v, class %v, host %s; want client/tls, tls_untrusted, llm.test", r.End.Side, r.End.Kind, r.Diagnosis.Class, r.Target.Host)
				}
			}
			if _, body := a.get("/api/v1/tunnels"); !strings.Contains(body, `"reason":"distrust"`) || !strings.Contains(body, "llmtap env") {
				t.Errorf("tunnels: %s; want the reason and the remedy", body)
			}
		})
	}
}
