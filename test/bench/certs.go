package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// writeCert writes NAME.crt (leaf, then authority) and NAME.key.
func writeCert(dir, name string, cert tls.Certificate) error {
	var chain []byte
	for _, der := range cert.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return fmt.Errorf("bench: encode key: %w", err)
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return errors.Join(
		os.WriteFile(filepath.Join(dir, name+".crt"), chain, 0o600),
		os.WriteFile(filepath.Join(dir, name+".key"), private, 0o600))
}

// signingCA makes an authority for the stock MITM.
func signingCA(dir, name string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("bench: make authority: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "llmtap bench " + name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("bench: sign authority: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("bench: parse authority: %w", err)
	}
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	return cert, writeCert(dir, name, cert)
}

// oneCert keeps the leaves of the stock MITM, as its users are told to.
type oneCert struct {
	// mu guards certs; the benchmark asks for one name.
	mu    sync.Mutex
	certs map[string]*tls.Certificate
}

// Fetch returns the kept leaf or makes it.
func (o *oneCert) Fetch(host string, gen func() (*tls.Certificate, error)) (*tls.Certificate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.certs[host]; c != nil {
		return c, nil
	}
	c, err := gen()
	if err != nil {
		return nil, err
	}
	if o.certs == nil {
		o.certs = map[string]*tls.Certificate{}
	}
	o.certs[host] = c
	return c, nil
}
