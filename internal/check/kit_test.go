package check

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pathTo is the way that the tests take: real sockets, names from a table.
func pathTo(names map[string][]string) Path {
	return Path{
		Lookup: func(_ context.Context, host string) ([]string, error) {
			if addrs, ok := names[host]; ok {
				return addrs, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		},
		Dial: (&net.Dialer{}).DialContext, Now: time.Now,
	}
}

// walk checks the path to a URL.
func walk(t *testing.T, p Path, url string) ([]Line, bool) {
	t.Helper()
	e, err := Parse(url, Names{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []Line
	through := p.check(t.Context(), e, func(l Line) { lines = append(lines, l) })
	return lines, through
}

// issued is a certificate for names, valid in the span, and the pool that
// trusts its issuer.
func issued(t *testing.T, from, to time.Time, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	make509 := func(tmpl, parent *x509.Certificate, pub any, signer *ecdsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, signer)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Corp Root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: from.Add(-time.Hour), NotAfter: to.Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	rootCert := make509(root, root, &key.PublicKey, key)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, DNSNames: names, NotBefore: from, NotAfter: to}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		}
	}
	cert := make509(leaf, rootCert, &key.PublicKey, key)
	pool := x509.NewCertPool()
	pool.AddCert(rootCert)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}, pool
}

// secured serves TLS with a certificate and returns HOST:PORT.
func secured(t *testing.T, cert tls.Certificate) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// proxyThat answers every CONNECT with a head and closes.
func proxyThat(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = head(c)
			_, _ = c.Write([]byte(answer))
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}
