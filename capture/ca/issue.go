package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"time"
)

const (
	// backdate is how far certificates reach back, for clocks that are late.
	backdate = time.Hour
	// leafLife is the whole span of a leaf, the hour before now included.
	leafLife = 7 * 24 * time.Hour
	// organization marks our certificates wherever a person meets them.
	organization = "llmtap"
)

// pair is an authority's key and certificate, and the scope inside it.
type pair struct {
	key   *ecdsa.PrivateKey
	cert  *x509.Certificate
	scope scope
}

// newPair makes an authority with a key that nothing else ever had.
func newPair(s scope, now time.Time) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("ca: make key: %w", err)
	}
	serial := newSerial()
	t := &x509.Certificate{
		SerialNumber: serial,
		// Two authorities in one bundle must differ by name: not every verifier
		// looks at key identifiers when it builds a chain.
		Subject: pkix.Name{
			Organization: []string{organization},
			CommonName:   "llmtap local authority " + hex.EncodeToString(serial.Bytes()[:4]),
		},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.AddDate(1, 0, 0).Add(-backdate),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	s.constrain(t)
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return pair{}, fmt.Errorf("ca: make certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return pair{}, fmt.Errorf("ca: read own certificate: %w", err)
	}
	return pair{key: key, cert: cert, scope: s}, nil
}

// mint makes the leaf for host, a name or an address in normal form that the
// scope permits. Its one subject alternative name is host; its subject has no
// common name, which verifiers would check against the constraints as a name.
func (p pair) mint(host string, now time.Time) (*tls.Certificate, error) {
	if now.After(p.cert.NotAfter) {
		return nil, fmt.Errorf("ca: mint leaf for %s: %w (%s); %s",
			host, ErrExpired, p.cert.NotAfter.Format(time.DateOnly), rotateRemedy)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("ca: make key of leaf for %s: %w", host, err)
	}
	from := now.Add(-backdate)
	t := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{Organization: []string{organization}},
		NotBefore:             latest(from, p.cert.NotBefore),
		NotAfter:              earliest(from.Add(leafLife), p.cert.NotAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		t.IPAddresses = []net.IP{ip.AsSlice()}
	} else {
		t.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, p.cert, key.Public(), p.key)
	if err != nil {
		return nil, fmt.Errorf("ca: mint leaf for %s: %w", host, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("ca: read leaf for %s: %w", host, err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// newSerial returns 128 bits, random but for the top one: that is set, so that
// the length never varies and zero cannot occur.
func newSerial() *big.Int {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24: it ends the program instead
	b[0] |= 0x80
	return new(big.Int).SetBytes(b[:])
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
